//! All pairs of one kind, from the cheapest question to the dearest: scopes for pairs of places, windows for pairs of
//! windows, conditions for pairs of conditions, each distinct pair once. What is left is judged and replayed.

use std::collections::BTreeMap;
use std::sync::Arc;

use ordain_ir::{Conflict, PolicyName};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::Answer;
use crate::conditions::{Prepared, Verdict};
use crate::conflict::Judgement;
use crate::domain::{Algebra, AnalyzerError, ConditionsId, Domain, Finding, Point, conditions};
use crate::overrides::Overrides;
use crate::progress::{Stage, Watch};
use crate::solver;

/// Pairs that are decided between two looks at the interrupt.
const CHUNK: usize = 1 << 16;

/// A policy with its domain.
pub(crate) trait Entry: Sync {
    fn name(&self) -> &PolicyName;
    fn domain(&self) -> &Domain;
    /// Whether the two can conflict at all, by their attributes.
    fn comparable(&self, other: &Self) -> bool;
    /// The one conflict of two comparable policies of which none overrides the other, if there is one.
    fn judge(
        &self,
        other: &Self,
        overlap: Finding<Point>,
        algebra: &Algebra<'_>,
    ) -> Result<Judgement, AnalyzerError>;
}

/// What became of the pairs of one kind.
#[derive(Default)]
pub(crate) struct Judged {
    /// Comparable ones of which none overrides the other.
    pub(crate) considered: u64,
    pub(crate) by_solver: u64,
    pub(crate) undecided: u64,
    pub(crate) conflicts: Vec<Conflict>,
}

/// What all kinds of pairs are judged with.
pub(crate) struct Pairs<'a, 'm> {
    pub(crate) algebra: &'m Algebra<'a>,
    pub(crate) overrides: Overrides<'a>,
    pub(crate) pool: &'m rayon::ThreadPool,
    pub(crate) watch: &'m Watch<'m>,
    /// What is known of conjunctions of conditions.
    verdicts: FxHashMap<(ConditionsId, ConditionsId), Arc<Verdict>>,
}

/// A policy and a place: its pairs are those with the policies of that place.
struct Row<'g> {
    entry: usize,
    others: &'g [usize],
    meeting: usize,
}

/// A pair, the lower number first, whose scopes may meet and whose windows do.
struct Candidate {
    pair: (usize, usize),
    meeting: usize,
    at: i64,
}

impl<'a, 'm> Pairs<'a, 'm> {
    pub(crate) fn new(algebra: &'m Algebra<'a>, pool: &'m rayon::ThreadPool, watch: &'m Watch<'m>) -> Self {
        let overrides = Overrides::new(algebra.policies());
        Self { algebra, overrides, pool, watch, verdicts: FxHashMap::default() }
    }

    /// Judges the pairs of a group that is sorted by name; so many of them are comparable.
    pub(crate) fn judge<E: Entry>(
        &mut self,
        group: &[E],
        comparable: u64,
        into: &mut Judged,
    ) -> Result<(), AnalyzerError> {
        into.considered += comparable - self.related(group);
        let mut by_place: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (at, entry) in group.iter().enumerate() {
            by_place.entry(entry.domain().place).or_default().push(at);
        }
        let mut rows = vec![];
        let mut waiting = 0;
        for (meeting, ((a, b), _)) in self.algebra.places.meeting().iter().enumerate() {
            let Some((here, there)) = by_place.get(a).zip(by_place.get(b)) else { continue };
            for (at, entry) in here.iter().enumerate() {
                let others = if a == b { &there[at + 1..] } else { &there[..] };
                for others in others.chunks(CHUNK) {
                    rows.push(Row { entry: *entry, others, meeting });
                    waiting += others.len();
                }
                if waiting >= CHUNK {
                    self.decide(group, &rows, into)?;
                    rows.clear();
                    waiting = 0;
                }
            }
        }
        self.decide(group, &rows, into)
    }

