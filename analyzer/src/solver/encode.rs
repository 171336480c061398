//! Questions as formulas.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_ir::{CompareOp, Condition, ElementTest, Fact, FactName, TextTest, Type};
use z3::Solver;
use z3::ast::{Bool, Int};

use crate::boxes::Facts;
use crate::sets::Elements;
use crate::strings::{Strings, Vectors};

/// The facts of a question and what must be known of each.
pub(super) struct Plan<'a> {
    pub(super) facts: Vec<&'a Fact>,
    pub(super) texts: BTreeMap<FactName, (Vec<TextTest>, Option<Arc<Vectors>>)>,
    pub(super) sets: BTreeMap<FactName, (Vec<ElementTest>, Option<Elements>)>,
    /// Whether the tests of some string or set are beyond the caps: their outcomes are free, so only a no counts.
    pub(super) free: bool,
}

impl<'a> Plan<'a> {
    pub(super) fn new(condition: &Condition, facts: &'a Facts, strings: &Strings) -> Option<Self> {
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
pub(super) struct Variables {
    pub(super) numbers: BTreeMap<FactName, Int>,
    pub(super) bools: BTreeMap<FactName, Bool>,
    pub(super) present: BTreeMap<FactName, Bool>,
    pub(super) texts: BTreeMap<FactName, Vec<Bool>>,
    pub(super) sets: BTreeMap<FactName, Vec<Bool>>,
}

impl Variables {
    pub(super) fn declare(plan: &Plan<'_>, solver: &Solver) -> Self {
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
                    // By number: within one question that is as good as the test, and every solver reads it.
                    let outcomes: Vec<Bool> =
                        (0..tests.len()).map(|at| Bool::new_const(format!("test {name} {at}"))).collect();
                    if let Some(vectors) = vectors {
                        let rows: Vec<Bool> =
                            vectors.keys().map(|vector| matching(&outcomes, *vector)).collect();
                        solver.assert(any(&rows));
                    }
                    out.texts.insert(name.clone(), outcomes);
                }
                Type::Set { .. } => {
                    let Some((tests, elements)) = plan.sets.get(name) else { continue };
                    let outcomes: Vec<Bool> =
                        (0..tests.len()).map(|at| Bool::new_const(format!("any {name} {at}"))).collect();
                    for (bit, outcome) in outcomes.iter().enumerate() {
                        let Some(elements) = elements else { break };
                        let least = elements.least_with(bit).into_iter().map(|mask| all_of(&outcomes, mask));
                        solver.assert(outcome.implies(any(&least.collect::<Vec<_>>())));
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
        all(&parts)
    }

    pub(super) fn encode(&self, condition: &Condition, plan: &Plan<'_>) -> Bool {
        let each =
            |parts: &[Condition]| -> Vec<Bool> { parts.iter().map(|part| self.encode(part, plan)).collect() };
        match condition {
            Condition::True => Bool::from_bool(true),
            Condition::False => Bool::from_bool(false),
            Condition::Not(inner) => self.encode(inner, plan).not(),
            Condition::And(parts) => all(&each(parts)),
            Condition::Or(parts) => any(&each(parts)),
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
                self.guarded(&[name], any(&chosen))
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
                let sum = if let [one] = &*products { one.clone() } else { Int::add(&products) };
                let bound = Int::from_i64(*bound);
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

/// The conjunction; of one part that part, since not every solver reads an `and` of one.
fn all(parts: &[Bool]) -> Bool {
    match parts {
        [] => Bool::from_bool(true),
        [one] => one.clone(),
        more => Bool::and(more),
    }
}

/// The disjunction, likewise.
fn any(parts: &[Bool]) -> Bool {
    match parts {
        [] => Bool::from_bool(false),
        [one] => one.clone(),
        more => Bool::or(more),
    }
}

pub(super) fn matching(outcomes: &[Bool], vector: u64) -> Bool {
    let row: Vec<Bool> = outcomes
        .iter()
        .enumerate()
        .map(|(i, outcome)| if vector >> i & 1 == 1 { outcome.clone() } else { outcome.not() })
        .collect();
    all(&row)
}

/// The outcomes of a mask hold, whatever the others.
fn all_of(outcomes: &[Bool], mask: u64) -> Bool {
    let chosen = outcomes.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1);
    all(&chosen.map(|(_, outcome)| outcome.clone()).collect::<Vec<_>>())
}
