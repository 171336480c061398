//! All pairs of one kind, from the cheapest question to the dearest: scopes for pairs of places, windows for pairs of
//! windows, conditions for pairs of conditions, each distinct pair once. What is left is judged and replayed.

use std::collections::BTreeMap;
use std::iter;
use std::sync::Arc;

use ordain_engine::PolicyNumber;
use ordain_ir::{Conflict, PolicyName, PolicyRef};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::Answer;
use crate::conditions::{Prepared, Verdict};
use crate::conflict::Judgement;
use crate::domain::{Algebra, AnalyzerError, ConditionsId, Domain, Finding, Replayer, conditions, joint};
use crate::evidence::{Meeting, Memory, Replay};
use crate::overrides::Overrides;
use crate::places::PlaceId;
use crate::progress::{Stage, Watch};
use crate::solver;

/// Pairs that are decided between two looks at the interrupt.
const CHUNK: usize = 1 << 16;

/// A policy with its domain.
pub(crate) trait Entry: Sync {
    fn policy(&self) -> &PolicyRef;
    fn domain(&self) -> &Domain;
    /// Whether the two can conflict at all, by their attributes.
    fn comparable(&self, other: &Self) -> bool;
    /// The one conflict of two comparable policies of which none overrides the other, if there is one.
    fn judge(
        &self,
        other: &Self,
        overlap: Finding<Meeting<'_>>,
        algebra: &Algebra<'_>,
        replay: &mut Replay<'_>,
    ) -> Result<Judgement, AnalyzerError>;
}

/// What became of pairs.
#[derive(Default)]
pub(crate) struct Judged {
    pub(crate) conflicts: Vec<Arc<Conflict>>,
    /// Those that the solver was needed for, or that were left undecided.
    pub(crate) hard: Vec<Hard>,
}

/// A pair that algebra alone didn't decide.
#[derive(Debug)]
pub(crate) struct Hard {
    pub(crate) pair: [PolicyName; 2],
    /// Whether a question stayed open, even with the solver.
    pub(crate) undecided: bool,
}

/// Policies of one kind, sorted by name, and which of them are to be compared with all others.
pub(crate) struct Group<E> {
    pub(crate) entries: Vec<E>,
    /// By entry; the pairs of others are known.
    pub(crate) fresh: Vec<bool>,
}

/// What all kinds of pairs are judged with.
pub(crate) struct Pairs<'a, 'm> {
    pub(crate) algebra: &'m Algebra<'a>,
    pub(crate) overrides: &'m Overrides<'a>,
    pub(crate) pool: &'m rayon::ThreadPool,
    pub(crate) watch: &'m Watch<'m>,
    /// What is known of conjunctions of conditions.
    verdicts: FxHashMap<Question, Arc<Verdict>>,
}

/// Two conjunctions of conditions, the lower number first.
type Question = (ConditionsId, ConditionsId);

/// A policy and a place: its pairs are those with the policies of that place.
struct Row<'g> {
    entry: usize,
    others: &'g [usize],
    meeting: u32,
    /// Whether no other row has these pairs.
    once: bool,
}

/// A pair, the lower number first, whose scopes may meet and whose windows do.
struct Candidate {
    pair: (usize, usize),
    meeting: u32,
    at: i64,
}

impl<'a, 'm> Pairs<'a, 'm> {
    pub(crate) fn new(
        algebra: &'m Algebra<'a>,
        overrides: &'m Overrides<'a>,
        pool: &'m rayon::ThreadPool,
        watch: &'m Watch<'m>,
    ) -> Self {
        Self { algebra, overrides, pool, watch, verdicts: FxHashMap::default() }
    }

