//! Counters with state: exact under threads, in time, and by name.
#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use ordain_engine::ledger::{Admission, Band, Claim, Closing, LedgerState, LimitEvent, Standing};
use ordain_engine::{Answer, Engine, Ledger, NoCounters, Outcome, Prepared, SubjectRef};
use ordain_ir::request::RequestJson;
use ordain_ir::{
    Accumulation, Bound, Direction, Enforcement, Fail, Glob, Limit, Meter, Partition, Path, Period, Policies,
    Quantity, Request, ScopePattern, Settings, Usage,
};

fn limit(name: &str, quantity: Quantity, value: i64, partition: Partition) -> Limit {
    let direction = if quantity == Quantity::Cooldown { Direction::AtLeast } else { Direction::AtMost };
    Limit { partition, ..Limit::new(name, quantity, Bound { direction, value }, Enforcement::Block) }
}

fn engine(limits: impl IntoIterator<Item = Limit>) -> Engine {
    let limits = limits.into_iter().map(|limit| (limit.name.clone(), Arc::new(limit))).collect();
    Engine::new(Arc::new(Policies { limits, ..Policies::default() })).unwrap()
}

fn runs(name: &str, cap: i64, partition: Partition) -> Limit {
    limit(name, Quantity::Accumulated(Meter::Runs, Accumulation::utc(Period::Day)), cap, partition)
}

fn tokens(name: &str, cap: i64) -> Limit {
    limit(name, Quantity::Accumulated(Meter::Tokens, Accumulation::utc(Period::Day)), cap, Partition::Whole)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn request(agent: &str, tokens: i64, instant: &str) -> Request {
    Request {
        path: Path { tenant: "acme".into(), project: "p".into(), agent: agent.into() },
        provider: None,
        at: at(instant),
        facts: BTreeMap::new(),
        usage: Usage { tokens, ..Usage::default() },
    }
}

/// One thread's view.
struct Asker<'a> {
    engine: &'a Engine,
    ledger: &'a Ledger,
    prepared: Prepared,
    answer: Answer,
    events: Vec<LimitEvent>,
}

impl<'a> Asker<'a> {
    fn new(engine: &'a Engine, ledger: &'a Ledger) -> Self {
        Self { engine, ledger, prepared: Prepared::default(), answer: Answer::default(), events: vec![] }
    }

    fn ask(&mut self, id: &str, request: &Request, hold: Option<i64>) -> Admission {
        self.ask_at(id, request, hold, request.at)
    }

    fn ask_at(&mut self, id: &str, request: &Request, hold: Option<i64>, now: Timestamp) -> Admission {
        self.engine.prepare_into(request, &mut self.prepared).unwrap();
        let claim = Claim { id: Some(id), now, hold: hold.map(SignedDuration::from_secs) };
        self.ledger.admit(self.engine, &self.prepared, claim, &mut self.answer, &mut self.events).unwrap()
    }
}

fn counted(ledger: &Ledger, limit: &str, subject: SubjectRef<'_>) -> (i64, i64) {
    let state = ledger.state();
    let counters = state.counters.iter();
    let mut own = counters.filter(|it| it.limit.as_str() == limit && it.subject.as_ref() == subject);
    own.next().map_or((0, 0), |it| (it.used, it.held))
}

/// A request as it is sent.
fn sent(path: &str, provider: Option<&str>, usage: &serde_json::Value) -> RequestJson {
    let mut wire = serde_json::json!({ "path": path, "at": NOON, "usage": usage });
    if let Some(provider) = provider {
        wire["provider"] = provider.into();
    }
    serde_json::from_value(wire).unwrap()
}

#[test]
fn an_amount_that_cannot_be_read_is_told_and_fills_no_counter() {
    let mut soft = tokens("soft", 100);
    soft.enforcement = Enforcement::Warn;
    let policies = |fail| {
        let limits = [(soft.name.clone(), Arc::new(soft.clone()))].into();
        let settings = Settings { fail, ..Settings::default() };
        Engine::new(Arc::new(Policies { limits, settings, ..Policies::default() })).unwrap()
    };
    let (engine, ledger) = (policies(Fail::Closed), Ledger::default());
    let decide = |tokens: i64| {
        ledger.enforce(&engine, sent("acme/p/a", None, &serde_json::json!({ "tokens": tokens })), &mut vec![])
    };
    assert_eq!(decide(40).outcome, Outcome::Allow);
    let odd = decide(-1);
    assert_eq!((odd.outcome, odd.faults.len()), (Outcome::Warn, 1));
    assert!(odd.limits[0].unread && odd.limits[0].breached && odd.limits[0].value == 40);
    assert_eq!(
        odd.to_string(),
        "WARN\n  limit `soft`: the request's TOKENS_DAILY can't be read, so that it may break at most 100; breached, says \
         WARN, the strictest that is said\n  at `usage.tokens`: usage `tokens` wants a whole number from 0, not `-1`"
    );
    // It went ahead, and others find room.
    assert_eq!(decide(60).outcome, Outcome::Allow);
    assert_eq!(counted(&ledger, "soft", SubjectRef::Whole), (100, 0));
    let open = policies(Fail::Open);
    let odd =
        ledger.enforce(&open, sent("acme/p/a", None, &serde_json::json!({ "tokens": -1 })), &mut vec![]);
    assert_eq!((odd.outcome, odd.faults.len(), odd.unmeasured.len()), (Outcome::Allow, 1, 1));
}

