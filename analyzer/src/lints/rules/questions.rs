//! Whether no request of a rule fulfils some conditions and none of some others.
//!
//! Such a question is seldom put whole. Requests that earlier questions about the rule came up with are tried first; then
//! one is asked for of which only those conditions must not hold that the requests before have shown to matter. Either
//! there is none: that is a proof, and it serves for all questions that leave out these and more; or one is found that
//! fulfils the whole question.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use ordain_ir::{Condition, FactName};
use rustc_hash::{FxHashMap, FxHashSet};

use super::Search;
use crate::Answer;
use crate::conditions::{Prepared, Verdict};
use crate::domain::AnalyzerError;
use crate::{solver, valuation};

/// Requests that are asked for to settle the claims about a rule; beyond, none is made.
const MAX_ASKED: usize = 4_096;

/// Questions about the requests of one rule.
pub(super) struct Questions<'s, 'a, 'm, 'c> {
    search: &'s Search<'a, 'm, 'c>,
    /// The rule's own condition, unless it always holds.
    own: Option<Arc<Prepared>>,
    /// Requests that may still be asked for.
    left: Cell<usize>,
    /// Whether the solver was asked.
    solved: Cell<bool>,
    terms: RefCell<Terms>,
    points: RefCell<Vec<Point>>,
    proofs: RefCell<Vec<Impossible>>,
}

/// When another rule applies, by number.
pub(super) type TermId = usize;

/// When rules apply beside some of those that silence them.
#[derive(Default)]
struct Terms {
    /// Of rules that nothing silences.
    alone: FxHashMap<usize, TermId>,
    beside: FxHashMap<(usize, Vec<usize>), TermId>,
    /// `None` for one that always applies.
    conditions: Vec<Option<Arc<Prepared>>>,
}

/// Facts that fulfil the rule's own condition, and what is known to apply there, or not to be known.
struct Point {
    facts: Arc<Verdict>,
    applies: FxHashMap<TermId, Option<bool>>,
}

/// No request of the rule fulfils all of `inside` and none of `outside`.
struct Impossible {
    inside: Vec<TermId>,
    outside: Vec<TermId>,
}

/// An answer that is no proved no.
pub(super) struct Refuted;

pub(super) type Proof = Result<(), Refuted>;

impl<'s, 'a, 'm, 'c> Questions<'s, 'a, 'm, 'c> {
    pub(super) fn new(search: &'s Search<'a, 'm, 'c>, rule: usize) -> Self {
        // A rule has one condition; one that always holds is left out.
        let conditions = &search.context.rules.entries[rule].domain.conditions;
        Self {
            search,
            own: conditions.first().map(Arc::clone),
            left: Cell::new(MAX_ASKED),
            solved: Cell::new(false),
            terms: RefCell::default(),
            points: RefCell::default(),
            proofs: RefCell::default(),
        }
    }

    /// Fails if the solver was asked and isn't the right one, so that nothing was decided.
    pub(super) fn check(&self) -> Result<(), AnalyzerError> {
        if self.solved.get() {
            solver::check()?;
        }
        Ok(())
    }

    /// When a rule applies, as long as none of `silencers` is present that silences it.
    pub(super) fn term(&self, at: usize, silencers: &[usize]) -> TermId {
        let book = &self.search.context.rules;
        let silencers = book.silenced_by(at).iter().filter(|other| silencers.binary_search(other).is_ok());
        let silencers: Vec<usize> = silencers.copied().collect();
        let mut terms = self.terms.borrow_mut();
        let Terms { alone, beside, conditions } = &mut *terms;
        let next = conditions.len();
        if silencers.is_empty() {
            return *alone.entry(at).or_insert_with(|| {
                conditions.push(book.entries[at].domain.conditions.first().map(Arc::clone));
                next
            });
        }
        *beside.entry((at, silencers)).or_insert_with_key(|(_, silencers)| {
            let silent = silencers.iter().map(|other| book.entries[*other].rule.condition.clone().negate());
            let own = book.entries[at].rule.condition.clone();
            let condition = Condition::and([own].into_iter().chain(silent));
            conditions.push(Some(Arc::new(self.search.context.algebra.conditions.prepare(&condition))));
            next
        })
    }

