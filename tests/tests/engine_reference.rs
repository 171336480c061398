//! The engine against the reference evaluator, on random workspaces and requests.
//!
//! `ORDAIN_ENGINE_CASES` sets the number of workspaces; a failure prints its seed.

use std::sync::Arc;

use jiff::Timestamp;
use ordain_engine::{Counters, Decision, Engine, Role, Subject, period};
use ordain_ir::{Limit, Period};
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
    fn used(&self, limit: &Limit, subject: &Subject, period_start: Timestamp) -> i64 {
        let subject = match subject {
            Subject::Whole => String::new(),
            Subject::Tenant(tenant) => format!("{:?}", [tenant]),
            Subject::Project { tenant, project } => format!("{:?}", [tenant, project]),
            Subject::Agent(path) => format!("{:?}", [&path.tenant, &path.project, &path.agent]),
            Subject::Provider(provider) => format!("{provider:?}"),
        };
        counter(limit.name.as_str(), &subject, period_start.as_second())
    }
}

fn said(role: &Role, outcome: impl Into<ordain_engine::Outcome>) -> Said {
    match role {
        Role::Overridden { .. } => Said::Overridden,
        Role::Outranked { .. } => Said::Outranked,
        Role::Held => Said::Held,
        Role::Decided | Role::Agreed | Role::Milder { .. } => Said::Demands(outcome.into() as u8),
    }
}

fn verdict(decision: &Decision) -> Verdict {
    let rules = decision.rules.iter().map(|f| (f.rule.name.clone(), said(&f.role, f.rule.enforcement_mode)));
    let limits = decision.limits.iter().map(|f| (f.limit.name.clone(), said(&f.role, f.limit.enforcement)));
    let unmeasured = decision.unmeasured.iter().map(|f| (f.limit.name.clone(), Said::Unmeasured));
    Verdict { strictness: decision.outcome as u8, said: rules.chain(limits).chain(unmeasured).collect() }
}

#[test]
fn the_engine_decides_as_defined() {
    let (mut demands, mut silenced, mut held) = (0, 0, 0);
    for seed in 0..cases("ORDAIN_ENGINE_CASES", 1_500) {
        let policies = generate::workspace(seed);
        let engine = Engine::new(Arc::new(policies.clone())).expect("generated policies are sound");
        let mut random = Random::new(!seed);
        for _ in 0..REQUESTS {
            let request = generate::request(&mut random, &policies);
            let decision = engine.decide(&request, &Counted).expect("generated requests are complete");
            let used = |limit: &Limit, subject: &str, start| counter(limit.name.as_str(), subject, start);
            let expected = reference::decide(&policies, &request, &used);
            assert_eq!(
                verdict(&decision),
                expected,
                "seed {seed}\n{request:#?}\n{}\n{decision}",
                render(&policies)
            );
            for said in expected.said.values() {
                match said {
                    Said::Demands(_) => demands += 1,
                    Said::Overridden | Said::Outranked => silenced += 1,
                    Said::Held | Said::Unmeasured => held += 1,
                }
            }
        }
    }
    // The comparison would be worth nothing if policies hardly ever spoke.
    assert!(demands > 1_000 && silenced > 200 && held > 200, "{demands} {silenced} {held}");
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
