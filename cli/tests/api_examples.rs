//! The examples in the API's document are what the program answers: they are asked anew, with what changes from run to run
//! put in one form.

mod support;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use support::{Server, root, run, workspace};

const POLICIES: &str = include_str!("api_examples/policies.ordain");

/// A conversation with a server, and what of it is an example.
struct Recorder {
    server: Server,
    /// When the first decision was taken.
    begun: Timestamp,
    examples: Map<String, Value>,
    /// Identities and digests that are drawn anew in each run, in the order in which they came.
    drawn: BTreeMap<String, String>,
}

impl Recorder {
    /// Asks, and keeps both as the example of this operation.
    fn ask(&mut self, operation: &str, method: &str, path: &str, who: &str, body: &Value) -> Value {
        let request = (!body.is_null()).then(|| body.to_string().into_bytes());
        let answer = self.exchange(method, path, who, "application/json", &request.unwrap_or_default());
        let mut example = Map::new();
        if !body.is_null() {
            example.insert("request".to_owned(), self.in_one_form(body));
        }
        example.insert("answer".to_owned(), self.in_one_form(&answer));
        self.examples.insert(operation.to_owned(), example.into());
        answer
    }

    /// The same of what is only read.
    fn get(&mut self, operation: &str, path: &str) -> Value {
        self.ask(operation, "GET", path, "ada", &Value::Null)
    }

    /// The answer to a request that succeeds.
    fn exchange(&self, method: &str, path: &str, who: &str, media_type: &str, body: &[u8]) -> Value {
        let mut stream = TcpStream::connect(self.server.address()).expect("it listens");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Ordain-Dev-User: {who}\r\n\
             Content-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        assert!(answer.starts_with("HTTP/1.1 2"), "{method} {path}: {answer}");
        serde_json::from_str(answer.split_once("\r\n\r\n").expect("a body").1).expect("JSON")
    }

    /// What is drawn or measured in each run anew, as if it were always the same.
    fn in_one_form(&mut self, value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.in_one_form(item)).collect(),
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| {
                    let value = match name.as_str() {
                        "avg_evaluation_ms" => json!(0.05),
                        "size" => json!(4_096),
                        "next_cursor" if value.is_string() => {
                            let parts = value.as_str().expect("a text").split('-');
                            parts
                                .map(|part| self.place_in_one_form(part))
                                .collect::<Vec<_>>()
                                .join("-")
                                .into()
                        }
                        _ => self.in_one_form(value),
                    };
                    (name.clone(), value)
                });
                Value::Object(fields.collect())
            }
            Value::String(text) => {
                let words = text.split_inclusive(|c: char| c.is_whitespace());
                words.map(|word| self.word_in_one_form(word)).collect::<String>().into()
            }
            other => other.clone(),
        }
    }

    /// A part of a cursor: an identity, an instant in microseconds, or a digest, as pairs of digits.
    fn place_in_one_form(&mut self, part: &str) -> String {
        let at = part.parse().ok().filter(|_| part.len() == 16);
        if let Some(at) = at.and_then(|at| Timestamp::from_microsecond(at).ok()) {
            return self.instant_in_one_form(at).as_microsecond().to_string();
        }
        if let Ok(id) = uuid::Uuid::try_parse(part) {
            return self.text_in_one_form(&id.to_string()).replace('-', "");
        }
        let byte = |at: usize| u8::from_str_radix(part.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..part.len()).step_by(2).map(byte).collect();
        match bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
            Some(text) if text.starts_with("blake3:") => {
                let bytes = self.text_in_one_form(&text).into_bytes();
                bytes.iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
            }
            _ => part.to_owned(),
        }
    }

    fn word_in_one_form(&mut self, word: &str) -> String {
        let text = word.trim_end_matches(|c: char| c.is_whitespace() || c == '.');
        let rest = &word[text.len()..];
        self.text_in_one_form(text) + rest
    }

    fn text_in_one_form(&mut self, text: &str) -> String {
        if let Ok(at) = text.parse::<Timestamp>() {
            return self.instant_in_one_form(at).to_string();
        }
        let number = self.drawn.len() + 1;
        // Identities of policies follow from their names.
        let is_drawn = uuid::Uuid::try_parse(text).is_ok_and(|id| [4, 7].contains(&id.get_version_num()));
        if is_drawn {
            let form = || format!("019ccd35-0000-7000-8000-{number:012x}");
            return self.drawn.entry(text.to_owned()).or_insert_with(form).clone();
        }
        if text.starts_with("blake3:") {
            let form = || format!("blake3:{}", format!("{number:02x}").repeat(32));
            return self.drawn.entry(text.to_owned()).or_insert_with(form).clone();
        }
        text.to_owned()
    }

    /// Of the days around this one, midnights stay midnights; other instants are so many times five minutes after the beginning
    /// as they are nearest to.
    fn instant_in_one_form(&self, at: Timestamp) -> Timestamp {
        let day = |at: Timestamp| at.as_second().div_euclid(86_400);
        if (day(at) - day(self.begun)).abs() > 1 {
            return at;
        }
        let today: Timestamp = "2026-03-02T00:00:00Z".parse().expect("an instant");
        if at.as_second() % 86_400 == 0 && at.subsec_nanosecond() == 0 {
            return today + SignedDuration::from_hours(24 * (day(at) - day(self.begun)));
        }
        let fives = (at.duration_since(self.begun).as_secs() + 150).div_euclid(300);
        today + SignedDuration::from_hours(11) + SignedDuration::from_mins(5 * fives)
    }
}

