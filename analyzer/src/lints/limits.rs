//! Limits that can't be reached, and limits whose breaches are all breaches of others.
//!
//! A limit is **needless** if it silences no other and each of its breaches breaches another limit as strictly, one
//! that nothing silences. For what accumulates, usage counts for a wide limit as well as for a narrow one, but no sum
//! of parts is known to reach a bound, so there one other limit must cover it; a request's own value breaches whichever
//! of several limits speaks about the request. Where one other limit does it and is not the same limit twice, that is a
//! `PRIORITY_OVERRIDE`, and told as a conflict.

use std::collections::BTreeSet;
use std::sync::Arc;

use ordain_ir::fact::RISK_SCALE;
use ordain_ir::{Clause, Condition, Direction, Limit, PolicyName, Quantity, codes};

use super::known::{Known, News, Touched};
use super::{Context, Lint, Runner, is_warning};
use crate::cells::cells;
use crate::domain::{AnalyzerError, Domain, Parts};
use crate::words::bound;
use crate::{evidence, solver};

/// Other limits that are compared with one; beyond, nothing is said of it.
const MAX_INVOLVED: usize = 256;

/// What is known of a limit that some value may break.
#[derive(Clone, Debug, Default)]
pub(super) struct OfLimit {
    /// Whether others name it.
    needed: bool,
    /// The limits that could make it needless.
    covers: Option<Arc<[PolicyName]>>,
    /// What is said of it beside those that can go first.
    needless: Option<Arc<Lint>>,
    /// Whether others hold it down; not asked of one that is needless.
    held: Option<bool>,
    /// What is said of that beside those that can go first.
    held_down: Option<Arc<Lint>>,
}

pub(super) fn lints(
    context: &Context<'_, '_>,
    runner: &Runner<'_>,
    void: &BTreeSet<PolicyName>,
    (touched, known): (&Touched, &Known),
    news: &mut News,
) -> Result<Vec<Arc<Lint>>, AnalyzerError> {
    let limits = &context.limits;
    let known = |at: usize| known.limits.get(&limits[at].limit.name);
    let mut found: Vec<Arc<Lint>> = vec![];
    let (mut asked, mut idle) = (vec![], vec![]);
    for (at, entry) in limits.iter().enumerate() {
        if void.contains(&entry.limit.name) || is_warning(entry.limit) {
            idle.push(at);
        } else if let Some(lint) = trivial(context, entry.limit) {
            found.push(Arc::new(lint));
            idle.push(at);
        } else {
            asked.push(at);
        }
    }
    let mut search = Search::new(context);
    let needed = |at: usize| context.needed.contains(&limits[at].limit.name);
    let kept = |at: usize| known(at).filter(|known| !touched.limits[at] && known.needed == needed(at));
    let covers = runner.each(&asked, |at| {
        Ok(Some(match kept(*at) {
            Some(kept) => kept.covers.clone(),
            None => search.covers(*at).map(|covers| search.names(&covers)),
        }))
    })?;
    let of = |(at, covers)| (at, OfLimit { needed: needed(at), covers, ..OfLimit::default() });
    let mut now: Vec<(usize, OfLimit)> = asked.into_iter().zip(covers).map(of).collect();
    // Those that can go now and couldn't before, or the contrary.
    let went = |it: &OfLimit| it.needless.is_some() || it.held_down.is_some();
    let mut moved: BTreeSet<usize> = idle.iter().copied().filter(|at| known(*at).is_some_and(went)).collect();
    let is = |lint: Option<&Arc<Lint>>| lint.is_some();
    // All that is called needless can go at once: those that come later by name go first.
    for (at, now) in now.iter_mut().rev() {
        now.needless = match (&now.covers, kept(*at)) {
            (None, _) => None,
            (_, Some(kept)) if !search.meets_any(*at, &moved) => kept.needless.clone(),
            (Some(covers), _) => {
                runner.check();
                let covers = covers.iter().filter_map(|name| context.limit(name));
                let covers: Vec<usize> = covers.filter(|other| !search.gone.contains(other)).collect();
                search.needless(*at, &covers)?.map(|needed| Arc::new(search.lint(*at, &needed)))
            }
        };
        if now.needless.is_some() {
            search.gone.insert(*at);
        }
        if now.needless.is_some() != is(known(*at).and_then(|it| it.needless.as_ref())) {
            moved.insert(*at);
        }
    }
    let held = runner.each(&now, |(at, now)| {
        Ok(Some(match kept(*at).and_then(|kept| kept.held) {
            _ if now.needless.is_some() => None,
            Some(held) if !search.meets_any(*at, &moved) => Some(held),
            _ => Some(search.held_down(*at).is_some()),
        }))
    })?;
    // Neither may one hold down what in turn is all that holds it down.
    for ((at, now), held) in now.iter_mut().zip(held).rev() {
        now.held = held;
        now.held_down = match kept(*at) {
            _ if held != Some(true) => None,
            Some(kept) if kept.held == held && !search.meets_any(*at, &moved) => kept.held_down.clone(),
            _ => search.held_down(*at).map(Arc::new),
        };
        if now.held_down.is_some() {
            search.gone.insert(*at);
        }
        if now.held_down.is_some() != is(known(*at).and_then(|it| it.held_down.as_ref())) {
            moved.insert(*at);
        }
    }
    let dropped = idle.into_iter().filter(|at| known(*at).is_some());
    news.limits.extend(dropped.map(|at| (limits[at].limit.name.clone(), None)));
    for (at, now) in now {
        found.extend(now.needless.iter().chain(&now.held_down).cloned());
        if kept(at).is_none_or(|kept| !kept.is(&now)) {
            news.limits.push((limits[at].limit.name.clone(), Some(now)));
        }
    }
    Ok(found)
}