    /// Proves that no request of the rule fulfils all of `inside` and none of `outside`.
    pub(super) fn impossible(&self, inside: &[TermId], outside: &[TermId]) -> Proof {
        let terms = self.terms.borrow();
        let condition = |term: &TermId| terms.conditions[*term].as_deref();
        if outside.iter().any(|term| condition(term).is_none()) {
            return Ok(());
        }
        let left_out: FxHashSet<TermId> = outside.iter().copied().collect();
        let mut proofs = self.proofs.borrow_mut();
        let is_case = |known: &Impossible| {
            known.inside.iter().all(|term| inside.contains(term))
                && known.outside.iter().all(|term| left_out.contains(term))
        };
        if proofs.iter().any(is_case) {
            return Ok(());
        }
        let mut points = self.points.borrow_mut();
        let shows = |point: &mut Point| {
            inside.iter().all(|term| self.at(point, *term, &terms) == Some(true))
                && outside.iter().all(|term| self.at(point, *term, &terms) == Some(false))
        };
        if points.iter_mut().any(shows) {
            return Err(Refuted);
        }
        let holding: Vec<&Prepared> =
            self.own.as_deref().into_iter().chain(inside.iter().filter_map(condition)).collect();
        let all = || {
            let mut all: Vec<TermId> = left_out.iter().copied().collect();
            all.sort_unstable();
            all
        };
        let mut failing: Vec<TermId> = vec![];
        loop {
            let Some(left) = self.left.get().checked_sub(1) else { return Err(Refuted) };
            self.left.set(left);
            let outside_of: Vec<&Prepared> = failing.iter().filter_map(condition).collect();
            let verdict = self.search.context.algebra.conditions.find(&holding, &outside_of);
            self.solved.set(self.solved.get() || verdict.by_solver);
            match &verdict.answer {
                Answer::No => {
                    proofs.push(Impossible { inside: inside.to_vec(), outside: failing });
                    return Ok(());
                }
                Answer::Yes(_) => points.push(Point { facts: verdict, applies: FxHashMap::default() }),
                Answer::Undecided if failing.len() < left_out.len() => {
                    failing = all();
                    continue;
                }
                Answer::Undecided => return Err(Refuted),
            }
            let last = points.last_mut().expect("one was just added");
            let mut open = false;
            let stands = |term: &&TermId| {
                let applies = self.at(last, **term, &terms);
                open |= applies.is_none();
                applies == Some(true)
            };
            let against: Vec<TermId> = outside.iter().filter(stands).copied().collect();
            // The one that stands against most of what was found.
            let reach = |term: TermId, points: &mut [Point]| {
                points.iter_mut().filter_map(|point| self.at(point, term, &terms)).filter(|it| *it).count()
            };
            match against.into_iter().max_by_key(|term| (reach(*term, &mut points), std::cmp::Reverse(*term)))
            {
                Some(term) if !failing.contains(&term) => failing.push(term),
                // What can't be evaluated is left to the question as a whole.
                _ if open && failing.len() < left_out.len() => failing = all(),
                _ => return Err(Refuted),
            }
        }
    }

    /// Whether a rule applies at a point; `None` if that can't be told.
    fn at(&self, point: &mut Point, term: TermId, terms: &Terms) -> Option<bool> {
        if let Some(known) = point.applies.get(&term) {
            return *known;
        }
        let applies = match (&terms.conditions[term], &point.facts.answer) {
            (None, _) => Some(true),
            (Some(condition), Answer::Yes(facts)) => {
                let value = |name: &FactName| facts.get(name).or_else(|| self.search.defaults.get(name));
                let strings = &self.search.context.algebra.conditions.memo.strings;
                valuation::holds(condition.condition(), &value, strings)
            }
            _ => None,
        };
        point.applies.insert(term, applies);
        applies
    }
}
