//! Linear sums within boxes: `least ≤ Σ coefficient · fact ≤ greatest` over the integers.
//!
//! Two kinds of systems need no solver, and most are of one of them. Where all sums pull each fact in one direction,
//! the corner at which all facts go as far as they can is the best for all sums at once. And what one sum of facts
//! with coefficients 1 and -1 takes as values, each fact within one stretch, is a stretch without holes. In both
//! cases the facts can be fixed one after the other, by what the remaining ones can still make up for.

use std::collections::{BTreeMap, BTreeSet};

use num_integer::{Integer as _, div_ceil, div_floor};
use ordain_ir::{CompareOp, FactName};

use crate::Answer;

/// Sorted, disjoint, inclusive stretches of numbers.
pub(crate) type Stretches = [(i64, i64)];

/// `least ≤ Σ coefficient · fact ≤ greatest`. The coefficients have no common divisor and the first is positive, so
/// that sums which say something about the same thing have equal terms.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sum {
    terms: Vec<(FactName, i128)>,
    least: Option<i128>,
    greatest: Option<i128>,
}

impl Sum {
    /// What `Σ coefficient · fact  op  bound` says, as alternatives: none, one, or two for `!=`.
    pub(crate) fn of(terms: &[(FactName, i64)], op: CompareOp, bound: i64) -> Vec<Self> {
        let divisor = terms.iter().fold(0_i128, |all, (_, c)| all.gcd(&i128::from(*c))).max(1);
        let flipped = terms.first().is_some_and(|(_, c)| *c < 0);
        let sign = if flipped { -1 } else { 1 };
        let op = if flipped { op.mirrored() } else { op };
        let bound = sign * i128::from(bound);
        let (floor, ceiling) = (div_floor(bound, divisor), div_ceil(bound, divisor));
        let terms: Vec<_> =
            terms.iter().map(|(fact, c)| (fact.clone(), sign * i128::from(*c) / divisor)).collect();
        let within = |least, greatest| Self { terms: terms.clone(), least, greatest };
        match op {
            CompareOp::Less => vec![within(None, Some(ceiling - 1))],
            CompareOp::LessEqual => vec![within(None, Some(floor))],
            CompareOp::Greater => vec![within(Some(floor + 1), None)],
            CompareOp::GreaterEqual => vec![within(Some(ceiling), None)],
            CompareOp::Equal if floor == ceiling => vec![within(Some(floor), Some(floor))],
            CompareOp::Equal => vec![],
            CompareOp::NotEqual if floor == ceiling => {
                vec![within(None, Some(floor - 1)), within(Some(floor + 1), None)]
            }
            CompareOp::NotEqual => vec![within(None, None)],
        }
    }

    /// The facts that it adds up.
    pub(crate) fn facts(&self) -> impl Iterator<Item = &FactName> {
        self.terms.iter().map(|(fact, _)| fact)
    }

    /// Adds it to a conjunction that has one sum for each row of terms. False if that is plainly impossible.
    pub(crate) fn join(self, all: &mut Vec<Self>) -> bool {
        match all.binary_search_by(|known| known.terms.cmp(&self.terms)) {
            Err(place) => {
                all.insert(place, self);
                true
            }
            Ok(place) => {
                let known = &mut all[place];
                known.least = known.least.max(self.least);
                known.greatest = match (known.greatest, self.greatest) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                };
                !matches!((known.least, known.greatest), (Some(least), Some(greatest)) if least > greatest)
            }
        }
    }
}

/// The stretches of each fact.
type Domains<'d> = BTreeMap<&'d FactName, &'d Stretches>;

/// One side of a sum: `least ≤ Σ coefficient · fact`.
struct Side<'s> {
    terms: Vec<(&'s FactName, i128)>,
    least: i128,
}

