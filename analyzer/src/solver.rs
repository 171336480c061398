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
//! questions, each with one answer. Where the long-lived solver gives up, which may also depend on its
//! history, the whole question is asked again in a fresh context with a larger bound, and that counts.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use ordain_ir::{CompareOp, Condition, ElementTest, Fact, FactName, TextTest, Type, Value};
use z3::ast::{Bool, Int};
use z3::{Config, Params, SatResult, Solver};

use crate::Answer;
use crate::boxes::{Facts, Valuation, word_value};
use crate::sets::Elements;
use crate::strings::{Strings, Vectors};

/// The only version whose behaviour is known.
pub const VERSION: &str = "5.4.1";
/// How much more a question may cost in a fresh context.
const RETRY_FACTOR: u32 = 4;
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
        let (solver, known) = warm.get_or_insert_with(|| (bounded(bound), bound));
        if *known != bound {
            limit(solver, bound);
            *known = bound;
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

/// The facts of a question and what must be known of each.
struct Plan<'a> {
    facts: Vec<&'a Fact>,
    texts: BTreeMap<FactName, (Vec<TextTest>, Option<Arc<Vectors>>)>,
    sets: BTreeMap<FactName, (Vec<ElementTest>, Option<Elements>)>,
    /// Whether the tests of some string or set are beyond the caps: their outcomes are free, so only a no counts.
    free: bool,
}

impl<'a> Plan<'a> {
    fn new(condition: &Condition, facts: &'a Facts, strings: &Strings) -> Option<Self> {
        let mut names = BTreeSet::new();
        condition.collect_facts(&mut names);
        let facts = names.iter().map(|name| facts.get(name)).collect::<Option<Vec<_>>>()?;
        let mut tests = Tests::default();
        tests.collect(condition);
        let texts: BTreeMap<_, _> = tests
            .texts
            .into_iter()
            .map(|(name, tests)| {
                let tests: Vec<TextTest> = tests.into_iter().collect();
                let vectors = strings.realisable(&tests, false);
                (name, (tests, vectors))
            })
            .collect();
        let declared = |name: &FactName| facts.iter().find(|fact| fact.name == *name);
        let sets: BTreeMap<_, _> = tests
            .sets
            .into_iter()
            .map(|(name, tests)| {
                let tests: Vec<ElementTest> = tests.into_iter().collect();
                let elements = declared(&name).and_then(|fact| Elements::of(fact, &tests, strings));
                (name, (tests, elements))
            })
            .collect();
        let free = texts.values().any(|(_, vectors)| vectors.is_none())
            || sets.values().any(|(_, elements)| elements.is_none());
        Some(Self { facts, texts, sets, free })
    }
}

/// The tests of strings and sets in a condition.
#[derive(Default)]
struct Tests {
    texts: BTreeMap<FactName, BTreeSet<TextTest>>,
    sets: BTreeMap<FactName, BTreeSet<ElementTest>>,
}

impl Tests {
    fn collect(&mut self, condition: &Condition) {
        match condition {
            Condition::Not(inner) => self.collect(inner),
            Condition::And(parts) | Condition::Or(parts) => parts.iter().for_each(|part| self.collect(part)),
            Condition::Text { fact, test } => {
                self.texts.entry(fact.clone()).or_default().insert(test.clone());
            }
            Condition::Any { fact, test } => {
                self.sets.entry(fact.clone()).or_default().insert(test.clone());
            }
            _ => {}
        }
    }
}

/// The variables of one question in one context.
struct Variables {
    numbers: BTreeMap<FactName, Int>,
    bools: BTreeMap<FactName, Bool>,
    present: BTreeMap<FactName, Bool>,
    texts: BTreeMap<FactName, Vec<Bool>>,
    sets: BTreeMap<FactName, Vec<Bool>>,
}

