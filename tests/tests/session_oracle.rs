//! A session of analyses after random edits against an analysis of the same policies from nothing, and likewise of
//! searches for lints: the same bytes.
//!
//! `ORDAIN_SESSION_CASES` sets the number of sessions, `ORDAIN_SESSION_SEED` the first seed. A disagreement prints its
//! seed and the policies before and after the edit.

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use jiff::Timestamp;
use ordain_analyzer::{Lint, Memo, Options, Session, analyze, lint};
use ordain_ir::{Policies, Report};
use ordain_tests::edit::evolved;
use ordain_tests::random::Random;
use ordain_tests::render::render;
use ordain_tests::world::HORIZON;
use ordain_tests::{cases, generate};

/// Edits of one session.
const EDITS: usize = 8;

/// What is compared, so that agreement on nothing is noticed.
#[derive(Debug, Default)]
struct Tally {
    edits: u64,
    conflicts: u64,
    /// Edits after which there are other conflicts than before.
    telling: u64,
    gaps: u64,
    lints: u64,
    /// Searches for lints that found others than the one before.
    telling_lints: u64,
    stopped: u64,
}

fn bytes(report: &Report) -> String {
    serde_json::to_string_pretty(report).expect("reports are plain data")
}

fn cold(policies: &Policies, memo: &Arc<Memo>) -> Report {
    // Answers to single questions are shared: other tests see to those.
    let options =
        Options { threads: NonZeroUsize::new(1), memo: Some(Arc::clone(memo)), ..Options::default() };
    analyze(policies, &options).expect("the policies can be analysed")
}

/// Analyses in the session, which may be stopped at a random point before; `None` if it isn't asked again.
fn warm(
    session: &mut Session,
    policies: &Arc<Policies>,
    random: &mut Random,
    tally: &mut Tally,
) -> Option<Report> {
    let threads = NonZeroUsize::new(random.below(2) + 1);
    if random.chance(25) {
        let left = Cell::new(random.below(12));
        let interrupt = || match left.get().checked_sub(1) {
            Some(fewer) => left.set(fewer),
            None => resume_unwind(Box::new("stopped")),
        };
        let options = Options { threads, interrupt: Some(&interrupt), ..Options::default() };
        let stopped = catch_unwind(AssertUnwindSafe(|| session.analyze(policies, &options).map(|_| ())));
        tally.stopped += u64::from(stopped.is_err());
        if random.chance(50) {
            // What was stopped is not wanted any more.
            return None;
        }
    }
    let options = Options { threads, ..Options::default() };
    let found = session.analyze(policies, &options).expect("the policies can be analysed");
    let report = found.report();
    for policy in report.conflicts.iter().flat_map(|conflict| &conflict.policies) {
        let all = report.conflicts.iter().map(Arc::as_ref);
        let expected = all.filter(|it| it.policies.iter().any(|it| it.id == policy.id));
        let listed = found.of(&policy.id).iter().map(AsRef::as_ref);
        assert!(listed.eq(expected), "the conflicts of `{}`", policy.name);
    }
    Some(report)
}

/// Looks for lints in the session, which may be stopped at a random point before, and holds them against those that a
/// first search finds.
fn lints(
    seed: u64,
    (session, policies): (&mut Session, &Arc<Policies>),
    memo: &Arc<Memo>,
    random: &mut Random,
    tally: &mut Tally,
) -> Vec<Arc<Lint>> {
    let days = (HORIZON.1 - HORIZON.0) / 86_400;
    let day = i64::try_from(random.below(usize::try_from(days).expect("few"))).expect("few");
    let instant = Timestamp::from_second(HORIZON.0 + day * 86_400).expect("within the calendar");
    let now = random.chance(70).then_some(instant);
    let threads = NonZeroUsize::new(random.below(2) + 1);
    if random.chance(20) {
        let left = Cell::new(random.below(20));
        let interrupt = || match left.get().checked_sub(1) {
            Some(fewer) => left.set(fewer),
            None => resume_unwind(Box::new("stopped")),
        };
        let options = Options { threads, interrupt: Some(&interrupt), ..Options::default() };
        let stopped = catch_unwind(AssertUnwindSafe(|| session.lint(policies, &options, now).map(|_| ())));
        tally.stopped += u64::from(stopped.is_err());
    }
    let found = session.lint(policies, &Options { threads, ..Options::default() }, now);
    let found = found.expect("the policies can be searched");
    let options =
        Options { threads: NonZeroUsize::new(1), memo: Some(Arc::clone(memo)), ..Options::default() };
    let expected = lint(policies, &options, now).expect("the policies can be searched");
    let same = expected.iter().eq(found.iter().map(AsRef::as_ref));
    assert!(same, "seed {seed}, {now:?}\n{}\nexpected: {expected:#?}\nfound: {found:#?}", render(policies));
    tally.lints += found.len() as u64;
    found
}

fn session(seed: u64, generate: fn(u64) -> Policies, tally: &mut Tally) {
    let mut random = Random::new(seed);
    let memo: Arc<Memo> = Arc::default();
    let mut session = Session::new(Arc::clone(&memo));
    let store = generate(random.next());
    let mut versions = vec![Arc::new(generate(seed))];
    let mut before = Report::default();
    let mut lints_before = vec![];
    for _ in 0..=EDITS {
        let last = versions.last().expect("there is a first one");
        let expected = cold(last, &memo);
        let found = warm(&mut session, last, &mut random, tally);
        tally.edits += 1;
        if let Some(found) = found {
            if bytes(&found) != bytes(&expected) {
                let old = versions.len().checked_sub(2).map_or_else(String::new, |at| render(&versions[at]));
                panic!(
                    "seed {seed}: not what a first analysis says\nbefore:\n{old}\nnow:\n{}\nsettings {:?}\n\
                     expected: {}\nfound: {}",
                    render(last),
                    last.settings,
                    bytes(&expected),
                    bytes(&found)
                );
            }
            tally.conflicts += found.conflicts.len() as u64;
            tally.gaps += found.gaps.len() as u64;
        }
        // Whoever types on doesn't wait for them.
        if random.chance(60) {
            let found = lints(seed, (&mut session, last), &memo, &mut random, tally);
            tally.telling_lints += u64::from(found != lints_before);
            lints_before = found;
        }
        tally.telling += u64::from(before.conflicts != expected.conflicts);
        before = expected;
        // Now and then somebody takes it back.
        let next = if random.chance(15) {
            Arc::clone(&random.pick(&versions))
        } else {
            Arc::new(evolved(last, &store, random.next()))
        };
        versions.push(next);
    }
}

fn search(count: u64, generate: fn(u64) -> Policies) -> Tally {
    let first = cases("ORDAIN_SESSION_SEED", 0);
    let mut tally = Tally::default();
    for seed in first..first + count {
        session(seed, generate, &mut tally);
    }
    tally
}

#[test]
fn an_edit_leads_to_what_a_first_analysis_says() {
    let count = cases("ORDAIN_SESSION_CASES", 120);
    for (share, generate) in [
        (2, generate::workspace as fn(u64) -> Policies),
        (4, generate::crowd),
        (4, generate::guarantees),
        (4, generate::periods),
    ] {
        let tally = search(count / share, generate);
        println!("{tally:?}");
        // Agreement on nothing would be no agreement.
        let told = tally.conflicts > tally.edits / 4
            && tally.telling > tally.edits / 10
            && tally.lints > tally.edits / 4
            && tally.telling_lints > tally.edits / 20
            && tally.stopped > 0;
        assert!(count < 100 || told, "{tally:?}");
    }
}
