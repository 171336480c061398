//! `GET /api/v1/policies/rules`

use ordain_ir::{EnforcementMode, RuleType};
use ordain_store::conformance::fixtures::{audit_example, bundle, policies, rule, varied};
use serde_json::json;

use crate::support::{names, on_each_database};

const RULES: &str = "/api/v1/policies/rules";

#[tokio::test]
async fn a_list_has_the_contracts_shape() {
    on_each_database("rules-shape", async |client| {
        let example = audit_example();
        client.load(&example, 0).await.unwrap();
        let list = client.ok(RULES).await;
        assert_eq!(names(&list), ["ethical-ai", "rate-limit-warning", "safety-baseline"]);
        let id = example.policies.rules[&"ethical-ai".into()].id();
        assert_eq!(
            list["items"][0],
            json!({
                "id": id.to_string(), "name": "ethical-ai", "rule_type": "ETHICAL", "enforcement_mode": "WARN",
                "scope": "GLOBAL", "scope_selector": "global", "status": "ACTIVE", "source": "MANUAL",
                "priority": 0, "created_at": "2026-03-02T10:00:00Z", "updated_at": "2026-03-02T10:00:00Z"
            })
        );
        let mut rest = list.clone();
        rest["items"].take();
        assert_eq!(
            rest,
            json!({
                "items": null, "total": 3, "has_more": false, "next_cursor": null, "limit": 20, "offset": 0,
                "filters_applied": { "tenant_id": "rules-shape" }
            })
        );
    })
    .await;
}

#[tokio::test]
async fn each_filter_keeps_what_it_says() {
    on_each_database("rules-filters", async |client| {
        client.load(&varied_but_passing(), 0).await.unwrap();
        for (filter, words) in [
            ("status", &["ACTIVE", "RETIRED"][..]),
            ("enforcement_mode", &["BLOCK", "WARN", "AUDIT", "DISABLED"]),
            ("scope", &["GLOBAL", "TENANT", "PROJECT", "AGENT"]),
            ("source", &["MANUAL", "SYSTEM", "LEARNED"]),
            ("rule_type", &["SYSTEM", "SAFETY", "ETHICAL", "TEMPORAL"]),
        ] {
            let mut seen = 0;
            for word in words {
                let list = client.ok(&format!("{RULES}?limit=100&{filter}={word}")).await;
                let items = list["items"].as_array().unwrap();
                assert!(
                    !items.is_empty() && items.iter().all(|item| item[filter] == *word),
                    "{filter}={word}"
                );
                assert_eq!(list["total"], items.len());
                assert_eq!(list["filters_applied"], json!({ "tenant_id": "rules-filters", filter: word }));
                seen += items.len();
            }
            assert_eq!(seen, 16, "the words of {filter} divide the list");
        }
        let both = client.ok(&format!("{RULES}?rule_type=SAFETY&enforcement_mode=BLOCK")).await;
        assert_eq!(both["total"], 1);
    })
    .await;
}

#[tokio::test]
async fn times_select_by_creation() {
    on_each_database("rules-times", async |client| {
        let old = rule("old", RuleType::Safety, EnforcementMode::Block);
        let new = rule("new", RuleType::Safety, EnforcementMode::Block);
        client.load(&bundle(policies([old.clone()], []), vec![], vec![]), 0).await.unwrap();
        client.load(&bundle(policies([old, new], []), vec![], vec![]), 60).await.unwrap();
        for (query, found) in [
            ("created_after=2026-03-02T10:00:01Z", &["new"][..]),
            ("created_after=2026-03-02T10:01:00Z", &["new"]),
            ("created_before=2026-03-02T10:00:59.999999Z", &["old"]),
            ("created_before=2026-03-02T10:00:00", &["old"]),
            ("created_after=2026-03-02T11:00:30%2B01:00", &["new"]),
            ("created_after=2026-03-02&created_before=2026-03-03", &["new", "old"]),
            ("created_after=2026-03-03", &[]),
            ("created_before=-009999-06-01T00:00:00Z", &[]),
        ] {
            assert_eq!(names(&client.ok(&format!("{RULES}?{query}")).await), found, "{query}");
        }
        let list = client.ok(&format!("{RULES}?created_after=2026-03-02T11:00:30%2B01:00")).await;
        assert_eq!(list["filters_applied"]["created_after"], "2026-03-02T10:00:30Z");
        let error = client.refused(&format!("{RULES}?created_after=yesterday"), 422, "invalid_parameter").await;
        assert_eq!(
            error["detail"],
            "`created_after` is `yesterday`, which is not a time such as 2026-03-01T08:00:00Z (a `+` is written \
             %2B in a URL)"
        );
    })
    .await;
}

#[tokio::test]
async fn pages_add_up() {
    on_each_database("rules-pages", async |client| {
        client.load(&varied_but_passing(), 0).await.unwrap();
        let all = client.ok(&format!("{RULES}?limit=100")).await;
        let mut seen = vec![];
        for offset in [0, 7, 14] {
            let page = client.ok(&format!("{RULES}?limit=7&offset={offset}")).await;
            assert_eq!(
                (&page["total"], &page["limit"], &page["offset"]),
                (&json!(16), &json!(7), &json!(offset))
            );
            assert_eq!(page["has_more"], offset < 14);
            seen.extend(page["items"].as_array().unwrap().clone());
        }
        assert_eq!(all["items"], json!(seen));
        let beyond = client.ok(&format!("{RULES}?offset=9223372036854775807")).await;
        assert_eq!(
            (&beyond["items"], &beyond["total"], &beyond["has_more"]),
            (&json!([]), &json!(16), &json!(false))
        );
    })
    .await;
}

/// The fixture without its BLOCKING conflicts, which no gate lets through.
fn varied_but_passing() -> ordain_ir::Bundle {
    let mut bundle = varied().bundle;
    bundle.analysis.conflicts.clear();
    bundle
}