fn id(answer: &Value) -> String {
    answer["id"].as_str().expect("has an id").to_owned()
}

/// The identity of the policy of this name in a list.
fn named(list: &Value, name: &str) -> String {
    let items = list["items"].as_array().expect("a list");
    id(items.iter().find(|item| item["name"] == name).unwrap_or_else(|| panic!("{name} in {list}")))
}

fn bundle(folder: &tempfile::TempDir, policies: &str) -> std::path::PathBuf {
    let place = folder.path().join("workspace");
    std::fs::create_dir_all(&place).expect("a folder");
    std::fs::write(place.join("ordain.yaml"), "name: acme\nlanguage: \"1\"\n").expect("a file");
    std::fs::write(place.join("policies.ordain"), policies).expect("a file");
    let file = folder.path().join("acme.ordain-bundle");
    run(["build".as_ref(), place.as_os_str(), "-o".as_ref(), file.as_os_str()]).expect_code(0);
    file
}

/// Decisions, and what is left of them.
fn decide(it: &mut Recorder) {
    let first = json!({ "path": "acme/support/mailer", "dry_run": true }).to_string();
    let first = it.exchange("POST", "/api/v1/decisions", "mailer", "application/json", first.as_bytes());
    it.begun = first["at"].as_str().expect("an instant").parse().expect("an instant");
    let asked = json!({
        "path": "acme/support/mailer", "provider": "anthropic", "facts": { "tool.name": "mail.send" },
        "usage": { "cost": { "USD": "0.25" }, "tokens": 1_200 }, "reserve": true, "request_id": "conversation-17"
    });
    let held = id(&it.ask("decide", "POST", "/api/v1/decisions", "mailer", &asked));
    let real = json!({ "usage": { "cost": { "USD": "0.19" }, "tokens": 950 } });
    it.ask("settle_decision", "POST", &format!("/api/v1/decisions/{held}/settle"), "mailer", &real);
    let mut another = asked;
    another["request_id"] = "conversation-18".into();
    let body = another.to_string();
    let held = id(&it.exchange("POST", "/api/v1/decisions", "mailer", "application/json", body.as_bytes()));
    it.ask("release_decision", "POST", &format!("/api/v1/decisions/{held}/release"), "mailer", &Value::Null);
    let seen = json!({
        "violation_type": "cost", "source": "cost", "severity": 0.8, "policy_name": "acme.support.company-spend",
        "path": "acme/support/mailer", "run_id": "run-4711", "description": "one conversation cost 12 USD"
    });
    it.ask("record_violations", "POST", "/api/v1/violations", "accounting", &seen);
}

