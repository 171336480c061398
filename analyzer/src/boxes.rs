//! Conditions as unions of boxes: one independent constraint per fact, and linear sums of several. Decides every
//! condition whose atoms read one fact each, and most of those with sums; what is left goes to the solver.
//!
//! Each condition is taken apart once. A question about several conditions looks for a box of each that meet, one
//! after the other in their order, so most questions are answered by the first boxes.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_ir::{CompareOp, Condition, ElementTest, Fact, FactName, TextTest, Type, Value};

use crate::strings::Strings;
use crate::sums::{self, Sum};
use crate::{Answer, sets};

/// Values by fact: what a condition is true of. Optional facts that it doesn't name are absent.
pub type Valuation = BTreeMap<FactName, Value>;

/// The facts that conditions may read.
pub type Facts = BTreeMap<FactName, Fact>;

/// Most boxes of one union.
const MAX_BOXES: usize = 512;
/// Most joint boxes that one question looks at.
const MAX_STEPS: usize = 4_096;
/// Unions of which fewer joint ones are looked at.
const MANY: usize = 8;

/// What a box says about one fact. `values` restricts the fact only if it is there, which is exactly what the
/// negation of an atom on an optional fact means.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Constraint {
    present: Option<bool>,
    values: Values,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Values {
    /// Bit 0: false is possible; bit 1: true is.
    Bool(u8),
    /// Sorted, disjoint, inclusive.
    Number(Vec<(i64, i64)>),
    /// Numbers of the declared words.
    Words(BTreeSet<usize>),
    /// Tests with the outcome wanted; sorted, without repetition.
    Text(Vec<(TextTest, bool)>),
    /// Tests with whether some element passes.
    Set(BTreeSet<(ElementTest, bool)>),
}

/// A conjunction of constraints, none of them plainly impossible.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cube {
    /// By fact.
    facts: Vec<(FactName, Arc<Constraint>)>,
    /// By terms; their facts are present and have a constraint.
    sums: Vec<Sum>,
}

impl Constraint {
    fn any(fact: &Fact) -> Self {
        let values = match &fact.ty {
            Type::Bool => Values::Bool(0b11),
            Type::Enum { variants } => Values::Words((0..variants.len()).collect()),
            Type::String => Values::Text(vec![]),
            Type::Set { .. } => Values::Set(BTreeSet::new()),
            Type::Int | Type::Decimal { .. } | Type::Money { .. } | Type::Duration => {
                let (least, greatest) = fact.bounds();
                Values::Number(if least <= greatest { vec![(least, greatest)] } else { vec![] })
            }
        };
        Self { present: (!fact.optional).then_some(true), values }
    }

    /// Both at once; `None` if that is plainly impossible.
    fn and(&self, other: &Self) -> Option<Self> {
        let values = match (&self.values, &other.values) {
            (Values::Bool(a), Values::Bool(b)) => Values::Bool(a & b),
            (Values::Number(a), Values::Number(b)) => Values::Number(
                a.iter()
                    .flat_map(|x| b.iter().map(|y| (x.0.max(y.0), x.1.min(y.1))))
                    .filter(|(least, greatest)| least <= greatest)
                    .collect(),
            ),
            (Values::Words(a), Values::Words(b)) => Values::Words(a & b),
            (Values::Text(a), Values::Text(b)) => {
                let mut both = [&**a, &**b].concat();
                both.sort_unstable();
                both.dedup();
                Values::Text(both)
            }
            (Values::Set(a), Values::Set(b)) => Values::Set(a | b),
            // Facts have one type in a workspace.
            _ => return None,
        };
        let present = match (self.present, other.present) {
            (Some(a), Some(b)) if a != b => return None,
            (a, b) => a.or(b),
        };
        let out = Self { present, values };
        (present != Some(true) || !out.plainly_empty()).then_some(out)
    }

    fn plainly_empty(&self) -> bool {
        match &self.values {
            Values::Bool(bits) => *bits == 0,
            Values::Number(parts) => parts.is_empty(),
            Values::Words(words) => words.is_empty(),
            // A test that should fail stands just before the same one that should pass.
            Values::Text(tests) => tests.windows(2).any(|pair| pair[0].0 == pair[1].0),
            Values::Set(tests) => {
                tests.iter().any(|(test, wanted)| *wanted && tests.contains(&(test.clone(), false)))
            }
        }
    }

