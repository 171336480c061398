//! `POST /api/v1/decisions`, settling and releasing.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, header};
use ordain_ir::{Bundle, Enforcement, EnforcementMode, Limit, Partition, Rule, RuleType};
use ordain_runtime::{Role, TenantId};
use ordain_store::conformance::fixtures::{at, bundle, limit, policies, rule};
use ordain_store::{Store, ViolationFilter};
use ordain_store_sqlite::SqliteStore;
use serde_json::{Value, json};
use sqlx::{Connection, Executor, SqliteConnection};

use crate::support::{Client, on_each_database};

const DECISIONS: &str = "/api/v1/decisions";

fn of(rules: impl IntoIterator<Item = Rule>, limits: impl IntoIterator<Item = Limit>) -> Bundle {
    bundle(policies(rules, limits), vec![], vec![])
}

fn tokens(name: &str, cap: i64) -> Limit {
    limit(name, "TOKENS_DAILY", cap)
}

fn ask(tokens: i64) -> Value {
    json!({ "path": "acme/support/mailer", "usage": { "tokens": tokens } })
}

fn with(mut ask: Value, more: &Value) -> Value {
    let more = more.as_object().expect("is an object").clone();
    ask.as_object_mut().expect("is an object").extend(more);
    ask
}

async fn used(client: &Client, limit: &str) -> (i64, i64) {
    let counters = client.store.counters(&client.tenant, &limit.into(), 1).await.expect("lists");
    counters.first().map_or((0, 0), |found| (found.counter.used, found.counter.held))
}

async fn assert_balanced(client: &Client) {
    let audit = client.store.audit_counters(&client.tenant).await.expect("adds up");
    assert_eq!(audit.wrong, []);
}

#[tokio::test]
async fn rules_decide_without_counters() {
    on_each_database("decisions-rules", async |client| {
        let error = client.post(DECISIONS, &ask(1), 409).await;
        assert_eq!(error["code"], "no_active_bundle");
        let block = rule("no-mail", RuleType::Safety, EnforcementMode::Block);
        client.load(&of([block], []), 0).await.unwrap();
        let answer = client.post(DECISIONS, &with(ask(1), &json!({ "request_id": "r" })), 200).await;
        assert_eq!((&answer["outcome"], &answer["admitted"]), (&json!("BLOCK"), &json!(false)), "{answer}");
        assert_eq!((&answer["request_id"], &answer["degraded"]), (&json!("r"), &json!(false)));
        assert_eq!(answer["rules"][0]["name"], "no-mail");
        assert_eq!(answer["rules"][0]["reason"], "says BLOCK, the strictest that is said");
        assert_eq!(answer["at"], at(3600).to_string());
        let release = format!("{DECISIONS}/{}/release", answer["id"].as_str().unwrap());
        assert_eq!(client.post(&release, &json!({}), 404).await["code"], "decision_not_found");
    })
    .await;
}

#[tokio::test]
async fn limits_count_what_goes_ahead() {
    on_each_database("decisions-count", async |client| {
        client.load(&of([], [tokens("cap", 100), limit("runs", "RUNS_HOURLY", 50)]), 0).await.unwrap();
        let answer = client.post(DECISIONS, &ask(60), 200).await;
        assert_eq!((&answer["outcome"], &answer["reserved"]), (&json!("ALLOW"), &json!(false)), "{answer}");
        let cap = &answer["limits"][0];
        assert_eq!(
            (&cap["value"], &cap["remainder"], &cap["utilisation"]),
            (&json!("60"), &json!("40"), &json!("60%"))
        );
        let stopped = client.post(DECISIONS, &ask(41), 200).await;
        assert_eq!((&stopped["outcome"], &stopped["limits"][0]["value"]), (&json!("BLOCK"), &json!("101")));
        // 2026-03-02T11:00:00Z: the day has 13 hours left.
        assert_eq!(stopped["retry_after"], 13 * 3600);
        assert_eq!(stopped["events"][0]["band"], "breached");
        let never = client.post(DECISIONS, &ask(101), 200).await;
        assert_eq!(never["retry_after"], Value::Null, "it alone is too much");
        assert_eq!((used(&client, "cap").await, used(&client, "runs").await), ((60, 0), (1, 0)));
        // A rehearsal sees the counters and changes nothing; it may be at any time.
        let rehearsal = with(ask(40), &json!({ "dry_run": true }));
        for _ in 0..2 {
            let answer = client.post(DECISIONS, &rehearsal, 200).await;
            assert_eq!((&answer["outcome"], &answer["limits"][0]["value"]), (&json!("ALLOW"), &json!("100")));
        }
        let tomorrow = with(rehearsal, &json!({ "at": "2026-03-03T00:00:00Z" }));
        assert_eq!(client.post(DECISIONS, &tomorrow, 200).await["limits"][0]["value"], "40");
        assert_eq!(used(&client, "cap").await, (60, 0));
        // Near the bound is told once, and another tenant's counters are its own.
        let near = |answer: &Value| answer["events"][0]["band"].clone();
        assert_eq!(near(&client.post(DECISIONS, &ask(26), 200).await), "85-90");
        assert_eq!(near(&client.post(DECISIONS, &ask(1), 200).await), Value::Null);
        assert_eq!(near(&client.post(DECISIONS, &ask(9), 200).await), "95-100");
        let other = client.other_tenant();
        other.load(&of([], [tokens("cap", 100)]), 0).await.unwrap();
        assert_eq!(other.post(DECISIONS, &ask(5), 200).await["limits"][0]["value"], "5");
        assert_balanced(&client).await;
    })
    .await;
}