/// Whether values exist that fulfil all sums, each fact within its stretches, with the canonical ones: by name, each
/// of the smallest magnitude (the positive of two) that those before it leave. No stretch is empty. Undecided is what
/// is of neither kind.
pub(crate) fn solve<'d>(
    sums: &'d [Sum],
    stretches: impl Fn(&FactName) -> &'d Stretches,
) -> Answer<BTreeMap<&'d FactName, i64>> {
    let mut domains = Domains::new();
    for fact in sums.iter().flat_map(Sum::facts) {
        domains.insert(fact, stretches(fact));
    }
    let mut left = vec![];
    for sum in sums {
        let (low, high) = range(sum.terms.iter().map(|(fact, c)| (fact, *c)), &domains);
        if sum.least.is_some_and(|least| high < least) || sum.greatest.is_some_and(|most| low > most) {
            return Answer::No;
        }
        let least = sum.least.filter(|least| low < *least);
        let greatest = sum.greatest.filter(|greatest| high > *greatest);
        left.push((sum, least, greatest));
    }
    let mut values = BTreeMap::new();
    let mut open = false;
    let mut done: BTreeSet<&FactName> = BTreeSet::new();
    for fact in domains.keys().copied() {
        if done.contains(fact) {
            continue;
        }
        let (facts, own) = connected(fact, &left);
        done.extend(&facts);
        match one_system(&facts, &own, &domains) {
            Some(found) => values.extend(found),
            None => open = true,
        }
    }
    if open { Answer::Undecided } else { Answer::Yes(values) }
}

/// A sum with what its facts' stretches alone don't guarantee.
type Open<'d> = (&'d Sum, Option<i128>, Option<i128>);

/// The facts that hang together with this one through sums that still say something, and those sums.
fn connected<'d>(start: &'d FactName, sums: &[Open<'d>]) -> (BTreeSet<&'d FactName>, Vec<Open<'d>>) {
    let mut facts = BTreeSet::from([start]);
    let mut own: Vec<Open<'d>> = vec![];
    let mut rest: Vec<Open<'d>> =
        sums.iter().filter(|(_, least, greatest)| least.is_some() || greatest.is_some()).copied().collect();
    loop {
        let touches = |(sum, ..): &Open<'d>| sum.facts().any(|fact| facts.contains(fact));
        let (near, far): (Vec<_>, Vec<_>) = rest.into_iter().partition(touches);
        if near.is_empty() {
            return (facts, own);
        }
        facts.extend(near.iter().flat_map(|(sum, ..)| sum.facts()));
        own.extend(near);
        rest = far;
    }
}

/// The canonical values of facts that hang together. Each sum alone can be fulfilled; `None` where that doesn't tell
/// whether all can.
fn one_system<'d>(
    facts: &BTreeSet<&'d FactName>,
    sums: &[Open<'d>],
    domains: &Domains<'d>,
) -> Option<BTreeMap<&'d FactName, i64>> {
    if let [(sum, Some(least), Some(greatest))] = sums {
        let plain = sum.terms.iter().all(|(fact, c)| c.abs() == 1 && domains[fact].len() == 1);
        return plain.then(|| between(sum, *least, *greatest, domains));
    }
    let mut sides = vec![];
    for (sum, least, greatest) in sums {
        match (least, greatest) {
            (Some(least), None) => {
                let terms = sum.terms.iter().map(|(fact, c)| (fact, *c)).collect();
                sides.push(Side { terms, least: *least });
            }
            (None, Some(greatest)) => {
                let terms = sum.terms.iter().map(|(fact, c)| (fact, -*c)).collect();
                sides.push(Side { terms, least: -*greatest });
            }
            _ => return None,
        }
    }
    let mut directions: BTreeMap<&FactName, bool> = BTreeMap::new();
    for (fact, c) in sides.iter().flat_map(|side| &side.terms) {
        if *directions.entry(fact).or_insert(*c > 0) != (*c > 0) {
            return None;
        }
    }
    Some(at_least(facts, &sides, domains))
}

