//! Capabilities, and who has seen them at work.

use axum::http::Method;
use ordain_runtime::{PrincipalKind, Role};
use serde_json::{Value, json};

use crate::support::on_each_database;

const CAPABILITIES: &str = "/api/v1/capabilities";
const OBSERVATIONS: &str = "/api/v1/capabilities/observations";

fn named<'a>(registry: &'a Value, id: &str) -> &'a Value {
    let items = registry["items"].as_array().expect("is a list");
    items.iter().find(|item| item["capability_id"] == id).expect("is there")
}

#[tokio::test]
async fn what_a_scenario_has_seen_is_observed() {
    on_each_database("capabilities", async |client| {
        let tenant = &client.tenant;
        let nightly = client
            .with_new_key(tenant, PrincipalKind::Service, "nightly", &[Role::Operator, Role::Viewer])
            .await;
        let viewer = client.with_key(tenant, "ada", &[Role::Viewer]).await;
        let before = viewer.ok(CAPABILITIES).await;
        assert!(
            before["items"]
                .as_array()
                .unwrap()
                .iter()
                .all(|item| { item["status"] == "DECLARED" && item["observation"].is_null() })
        );
        let seen = json!({ "scenario": "cost incidents", "capabilities": ["policies.cost_violations"] });
        assert_eq!(viewer.post(OBSERVATIONS, &seen, 403).await["code"], "forbidden");
        let after = nightly.post(OBSERVATIONS, &seen, 200).await;
        assert_eq!(after, viewer.ok(CAPABILITIES).await);
        let cost = named(&after, "policies.cost_violations");
        assert_eq!(cost["status"], "OBSERVED");
        assert_eq!(
            cost["observation"],
            json!({ "scenario": "cost incidents", "observed_by": { "kind": "service", "name": "nightly" },
                    "observed_at": "2026-03-02T11:00:00Z" })
        );
        assert_eq!(named(&after, "policies.state")["status"], "DECLARED");
        let entry = &viewer.ok("/api/v1/audit-log").await["items"][0];
        assert_eq!(
            (&entry["action"], &entry["subject"]),
            (&json!("capability.observe"), &json!("cost incidents"))
        );
        assert_eq!(entry["details"], json!({ "capabilities": ["policies.cost_violations"] }));
        let other = client.other_tenant().ok(CAPABILITIES).await;
        assert_eq!(
            named(&other, "policies.cost_violations")["status"],
            "DECLARED",
            "another tenant has seen nothing"
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_no_capability_is_not_observed() {
    on_each_database("capabilities-wrong", async |client| {
        for (body, pointer) in [
            (
                json!({ "scenario": "s", "capabilities": ["policies.state", "policies.nothing"] }),
                "/capabilities/1",
            ),
            (json!({ "scenario": "s", "capabilities": [] }), "/capabilities"),
            (json!({ "scenario": " ", "capabilities": ["policies.state"] }), "/scenario"),
        ] {
            let (status, error) = client.send(Method::POST, OBSERVATIONS, &body).await;
            assert_eq!((status.as_u16(), &error["code"]), (422, &json!("invalid_body")), "{error}");
            assert_eq!(error["errors"][0]["pointer"], pointer, "{error}");
        }
        assert_eq!(named(&client.ok(CAPABILITIES).await, "policies.state")["status"], "DECLARED");
        assert_eq!(client.ok("/api/v1/audit-log").await["total"], 0);
    })
    .await;
}
