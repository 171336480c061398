//! Counters whose usage adds up by the clocks of a zone, over rolling periods, and concurrently: exact in time, under
//! threads, and in whichever order requests come.
#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use ordain_engine::ledger::{Admission, Band, Claim, Closing, LedgerState, LimitEvent, Standing};
use ordain_engine::{Answer, Counters, Engine, Ledger, NoCounters, Outcome, Prepared, Room, UsedByLimit};
use ordain_ir::{
    Accumulation, Bound, Enforcement, Limit, Meter, Path, Period, Policies, Quantity, Request, Usage,
};

fn limit(name: &str, accumulation: Accumulation, cap: i64) -> Limit {
    Limit::new(
        name,
        Quantity::Accumulated(Meter::Tokens, accumulation),
        Bound::at_most(cap),
        Enforcement::Block,
    )
}

fn zoned(period: Period, zone: &str) -> Accumulation {
    Accumulation::Calendar { period, zone: zone.into() }
}

fn engine(limits: impl IntoIterator<Item = Limit>) -> Engine {
    let limits = limits.into_iter().map(|limit| (limit.name.clone(), Arc::new(limit))).collect();
    Engine::new(Arc::new(Policies { limits, ..Policies::default() })).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn request(tokens: i64, at: Timestamp) -> Request {
    Request {
        path: Path { tenant: "acme".into(), project: "p".into(), agent: "a".into() },
        provider: None,
        at,
        facts: BTreeMap::new(),
        usage: Usage { tokens, ..Usage::default() },
    }
}

fn usage(tokens: i64) -> Usage {
    Usage { tokens, ..Usage::default() }
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

    fn ask(
        &mut self,
        id: Option<&str>,
        tokens: i64,
        at: Timestamp,
        now: Timestamp,
        hold: Option<i64>,
    ) -> bool {
        self.engine.prepare_into(&request(tokens, at), &mut self.prepared).unwrap();
        let claim = Claim { id, now, hold: hold.map(SignedDuration::from_secs) };
        let admission = self
            .ledger
            .admit(self.engine, &self.prepared, claim, &mut self.answer, &mut self.events)
            .unwrap();
        admission == Admission::Admitted
    }

    /// Counts at once, as the ledger does.
    fn uses(&mut self, tokens: i64, at: Timestamp) -> bool {
        self.ask(None, tokens, at, at, None)
    }

    fn holds(&mut self, id: &str, tokens: i64, at: Timestamp, seconds: i64) -> bool {
        self.ask(Some(id), tokens, at, at, Some(seconds))
    }
}

#[test]
fn a_day_of_a_zone_is_as_long_as_its_clocks_make_it() {
    let engine = engine([limit("day", zoned(Period::Day, "Europe/Berlin"), 10)]);
    let ledger = Ledger::default();
    let mut asker = Asker::new(&engine, &ledger);
    // 23 hours in March, 25 in October.
    for (day, next) in
        [("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"), ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")]
    {
        assert!(asker.uses(4, at(day)) && asker.uses(6, at(next) - SignedDuration::from_millis(1)));
        assert!(!asker.uses(1, at(day)) && !asker.uses(1, at(next) - SignedDuration::from_secs(1)));
        assert_eq!(
            engine.explain(&asker.prepared, &asker.answer).limits[0].reason(),
            format!(
                "TOKENS_DAILY in Europe/Berlin 11 of at most 10 (110%), until {next}; breached, says BLOCK, the \
                 strictest that is said"
            )
        );
        assert!(asker.uses(10, at(next)), "{next}");
    }
}

#[test]
fn an_hour_that_comes_twice_is_counted_twice() {
    let engine = engine([limit("hour", zoned(Period::Hour, "Australia/Lord_Howe"), 1)]);
    let ledger = Ledger::default();
    let mut asker = Asker::new(&engine, &ledger);
    // 01:30 to 02:00 comes twice on 2026-04-05: once as a part of its hour, and once alone.
    assert!(asker.uses(1, at("2026-04-04T14:00:00Z")) && !asker.uses(1, at("2026-04-04T14:59:59Z")));
    assert!(asker.uses(1, at("2026-04-04T15:00:00Z")) && !asker.uses(1, at("2026-04-04T15:29:59Z")));
    assert!(asker.uses(1, at("2026-04-04T15:30:00Z")));
}

/// Draws from a seed.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % bound
    }
}

