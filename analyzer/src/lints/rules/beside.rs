//! What is wrong with a rule, cell by cell: of the requests of one cell a fixed set of other rules may be present.
//!
//! A rule that silences no other decides alone how its priority speaks: its concern says something else without it
//! exactly if none of a higher priority applies, none of its own priority is as strict, and either a milder one of its
//! own priority applies, or what the lower priorities say together is not the rule's own mode. The last is so if of the
//! highest of them that says anything one is stricter, or all are milder; or if none says anything. Each of these is a
//! conjunction of conditions that hold and of others that don't, which boxes decide quickly. Only where a rule silences
//! others, one condition is made of all that rules say together.

use std::cell::{Cell as Counter, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_ir::{Condition, EnforcementMode};
use rustc_hash::FxHashMap;

use super::{Kind, Search};
use crate::Answer;
use crate::bits::Bits;
use crate::cells::Cell;
use crate::conditions::{Hash, Prepared, Verdict};
use crate::domain::AnalyzerError;
use crate::solver;

/// Conditions that are compared with the rule's own for one claim, in all questions together; beyond, it is not made.
/// Four times as much finds two lints more in a hundred, and takes a third more time.
const MAX_COMPARED: usize = 512;

/// A claim about a rule beside others.
pub(super) struct Beside<'s, 'a, 'm, 'c> {
    search: &'s Search<'a, 'm, 'c>,
    rule: usize,
    kind: Kind,
    involved: &'s [usize],
    /// Conditions that may still be compared.
    left: Counter<usize>,
    /// Whether the solver was asked.
    solved: Counter<bool>,
    /// How conditions lie to the rule's own.
    relations: RefCell<FxHashMap<Hash, Relation>>,
    /// When rules apply that some of the involved ones silence.
    applying: RefCell<Applying>,
}

/// When rules apply beside some of their silencers.
type Applying = FxHashMap<(usize, Vec<usize>), Arc<Prepared>>;

/// How another condition lies to the rule's own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// Wherever the rule's own holds, it does.
    Around,
    /// Both never hold.
    Apart,
    /// Neither, as far as is known.
    Across,
}

/// When a rule applies: always, or if a condition holds.
type Applies = Option<Arc<Prepared>>;

/// An answer that is no proved no.
struct Refuted;

type Proof = Result<(), Refuted>;

impl<'s, 'a, 'm, 'c> Beside<'s, 'a, 'm, 'c> {
    pub(super) fn new(
        search: &'s Search<'a, 'm, 'c>,
        (rule, kind): (usize, Kind),
        involved: &'s [usize],
    ) -> Self {
        Self {
            search,
            rule,
            kind,
            involved,
            left: Counter::new(MAX_COMPARED),
            solved: Counter::new(false),
            relations: RefCell::default(),
            applying: RefCell::default(),
        }
    }

    /// Whether the claim holds in every cell beside the rules in `told`.
    pub(super) fn holds(&self, cells: &[Cell], told: &Bits) -> Result<bool, AnalyzerError> {
        let mut seen = BTreeSet::new();
        let mut open = cells.iter().map(|cell| cell.open.and(told)).filter(|open| seen.insert(open.clone()));
        let holds = !open.any(|open| self.may_differ(&open));
        self.check()?;
        Ok(holds)
    }

    /// Fails if the solver was asked and isn't the right one, so that nothing was decided.
    pub(super) fn check(&self) -> Result<(), AnalyzerError> {
        if self.solved.get() {
            solver::check()?;
        }
        Ok(())
    }

    /// Whether the claim is not proved for the requests of a cell in which these of the involved rules may be present.
    pub(super) fn may_differ(&self, open: &Bits) -> bool {
        let among: Vec<usize> =
            (0..self.involved.len()).filter(|at| open.contains(*at)).map(|at| self.involved[at]).collect();
        let book = &self.search.context.rules;
        let silences = || book.silences(self.rule).iter().any(|other| among.binary_search(other).is_ok());
        let proof = match self.kind {
            Kind::Shadowed => self.never_speaks(&among),
            Kind::Redundant if silences() => self.by_one_condition(&among),
            Kind::Redundant => self.changes_nothing(&among),
        };
        proof.is_err()
    }

