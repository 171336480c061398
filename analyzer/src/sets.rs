//! Tests of the elements of one set, decided exactly: which of them can some element pass, together and without the
//! others, and what is the smallest set of such elements.
//!
//! A set fulfils "some element passes φᵢ" for each i and "no element passes ψⱼ" for each j exactly if for each φᵢ there
//! is a value that passes it and none of the ψⱼ: take one for each. So everything follows from the combinations of
//! outcomes that single values realise. Those of numbers and words are listed by their ranges and variants, those of
//! texts by products of automata.

use std::collections::{BTreeMap, BTreeSet};

use ordain_ir::{ElementTest, Fact, TextTest, Type, Value};

use crate::Answer;
use crate::strings::Strings;

/// Most tests of one set that are decided together.
const MAX_TESTS: usize = 64;
/// Most conjunctions into which a test of texts is taken apart.
const MAX_TERMS: usize = 512;
/// Most combinations of outcomes of whole sets that are listed.
const MAX_UNIONS: usize = 1_024;

/// How a value compares with others: the empty text comes last, shorter and smaller ones first.
type Rank = (bool, u128, Value);

fn rank(of: &Type, value: Value) -> Rank {
    let size = match (&value, of) {
        (Value::Text(word), Type::Enum { variants }) => {
            variants.iter().position(|variant| variant == word).unwrap_or(variants.len()) as u128
        }
        (Value::Text(text), _) => text.len() as u128,
        // The positive of two comes first.
        (Value::Number(n), _) => 2 * u128::from(n.unsigned_abs()) + u128::from(*n < 0),
        _ => 0,
    };
    (value == Value::Text(String::new()), size, value)
}

fn values(ranks: BTreeSet<Rank>) -> BTreeSet<Value> {
    ranks.into_iter().map(|(_, _, value)| value).collect()
}

/// Whether some set fulfils all literals (`true`: some element passes the test; `false`: none does), with the smallest
/// one: fewest elements, then the shortest, then the first; beyond a cap it may have more elements than need be.
/// Undecided where a text's tests are.
pub fn witness(
    fact: &Fact,
    literals: &BTreeSet<(ElementTest, bool)>,
    strings: &Strings,
) -> Answer<BTreeSet<Value>> {
    let Type::Set { of } = &fact.ty else { return Answer::Undecided };
    let with =
        |outcome: bool| literals.iter().filter(move |(_, wanted)| *wanted == outcome).map(|(test, _)| test);
    let (wanted, unwanted): (Vec<&ElementTest>, Vec<&ElementTest>) =
        (with(true).collect(), with(false).collect());
    if wanted.is_empty() {
        return Answer::Yes(BTreeSet::new());
    }
    let listed = |wanted: &[&ElementTest]| {
        let tests: Vec<ElementTest> = wanted.iter().chain(&unwanted).map(|test| (*test).clone()).collect();
        let required = ones(wanted.len());
        match Elements::of(fact, &tests, strings) {
            Some(elements) => {
                elements.smallest(required, ones(tests.len()) & !required).map_or(Answer::No, Answer::Yes)
            }
            None => Answer::Undecided,
        }
    };
    if **of != Type::String {
        return listed(&wanted);
    }
    // One text for each test: those products end earlier than the one that lists all combinations.
    let mut singles = BTreeSet::new();
    let mut open = false;
    for test in &wanted {
        let single = match text(&[test], &unwanted, strings) {
            Answer::Undecided => listed(&[test]),
            other => other.map(|text| [Value::Text(text)].into()),
        };
        match single {
            Answer::Yes(found) => singles.extend(found.into_iter().map(|value| rank(of, value))),
            Answer::No => return Answer::No,
            Answer::Undecided => open = true,
        }
    }
    if open {
        return Answer::Undecided;
    }
    if wanted.len() > 1 {
        // One text for all is often possible, and then no combination need be listed.
        if let Answer::Yes(one) = text(&wanted, &unwanted, strings) {
            return Answer::Yes([Value::Text(one)].into());
        }
        if let Answer::Yes(fewest) = listed(&wanted) {
            return Answer::Yes(fewest);
        }
    }
    Answer::Yes(values(singles))
}

