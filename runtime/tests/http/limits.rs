//! `GET /api/v1/policies/limits`

use ordain_ir::{Direction, Enforcement, Partition};
use ordain_store::conformance::fixtures::{bundle, limit, policies, varied};
use serde_json::{Value, json};

use crate::support::{names, on_each_database};

const LIMITS: &str = "/api/v1/policies/limits";

#[tokio::test]
async fn a_list_has_the_contracts_shape() {
    on_each_database("limits-shape", async |client| {
        let budget = limit("acme.budget", "COST_MONTHLY", 12_500_000);
        let mut floor = limit("acme.floor", "RUNS_DAILY", 480);
        floor.bound.direction = Direction::AtLeast;
        floor.enforcement = Enforcement::Alert;
        floor.partition = Partition::Project;
        let risk = limit("acme.risk", "RISK_CEILING", 700_000);
        let pause = limit("acme.pause", "COOLDOWN", 90_000);
        let id = budget.id();
        client.load(&bundle(policies([], [budget, floor, risk, pause]), vec![], vec![]), 0).await.unwrap();
        let list = client.ok(LIMITS).await;
        assert_eq!(
            list["items"][0],
            json!({
                "id": id.to_string(), "name": "acme.budget", "limit_category": "BUDGET",
                "limit_type": "COST_MONTHLY", "accumulation": "CALENDAR", "period": "MONTH", "zone": "UTC", "direction": "AT_MOST", "value": "12.50 USD", "amount": "12.5",
                "currency": "USD", "enforcement": "BLOCK", "scope": "GLOBAL", "scope_selector": "global",
                "partition": "WHOLE", "status": "ACTIVE", "source": "MANUAL",
                "created_at": "2026-03-02T10:00:00Z", "updated_at": "2026-03-02T10:00:00Z"
            })
        );
        let shown: Vec<_> = list["items"].as_array().unwrap().iter().collect();
        let brief = |item: &Value| {
            json!([
                item["limit_category"],
                item["direction"],
                item["value"],
                item["amount"],
                item["partition"]
            ])
        };
        assert_eq!(brief(shown[1]), json!(["RATE", "AT_LEAST", "480", "480", "PROJECT"]));
        assert_eq!(brief(shown[2]), json!(["RATE", "AT_MOST", "1m30s", "90", "WHOLE"]));
        assert_eq!(brief(shown[3]), json!(["THRESHOLD", "AT_MOST", "0.7", "0.7", "WHOLE"]));
        assert_eq!(
            (&list["total"], &list["has_more"], &list["limit"]),
            (&json!(4), &json!(false), &json!(20))
        );
    })
    .await;
}

#[tokio::test]
async fn it_is_said_how_usage_adds_up() {
    on_each_database("limits-adding", async |client| {
        let all = [
            ("a", "RUNS_DAILY in Europe/Berlin", json!(["RUNS_DAILY", "CALENDAR", "DAY", "Europe/Berlin"])),
            ("b", "RUNS_HOURLY rolling", json!(["RUNS_HOURLY", "ROLLING", "HOUR", null])),
            ("c", "RUNS_CONCURRENT", json!(["RUNS_CONCURRENT", "CONCURRENT", null, null])),
            ("d", "TOKENS_PER_RUN", json!(["TOKENS_PER_RUN", null, null, null])),
        ];
        let limits = all.iter().map(|(name, wording, _)| limit(name, wording, 5)).collect::<Vec<_>>();
        let ids: Vec<_> = limits.iter().map(|limit| limit.id().to_string()).collect();
        client.load(&bundle(policies([], limits), vec![], vec![]), 0).await.unwrap();
        let list = client.ok(LIMITS).await;
        for (place, ((_, wording, wanted), id)) in all.iter().zip(ids).enumerate() {
            let said = |it: &Value| json!([it["limit_type"], it["accumulation"], it["period"], it["zone"]]);
            assert_eq!(said(&list["items"][place]), *wanted, "{wording}");
            assert_eq!(said(&client.ok(&format!("{LIMITS}/{id}")).await), *wanted, "{wording}");
        }
        let runs = client.ok(&format!("{LIMITS}?limit_type=RUNS_*")).await;
        assert_eq!(runs["total"], 3);
    })
    .await;
}

#[tokio::test]
async fn each_filter_keeps_what_it_says() {
    on_each_database("limits-filters", async |client| {
        let mut all = varied().bundle;
        all.analysis.conflicts.clear();
        client.load(&all, 0).await.unwrap();
        for (filter, field, words) in [
            ("category", "limit_category", &["BUDGET", "RATE", "THRESHOLD"][..]),
            ("status", "status", &["ACTIVE", "DISABLED"]),
            ("scope", "scope", &["GLOBAL", "TENANT", "PROJECT", "AGENT", "PROVIDER"]),
            ("enforcement", "enforcement", &["BLOCK", "WARN", "REJECT", "QUEUE", "DEGRADE", "ALERT"]),
        ] {
            let mut seen = 0;
            for word in words {
                let list = client.ok(&format!("{LIMITS}?limit=100&{filter}={word}")).await;
                let items = list["items"].as_array().unwrap();
                assert!(
                    !items.is_empty() && items.iter().all(|item| item[field] == *word),
                    "{filter}={word}"
                );
                assert_eq!(list["filters_applied"], json!({ "tenant_id": "limits-filters", filter: word }));
                seen += items.len();
            }
            assert_eq!(seen, 19, "the words of {filter} divide the list");
        }
    })
    .await;
}

#[tokio::test]
async fn types_by_name_and_by_prefix() {
    on_each_database("limits-types", async |client| {
        let all = ["RUNS_DAILY", "RUNS_HOURLY", "TOKENS_PER_RUN", "RISK_CEILING", "COOLDOWN"];
        let limits = all.iter().map(|kind| limit(&kind.to_lowercase().replace('_', "-"), kind, 1));
        client.load(&bundle(policies([], limits), vec![], vec![]), 0).await.unwrap();
        for (pattern, found) in [
            ("RUNS_*", &["runs-daily", "runs-hourly"][..]),
            ("RUNS_%2A", &["runs-daily", "runs-hourly"]),
            ("TOKENS_*", &["tokens-per-run"]),
            ("COST_*", &[]),
            ("RISK_CEILING", &["risk-ceiling"]),
            ("COOLDOWN", &["cooldown"]),
            ("RUNS_MONTHLY", &[]),
        ] {
            assert_eq!(
                names(&client.ok(&format!("{LIMITS}?limit_type={pattern}")).await),
                found,
                "{pattern}"
            );
        }
        for pattern in
            ["RUNS", "RUNS_", "runs_*", "RUNS%25", "%25", "_UNS_*", "RUNS_YEARLY", "*_DAILY", "", "FOO_*"]
        {
            let error =
                client.refused(&format!("{LIMITS}?limit_type={pattern}"), 422, "invalid_parameter").await;
            let allowed = error["errors"][0]["allowed"].as_array().unwrap();
            assert!(allowed.contains(&json!("RUNS_DAILY")) && allowed.len() == 19, "{pattern}");
        }
    })
    .await;
}
