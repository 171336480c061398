//! Which scopes meet, without looking at every pair: a selector that names its tenant, project and agent meets only
//! those on the way from everything down to that agent, and those beneath it.

use std::collections::BTreeSet;

use ordain_ir::{ScopePattern, ScopeSelector};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::Answer;
use crate::scope::{self, Subject};
use crate::strings::Strings;

/// A scope selector that some policy has or had; equal ones have one number.
pub(crate) type SelectorId = u32;
/// A conjunction of selectors, likewise.
pub(crate) type PlaceId = u32;

/// Conjunctions of selectors, and which of them meet. More can be added; what was known of the others stays.
#[derive(Debug, Default)]
pub(crate) struct Places {
    selectors: Vec<ScopeSelector>,
    selector_numbers: FxHashMap<ScopeSelector, SelectorId>,
    /// Sorted by what the selectors say, without repetition.
    conjunctions: Vec<Vec<SelectorId>>,
    numbers: FxHashMap<Vec<SelectorId>, PlaceId>,
    /// The pairs `(a, b)`, `a ≤ b`, that are not proved to be apart, with a common subject if it is known.
    meeting: Vec<((PlaceId, PlaceId), Option<Subject>)>,
    index: FxHashMap<(PlaceId, PlaceId), u32>,
    /// For each place those that it may meet, itself among them, with where `meeting` has the pair.
    near: Vec<Vec<(PlaceId, u32)>>,
    segments: FxHashMap<String, Segment>,
    /// The places of which some pattern names exactly these first segments, and of which some names more.
    naming: FxHashMap<Prefix, Vec<PlaceId>>,
    beneath: FxHashMap<Prefix, Vec<PlaceId>>,
}

/// A segment that some pattern names, by number.
type Segment = u32;

/// The segments that a pattern names, up to the first that it doesn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Prefix {
    length: usize,
    segments: [Segment; 3],
}

impl Prefix {
    /// Its beginnings, the shortest first, without itself.
    fn beginnings(self) -> impl Iterator<Item = Self> {
        (0..self.length).map(move |length| {
            let mut segments = self.segments;
            segments[length..].fill(0);
            Self { length, segments }
        })
    }
}