    /// The canonical value: absent where possible, else the smallest magnitude (the positive of two), false,
    /// the first word, the shortest text, the smallest set.
    fn value(&self, fact: &Fact, strings: &Strings) -> Answer<Option<Value>> {
        if self.present != Some(true) {
            return Answer::Yes(None);
        }
        let some = |value: Option<Value>| value.map_or(Answer::No, |value| Answer::Yes(Some(value)));
        match &self.values {
            Values::Bool(bits) => some((*bits != 0).then_some(Value::Bool(bits & 1 == 0))),
            Values::Number(parts) => {
                let nearest = parts.iter().map(|(least, greatest)| 0.clamp(*least, *greatest));
                some(nearest.min_by_key(|n| (n.unsigned_abs(), *n < 0)).map(Value::Number))
            }
            Values::Words(words) => some(words.first().map(|word| word_value(fact, *word))),
            Values::Text(tests) => strings.witness(tests).map(|text| Some(Value::Text(text))),
            Values::Set(tests) => sets::witness(fact, tests, strings).map(|set| Some(Value::Set(set))),
        }
    }
}

/// The value for the enum's word with this number.
pub(crate) fn word_value(fact: &Fact, word: usize) -> Value {
    match &fact.ty {
        Type::Enum { variants } => Value::Text(variants[word].clone()),
        _ => Value::Text(String::new()),
    }
}

impl Cube {
    fn of(fact: &Fact, constraint: &Constraint) -> Vec<Self> {
        // A constraint that is impossible on its own gives no box.
        let Some(constraint) = Constraint::any(fact).and(constraint) else { return vec![] };
        vec![Self { facts: vec![(fact.name.clone(), Arc::new(constraint))], sums: vec![] }]
    }

    /// The requests in both; `None` if there are plainly none.
    fn and(&self, other: &Self) -> Option<Self> {
        let mut facts = Vec::with_capacity(self.facts.len() + other.facts.len());
        let (mut mine, mut theirs) = (self.facts.iter().peekable(), other.facts.iter().peekable());
        loop {
            let order = match (mine.peek(), theirs.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((a, _)), Some((b, _))) => a.cmp(b),
            };
            match order {
                Ordering::Less => facts.extend(mine.next().cloned()),
                Ordering::Greater => facts.extend(theirs.next().cloned()),
                Ordering::Equal => {
                    let ((name, a), (_, b)) = mine.next().zip(theirs.next())?;
                    let joint = if a == b { Arc::clone(a) } else { Arc::new(a.and(b)?) };
                    facts.push((name.clone(), joint));
                }
            }
        }
        let mut sums = self.sums.clone();
        other.sums.iter().all(|sum| sum.clone().join(&mut sums)).then_some(Self { facts, sums })
    }

    fn constraint(&self, fact: &FactName) -> Option<&Constraint> {
        let at = self.facts.binary_search_by(|(name, _)| name.cmp(fact)).ok()?;
        Some(&self.facts[at].1)
    }

    /// The canonical valuation of the box.
    fn valuation(&self, facts: &Facts, strings: &Strings) -> Answer<Valuation> {
        let mut out = Valuation::new();
        let mut open = false;
        let summed = |name: &FactName| self.sums.iter().any(|sum| sum.facts().any(|fact| fact == name));
        for (name, constraint) in self.facts.iter().filter(|(name, _)| !summed(name)) {
            let fact = facts.get(name).expect("a box names declared facts");
            match constraint.value(fact, strings) {
                Answer::Yes(value) => out.extend(value.map(|value| (name.clone(), value))),
                Answer::No => return Answer::No,
                Answer::Undecided => open = true,
            }
        }
        if !self.sums.is_empty() {
            let stretches = |name: &FactName| match self.constraint(name).map(|it| &it.values) {
                Some(Values::Number(parts)) => &**parts,
                _ => &[],
            };
            match sums::solve(&self.sums, stretches) {
                Answer::Yes(values) => {
                    out.extend(values.into_iter().map(|(name, n)| (name.clone(), Value::Number(n))));
                }
                Answer::No => return Answer::No,
                Answer::Undecided => open = true,
            }
        }
        if open { Answer::Undecided } else { Answer::Yes(out) }
    }
}