/// A conjunction of tests of one text with their outcomes.
type Term = BTreeMap<TextTest, bool>;

/// The first text that passes all of the one tests and none of the others.
fn text(wanted: &[&ElementTest], unwanted: &[&ElementTest], strings: &Strings) -> Answer<String> {
    let sides = wanted.iter().map(|test| (*test, true)).chain(unwanted.iter().map(|test| (*test, false)));
    let terms = sides.map(|(test, outcome)| terms(test, outcome));
    let all = terms.reduce(|all, more| product(&all?, &more?)).flatten();
    let Some(all) = all else { return Answer::Undecided };
    let mut best: Option<Rank> = None;
    let mut open = false;
    for term in all {
        match strings.witness(&term.into_iter().collect::<Vec<_>>()) {
            Answer::Yes(text) => {
                let rank = rank(&Type::String, Value::Text(text));
                best = Some(best.map_or(rank.clone(), |best| best.min(rank)));
            }
            Answer::No => {}
            Answer::Undecided => open = true,
        }
    }
    match best {
        Some((_, _, Value::Text(text))) => Answer::Yes(text),
        _ if open => Answer::Undecided,
        _ => Answer::No,
    }
}

/// The test, or its contrary, as a union of conjunctions; `None` if there are too many.
fn terms(test: &ElementTest, outcome: bool) -> Option<Vec<Term>> {
    match test {
        ElementTest::Not(inner) => terms(inner, !outcome),
        ElementTest::AnyOf(tests) if outcome => {
            let all: Vec<Term> =
                tests.iter().map(|test| terms(test, true)).collect::<Option<Vec<_>>>()?.concat();
            (all.len() <= MAX_TERMS).then_some(all)
        }
        ElementTest::AnyOf(tests) => {
            tests.iter().try_fold(vec![Term::new()], |all, test| product(&all, &terms(test, false)?))
        }
        ElementTest::Text(test) => Some(vec![[(test.clone(), outcome)].into()]),
        ElementTest::OneOf(_) | ElementTest::Compare { .. } => None,
    }
}

fn product(a: &[Term], b: &[Term]) -> Option<Vec<Term>> {
    let mut out = vec![];
    for (a, b) in a.iter().flat_map(|a| b.iter().map(move |b| (a, b))) {
        if b.iter().all(|(test, outcome)| a.get(test).is_none_or(|known| known == outcome)) {
            out.push(a.iter().chain(b).map(|(test, outcome)| (test.clone(), *outcome)).collect());
        }
        if out.len() > MAX_TERMS {
            return None;
        }
    }
    Some(out)
}

/// The combinations of outcomes that some element realises (bit `i` is the outcome of test `i`), each with its first
/// element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elements(BTreeMap<u64, Rank>);