    /// Judges the pairs of a group of which at least one is fresh.
    pub(crate) fn judge<E: Entry>(
        &mut self,
        group: &Group<E>,
        into: &mut Judged,
    ) -> Result<(), AnalyzerError> {
        let all_fresh = group.fresh.iter().all(|fresh| *fresh);
        let mut by_place: BTreeMap<PlaceId, Vec<usize>> = BTreeMap::new();
        for (at, entry) in group.entries.iter().enumerate() {
            by_place.entry(entry.domain().place).or_default().push(at);
        }
        let mut rows = vec![];
        let mut waiting = 0;
        // By entry, in the engine of all policies.
        let mut numbers = None;
        for (place, here) in &by_place {
            let here: Vec<(usize, usize)> =
                here.iter().copied().enumerate().filter(|(_, entry)| group.fresh[*entry]).collect();
            if here.is_empty() {
                continue;
            }
            for (other, meeting) in self.algebra.places().near(*place) {
                // Where all are fresh, each pair is met from both sides; else `candidates` leaves one out.
                if all_fresh && other < place {
                    continue;
                }
                let Some(there) = by_place.get(other) else { continue };
                for (at, entry) in &here {
                    let others = if all_fresh && other == place { &there[at + 1..] } else { &there[..] };
                    for others in others.chunks(CHUNK) {
                        rows.push(Row { entry: *entry, others, meeting: *meeting, once: all_fresh });
                        waiting += others.len();
                    }
                    if waiting >= CHUNK {
                        self.decide(group, &rows, &mut numbers, into)?;
                        rows.clear();
                        waiting = 0;
                    }
                }
            }
        }
        self.decide(group, &rows, &mut numbers, into)
    }

    /// Comparable pairs of a group that is sorted by name of which one overrides the other.
    pub(crate) fn related<E: Entry>(group: &[E], overrides: &Overrides<'_>) -> u64 {
        let find = |name: &PolicyName| group.binary_search_by(|entry| entry.policy().name.cmp(name)).ok();
        let related = overrides.pairs().filter(|(over, under)| {
            let both = find(over).zip(find(under));
            both.is_some_and(|(i, j)| group[i].comparable(&group[j]))
        });
        related.count() as u64
    }

