//! Limits under load and over time, through the API. Several servers on one database together admit no more than a cap;
//! and one server decides as the ledger in memory does, which shares no code with the stores.
//!
//! `cargo xtask oracle runtime` runs both at length.
#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

#[path = "admission/servers.rs"]
mod servers;
#[path = "support/trusting.rs"]
mod trusting;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use ordain_engine::ledger::{Admission, Claim, Closing};
use ordain_engine::{Answer, Engine, Ledger, Prepared};
use ordain_ir::request::RequestJson;
use ordain_ir::{
    Bound, Bundle, Direction, Enforcement, Level, Limit, Override, Partition, Policies, Request, RuleType,
    ScopePattern, Usage,
};
use ordain_store::conformance::fixtures::{at, bundle, limit, policies, rule, scope};
use serde_json::{Value, json};

use servers::{Server, databases, is_kept};

fn number(variable: &str, otherwise: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("`{variable}` is a number")))
}

/// Draws from a seed.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn amount(&mut self, bound: u64) -> i64 {
        i64::try_from(self.below(bound)).unwrap()
    }

    fn one<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

const CAP: i64 = 20;

fn capped() -> Bundle {
    let cap = |(number, kind): (usize, &&str)| {
        let mut cap = limit(&format!("cap-{number}"), kind, CAP);
        cap.partition = Partition::Agent;
        cap.scope.level = Level::Project;
        cap.scope.include = vec![ScopePattern::parse(&format!("acme/p{number}")).unwrap()];
        cap
    };
    let wide = limit("wide", "RUNS_DAILY", 1_000_000_000);
    let caps = CAPPED.iter().enumerate().map(cap);
    bundle(policies([], caps.chain([wide])), vec![], vec![])
}

/// What caps are on, one in each project: what clients do counts together under each.
const CAPPED: [&str; 4] =
    ["TOKENS_DAILY", "TOKENS_HOURLY rolling", "TOKENS_CONCURRENT", "TOKENS_WEEKLY in Europe/Berlin"];

/// Servers with eight clients each: what is inside at any instant stays within the cap, settling twice charges once, and in
/// the end exactly what was settled is used, unless it is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_on_one_database_stay_within_a_cap() {
    let trials = number("ORDAIN_ADMISSION_CASES", 4);
    for database in databases("admission").await {
        let mut servers = vec![];
        for _ in 0..3 {
            servers.push(Arc::new(database.server(at(0)).await));
        }
        servers[0].load(&capped()).await;
        let (mut admitted, mut stopped) = (0, 0);
        for trial in 0..trials {
            let (inside, settled) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
            let clients = (0..24_u64).map(|client| {
                let servers = servers.clone();
                let (inside, settled) = (Arc::clone(&inside), Arc::clone(&settled));
                tokio::spawn(async move { client_of(&servers, trial, client, &inside, &settled).await })
            });
            for client in clients.collect::<Vec<_>>() {
                let (in_, out) = client.await.expect("stays within the cap");
                (admitted, stopped) = (admitted + in_, stopped + out);
            }
            let rehearsal = json!({ "path": agent(trial), "dry_run": true });
            let answer = servers[1].insist("/api/v1/decisions", &rehearsal).await;
            let used = settled.load(Ordering::SeqCst).to_string();
            assert_eq!(answer["limits"][0]["value"], used.as_str(), "trial {trial}");
        }
        let audit = servers[2].audit().await;
        assert_eq!(audit.wrong, []);
        assert!(admitted > trials && stopped > 0, "some get in, some don't: {admitted}, {stopped}");
        println!(
            "{}: {trials} trials of 3 servers with 8 clients each: {admitted} admitted, {stopped} stopped, 0 beyond the \
             cap; {} counters are the sums of {} entries",
            database.name(),
            audit.counters,
            audit.entries
        );
        database.close(servers).await;
    }
}

fn kind(trial: u64) -> &'static str {
    CAPPED[usize::try_from(trial).unwrap() % CAPPED.len()]
}

/// The agent of a trial, in the project of its cap.
fn agent(trial: u64) -> String {
    format!("acme/p{}/{trial}", trial % CAPPED.len() as u64)
}

