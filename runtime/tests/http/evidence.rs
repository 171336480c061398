//! `GET /api/v1/policies/rules/{id}/evidence`, `GET /api/v1/policies/limits/{id}/evidence`

use ordain_ir::{DependencyType, EnforcementMode, LimitStatus, RuleType};
use ordain_store::conformance::fixtures::{bundle, edge, limit, policies, rule};
use serde_json::json;

use crate::support::on_each_database;

#[tokio::test]
async fn evidence_joins_enforcement_and_history() {
    on_each_database("evidence", async |client| {
        let guard = rule("acme.guard", RuleType::Safety, EnforcementMode::Block);
        let idle = rule("acme.idle", RuleType::Safety, EnforcementMode::Disabled);
        let mut cap = limit("acme.cap", "RUNS_HOURLY", 5);
        cap.rule = Some(guard.name.clone());
        let mut off = limit("acme.off", "RUNS_HOURLY", 6);
        off.status = LimitStatus::Disabled;
        let edges = vec![edge(cap.reference(), guard.reference(), DependencyType::ImplicitLimit)];
        let ids = [guard.id(), idle.id(), cap.id(), off.id()].map(|id| id.to_string());
        let [guard_id, idle_id, cap_id, off_id] = ids;
        let record = client.load(&bundle(policies([guard, idle], [cap, off]), edges, vec![]), 0).await.unwrap();
        let seen = |policy: &str, at: &str, source: &str| {
            json!({
                "violation_type": "rate", "source": source, "severity": 0.5, "policy_name": policy, "occurred_at": at
            })
        };
        let batch = json!([
            seen("acme.cap", "2026-03-02T10:00:00Z", "runtime"), seen("acme.cap", "2026-03-02T10:30:00Z", "runtime"),
            seen("acme.cap", "2026-03-02T10:40:00Z", "sim"), seen("acme.cap", "2026-02-20T10:40:00Z", "runtime"),
            seen("acme.guard", "2026-03-02T10:00:00Z", "guard"), seen("acme.gone", "2026-03-02T10:00:00Z", "guard"),
        ]);
        client.post("/api/v1/violations", &batch, 201).await;

        let limits = "/api/v1/policies/limits";
        let found = client.ok(&format!("{limits}/{cap_id}/evidence")).await;
        assert_eq!((&found["limit"]["name"], &found["limit"]["value"]), (&json!("acme.cap"), &json!("5")));
        assert_eq!(
            found["enforcement"],
            json!({
                "takes_part": true, "bundle": record.digest, "active": [], "condition": "true",
                "depends_on": [{
                    "policy_id": guard_id, "policy_name": "acme.guard", "dependency_type": "IMPLICIT_LIMIT",
                    "explanation": "'acme.cap' depends on 'acme.guard'"
                }],
                "required_by": []
            })
        );
        let breaches = &found["breaches"];
        assert_eq!((&breaches["total"], &breaches["has_more"]), (&json!(2), &json!(false)));
        assert_eq!(breaches["items"][0]["occurred_at"], "2026-03-02T10:30:00Z", "the latest first");
        assert_eq!(
            breaches["filters_applied"],
            json!({ "tenant_id": "evidence", "hours": 24, "include_synthetic": false })
        );
        let more = client.ok(&format!("{limits}/{cap_id}/evidence?hours=720&include_synthetic=true&limit=1")).await;
        assert_eq!((&more["breaches"]["total"], &more["breaches"]["has_more"]), (&json!(4), &json!(true)));
        let off = client.ok(&format!("{limits}/{off_id}/evidence")).await;
        assert_eq!((&off["enforcement"]["takes_part"], &off["breaches"]["total"]), (&json!(false), &json!(0)));

        let rules = "/api/v1/policies/rules";
        let found = client.ok(&format!("{rules}/{guard_id}/evidence")).await;
        assert_eq!((&found["rule"]["name"], &found["violations"]["total"]), (&json!("acme.guard"), &json!(1)));
        assert_eq!(found["enforcement"]["required_by"][0]["policy_id"], cap_id);
        let idle = client.ok(&format!("{rules}/{idle_id}/evidence")).await;
        assert_eq!(idle["enforcement"]["takes_part"], false, "it is disabled");

        client.refused(&format!("{limits}/{guard_id}/evidence"), 404, "limit_not_found").await;
        client.refused(&format!("{rules}/{cap_id}/evidence"), 404, "rule_not_found").await;
        client.refused(&format!("{rules}/x/evidence"), 422, "invalid_id").await;
        client.refused(&format!("{rules}/{guard_id}/evidence?hours=0"), 422, "invalid_parameter").await;
        client.other_tenant().refused(&format!("{rules}/{guard_id}/evidence"), 404, "rule_not_found").await;
    })
    .await;
}
