//! What the runtime learns from its own decisions.

use std::sync::Arc;
use std::time::Duration;

use ordain_ir::{Enforcement, Source};
use ordain_runtime::TenantId;
use ordain_store::conformance::fixtures::{bundle, limit, policies};
use ordain_store_sqlite::SqliteStore;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, SqliteConnection};

use super::{INCIDENTS, LESSONS, RUNS, broken};
use crate::support::{Client, on_each_database};

/// The lessons, once there are so many: they are written a moment after the decision.
async fn learned(client: &Client, wanted: u64) -> Value {
    for _ in 0..100 {
        let list = client.ok(&format!("{LESSONS}?lesson_type=near_threshold")).await;
        if list["total"].as_u64() >= Some(wanted) {
            return list;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{wanted} lessons are not learned: {}", client.ok(LESSONS).await);
}

#[tokio::test]
async fn a_limit_that_decisions_bring_near_its_bound_is_learned() {
    on_each_database("lessons-decisions", async |client| {
        let cap = limit("acme.cap", "RUNS_DAILY", 20);
        let mut learned_before = limit("learned.near-85", "RUNS_DAILY", 17);
        (learned_before.source, learned_before.enforcement) = (Source::Learned, Enforcement::Warn);
        client.load(&bundle(policies([], [cap, learned_before]), vec![], vec![]), 0).await.unwrap();
        let decide = async |more: Value| {
            let mut asked = json!({ "path": "acme/support/mailer" });
            for (key, value) in more.as_object().unwrap() {
                asked[key] = value.clone();
            }
            client.post("/api/v1/decisions", &asked, 200).await
        };
        decide(json!({ "usage": { "runs": 19 }, "dry_run": true })).await;
        decide(json!({ "usage": { "runs": 16 } })).await;
        let answer = decide(json!({})).await;
        assert_eq!(answer["events"][0]["band"], "85-90", "17 of 20");
        assert_eq!(answer["events"][1]["band"], "95-100", "what was learned tells, and teaches nothing");
        let list = learned(&client, 1).await;
        let item = &list["items"][0];
        assert_eq!(
            (&item["title"], &item["severity"], &item["source_event_type"]),
            (&json!("acme.cap is at 85-90 % of its bound"), &json!("LOW"), &json!("decision"))
        );
        assert_eq!(item["source_event_id"], format!("{}/acme.cap", answer["id"].as_str().unwrap()));
        assert_eq!(
            item["detected_pattern"],
            json!({
                "metric": "acme.cap", "band": "85-90", "used": "17", "limit": "20", "path": "acme/support/mailer",
                "subject": answer["events"][0]["subject"]
            })
        );
        let detail = client.ok(&format!("{LESSONS}/{}", item["id"].as_str().unwrap())).await;
        assert_eq!(detail["source_event"], Value::Null);
        decide(json!({ "usage": { "runs": 3 } })).await;
        let two = learned(&client, 2).await;
        // Both of the same instant, so in no order that says anything.
        let mut bands: Vec<_> = (0..2).map(|i| two["items"][i]["detected_pattern"]["band"].to_string()).collect();
        bands.sort();
        assert_eq!(bands, ["\"85-90\"", "\"95-100\""]);
        let stopped = decide(json!({})).await;
        assert_eq!((&stopped["outcome"], &stopped["events"][0]["band"]), (&json!("BLOCK"), &json!("breached")));
        // A run that reports the same has nothing new to say.
        let run = json!({
            "run_id": "r", "status": "succeeded", "usage": [{ "metric": "acme.cap", "used": 19, "limit": 20 }]
        });
        assert_eq!(client.post(RUNS, &run, 201).await["lessons"], 0);
        assert_eq!(learned(&client, 2).await["total"], 2, "neither a rehearsal nor a breach taught anything");
    })
    .await;
}

/// Only what lessons are kept in doesn't work.
#[tokio::test]
async fn decisions_do_not_mind_whether_something_is_learned() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ordain.db");
    let store = SqliteStore::open(&file).await.unwrap();
    let client = Client::new(Arc::new(store), TenantId::new("lessons-broken").unwrap());
    let cap = limit("acme.cap", "RUNS_DAILY", 20);
    client.load(&bundle(policies([], [cap]), vec![], vec![]), 0).await.unwrap();
    let mut raw = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    raw.execute("ALTER TABLE lesson_debounces RENAME TO gone").await.unwrap();
    let asked = json!({ "path": "acme/support/mailer", "usage": { "runs": 19 } });
    assert_eq!(client.post("/api/v1/decisions", &asked, 200).await["outcome"], "ALLOW");
    let failed = "lessons_creation_failed_total{lesson_type=\"near_threshold\"} ";
    let mut counted = false;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        counted = client.ok("/metrics").await.as_str().unwrap().contains(failed);
        if counted {
            break;
        }
    }
    assert!(counted, "it is tried, and counted");
    assert_eq!(client.ok("/api/v1/policies/metrics").await["total_evaluations"], 1, "the rest is written");
    assert_eq!(client.post("/api/v1/decisions", &json!({ "path": "a/b/c" }), 200).await["outcome"], "ALLOW");
    raw.execute("ALTER TABLE gone RENAME TO lesson_debounces").await.unwrap();
    assert_eq!(learned(&client, 1).await["total"], 1, "and it is learned once that is possible");
}

#[tokio::test]
async fn what_cannot_be_kept_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("ordain.db")).await.unwrap();
    let client = Client::new(Arc::new(store.clone()), TenantId::new("lessons-closed").unwrap());
    store.close().await;
    let error = client.post(INCIDENTS, &broken("t"), 503).await;
    assert_eq!(error["code"], "store_unavailable");
    let text = client.ok("/metrics").await;
    assert!(
        text.as_str().unwrap().contains("lessons_creation_failed_total{lesson_type=\"failure\"} "),
        "{text}"
    );
}
