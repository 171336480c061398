//! Z3, for the conditions that no cheaper procedure decides: sums over several facts, and unions of boxes too
//! large to list.
//!
//! Numbers are mathematical integers within their declared bounds, never machine words; enumerations are
//! integers; each (fact, test) of a string is a boolean, with a lemma that lists the combinations that some
//! text realises, and so is each (fact, test) of a set, with a lemma for each that lists what else an element that
//! passes it passes at least. Work is bounded by Z3's resource counter, never by a clock.
//!
//! **A verdict depends on the question alone.** A model of a long-lived solver depends on what it was asked
//! before, so no value of a raw model ever leaves this module: the witness is found by further yes-or-no
//! questions, each with one answer. The long-lived solver gives up early, which may also depend on its
//! history; then the whole question is asked again in a fresh context with a far larger bound, and that counts. So
//! history could matter only to a question that costs a fresh context 64 times as much as a used one.
//!
//! **One question at a time.** Pairs with the same left side could have it asserted once for all their right sides.
//! Measured on 2,500 pairs of rules with four comparisons of two facts each, which all reach the solver and meet, it takes
//! 0.95 ms a pair: 76 % of that finds witnesses, 9 % is the first check, and 12 % declares, encodes and asserts both sides.
//! So that would save six parts in a hundred, and verdicts would share what the solver has learned of other pairs.
//! Workspaces as people write them hardly ask it: of the five million pairs that the benchmark considers among 10,000
//! policies it decides none.

mod encode;
mod search;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::OnceLock;

use ordain_ir::{Condition, Type, Value};
use z3::ast::{Bool, Int};
use z3::{Config, Params, SatResult, Solver};

use self::encode::{Plan, Variables};
use self::search::Search;
use crate::Answer;
use crate::boxes::{Facts, Valuation, word_value};
use crate::strings::Strings;

/// The only version whose behaviour is known.
pub const VERSION: &str = "5.4.1";
/// How much more than its bound a question may cost in a fresh context.
const RETRY_FACTOR: u32 = 4;
/// The part of its bound that a question may cost in the long-lived solver.
const WARM_SHARE: u32 = 16;
/// Resource bound of the canary; the real bounds are of the order of millions.
const CANARY_BOUND: u32 = 50_000;

/// The solver at hand is not the one that the proofs rely on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SolverError {
    /// Another version.
    #[error(
        "the solver is Z3 {found}, but only {VERSION} is known to keep its resource bound; run `cargo xtask setup`"
    )]
    Version {
        /// What the library says of itself.
        found: String,
    },
    /// Bounded work went on.
    #[error("the solver ignores its resource bound, so answers could depend on the machine's speed")]
    Unbounded,
}

/// Checks once per process that the library is the expected one and keeps its resource bound.
pub fn check() -> Result<(), SolverError> {
    static CANARY: OnceLock<Result<(), SolverError>> = OnceLock::new();
    CANARY
        .get_or_init(|| {
            let found = z3::full_version();
            let expected = |version: &str| {
                version.strip_prefix(VERSION).is_some_and(|rest| !rest.starts_with(char::is_numeric))
            };
            if !expected(found) {
                return Err(SolverError::Version { found: found.to_owned() });
            }
            match z3::with_z3_config(&Config::new(), pigeons) {
                SatResult::Unknown => Ok(()),
                SatResult::Sat | SatResult::Unsat => Err(SolverError::Unbounded),
            }
        })
        .clone()
}

/// Nine pigeons in eight holes: plainly impossible, and far beyond the canary's bound.
fn pigeons() -> SatResult {
    let solver = bounded(CANARY_BOUND);
    let sits: Vec<Vec<Bool>> =
        (0..9).map(|p| (0..8).map(|h| Bool::new_const(format!("p{p}h{h}"))).collect()).collect();
    for pigeon in &sits {
        solver.assert(Bool::or(pigeon));
    }
    for hole in 0..8 {
        for (p, pigeon) in sits.iter().enumerate() {
            for other in &sits[..p] {
                solver.assert(Bool::or(&[pigeon[hole].not(), other[hole].not()]));
            }
        }
    }
    solver.check()
}

fn bounded(bound: u32) -> Solver {
    let solver = Solver::new();
    limit(&solver, bound);
    // Without this the first check takes the slow path of a combined solver.
    solver.push();
    solver
}

fn limit(solver: &Solver, bound: u32) {
    let mut params = Params::new();
    params.set_u32("rlimit", bound);
    params.set_u32("random_seed", 0);
    solver.set_params(&params);
}

