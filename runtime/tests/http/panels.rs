//! The 25 panels, one by one: empty, and with something to show.

use ordain_ir::{Limit, Rule, RuleType};
use ordain_runtime::{LESSON_PANELS, PANELS};
use ordain_store::conformance::fixtures::{bundle, conflict, edge, limit, policies, rule};
use serde_json::{Value, json};

use crate::support::{Client, on_each_database};

async fn panel(client: &Client, id: &str) -> Value {
    client.ok(&format!("/api/v1/panels/{id}")).await
}

fn rows(view: &Value) -> u64 {
    view["health"]["rows"].as_u64().expect("is a list")
}

#[tokio::test]
async fn every_panel_answers_on_nothing() {
    on_each_database("panels-empty", async |client| {
        let registry = client.ok("/api/v1/panels").await;
        assert_eq!((&registry["total"], PANELS.len()), (&json!(25), 25));
        let lessons = registry["lessons"].as_array().unwrap();
        assert_eq!(lessons.len(), 2);
        for item in registry["items"].as_array().unwrap().iter().chain(lessons) {
            let id = item["panel_id"].as_str().unwrap();
            let view = panel(&client, id).await;
            let direct = client.ok(item["request"].as_str().unwrap()).await;
            let (mut shown, mut asked) = (view["data"].clone(), direct);
            for timed in [&mut shown, &mut asked] {
                timed.as_object_mut().unwrap().remove("computed_at");
            }
            assert_eq!(shown, asked, "{id}: what its request answers");
            assert_eq!((&view["health"]["status"], rows(&view)), (&json!("EMPTY"), 0), "{id}");
            assert_eq!(view["health"]["monitored"], Value::Null, "{id}: nobody has looked");
        }
        let error = client.refused("/api/v1/panels/POL-GOV-ACT-O9", 404, "panel_not_found").await;
        assert!(error["detail"].as_str().unwrap().contains("/api/v1/panels lists them"), "{error}");
        let capabilities = client.ok("/api/v1/capabilities").await;
        assert_eq!(
            (&capabilities["total"], &capabilities["items"][0]["status"]),
            (&json!(27), &json!("DECLARED"))
        );
    })
    .await;
}

/// Something for every panel.
pub(crate) async fn seed(client: &Client) {
    let of_type = |name: &str, rule_type| {
        let mut rule = rule(name, rule_type, ordain_ir::EnforcementMode::Block);
        if rule_type == RuleType::System {
            rule.source = ordain_ir::Source::System;
        }
        rule
    };
    let rules: Vec<Rule> = RuleType::ALL.iter().map(|kind| of_type(&format!("r-{kind}"), *kind)).collect();
    let limits: Vec<Limit> =
        ["RISK_CEILING", "COST_MONTHLY", "RUNS_DAILY", "RUNS_HOURLY", "TOKENS_DAILY", "COOLDOWN"]
            .map(|kind| limit(&format!("l-{kind}"), kind, 1))
            .into();
    let pair = [rules[0].reference(), rules[1].reference()];
    let found = conflict(ordain_ir::ConflictType::ScopeOverlap, ordain_ir::ConflictSeverity::Warning, &pair);
    let edges = vec![edge(pair[0].clone(), pair[1].clone(), ordain_ir::DependencyType::ImplicitScope)];
    client.load(&bundle(policies(rules, limits), edges, vec![found]), 0).await.expect("loads");
    for text in ["acme.a", "acme.b"] {
        client.post("/api/v1/policy-proposals", &json!({ "title": text, "text": text }), 201).await;
    }
    let seen = |source: &str, kind: &str| json!({ "violation_type": "cost", "source": source, "severity": 1, "violation_kind": kind });
    let batch = json!([
        seen("cost", "STANDARD"),
        seen("guard", "ANOMALY"),
        seen("runtime", "DIVERGENCE"),
        seen("sim", "STANDARD")
    ]);
    client.post("/api/v1/violations", &batch, 201).await;
    let incident = json!({ "severity": "HIGH", "title": "a tool failed" });
    client.post("/api/v1/incidents", &incident, 201).await;
    let tally = ordain_store::EvaluationTally {
        at: ordain_store::conformance::fixtures::at(3600),
        action: ordain_ir::Outcome::Block,
        evaluations: 4,
        microseconds: 400,
    };
    client.store.record_evaluations(&client.tenant, &[tally]).await.expect("records");
}

#[tokio::test]
async fn every_panel_answers_on_something() {
    on_each_database("panels-full", async |client| {
        seed(&client).await;
        let wanted = [
            ("POL-GOV-ACT-O1", 2), ("POL-GOV-ACT-O2", 2), ("POL-GOV-ACT-O3", 2), ("POL-GOV-DFT-O1", 2),
            ("POL-GOV-DFT-O2", 2), ("POL-GOV-DFT-O3", 2), ("POL-GOV-DFT-O4", 1), ("POL-GOV-DFT-O5", 10),
            ("POL-GOV-LIB-O1", 1), ("POL-GOV-LIB-O2", 1), ("POL-GOV-LIB-O3", 4), ("POL-GOV-LIB-O4", 1),
            ("POL-GOV-LIB-O5", 1), ("POL-LIM-THR-O1", 1), ("POL-LIM-THR-O2", 1), ("POL-LIM-THR-O3", 2),
            ("POL-LIM-THR-O4", 1), ("POL-LIM-THR-O5", 1), ("POL-LIM-VIO-O1", 3), ("POL-LIM-VIO-O2", 1),
            ("POL-LIM-VIO-O3", 1), ("POL-LIM-VIO-O4", 1), ("POL-LIM-VIO-O5", 1), ("POL-GOV-LES-O1", 1), ("POL-GOV-LES-O2", 1),
        ];
        for (id, count) in wanted {
            let view = panel(&client, id).await;
            assert_eq!((rows(&view), &view["health"]["status"]), (count, &json!("HEALTHY")), "{id}: {view}");
        }
        let state = panel(&client, "POL-GOV-ACT-O4").await;
        assert_eq!(
            state["data"],
            json!({
                "total_policies": 10, "active_policies": 10, "drafts_pending_review": 2, "conflicts_detected": 1,
                "violations_24h": 3, "lessons_pending_action": 1, "last_updated": "2026-03-02T10:00:00Z"
            })
        );
        let metrics = panel(&client, "POL-GOV-ACT-O5").await;
        assert_eq!((&metrics["data"]["total_blocks"], &metrics["data"]["avg_evaluation_ms"]), (&json!(4), &json!(0.1)));
        assert_eq!((rows(&state), rows(&metrics)), (10, 4));
        assert_eq!(wanted.len() + 2, PANELS.len() + LESSON_PANELS.len(), "every panel was asked");
        let other = client.other_tenant();
        assert_eq!(rows(&panel(&other, "POL-LIM-VIO-O1").await), 0);
    })
    .await;
}

#[test]
fn the_documentation_has_every_panel() {
    let page = include_str!("../../../docs/src/http.md");
    for panel in PANELS.iter().chain(LESSON_PANELS.iter()) {
        let row = format!("| `{}` | {} | `GET {}` |", panel.id, panel.question, panel.request);
        assert!(page.contains(&row), "docs/src/http.md lacks the row `{row}`");
    }
}
