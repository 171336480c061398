//! Answers, good and bad, against their schemas.

use serde_json::{Value, json};

use crate::databases;
use crate::seed::{Seeded, document};

/// Whether an answer is one that the document has for the route.
fn check(document: &Value, route: &str, method: &str, status: u16, answer: &Value) {
    let response = &document["paths"][route][method]["responses"][status.to_string()];
    assert!(response.is_object(), "{method} {route} does not document {status}: {answer}");
    let content = response["content"].as_object().expect("has content").values().next().expect("one kind");
    let mut schema = content["schema"].clone();
    schema["components"] = document["components"].clone();
    let validator = jsonschema::draft202012::new(&schema).expect("is a schema");
    let wrong: Vec<_> =
        validator.iter_errors(answer).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{method} {route} -> {status}: {wrong:#?}\n{answer:#}");
}

#[test]
fn every_answer_is_as_its_schema_says() {
    let document = document();
    let folder = tempfile::tempdir().unwrap();
    for database in databases(folder.path(), "answers") {
        let seeded = Seeded::start(&database);
        let (server, key) = (&seeded.server, &seeded.people[0].key);
        let first = |list: &str| {
            let (_, answer) = server.get_with(&format!("/api/v1/{list}"), key);
            answer["items"][0]["id"]
                .as_str()
                .unwrap_or_else(|| panic!("{list} is empty: {answer}"))
                .to_owned()
        };
        let ids = [
            ("{rule_id}", first("policies/rules")),
            ("{limit_id}", first("policies/limits")),
            ("{proposal_id}", first("policy-proposals")),
            ("{lesson_id}", first("lessons")),
            ("{conflict_id}", first("policies/conflicts?include_resolved=true")),
            ("{panel_id}", "POL-GOV-ACT-O1".to_owned()),
        ];
        for (route, operations) in document["paths"].as_object().unwrap() {
            if operations.get("get").is_none() || route == "/metrics" {
                continue;
            }
            let path = ids.iter().fold(route.clone(), |path, (name, id)| path.replace(name, id));
            let (status, answer) = server.get_with(&path, key);
            assert_eq!(status, 200, "{path}: {answer}");
            check(&document, route, "get", status, &answer);
            if operations["get"].get("security").is_some() {
                for (path, key) in [(&path, "nobody's"), (&format!("{path}?no-such=1"), &**key)] {
                    let (status, answer) = server.get_with(path, key);
                    assert!(matches!(status, 400 | 401), "{path}: {answer}");
                    check(&document, route, "get", status, &answer);
                }
            }
        }
        let send = |route: &str, id: &str, body: &Value, wanted: u16| {
            let path = ids.iter().fold(route.to_owned(), |path, (name, id)| path.replace(name, id));
            let (status, answer) = server.send_with("POST", &path.replace("{decision_id}", id), key, body);
            assert_eq!(status, wanted, "{path}: {answer}");
            check(&document, route, "post", status, &answer);
            answer
        };
        let decisions = "/api/v1/decisions";
        let ask = json!({ "path": "other/p/a", "usage": { "tokens": 1 }, "reserve": true });
        let answer = send(decisions, "", &ask, 200);
        send(decisions, "", &json!([ask, { "path": "acme/p/a", "usage": { "risk": "much" } }]), 200);
        send(decisions, "", &json!({ "path": "acme" }), 422);
        let id = answer["id"].as_str().unwrap();
        send("/api/v1/decisions/{decision_id}/settle", id, &json!({ "usage": {} }), 200);
        send("/api/v1/decisions/{decision_id}/settle", id, &json!({ "usage": { "runs": -1 } }), 422);
        send("/api/v1/decisions/{decision_id}/release", id, &json!({}), 409);
        let acknowledge = "/api/v1/policies/conflicts/{conflict_id}/acknowledge";
        send(acknowledge, "", &json!({ "reason": " " }), 422);
        send(acknowledge, "", &json!({ "reason": "known" }), 200);
        let approve = "/api/v1/policy-proposals/{proposal_id}/approve";
        send(approve, "", &json!({}), 428);
        send(approve, "", &json!({ "version": 7 }), 412);
        send(approve, "", &json!({ "version": 0 }), 422);
        send("/api/v1/incidents", "", &json!({ "severity": "LOW", "title": "t" }), 201);
        send("/api/v1/incidents", "", &json!({ "severity": "NONE", "title": "t" }), 422);
        send("/api/v1/runs", "", &json!([{ "run_id": "r", "status": "failed" }]), 201);
        send("/api/v1/runs", "", &json!({ "run_id": "r", "status": "failed", "duration_ms": -1 }), 422);
        send("/api/v1/lessons/{lesson_id}/defer", "", &json!({ "defer_until": "2020-01-01T00:00:00Z" }), 422);
        send("/api/v1/lessons/{lesson_id}/dismiss", "", &json!({ "reason": " " }), 422);
        send("/policy-layer/lessons/{lesson_id}/convert", "", &json!({ "text": "rule" }), 422);
        send("/policy-layer/lessons/{lesson_id}/convert", "", &json!({}), 200);
        send("/api/v1/lessons/{lesson_id}/dismiss", "", &json!({ "reason": "known" }), 409);
        let draft = |text: &str| json!({ "title": "t", "text": text });
        send("/api/v1/policy-proposals", "", &draft("rule"), 422);
        // Blanks around it count to the longest that a text may be, as the document has it.
        send("/api/v1/policy-proposals", "", &draft(&format!("package a{}", " ".repeat(500_000))), 422);
    }
}
