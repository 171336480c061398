//! Which scopes meet, without looking at every pair: a selector that names its tenant, project and agent meets only
//! those on the way from everything down to that agent, and those beneath it.

use std::collections::{BTreeSet, HashMap};

use ordain_ir::{ScopePattern, ScopeSelector};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::Answer;
use crate::scope::{self, Subject};
use crate::strings::Strings;

/// A scope selector of the policies at hand; equal ones have one number.
pub(crate) type SelectorId = u32;
/// A conjunction of selectors, likewise.
pub(crate) type PlaceId = u32;

/// The conjunctions of selectors of the policies at hand.
#[derive(Debug, Default)]
pub(crate) struct Places<'a> {
    selectors: Vec<&'a ScopeSelector>,
    /// Sorted, without repetition.
    conjunctions: Vec<Vec<SelectorId>>,
    numbers: HashMap<Vec<SelectorId>, PlaceId>,
    /// The pairs `(a, b)`, `a ≤ b`, that are not proved to be apart, sorted, with a common subject if it is known.
    meeting: Vec<((PlaceId, PlaceId), Option<Subject>)>,
    index: FxHashMap<(PlaceId, PlaceId), usize>,
}

impl<'a> Places<'a> {
    /// These conjunctions, of any of the selectors, which are sorted and without repetition.
    pub(crate) fn new(
        selectors: Vec<&'a ScopeSelector>,
        conjunctions: impl Iterator<Item = Vec<&'a ScopeSelector>>,
        strings: &Strings,
    ) -> Self {
        let mut out = Self { selectors, ..Self::default() };
        for conjunction in conjunctions {
            let ids = out.ids(&conjunction);
            let next = PlaceId::try_from(out.conjunctions.len()).expect("fewer than 2^32 policies");
            if let std::collections::hash_map::Entry::Vacant(new) = out.numbers.entry(ids) {
                out.conjunctions.push(new.key().clone());
                new.insert(next);
            }
        }
        let meeting = |pair: (PlaceId, PlaceId)| match out.common(pair.0, pair.1, strings) {
            Answer::Yes(subject) => Some((pair, Some(subject))),
            Answer::Undecided => Some((pair, None)),
            Answer::No => None,
        };
        out.meeting = out.candidates().into_par_iter().filter_map(meeting).collect();
        out.index = out.meeting.iter().enumerate().map(|(at, (pair, _))| (*pair, at)).collect();
        out
    }

