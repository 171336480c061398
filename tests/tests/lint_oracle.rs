//! The lints against an oracle that enumerates every request of a finite world, on random workspaces.
//!
//! `ORDAIN_ORACLE_CASES` sets the number of workspaces, `ORDAIN_ORACLE_SEED` the first seed. A disagreement prints
//! its seed and the smallest workspace that still shows one.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

use jiff::Timestamp;
use ordain_analyzer::{Lint, Memo, Options, lint};
use ordain_compiler::{Config, Database, Workspace, compile};
use ordain_ir::{Code, Policies, codes};
use ordain_tests::render::render;
use ordain_tests::shrink::shrink;
use ordain_tests::workload::Workload;
use ordain_tests::world::{HORIZON, STEP};
use ordain_tests::{cases, generate, oracle};

/// A day of the world, on a half hour.
fn now(seed: u64) -> i64 {
    let steps = (HORIZON.1 - HORIZON.0) / STEP;
    HORIZON.0 + i64::try_from(seed % 97).expect("small") * steps / 97 * STEP
}

fn told(lint: &Lint) -> oracle::Told {
    let named = (lint.code == codes::IDLE_OVERRIDE).then(|| lint.others[0].name.clone());
    (lint.policy.name.clone(), lint.code.clone(), named)
}

/// What is wrong with the lints of these policies, if anything is; how often each code was confirmed.
fn disagreement(policies: &Policies, now: i64) -> Result<BTreeMap<Code, u64>, String> {
    let run = |threads| {
        let options = Options { threads: NonZeroUsize::new(threads), ..Options::default() };
        let instant = Timestamp::from_second(now).expect("within the calendar");
        lint(policies, &options, Some(instant)).map_err(|error| format!("the search failed: {error}"))
    };
    let found = run(1)?;
    if found.len() > 1 && found != run(3)? {
        return Err("one thread and three find different lints".to_owned());
    }
    let told: BTreeSet<_> = found.iter().map(told).collect();
    if told.len() != found.len() {
        return Err(format!("the same is told twice: {found:#?}"));
    }
    let expected = oracle::lints(policies, now);
    if let Some(missing) = expected.difference(&told).next() {
        return Err(format!("missing: {missing:?}"));
    }
    if let Some(excess) = found.iter().find(|lint| !expected.contains(&self::told(lint))) {
        return Err(format!("too much: {excess:#?}"));
    }
    let mut counts = BTreeMap::new();
    for (_, code, _) in told {
        *counts.entry(code).or_default() += 1;
    }
    Ok(counts)
}

/// Runs random workspaces and fails with the smallest that is found wanting.
fn search(count: u64, generate: fn(u64) -> Policies) -> BTreeMap<Code, u64> {
    let first = cases("ORDAIN_ORACLE_SEED", 0);
    let half = |remainder: u64| {
        let mut counts: BTreeMap<Code, u64> = BTreeMap::new();
        for seed in (first..first + count).filter(|seed| seed % 2 == remainder) {
            let (policies, now) = (generate(seed), now(seed));
            match disagreement(&policies, now) {
                Ok(more) => more.into_iter().for_each(|(code, n)| *counts.entry(code).or_default() += n),
                Err(error) => {
                    let small = shrink(policies, &|policies| disagreement(policies, now).is_err());
                    let smallest = disagreement(&small, now).expect_err("shrinking keeps the failure");
                    panic!("seed {seed}, now {now}: {error}\nsmallest: {smallest}\n{}", render(&small));
                }
            }
        }
        counts
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| half(1));
        let mut counts = half(0);
        let more = other.join().expect("it says what it found before");
        for (code, n) in more {
            *counts.entry(code).or_default() += n;
        }
        counts
    })
}

#[test]
fn lints_are_exactly_those_that_there_are() {
    let count = cases("ORDAIN_ORACLE_CASES", 2_000);
    let mut counts = search(count / 2, generate::workspace);
    for generate in [generate::guarantees, generate::periods] {
        for (code, n) in search(count / 2, generate) {
            *counts.entry(code).or_default() += n;
        }
    }
    let wanted = [
        codes::NEVER_TRUE,
        codes::ALWAYS_TRUE,
        codes::NEVER_ACTIVE,
        codes::SHADOWED,
        codes::REDUNDANT,
        codes::CANNOT_BIND,
        codes::IDLE_OVERRIDE,
    ];
    // Agreement on nothing would be no agreement.
    let few = wanted.iter().find(|code| counts.get(code).is_none_or(|count| *count < 5));
    assert!(count < 2_000 || few.is_none(), "too few of {few:?}: {counts:?}");
}

#[test]
fn lints_of_many_policies_ask_few_questions() {
    let db = Database::default();
    let workspace = Workspace::of(&db, Config::named("w"), Workload::new(1, 300).files);
    let policies = compile(&db, workspace).policies;
    let memo: Arc<Memo> = Arc::default();
    let options = Options { memo: Some(Arc::clone(&memo)), ..Options::default() };
    let found = lint(&policies, &options, None).expect("the policies can be searched");
    let of_rules = |lint: &&Lint| [codes::SHADOWED, codes::REDUNDANT].contains(&lint.code);
    let (of_rules, asked) = (found.iter().filter(of_rules).count(), memo.decided());
    // Each meets dozens of others, in up to thousands of cells.
    assert!(of_rules > 20 && asked < 10 * policies.len() as u64, "{of_rules} lints, {asked} questions");
}