async fn client_of(
    servers: &[Arc<Server>],
    trial: u64,
    client: u64,
    inside: &AtomicI64,
    settled: &AtomicI64,
) -> (u64, u64) {
    let (mut admitted, mut stopped) = (0, 0);
    for step in 0..3 {
        let server = |more: u64| &servers[usize::try_from((client + more) % servers.len() as u64).unwrap()];
        let tokens = 1 + i64::try_from((client + step + trial) % 5).unwrap();
        // Not all at one instant, nor in order.
        let instant = at(0) + SignedDuration::from_secs(i64::try_from(client * 37 % 24).unwrap() * 20 - 240);
        let ask = json!({
            "path": agent(trial), "usage": { "tokens": tokens }, "reserve": true, "at": instant,
            "request_id": format!("{trial}-{client}-{step}")
        });
        let answer = server(0).insist("/api/v1/decisions", &ask).await;
        if answer["admitted"] == false {
            stopped += 1;
            continue;
        }
        admitted += 1;
        let now = inside.fetch_add(tokens, Ordering::SeqCst) + tokens;
        assert!(now <= CAP, "{now} of {CAP} in trial {trial}");
        // As a client does whose answer got lost, of whichever server.
        assert_eq!(server(step).insist("/api/v1/decisions", &ask).await, answer);
        let id = answer["id"].as_str().unwrap();
        if step == 2 {
            inside.fetch_sub(tokens, Ordering::SeqCst);
            server(1).insist(&format!("/api/v1/decisions/{id}/release"), &json!({})).await;
            continue;
        }
        let stays = if kind(trial).ends_with("_CONCURRENT") { 0 } else { tokens - 1 };
        settled.fetch_add(stays, Ordering::SeqCst);
        inside.fetch_sub(tokens - stays, Ordering::SeqCst);
        let usage = json!({ "usage": { "tokens": tokens - 1 } });
        let settle = format!("/api/v1/decisions/{id}/settle");
        server(step).insist(&settle, &usage).await;
        assert_eq!(server(step + 1).insist(&settle, &usage).await["repeated"], true);
    }
    (admitted, stopped)
}

/// Limits of every kind, some of which override others.
fn limits(draw: &mut Draw) -> Policies {
    let kinds = [
        "TOKENS_DAILY",
        "RUNS_HOURLY",
        "RUNS_HOURLY in Australia/Lord_Howe",
        "RUNS_PER_MINUTE rolling",
        "TOKENS_HOURLY rolling",
        "COST_WEEKLY rolling",
        "TOKENS_CONCURRENT",
        "RUNS_CONCURRENT",
        "COST_MONTHLY",
        "COOLDOWN",
        "TOKENS_PER_RUN",
        "RUNS_DAILY",
        "RISK_CEILING",
    ];
    let (mut all, many): (Vec<Limit>, _) = (vec![], 2 + draw.below(5));
    for i in 0..many {
        let kind = draw.one(&kinds);
        let value = match kind {
            "COST_MONTHLY" | "COST_WEEKLY rolling" => 1_000_000 * (1 + draw.amount(9)),
            "COOLDOWN" => 1_000 * draw.amount(60),
            "RISK_CEILING" => 100_000 * draw.amount(10),
            _ => 1 + draw.amount(40),
        };
        let mut new = limit(&format!("l{i}"), kind, value);
        // Only what is counted by the calendar is ever guaranteed.
        let ceiling = kind == "RISK_CEILING" || kind.ends_with(" rolling") || kind.ends_with("_CONCURRENT");
        let floor = kind == "COOLDOWN" || draw.below(8) == 0 && !ceiling;
        let direction = if floor { Direction::AtLeast } else { Direction::AtMost };
        new.bound = Bound { direction, value };
        new.enforcement = draw.one(Enforcement::ALL);
        new.partition = draw.one(Partition::ALL);
        new.scope =
            scope(draw.one(&[Level::Global, Level::Global, Level::Tenant, Level::Project, Level::Agent]));
        if i > 0 && draw.below(4) == 0 {
            new.overrides.push(Override { policy: all[0].name.clone(), because: None });
        }
        all.push(new);
    }
    let tell = (draw.below(3) == 0).then(|| rule("tell", RuleType::Safety, ordain_ir::EnforcementMode::Warn));
    policies(tell, all)
}

/// The same requests, at the same instants, to a server and to the ledger in memory: the same words, and in the end the
/// same counters.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_decide_as_the_ledger_in_memory_does() {
    let (cases, seed) = (number("ORDAIN_ADMISSION_CASES", 12), number("ORDAIN_ADMISSION_SEED", 0));
    for database in databases("ledger").await {
        let mut compared = 0;
        for case in seed..seed + cases {
            compared += compare(&database.server(at(0)).await, case).await;
        }
        println!(
            "{}: {compared} answers of {cases} cases from seed {seed} compared, 0 differ",
            database.name()
        );
        database.close(vec![]).await;
    }
}

