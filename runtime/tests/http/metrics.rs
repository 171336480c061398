//! `GET /api/v1/policies/metrics`, `GET /metrics`

use ordain_ir::Outcome;
use ordain_store::EvaluationTally;
use ordain_store::conformance::fixtures::at;
use serde_json::json;

use crate::support::on_each_database;

const METRICS: &str = "/api/v1/policies/metrics";

#[tokio::test]
async fn decisions_and_violations_are_added_up() {
    on_each_database("metrics", async |client| {
        assert_eq!(
            client.ok(METRICS).await,
            json!({
                "total_evaluations": 0, "total_blocks": 0, "total_allows": 0, "block_rate": 0.0,
                "avg_evaluation_ms": 0.0, "violations_by_type": {}, "evaluations_by_action": {},
                "window_hours": 24
            })
        );
        // The clock stands at `at(3600)`.
        let tally = |seconds, action, evaluations, microseconds| EvaluationTally {
            at: at(seconds),
            action,
            evaluations,
            microseconds,
        };
        let tallies = [
            tally(3599, Outcome::Block, 1, 700),
            tally(3000, Outcome::Allow, 1, 500),
            tally(0, Outcome::Warn, 1, 801),
            tally(3600 - 86_400, Outcome::Allow, 3, 9),
            tally(3599 - 86_400, Outcome::Allow, 3, 9),
        ];
        client.store.record_evaluations(&client.tenant, &tallies).await.unwrap();
        let seen =
            |kind: &str, source: &str| json!({ "violation_type": kind, "source": source, "severity": 0.25 });
        let batch =
            json!([seen("cost", "cost"), seen("cost", "cost"), seen("rate", "guard"), seen("rate", "sim")]);
        client.post("/api/v1/violations", &batch, 201).await;
        assert_eq!(
            client.ok(&format!("{METRICS}?hours=1")).await,
            json!({
                "total_evaluations": 3, "total_blocks": 1, "total_allows": 2, "block_rate": 0.333_333,
                "avg_evaluation_ms": 0.667, "violations_by_type": { "cost": 2, "rate": 1 },
                "evaluations_by_action": { "ALLOW": 1, "BLOCK": 1, "WARN": 1 }, "window_hours": 1
            })
        );
        let day = client.ok(METRICS).await;
        assert_eq!((&day["total_evaluations"], &day["total_allows"]), (&json!(6), &json!(5)));
        assert_eq!(client.ok(&format!("{METRICS}?hours=720")).await["total_evaluations"], 9);
        for bad in ["hours=0", "hours=721", "hours=x", "hours="] {
            client.refused(&format!("{METRICS}?{bad}"), 422, "invalid_parameter").await;
        }
        assert_eq!(client.other_tenant().ok(METRICS).await["total_evaluations"], 0);
    })
    .await;
}

#[tokio::test]
async fn what_is_recorded_for_operators_has_closed_labels() {
    on_each_database("metrics-prometheus", async |client| {
        client.ok("/api/v1/policies/state").await;
        client.get("/api/v1/policies/rules/nonsense?x=1").await;
        client.get("/made/up/by/a/client").await;
        client
            .post(
                "/api/v1/violations",
                &json!({ "violation_type": "cost", "source": "cost", "severity": 1 }),
                201,
            )
            .await;
        let text = client.ok("/metrics").await;
        let text = text.as_str().unwrap();
        let state = "route=\"/api/v1/policies/state\",status=\"200\"}";
        assert!(text.contains(state), "{text}");
        assert!(text.contains("route=\"/api/v1/policies/rules/{rule_id}\",status=\"400\"}"), "{text}");
        assert!(text.contains("route=\"none\",status=\"404\"}"), "{text}");
        assert!(
            !text.contains("nonsense") && !text.contains("made/up") && !text.contains("metrics-prometheus")
        );
        let labels =
            ["method", "route", "status", "le", "outcome", "decision", "band", "panel_id", "lesson_type"];
        for line in text.lines().filter(|line| !line.starts_with('#') && line.contains('{')) {
            let (name, rest) = line.split_once('{').unwrap();
            assert!(["ordain_", "panel_", "lessons_"].iter().any(|it| name.starts_with(it)), "{line}");
            let inside = rest.rsplit_once('}').unwrap().0;
            for label in inside.split("\",").filter_map(|part| part.split_once('=')) {
                assert!(labels.contains(&label.0), "{line}");
            }
        }
        assert!(text.contains("ordain_http_request_duration_seconds_bucket{"), "{text}");
        assert!(text.contains("ordain_violations_recorded_total "), "{text}");
    })
    .await;
}