impl Elements {
    /// Those of these tests of the elements of the set; `None` beyond the caps, or for tests of another type.
    pub fn of(fact: &Fact, tests: &[ElementTest], strings: &Strings) -> Option<Self> {
        let Type::Set { of } = &fact.ty else { return None };
        if tests.len() > MAX_TESTS {
            return None;
        }
        let mut out = BTreeMap::new();
        let mut put = |value: Value, leaf: &dyn Fn(&ElementTest) -> Option<bool>| {
            let mut mask = 0_u64;
            for (bit, test) in tests.iter().enumerate() {
                mask |= u64::from(passes(test, leaf)?) << bit;
            }
            let rank = rank(of, value);
            let best: &mut Rank = out.entry(mask).or_insert_with(|| rank.clone());
            *best = best.clone().min(rank);
            Some(())
        };
        match &**of {
            Type::String => {
                let mut atoms = BTreeSet::new();
                for test in tests {
                    collect_texts(test, &mut atoms);
                }
                let atoms: Vec<TextTest> = atoms.into_iter().collect();
                for (vector, text) in &*strings.realisable(&atoms, false)? {
                    put(Value::Text(text.clone()), &|leaf| match leaf {
                        ElementTest::Text(test) => Some(vector >> atoms.binary_search(test).ok()? & 1 == 1),
                        _ => None,
                    })?;
                }
            }
            Type::Enum { variants } => {
                for word in variants {
                    put(Value::Text(word.clone()), &|leaf| match leaf {
                        ElementTest::OneOf(words) => Some(words.contains(word)),
                        _ => None,
                    })?;
                }
            }
            Type::Int | Type::Decimal { .. } | Type::Money { .. } | Type::Duration => {
                for number in representatives(tests, fact.bounds()) {
                    put(Value::Number(number), &|leaf| match leaf {
                        ElementTest::Compare { op, bound } => Some(op.holds(&number, bound)),
                        _ => None,
                    })?;
                }
            }
            Type::Bool | Type::Set { .. } => return None,
        }
        Some(Self(out))
    }

    /// For each combination that contains a test, and no smaller such one: what else an element that passes the test
    /// passes. Outcomes of a whole set are possible exactly if each test that some element passes has one of these
    /// within them.
    pub fn least_with(&self, test: usize) -> Vec<u64> {
        let all: Vec<u64> = self.0.keys().copied().filter(|mask| mask >> test & 1 == 1).collect();
        let is_least = |mask: &u64| !all.iter().any(|other| other != mask && other & !mask == 0);
        all.iter().copied().filter(is_least).collect()
    }

    /// The smallest set in which some element passes each of the required tests and none passes a forbidden one;
    /// `None` if there is no such set. Beyond the cap it may have more elements than need be.
    pub fn smallest(&self, required: u64, forbidden: u64) -> Option<BTreeSet<Value>> {
        let mut useful: BTreeMap<u64, Rank> = BTreeMap::new();
        for (mask, rank) in self.0.iter().filter(|(mask, _)| *mask & forbidden == 0) {
            let best = useful.entry(mask & required).or_insert_with(|| rank.clone());
            *best = best.clone().min(rank.clone());
        }
        if useful.keys().fold(0, |all, mask| all | mask) != required {
            return None;
        }
        let chosen = match unions(&useful, Some(required)) {
            Some(mut all) => all.remove(&required)?.ranks,
            None => greedy(&useful, required),
        };
        Some(values(chosen))
    }

    /// Every combination of outcomes that some set realises, each with its smallest set; smallest first. `None` beyond
    /// the cap.
    pub fn sets(&self) -> Option<Vec<(u64, BTreeSet<Value>)>> {
        let mut all: Vec<(Chosen, u64)> =
            unions(&self.0, None)?.into_iter().map(|(mask, chosen)| (chosen, mask)).collect();
        all.sort();
        Some(all.into_iter().map(|(chosen, mask)| (mask, values(chosen.ranks))).collect())
    }
}

const fn ones(count: usize) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

/// Whether an element passes a test, by what its parts say.
fn passes(test: &ElementTest, leaf: &dyn Fn(&ElementTest) -> Option<bool>) -> Option<bool> {
    match test {
        ElementTest::Not(inner) => passes(inner, leaf).map(|holds| !holds),
        ElementTest::AnyOf(tests) => {
            tests.iter().try_fold(false, |any, test| Some(any | passes(test, leaf)?))
        }
        test => leaf(test),
    }
}

fn collect_texts(test: &ElementTest, into: &mut BTreeSet<TextTest>) {
    match test {
        ElementTest::Not(inner) => collect_texts(inner, into),
        ElementTest::AnyOf(tests) => tests.iter().for_each(|test| collect_texts(test, into)),
        ElementTest::Text(test) => {
            into.insert(test.clone());
        }
        ElementTest::OneOf(_) | ElementTest::Compare { .. } => {}
    }
}

