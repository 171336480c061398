//! What is wrong with a rule, cell by cell: of the requests of one cell a fixed set of other rules may be present.
//!
//! A rule that silences no other decides alone how its priority speaks: its concern says something else without it
//! exactly if none of a higher priority applies, none of its own priority is as strict, and either a milder one of its
//! own priority applies, or what the lower priorities say together is not the rule's own mode. The last is so if of the
//! highest of them that says anything one is stricter, or all are milder; or if none says anything.
//!
//! Beside a rule that silences others, the strictest of the highest priority of those that apply without it speaks in
//! its stead. So for each concern and each rule that may be this one, two rules are compared: that one, on the requests
//! where it applies and those before it don't, and the silencing rule, if the concern is its own. See [`Beside::same`].

use std::collections::BTreeSet;

use ordain_ir::{EnforcementMode, RuleType};
use rustc_hash::FxHashSet;

use super::questions::{Proof, Questions, Refuted, TermId};
use super::{Kind, Search};
use crate::bits::Bits;
use crate::cells::Cell;
use crate::domain::{Algebra, AnalyzerError, Domain};

/// Claims about a rule beside others.
pub(super) struct Beside<'s, 'a, 'm, 'c> {
    search: &'s Search<'a, 'm, 'c>,
    rule: usize,
    involved: &'s [usize],
    questions: Questions<'s, 'a, 'm, 'c>,
}

/// The rules among the involved ones that may be present at requests that are looked at, and those of them that are,
/// if their conditions hold. In one cell these are the same.
#[derive(Clone, Copy)]
pub(super) struct Open<'o> {
    pub(super) may: &'o [usize],
    pub(super) must: &'o [usize],
}

/// How a rule speaks: its priority and its mode.
type Voice = (i64, EnforcementMode);

impl<'s, 'a, 'm, 'c> Beside<'s, 'a, 'm, 'c> {
    pub(super) fn new(search: &'s Search<'a, 'm, 'c>, rule: usize, involved: &'s [usize]) -> Self {
        Self { search, rule, involved, questions: Questions::new(search, rule) }
    }

    pub(super) fn rule(&self) -> usize {
        self.rule
    }

