//! Limits whose usage adds up by the clocks of a zone, over rolling periods, and concurrently.

use axum::body::Body;
use axum::http::{Request, header};
use ordain_ir::{Bundle, Limit};
use ordain_store::conformance::fixtures::{bundle, limit, policies};
use serde_json::{Value, json};

use crate::clock::with_a_clock;
use crate::support::Client;

const DECISIONS: &str = "/api/v1/decisions";
const HOUR: i64 = 3_600;

fn of(limits: impl IntoIterator<Item = Limit>) -> Bundle {
    bundle(policies([], limits), vec![], vec![])
}

fn ask(tokens: i64) -> Value {
    json!({ "path": "acme/p/a", "usage": { "tokens": tokens } })
}

fn held(tokens: i64) -> Value {
    json!({ "path": "acme/p/a", "usage": { "tokens": tokens }, "reserve": true, "hold_seconds": 600 })
}

async fn close(client: &Client, answer: &Value, verb: &str) -> Value {
    let path = format!("{DECISIONS}/{}/{verb}", answer["id"].as_str().expect("has an id"));
    client.post(&path, &json!({ "usage": { "tokens": 7 } }), 200).await
}

/// The outcome, and the two fields of the header.
async fn told(client: &Client, ask: &Value) -> (Value, String, String) {
    let request = Request::post(DECISIONS).header(header::CONTENT_TYPE, "application/json");
    let response = client.raw(request.body(Body::from(ask.to_string())).expect("is a request")).await;
    let field = |name: &str| response.headers()[name].to_str().expect("is text").to_owned();
    let (policy, limit) = (field("ratelimit-policy"), field("ratelimit"));
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("is there");
    let body: Value = serde_json::from_slice(&body).expect("is JSON");
    (body, policy, limit)
}

#[tokio::test]
async fn a_rolling_period_forgets_step_by_step() {
    with_a_clock("spans-rolling", async |client, clock| {
        client.load(&of([limit("cap", "TOKENS_HOURLY rolling", 10)]), 0).await.unwrap();
        // 2026-03-02T11:00:00Z, and twenty minutes later.
        assert_eq!(client.post(DECISIONS, &ask(6), 200).await["outcome"], "ALLOW");
        clock.jump(20 * 60);
        assert_eq!(client.post(DECISIONS, &ask(3), 200).await["outcome"], "ALLOW");
        clock.jump(HOUR - 20 * 60);
        // An hour and less than a minute after the first, all of it counts.
        let answer = client.post(DECISIONS, &ask(2), 200).await;
        assert_eq!((&answer["outcome"], &answer["retry_after"]), (&json!("BLOCK"), &json!(60)), "{answer}");
        let cap = &answer["limits"][0];
        assert_eq!((&cap["limit_type"], &cap["period_end"]), (&json!("TOKENS_HOURLY"), &Value::Null));
        assert_eq!(cap["period_start"], "2026-03-02T11:00:00Z");
        assert_eq!(
            cap["reason"],
            "TOKENS_HOURLY rolling 11 of at most 10 (110%); breached, says BLOCK, the strictest that is said"
        );
        for (tokens, seconds) in [(1, Value::Null), (7, json!(60)), (8, json!(21 * 60)), (11, Value::Null)] {
            let rehearsal = json!({ "path": "acme/p/a", "usage": { "tokens": tokens }, "dry_run": true });
            let answer = client.post(DECISIONS, &rehearsal, 200).await;
            assert_eq!(answer["retry_after"], seconds, "{tokens}: {answer}");
        }
        clock.jump(59);
        assert_eq!(client.post(DECISIONS, &ask(2), 200).await["outcome"], "BLOCK");
        clock.jump(1);
        assert_eq!(client.post(DECISIONS, &ask(7), 200).await["outcome"], "ALLOW");
        // A clock that is set back finds what was used later.
        clock.jump(-30 * 60);
        assert_eq!(client.post(DECISIONS, &ask(1), 200).await["outcome"], "BLOCK");
        assert_eq!(client.store.audit_counters(&client.tenant).await.unwrap().wrong, []);
    })
    .await;
}