    /// Comparable pairs of the group of which one overrides the other.
    fn related<E: Entry>(&self, group: &[E]) -> u64 {
        let find = |name: &PolicyName| group.binary_search_by(|entry| entry.name().cmp(name)).ok();
        let related = self.overrides.pairs().filter(|(over, under)| {
            let both = find(over).zip(find(under));
            both.is_some_and(|(i, j)| group[i].comparable(&group[j]))
        });
        related.count() as u64
    }

    fn decide<E: Entry>(
        &mut self,
        group: &[E],
        rows: &[Row<'_>],
        into: &mut Judged,
    ) -> Result<(), AnalyzerError> {
        // The watch stays in this thread.
        let Self { algebra, overrides, pool, watch, verdicts } = self;
        let (algebra, overrides) = (*algebra, &*overrides);
        watch.enter(Stage::Windows);
        let candidates: Vec<Candidate> = pool.install(|| {
            rows.par_iter().flat_map_iter(|row| candidates(group, row, overrides, algebra)).collect()
        });

        watch.enter(Stage::Conditions);
        let sets = |candidate: &Candidate| {
            let of = |at: usize| group[at].domain().conditions_id;
            let (a, b) = (of(candidate.pair.0), of(candidate.pair.1));
            (a.min(b), a.max(b))
        };
        let mut asked: BTreeMap<(ConditionsId, ConditionsId), (usize, usize)> = BTreeMap::new();
        for candidate in &candidates {
            let key = sets(candidate);
            if !verdicts.contains_key(&key) {
                asked.entry(key).or_insert(candidate.pair);
            }
        }
        // Sorted by the left side, so that each thread meets its boxes again and again.
        let asked: Vec<_> = asked.into_iter().collect();
        let answers: Vec<_> = pool.install(|| {
            let answer = |((a, b), pair): &((ConditionsId, ConditionsId), (usize, usize))| {
                let (i, j) = *pair;
                let parts: Vec<&Prepared> = conditions(&[group[i].domain(), group[j].domain()]);
                ((*a, *b), algebra.conditions.find(&parts, &[]))
            };
            asked.par_iter().map(answer).collect()
        });
        verdicts.extend(answers);
        let verdicts = &*verdicts;

        watch.enter(Stage::Conflicts);
        let judge = |candidate: &Candidate| {
            let (i, j) = candidate.pair;
            let subject = algebra.places.meeting()[candidate.meeting].1.as_ref();
            let overlap = Finding::joint(subject, candidate.at, &verdicts[&sets(candidate)]);
            if overlap.answer == Answer::No {
                let by_solver = overlap.by_solver;
                return by_solver.then(|| Ok(Judgement { by_solver, ..Judgement::default() }));
            }
            let judgement = group[i].judge(&group[j], overlap, algebra);
            let tells = |it: &Judgement| it.conflict.is_some() || it.by_solver;
            judgement.as_ref().map_or(true, tells).then_some(judgement)
        };
        // Of several errors the first by this order counts, so all are collected.
        let judged: Vec<Result<Judgement, AnalyzerError>> =
            pool.install(|| candidates.par_iter().filter_map(judge).collect());
        for judgement in judged {
            let judgement = judgement?;
            if judgement.by_solver {
                solver::check()?;
            }
            into.undecided += u64::from(judgement.undecided);
            into.by_solver += u64::from(judgement.by_solver && !judgement.undecided);
            into.conflicts.extend(judgement.conflict);
        }
        Ok(())
    }
}

/// The pairs of a row that count and whose windows meet.
fn candidates<'r, E: Entry>(
    group: &'r [E],
    row: &'r Row<'_>,
    overrides: &'r Overrides<'_>,
    algebra: &'r Algebra<'_>,
) -> impl Iterator<Item = Candidate> + 'r {
    let entry = &group[row.entry];
    row.others.iter().filter_map(move |other| {
        let pair = (row.entry.min(*other), row.entry.max(*other));
        let there = &group[*other];
        if !entry.comparable(there) || overrides.relate(entry.name(), there.name()) {
            return None;
        }
        let at = algebra.first_instant(entry.domain(), there.domain())?;
        Some(Candidate { pair, meeting: row.meeting, at })
    })
}