/// The union of boxes of a condition in negation normal form; `None` if there are too many.
pub(crate) fn cubes(condition: &Condition, facts: &Facts) -> Option<Vec<Cube>> {
    match condition {
        Condition::True => Some(vec![Cube::default()]),
        Condition::False => Some(vec![]),
        Condition::Or(parts) => {
            let mut out = vec![];
            for part in parts {
                out.extend(cubes(part, facts)?);
                if out.len() > MAX_BOXES {
                    return None;
                }
            }
            Some(out)
        }
        Condition::And(parts) => {
            let mut out = vec![Cube::default()];
            for part in parts {
                let more = cubes(part, facts)?;
                if out.len() * more.len() > MAX_BOXES {
                    return None;
                }
                out = out.iter().flat_map(|a| more.iter().filter_map(|b| a.and(b))).collect();
            }
            Some(out)
        }
        Condition::Not(atom) => literal(atom, false, facts),
        atom => literal(atom, true, facts),
    }
}

/// The box of an atom or of its negation; `None` for an atom that doesn't fit the declarations.
fn literal(atom: &Condition, positive: bool, facts: &Facts) -> Option<Vec<Cube>> {
    // An atom reads its fact; where that is absent, the atom is false and its negation true.
    let present = positive.then_some(true);
    let cube = |fact: &Fact, values: Values| Cube::of(fact, &Constraint { present, values });
    match atom {
        Condition::Has(name) => {
            let fact = facts.get(name)?;
            if !fact.optional {
                return Some(if positive { vec![Cube::default()] } else { vec![] });
            }
            let values = Constraint::any(fact).values;
            Some(Cube::of(fact, &Constraint { present: Some(positive), values }))
        }
        Condition::Fact(name) => {
            Some(cube(facts.get(name)?, Values::Bool(if positive { 0b10 } else { 0b01 })))
        }
        Condition::OneOf { fact: name, words } => {
            let fact = facts.get(name)?;
            let Type::Enum { variants } = &fact.ty else { return None };
            let chosen = (0..variants.len()).filter(|i| words.contains(&variants[*i]) == positive);
            Some(cube(fact, Values::Words(chosen.collect())))
        }
        Condition::Text { fact: name, test } => {
            Some(cube(facts.get(name)?, Values::Text(vec![(test.clone(), positive)])))
        }
        Condition::Any { fact: name, test } => {
            Some(cube(facts.get(name)?, Values::Set([(test.clone(), positive)].into())))
        }
        Condition::Compare { terms, op, bound } => match &**terms {
            [(name, coefficient)] => {
                let op = if positive { *op } else { op.negated() };
                Some(cube(facts.get(name)?, Values::Number(solutions(*coefficient, op, *bound))))
            }
            _ => sum(terms, if positive { *op } else { op.negated() }, *bound, positive, facts),
        },
        Condition::True | Condition::False | Condition::Not(_) | Condition::And(_) | Condition::Or(_) => None,
    }
}

/// The boxes of a sum over several facts. Where an optional one is absent, the atom is false and its negation true.
fn sum(
    terms: &[(FactName, i64)],
    op: CompareOp,
    bound: i64,
    positive: bool,
    facts: &Facts,
) -> Option<Vec<Cube>> {
    let declared = terms.iter().map(|(name, _)| facts.get(name)).collect::<Option<Vec<_>>>()?;
    let mut out = vec![];
    for fact in declared.iter().filter(|fact| fact.optional && !positive) {
        let values = Constraint::any(fact).values;
        out.extend(Cube::of(fact, &Constraint { present: Some(false), values }));
    }
    let mut all = Cube::default();
    for fact in &declared {
        let present = Constraint { present: Some(true), values: Constraint::any(fact).values };
        match Cube::of(fact, &present).pop().and_then(|cube| all.and(&cube)) {
            Some(more) => all = more,
            None => return Some(out),
        }
    }
    let sums = Sum::of(terms, op, bound).into_iter();
    out.extend(sums.map(|sum| Cube { facts: all.facts.clone(), sums: vec![sum] }));
    Some(out)
}