    /// The other rules that count, ascending.
    pub(super) fn involved(&self) -> &'s [usize] {
        self.involved
    }

    pub(super) fn domain(&self, at: usize) -> &'c Domain {
        &self.search.context.rules.entries[at].domain
    }

    pub(super) fn algebra(&self) -> &'m Algebra<'a> {
        self.search.context.algebra
    }

    /// Whether the claim holds in every cell beside those of the relevant rules that are in `told`.
    pub(super) fn holds(
        &self,
        kind: Kind,
        (cells, relevant): (&[Cell], &[usize]),
        told: &Bits,
    ) -> Result<bool, AnalyzerError> {
        let mut seen = FxHashSet::default();
        let mut open = cells.iter().map(|cell| cell.open.and(told)).filter(|open| seen.insert(open.clone()));
        let holds = !open.any(|open| {
            let among: Vec<usize> =
                (0..relevant.len()).filter(|at| open.contains(*at)).map(|at| relevant[at]).collect();
            self.may_differ(kind, Open { may: &among, must: &among })
        });
        self.check()?;
        Ok(holds)
    }

    /// Fails if the solver was asked and isn't the right one, so that nothing was decided.
    pub(super) fn check(&self) -> Result<(), AnalyzerError> {
        self.questions.check()
    }

    /// Whether the claim is not proved for requests at which these may be present.
    pub(super) fn may_differ(&self, kind: Kind, open: Open<'_>) -> bool {
        let proof = match kind {
            Kind::Shadowed => self.never_speaks(open),
            Kind::Redundant => self.changes_nothing(open),
        };
        proof.is_err()
    }

    /// Those of the involved rules on which the claim may depend.
    pub(super) fn relevant(&self, kind: Kind) -> Vec<usize> {
        if kind == Kind::Redundant {
            return self.involved.to_vec();
        }
        let book = &self.search.context.rules;
        let mut relevant: BTreeSet<usize> = book.silenced_by(self.rule).iter().copied().collect();
        let concern = book.entries[self.rule].rule.rule_type;
        for higher in
            self.speakers(concern, self.involved).filter(|at| self.voice(*at).0 > self.voice(self.rule).0)
        {
            relevant.insert(higher);
            relevant.extend(book.silenced_by(higher));
        }
        self.involved.iter().copied().filter(|at| relevant.contains(at)).collect()
    }

    fn voice(&self, at: usize) -> Voice {
        let rule = self.search.context.rules.entries[at].rule;
        (rule.priority, rule.enforcement_mode)
    }

    /// Those with this concern that the rule doesn't silence.
    fn speakers<'o>(&'o self, concern: RuleType, among: &'o [usize]) -> impl Iterator<Item = usize> + 'o {
        let book = &self.search.context.rules;
        let of_concern = among.iter().copied().filter(move |at| book.entries[*at].rule.rule_type == concern);
        of_concern.filter(|at| !book.silenced_by(*at).contains(&self.rule))
    }

    /// When one surely applies that is surely present if its condition holds.
    fn applies(&self, at: usize, open: Open<'_>) -> TermId {
        self.questions.term(at, open.may)
    }

    /// When one may apply that may be present.
    fn may_apply(&self, at: usize, open: Open<'_>) -> TermId {
        self.questions.term(at, open.must)
    }

    /// Those that keep the rule silent wherever they are present.
    fn silencers(&self, open: Open<'_>) -> Vec<TermId> {
        let silencers = self.search.context.rules.silenced_by(self.rule).iter();
        let present = silencers.filter(|other| open.must.binary_search(other).is_ok());
        present.map(|at| self.questions.term(*at, &[])).collect()
    }

    /// The rule never speaks: always a silencer is present or one of a higher priority applies.
    fn never_speaks(&self, open: Open<'_>) -> Proof {
        let mut instead = self.silencers(open);
        let concern = self.search.context.rules.entries[self.rule].rule.rule_type;
        let higher =
            self.speakers(concern, open.must).filter(|at| self.voice(*at).0 > self.voice(self.rule).0);
        instead.extend(higher.map(|at| self.applies(at, open)));
        self.questions.impossible(&[], &instead)
    }

    /// See the head of the module.
    fn changes_nothing(&self, open: Open<'_>) -> Proof {
        let book = &self.search.context.rules;
        let mut outside = self.silencers(open);
        let silenced: Vec<usize> = book.silences(self.rule).to_vec();
        let mut silenced: Vec<usize> =
            silenced.into_iter().filter(|other| open.may.binary_search(other).is_ok()).collect();
        if !silenced.is_empty() && open.may != open.must {
            return Err(Refuted);
        }
        silenced.sort_by_key(|at| std::cmp::Reverse(self.voice(*at)));
        for concern in book.concerns(self.rule) {
            let own = book.entries[self.rule].rule.rule_type == concern;
            let own = own.then(|| self.voice(self.rule));
            let before = outside.len();
            for at in silenced.iter().filter(|at| book.entries[**at].rule.rule_type == concern) {
                let applies = self.applies(*at, open);
                let voices = [own, Some(self.voice(*at))];
                self.same((concern, voices), open, &[applies], outside.clone())?;
                outside.push(applies);
            }
            self.same((concern, [own, None]), open, &[], outside.clone())?;
            outside.truncate(before);
        }
        Ok(())
    }

    /// Proves that a concern says the same with one voice beside the rules that are not silenced as with another one in
    /// its stead, wherever all of `inside` hold and none of `outside`.
    fn same(
        &self,
        (concern, voices): (RuleType, [Option<Voice>; 2]),
        open: Open<'_>,
        inside: &[TermId],
        mut outside: Vec<TermId>,
    ) -> Proof {
        let Some((priority, mode)) = voices.into_iter().flatten().max() else { return Ok(()) };
        let other = voices.into_iter().min().flatten();
        if other == Some((priority, mode)) {
            return Ok(());
        }
        let certain = |wanted: &dyn Fn(Voice) -> bool| -> Vec<TermId> {
            let speakers = self.speakers(concern, open.must).filter(|at| wanted(self.voice(*at)));
            speakers.map(|at| self.applies(at, open)).collect()
        };
        let possible = |wanted: &dyn Fn(Voice) -> bool| -> Vec<TermId> {
            let speakers = self.speakers(concern, open.may).filter(|at| wanted(self.voice(*at)));
            speakers.map(|at| self.may_apply(at, open)).collect()
        };
        outside.extend(certain(&|voice| voice >= (priority, mode)));
        if other.is_some_and(|other| other.0 == priority) {
            return self.questions.impossible(inside, &outside);
        }
        // The first says its mode from here on, unless a milder one of its priority makes the other one say that.
        let floor = other.map(|other| other.0);
        let with = |more: TermId| [inside, &[more]].concat();
        if other.is_none() && mode != EnforcementMode::Disabled {
            // Most rules speak alone somewhere.
            let mut alone = outside.clone();
            alone.extend(certain(&|voice| voice < (priority, mode)));
            self.questions.impossible(inside, &alone)?;
        }
        if self.questions.impossible(inside, &outside).is_ok() {
            return Ok(());
        }
        for milder in possible(&|voice| voice.0 == priority && voice.1 < mode) {
            self.questions.impossible(&with(milder), &outside)?;
        }
        outside.extend(certain(&|voice| voice.0 == priority && voice.1 < mode));
        let between = |level: i64| level < priority && floor.is_none_or(|floor| level > floor);
        let levels: BTreeSet<i64> = self.speakers(concern, open.may).map(|at| self.voice(at).0).collect();
        for level in levels.into_iter().rev().filter(|level| between(*level)) {
            for stricter in possible(&|voice| voice.0 == level && voice.1 > mode) {
                self.questions.impossible(&with(stricter), &outside)?;
            }
            let mut decisive = outside.clone();
            decisive.extend(certain(&|voice| voice.0 == level && voice.1 >= mode));
            for milder in possible(&|voice| voice.0 == level && voice.1 < mode) {
                self.questions.impossible(&with(milder), &decisive)?;
            }
            outside.extend(certain(&|voice| voice.0 == level));
        }
        match other {
            None => Ok(()),
            Some((_, last)) if last > mode => self.questions.impossible(inside, &outside),
            Some((level, last)) => {
                for stricter in possible(&|voice| voice.0 == level && voice.1 > mode) {
                    self.questions.impossible(&with(stricter), &outside)?;
                }
                if last == mode {
                    return Ok(());
                }
                outside.extend(certain(&|voice| voice == (level, mode)));
                self.questions.impossible(inside, &outside)
            }
        }
    }
}
