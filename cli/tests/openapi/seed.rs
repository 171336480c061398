//! A server with something to answer: two tenants with policies, a conflict, proposals, decisions and violations.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Server, root, run, workspace};

const POLICIES: &str = "package acme

rule safety-baseline { type safety  enforce block  scope tenant acme }
rule rate-limit-warning { type safety  enforce disabled  scope tenant acme }
rule ethical-ai { type ethical  enforce warn  scope global }

limit tokens { type tokens_daily  at most 1_000_000_000  enforce block  scope global  per agent }
limit budget { type cost_monthly  at most 12.50 USD  enforce warn  scope global }
limit runs { type runs_hourly  at most 1_000_000  enforce block  scope global }
rule last-word { type temporal  enforce warn  scope global  depends on safety-baseline }
";

/// Somebody with every role.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    tenant: &'static str,
    pub(crate) key: String,
}

/// A server that asks for keys, and who has some.
pub(crate) struct Seeded {
    pub(crate) server: Server,
    /// Two of one tenant, and one of another.
    pub(crate) people: [Person; 3],
    _policies: tempfile::TempDir,
}

fn person(database: &str, name: &'static str, tenant: &'static str) -> Person {
    let roles = "viewer,author,approver,ingest,decide,operator";
    let make =
        ["apikey", "--database", database, "--tenant", tenant, "create", "--human", name, "--role", roles];
    let made = run(make).expect_code(0).stdout;
    Person { name, tenant, key: made.lines().next().expect("a key").to_owned() }
}

impl Seeded {
    pub(crate) fn start(database: &str) -> Self {
        let policies = workspace(&[("ordain.yaml", "name: acme\nlanguage: \"1\"\n"), ("p.ordain", POLICIES)]);
        let people = [
            person(database, "ada", "acme"),
            person(database, "ben", "acme"),
            person(database, "eve", "evil"),
        ];
        let server =
            |tenant| Server::start_plainly(policies.path(), &["--database", database, "--tenant", tenant]);
        // The other tenant's policies become active under another server; the database is one.
        let other = server("evil");
        assert_eq!(other.get("/readyz").0, 200);
        other.kill();
        let seeded = Self { server: server("acme"), people, _policies: policies };
        for person in &seeded.people {
            seeded.fill(person);
        }
        seeded
    }

    fn fill(&self, person: &Person) {
        let send = |path: &str, body: &Value, status: u16| {
            let (found, answer) = self.server.send_with("POST", path, &person.key, body);
            assert_eq!(found, status, "{path}: {answer}");
            answer
        };
        for severity in 1..4 {
            let seen = json!({
                "violation_type": "safety", "source": "guard", "severity": f64::from(severity) / 4.0,
                "policy_name": "acme.ethical-ai", "path": format!("{}/p/a", person.tenant), "details": { "n": severity }
            });
            send("/api/v1/violations", &seen, 201);
        }
        for number in 0..4 {
            let failed =
                json!({ "severity": "HIGH", "title": format!("incident {number}"), "path": "other/p/a" });
            send("/api/v1/incidents", &failed, 201);
            let run = json!({
                "run_id": format!("run {number}"), "status": "succeeded", "duration_ms": number,
                "usage": [{ "metric": format!("m{number}"), "used": 85 + number, "limit": "100.0" }]
            });
            send("/api/v1/runs", &run, 201);
            let text = format!(
                "package acme.{}{number}\n\nlimit runs {{ type runs_daily  at most 9  enforce warn  scope global }}",
                person.name
            );
            send(
                "/api/v1/policy-proposals",
                &json!({ "title": format!("proposal {number}"), "text": text }),
                201,
            );
            let ask = json!({
                "path": "other/p/a", "usage": { "tokens": 10, "cost": { "USD": "0.01" } }, "reserve": true,
                "request_id": format!("{}-{number}", person.name)
            });
            let answer = send("/api/v1/decisions", &ask, 200);
            let id = answer["id"].as_str().expect("an id");
            if number == 0 {
                send(&format!("/api/v1/decisions/{id}/settle"), &json!({ "usage": { "tokens": 5 } }), 200);
            }
        }
    }
}

/// The committed document.
pub(crate) fn document() -> Value {
    let file = root().join("docs/openapi.json");
    serde_json::from_str(&std::fs::read_to_string(&file).expect("is there")).expect("is JSON")
}

/// The configuration of Schemathesis.
pub(crate) fn configuration() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi/schemathesis.toml"))
}