#[test]
fn a_stranger_is_told_and_blocked_unless_failing_open() {
    let mut settings = Settings {
        agents: Some(
            ["acme/p/mail*", "globex"].into_iter().map(|it| ScopePattern::parse(it).unwrap()).collect(),
        ),
        providers: Some([Glob::literal("openai")].into()),
        ..Settings::default()
    };
    let mut soft = tokens("soft", 1);
    soft.enforcement = Enforcement::Warn;
    let limits: BTreeMap<_, _> = [(soft.name.clone(), Arc::new(soft))].into();
    let mut engine = |fail| {
        settings.fail = fail;
        let policies = Policies { limits: limits.clone(), settings: settings.clone(), ..Policies::default() };
        Engine::new(Arc::new(policies)).unwrap()
    };
    let (closed, open) = (engine(Fail::Closed), engine(Fail::Open));
    for (path, provider, places) in [
        ("acme/p/mailer", Some("openai"), &[][..]),
        ("acme/p/mailer", None, &[]),
        ("globex/x/y", None, &[]),
        ("acme/p/miler", Some("openai"), &["path"]),
        ("acme/q/mailer", None, &["path"]),
        ("globex/x/y", Some("opneai"), &["provider"]),
        ("initech/x/y", Some("opneai"), &["path", "provider"]),
    ] {
        let ledger = Ledger::default();
        let wire = || sent(path, provider, &serde_json::json!({ "tokens": 5 }));
        let decision = ledger.enforce(&closed, wire(), &mut vec![]);
        let found: Vec<&str> = decision.faults.iter().map(|it| it.place.as_str()).collect();
        assert_eq!(found, places, "{decision}");
        assert_eq!(decision.outcome, if places.is_empty() { Outcome::Warn } else { Outcome::Block });
        // What is blocked doesn't count.
        let used = if places.is_empty() { 5 } else { 0 };
        assert_eq!(counted(&ledger, "soft", SubjectRef::Whole), (used, 0));
        assert_eq!(closed.enforce(wire(), &NoCounters), decision, "with and without counters");
        let told = ledger.enforce(&open, wire(), &mut vec![]);
        assert_eq!((told.outcome, told.faults), (Outcome::Warn, decision.faults));
    }
    let stranger =
        closed.enforce(sent("acme/p/miler", None, &serde_json::json!({ "tokens": 5 })), &NoCounters);
    assert_eq!(
        stranger.to_string(),
        "BLOCK\n  limit `soft`: TOKENS_DAILY 5 of at most 1 (500%); breached, says WARN, milder than what a stranger gets\n  \
         at `path`: unknown agent `acme/p/miler`; `agents` in `ordain.yaml` lists who is known"
    );
    assert_eq!(stranger.deciders().count(), 0);
}

const NOON: &str = "2026-03-02T12:00:00Z";