const LENGTHS: [(Period, i64); 5] = [
    (Period::Minute, 60),
    (Period::Hour, 3_600),
    (Period::Day, 86_400),
    (Period::Week, 7 * 86_400),
    (Period::Month, 30 * 86_400),
];

/// The most that any stretch of a length, both of its ends included, has of what was admitted at these milliseconds.
fn most(admitted: &mut [(i64, i64)], length: i64) -> i64 {
    admitted.sort_unstable();
    let within = |from: i64| admitted.iter().filter(move |(at, _)| (from..=from + length).contains(at));
    admitted.iter().map(|(from, _)| within(*from).map(|(_, tokens)| tokens).sum()).max().unwrap_or(0)
}

/// In whichever order requests come, no stretch as long as the period has more than the ceiling; and where only a sixtieth
/// more would have room, there is room.
#[test]
fn no_stretch_of_a_rolling_period_gets_beyond_its_ceiling() {
    for seed in 0..60 {
        let mut draw = Draw(seed);
        let (period, length) = LENGTHS[usize::try_from(draw.below(5)).unwrap()];
        let cap = 5 + draw.below(30);
        let engine = engine([limit("cap", Accumulation::Rolling(period), cap)]);
        let ledger = Ledger::default();
        let mut asker = Asker::new(&engine, &ledger);
        let (mut admitted, mut refused) = (vec![], 0);
        // Across 1970, where rounding could go wrong.
        let (origin, orderly) =
            ([0, 1_770_000_000_123, -900][usize::try_from(draw.below(3)).unwrap()], draw.below(2) == 0);
        for step in 0..200 {
            let millisecond = if orderly {
                origin + step * length * 1_000 / 40 + draw.below(length * 20)
            } else {
                origin + draw.below(length * 5_000)
            };
            let tokens = 1 + draw.below(8);
            if asker.uses(tokens, Timestamp::from_millisecond(millisecond).unwrap()) {
                admitted.push((millisecond, tokens));
                assert!(most(&mut admitted, length * 1_000) <= cap, "seed {seed}, step {step}, {period}");
            } else {
                refused += 1;
                let wider = length * 1_000 + length * 1_000 / 60;
                let near = admitted.iter().filter(|(at, _)| (at - millisecond).abs() < wider);
                let near: i64 = near.map(|(_, tokens)| tokens).sum();
                assert!(near + tokens > cap, "seed {seed}, step {step}, {period}: refused without need");
            }
        }
        assert!(admitted.len() > 3 && refused > 10, "seed {seed}: {} {refused}", admitted.len());
    }
}

/// The same with threads, holds, settlements of less, and releases.
#[test]
fn no_number_of_threads_gets_past_a_rolling_ceiling() {
    const CAP: i64 = 20;
    for trial in 0..40_u64 {
        let (period, length) = LENGTHS[usize::try_from(trial % 5).unwrap()];
        let engine = engine([limit("cap", Accumulation::Rolling(period), CAP)]);
        let (ledger, used) = (Ledger::default(), Mutex::new(vec![]));
        std::thread::scope(|scope| {
            for thread in 0..8_u64 {
                let (engine, ledger, used) = (&engine, &ledger, &used);
                scope.spawn(move || {
                    let (mut asker, mut draw) = (Asker::new(engine, ledger), Draw(trial * 8 + thread));
                    for step in 0..12 {
                        let (id, tokens) = (format!("{thread}-{step}"), 1 + draw.below(5));
                        let instant = second(1_770_000_000 + draw.below(length * 3));
                        if !asker.ask(Some(&id), tokens, instant, second(1_770_000_000), Some(3_600)) {
                            continue;
                        }
                        if step % 4 == 3 {
                            assert_eq!(ledger.release(&id, second(1_770_000_000)), Ok(Closing::Done));
                        } else {
                            assert_eq!(
                                ledger.settle(&id, &usage(tokens - 1), second(1_770_000_000)),
                                Ok(Closing::Done)
                            );
                            used.lock().unwrap().push((instant.as_second(), tokens - 1));
                        }
                    }
                });
            }
        });
        let mut used = used.into_inner().unwrap();
        assert!(used.len() > 5 && most(&mut used, length) <= CAP, "trial {trial}");
        let counted: i64 = ledger.state().counters.iter().map(|it| it.used).sum();
        assert_eq!(counted, used.iter().map(|(_, tokens)| tokens).sum::<i64>(), "trial {trial}");
        assert!(ledger.state().counters.iter().all(|it| it.held == 0), "trial {trial}");
    }
}

