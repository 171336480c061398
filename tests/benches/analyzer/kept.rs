//! Rules over sums that pull against each other, which the solver decides: what its answers are worth that an earlier
//! run has left.

use std::fmt::Write as _;
use std::sync::Arc;

use ordain_analyzer::{Cache, Memo, Options, analyze};
use ordain_compiler::{Config, Database, Workspace, compile};
use ordain_ir::Policies;
use ordain_tests::measure::Took;

use super::run;

const RULES: usize = 100;

/// What an analysis costs without a file of answers, with one, and with one that is trusted; by the rules in words.
pub(crate) fn measure() -> (String, [(&'static str, Took); 3]) {
    let policies = policies();
    let with = |cache: Cache| {
        let memo = Arc::new(Memo::with_cache(cache));
        let kept = Arc::clone(&memo);
        let run = run(1, |options| analyze(&policies, &Options { memo: Some(memo), ..*options }));
        (run.found, run.took, kept)
    };
    let (first, cold, memo) = with(Cache::default());
    let file = memo.cache(&policies.facts);
    let read = || Cache::read(&file).expect("it was written as a cache");
    let (again, replayed, _) = with(read());
    let (trusting, trusted, _) = with(read().trusted());
    assert!(first == again && first == trusting, "what is kept changes no finding");
    let what = format!("{RULES} rules over sums, {} answers of the solver", read().len());
    (what, [("cold", cold), ("examples replayed", replayed), ("trusted", trusted)])
}

/// A third of the rules meets none of the others, but only sums of their sums show it.
fn policies() -> Arc<Policies> {
    let mut text = String::from("package sums\n\nfact x: int in 0..100000\nfact y: int in 0..100000\n");
    for number in 0..RULES {
        let mode = if number % 2 == 0 { "block" } else { "warn" };
        let when = match number % 3 {
            0 => format!("3 * y - 2 * x > {}", 200_000 + number),
            _ => format!("x - y > {} and x + y < 150000", 10 + number),
        };
        let _ = write!(
            text,
            "\nrule r{number} {{\n  type safety\n  enforce {mode}\n  scope global\n  when {when}\n}}\n"
        );
    }
    let db = Database::default();
    let workspace = Workspace::of(&db, Config::named("sums"), [("sums.ordain".to_owned(), text)]);
    compile(&db, workspace).policies
}
