//! `GET /api/v1/policies/rules/{id}` and `/limits/{id}`

use ordain_ir::{
    Active, Condition, DependencyType, EnforcementMode, Override, Recurrence, RuleType, TimeOfDay, Window,
};
use ordain_store::conformance::fixtures::{bundle, edge, limit, policies, rule};
use serde_json::json;

use crate::support::on_each_database;

#[tokio::test]
async fn details_tell_everything() {
    on_each_database("details", async |client| {
        let mut night = rule("acme.night", RuleType::Temporal, EnforcementMode::Block);
        "Nothing at night.".clone_into(&mut night.doc);
        night.window = Window::new(vec![Active {
            zone: "Europe/Berlin".to_owned(),
            recurrence: Some(Recurrence::Daily {
                days: ordain_ir::DaySet::ALL,
                start: TimeOfDay::new(22, 0).unwrap(),
                end: TimeOfDay::new(6, 0).unwrap(),
            }),
            from: None,
            until: None,
        }]);
        night.condition = Condition::Fact("tool.writes".into());
        night.overrides = vec![Override { policy: "acme.base".into(), because: Some("quiet hours".to_owned()) }];
        night.depends_on = vec!["acme.base".into()];
        let base = rule("acme.base", RuleType::Temporal, EnforcementMode::Warn);
        let mut cap = limit("acme.cap", "RUNS_HOURLY", 5);
        cap.rule = Some(night.name.clone());
        let edges = vec![
            edge(night.reference(), base.reference(), DependencyType::Explicit),
            edge(cap.reference(), night.reference(), DependencyType::ImplicitLimit),
        ];
        let (night_id, base_id, cap_id) = (night.id(), base.id(), cap.id());
        client.load(&bundle(policies([night, base], [cap]), edges, vec![]), 0).await.unwrap();

        let found = client.ok(&format!("/api/v1/policies/rules/{night_id}")).await;
        assert_eq!(
            found,
            json!({
                "id": night_id.to_string(), "name": "acme.night", "rule_type": "TEMPORAL",
                "enforcement_mode": "BLOCK", "scope": "GLOBAL", "scope_selector": "global", "status": "ACTIVE",
                "source": "MANUAL", "priority": 0,
                "created_at": "2026-03-02T10:00:00Z", "updated_at": "2026-03-02T10:00:00Z",
                "doc": "Nothing at night.",
                "active": ["22:00 .. 06:00 in Europe/Berlin"],
                "condition": { "fact": "tool.writes" },
                "depends_on": [{
                    "policy_id": base_id.to_string(), "policy_name": "acme.base", "dependency_type": "EXPLICIT",
                    "explanation": "'acme.night' depends on 'acme.base'"
                }],
                "required_by": [{
                    "policy_id": cap_id.to_string(), "policy_name": "acme.cap",
                    "dependency_type": "IMPLICIT_LIMIT", "explanation": "'acme.cap' depends on 'acme.night'"
                }],
                "overrides": [{ "policy_name": "acme.base", "because": "quiet hours" }]
            })
        );
        let found = client.ok(&format!("/api/v1/policies/limits/{cap_id}")).await;
        assert_eq!((&found["rule"], &found["value"]), (&json!("acme.night"), &json!("5")));
        assert_eq!(found["depends_on"][0]["policy_id"], night_id.to_string());
        assert_eq!((&found["required_by"], &found["active"]), (&json!([]), &json!([])));

        client.refused(&format!("/api/v1/policies/limits/{night_id}"), 404, "limit_not_found").await;
        let error = client.refused(&format!("/api/v1/policies/rules/{cap_id}"), 404, "rule_not_found").await;
        assert_eq!(error["detail"], format!("the active bundle has no rule with the id `{cap_id}`"));
        let error = client.refused("/api/v1/policies/rules/acme.night", 422, "invalid_id").await;
        assert_eq!(error["detail"], "`acme.night` is no UUID; lists give each policy's `id`");
        client.refused(&format!("/api/v1/policies/rules/{night_id}?x=1"), 400, "unknown_parameter").await;

        let other = client.other_tenant();
        other.refused(&format!("/api/v1/policies/rules/{night_id}"), 404, "rule_not_found").await;
        other.refused(&format!("/api/v1/policies/limits/{cap_id}"), 404, "limit_not_found").await;
    })
    .await;
}