/// The values where every sum pulls each fact in one direction.
fn at_least<'d>(
    facts: &BTreeSet<&'d FactName>,
    sides: &[Side<'_>],
    domains: &Domains<'d>,
) -> BTreeMap<&'d FactName, i64> {
    let mut values: BTreeMap<&FactName, i64> = BTreeMap::new();
    for fact in facts.iter().copied() {
        let (mut from, mut to) = (i128::from(i64::MIN), i128::from(i64::MAX));
        for side in sides {
            let Some((_, c)) = side.terms.iter().find(|(other, _)| *other == fact) else { continue };
            let others = side.terms.iter().filter(|(other, _)| *other != fact);
            let fixed = |other: &FactName| values.get(other).copied();
            let rest: i128 = others.map(|(other, c)| best(*c, fixed(other), domains[other])).sum();
            // `c · x ≥ least - rest`
            if *c > 0 {
                from = from.max(div_ceil(side.least - rest, *c));
            } else {
                to = to.min(div_floor(rest - side.least, -c));
            }
        }
        let value = nearest_to_zero(domains[fact], from, to);
        values.insert(fact, value.expect("the facts before this one left it a value"));
    }
    values
}

/// The values of one sum between two bounds, of facts with coefficients 1 and -1 and one stretch each.
fn between<'d>(
    sum: &'d Sum,
    least: i128,
    greatest: i128,
    domains: &Domains<'d>,
) -> BTreeMap<&'d FactName, i64> {
    let mut values: BTreeMap<&FactName, i64> = BTreeMap::new();
    for (fact, c) in &sum.terms {
        let others = sum.terms.iter().filter(|(other, _)| other != fact);
        let (mut low, mut high) = (0, 0);
        for (other, c) in others {
            let fixed = values.get(other).copied();
            high += best(*c, fixed, domains[other]);
            low -= best(-*c, fixed, domains[other]);
        }
        // `least - high ≤ c · x ≤ greatest - low`
        let (from, to) = if *c > 0 { (least - high, greatest - low) } else { (low - greatest, high - least) };
        let value = nearest_to_zero(domains[fact], from, to);
        values.insert(fact, value.expect("the facts before this one left it a value"));
    }
    values
}

/// The greatest value of a term.
fn best(c: i128, fixed: Option<i64>, stretches: &Stretches) -> i128 {
    let end = if c > 0 { stretches.last().map(|part| part.1) } else { stretches.first().map(|part| part.0) };
    c * i128::from(fixed.or(end).unwrap_or(0))
}

/// The least and the greatest value of a sum.
fn range<'s>(terms: impl Iterator<Item = (&'s FactName, i128)>, domains: &Domains<'_>) -> (i128, i128) {
    terms.fold((0, 0), |(low, high), (fact, c)| {
        (low - best(-c, None, domains[fact]), high + best(c, None, domains[fact]))
    })
}