#[test]
fn a_rolling_period_has_room_again_once_enough_has_left_it() {
    let engine = engine([limit("hour", Accumulation::Rolling(Period::Hour), 10)]);
    let ledger = Ledger::default();
    let mut asker = Asker::new(&engine, &ledger);
    let minutes = |minutes: i64| at("2026-03-02T12:00:30Z") + SignedDuration::from_mins(minutes);
    for (minute, tokens) in [(0, 3), (10, 3), (20, 4)] {
        assert!(asker.uses(tokens, minutes(minute)));
    }
    for (tokens, room) in
        [(1, Some(61)), (3, Some(61)), (4, Some(71)), (6, Some(71)), (7, Some(81)), (11, None)]
    {
        let asked = minutes(30);
        assert!(!asker.uses(tokens, asked));
        let part = asker.answer.limits()[0];
        // From the state, as whoever keeps counters elsewhere.
        let counted = ByKey::of(&ledger);
        let found = engine.room(&asker.prepared, &part, tokens, &counted);
        assert!(counted.asked.get() <= 10, "{}", counted.asked.get());
        match room {
            None => assert_eq!(found, Some(Room::Never)),
            Some(minute) => {
                let instant = minutes(minute) - SignedDuration::from_secs(30);
                assert_eq!(found, Some(Room::At(instant)), "{tokens}");
                // Not a moment earlier.
                let again = Ledger::restore(ledger.state());
                let mut early = Asker::new(&engine, &again);
                assert!(!early.uses(tokens, instant - SignedDuration::from_millis(1)), "{tokens}");
                assert!(early.uses(tokens, instant), "{tokens}");
            }
        }
    }
    assert_eq!(
        engine.explain(&asker.prepared, &asker.answer).limits[0].reason(),
        "TOKENS_HOURLY rolling 21 of at most 10 (210%); breached, says BLOCK, the strictest that is said"
    );
}

/// A ledger's counters, kept elsewhere.
struct ByKey {
    state: LedgerState,
    /// How often.
    asked: Cell<usize>,
}

impl ByKey {
    fn of(ledger: &Ledger) -> Self {
        Self { state: ledger.state(), asked: Cell::new(0) }
    }
}

impl Counters for ByKey {
    fn used(&self, counter: ordain_engine::CounterRef<'_>) -> i64 {
        self.asked.set(self.asked.get() + 1);
        let (from, to) = counter.span.keys();
        let (first, last) = counter.span.horizon();
        assert!(first <= from && from <= to && to <= last);
        let own = self
            .state
            .counters
            .iter()
            .filter(|it| it.limit == counter.limit.name && it.quantity == counter.quantity);
        own.filter(|it| (from..=to).contains(&it.period_start)).map(|it| it.used + it.held).sum()
    }
}