/// What there is to read of policies.
fn read(it: &mut Recorder) {
    let policies = "/api/v1/policies";
    let rules = it.get("list_policy_rules", &format!("{policies}/rules?rule_type=SAFETY"));
    let rule = named(&rules, "acme.support.no-mass-mail");
    it.get("get_policy_rule_detail", &format!("{policies}/rules/{rule}"));
    it.get("get_rule_evidence", &format!("{policies}/rules/{rule}/evidence"));
    it.get("list_limits", &format!("{policies}/limits?limit_type=TOKENS_*"));
    let budgets = it.get("list_budgets", &format!("{policies}/budgets?scope=TENANT"));
    let limit = named(&budgets, "acme.support.company-spend");
    it.get("get_limit_detail", &format!("{policies}/limits/{limit}"));
    it.get("get_limit_evidence", &format!("{policies}/limits/{limit}/evidence"));
    it.get("list_policy_conflicts", &format!("{policies}/conflicts?severity=WARNING"));
    it.get("get_policy_dependencies", &format!("{policies}/dependencies"));
    it.get("list_policy_violations", &format!("{policies}/violations?source=cost"));
    it.get("list_panels", "/api/v1/panels");
    it.get("get_panel", "/api/v1/panels/POL-LIM-VIO-O2");
    it.get("get_panel_health", "/api/v1/panels/health");
    it.get("list_capabilities", "/api/v1/capabilities");
    for probe in ["healthz", "readyz"] {
        it.get(probe, &format!("/{probe}"));
    }
}

/// What people decide.
fn govern(it: &mut Recorder) {
    let (proposals, none) = ("/api/v1/policy-proposals", Value::Null);
    let text = "package acme.support\n\nuse std.facts.*\n\n/// No attachments to strangers.\nrule no-attachments {\n  \
                type safety\n  enforce block\n  scope project acme/support\n  when tool.name == \"mail.attach\"\n}\n";
    let draft = json!({ "title": "no attachments", "rationale": "two leaks last week", "text": text });
    let made = id(&it.ask("create_policy_proposal", "POST", proposals, "ada", &draft));
    let milder = text.replace("enforce block", "enforce warn");
    let revision = json!({ "version": 1, "text": milder, "note": "warn first" });
    it.ask("add_proposal_version", "POST", &format!("{proposals}/{made}/versions"), "ada", &revision);
    it.get("list_policy_proposals", &format!("{proposals}?status=draft"));
    it.get("list_policy_requests", "/api/v1/policies/requests");
    it.get("get_policy_proposal", &format!("{proposals}/{made}"));
    it.get("list_proposal_versions", &format!("{proposals}/{made}/versions"));
    it.get("list_policy_versions", &format!("{proposals}/versions?current=true"));
    let fine = json!({ "version": 2, "notes": "as agreed" });
    it.ask("approve_policy_proposal", "POST", &format!("{proposals}/{made}/approve"), "bob", &fine);
    let second = draft.to_string();
    let second = id(&it.exchange("POST", proposals, "ada", "application/json", second.as_bytes()));
    let no = json!({ "version": 1, "reason": "we have just agreed on a warning" });
    it.ask("reject_policy_proposal", "POST", &format!("{proposals}/{second}/reject"), "bob", &no);
    it.get("proposal_stats", &format!("{proposals}/stats/summary"));

    let conflicts = it.exchange("GET", "/api/v1/policies/conflicts", "bob", "application/json", &[]);
    let conflict = id(&conflicts["items"][0]);
    let reason = json!({ "reason": "the team's budget is raised next month" });
    let path = format!("/api/v1/policies/conflicts/{conflict}/acknowledge");
    it.ask("acknowledge_conflict", "POST", &path, "bob", &reason);
    let rules = it.exchange("GET", "/api/v1/policies/rules", "bob", "application/json", &[]);
    let rule = named(&rules, "acme.support.mail-record");
    it.ask("delete_policy_rule", "DELETE", &format!("/api/v1/policies/rules/{rule}"), "bob", &none);
    let seen = json!({ "scenario": "cost incidents", "capabilities": ["policies.cost_violations"] });
    it.ask("observe_capabilities", "POST", "/api/v1/capabilities/observations", "nightly", &seen);
    it.get("audit_log", "/api/v1/audit-log?limit=2");
}