    fn decide<E: Entry>(
        &mut self,
        group: &Group<E>,
        rows: &[Row<'_>],
        numbers: &mut Option<Vec<Option<PolicyNumber>>>,
        into: &mut Judged,
    ) -> Result<(), AnalyzerError> {
        // The watch stays in this thread.
        let Self { algebra, overrides, pool, watch, verdicts } = self;
        let (algebra, overrides) = (*algebra, *overrides);
        watch.enter(Stage::Windows);
        let candidates: Vec<Candidate> = pool.install(|| {
            rows.par_iter().flat_map_iter(|row| candidates(group, row, overrides, algebra)).collect()
        });

        let group = &*group.entries;
        watch.enter(Stage::Conditions);
        let sets = |candidate: &Candidate| {
            let of = |at: usize| group[at].domain().conditions_id;
            let (a, b) = (of(candidate.pair.0), of(candidate.pair.1));
            (a.min(b), a.max(b))
        };
        // Sorted by the left side, so that each thread meets its boxes again and again.
        let questions = || candidates.par_iter().enumerate().map(|(at, candidate)| (sets(candidate), at));
        let questions: Vec<(Question, usize)> = pool.install(|| {
            let mut all: Vec<(Question, usize)> = questions().collect();
            all.par_sort_unstable();
            all
        });
        let mut question_of = vec![0_usize; candidates.len()];
        let mut asked: Vec<(Question, usize)> = vec![];
        let mut order = vec![];
        for (question, candidate) in questions {
            order.push(candidate);
            if asked.last().is_none_or(|(last, _)| *last != question) {
                asked.push((question, candidate));
            }
            question_of[candidate] = asked.len() - 1;
        }
        let answer = |(question, candidate): &(Question, usize)| {
            if let Some(known) = verdicts.get(question) {
                return Arc::clone(known);
            }
            let (i, j) = candidates[*candidate].pair;
            let parts: Vec<&Prepared> = conditions(&[group[i].domain(), group[j].domain()]);
            algebra.conditions.find(&parts, &[])
        };
        let answers: Vec<Arc<Verdict>> = pool.install(|| asked.par_iter().map(answer).collect());
        let verdict = |at: usize| &*answers[question_of[at]];

        watch.enter(Stage::Conflicts);
        // What is proved to be apart needs no replay, and is most of it. What meets at the same facts is replayed in a
        // row.
        let meet = order.into_par_iter().filter(|at| verdict(*at).answer != Answer::No);
        let meet: Vec<usize> = pool.install(|| meet.collect());
        let hard = |(i, j): (usize, usize), undecided| Hard {
            pair: [i, j].map(|at| group[at].policy().name.clone()),
            undecided,
        };
        if answers.iter().any(|verdict| verdict.by_solver) {
            for (at, candidate) in candidates.iter().enumerate() {
                let verdict = verdict(at);
                if verdict.by_solver && verdict.answer == Answer::No {
                    solver::check()?;
                    into.hard.push(hard(candidate.pair, false));
                }
            }
        }
        let name = |at: usize| &group[at].policy().name;
        let involved = || {
            let pairs = meet.iter().map(|at| candidates[*at].pair);
            let mut involved: Vec<usize> = pairs.flat_map(|(i, j)| [i, j]).collect();
            involved.sort_unstable();
            involved.dedup();
            involved.into_iter().map(name)
        };
        // The engine of all policies asks for none.
        let engine = algebra.engine_of(iter::once_with(involved).flatten())?;
        let all = || (0..group.len()).map(|at| engine.number_of(name(at))).collect();
        let known = matches!(engine, Replayer::All(_)).then(|| &*numbers.get_or_insert_with(all));
        let number = |at: usize| known.map_or_else(|| engine.number_of(name(at)), |known| known[at]);
        let judge = |memory: &mut Memory, at: &usize| {
            let candidate = &candidates[*at];
            let (i, j) = candidate.pair;
            let subject = algebra.places().meeting()[candidate.meeting as usize].1.as_ref();
            let meeting =
                |subject, facts| Meeting { subject, at: candidate.at, facts, question: question_of[*at] };
            let overlap = joint(subject, verdict(*at), meeting);
            let known = number(i).zip(number(j));
            let (a, b) = known.expect("the engine has all policies that are involved");
            let (names, numbers) = ([name(i), name(j)], [a, b]);
            let policies = algebra.policies();
            let mut replay = Replay { policies, engine: &engine, names, numbers, memory };
            let judgement = group[i].judge(&group[j], overlap, algebra, &mut replay);
            let tells = |it: &Judgement| it.conflict.is_some() || it.by_solver;
            judgement.as_ref().map_or(true, tells).then_some((candidate.pair, judgement))
        };
        // Of several errors the first by this order counts, so all are collected.
        let judged: Vec<((usize, usize), Result<Judgement, AnalyzerError>)> =
            pool.install(|| meet.par_iter().map_init(Memory::default, judge).flatten_iter().collect());
        for (pair, judgement) in judged {
            let judgement = judgement?;
            if judgement.by_solver {
                solver::check()?;
            }
            if judgement.by_solver || judgement.undecided {
                into.hard.push(hard(pair, judgement.undecided));
            }
            into.conflicts.extend(judgement.conflict);
        }
        verdicts.extend(asked.into_iter().map(|(question, _)| question).zip(answers));
        Ok(())
    }
}

/// The pairs of a row that count and whose windows meet.
fn candidates<'r, E: Entry>(
    group: &'r Group<E>,
    row: &'r Row<'_>,
    overrides: &'r Overrides<'_>,
    algebra: &'r Algebra<'_>,
) -> impl Iterator<Item = Candidate> + 'r {
    let entry = &group.entries[row.entry];
    row.others.iter().filter_map(move |other| {
        let pair = (row.entry.min(*other), row.entry.max(*other));
        // Of two fresh ones the second meets the first.
        if group.fresh[*other] && *other <= row.entry && !row.once {
            return None;
        }
        let there = &group.entries[*other];
        if !entry.comparable(there) || overrides.relate(&entry.policy().name, &there.policy().name) {
            return None;
        }
        let at = algebra.first_instant(entry.domain(), there.domain())?;
        Some(Candidate { pair, meeting: row.meeting, at })
    })
}