impl Variables {
    fn declare(plan: &Plan<'_>, solver: &Solver) -> Self {
        let mut out = Self {
            numbers: BTreeMap::new(),
            bools: BTreeMap::new(),
            present: BTreeMap::new(),
            texts: BTreeMap::new(),
            sets: BTreeMap::new(),
        };
        for fact in &plan.facts {
            let name = &fact.name;
            if fact.optional {
                out.present.insert(name.clone(), Bool::new_const(format!("has {name}")));
            }
            match &fact.ty {
                Type::Bool => {
                    out.bools.insert(name.clone(), Bool::new_const(format!("is {name}")));
                }
                Type::String => {
                    let Some((tests, vectors)) = plan.texts.get(name) else { continue };
                    let outcomes: Vec<Bool> =
                        tests.iter().map(|test| Bool::new_const(format!("test {name} {test:?}"))).collect();
                    if let Some(vectors) = vectors {
                        let rows: Vec<Bool> =
                            vectors.keys().map(|vector| matching(&outcomes, *vector)).collect();
                        solver.assert(Bool::or(&rows));
                    }
                    out.texts.insert(name.clone(), outcomes);
                }
                Type::Set { .. } => {
                    let Some((tests, elements)) = plan.sets.get(name) else { continue };
                    let outcomes: Vec<Bool> =
                        tests.iter().map(|test| Bool::new_const(format!("any {name} {test:?}"))).collect();
                    for (bit, outcome) in outcomes.iter().enumerate() {
                        let Some(elements) = elements else { break };
                        let least = elements.least_with(bit).into_iter().map(|mask| all_of(&outcomes, mask));
                        solver.assert(outcome.implies(Bool::or(&least.collect::<Vec<_>>())));
                    }
                    out.sets.insert(name.clone(), outcomes);
                }
                _ => {
                    let (least, greatest) = match &fact.ty {
                        Type::Enum { variants } => {
                            (0, i64::try_from(variants.len()).expect("fits in memory") - 1)
                        }
                        _ => fact.bounds(),
                    };
                    let number = Int::new_const(format!("value {name}"));
                    solver.assert(number.ge(Int::from_i64(least)));
                    solver.assert(number.le(Int::from_i64(greatest)));
                    out.numbers.insert(name.clone(), number);
                }
            }
        }
        out
    }

    fn guarded(&self, names: &[&FactName], atom: Bool) -> Bool {
        let mut parts: Vec<Bool> = names.iter().filter_map(|name| self.present.get(*name).cloned()).collect();
        parts.push(atom);
        Bool::and(&parts)
    }

    fn encode(&self, condition: &Condition, plan: &Plan<'_>) -> Bool {
        let all =
            |parts: &[Condition]| -> Vec<Bool> { parts.iter().map(|part| self.encode(part, plan)).collect() };
        match condition {
            Condition::True => Bool::from_bool(true),
            Condition::False => Bool::from_bool(false),
            Condition::Not(inner) => self.encode(inner, plan).not(),
            Condition::And(parts) => Bool::and(&all(parts)),
            Condition::Or(parts) => Bool::or(&all(parts)),
            Condition::Has(name) => self.present.get(name).cloned().unwrap_or_else(|| Bool::from_bool(true)),
            Condition::Fact(name) => self.guarded(&[name], self.bools[name].clone()),
            Condition::OneOf { fact: name, words } => {
                let fact = plan.facts.iter().find(|fact| fact.name == *name).expect("the plan has all facts");
                let Type::Enum { variants } = &fact.ty else { return Bool::from_bool(false) };
                let value = &self.numbers[name];
                let chosen: Vec<Bool> = (0..)
                    .zip(variants)
                    .filter(|(_, word)| words.contains(*word))
                    .map(|(i, _)| value.eq(Int::from_i64(i)))
                    .collect();
                self.guarded(&[name], Bool::or(&chosen))
            }
            Condition::Text { fact: name, test } => {
                let (tests, _) = &plan.texts[name];
                let at = tests.iter().position(|known| known == test).expect("the plan has all tests");
                self.guarded(&[name], self.texts[name][at].clone())
            }
            Condition::Any { fact: name, test } => {
                let (tests, _) = &plan.sets[name];
                let at = tests.iter().position(|known| known == test).expect("the plan has all tests");
                self.guarded(&[name], self.sets[name][at].clone())
            }
            Condition::Compare { terms, op, bound } => {
                let products: Vec<Int> =
                    terms.iter().map(|(name, c)| &self.numbers[name] * Int::from_i64(*c)).collect();
                let (sum, bound) = (Int::add(&products), Int::from_i64(*bound));
                let atom = match op {
                    CompareOp::Less => sum.lt(bound),
                    CompareOp::LessEqual => sum.le(bound),
                    CompareOp::Equal => sum.eq(bound),
                    CompareOp::NotEqual => sum.eq(bound).not(),
                    CompareOp::GreaterEqual => sum.ge(bound),
                    CompareOp::Greater => sum.gt(bound),
                };
                self.guarded(&terms.iter().map(|(name, _)| name).collect::<Vec<_>>(), atom)
            }
        }
    }
}