fn nearest_to_zero(stretches: &Stretches, from: i128, to: i128) -> Option<i64> {
    let parts = stretches.iter().filter_map(|(least, greatest)| {
        let (least, greatest) = (i128::from(*least).max(from), i128::from(*greatest).min(to));
        (least <= greatest).then(|| 0.clamp(least, greatest))
    });
    parts.min_by_key(|n| (n.unsigned_abs(), *n < 0)).and_then(|n| i64::try_from(n).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Row = (Vec<(FactName, i64)>, CompareOp, i64);

    fn name(at: usize) -> FactName {
        FactName::from(["a", "b", "c"][at])
    }

    proptest! {
        /// Against every valuation of three facts.
        #[test]
        fn agrees_with_enumeration(
            stretches in prop::array::uniform3(prop_oneof![
                (-4_i64..3, 0_i64..4).prop_map(|(from, width)| vec![(from, from + width)]),
                (-4_i64..0, 2_i64..5).prop_map(|(a, b)| vec![(a, a), (b, b)]),
            ]),
            sums in prop::collection::vec(
                (prop::array::uniform3(-2_i64..=2), prop::sample::select(CompareOp::ALL.to_vec()), -6_i64..7),
                1..4,
            ),
        ) {
            let rows: Vec<Row> = sums
                .into_iter()
                .map(|(cs, op, bound)| ((0..3).filter(|at| cs[*at] != 0).map(|at| (name(at), cs[at])).collect(), op, bound))
                .filter(|(terms, ..): &(Vec<_>, _, _)| !terms.is_empty())
                .collect();
            let read: BTreeSet<FactName> = rows.iter().flat_map(|(terms, ..)| terms.iter().map(|t| t.0.clone())).collect();
            let values = |at: usize| -> Vec<i64> {
                if !read.contains(&name(at)) {
                    return vec![0];
                }
                let mut all: Vec<i64> = stretches[at].iter().flat_map(|(a, b)| *a..=*b).collect();
                all.sort_by_key(|n| (n.abs(), *n < 0));
                all
            };
            let holds = |x: &[i64; 3]| rows.iter().all(|(terms, op, bound)| {
                let sum: i64 = terms.iter().map(|(fact, c)| c * x[(0..3).find(|at| name(*at) == *fact).unwrap()]).sum();
                op.holds(&sum, bound)
            });
            // In the canonical order, so the first is the canonical one.
            let mut first = None;
            'search: for a in values(0) { for b in values(1) { for c in values(2) {
                if holds(&[a, b, c]) { first = Some([a, b, c]); break 'search; }
            } } }
            // Every choice of alternatives of `!=`.
            let mut choices: Vec<Vec<Sum>> = vec![vec![]];
            for (terms, op, bound) in &rows {
                let mut next = vec![];
                for sum in Sum::of(terms, *op, *bound) {
                    for known in &choices {
                        let mut known = known.clone();
                        if sum.clone().join(&mut known) {
                            next.push(known);
                        }
                    }
                }
                choices = next;
            }
            let stretch_of = |fact: &FactName| &*stretches[(0..3).find(|at| name(*at) == *fact).unwrap()];
            let single = choices.len() == 1;
            let mut open = false;
            let mut found = false;
            for sums in &choices {
                match solve(sums, stretch_of) {
                    Answer::No => {}
                    Answer::Undecided => open = true,
                    Answer::Yes(values) => {
                        found = true;
                        let x = [0, 1, 2].map(|at| values.get(&name(at)).copied().unwrap_or(0));
                        prop_assert!(holds(&x), "{x:?}");
                        let within = |at: usize| stretches[at].iter().any(|(a, b)| (*a..=*b).contains(&x[at]));
                        prop_assert!((0..3).all(|at| !read.contains(&name(at)) || within(at)));
                        prop_assert!(!single || Some(x) == first, "{x:?} is not {first:?}");
                    }
                }
            }
            prop_assert!(!found || first.is_some());
            prop_assert!(found || open || first.is_none(), "missed {first:?}");
        }
    }

    #[test]
    fn what_two_rules_say_about_tokens_needs_no_solver() {
        let terms = [(name(0), 1), (name(1), 1)];
        let both = |low: i64, high: i64| {
            let mut all = vec![];
            let possible = Sum::of(&terms, CompareOp::Greater, low).remove(0).join(&mut all)
                && Sum::of(&terms, CompareOp::Less, high).remove(0).join(&mut all);
            possible.then_some(all)
        };
        let all = both(10, 12).unwrap();
        let domain: Vec<(i64, i64)> = vec![(0, 8)];
        let found = solve(&all, |_| &domain);
        assert_eq!(found, Answer::Yes([(&name(0), 3), (&name(1), 8)].into()));
        assert_eq!(both(10, 11), None);
        let short: Vec<(i64, i64)> = vec![(0, 5)];
        assert_eq!(solve(&all, |_| &short), Answer::No);
    }
}