    fn mode(&self, at: usize) -> EnforcementMode {
        self.search.context.rules.entries[at].rule.enforcement_mode
    }

    fn priority(&self, at: usize) -> i64 {
        self.search.context.rules.entries[at].rule.priority
    }

    /// Those of the same concern.
    fn rivals<'o>(&'o self, among: &'o [usize]) -> impl Iterator<Item = usize> + 'o {
        let entries = &self.search.context.rules.entries;
        let concern = entries[self.rule].rule.rule_type;
        among.iter().copied().filter(move |at| entries[*at].rule.rule_type == concern)
    }

    /// The rule's own condition, as a rule that is present or not.
    fn present(&self, at: usize) -> Applies {
        let conditions = &self.search.context.rules.entries[at].domain.conditions;
        // A rule has one condition; one that always holds is left out.
        conditions.first().map(Arc::clone)
    }

    /// When another rule applies while this one is present; `None` if it doesn't then.
    fn applies(&self, at: usize, among: &[usize]) -> Option<Applies> {
        let silencers = self.search.context.rules.silenced_by(at);
        if silencers.contains(&self.rule) {
            return None;
        }
        let silencers: Vec<usize> =
            silencers.iter().copied().filter(|other| among.binary_search(other).is_ok()).collect();
        if silencers.is_empty() {
            return Some(self.present(at));
        }
        if let Some(known) = self.applying.borrow().get(&(at, silencers.clone())) {
            return Some(Some(Arc::clone(known)));
        }
        let entries = &self.search.context.rules.entries;
        let silent = silencers.iter().map(|other| entries[*other].rule.condition.clone().negate());
        let condition = Condition::and([entries[at].rule.condition.clone()].into_iter().chain(silent));
        let prepared = Arc::new(self.search.context.algebra.conditions.prepare(&condition));
        self.applying.borrow_mut().insert((at, silencers), Arc::clone(&prepared));
        Some(Some(prepared))
    }

    /// How a condition lies to the rule's own: asked once, since it comes in many cells.
    fn relation(&self, own: &[&Prepared], part: &Prepared) -> Relation {
        if let Some(known) = self.relations.borrow().get(part.hash()) {
            return *known;
        }
        let conditions = &self.search.context.algebra.conditions;
        let both: Vec<&Prepared> = own.iter().copied().chain([part]).collect();
        let relation = if self.told(&conditions.find(own, &[part])).is_ok() {
            Relation::Around
        } else if self.told(&conditions.find(&both, &[])).is_ok() {
            Relation::Apart
        } else {
            Relation::Across
        };
        self.relations.borrow_mut().insert(*part.hash(), relation);
        relation
    }

    /// Those that keep the rule silent wherever they are present.
    fn silencers(&self, among: &[usize]) -> Vec<Applies> {
        let silencers = self.search.context.rules.silenced_by(self.rule).iter();
        silencers.filter(|other| among.binary_search(other).is_ok()).map(|at| self.present(*at)).collect()
    }

    /// Proves that no request of the rule fulfils all of `inside` and none of `outside`.
    fn impossible(&self, inside: &[&Applies], outside: &[Applies]) -> Proof {
        let own: Vec<Arc<Prepared>> = self.present(self.rule).into_iter().collect();
        let own: Vec<&Prepared> = own.iter().map(Arc::as_ref).collect();
        let mut holding = own.clone();
        for part in inside.iter().filter_map(|it| it.as_deref()) {
            match self.relation(&own, part) {
                Relation::Apart => return Ok(()),
                Relation::Around => {}
                Relation::Across => holding.push(part),
            }
        }
        let mut failing: Vec<&Prepared> = vec![];
        for part in outside {
            // `None` always applies.
            let Some(part) = part else { return Ok(()) };
            match self.relation(&own, part) {
                Relation::Around => return Ok(()),
                Relation::Apart => {}
                Relation::Across => failing.push(part),
            }
        }
        let Some(left) = self.left.get().checked_sub(1 + failing.len()) else { return Err(Refuted) };
        self.left.set(left);
        let verdict = self.search.context.algebra.conditions.find(&holding, &failing);
        self.told(&verdict)
    }