impl OfLimit {
    /// Whether the two say the same, of the same covers.
    fn is(&self, other: &Self) -> bool {
        let same = |a: Option<&Arc<Lint>>, b: Option<&Arc<Lint>>| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        self.held == other.held
            && same(self.needless.as_ref(), other.needless.as_ref())
            && same(self.held_down.as_ref(), other.held_down.as_ref())
    }
}

/// A bound that every value keeps.
fn trivial(context: &Context<'_, '_>, limit: &Limit) -> Option<Lint> {
    let never = match limit.bound.direction {
        Direction::AtLeast => limit.bound.value <= 0,
        Direction::AtMost => {
            limit.quantity == Quantity::RiskCeiling && limit.bound.value >= 10_i64.pow(RISK_SCALE.into())
        }
    };
    never.then(|| {
        let name = context.quoted(&limit.name);
        let message = format!("{name} can never be broken: every value is {}", bound(limit));
        lint_of(limit, Clause::Bound, message, "give it a bound that some value breaks, or take it out", &[])
    })
}

pub(super) fn lint_of(limit: &Limit, clause: Clause, message: String, help: &str, others: &[&Limit]) -> Lint {
    Lint {
        policy: limit.reference(),
        code: codes::CANNOT_BIND,
        clause,
        others: others.iter().map(|other| other.reference()).collect(),
        message,
        help: help.to_owned(),
        removable: false,
    }
}

pub(super) struct Search<'a, 'm, 'c> {
    pub(super) context: &'c Context<'a, 'm>,
    overridden: BTreeSet<&'a PolicyName>,
    overriding: BTreeSet<&'a PolicyName>,
    /// Those that can go, and so hold nothing down.
    gone: BTreeSet<usize>,
}

impl<'a, 'm, 'c> Search<'a, 'm, 'c> {
    pub(super) fn new(context: &'c Context<'a, 'm>) -> Self {
        let active: BTreeSet<&PolicyName> = context.limits.iter().map(|entry| &entry.limit.name).collect();
        let related: Vec<_> = context
            .overrides
            .pairs()
            .filter(|(over, under)| active.contains(over) && active.contains(under))
            .collect();
        let (overriding, overridden) = related.into_iter().unzip();
        Self { context, overridden, overriding, gone: BTreeSet::new() }
    }