/// Events, and what people make of them.
fn learn(it: &mut Recorder) {
    let lessons = "/api/v1/lessons";
    let incident = json!({
        "severity": "HIGH", "title": "mails went to the wrong people", "error_code": "E42", "run_id": "run-4711",
        "path": "acme/support/mailer"
    });
    it.ask("record_incidents", "POST", "/api/v1/incidents", "worker", &incident);
    let run = json!({
        "run_id": "run-4712", "path": "acme/support/mailer", "status": "succeeded", "duration_ms": 61_000,
        "usage": [{ "metric": "acme.support.conversation", "used": 18_600, "limit": 20_000 }]
    });
    it.ask("record_runs", "POST", "/api/v1/runs", "worker", &run);
    let failed = json!({ "run_id": "run-4713", "status": "failed", "error_code": "E7" }).to_string();
    it.exchange("POST", "/api/v1/runs", "worker", "application/json", failed.as_bytes());
    let found = it.get("list_lessons", &format!("{lessons}?status=pending"));
    let of = |run: &str| {
        let items = found["items"].as_array().expect("a list");
        id(items.iter().find(|item| item["source_run_id"] == run).expect("was learned"))
    };
    it.get("get_lesson", &format!("{lessons}/{}", of("run-4711")));
    it.ask("convert_lesson", "POST", &format!("{lessons}/{}/convert", of("run-4711")), "ada", &json!({}));
    let later = json!({ "defer_until": (it.begun + SignedDuration::from_hours(2)).to_string() });
    it.ask("defer_lesson", "POST", &format!("{lessons}/{}/defer", of("run-4712")), "ada", &later);
    let reason = json!({ "reason": "the network was down" });
    it.ask("dismiss_lesson", "POST", &format!("{lessons}/{}/dismiss", of("run-4713")), "ada", &reason);
    it.get("get_lesson_stats", &format!("{lessons}/stats"));
}

#[test]
fn examples_in_the_document_are_what_a_server_answers() {
    let folder = workspace(&[]);
    let first = bundle(&folder, POLICIES);
    let database = format!("sqlite://{}", folder.path().join("a.db").display());
    let server = Server::start_with(&first, &database, &["--tenant", "acme"]);
    let (begun, examples) = (Timestamp::UNIX_EPOCH, Map::new());
    let mut it = Recorder { server, begun, examples, drawn: BTreeMap::new() };
    // The panels are looked at when the server starts, and then not for minutes.
    let all_seen = |health: &Value| {
        health["items"].as_array().expect("a list").iter().all(|it| !it["monitored"].is_null())
    };
    while !all_seen(&it.server.get("/api/v1/panels/health").1) {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    decide(&mut it);
    read(&mut it);
    govern(&mut it);
    learn(&mut it);
    let other = bundle(&folder, &POLICIES.replace("40.00 USD", "60.00 USD"));
    let other = std::fs::read(other).expect("is there");
    let kept = it.exchange("PUT", "/api/v1/bundles", "ada", "application/octet-stream", &other);
    let digest = kept["digest"].as_str().expect("its name").to_owned();
    let shown = json!({ "answer": it.in_one_form(&kept) });
    it.examples.insert("upload_bundle".to_owned(), shown);
    it.ask("activate_bundle", "POST", &format!("/api/v1/bundles/{digest}/activate"), "ada", &Value::Null);
    it.get("list_bundles", "/api/v1/bundles?limit=2");
    it.get("get_policy_state", "/api/v1/policies/state");
    // What decisions leave for the panels is written a moment later.
    let metrics = "/api/v1/policies/metrics";
    while it.exchange("GET", metrics, "ada", "application/json", &[])["total_evaluations"] != 2 {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    it.get("get_policy_metrics", metrics);
    let (_, problem) = it.server.get("/api/v1/policies/rules?status=RETIRD");
    let problem = it.in_one_form(&problem);
    it.examples.insert("problem".to_owned(), problem);

    let document: Value = serde_json::from_str(&it.server.text("/openapi.json")).expect("JSON");
    let operations = document["paths"].as_object().expect("paths").values();
    let operations = operations.flat_map(|path| path.as_object().expect("operations").values());
    let operations: Vec<&str> =
        operations.filter_map(|operation| operation["operationId"].as_str()).collect();
    // What has several addresses has one example.
    let plain = |id: &&str| id.trim_start_matches("policies_").trim_start_matches("policy_layer_").to_owned();
    let without: Vec<_> = operations.iter().filter(|id| !it.examples.contains_key(&plain(id))).collect();
    assert_eq!(without, [&"metrics", &"openapi"], "every operation that answers with JSON has an example");

    let found = serde_json::to_string_pretty(&it.examples).expect("JSON") + "\n";
    let file = root().join("runtime/src/http/examples.json");
    if std::env::var_os("ORDAIN_BLESS").is_some() {
        std::fs::write(&file, &found).expect("may be written");
    }
    let kept = std::fs::read_to_string(&file).expect("is there");
    assert!(
        kept == found,
        "{} is not what the server answers; if the change is meant, renew it with \
         `ORDAIN_BLESS=1 cargo test --workspace --test api_examples`, and then docs/openapi.json",
        file.display()
    );
}