/// Threads on one cap, of which each tries to get in, settles or releases: never more than the cap are in at once, and
/// in the end exactly what was settled is used.
#[test]
fn no_number_of_threads_gets_past_a_cap() {
    const THREADS: usize = 8;
    const TRIALS: usize = 300;
    const CAP: i64 = 20;
    let engine = engine([tokens("hard", CAP), runs("wide", 1_000, Partition::Whole)]);
    for trial in 0..TRIALS {
        let ledger = Ledger::default();
        let (inside, settled) = (AtomicI64::new(0), AtomicI64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (engine, ledger, inside, settled) = (&engine, &ledger, &inside, &settled);
                scope.spawn(move || {
                    let mut asker = Asker::new(engine, ledger);
                    for step in 0..6 {
                        let id = format!("{thread}-{step}");
                        let tokens = 1 + i64::try_from((thread + step + trial) % 5).unwrap();
                        if asker.ask(&id, &request("a", tokens, NOON), Some(60)) != Admission::Admitted {
                            continue;
                        }
                        let now = inside.fetch_add(tokens, Ordering::SeqCst) + tokens;
                        assert!(now <= CAP, "{now} of {CAP} in trial {trial}");
                        if step % 3 == 2 {
                            inside.fetch_sub(tokens, Ordering::SeqCst);
                            assert_eq!(ledger.release(&id, at(NOON)), Ok(Closing::Done));
                        } else {
                            // Less than was asked for; and twice, as clients do whose answer got lost.
                            let usage = Usage { tokens: tokens - 1, ..Usage::default() };
                            settled.fetch_add(tokens - 1, Ordering::SeqCst);
                            inside.fetch_sub(1, Ordering::SeqCst);
                            assert_eq!(ledger.settle(&id, &usage, at(NOON)), Ok(Closing::Done));
                            let again = ledger.settle(&id, &usage, at(NOON));
                            assert_eq!(again, Ok(Closing::Already(Standing::Settled)));
                        }
                    }
                });
            }
        });
        let (used, held) = counted(&ledger, "hard", SubjectRef::Whole);
        assert_eq!((used, held), (settled.into_inner(), 0), "trial {trial}");
    }
}

#[test]
fn of_several_limits_all_count_a_request_or_none() {
    let engine = engine([tokens("a", 100), tokens("b", 10), runs("c", 100, Partition::Agent)]);
    let ledger = Ledger::default();
    let mut asker = Asker::new(&engine, &ledger);
    assert_eq!(asker.ask("1", &request("x", 8, NOON), None), Admission::Admitted);
    assert_eq!(asker.ask("2", &request("x", 8, NOON), None), Admission::Refused);
    assert_eq!(asker.answer.outcome(), Outcome::Block);
    for (limit, used) in [("a", 8), ("b", 8)] {
        assert_eq!(counted(&ledger, limit, SubjectRef::Whole), (used, 0), "{limit}");
    }
    assert_eq!(counted(&ledger, "c", SubjectRef::Agent("acme", "p", "x")), (1, 0));
    // Who was refused may ask again, for less.
    assert_eq!(asker.ask("2", &request("x", 2, NOON), None), Admission::Admitted);
    assert_eq!(asker.ask("2", &request("x", 2, NOON), None), Admission::Repeated(Outcome::Allow));
    assert_eq!(counted(&ledger, "b", SubjectRef::Whole), (10, 0));
}

#[test]
fn holds_expire_and_what_was_used_counts_all_the_same() {
    let engine = engine([tokens("cap", 10)]);
    let ledger = Ledger::default();
    let mut asker = Asker::new(&engine, &ledger);
    assert_eq!(asker.ask("1", &request("x", 10, NOON), Some(30)), Admission::Admitted);
    assert_eq!(asker.ask("2", &request("x", 1, "2026-03-02T12:00:29Z"), Some(30)), Admission::Refused);
    // At the instant of expiry, not after it.
    assert_eq!(asker.ask("2", &request("x", 1, "2026-03-02T12:00:30Z"), Some(30)), Admission::Admitted);
    assert_eq!(counted(&ledger, "cap", SubjectRef::Whole), (0, 1));
    let late = at("2026-03-02T12:05:00Z");
    let usage = Usage { tokens: 25, ..Usage::default() };
    assert_eq!(ledger.settle("1", &usage, late), Ok(Closing::Late));
    assert_eq!(ledger.settle("1", &usage, late), Ok(Closing::Already(Standing::Settled)));
    assert_eq!(ledger.release("1", late), Ok(Closing::Already(Standing::Settled)));
    assert_eq!(counted(&ledger, "cap", SubjectRef::Whole), (25, 0), "beyond the cap, since it was used");
    assert_eq!(ledger.release("2", late), Ok(Closing::Already(Standing::Expired)));
    assert_eq!(ledger.settle("3", &usage, late).unwrap_err().to_string(), "no request `3` was admitted");
}