    pub(super) fn limit(&self, at: usize) -> &'a Limit {
        self.context.limits[at].limit
    }

    fn names(&self, limits: &[usize]) -> Arc<[PolicyName]> {
        limits.iter().map(|at| self.limit(*at).name.clone()).collect()
    }

    fn meets_any(&self, at: usize, others: &BTreeSet<usize>) -> bool {
        let domain = |at: usize| &self.context.limits[at].domain;
        others.iter().any(|other| self.context.algebra.may_meet(domain(at), domain(*other)))
    }

    /// The hard limits that nothing silences, speak about all of a limit's requests, and count for whole subjects of
    /// its partition, with a quantity that is wanted.
    pub(super) fn around(&self, at: usize, wanted: impl Fn(&Quantity) -> bool) -> Vec<usize> {
        let (limit, domain, algebra) =
            (self.limit(at), &self.context.limits[at].domain, self.context.algebra);
        let near = self.context.limits_meeting(domain).into_iter();
        near.filter(|other| {
            let around = self.limit(*other);
            *other != at
                && wanted(&around.quantity)
                && !self.gone.contains(other)
                && around.enforcement.is_hard()
                && !self.overridden.contains(&around.name)
                && (matches!(around.quantity, Quantity::PerRun(_))
                    || limit.partition.is_same_or_finer_than(around.partition))
                && algebra.included(domain, &self.context.limits[*other].domain, Parts::All).answer.is_yes()
        })
        .collect()
    }

    /// The limits that could make a limit needless; `None` if none can or the limit can't be taken out.
    fn covers(&self, at: usize) -> Option<Vec<usize>> {
        let limit = self.limit(at);
        if self.overriding.contains(&limit.name) || self.context.needed.contains(&limit.name) {
            return None;
        }
        let domain = &self.context.limits[at].domain;
        let near = self.context.limits_meeting(domain);
        let covers: Vec<usize> = near
            .into_iter()
            .filter(|other| {
                let cover = self.limit(*other);
                *other != at
                    && cover.quantity == limit.quantity
                    && cover.bound.direction == limit.bound.direction
                    && cover.bound.at_least_as_tight_as(limit.bound)
                    && cover.enforcement.strictness() >= limit.enforcement.strictness()
                    && limit.partition.is_same_or_finer_than(cover.partition)
                    && !self.overridden.contains(&cover.name)
            })
            .collect();
        (!covers.is_empty() && covers.len() <= MAX_INVOLVED).then_some(covers)
    }

    /// The limits of which each breach of a limit is a breach; `None` if that is not so, or told as a conflict.
    fn needless(&self, at: usize, covers: &[usize]) -> Result<Option<Vec<usize>>, AnalyzerError> {
        let (limit, algebra) = (self.limit(at), self.context.algebra);
        let domain = |at: usize| &self.context.limits[at].domain;
        let mut twin = None;
        for other in covers {
            let cover = self.limit(*other);
            if !algebra.included(domain(at), domain(*other), Parts::All).answer.is_yes() {
                continue;
            }
            let same = cover.bound == limit.bound
                && cover.enforcement == limit.enforcement
                && cover.partition == limit.partition
                && algebra.included(domain(*other), domain(at), Parts::All).answer.is_yes();
            if same {
                twin = twin.or(Some(*other));
            } else if !evidence::is_guarantee(limit) {
                return Ok(None);
            }
        }
        if let Some(twin) = twin {
            return Ok(Some(vec![twin]));
        }
        if !limit.quantity.is_pointwise() || covers.len() < 2 {
            return Ok(None);
        }
        let all: Vec<&Domain> = covers.iter().map(|other| domain(*other)).collect();
        let condition = |domain: usize| {
            let limit = self.limit(domain);
            let rule = limit.rule.as_ref().and_then(|name| self.context.policies.rules.get(name));
            let parts = [Some(&limit.condition), rule.map(|rule| &rule.condition)];
            Condition::and(parts.into_iter().flatten().cloned())
        };
        let Some(cells) = cells(domain(at), &all, algebra) else { return Ok(None) };
        let mut used = BTreeSet::new();
        for cell in cells {
            let open: Vec<usize> = (0..covers.len()).filter(|at| cell.open.contains(*at)).collect();
            let others = open.iter().map(|other| condition(covers[*other]).negate());
            let beside = Condition::and([condition(at)].into_iter().chain(others));
            let verdict = algebra.conditions.find(&[&algebra.conditions.prepare(&beside)], &[]);
            if verdict.by_solver {
                solver::check()?;
            }
            if !verdict.answer.is_no() {
                return Ok(None);
            }
            used.extend(open.iter().map(|other| covers[*other]));
        }
        Ok(Some(used.into_iter().collect()))
    }

    fn lint(&self, at: usize, others: &[usize]) -> Lint {
        let limit = self.limit(at);
        let names: Vec<&PolicyName> = others.iter().map(|other| &self.limit(*other).name).collect();
        let name = self.context.quoted(&limit.name);
        let (message, help) = match &*names {
            [other] => (
                format!("{name} says the same as {} about the same requests", self.context.quoted(other)),
                "take one of both out",
            ),
            _ => (
                format!(
                    "{name} changes no decision: {} are broken wherever it is",
                    self.context.list(&names)
                ),
                "take it out, or tighten its bound",
            ),
        };
        Lint {
            policy: limit.reference(),
            code: codes::REDUNDANT,
            clause: Clause::Name,
            others: others.iter().map(|other| self.limit(*other).reference()).collect(),
            message,
            help: help.to_owned(),
            removable: false,
        }
    }
}
