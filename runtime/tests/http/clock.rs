//! A clock that jumps, forward and back, under decisions with counters.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use ordain_ir::{Enforcement, Partition};
use ordain_store::Clock;
use ordain_store::conformance::fixtures::{at, bundle, limit, policies};
use serde_json::{Value, json};

use crate::support::{Client, on_each_database};

const DECISIONS: &str = "/api/v1/decisions";
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// A clock that somebody sets.
pub(crate) struct Set(Mutex<Timestamp>);

impl Set {
    pub(crate) fn jump(&self, seconds: i64) {
        let mut now = self.0.lock().expect("nobody panics");
        *now += SignedDuration::from_secs(seconds);
    }
}

impl Clock for Set {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("nobody panics")
    }
}

/// The test on each database, at 2026-03-02T11:00:00Z to begin with.
pub(crate) async fn with_a_clock(name: &str, test: impl AsyncFn(Client, &Set)) {
    on_each_database(name, async |client| {
        let clock = Arc::new(Set(Mutex::new(at(HOUR))));
        test(client.by(Arc::clone(&clock) as Arc<dyn Clock>), &clock).await;
    })
    .await;
}

async fn outcome(client: &Client, ask: &Value) -> String {
    client.post(DECISIONS, ask, 200).await["outcome"].as_str().expect("has one").to_owned()
}

fn ask(tokens: i64) -> Value {
    json!({ "path": "acme/p/a", "usage": { "tokens": tokens } })
}

/// What a period has used stays used, whichever way the clock goes and comes back.
#[tokio::test]
async fn no_jump_hands_a_period_out_twice() {
    with_a_clock("clock-periods", async |client, clock| {
        let caps = [limit("day", "TOKENS_DAILY", 10), limit("hour", "TOKENS_HOURLY", 10)];
        client.load(&bundle(policies([], caps), vec![], vec![]), 0).await.unwrap();
        let named = json!({ "path": "acme/p/a", "usage": { "tokens": 10 }, "request_id": "first" });
        let first = client.post(DECISIONS, &named, 200).await;
        assert_eq!(first["outcome"], "ALLOW");
        // Here and there again: one full use for each day, in whatever order they come.
        for (jump, admitted) in [
            (DAY, true),
            (-DAY, false),
            (DAY, false),
            (-2 * DAY, true),
            (DAY, false),
            (DAY, false),
            (-DAY, false),
        ] {
            clock.jump(jump);
            let full = outcome(&client, &ask(10)).await;
            assert_eq!(full == "ALLOW", admitted, "{jump} seconds, to {}", clock.now());
            assert_eq!(outcome(&client, &ask(1)).await, "BLOCK", "at {}", clock.now());
            // A name stands for its request, and the answer for when it was given.
            assert_eq!(client.post(DECISIONS, &named, 200).await, first);
        }
        let audit = client.store.audit_counters(&client.tenant).await.unwrap();
        assert_eq!(audit.wrong, []);
        let days = client.store.counters(&client.tenant, &"day".into(), 10).await.unwrap();
        assert_eq!(days.iter().map(|found| found.counter.used).collect::<Vec<_>>(), [10, 10, 10]);
    })
    .await;
}

/// A hold that a jump has ended stays ended, its real usage counts all the same; one that a jump back makes longer can
/// be settled.
#[tokio::test]
async fn holds_survive_jumps() {
    with_a_clock("clock-holds", async |client, clock| {
        let cap = limit("cap", "TOKENS_MONTHLY", 10);
        client.load(&bundle(policies([], [cap]), vec![], vec![]), 0).await.unwrap();
        let held =
            json!({ "path": "acme/p/a", "usage": { "tokens": 10 }, "reserve": true, "hold_seconds": 60 });
        let answer = client.post(DECISIONS, &held, 200).await;
        assert_eq!(outcome(&client, &ask(1)).await, "BLOCK", "all is held");
        clock.jump(HOUR);
        assert_eq!(outcome(&client, &ask(1)).await, "ALLOW", "the hold has run out");
        clock.jump(-HOUR);
        assert_eq!(outcome(&client, &ask(1)).await, "ALLOW", "and doesn't come back");
        let settle =
            |answer: &Value| format!("{DECISIONS}/{}/settle", answer["id"].as_str().expect("has an id"));
        let usage = json!({ "usage": { "tokens": 3 } });
        let done = client.post(&settle(&answer), &usage, 200).await;
        assert_eq!((&done["standing"], &done["late"]), (&json!("SETTLED"), &json!(true)));

        let held =
            json!({ "path": "acme/p/a", "usage": { "tokens": 5 }, "reserve": true, "hold_seconds": 60 });
        let answer = client.post(DECISIONS, &held, 200).await;
        assert_eq!(answer["outcome"], "ALLOW", "{answer}");
        clock.jump(-HOUR);
        assert_eq!(outcome(&client, &ask(1)).await, "BLOCK", "it is held as long as the clock says");
        let done = client.post(&settle(&answer), &usage, 200).await;
        assert_eq!((&done["standing"], &done["late"]), (&json!("SETTLED"), &json!(false)));
        let counters = client.store.counters(&client.tenant, &"cap".into(), 10).await.unwrap();
        let found: Vec<_> = counters.iter().map(|found| (found.counter.used, found.counter.held)).collect();
        assert_eq!(found, [(8, 0)]);
        assert_eq!(client.store.audit_counters(&client.tenant).await.unwrap().wrong, []);
    })
    .await;
}

/// Time that was never waited for doesn't pass because a clock is set back.
#[tokio::test]
async fn a_cooldown_is_not_cut_short() {
    with_a_clock("clock-cooldown", async |client, clock| {
        let mut pause = limit("pause", "COOLDOWN", 30_000);
        pause.bound.direction = ordain_ir::Direction::AtLeast;
        pause.partition = Partition::Agent;
        pause.enforcement = Enforcement::Queue;
        client.load(&bundle(policies([], [pause]), vec![], vec![]), 0).await.unwrap();
        assert_eq!(outcome(&client, &ask(0)).await, "ALLOW");
        for jump in [-HOUR, -DAY, DAY, HOUR, 29] {
            clock.jump(jump);
            assert_eq!(outcome(&client, &ask(0)).await, "QUEUE", "at {}", clock.now());
        }
        clock.jump(1);
        assert_eq!(outcome(&client, &ask(0)).await, "ALLOW");
    })
    .await;
}