#[test]
fn time_may_jump() {
    let engine = engine([tokens("cap", 10)]);
    let ledger = Ledger::default();
    let mut asker = Asker::new(&engine, &ledger);
    assert_eq!(asker.ask("1", &request("x", 10, NOON), Some(60)), Admission::Admitted);
    // A day ahead there is a new period; the hold has expired on the way.
    assert_eq!(asker.ask("2", &request("x", 10, "2026-03-03T12:00:00Z"), None), Admission::Admitted);
    // Back again: that day's hold is gone, and the day after has what it had.
    assert_eq!(asker.ask("3", &request("x", 10, NOON), None), Admission::Admitted);
    assert_eq!(asker.ask("4", &request("x", 1, NOON), None), Admission::Refused);
    assert_eq!(asker.ask("5", &request("x", 1, "2026-03-03T12:00:00Z"), None), Admission::Refused);
    // A clock that runs behind the requests lets no hold expire early.
    let later = request("x", 10, "2026-03-04T12:00:00Z");
    assert_eq!(asker.ask_at("6", &later, Some(60), at("2026-03-04T11:00:00Z")), Admission::Admitted);
    assert_eq!(asker.ask_at("7", &later, Some(60), at("2026-03-04T11:00:59Z")), Admission::Refused);
    assert_eq!(asker.ask_at("8", &later, Some(60), at("2026-03-04T11:01:00Z")), Admission::Admitted);
}

#[test]
fn cooldowns_run_from_the_last_that_went_ahead() {
    let mut pause = limit("pause", Quantity::Cooldown, 30_000, Partition::Agent);
    pause.enforcement = Enforcement::Queue;
    let engine = engine([pause]);
    let ledger = Ledger::default();
    let mut asker = Asker::new(&engine, &ledger);
    assert_eq!(asker.ask("1", &request("x", 0, "2026-03-02T12:00:00Z"), None), Admission::Admitted);
    assert_eq!(asker.ask("2", &request("y", 0, "2026-03-02T12:00:10Z"), None), Admission::Admitted);
    assert_eq!(asker.ask("3", &request("x", 0, "2026-03-02T12:00:29.999Z"), None), Admission::Refused);
    assert_eq!(asker.answer.outcome(), Outcome::Queue);
    // Who had to wait didn't run.
    assert_eq!(asker.ask("3", &request("x", 0, "2026-03-02T12:00:30Z"), None), Admission::Admitted);
    // A clock that is set back lets no time pass.
    assert_eq!(asker.ask("4", &request("x", 0, "2026-03-02T11:00:00Z"), None), Admission::Refused);
}

#[test]
fn bands_are_told_once_and_breaches_every_time() {
    let engine = engine([tokens("cap", 100)]);
    let ledger = Ledger::default();
    let mut asker = Asker::new(&engine, &ledger);
    let steps =
        [(84, None), (1, Some(Band::Near85)), (4, None), (1, Some(Band::Near90)), (5, Some(Band::Near95))];
    for (place, (tokens, band)) in steps.into_iter().enumerate() {
        asker.ask(&place.to_string(), &request("x", tokens, NOON), None);
        assert_eq!(asker.events.pop().map(|event| event.band), band, "{place}");
    }
    for _ in 0..2 {
        assert_eq!(asker.ask("over", &request("x", 6, NOON), None), Admission::Refused);
        let event = asker.events.pop().unwrap();
        assert_eq!((event.band, event.value, event.bound), (Band::Breached, 101, 100));
    }
    // A new day is told anew.
    asker.ask("next", &request("x", 100, "2026-03-03T00:00:00Z"), None);
    assert_eq!(asker.events.pop().unwrap().band, Band::Near95);
    assert!(asker.events.is_empty());
}

#[test]
fn what_is_known_can_be_kept_elsewhere() {
    let engine = engine([tokens("cap", 10), limit("pause", Quantity::Cooldown, 1, Partition::Agent)]);
    let ledger = Ledger::default();
    let mut asker = Asker::new(&engine, &ledger);
    asker.ask("1", &request("x", 4, NOON), Some(60));
    asker.ask("2", &request("x/y", 4, "2026-03-02T12:00:01Z"), None);
    let kept = serde_json::to_string(&ledger.state()).unwrap();
    let state: LedgerState = serde_json::from_str(&kept).unwrap();
    let restored = Ledger::restore(state);
    assert_eq!(restored.state(), ledger.state());
    let mut asker = Asker::new(&engine, &restored);
    let later = "2026-03-02T12:00:10Z";
    assert_eq!(asker.ask("1", &request("x", 4, later), None), Admission::Repeated(Outcome::Allow));
    assert_eq!(asker.ask("3", &request("x", 4, later), None), Admission::Refused);
    assert_eq!(restored.expire(at("2026-03-02T12:01:00Z")), 1);
    assert_eq!(asker.ask("3", &request("x", 4, later), None), Admission::Admitted);
    restored.forget(at("2026-03-03T00:00:00Z"));
    assert!(restored.state().counters.is_empty());
}
