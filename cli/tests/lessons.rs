//! Lessons through the running program, with the real compiler and analyzer behind them: whatever an event says, what
//! it becomes compiles, contradicts nothing, and is active once another person has approved it.

mod support;

use serde_json::{Value, json};
use support::{Server, workspace};

const LESSONS: &str = "/api/v1/lessons";
const POLICIES: &str = "package acme

use std.facts.*

meter emails : count
fact ticket.open : bool

rule baseline { type safety  enforce block  scope tenant acme  when tool.name == \"drop \\\"all\\\"\" }
limit runs { type runs_daily rolling  at most 1_000  enforce block  scope tenant acme except project acme/sandbox  per agent }
limit cost { type cost_monthly  at most 12.50 USD  enforce block  scope project acme/\"a b\"  active mon..fri 09:00 .. 17:00 in Europe/Berlin }
limit mails { type emails_hourly  at most 40  enforce degrade  scope tenant ac*  when tool.name == \"drop \\\"all\\\"\" }
limit tickets { type tokens_daily  at most 900  enforce block  scope global  when ticket.open }
limit guarded { type tokens_per_run  at most 700  enforce block  scope global  when rule baseline }
limit warned { type runs_hourly  at most 100  enforce block  scope tenant acme  warn at 80% }
";

fn serving(folder: &tempfile::TempDir) -> (Server, tempfile::TempDir) {
    let policies = workspace(&[("ordain.yaml", "name: acme\nlanguage: \"1\"\n"), ("p.ordain", POLICIES)]);
    let database = format!("sqlite://{}", folder.path().join("a.db").display());
    (Server::start(policies.path(), &database), policies)
}

/// The lesson of an event that was just handed in.
fn learned(server: &Server, path: &str, event: &Value) -> Value {
    let (status, answer) = server.send("POST", path, "worker", event);
    assert_eq!((status, &answer["lessons"]), (201, &json!(1)), "{event}: {answer}");
    let id = answer["ids"][0].as_str().expect("an id");
    let (_, list) = server.get(&format!("{LESSONS}?limit=100"));
    let items = list["items"].as_array().expect("a list");
    let own = |item: &&Value| item["source_event_id"].as_str().is_some_and(|source| source.starts_with(id));
    items.iter().find(own).expect("is listed").clone()
}

/// Converts as one person, approves as another, and gives the text.
fn converted(server: &Server, lesson: &Value) -> String {
    let convert = format!("{LESSONS}/{}/convert", lesson["id"].as_str().expect("an id"));
    let (status, answer) = server.send("POST", &convert, "ada", &json!({}));
    assert_eq!(status, 200, "{lesson}: {answer}");
    let proposal = &answer["proposal"];
    assert_eq!(proposal["source"], "LEARNED");
    let approve = format!("/api/v1/policy-proposals/{}/approve", proposal["id"].as_str().expect("an id"));
    let (status, own) = server.send("POST", &approve, "ada", &json!({ "version": 1 }));
    assert_eq!((status, &own["code"]), (403, &json!("own_proposal")));
    let (mut status, mut done) = server.send("POST", &approve, "bob", &json!({ "version": 1 }));
    if done["code"] == "acknowledgement_required" {
        let ids: Vec<_> =
            done["conflicts"].as_array().expect("lists them").iter().map(|c| c["id"].clone()).collect();
        let accepted = json!({ "version": 1, "notes": "we know", "acknowledge": ids });
        (status, done) = server.send("POST", &approve, "bob", &accepted);
    }
    assert_eq!((status, &done["proposal"]["status"]), (200, &json!("approved")), "{proposal:#}: {done}");
    proposal["text"].as_str().expect("a text").to_owned()
}

fn learned_policies(server: &Server, kind: &str) -> Vec<Value> {
    let (_, list) = server.get(&format!("/api/v1/policies/{kind}?limit=100"));
    let items = list["items"].as_array().expect("a list").iter();
    items
        .filter(|item| item["name"].as_str().is_some_and(|name| name.starts_with("learned.")))
        .cloned()
        .collect()
}

fn near(metric: &str, used: u64, limit: u64) -> Value {
    json!({
        "run_id": format!("{metric}-{used}"), "status": "succeeded", "path": "acme/support/mailer",
        "usage": [{ "metric": metric, "used": used, "limit": limit }]
    })
}

#[test]
fn limits_near_their_bounds_become_limits_that_warn() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _policies) = serving(&folder);
    for (metric, used, wanted) in [
        ("acme.runs", 86, "type     runs_daily rolling\n  at most  850\n"),
        ("acme.cost", 91, "type     cost_monthly\n  at most  11.25 USD\n"),
        ("acme.mails", 96, "type     emails_hourly\n  at most  38\n"),
        ("acme.tickets", 90, "type     tokens_daily\n  at most  810\n"),
        ("acme.guarded", 85, "type     tokens_per_run\n  at most  595\n"),
        ("TOKENS_WEEKLY", 92, "type     tokens_weekly\n  at most  90\n"),
    ] {
        let before = learned_policies(&server, "limits").len();
        let text = converted(&server, &learned(&server, "/api/v1/runs", &near(metric, used, 100)));
        assert!(text.contains(wanted) && text.contains("enforce  warn"), "{metric}: {text}");
        let limits = learned_policies(&server, "limits");
        assert_eq!(limits.len(), before + 1, "{metric}: {text}");
        assert!(
            limits.iter().all(|limit| limit["source"] == "LEARNED" || limit.get("source").is_none()),
            "{limits:?}"
        );
    }
    let (_, detail) = server.get("/api/v1/policies/limits?limit=100");
    let of = |name: &str| {
        let items = detail["items"].as_array().expect("a list").iter();
        items
            .filter(|item| item["name"].as_str().is_some_and(|it| it.starts_with(name)))
            .cloned()
            .collect::<Vec<_>>()
    };
    let runs =
        of("learned.near-85").into_iter().find(|it| it["limit_type"] == "RUNS_DAILY").expect("is active");
    assert_eq!(
        (&runs["enforcement"], &runs["scope"], &runs["partition"]),
        (&json!("WARN"), &json!("TENANT"), &json!("AGENT"))
    );
}

/// A limit that warns elsewhere would be the same limit twice, which is BLOCKING; so it is told otherwise.
#[test]
fn what_would_contradict_is_said_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _policies) = serving(&folder);
    let text = converted(&server, &learned(&server, "/api/v1/runs", &near("acme.warned", 92, 100)));
    assert!(text.contains("at most  90\n") && text.contains("enforce  alert"), "{text}");
    // What nobody can bound is recorded.
    let text = converted(&server, &learned(&server, "/api/v1/runs", &near("disk space", 92, 100)));
    assert!(text.contains("rule near-threshold-") && text.contains("enforce  audit"), "{text}");
}