#[test]
fn what_is_kept_for_later_takes_room_too() {
    let engine = engine([limit("minute", Accumulation::Rolling(Period::Minute), 10)]);
    let ledger = Ledger::default();
    let mut asker = Asker::new(&engine, &ledger);
    // A request of a clock that is ahead.
    assert!(asker.uses(10, second(1_060)));
    for (instant, fits) in [(999, true), (1_000, false), (1_060, false), (1_120, false), (1_121, true)] {
        let kept = Ledger::restore(ledger.state());
        assert_eq!(Asker::new(&engine, &kept).uses(10, second(instant)), fits, "{instant}");
    }
    assert!(asker.uses(10, second(999)));
    assert!(!asker.uses(1, second(940)));
    let part = asker.answer.limits()[0];
    let room = engine.room(&asker.prepared, &part, 1, &ByKey::of(&ledger));
    // Between the two there is no room at all.
    assert_eq!(room, Some(Room::At(second(940 + 121))));
}

#[test]
fn a_calendar_has_room_in_the_next_period_and_others_whenever_somebody_ends() {
    let policies =
        [limit("day", zoned(Period::Day, "Europe/Berlin"), 10), limit("now", Accumulation::Concurrent, 10)];
    let engine = engine(policies);
    let prepared = engine.prepare(&request(4, at("2026-03-29T12:00:00Z"))).unwrap();
    let used = UsedByLimit([("day".into(), 7), ("now".into(), 7)].into());
    let mut answer = Answer::default();
    engine.answer(&prepared, &used, &mut answer).unwrap();
    let room = |amount| {
        let each = answer.limits().iter().map(|part| engine.room(&prepared, part, amount, &used).unwrap());
        each.collect::<Vec<_>>()
    };
    assert_eq!(room(4), [Room::At(at("2026-03-29T22:00:00Z")), Room::OnceOthersEnd]);
    assert_eq!(room(11), [Room::Never, Room::Never]);
    assert_eq!(room(3), [Room::At(at("2026-03-29T12:00:00Z")); 2]);
}

#[test]
fn what_is_concurrent_ends_with_its_request() {
    let engine = engine([limit("now", Accumulation::Concurrent, 10)]);
    let ledger = Ledger::default();
    let mut asker = Asker::new(&engine, &ledger);
    // What nobody holds is measured, and counts for nobody.
    for _ in 0..3 {
        assert!(asker.uses(10, second(0)) && !asker.uses(11, second(0)));
    }
    assert!(ledger.state().counters.is_empty());
    let month = 31 * 86_400;
    assert!(asker.holds("a", 6, second(0), 10 * month) && asker.holds("b", 4, second(month), 60));
    // Whenever it began, and whichever instant the request says.
    for instant in [0, month, 50 * month] {
        assert!(!asker.ask(Some("c"), 1, second(instant), second(month), Some(60)), "{instant}");
        assert!(!asker.ask(None, 1, second(instant), second(month), None), "{instant}");
    }
    assert_eq!(
        engine.explain(&asker.prepared, &asker.answer).limits[0].reason(),
        "TOKENS_CONCURRENT 11 of at most 10 (110%); breached, says BLOCK, the strictest that is said"
    );
    // Settled with more than was asked for, it is over all the same.
    assert_eq!(ledger.settle("a", &usage(100), second(month)), Ok(Closing::Done));
    assert_eq!(ledger.settle("a", &usage(100), second(month)), Ok(Closing::Already(Standing::Settled)));
    assert!(asker.holds("d", 6, second(month), 60) && !asker.holds("e", 1, second(month + 59), 60));
    // Both run out; what comes late changes nothing.
    assert!(asker.holds("f", 10, second(month + 60), 60));
    assert_eq!(ledger.settle("b", &usage(4), second(month + 61)), Ok(Closing::Late));
    assert_eq!(ledger.release("d", second(month + 61)), Ok(Closing::Already(Standing::Expired)));
    assert!(!asker.holds("g", 1, second(month + 61), 60));
    assert_eq!(ledger.release("f", second(month + 62)), Ok(Closing::Done));
    assert!(asker.holds("g", 10, second(month + 62), 60));
    // A clock that is set back lets nothing end early, and what has ended doesn't come back.
    assert!(!asker.holds("h", 1, second(0), 60));
    assert_eq!(ledger.release("g", second(0)), Ok(Closing::Done));
    assert!(asker.holds("h", 10, second(0), 60));
    // Asked again under its name, it counts once.
    assert!(!asker.holds("h", 10, second(0), 60));
    let counters = ledger.state().counters;
    assert!(counters.iter().all(|it| it.used == 0));
    assert_eq!(counters.iter().map(|it| it.held).sum::<i64>(), 10);
}