#[tokio::test]
async fn a_request_id_counts_once() {
    on_each_database("decisions-id", async |client| {
        client.load(&of([], [tokens("cap", 100)]), 0).await.unwrap();
        let named = |tokens| with(ask(tokens), &json!({ "request_id": "ü-1" }));
        let first = client.post(DECISIONS, &named(60), 200).await;
        assert_eq!(client.post(DECISIONS, &named(60), 200).await, first, "the same, with its identity");
        let error = client.post(DECISIONS, &named(61), 409).await;
        assert_eq!(error["code"], "request_id_taken");
        assert_eq!(error["detail"], "another request was decided under the name `ü-1`");
        assert_eq!(used(&client, "cap").await, (60, 0));
        // In a batch too; one that can't be decided holds nobody up.
        let stopped = with(ask(90), &json!({ "request_id": "2" }));
        let batch = json!([named(60), stopped, stopped, named(1), ask(40)]);
        let answer = client.post(DECISIONS, &batch, 200).await;
        let decisions = answer["decisions"].as_array().unwrap();
        assert_eq!(decisions[0], first);
        assert_eq!((&decisions[1]["outcome"], &decisions[1]), (&json!("BLOCK"), &decisions[2]));
        assert_eq!(
            (&decisions[3]["code"], &decisions[3]["status"]),
            (&json!("request_id_taken"), &json!(409))
        );
        assert_eq!(decisions[4]["limits"][0]["value"], "100");
        assert_balanced(&client).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_reserved_is_settled_once_or_released() {
    on_each_database("decisions-settle", async |client| {
        client.load(&of([], [tokens("cap", 100)]), 0).await.unwrap();
        let held = |tokens| with(ask(tokens), &json!({ "reserve": true, "hold_seconds": 60 }));
        let answer = client.post(DECISIONS, &held(100), 200).await;
        assert_eq!(
            (&answer["reserved"], &answer["hold_until"]),
            (&json!(true), &json!(at(3660).to_string()))
        );
        let id = answer["id"].as_str().unwrap().to_owned();
        assert_eq!(client.post(DECISIONS, &ask(1), 200).await["outcome"], "BLOCK");
        let (settle, release) = (format!("{DECISIONS}/{id}/settle"), format!("{DECISIONS}/{id}/release"));
        let usage = |tokens| json!({ "usage": { "tokens": tokens } });
        let done = client.post(&settle, &usage(40), 200).await;
        assert_eq!(done, json!({ "id": id, "standing": "SETTLED", "repeated": false, "late": false }));
        for tokens in [40, 70] {
            assert_eq!(client.post(&settle, &usage(tokens), 200).await["repeated"], true);
        }
        assert_eq!(used(&client, "cap").await, (40, 0));
        assert_eq!(client.post(&release, &json!({}), 409).await["code"], "decision_closed");
        let theirs = client.other_tenant();
        assert_eq!(theirs.post(&settle, &usage(1), 404).await["code"], "decision_not_found");
        let answer = client.post(DECISIONS, &held(60), 200).await;
        let release = format!("{DECISIONS}/{}/release", answer["id"].as_str().unwrap());
        for repeated in [false, true] {
            let done = client.post(&release, &json!({}), 200).await;
            assert_eq!((&done["standing"], &done["repeated"]), (&json!("RELEASED"), &json!(repeated)));
        }
        // What counts at once can't be settled, and a usage must fit.
        let answer = client.post(DECISIONS, &ask(1), 200).await;
        let settle = format!("{DECISIONS}/{}/settle", answer["id"].as_str().unwrap());
        let error = client.post(&settle, &usage(1), 409).await;
        assert!(error["detail"].as_str().unwrap().contains("`reserve` it"), "{error}");
        let error = client.post(&settle, &json!({ "usage": { "cost": { "USD": "x" } } }), 422).await;
        assert_eq!(error["errors"][0]["pointer"], "/usage/cost/USD");
        assert_eq!(client.post(&format!("{DECISIONS}/x/settle"), &usage(1), 422).await["code"], "invalid_id");
        assert_eq!(used(&client, "cap").await, (41, 0));
        assert_balanced(&client).await;
    })
    .await;
}

#[tokio::test]
async fn cooldowns_partitions_and_faults() {
    on_each_database("decisions-more", async |client| {
        let mut pause = limit("pause", "COOLDOWN", 30_000);
        pause.bound.direction = ordain_ir::Direction::AtLeast;
        pause.partition = Partition::Agent;
        pause.enforcement = Enforcement::Queue;
        let mut each = tokens("each", 10);
        each.partition = Partition::Agent;
        client.load(&of([], [pause, each]), 0).await.unwrap();
        let by = |agent: &str, second: i64| {
            json!({ "path": format!("acme/p/{agent}"), "at": at(3600 + second), "usage": { "tokens": 4 } })
        };
        assert_eq!(client.post(DECISIONS, &by("x", 0), 200).await["outcome"], "ALLOW");
        let wait = client.post(DECISIONS, &by("x", 10), 200).await;
        assert_eq!((&wait["outcome"], &wait["retry_after"]), (&json!("QUEUE"), &json!(20)), "{wait}");
        assert_eq!(client.post(DECISIONS, &by("y", 10), 200).await["outcome"], "ALLOW");
        assert_eq!(client.post(DECISIONS, &by("x", 30), 200).await["outcome"], "ALLOW");
        assert_eq!(client.post(DECISIONS, &by("x", 60), 200).await["limits"][0]["value"], "12");
        // What can't be read is decided all the same, failing closed.
        let odd = json!({ "path": "acme/p/z", "facts": { "no.such": 1 }, "usage": { "tokens": -1 } });
        let answer = client.post(DECISIONS, &odd, 200).await;
        assert_eq!((&answer["outcome"], &answer["faults"][0]["place"]), (&json!("BLOCK"), &json!("facts.no.such")));
        for (bad, pointer) in [
            (json!({ "path": "acme/p" }), "/path"),
            (json!({ "path": "acme/p/a\u{0}" }), "/path"),
            (with(ask(1), &json!({ "at": "2026-03-02T12:00:00Z" })), "/at"),
            (with(ask(1), &json!({ "at": "1960-01-01T00:00:00Z", "dry_run": true })), "/at"),
            (with(ask(1), &json!({ "hold_seconds": 5 })), "/hold_seconds"),
            (with(ask(1), &json!({ "reserve": true, "dry_run": true })), "/reserve"),
            (with(ask(1), &json!({ "request_id": "" })), "/request_id"),
            (json!([ask(1), with(ask(1), &json!({ "reserve": true, "hold_seconds": 86_401 }))]), "/1/hold_seconds"),
            (json!([]), ""),
            (with(ask(1), &json!({ "tenant": "x" })), ""),
        ] {
            let error = client.post(DECISIONS, &bad, 422).await;
            assert_eq!(error["code"], "invalid_body", "{error}");
            let found = error["errors"][0]["pointer"].as_str().unwrap();
            assert!(found.starts_with(pointer), "{bad}: {error}");
        }
        assert_balanced(&client).await;
    })
    .await;
}

#[tokio::test]
async fn quotas_on_runs_are_told_in_headers() {
    on_each_database("decisions-headers", async |client| {
        client.load(&of([], [limit("acme.hourly", "RUNS_HOURLY", 3), tokens("cap", 100)]), 0).await.unwrap();
        for (remaining, outcome) in [(2, "ALLOW"), (1, "ALLOW"), (0, "ALLOW"), (0, "BLOCK")] {
            let request = Request::post(DECISIONS).header(header::CONTENT_TYPE, "application/json");
            let response = client.raw(request.body(Body::from(ask(1).to_string())).unwrap()).await;
            let headers = response.headers();
            assert_eq!(headers["ratelimit-policy"], "\"acme.hourly\";q=3;w=3600");
            assert_eq!(headers["ratelimit"], format!("\"acme.hourly\";r={remaining};t=3600"));
            let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["outcome"], outcome);
        }
    })
    .await;
}

#[tokio::test]
async fn decisions_are_recorded_for_the_panels() {
    on_each_database("decisions-panels", async |client| {
        let warn = rule("tell", RuleType::Ethical, EnforcementMode::Warn);
        client.load(&of([warn], [tokens("cap", 10)]), 0).await.unwrap();
        for tokens in [1, 50, 1] {
            client.post(DECISIONS, &ask(tokens), 200).await;
        }
        client.post(DECISIONS, &with(ask(50), &json!({ "dry_run": true })), 200).await;
        let mut metrics = Value::Null;
        for _ in 0..100 {
            metrics = client.ok("/api/v1/policies/metrics").await;
            if metrics["violations_by_type"]["ethical"] == 3 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(metrics["evaluations_by_action"], json!({ "BLOCK": 1, "WARN": 2 }), "{metrics}");
        assert_eq!(metrics["violations_by_type"], json!({ "ethical": 3, "quota": 1 }), "{metrics}");
        let found = client.ok("/api/v1/policies/violations?violation_type=quota").await;
        let item = &found["items"][0];
        assert_eq!((&item["source"], &item["severity"]), (&json!("runtime"), &json!(0.8)));
        assert_eq!((&item["policy_name"], &item["path"]), (&json!("cap"), &json!("acme/support/mailer")));
        assert!(item["description"].as_str().unwrap().starts_with("TOKENS_DAILY 51 of at most 10"), "{item}");
        let all = ViolationFilter::since(at(0));
        assert_eq!(
            client.store.violation_counts(&client.tenant, &all).await.unwrap().values().sum::<u64>(),
            4
        );
    })
    .await;
}

#[tokio::test]
async fn a_revoked_key_ends_soon() {
    on_each_database("decisions-keys", async |client| {
        client.load(&of([], [tokens("cap", 100)]), 0).await.unwrap();
        let key = client.with_key(&client.tenant, "agent", &[Role::Decide]).await;
        key.post(DECISIONS, &ask(1), 200).await;
        let keys = client.keys().list(&client.tenant).await.unwrap();
        client.keys().revoke(&client.tenant, keys[0].id).await.unwrap();
        for _ in 0..30 {
            let (status, answer) = key.send(Method::POST, DECISIONS, &ask(1)).await;
            if status.as_u16() == 401 {
                return;
            }
            assert_eq!(status.as_u16(), 200, "{answer}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("a revoked key goes on deciding");
    })
    .await;
}

/// While somebody else holds the file, what stops requests fails closed, what doesn't lets them through; both say so, and
/// nothing of it counts in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_database_hard_limits_fail_closed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ordain.db");
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&file).await.unwrap());
    let client = Client::new(store, TenantId::new("degraded").unwrap());
    let mut soft = limit("soft", "RUNS_DAILY", 50);
    soft.enforcement = Enforcement::Warn;
    soft.scope = ordain_store::conformance::fixtures::scope(ordain_ir::Level::Agent);
    let mut hard = tokens("hard", 10);
    hard.partition = Partition::Agent;
    hard.condition = ordain_ir::Condition::True;
    hard.scope = ordain_ir::ScopeSelector::new(vec![other_project()], vec![]);
    client.load(&of([], [soft, hard]), 0).await.unwrap();
    let key = client.with_key(&client.tenant, "agent", &[Role::Decide]).await;
    let strict = json!({ "path": "acme/other/x", "usage": { "tokens": 1 }, "request_id": "once" });
    assert_eq!(key.post(DECISIONS, &ask(1), 200).await["degraded"], false);

    let mut holder = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    holder.execute("BEGIN IMMEDIATE").await.unwrap();
    let small = ask(1);
    let (mild, stopped) = tokio::join!(key.post(DECISIONS, &small, 200), key.post(DECISIONS, &strict, 200));
    assert_eq!((&mild["outcome"], &mild["degraded"]), (&json!("ALLOW"), &json!(true)), "{mild}");
    assert_eq!((&stopped["outcome"], &stopped["degraded"]), (&json!("BLOCK"), &json!(true)), "{stopped}");
    assert_eq!(stopped["limits"][0]["value"], Value::Null);
    assert_eq!(
        stopped["limits"][0]["reason"],
        "TOKENS_DAILY cannot be read, so it counts as used up: BLOCK fails closed"
    );
    let usage = json!({ "usage": {} });
    let id = "018f0000-0000-7000-8000-000000000000";
    let error = key.post(&format!("{DECISIONS}/{id}/settle"), &usage, 503).await;
    assert_eq!(error["code"], "store_unavailable");
    holder.execute("COMMIT").await.unwrap();

    // What came through although nobody heard of it is taken back, and its name is free.
    let mut answer = Value::Null;
    for _ in 0..100 {
        answer = key.post(DECISIONS, &strict, 200).await;
        if answer["degraded"] == false {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        (&answer["outcome"], &answer["limits"][0]["value"]),
        (&json!("ALLOW"), &json!("1")),
        "{answer}"
    );
    assert_balanced(&client).await;
    assert_eq!(used(&client, "hard").await, (1, 0));
}

fn other_project() -> ordain_ir::ScopePattern {
    let glob = |text| Some(ordain_ir::Glob::literal(text));
    ordain_ir::ScopePattern {
        tenant: glob("acme"),
        project: glob("other"),
        ..ordain_ir::ScopePattern::default()
    }
}

/// Sends a body under this `Idempotency-Key`.
async fn keyed(client: &Client, key: &str, body: &Value) -> (u16, Value) {
    let request = Request::post(DECISIONS)
        .header(header::CONTENT_TYPE, "application/json")
        .header("Idempotency-Key", key)
        .body(Body::from(body.to_string()))
        .expect("is a request");
    let (status, answer) = client.request(request).await;
    (status.as_u16(), answer)
}

#[tokio::test]
async fn a_body_has_a_name_as_a_whole() {
    on_each_database("decisions-keyed", async |client| {
        client.load(&of([], [tokens("cap", 100)]), 0).await.unwrap();
        let (_, first) = keyed(&client, "k-1", &ask(10)).await;
        assert_eq!((&first["outcome"], &first["request_id"]), (&json!("ALLOW"), &json!("k-1")), "{first}");
        // Again, as those write it who follow the draft; and under the same name in the body.
        assert_eq!(keyed(&client, "\"k-1\"", &ask(10)).await, (200, first.clone()));
        assert_eq!(used(&client, "cap").await, (10, 0));
        let (status, taken) = keyed(&client, "k-1", &ask(11)).await;
        assert_eq!((status, &taken["code"]), (409, &json!("request_id_taken")));
        let named = with(ask(10), &json!({ "request_id": "own" }));
        let (_, own) = keyed(&client, "k-1", &named).await;
        assert_eq!(own["request_id"], "own", "what is said of one request goes before");
        // Of several each has its own.
        let several = json!([ask(1), named, ask(1)]);
        let (_, all) = keyed(&client, "k-2", &several).await;
        let names: Vec<_> =
            all["decisions"].as_array().unwrap().iter().map(|it| it["request_id"].clone()).collect();
        assert_eq!(names, ["k-2/0", "own", "k-2/2"]);
        assert_eq!(keyed(&client, "k-2", &several).await, (200, all));
        assert_eq!(used(&client, "cap").await, (22, 0));
        for wrong in ["", "\"\"", "a b", "a\"b", "a\\b", &"k".repeat(191)] {
            let (status, error) = keyed(&client, wrong, &ask(1)).await;
            assert_eq!((status, &error["code"]), (422, &json!("invalid_parameter")), "{wrong}");
            assert_eq!(error["errors"][0]["parameter"], "Idempotency-Key");
        }
        assert_balanced(&client).await;
    })
    .await;
}
