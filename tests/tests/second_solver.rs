//! The analyzer against a second solver, cvc5, on random questions: conditions as a whole (boxes, sums, automata and
//! Z3 together), tests of texts against native strings, and the very scripts that Z3 is asked.
//!
//! `ORDAIN_SOLVER_CASES` sets the number of questions of each kind, `ORDAIN_ORACLE_SEED` the first seed.

#![expect(clippy::print_stdout, reason = "the long form tells how often it asked")]

use std::sync::atomic::{AtomicU64, Ordering};

use ordain_analyzer::conditions::{Conditions, Prepared};
use ordain_analyzer::strings::Strings;
use ordain_analyzer::{Answer, Memo, solver};
use ordain_ir::Condition;
use ordain_tests::cases;
use ordain_tests::smt::Encoder;
use ordain_tests::smt::cvc5::Cvc5;
use ordain_tests::smt::generate::{FACTS, Question, text_tests};

const WORKERS: u64 = 2;
/// The solver's bound, as workspaces have it if they say nothing.
const BOUND: u32 = 2_000_000;

/// How many questions were answered yes, no, by neither solver; by Z3 among them.
#[derive(Debug, Default)]
struct Tally {
    yes: AtomicU64,
    no: AtomicU64,
    undecided: AtomicU64,
    unknown: AtomicU64,
    by_solver: AtomicU64,
}

impl Tally {
    fn count(&self, slot: fn(&Self) -> &AtomicU64) {
        slot(self).fetch_add(1, Ordering::Relaxed);
    }

    /// Fails unless both answers were given often enough to mean something, and hardly any was not.
    fn check(&self, count: u64) {
        println!("{count} questions from seed {}: {self:?}", first_seed());
        let of = |slot: &AtomicU64| slot.load(Ordering::Relaxed);
        assert!(of(&self.yes).min(of(&self.no)) * 20 >= count, "one answer is rare: {self:?}");
        assert!((of(&self.undecided) + of(&self.unknown)) * 50 <= count, "too much is open: {self:?}");
    }
}

fn first_seed() -> u64 {
    cases("ORDAIN_ORACLE_SEED", 0)
}

/// Asks questions in parallel, each worker with a solver of its own, and fails with what was found wrong.
fn search(count: u64, check: impl Fn(u64, &mut Cvc5, &Tally) -> Result<(), String> + Sync) -> Tally {
    let (tally, next) = (Tally::default(), AtomicU64::new(first_seed()));
    let failures = std::thread::scope(|scope| {
        let worker = || {
            let mut other = Cvc5::start();
            let mut failures = vec![];
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= first_seed() + count || failures.len() >= 3 {
                    return failures;
                }
                failures.extend(check(seed, &mut other, &tally).err().map(|it| format!("seed {seed}: {it}")));
            }
        };
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no worker panics")).collect::<Vec<_>>()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    tally
}

/// Compares one answer with that of a script, which ends without a question.
fn compare<W>(answer: &Answer<W>, script: &str, other: &mut Cvc5, tally: &Tally) -> Result<(), String> {
    let said = other.ask(&format!("{script}(check-sat)"));
    match (answer, &*said) {
        (Answer::Undecided, _) => tally.count(|it| &it.undecided),
        (_, "unknown") => tally.count(|it| &it.unknown),
        (Answer::Yes(_), "sat") => tally.count(|it| &it.yes),
        (Answer::No, "unsat") => tally.count(|it| &it.no),
        _ => {
            return Err(format!(
                "{} here, `{said}` there:\n{script}",
                if answer.is_yes() { "yes" } else { "no" }
            ));
        }
    }
    Ok(())
}

#[test]
fn conditions_are_decided_alike() {
    let count = cases("ORDAIN_SOLVER_CASES", 300);
    let tally = search(count, |seed, other, tally| {
        let question = Question::random(seed);
        let memo = Memo::default();
        let conditions = Conditions { facts: &FACTS, bound: BOUND, memo: &memo };
        let prepare =
            |all: &[Condition]| -> Vec<Prepared> { all.iter().map(|it| conditions.prepare(it)).collect() };
        let (inside, outside) = (prepare(&question.inside), prepare(&question.outside));
        let verdict =
            conditions.find(&inside.iter().collect::<Vec<_>>(), &outside.iter().collect::<Vec<_>>());
        if verdict.by_solver {
            tally.count(|it| &it.by_solver);
        }
        let whole = question.whole();
        let encoder = Encoder { facts: &FACTS, patterns: &question.patterns };
        compare(&verdict.answer, &encoder.script(&whole, None), other, tally)?;
        if let Answer::Yes(values) = &verdict.answer {
            let script = encoder.script(&whole, Some(values));
            let said = other.ask(&format!("{script}(check-sat)"));
            if !["sat", "unknown"].contains(&&*said) {
                return Err(format!("the witness is `{said}` there:\n{script}"));
            }
        }
        Ok(())
    });
    assert!(tally.by_solver.load(Ordering::Relaxed) * 100 >= count, "Z3 was hardly asked: {tally:?}");
    tally.check(count);
}

#[test]
fn texts_are_decided_as_by_native_strings() {
    let count = cases("ORDAIN_SOLVER_CASES", 300);
    let tally = search(count, |seed, other, tally| {
        let (tests, patterns) = text_tests(seed);
        let encoder = Encoder { facts: &FACTS, patterns: &patterns };
        let mut script = "(set-logic ALL)\n(declare-const text String)\n".to_owned();
        for (test, wanted) in &tests {
            let one = encoder.text(test, "text");
            let one = if *wanted { one } else { format!("(not {one})") };
            script.extend(["(assert ", &one, ")\n"]);
        }
        let strings = Strings::default();
        let witness = strings.witness(&tests);
        compare(&witness, &script, other, tally)?;
        // Of all outcomes that are listed, this one is there exactly if there is a witness.
        let plain: Vec<_> = tests.iter().map(|(test, _)| test.clone()).collect();
        let wanted =
            tests.iter().enumerate().fold(0, |mask, (at, (_, wanted))| mask | u64::from(*wanted) << at);
        if let Some(listed) = strings.realisable(&plain, false)
            && witness != Answer::Undecided
            && listed.contains_key(&wanted) != witness.is_yes()
        {
            return Err(format!("listed outcomes and the witness disagree:\n{script}"));
        }
        if let Answer::Yes(text) = witness {
            let value = ordain_tests::smt::quoted(&text);
            let said = other.ask(&format!("{script}(assert (= text {value}))(check-sat)"));
            if !["sat", "unknown"].contains(&&*said) {
                return Err(format!("{text:?} is `{said}` there:\n{script}"));
            }
        }
        Ok(())
    });
    tally.check(count);
}

/// Whatever Z3 may be asked can be written down, and the second solver reads the same question and gives the same
/// answer.
#[test]
fn what_z3_is_asked_is_answered_alike() {
    let count = cases("ORDAIN_SOLVER_CASES", 300);
    let tally = search(count, |seed, other, tally| {
        let question = Question::random(seed);
        let memo = Memo::default();
        let conditions = Conditions { facts: &FACTS, bound: BOUND, memo: &memo };
        let prepared = conditions.prepare(&question.whole());
        let strings = Strings::default();
        let Some(script) = solver::script(prepared.condition(), &FACTS, &strings) else {
            tally.count(|it| &it.undecided);
            return Ok(());
        };
        let answer = solver::satisfiable(prepared.condition(), &FACTS, &strings, BOUND);
        compare(&answer, &script, other, tally)
    });
    tally.check(count);
}
