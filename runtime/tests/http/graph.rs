//! `GET /api/v1/policies/dependencies`, `GET /api/v1/policies/state`, and the numbers of the audit.

use ordain_ir::{DependencyType, LimitStatus};
use ordain_store::conformance::fixtures::{audit_example, bundle, edge, limit, policies};
use serde_json::{Value, json};

use crate::support::on_each_database;

#[tokio::test]
async fn the_audits_three_policies_give_one_conflict_and_two_edges() {
    on_each_database("audit-14-7", async |client| {
        client.load(&audit_example(), 0).await.unwrap();
        let conflicts = client.ok("/api/v1/policies/conflicts").await;
        assert_eq!((&conflicts["total"], &conflicts["unresolved_count"]), (&json!(1), &json!(0)));
        let graph = client.ok("/api/v1/policies/dependencies").await;
        let brief: Vec<_> = graph["edges"]
            .as_array()
            .unwrap()
            .iter()
            .map(|edge| json!([edge["from_policy_name"], edge["to_policy_name"], edge["dependency_type"]]))
            .collect();
        assert_eq!(
            brief,
            [
                json!(["ethical-ai", "safety-baseline", "IMPLICIT_SCOPE"]),
                json!(["safety-baseline", "rate-limit-warning", "IMPLICIT_SCOPE"])
            ]
        );
        let id = |name: &str| audit_example().policies.rules[&name.into()].id().to_string();
        assert_eq!(
            graph["edges"][1],
            json!({
                "from_policy_id": id("safety-baseline"), "to_policy_id": id("rate-limit-warning"),
                "from_policy_name": "safety-baseline", "to_policy_name": "rate-limit-warning",
                "dependency_type": "IMPLICIT_SCOPE", "explanation": "Both policies share scope 'GLOBAL'",
                "computed_at": "2026-03-02T10:00:00Z"
            })
        );
        assert_eq!(graph["nodes"].as_array().unwrap().len(), 3);
        let relation = |name: &str| {
            json!([{
                "policy_id": id(name), "policy_name": name, "dependency_type": "IMPLICIT_SCOPE",
                "explanation": "Both policies share scope 'GLOBAL'"
            }])
        };
        assert_eq!(
            graph["nodes"][2],
            json!({
                "id": id("safety-baseline"), "name": "safety-baseline", "kind": "rule", "rule_type": "SAFETY",
                "limit_type": null, "scope": "GLOBAL", "status": "ACTIVE", "enforcement_mode": "BLOCK",
                "enforcement": null,
                "depends_on": relation("rate-limit-warning"), "required_by": relation("ethical-ai")
            })
        );
        assert_eq!(graph["computed_at"], "2026-03-02T10:00:00Z");
        assert_eq!(
            client.ok("/api/v1/policies/state").await,
            json!({
                "total_policies": 3, "active_policies": 3, "drafts_pending_review": 0, "conflicts_detected": 1,
                "violations_24h": 0, "lessons_pending_action": 0, "last_updated": "2026-03-02T10:00:00Z"
            })
        );
    })
    .await;
}

#[tokio::test]
async fn limits_are_nodes_too() {
    on_each_database("graph-limits", async |client| {
        let (mut a, b) = (limit("a", "RUNS_DAILY", 5), limit("b", "COOLDOWN", 5));
        a.status = LimitStatus::Disabled;
        let edges = vec![edge(b.reference(), a.reference(), DependencyType::Explicit)];
        client.load(&bundle(policies([], [a, b]), edges, vec![]), 0).await.unwrap();
        let graph = client.ok("/api/v1/policies/dependencies").await;
        let node = &graph["nodes"][0];
        assert_eq!((&node["kind"], &node["limit_type"]), (&json!("limit"), &json!("RUNS_DAILY")));
        assert_eq!((&node["status"], &node["enforcement"]), (&json!("DISABLED"), &json!("BLOCK")));
        assert_eq!((&node["rule_type"], &node["enforcement_mode"]), (&Value::Null, &Value::Null));
        assert_eq!(node["required_by"][0]["policy_name"], "b");
        let state = client.ok("/api/v1/policies/state").await;
        assert_eq!((&state["total_policies"], &state["active_policies"]), (&json!(2), &json!(1)));
    })
    .await;
}

#[tokio::test]
async fn an_empty_workspace_gives_zeros_everywhere() {
    on_each_database("empty", async |client| {
        // Before any bundle, and with one without policies.
        for now in ["2026-03-02T11:00:00Z", "2026-03-02T10:00:00Z"] {
            for list in ["rules", "limits", "conflicts"] {
                let list = client.ok(&format!("/api/v1/policies/{list}")).await;
                assert_eq!((&list["items"], &list["total"]), (&json!([]), &json!(0)));
                assert_eq!(list["has_more"], false);
                assert!(list.get("unresolved_count").is_none_or(|count| count == 0));
            }
            assert_eq!(
                client.ok("/api/v1/policies/dependencies").await,
                json!({ "nodes": [], "edges": [], "computed_at": now })
            );
            assert_eq!(
                client.ok("/api/v1/policies/state").await,
                json!({
                    "total_policies": 0, "active_policies": 0, "drafts_pending_review": 0,
                    "conflicts_detected": 0, "violations_24h": 0, "lessons_pending_action": 0,
                    "last_updated": now
                })
            );
            client.load(&bundle(policies([], []), vec![], vec![]), 0).await.unwrap();
        }
    })
    .await;
}