    fn told(&self, verdict: &Verdict) -> Proof {
        self.solved.set(self.solved.get() || verdict.by_solver);
        if verdict.answer == Answer::No { Ok(()) } else { Err(Refuted) }
    }

    /// The rule never speaks: always a silencer is present or one of a higher priority applies.
    fn never_speaks(&self, among: &[usize]) -> Proof {
        let mut instead = self.silencers(among);
        let higher = self.rivals(among).filter(|at| self.priority(*at) > self.priority(self.rule));
        instead.extend(higher.filter_map(|at| self.applies(at, among)));
        self.impossible(&[], &instead)
    }

    /// See the head of the module.
    fn changes_nothing(&self, among: &[usize]) -> Proof {
        let (own, mode) = (self.priority(self.rule), self.mode(self.rule));
        let mut outside = self.silencers(among);
        let (mut milder, mut lower) = (vec![], BTreeMap::<i64, Vec<(EnforcementMode, Applies)>>::new());
        for at in self.rivals(among) {
            let Some(applies) = self.applies(at, among) else { continue };
            match self.priority(at).cmp(&own) {
                std::cmp::Ordering::Greater => outside.push(applies),
                std::cmp::Ordering::Equal if self.mode(at) >= mode => outside.push(applies),
                std::cmp::Ordering::Equal => milder.push(applies),
                std::cmp::Ordering::Less => {
                    lower.entry(self.priority(at)).or_default().push((self.mode(at), applies));
                }
            }
        }
        // Most rules speak alone somewhere.
        let others = milder.iter().chain(lower.values().flatten().map(|(_, applies)| applies)).cloned();
        let alone: Vec<Applies> = outside.iter().cloned().chain(others).collect();
        self.impossible(&[], &alone)?;
        if alone.len() == outside.len() || self.impossible(&[], &outside).is_ok() {
            return Ok(());
        }
        for applies in &milder {
            self.impossible(&[applies], &outside)?;
        }
        outside.extend(milder);
        for level in lower.into_values().rev() {
            let of = |wanted: &dyn Fn(EnforcementMode) -> bool| -> Vec<Applies> {
                level.iter().filter(|(mode, _)| wanted(*mode)).map(|(_, applies)| applies.clone()).collect()
            };
            for stricter in of(&|other| other > mode) {
                self.impossible(&[&stricter], &outside)?;
            }
            let mut decisive = outside.clone();
            decisive.extend(of(&|other| other >= mode));
            for milder in of(&|other| other < mode) {
                self.impossible(&[&milder], &decisive)?;
            }
            outside.extend(of(&|_| true));
        }
        Ok(())
    }

    /// Both ways of a rule that silences others, in one condition.
    fn by_one_condition(&self, among: &[usize]) -> Proof {
        let Some(left) = self.left.get().checked_sub(1) else { return Err(Refuted) };
        self.left.set(left);
        let book = &self.search.context.rules;
        let own = &book.entries[self.rule].rule.condition;
        let mut among = among.to_vec();
        among.push(self.rule);
        among.sort_unstable();
        let present = |itself: Condition| {
            move |at: usize| {
                if at == self.rule { itself.clone() } else { book.entries[at].rule.condition.clone() }
            }
        };
        let (with, without) = (present(Condition::True), present(Condition::False));
        let changes = book.concerns(self.rule).into_iter().flat_map(|concern| {
            Search::levels().map(move |mode| (concern, mode)).flat_map(|level| {
                let a = book.at_least(level, &among, &with);
                let b = book.at_least(level, &among, &without);
                [Condition::and([a.clone(), b.clone().negate()]), Condition::and([a.negate(), b])]
            })
        });
        let conditions = &self.search.context.algebra.conditions;
        let changed = conditions.prepare(&Condition::and([own.clone(), Condition::or(changes)]));
        self.told(&conditions.find(&[&changed], &[]))
    }
}