#[test]
fn no_number_of_threads_gets_past_a_concurrent_ceiling() {
    const CAP: i64 = 20;
    let engine = engine([
        limit("now", Accumulation::Concurrent, CAP),
        limit("day", Accumulation::utc(Period::Day), 100_000),
    ]);
    for trial in 0..100 {
        let (ledger, inside) = (Ledger::default(), AtomicI64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (engine, ledger, inside) = (&engine, &ledger, &inside);
                scope.spawn(move || {
                    let mut asker = Asker::new(engine, ledger);
                    for step in 0..8 {
                        let (id, tokens) = (format!("{thread}-{step}"), 1 + (thread + step + trial) % 7);
                        if !asker.holds(&id, tokens, second(0), 60) {
                            continue;
                        }
                        let now = inside.fetch_add(tokens, Ordering::SeqCst) + tokens;
                        assert!(now <= CAP, "{now} of {CAP} in trial {trial}");
                        std::thread::yield_now();
                        inside.fetch_sub(tokens, Ordering::SeqCst);
                        if step % 2 == 0 {
                            assert_eq!(ledger.settle(&id, &usage(tokens * 3), second(0)), Ok(Closing::Done));
                        } else {
                            assert_eq!(ledger.release(&id, second(0)), Ok(Closing::Done));
                        }
                    }
                });
            }
        });
        let state = ledger.state();
        let now = state.counters.iter().filter(|it| it.limit.as_str() == "now");
        assert_eq!(now.map(|it| (it.used, it.held)).collect::<Vec<_>>(), [(0, 0)], "trial {trial}");
    }
}

#[test]
fn bands_are_told_once_in_what_counts() {
    let engine = engine([limit("hour", Accumulation::Rolling(Period::Hour), 100)]);
    let ledger = Ledger::default();
    let mut asker = Asker::new(&engine, &ledger);
    let mut told = |tokens, second_of: i64| {
        asker.uses(tokens, second(second_of));
        asker.events.pop().map(|event| event.band)
    };
    assert_eq!(told(86, 0), Some(Band::Near85));
    assert_eq!(told(1, 3_600), None, "some of what it was told of still counts");
    assert_eq!(told(85, 3_660), Some(Band::Near85), "now nothing does");

    let engine = self::engine([limit("now", Accumulation::Concurrent, 100)]);
    let ledger = Ledger::default();
    let mut asker = Asker::new(&engine, &ledger);
    let mut told = |id: &str, tokens| {
        asker.holds(id, tokens, second(0), 60);
        asker.events.pop().map(|event| (event.band, event.period_start))
    };
    assert_eq!((told("a", 50), told("b", 36), told("c", 1)), (None, Some((Band::Near85, None)), None));
    ledger.release("b", second(0)).unwrap();
    assert_eq!(told("d", 35), None, "it has not been below");
    ledger.release("d", second(0)).unwrap();
    assert_eq!((told("e", 1), told("f", 40)), (None, Some((Band::Near90, None))), "it has been");
}

