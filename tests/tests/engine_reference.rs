//! The engine against the reference evaluator, on random workspaces, requests and counters.
//!
//! `cargo xtask oracle engine --cases N --seed S` runs the long form; a failure prints its seed.

use std::sync::Arc;

use jiff::Timestamp;
use ordain_engine::period::{self, Calendar};
use ordain_engine::{Answer, CounterRef, Counters, Decision, Engine, Prepared, Role, Span, SubjectRef};
use ordain_ir::{Accumulation, Direction, Limit, Period, Policies, Quantity, Request};
use ordain_tests::names::Names;
use ordain_tests::random::Random;
use ordain_tests::reference::{self, Counts, Said, Verdict};
use ordain_tests::render::render;
use ordain_tests::{cases, generate};

const REQUESTS: u64 = 6;

/// Zones with their own ways to set clocks: whole hours, half hours, at midnight, over midnight, on Fridays, and never.
const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Africa/Cairo",
    "Pacific/Apia",
    "Asia/Kathmandu",
];

/// A counter that depends on what it is asked, and on nothing else.
fn counter(limit: &str, subject: &str, counts: Counts) -> i64 {
    let counts = match counts {
        Counts::Period(start) => [start, 0, 1],
        Counts::Between(first, last) => [first, last, 2],
        Counts::Held => [0, 0, 3],
    };
    let numbers = counts.into_iter().flat_map(i64::to_le_bytes);
    let text = limit.bytes().chain(subject.bytes()).chain(numbers);
    let seed = text.fold(0_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    Random::new(seed).between(0, 3)
}

struct Counted;

impl Counters for Counted {
    fn used(&self, counter: CounterRef<'_>) -> i64 {
        let subject = match counter.subject {
            SubjectRef::Whole => String::new(),
            SubjectRef::Tenant(tenant) => format!("{:?}", [tenant]),
            SubjectRef::Project(tenant, project) => format!("{:?}", [tenant, project]),
            SubjectRef::Agent(tenant, project, agent) => format!("{:?}", [tenant, project, agent]),
            SubjectRef::Provider(provider) => format!("{provider:?}"),
        };
        self::counter(counter.limit.name.as_str(), &subject, counts(counter.span))
    }
}

fn counts(span: Span) -> Counts {
    let (from, to) = span.keys();
    match span {
        Span::Calendar(start) => Counts::Period(start),
        // The last part that counts does so as a whole.
        Span::Rolling { period, .. } => {
            let part = reference::rolling_seconds(period) / 60;
            Counts::Between(from.as_second(), to.as_second() + part - 1)
        }
        Span::Concurrent { .. } => Counts::Held,
    }
}

/// Lets some of the limits on what accumulates add up in other ways. Weeks and months of zones have a test of their own,
/// since the reference walks through them minute by minute.
fn vary(random: &mut Random, policies: &mut Policies) {
    for limit in policies.limits.values_mut() {
        let limit = Arc::make_mut(limit);
        let Quantity::Accumulated(_, accumulation) = &mut limit.quantity else { continue };
        let rolls = limit.bound.direction == Direction::AtMost;
        match random.below(6) {
            0 if rolls => *accumulation = Accumulation::Rolling(random.pick(Period::ALL)),
            1 if rolls => *accumulation = Accumulation::Concurrent,
            2 => {
                let period = random.pick(&[Period::Minute, Period::Hour, Period::Day]);
                *accumulation = Accumulation::Calendar { period, zone: random.pick(&ZONES).into() };
            }
            _ => {}
        }
    }
}

fn said(role: &Role, outcome: impl Into<ordain_engine::Outcome>) -> Said {
    match role {
        Role::Overridden { .. } => Said::Overridden,
        Role::Outranked { .. } => Said::Outranked,
        Role::Held => Said::Held,
        Role::Ignored => panic!("a decision that doesn't fail leaves nothing undecided"),
        Role::Decided | Role::Agreed | Role::Milder { .. } => Said::Demands(outcome.into() as u8),
    }
}

fn verdict(decision: &Decision) -> Verdict {
    let rules = decision.rules.iter().map(|f| (f.rule.name.clone(), said(&f.role, f.rule.enforcement_mode)));
    let limits = decision.limits.iter().map(|f| (f.limit.name.clone(), said(&f.role, f.limit.enforcement)));
    let unmeasured = decision.unmeasured.iter().map(|f| (f.limit.name.clone(), Said::Unmeasured));
    Verdict { strictness: decision.outcome as u8, said: rules.chain(limits).chain(unmeasured).collect() }
}

/// How often what was said.
#[derive(Debug, Default)]
struct Heard {
    decisions: u64,
    demands: u64,
    silenced: u64,
    held: u64,
}

/// Decides requests by the engine, in memory that is used again, and by the reference.
fn compare(seed: u64, policies: &Policies, heard: &mut Heard) {
    compare_with(seed, policies, heard, |_, _| {});
}

/// The same, with requests changed so.
fn compare_with(
    seed: u64,
    policies: &Policies,
    heard: &mut Heard,
    mut change: impl FnMut(&mut Random, &mut Request),
) {
    let engine = Engine::new(Arc::new(policies.clone())).expect("generated policies are sound");
    let (mut prepared, mut answer) = (Prepared::default(), Answer::default());
    let mut random = Random::new(!seed);
    for _ in 0..REQUESTS {
        let mut request = generate::request(&mut random, policies);
        change(&mut random, &mut request);
        engine.prepare_into(&request, &mut prepared).expect("generated requests are well-typed");
        engine.answer(&prepared, &Counted, &mut answer).expect("prepared for this engine");
        let decision = engine.explain(&prepared, &answer);
        let used = |limit: &Limit, subject: &str, counts| counter(limit.name.as_str(), subject, counts);
        let expected = reference::decide(policies, &request, &used);
        let found = verdict(&decision);
        assert_eq!(found, expected, "seed {seed}\n{request:#?}\n{}\n{decision}", render(policies));
        heard.decisions += 1;
        for said in expected.said.values() {
            match said {
                Said::Demands(_) => heard.demands += 1,
                Said::Overridden | Said::Outranked => heard.silenced += 1,
                Said::Held | Said::Unmeasured => heard.held += 1,
            }
        }
    }
}

/// The seeds to try: as many as make this many decisions, from the one asked for.
fn seeds(decisions: u64) -> std::ops::Range<u64> {
    let first = cases("ORDAIN_ENGINE_SEED", 0);
    first..first + cases("ORDAIN_ENGINE_CASES", decisions).div_ceil(REQUESTS)
}

#[test]
fn the_engine_decides_as_defined() {
    let mut heard = Heard::default();
    for seed in seeds(9_000) {
        let mut policies = generate::workspace(seed);
        vary(&mut Random::new(seed.wrapping_mul(31)), &mut policies);
        compare(seed, &policies, &mut heard);
    }
    println!("workspaces of a few policies: {heard:?}");
    // The comparison would be worth nothing if policies hardly ever spoke.
    assert!(heard.demands > 1_000 && heard.silenced > 200 && heard.held > 200, "{heard:?}");
}

#[test]
fn the_engine_finds_whom_it_has_to_ask_among_many() {
    let mut heard = Heard::default();
    for seed in seeds(1_200) {
        let mut policies = generate::crowd(seed);
        vary(&mut Random::new(seed.wrapping_mul(37)), &mut policies);
        compare(seed, &policies, &mut heard);
    }
    println!("workspaces of many policies: {heard:?}");
    assert!(heard.demands > 1_000 && heard.silenced > 200 && heard.held > 200, "{heard:?}");
}

#[test]
fn the_engine_finds_policies_by_any_part_of_a_name() {
    let mut heard = Heard::default();
    for seed in seeds(1_200) {
        let mut policies = generate::crowd(seed);
        let mut random = Random::new(seed.wrapping_mul(41));
        let names = Names::new(&mut random);
        names.respell(&mut random, &mut policies);
        let rename = |random: &mut Random, request: &mut Request| names.rename(random, &policies, request);
        compare_with(seed, &policies, &mut heard, rename);
    }
    println!("workspaces of many policies about many names: {heard:?}");
    assert!(heard.demands > 1_000 && heard.silenced > 200 && heard.held > 200, "{heard:?}");
}

#[test]
fn periods_begin_as_defined() {
    let mut random = Random::new(1);
    for _ in 0..2_000 {
        let second = random.between(-40 * 365 * 86_400, 140 * 365 * 86_400);
        let at = Timestamp::from_second(second).expect("within the calendar");
        for unit in Period::ALL {
            let begin = |second| reference::period_start(*unit, "UTC", second);
            let start = begin(second);
            assert_eq!(period::start(*unit, at).as_second(), start, "{unit} of {at}");
            let end = period::end(*unit, at).as_second();
            assert!(second < end && begin(end) == end, "{unit} of {at}");
            assert_eq!(begin(end - 1), start, "{unit} of {at}");
        }
    }
}

/// A second near a change of a zone's clocks between 1980 and 2090, or anywhere there.
fn second_of(random: &mut Random, zone: &str) -> i64 {
    let second = random.between(10 * 365 * 86_400, 120 * 365 * 86_400);
    let after = Timestamp::from_second(second).expect("within the calendar");
    let zone = ordain_ir::zone::find(zone).expect("a known zone");
    let change = zone.following(after).next().filter(|_| random.below(4) > 0);
    match change.map(|change| change.timestamp().as_second()) {
        Some(change) if change < 120 * 365 * 86_400 => change + random.between(-100_000, 100_000),
        _ => second,
    }
}

#[test]
fn periods_of_zones_begin_as_defined() {
    let (mut random, cases) =
        (Random::new(cases("ORDAIN_ENGINE_SEED", 0)), cases("ORDAIN_PERIOD_CASES", 250));
    for _ in 0..cases {
        let zone = random.pick(&ZONES);
        let unit = random.pick(&[
            Period::Minute,
            Period::Hour,
            Period::Hour,
            Period::Day,
            Period::Day,
            Period::Week,
            Period::Month,
        ]);
        let second = second_of(&mut random, zone);
        let at = Timestamp::from_second(second).expect("within the calendar");
        let calendar = Calendar::new(unit, zone).expect("a known zone");
        let begin = |second| reference::period_start(unit, zone, second);
        let start = begin(second);
        assert_eq!(calendar.start(at).as_second(), start, "{unit} of {at} in {zone}");
        let end = calendar.end(at).as_second();
        assert!(second < end && begin(end) == end, "{unit} of {at} in {zone}");
        assert_eq!(begin(end - 1), start, "{unit} of {at} in {zone}");
    }
}