async fn compare(server: &Server, case: u64) -> u64 {
    let server = server.of_tenant(&format!("case-{case}"));
    let mut draw = Draw(case.wrapping_mul(0x9e37_79b9).wrapping_add(1));
    let held = limits(&mut draw);
    server.load(&bundle(held.clone(), vec![], vec![])).await;
    let engine = Engine::new(Arc::new(held)).unwrap();
    let (ledger, mut prepared, mut answer) = (Ledger::default(), Prepared::default(), Answer::default());
    let (mut now, mut known): (Timestamp, Vec<(String, String)>) = (at(0), vec![]);
    let mut compared = 0;
    for step in 0..40 {
        let gap = draw.one(&[0, 0, 1, 7, 20, 61, 3_600, 50_000]);
        now = now.checked_add(SignedDuration::from_secs(gap)).unwrap();
        server.clock.set(now);
        if draw.below(4) == 0 && !known.is_empty() {
            let (own, theirs) = known[usize::try_from(draw.below(known.len() as u64)).unwrap()].clone();
            let tokens = draw.amount(30);
            let usage = Usage { tokens, ..Usage::default() };
            let (verb, closing) = match draw.below(3) {
                0 => ("release", ledger.release(&own, now).unwrap()),
                _ => ("settle", ledger.settle(&own, &usage, now).unwrap()),
            };
            let body = json!({ "usage": { "tokens": tokens } });
            let (status, done) = server.send(&format!("/api/v1/decisions/{theirs}/{verb}"), &body).await;
            let found = match (status, closing) {
                (200, Closing::Done) => done["repeated"] == false && done["late"] == false,
                (200, Closing::Late) => done["late"] == true,
                (200, Closing::Already(_)) => done["repeated"] == true,
                (409, Closing::Already(_)) => true,
                _ => false,
            };
            assert!(found, "case {case}, step {step}: {closing:?} is not {done}");
            continue;
        }
        let instant = now.checked_add(SignedDuration::from_secs(draw.one(&[0, 0, 0, -200, 30]))).unwrap();
        let request = json!({
            "path": format!("{}/{}/{}", draw.one(&["acme", "other"]), draw.one(&["support", "b/c"]).replace('/', "\\/"),
                            draw.one(&["mailer", "y"])),
            "provider": draw.one(&[Some("openai"), None]),
            "at": instant,
            "usage": { "tokens": draw.amount(12), "cost": { "USD": format!("0.{}", draw.below(100)) },
                       "risk": draw.one(&[None, Some("0.3"), Some("0.9")]) },
        });
        let hold = (draw.below(3) > 0).then(|| 1 + draw.amount(4_000));
        let mut ask = request.clone();
        let own = format!("{case}-{step}");
        ask["request_id"] = own.as_str().into();
        if let Some(seconds) = hold {
            ask["reserve"] = true.into();
            ask["hold_seconds"] = seconds.into();
        }
        let theirs = server.post("/api/v1/decisions", &ask, 200).await;

        let wire: RequestJson = serde_json::from_value(request).unwrap();
        let (typed, faults) = Request::read(wire, &engine.policies().facts, &engine.policies().meters);
        assert_eq!(faults, []);
        engine.prepare_into(&typed, &mut prepared).unwrap();
        let claim = Claim { id: Some(&own), now, hold: hold.map(SignedDuration::from_secs) };
        let mut events = vec![];
        let admission = ledger.admit(&engine, &prepared, claim, &mut answer, &mut events).unwrap();
        let words = serde_json::to_value(engine.explain(&prepared, &answer)).unwrap();
        for part in ["outcome", "rules", "limits", "unmeasured"] {
            assert_eq!(theirs[part], words[part], "case {case}, step {step}, {part}: {ask}");
        }
        assert_eq!(theirs["admitted"], admission == Admission::Admitted);
        let bands = |events: &Value| -> Vec<(Value, Value)> {
            events.as_array().unwrap().iter().map(|e| (e["limit"].clone(), e["band"].clone())).collect()
        };
        let wanted = serde_json::to_value(&events).unwrap();
        assert_eq!(bands(&theirs["events"]), bands(&wanted), "case {case}, step {step}");
        if admission == Admission::Admitted
            && theirs["limits"].as_array().is_some_and(|limits| !limits.is_empty())
        {
            let id = theirs["id"].as_str().unwrap().to_owned();
            if is_kept(&theirs) {
                known.push((own, id));
            }
        }
        compared += 1;
    }
    // A step of any kind gives back what has expired by now; the last one may have needed no counter.
    ledger.expire(now);
    let nobody = format!("/api/v1/decisions/{}/release", uuid::Uuid::nil());
    server.post(&nobody, &json!({}), 404).await;
    let audit = server.audit().await;
    assert_eq!(audit.wrong, [], "case {case}");
    for counter in ledger.state().counters {
        let found = server.counter(&counter.limit, &counter.subject.to_string(), counter.period_start).await;
        assert_eq!(
            found,
            (counter.used, counter.held),
            "case {case}: {} of {}",
            counter.limit,
            counter.subject
        );
    }
    compared
}