/// The 64-bit integers `x` with `coefficient * x  op  bound`. The coefficient is not zero.
fn solutions(coefficient: i64, op: CompareOp, bound: i64) -> Vec<(i64, i64)> {
    let (c, b) = (i128::from(coefficient), i128::from(bound));
    // Flip to a positive coefficient; an inequality turns round.
    let (c, b, op) = if c < 0 { (-c, -b, op.mirrored()) } else { (c, b, op) };
    let (floor, ceiling) = (b.div_euclid(c), -(-b).div_euclid(c));
    let (least, greatest) = (i128::from(i64::MIN), i128::from(i64::MAX));
    let parts: Vec<(i128, i128)> = match op {
        CompareOp::Less => vec![(least, ceiling - 1)],
        CompareOp::LessEqual => vec![(least, floor)],
        CompareOp::Greater => vec![(floor + 1, greatest)],
        CompareOp::GreaterEqual => vec![(ceiling, greatest)],
        CompareOp::Equal if floor == ceiling => vec![(floor, floor)],
        CompareOp::Equal => vec![],
        CompareOp::NotEqual if floor == ceiling => vec![(least, floor - 1), (floor + 1, greatest)],
        CompareOp::NotEqual => vec![(least, greatest)],
    };
    parts
        .into_iter()
        .filter_map(|(from, to)| {
            let (from, to) = (from.max(least), to.min(greatest));
            let narrow = |n: i128| i64::try_from(n).expect("clamped to 64 bits");
            (from <= to).then(|| (narrow(from), narrow(to)))
        })
        .collect()
}

/// Whether a condition in negation normal form can be true, with the canonical valuation of its first box that
/// is not empty.
pub fn satisfiable(condition: &Condition, facts: &Facts, strings: &Strings) -> Answer<Valuation> {
    cubes(condition, facts).map_or(Answer::Undecided, |cubes| meet(&[&cubes], facts, strings))
}

/// Whether boxes of all these unions have a point in common, with the canonical valuation of the first that do, in
/// the order of the unions and of the boxes in them.
pub(crate) fn meet(unions: &[&[Cube]], facts: &Facts, strings: &Strings) -> Answer<Valuation> {
    // Many unions that have not met soon won't meet late either; the solver looks further.
    let most = if unions.len() > MANY { MAX_STEPS / 8 } else { MAX_STEPS };
    let mut search = Search { facts, strings, open: false, steps: 0, most };
    match search.descend(&Cube::default(), unions) {
        Some(found) => Answer::Yes(found),
        None if search.open => Answer::Undecided,
        None => Answer::No,
    }
}

struct Search<'a> {
    facts: &'a Facts,
    strings: &'a Strings,
    open: bool,
    steps: usize,
    most: usize,
}

impl Search<'_> {
    fn descend(&mut self, within: &Cube, unions: &[&[Cube]]) -> Option<Valuation> {
        let Some((first, rest)) = unions.split_first() else {
            return match within.valuation(self.facts, self.strings) {
                Answer::Yes(found) => Some(found),
                Answer::No => None,
                Answer::Undecided => {
                    self.open = true;
                    None
                }
            };
        };
        for cube in *first {
            self.steps += 1;
            if self.steps > self.most {
                self.open = true;
                return None;
            }
            if let Some(found) = within.and(cube).and_then(|joint| self.descend(&joint, rest)) {
                return Some(found);
            }
        }
        None
    }
}

/// Gives every required fact of `read` that a valuation leaves open its canonical value.
pub(crate) fn complete<'n>(
    valuation: &mut Valuation,
    read: impl IntoIterator<Item = &'n FactName>,
    facts: &Facts,
    strings: &Strings,
) {
    for name in read {
        if !valuation.contains_key(name)
            && let Some(fact) = facts.get(name).filter(|fact| !fact.optional)
            && let Answer::Yes(Some(value)) = Constraint::any(fact).value(fact, strings)
        {
            valuation.insert(fact.name.clone(), value);
        }
    }
}