#[test]
fn a_limit_that_counts_something_else_begins_anew() {
    let ways = [
        Accumulation::utc(Period::Day),
        Accumulation::utc(Period::Hour),
        zoned(Period::Day, "Europe/Berlin"),
        Accumulation::Rolling(Period::Day),
        Accumulation::Rolling(Period::Hour),
        Accumulation::Concurrent,
    ];
    let cost = |way: &Accumulation, currency: &str| Limit {
        quantity: Quantity::Accumulated(Meter::Cost(currency.into()), way.clone()),
        ..limit("cap", way.clone(), 10)
    };
    let tokens = ways.iter().map(|way| limit("cap", way.clone(), 10));
    let costs = ways.iter().flat_map(|way| [cost(way, "USD"), cost(way, "EUR")]);
    let engines: Vec<Engine> = tokens.chain(costs).map(|limit| engine([limit])).collect();
    let ledger = Ledger::default();
    let all = |asker: &mut Asker<'_>, id: &str| {
        let mut request = request(10, second(0));
        request.usage.cost = [("USD".into(), 10), ("EUR".into(), 10)].into();
        asker.engine.prepare_into(&request, &mut asker.prepared).unwrap();
        let claim = Claim { id: Some(id), now: second(0), hold: Some(SignedDuration::from_secs(60)) };
        asker.ledger.admit(asker.engine, &asker.prepared, claim, &mut asker.answer, &mut vec![]).unwrap()
    };
    for (number, engine) in engines.iter().enumerate() {
        let mut asker = Asker::new(engine, &ledger);
        assert_eq!(all(&mut asker, &format!("{number}")), Admission::Admitted, "{number}");
        assert_eq!(all(&mut asker, &format!("{number}-again")), Admission::Refused, "{number}");
    }
    // Each is settled where it was held.
    for number in 0..engines.len() {
        assert_eq!(ledger.settle(&number.to_string(), &usage(3), second(1)), Ok(Closing::Done));
    }
    let state = ledger.state();
    assert!(state.counters.iter().all(|it| it.held == 0));
    let used = |quantity: &str| state.counters.iter().find(|it| it.quantity == quantity).map(|it| it.used);
    assert_eq!(
        (used("TOKENS_DAILY"), used("TOKENS_DAILY rolling"), used("TOKENS_CONCURRENT")),
        (Some(3), Some(3), Some(0))
    );
    assert_eq!((used("COST_DAILY, EUR"), used("COST_DAILY")), (Some(0), None));
}

#[test]
fn what_is_known_can_be_kept_elsewhere_and_what_is_held_is_never_forgotten() {
    let ways =
        [Accumulation::Rolling(Period::Month), Accumulation::Concurrent, zoned(Period::Week, "Asia/Tokyo")];
    let limits = ways.into_iter().zip(["a", "b", "c"]).map(|(way, name)| limit(name, way, 10));
    let engine = engine(limits);
    let ledger = Ledger::default();
    let mut asker = Asker::new(&engine, &ledger);
    assert!(asker.holds("1", 4, second(0), 90 * 86_400) && asker.holds("2", 5, second(86_400 * 40), 60));
    ledger.settle("2", &usage(5), second(86_400 * 40)).unwrap();
    let kept = serde_json::to_string(&ledger.state()).unwrap();
    let restored = Ledger::restore(serde_json::from_str(&kept).unwrap());
    assert_eq!(restored.state(), ledger.state());
    let mut asker = Asker::new(&engine, &restored);
    restored.forget(second(86_400 * 80));
    // The hold is still there, the other usage is gone.
    assert!(!asker.holds("3", 7, second(86_400 * 40), 60) && asker.holds("3", 6, second(86_400 * 40), 60));
    assert_eq!(restored.settle("1", &usage(1), second(86_400 * 41)), Ok(Closing::Done));
    assert_eq!(restored.settle("3", &usage(1), second(86_400 * 41)), Ok(Closing::Late));
    restored.forget(second(86_400 * 80));
    assert!(restored.state().counters.is_empty(), "{:?}", restored.state());
}

#[test]
fn sums_beyond_all_numbers_saturate() {
    let engine = engine([
        limit("hour", Accumulation::Rolling(Period::Hour), i64::MAX),
        limit("now", Accumulation::Concurrent, i64::MAX),
    ]);
    let ledger = Ledger::default();
    let mut asker = Asker::new(&engine, &ledger);
    assert!(asker.holds("a", i64::MAX, second(0), 60) && !asker.holds("b", 1, second(59), 60));
    assert_eq!(ledger.release("a", second(59)), Ok(Closing::Done));
    assert!(asker.holds("b", 1, second(59), 60));
    let outcome = engine.decide(&request(i64::MAX, second(0)), &NoCounters).unwrap().outcome;
    assert_eq!(outcome, Outcome::Allow);
}
