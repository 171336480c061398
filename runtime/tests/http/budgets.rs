//! `GET /api/v1/policies/budgets`

use ordain_ir::{Level, LimitStatus};
use ordain_store::conformance::fixtures::{bundle, limit, policies, scope};
use serde_json::json;

use crate::support::{names, on_each_database};

const BUDGETS: &str = "/api/v1/policies/budgets";

#[tokio::test]
async fn budgets_are_limits_on_money_over_a_period() {
    on_each_database("budgets", async |client| {
        let mut off = limit("off", "COST_DAILY", 12_500_000);
        off.status = LimitStatus::Disabled;
        let mut team = limit("team", "COST_MONTHLY", 12_500_000);
        team.scope = scope(Level::Project);
        let limits = [
            limit("all", "COST_MONTHLY", 1),
            off,
            team,
            limit("runs", "RUNS_DAILY", 1),
            limit("one", "COST_PER_RUN", 1),
        ];
        client.load(&bundle(policies([], limits), vec![], vec![]), 0).await.unwrap();
        let list = client.ok(BUDGETS).await;
        assert_eq!(names(&list), ["all", "team"]);
        let item = &list["items"][1];
        assert_eq!((&item["limit_category"], &item["value"]), (&json!("BUDGET"), &json!("12.50 USD")));
        let mut rest = list.clone();
        rest["items"].take();
        assert_eq!(
            rest,
            json!({
                "items": null, "total": 2, "has_more": false, "next_cursor": null, "limit": 20, "offset": 0,
                "filters_applied": { "tenant_id": "budgets", "status": "ACTIVE" }
            })
        );
        assert_eq!(names(&client.ok(&format!("{BUDGETS}?status=DISABLED")).await), ["off"]);
        assert_eq!(names(&client.ok(&format!("{BUDGETS}?scope=PROJECT")).await), ["team"]);
        assert_eq!(names(&client.ok(&format!("{BUDGETS}?limit=1&offset=1")).await), ["team"]);
        client.refused(&format!("{BUDGETS}?status=RETIRED"), 422, "invalid_parameter").await;
        client.refused(&format!("{BUDGETS}?category=RATE"), 400, "unknown_parameter").await;
        assert_eq!(client.other_tenant().ok(BUDGETS).await["total"], 0);
    })
    .await;
}