/// One number of each stretch that no comparison divides: the nearest to zero.
fn representatives(tests: &[ElementTest], (least, greatest): (i64, i64)) -> Vec<i64> {
    fn collect(test: &ElementTest, into: &mut BTreeSet<i64>) {
        match test {
            ElementTest::Not(inner) => collect(inner, into),
            ElementTest::AnyOf(tests) => tests.iter().for_each(|test| collect(test, into)),
            // Where a comparison with `bound` can change.
            ElementTest::Compare { bound, .. } => {
                into.extend([Some(*bound), bound.checked_add(1)].into_iter().flatten());
            }
            ElementTest::OneOf(_) | ElementTest::Text(_) => {}
        }
    }
    if least > greatest {
        return vec![];
    }
    let mut starts = BTreeSet::from([least]);
    for test in tests {
        collect(test, &mut starts);
    }
    let starts: Vec<i64> = starts.range(least..=greatest).copied().collect();
    let ends = starts.iter().skip(1).map(|start| start - 1).chain([greatest]);
    starts.iter().zip(ends).map(|(start, end)| 0.clamp(*start, end)).collect()
}

/// Elements, and how good they are together: how many, how many empty texts, how long, which.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Chosen {
    count: usize,
    last_resorts: usize,
    size: u128,
    ranks: BTreeSet<Rank>,
}

impl Chosen {
    const NONE: Self = Self { count: 0, last_resorts: 0, size: 0, ranks: BTreeSet::new() };

    /// With one more, which isn't among them yet.
    fn with(&self, rank: &Rank) -> Self {
        let mut ranks = self.ranks.clone();
        ranks.insert(rank.clone());
        Self {
            count: self.count + 1,
            last_resorts: self.last_resorts + usize::from(rank.0),
            size: self.size + rank.1,
            ranks,
        }
    }
}

/// The unions of the masks, each with the best choice of elements whose masks it is the union of; `None` if there are
/// too many. With a goal, nothing beyond the number of elements that it takes.
///
/// A union that takes `n` elements, but one of them, takes `n - 1`; and which of two choices is better doesn't change
/// when both get the same further element. So the best choices grow from the best ones with one element less.
fn unions(elements: &BTreeMap<u64, Rank>, goal: Option<u64>) -> Option<BTreeMap<u64, Chosen>> {
    let mut known = BTreeMap::from([(0, Chosen::NONE)]);
    let mut last = vec![0];
    while !last.is_empty() && !goal.is_some_and(|goal| known.contains_key(&goal)) {
        let mut next: BTreeMap<u64, Chosen> = BTreeMap::new();
        for (before, (mask, rank)) in last.iter().flat_map(|m| elements.iter().map(move |e| (m, e))) {
            let union = before | mask;
            if !known.contains_key(&union) {
                let new = known[before].with(rank);
                match next.get_mut(&union) {
                    Some(best) if *best <= new => {}
                    Some(best) => *best = new,
                    None => drop(next.insert(union, new)),
                }
            }
        }
        if known.len() + next.len() > MAX_UNIONS {
            return None;
        }
        last = next.keys().copied().collect();
        known.extend(next);
    }
    Some(known)
}

/// Elements that together have all the required bits: always the one that adds most, then the first.
fn greedy(elements: &BTreeMap<u64, Rank>, required: u64) -> BTreeSet<Rank> {
    let (mut open, mut out) = (required, BTreeSet::new());
    while open != 0 {
        let adds = |mask: &u64| (mask & open).count_ones();
        let best =
            elements.iter().max_by_key(|(mask, rank)| (adds(mask), std::cmp::Reverse((*rank).clone())));
        let Some((mask, rank)) = best.filter(|(mask, _)| adds(mask) > 0) else { break };
        out.insert(rank.clone());
        open &= !mask;
    }
    out
}
