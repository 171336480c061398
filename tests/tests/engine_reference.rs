//! The engine against the reference evaluator, on random workspaces, requests and counters.
//!
//! `cargo xtask oracle engine --cases N --seed S` runs the long form; a failure prints its seed.

use std::sync::Arc;

use jiff::Timestamp;
use ordain_engine::{Answer, Counters, Decision, Engine, Prepared, Role, SubjectRef, period};
use ordain_ir::{Limit, Period, Policies};
use ordain_tests::random::Random;
use ordain_tests::reference::{self, Said, Verdict};
use ordain_tests::render::render;
use ordain_tests::{cases, generate};

const REQUESTS: u64 = 6;

/// A counter that depends on what it is asked, and on nothing else.
fn counter(limit: &str, subject: &str, period_start: i64) -> i64 {
    let text = limit.bytes().chain(subject.bytes()).chain(period_start.to_le_bytes());
    let seed = text.fold(0_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    Random::new(seed).between(0, 3)
}

struct Counted;

impl Counters for Counted {
    fn used(&self, limit: &Limit, subject: SubjectRef<'_>, period_start: Timestamp) -> i64 {
        let subject = match subject {
            SubjectRef::Whole => String::new(),
            SubjectRef::Tenant(tenant) => format!("{:?}", [tenant]),
            SubjectRef::Project(tenant, project) => format!("{:?}", [tenant, project]),
            SubjectRef::Agent(tenant, project, agent) => format!("{:?}", [tenant, project, agent]),
            SubjectRef::Provider(provider) => format!("{provider:?}"),
        };
        counter(limit.name.as_str(), &subject, period_start.as_second())
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
    let engine = Engine::new(Arc::new(policies.clone())).expect("generated policies are sound");
    let (mut prepared, mut answer) = (Prepared::default(), Answer::default());
    let mut random = Random::new(!seed);
    for _ in 0..REQUESTS {
        let request = generate::request(&mut random, policies);
        engine.prepare_into(&request, &mut prepared).expect("generated requests are well-typed");
        engine.answer(&prepared, &Counted, &mut answer).expect("prepared for this engine");
        let decision = engine.explain(&prepared, &answer);
        let used = |limit: &Limit, subject: &str, start| counter(limit.name.as_str(), subject, start);
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
        compare(seed, &generate::workspace(seed), &mut heard);
    }
    println!("workspaces of a few policies: {heard:?}");
    // The comparison would be worth nothing if policies hardly ever spoke.
    assert!(heard.demands > 1_000 && heard.silenced > 200 && heard.held > 200, "{heard:?}");
}

#[test]
fn the_engine_finds_whom_it_has_to_ask_among_many() {
    let mut heard = Heard::default();
    for seed in seeds(1_200) {
        compare(seed, &generate::crowd(seed), &mut heard);
    }
    println!("workspaces of many policies: {heard:?}");
    assert!(heard.demands > 1_000 && heard.silenced > 200 && heard.held > 200, "{heard:?}");
}

#[test]
fn periods_begin_as_defined() {
    let mut random = Random::new(1);
    for _ in 0..2_000 {
        let second = random.between(-40 * 365 * 86_400, 140 * 365 * 86_400);
        let at = Timestamp::from_second(second).expect("within the calendar");
        for unit in Period::ALL {
            let start = reference::period_start(*unit, second);
            assert_eq!(period::start(*unit, at).as_second(), start, "{unit} of {at}");
            let end = period::end(*unit, at).as_second();
            assert!(second < end && reference::period_start(*unit, end) == end, "{unit} of {at}");
            assert_eq!(reference::period_start(*unit, end - 1), start, "{unit} of {at}");
        }
    }
}