#[test]
fn nothing_that_an_event_says_is_read_as_a_policy() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _policies) = serving(&folder);
    let evil = [
        "a\"/b/c\" } rule evil { type safety  enforce block  scope global } //",
        "a\\/b/c\\\\/d\"}/e",
        "acme/*/mailer?",
        "rule/limit/type",
        "שלום/👩\u{200d}🚀/\u{202e}abc",
        "a/b/c } limit evil { type runs_daily  at most 0  enforce block  scope global }",
        "no path at all",
        "\\u{22}/\\n/\\\"",
        "-a/b-/1",
    ];
    let becomes_one_rule = |lesson: &Value| {
        let before = learned_policies(&server, "rules").len();
        let text = converted(&server, lesson);
        assert_eq!(text.matches("\nrule ").count(), 1, "{text}");
        assert_eq!(learned_policies(&server, "rules").len(), before + 1, "{text}");
        assert!(learned_policies(&server, "limits").is_empty(), "{text}");
        text
    };
    for (number, path) in evil.iter().enumerate() {
        let event = json!({
            "severity": if number % 2 == 0 { "CRITICAL" } else { "LOW" }, "title": format!("*/ }} {path} \u{2028} {{"),
            "error_code": path, "path": path, "policy_name": path,
            "error_message": format!("line\n}}\nrule evil {{ type safety  enforce block  scope global }}\n{path}\u{7}"),
        });
        let text = becomes_one_rule(&learned(&server, "/api/v1/incidents", &event));
        let wanted = ["enforce  warn", "enforce  audit"][number % 2];
        assert!(text.contains(wanted), "{text}");
    }
    let evil = evil[0];
    let run = |used: u64, more: &str| {
        json!({
            "run_id": format!("{evil}{more}"), "status": "succeeded", "path": evil, "duration_ms": 1,
            "usage": [{ "metric": format!("{evil}\u{2029}"), "used": used, "limit": 10 }]
        })
    };
    let text = becomes_one_rule(&learned(&server, "/api/v1/runs", &run(9, "near")));
    assert!(text.contains("rule near-threshold-") && text.contains("enforce  audit"), "{text}");
    let text = becomes_one_rule(&learned(&server, "/api/v1/runs", &run(1, "easy")));
    assert!(text.contains("rule practice-") && text.contains("enforce  audit"), "{text}");
}