fn matching(outcomes: &[Bool], vector: u64) -> Bool {
    let row: Vec<Bool> = outcomes
        .iter()
        .enumerate()
        .map(|(i, outcome)| if vector >> i & 1 == 1 { outcome.clone() } else { outcome.not() })
        .collect();
    Bool::and(&row)
}

/// The outcomes of a mask hold, whatever the others.
fn all_of(outcomes: &[Bool], mask: u64) -> Bool {
    let chosen = outcomes.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1);
    Bool::and(&chosen.map(|(_, outcome)| outcome.clone()).collect::<Vec<_>>())
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

/// Pins variables down one after the other, by questions with one answer each.
struct Search<'a> {
    solver: &'a Solver,
}

impl Search<'_> {
    /// Whether `claim` is possible; asserts it if so.
    fn fix(&self, claim: &Bool) -> Option<bool> {
        let possible = self.possible(claim)?;
        if possible {
            self.solver.assert(claim);
        }
        Some(possible)
    }

    fn possible(&self, claim: &Bool) -> Option<bool> {
        match self.solver.check_assumptions(std::slice::from_ref(claim)) {
            SatResult::Sat => Some(true),
            SatResult::Unsat => Some(false),
            SatResult::Unknown => None,
        }
    }

    /// The shortest text whose outcomes are possible.
    fn text(&self, outcomes: &[Bool], vectors: &Vectors) -> Option<String> {
        let mut rows: Vec<(&String, u64)> = vectors.iter().map(|(vector, text)| (text, *vector)).collect();
        // As everywhere, the empty text comes last.
        rows.sort_by_key(|(text, _)| (text.is_empty(), text.len(), *text));
        for (text, vector) in rows {
            if self.fix(&matching(outcomes, vector))? {
                return Some(text.clone());
            }
        }
        unreachable!("the lemma says that some row holds")
    }

    /// The smallest set whose outcomes are possible; beyond the cap, one with as few outcomes as the first allow.
    fn set(&self, outcomes: &[Bool], elements: &Elements) -> Option<BTreeSet<Value>> {
        if let Some(sets) = elements.sets() {
            for (mask, set) in sets {
                if self.fix(&matching(outcomes, mask))? {
                    return Some(set);
                }
            }
            unreachable!("the lemmas say that the outcomes are those of some set");
        }
        let mut required = 0;
        for (bit, outcome) in outcomes.iter().enumerate() {
            if !self.fix(&outcome.not())? {
                self.solver.assert(outcome);
                required |= 1 << bit;
            }
        }
        Some(elements.smallest(required, !required).expect("the lemmas say that some set has these outcomes"))
    }

    /// The possible value of smallest magnitude, the positive of two.
    fn nearest_to_zero(&self, number: &Int, (least, greatest): (i64, i64)) -> Option<i64> {
        let within = |radius: i128| {
            Bool::and(&[number.le(Int::from_i128(radius)), number.ge(Int::from_i128(-radius))])
        };
        let (mut low, mut high) = (0_i128, i128::from(least).abs().max(i128::from(greatest).abs()));
        // Most witnesses are near zero: gallop before halving.
        let mut probe = 0_i128;
        while low < high {
            let middle = if probe < high { probe } else { low + (high - low) / 2 };
            if self.possible(&within(middle))? {
                high = middle;
                probe = high;
            } else {
                low = middle + 1;
                probe = if probe < high { probe * 16 + 15 } else { high };
            }
        }
        let narrow = |n: i128| i64::try_from(n).ok();
        if let Some(positive) = narrow(low)
            && self.fix(&number.eq(Int::from_i64(positive)))?
        {
            return Some(positive);
        }
        let negative = narrow(-low)?;
        self.solver.assert(number.eq(Int::from_i64(negative)));
        Some(negative)
    }
}