/// Whether a condition in negation normal form can be true, with its canonical valuation: facts by name, each
/// absent if it can be, else false, the first word, the smallest magnitude (the positive of two), the shortest
/// text, the smallest set, given the facts before it.
///
/// Undecided if the solver is not the expected one; see [`check`].
pub fn satisfiable(condition: &Condition, facts: &Facts, strings: &Strings, bound: u32) -> Answer<Valuation> {
    if check().is_err() {
        return Answer::Undecided;
    }
    let Some(plan) = Plan::new(condition, facts, strings) else { return Answer::Undecided };
    thread_local! {
        static WARM: RefCell<Option<(Solver, u32)>> = const { RefCell::new(None) };
    }
    let first = WARM.with_borrow_mut(|warm| {
        let share = (bound / WARM_SHARE).max(1);
        let (solver, known) = warm.get_or_insert_with(|| (bounded(share), share));
        if *known != share {
            limit(solver, share);
            *known = share;
        }
        solver.push();
        let outcome = ask(&plan, condition, solver, strings);
        solver.pop(1);
        outcome
    });
    let outcome = first.unwrap_or_else(|| {
        z3::with_z3_config(&Config::new(), || {
            let solver = bounded(bound.saturating_mul(RETRY_FACTOR));
            ask(&plan, condition, &solver, strings).unwrap_or(Answer::Undecided)
        })
    });
    match outcome {
        // The outcomes of some tests are free, so a model may be of no value at all.
        Answer::Yes(_) if plan.free => Answer::Undecided,
        other => other,
    }
}

/// The question of [`satisfiable`] as a script in SMT-LIB 2, without `check-sat`, so that any solver can be asked the
/// same. `None` where the solver's answer would not count: beyond the caps of strings and sets.
pub fn script(condition: &Condition, facts: &Facts, strings: &Strings) -> Option<String> {
    let plan = Plan::new(condition, facts, strings).filter(|plan| !plan.free)?;
    Some(z3::with_z3_config(&Config::new(), || {
        let solver = Solver::new();
        let variables = Variables::declare(&plan, &solver);
        solver.assert(variables.encode(condition, &plan));
        format!("(set-logic ALL)\n{solver}")
    }))
}

/// Asks one solver. `None` if it gave up, on the question or on its witness.
fn ask(
    plan: &Plan<'_>,
    condition: &Condition,
    solver: &Solver,
    strings: &Strings,
) -> Option<Answer<Valuation>> {
    let variables = Variables::declare(plan, solver);
    solver.assert(variables.encode(condition, plan));
    match solver.check() {
        SatResult::Unsat => return Some(Answer::No),
        SatResult::Unknown => return None,
        SatResult::Sat => {}
    }
    if plan.free {
        return Some(Answer::Yes(Valuation::new()));
    }
    let search = Search { solver };
    let mut out = Valuation::new();
    for fact in &plan.facts {
        let name = &fact.name;
        if let Some(present) = variables.present.get(name) {
            if search.fix(&present.not())? {
                continue;
            }
            solver.assert(present);
        }
        let value = match &fact.ty {
            Type::Bool => Value::Bool(!search.fix(&variables.bools[name].not())?),
            Type::String => match plan.texts.get(name) {
                None => match strings.witness(&[]) {
                    Answer::Yes(text) => Value::Text(text),
                    Answer::No | Answer::Undecided => Value::Text(String::new()),
                },
                Some((_, vectors)) => {
                    let vectors = vectors.as_ref().expect("without free tests, all are listed");
                    Value::Text(search.text(&variables.texts[name], vectors)?)
                }
            },
            Type::Set { .. } => Value::Set(match plan.sets.get(name) {
                None => BTreeSet::new(),
                Some((_, elements)) => {
                    let elements = elements.as_ref().expect("without free tests, all are listed");
                    search.set(&variables.sets[name], elements)?
                }
            }),
            Type::Enum { variants } => {
                let number = &variables.numbers[name];
                let mut chosen = variants.len() - 1;
                for word in 0..variants.len() - 1 {
                    let index = i64::try_from(word).expect("fits in memory");
                    if search.fix(&number.eq(Int::from_i64(index)))? {
                        chosen = word;
                        break;
                    }
                }
                word_value(fact, chosen)
            }
            _ => Value::Number(search.nearest_to_zero(&variables.numbers[name], fact.bounds())?),
        };
        out.insert(name.clone(), value);
    }
    Some(Answer::Yes(out))
}