    fn ids(&self, conjunction: &[&ScopeSelector]) -> Vec<SelectorId> {
        let id = |selector: &&ScopeSelector| {
            let at = self.selectors.binary_search(selector).expect("every selector was collected");
            SelectorId::try_from(at).expect("fewer than 2^32 policies")
        };
        let mut ids: Vec<SelectorId> = conjunction.iter().map(id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The number of a conjunction that it was made with.
    pub(crate) fn number(&self, conjunction: &[&ScopeSelector]) -> PlaceId {
        self.numbers[&self.ids(conjunction)]
    }

    /// The selectors of a place.
    pub(crate) fn selectors(&self, place: PlaceId) -> Vec<&'a ScopeSelector> {
        self.conjunctions[place as usize].iter().map(|id| self.selectors[*id as usize]).collect()
    }

    /// The pairs of places that are not proved to be apart, sorted, the lower number first, with a subject that lies
    /// in both if one is known.
    pub(crate) fn meeting(&self) -> &[((PlaceId, PlaceId), Option<Subject>)] {
        &self.meeting
    }

    /// What is common to two places: proved to be nothing, unknown, or the canonical subject.
    pub(crate) fn answer(&self, a: PlaceId, b: PlaceId) -> Answer<&Subject> {
        match self.index.get(&(a.min(b), a.max(b))).map(|at| &self.meeting[*at].1) {
            None => Answer::No,
            Some(None) => Answer::Undecided,
            Some(Some(subject)) => Answer::Yes(subject),
        }
    }

    fn common(&self, a: PlaceId, b: PlaceId, strings: &Strings) -> Answer<Subject> {
        let mut ids = [&*self.conjunctions[a as usize], &*self.conjunctions[b as usize]].concat();
        ids.sort_unstable();
        ids.dedup();
        let selectors: Vec<_> = ids.into_iter().map(|id| self.selectors[id as usize]).collect();
        scope::find(&selectors, &[], strings)
    }

    /// The pairs that may meet as far as the segments say that they name: each that begins with the segments of the
    /// other. Sorted, without repetition, the lower number first.
    fn candidates(&self) -> Vec<(PlaceId, PlaceId)> {
        let named: Vec<BTreeSet<Vec<&str>>> =
            self.conjunctions.iter().map(|place| self.prefixes(place)).collect();
        let numbered = || (0..).zip(&named);
        let mut beneath: HashMap<&[&str], Vec<PlaceId>> = HashMap::new();
        for (place, prefixes) in numbered() {
            for prefix in prefixes {
                beneath.entry(prefix).or_default().push(place);
            }
        }
        let mut out: Vec<(PlaceId, PlaceId)> = vec![];
        for (place, prefixes) in numbered() {
            for prefix in prefixes {
                for depth in 0..=prefix.len() {
                    let others = beneath.get(&prefix[..depth]).into_iter().flatten();
                    out.extend(others.map(|other: &PlaceId| (place.min(*other), place.max(*other))));
                }
            }
        }
        out.par_sort_unstable();
        out.dedup();
        out
    }

    /// Every subject of the place begins with one of these rows of segments.
    fn prefixes(&self, place: &[SelectorId]) -> BTreeSet<Vec<&'a str>> {
        let of_one = |id: &SelectorId| -> BTreeSet<Vec<&'a str>> {
            self.selectors[*id as usize].include.iter().map(prefix).collect()
        };
        let least = |prefixes: &BTreeSet<Vec<&str>>| prefixes.iter().map(Vec::len).min();
        // Of several selectors the one that says most.
        place.iter().map(of_one).max_by_key(least).unwrap_or_default()
    }
}

/// The segments that a pattern names, up to the first that it doesn't.
fn prefix(pattern: &ScopePattern) -> Vec<&str> {
    let segments = [&pattern.tenant, &pattern.project, &pattern.agent];
    segments.into_iter().map_while(|glob| glob.as_ref()?.as_literal()).collect()
}

#[cfg(test)]
mod tests {
    use ordain_ir::Glob;
    use proptest::prelude::*;

    use super::*;

    fn pattern() -> impl Strategy<Value = ScopePattern> {
        let glob = || {
            prop::sample::select(vec![None, Some("a"), Some("b"), Some("a*"), Some("*")])
                .prop_map(|text| text.map(|text| Glob::parse(text).unwrap()))
        };
        (glob(), glob(), glob(), prop::option::weighted(0.2, Just(Glob::literal("p"))))
            .prop_map(|(tenant, project, agent, provider)| ScopePattern { tenant, project, agent, provider })
    }

    fn selector() -> impl Strategy<Value = ScopeSelector> {
        (prop::collection::vec(pattern(), 1..3), prop::collection::vec(pattern(), 0..2))
            .prop_map(|(include, except)| ScopeSelector::new(include, except))
    }

    proptest! {
        /// No pair is lost, and each has the answer of the algebra.
        #[test]
        fn all_pairs_that_meet_are_found(
            conjunctions in prop::collection::vec(prop::collection::vec(selector(), 1..3), 1..9),
        ) {
            let strings = Strings::default();
            let selectors: BTreeSet<&ScopeSelector> = conjunctions.iter().flatten().collect();
            let all = || conjunctions.iter().map(|it| it.iter().collect::<Vec<_>>());
            let places = Places::new(selectors.into_iter().collect(), all(), &strings);
            for a in all() {
                for b in all() {
                    let both = [&*a, &*b].concat();
                    let answer = places.answer(places.number(&a), places.number(&b));
                    let expected = scope::find(&both, &[], &strings);
                    prop_assert_eq!(answer.is_yes(), expected.is_yes());
                    prop_assert_eq!(answer.is_no(), expected.is_no());
                    if let Answer::Yes(subject) = answer {
                        prop_assert!(both.iter().all(|it| it.contains(&subject.path, subject.provider.as_deref())));
                    }
                }
            }
        }
    }
}