impl Places {
    /// Takes in these conjunctions, as far as they are new.
    pub(crate) fn add<'s>(
        &mut self,
        conjunctions: impl IntoIterator<Item = Vec<&'s ScopeSelector>>,
        strings: &Strings,
    ) {
        let first = self.place_id();
        for conjunction in conjunctions {
            let ids = self.intern(conjunction);
            if !self.numbers.contains_key(&ids) {
                let place = self.place_id();
                self.conjunctions.push(ids.clone());
                self.numbers.insert(ids, place);
            }
        }
        let pairs = self.candidates(first);
        let meeting = |pair: (PlaceId, PlaceId)| match self.common(pair.0, pair.1, strings) {
            Answer::Yes(subject) => Some((pair, Some(subject))),
            Answer::Undecided => Some((pair, None)),
            Answer::No => None,
        };
        let found: Vec<_> = pairs.into_par_iter().filter_map(meeting).collect();
        self.near.resize(self.conjunctions.len(), vec![]);
        for (pair, subject) in found {
            let at = u32::try_from(self.meeting.len()).expect("fewer than 2^32 pairs fit in memory");
            self.meeting.push((pair, subject));
            self.index.insert(pair, at);
            self.near[pair.0 as usize].push((pair.1, at));
            if pair.0 != pair.1 {
                self.near[pair.1 as usize].push((pair.0, at));
            }
        }
    }

    /// The number of the next place.
    fn place_id(&self) -> PlaceId {
        PlaceId::try_from(self.conjunctions.len()).expect("fewer than 2^32 policies")
    }

    /// How many places were ever added.
    pub(crate) fn len(&self) -> usize {
        self.conjunctions.len()
    }

    fn intern(&mut self, mut conjunction: Vec<&ScopeSelector>) -> Vec<SelectorId> {
        normalise(&mut conjunction);
        let id = |selector: &ScopeSelector| {
            if let Some(known) = self.selector_numbers.get(selector) {
                return *known;
            }
            let next = SelectorId::try_from(self.selectors.len()).expect("fewer than 2^32 policies");
            self.selectors.push(selector.clone());
            self.selector_numbers.insert(selector.clone(), next);
            next
        };
        conjunction.into_iter().map(id).collect()
    }

    /// The number of a conjunction that was added.
    pub(crate) fn number(&self, conjunction: &[&ScopeSelector]) -> PlaceId {
        let mut conjunction = conjunction.to_vec();
        normalise(&mut conjunction);
        let ids: Vec<SelectorId> = conjunction.iter().map(|it| self.selector_numbers[*it]).collect();
        self.numbers[&ids]
    }

    /// The selectors of a place, sorted.
    pub(crate) fn selectors(&self, place: PlaceId) -> Vec<&ScopeSelector> {
        self.conjunctions[place as usize].iter().map(|id| &self.selectors[*id as usize]).collect()
    }

    /// The pairs of places that are not proved to be apart, the lower number first, with a subject that lies in both
    /// if one is known.
    pub(crate) fn meeting(&self) -> &[((PlaceId, PlaceId), Option<Subject>)] {
        &self.meeting
    }

    /// The places that may meet this one, itself among them unless it is empty, with the pair's place in
    /// [`Self::meeting`].
    pub(crate) fn near(&self, place: PlaceId) -> &[(PlaceId, u32)] {
        &self.near[place as usize]
    }

    /// What is common to two places: proved to be nothing, unknown, or the canonical subject.
    pub(crate) fn answer(&self, a: PlaceId, b: PlaceId) -> Answer<&Subject> {
        match self.index.get(&(a.min(b), a.max(b))).map(|at| &self.meeting[*at as usize].1) {
            None => Answer::No,
            Some(None) => Answer::Undecided,
            Some(Some(subject)) => Answer::Yes(subject),
        }
    }

    fn common(&self, a: PlaceId, b: PlaceId, strings: &Strings) -> Answer<Subject> {
        let mut both = self.selectors(a);
        if a != b {
            both.extend(self.selectors(b));
            normalise(&mut both);
        }
        scope::find(&both, &[], strings)
    }

    /// Of the places from `first` on, the pairs with any place that may meet as far as the segments say that they name:
    /// each that begins with the segments of the other. Sorted, without repetition, the lower number first.
    fn candidates(&mut self, first: PlaceId) -> Vec<(PlaceId, PlaceId)> {
        let new: Vec<(PlaceId, BTreeSet<Prefix>)> =
            (first..self.place_id()).map(|place| (place, self.prefixes(place))).collect();
        let mut out: Vec<(PlaceId, PlaceId)> = vec![];
        for (place, prefixes) in &new {
            for prefix in prefixes {
                self.naming.entry(*prefix).or_default().push(*place);
                for beginning in prefix.beginnings() {
                    let beneath = self.beneath.entry(beginning).or_default();
                    if beneath.last() != Some(place) {
                        beneath.push(*place);
                    }
                }
            }
        }
        let pair = |a: PlaceId, b: PlaceId| (a.min(b), a.max(b));
        for (place, prefixes) in &new {
            for prefix in prefixes {
                for beginning in prefix.beginnings().chain([*prefix]) {
                    let above = self.naming.get(&beginning).into_iter().flatten();
                    out.extend(above.map(|other| pair(*place, *other)));
                }
                // Those beneath that are new too find this one from their side.
                let beneath = self.beneath.get(prefix).map_or(&[][..], Vec::as_slice);
                let old = &beneath[..beneath.partition_point(|other| *other < first)];
                out.extend(old.iter().map(|other| pair(*place, *other)));
            }
        }
        out.par_sort_unstable();
        out.dedup();
        out
    }

    /// Every subject of the place begins with one of these rows of segments.
    fn prefixes(&mut self, place: PlaceId) -> BTreeSet<Prefix> {
        let Self { selectors, conjunctions, segments, .. } = self;
        let mut of_one = |id: &SelectorId| -> BTreeSet<Prefix> {
            selectors[*id as usize].include.iter().map(|pattern| prefix(pattern, segments)).collect()
        };
        let least = |prefixes: &BTreeSet<Prefix>| prefixes.iter().map(|prefix| prefix.length).min();
        // Of several selectors the one that says most.
        let all: Vec<BTreeSet<Prefix>> = conjunctions[place as usize].iter().map(&mut of_one).collect();
        all.into_iter().max_by_key(least).unwrap_or_default()
    }
}

/// Sorts selectors by what they say, so that no number matters, and leaves repetitions out.
fn normalise(selectors: &mut Vec<&ScopeSelector>) {
    if selectors.len() > 1 {
        selectors.sort_unstable();
        selectors.dedup();
    }
}

fn prefix(pattern: &ScopePattern, known: &mut FxHashMap<String, Segment>) -> Prefix {
    let mut out = Prefix { length: 0, segments: [0; 3] };
    for glob in [&pattern.tenant, &pattern.project, &pattern.agent] {
        let Some(segment) = glob.as_ref().and_then(|glob| glob.as_literal()) else { break };
        let next = Segment::try_from(known.len() + 1).expect("fewer than 2^32 policies");
        let number = known.get(segment).copied();
        out.segments[out.length] = number.unwrap_or_else(|| *known.entry(segment.to_owned()).or_insert(next));
        out.length += 1;
    }
    out
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
            steps in 1..9_usize,
        ) {
            let strings = Strings::default();
            let all = || conjunctions.iter().map(|it| it.iter().collect::<Vec<_>>());
            // All at once, or by and by.
            let mut places = Places::default();
            for some in conjunctions.chunks(steps) {
                places.add(some.iter().map(|it| it.iter().collect()), &strings);
            }
            for place in 0..places.place_id() {
                let near: BTreeSet<PlaceId> = places.near(place).iter().map(|(other, _)| *other).collect();
                let met = |other: &PlaceId| !places.answer(place, *other).is_no();
                prop_assert_eq!(near, (0..places.place_id()).filter(met).collect::<BTreeSet<_>>());
            }
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