#[tokio::test]
async fn what_is_under_way_counts_until_it_ends() {
    with_a_clock("spans-concurrent", async |client, clock| {
        client.load(&of([limit("cap", "TOKENS_CONCURRENT", 10)]), 0).await.unwrap();
        let first = client.post(DECISIONS, &held(6), 200).await;
        let answer = client.post(DECISIONS, &held(5), 200).await;
        // Whoever is in the way may end at any moment.
        assert_eq!((&answer["outcome"], &answer["retry_after"]), (&json!("BLOCK"), &json!(1)), "{answer}");
        assert_eq!(
            answer["limits"][0]["reason"],
            "TOKENS_CONCURRENT 11 of at most 10 (110%); breached, says BLOCK, the strictest that is said"
        );
        assert!(answer["limits"][0].get("period_start").is_none());
        assert_eq!(client.post(DECISIONS, &held(11), 200).await["retry_after"], Value::Null);
        // What isn't held has no time in which it is under way.
        for _ in 0..2 {
            assert_eq!(client.post(DECISIONS, &ask(4), 200).await["outcome"], "ALLOW");
        }
        let second = client.post(DECISIONS, &held(4), 200).await;
        assert_eq!(client.post(DECISIONS, &ask(1), 200).await["outcome"], "BLOCK");
        assert_eq!(close(&client, &first, "settle").await["standing"], "SETTLED");
        assert_eq!(close(&client, &first, "settle").await["repeated"], true);
        assert_eq!(client.post(DECISIONS, &ask(6), 200).await["outcome"], "ALLOW");
        assert_eq!(close(&client, &second, "release").await["standing"], "RELEASED");
        let third = client.post(DECISIONS, &held(10), 200).await;
        clock.jump(599);
        assert_eq!(client.post(DECISIONS, &ask(1), 200).await["outcome"], "BLOCK");
        clock.jump(1);
        assert_eq!(client.post(DECISIONS, &held(10), 200).await["outcome"], "ALLOW", "it has run out");
        assert_eq!(close(&client, &third, "settle").await["late"], true);
        // In another month too.
        clock.jump(40 * 24 * HOUR);
        assert_eq!(client.post(DECISIONS, &held(10), 200).await["outcome"], "ALLOW");
        assert_eq!(client.store.audit_counters(&client.tenant).await.unwrap().wrong, []);
    })
    .await;
}

#[tokio::test]
async fn a_day_ends_by_the_clocks_of_its_zone() {
    with_a_clock("spans-zone", async |client, clock| {
        client.load(&of([limit("cap", "TOKENS_DAILY in Europe/Berlin", 10)]), 0).await.unwrap();
        // 2026-03-29T10:00:00Z, on the day on which Berlin's clocks went forward.
        clock.jump(27 * 24 * HOUR - HOUR);
        assert_eq!(client.post(DECISIONS, &ask(10), 200).await["outcome"], "ALLOW");
        let answer = client.post(DECISIONS, &ask(1), 200).await;
        assert_eq!((&answer["outcome"], &answer["retry_after"]), (&json!("BLOCK"), &json!(12 * HOUR)));
        let cap = &answer["limits"][0];
        assert_eq!(
            (&cap["period_start"], &cap["period_end"]),
            (&json!("2026-03-28T23:00:00Z"), &json!("2026-03-29T22:00:00Z"))
        );
        clock.jump(12 * HOUR);
        assert_eq!(client.post(DECISIONS, &ask(10), 200).await["outcome"], "ALLOW");
    })
    .await;
}

#[tokio::test]
async fn quotas_are_told_in_headers() {
    with_a_clock("spans-headers", async |client, clock| {
        client
            .load(&of([limit("a", "RUNS_PER_MINUTE rolling", 3), limit("b", "RUNS_CONCURRENT", 2)]), 0)
            .await
            .unwrap();
        let policy = "\"a\";q=3;w=60, \"b\";q=2;qu=\"concurrent-requests\"";
        for (jump, outcome, limit) in [
            (0, "ALLOW", "\"a\";r=2;t=61, \"b\";r=1"),
            (10, "ALLOW", "\"a\";r=1;t=61, \"b\";r=0"),
            // What is stopped uses nothing.
            (10, "BLOCK", "\"a\";r=1;t=51, \"b\";r=0"),
            (41, "BLOCK", "\"a\";r=2;t=10, \"b\";r=0"),
            (10, "BLOCK", "\"a\";r=3;t=0, \"b\";r=0"),
        ] {
            clock.jump(jump);
            let (answer, found, told) = told(&client, &held(1)).await;
            assert_eq!(
                (answer["outcome"].as_str(), found.as_str(), told.as_str()),
                (Some(outcome), policy, limit)
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_limit_that_counts_something_else_begins_anew() {
    with_a_clock("spans-edited", async |client, clock| {
        for (seconds, kind) in [
            "TOKENS_DAILY",
            "TOKENS_HOURLY",
            "TOKENS_DAILY in Europe/Berlin",
            "TOKENS_HOURLY rolling",
            "TOKENS_CONCURRENT",
        ]
        .iter()
        .enumerate()
        {
            client.load(&of([limit("cap", kind, 10)]), i64::try_from(seconds).unwrap()).await.unwrap();
            // Another bundle is looked for after a moment.
            let mut answer = Value::Null;
            for _ in 0..100 {
                answer = client.post(DECISIONS, &json!({ "path": "acme/p/a", "dry_run": true }), 200).await;
                let reason = answer["limits"][0]["reason"].as_str().unwrap();
                if reason.starts_with(&format!("{kind} ")) {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            assert_eq!(answer["limits"][0]["value"], "0", "{kind}: {answer}");
            assert_eq!(client.post(DECISIONS, &held(10), 200).await["outcome"], "ALLOW", "{kind}");
            assert_eq!(client.post(DECISIONS, &held(1), 200).await["outcome"], "BLOCK", "{kind}");
            clock.jump(1);
        }
        assert_eq!(client.store.audit_counters(&client.tenant).await.unwrap().wrong, []);
    })
    .await;
}
