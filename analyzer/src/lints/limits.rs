//! Limits that can't be reached, and limits whose breaches are all breaches of others.
//!
//! A limit is **needless** if it silences no other and each of its breaches breaches another limit as strictly, one
//! that nothing silences. For what accumulates, usage counts for a wide limit as well as for a narrow one, but no sum
//! of parts is known to reach a bound, so there one other limit must cover it; a request's own value breaches whichever
//! of several limits speaks about the request. Where one other limit does it and is not the same limit twice, that is a
//! `PRIORITY_OVERRIDE`, and told as a conflict.

use std::collections::{BTreeMap, BTreeSet};

use ordain_ir::fact::RISK_SCALE;
use ordain_ir::{Clause, Condition, Direction, Limit, LimitStatus, PolicyName, Quantity, codes};

use super::{Context, Lint, Runner, is_warning};
use crate::cells::cells;
use crate::decisions::ByTenant;
use crate::domain::{Algebra, AnalyzerError, Domain, Parts};
use crate::limits::LimitEntry;
use crate::words::bound;
use crate::{evidence, solver};

/// Other limits that are compared with one; beyond, nothing is said of it.
const MAX_INVOLVED: usize = 256;

/// The active limits, by name.
pub(super) fn active<'a>(algebra: &Algebra<'a>) -> Result<Vec<LimitEntry<'a>>, AnalyzerError> {
    let active = algebra.policies().limits.values().filter(|limit| limit.status == LimitStatus::Active);
    active.map(|limit| LimitEntry::new(limit, algebra)).collect()
}

pub(super) fn lints(
    context: &Context<'_, '_>,
    runner: &Runner<'_>,
    void: &BTreeSet<PolicyName>,
) -> Result<Vec<Lint>, AnalyzerError> {
    let limits = &context.limits;
    let asked: Vec<usize> = (0..limits.len())
        .filter(|at| !void.contains(&limits[*at].limit.name) && !is_warning(limits[*at].limit))
        .collect();
    let mut found = runner.each(&asked, |at| Ok(trivial(context, limits[*at].limit)))?;
    let idle: BTreeSet<PolicyName> = found.iter().map(|lint| lint.policy.name.clone()).collect();

    let search = Search::new(context);
    let mut asked: Vec<usize> =
        asked.into_iter().filter(|at| !idle.contains(&limits[*at].limit.name)).collect();
    let covers = runner.each(&asked, |at| Ok(search.covers(*at).map(|covers| (*at, covers))))?;
    // All that is called needless can go at once: those that come later by name go first.
    let mut search = search;
    for (at, covers) in covers.into_iter().rev() {
        runner.check();
        let covers: Vec<usize> = covers.into_iter().filter(|other| !search.gone.contains(other)).collect();
        if let Some(needed) = search.needless(at, &covers)? {
            search.gone.insert(at);
            found.push(search.lint(at, &needed));
        }
    }
    let told: BTreeSet<PolicyName> = found.iter().map(|lint| lint.policy.name.clone()).collect();
    asked.retain(|at| !told.contains(&limits[*at].limit.name));
    // Neither may one hold down what in turn is all that holds it down.
    let held = runner.each(&asked, |at| Ok(search.held_down(*at).map(|_| *at)))?;
    for at in held.into_iter().rev() {
        if let Some(lint) = search.held_down(at) {
            search.gone.insert(at);
            found.push(lint);
        }
    }
    Ok(found)
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
    places: BTreeMap<&'a Quantity, ByTenant>,
    overridden: BTreeSet<&'a PolicyName>,
    overriding: BTreeSet<&'a PolicyName>,
    /// Those that can go, and so hold nothing down.
    gone: BTreeSet<usize>,
}

impl<'a, 'm, 'c> Search<'a, 'm, 'c> {
    pub(super) fn new(context: &'c Context<'a, 'm>) -> Self {
        let mut places: BTreeMap<&Quantity, ByTenant> = BTreeMap::new();
        for (at, entry) in context.limits.iter().enumerate() {
            places.entry(&entry.limit.quantity).or_default().insert(at, &entry.limit.scope);
        }
        let active: BTreeSet<&PolicyName> = context.limits.iter().map(|entry| &entry.limit.name).collect();
        let related: Vec<_> = context
            .overrides
            .pairs()
            .filter(|(over, under)| active.contains(over) && active.contains(under))
            .collect();
        let (overriding, overridden) = related.into_iter().unzip();
        Self { context, places, overridden, overriding, gone: BTreeSet::new() }
    }

    pub(super) fn limit(&self, at: usize) -> &'a Limit {
        self.context.limits[at].limit
    }

    /// The hard limits that nothing silences, speak about all of a limit's requests, and count for whole subjects of
    /// its partition, with a quantity that is wanted.
    pub(super) fn around(&self, at: usize, wanted: impl Fn(&Quantity) -> bool) -> Vec<usize> {
        let (limit, domain, algebra) =
            (self.limit(at), &self.context.limits[at].domain, self.context.algebra);
        let selectors = algebra.selectors(domain);
        let places = self.places.iter().filter(|(quantity, _)| wanted(quantity));
        let near: BTreeSet<usize> = places.flat_map(|(_, places)| places.near(&selectors)).collect();
        near.into_iter()
            .filter(|other| {
                let around = self.limit(*other);
                *other != at
                    && !self.gone.contains(other)
                    && around.enforcement.is_hard()
                    && !self.overridden.contains(&around.name)
                    && (matches!(around.quantity, Quantity::PerRun(_))
                        || limit.partition.is_same_or_finer_than(around.partition))
                    && !algebra
                        .places()
                        .answer(domain.place, self.context.limits[*other].domain.place)
                        .is_no()
                    && algebra
                        .included(domain, &self.context.limits[*other].domain, Parts::All)
                        .answer
                        .is_yes()
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
        let algebra = self.context.algebra;
        let near = self.places.get(&limit.quantity)?.near(&algebra.selectors(domain));
        let covers: Vec<usize> = near
            .into_iter()
            .filter(|other| {
                let cover = self.limit(*other);
                *other != at
                    && cover.bound.direction == limit.bound.direction
                    && cover.bound.at_least_as_tight_as(limit.bound)
                    && cover.enforcement.strictness() >= limit.enforcement.strictness()
                    && limit.partition.is_same_or_finer_than(cover.partition)
                    && !self.overridden.contains(&cover.name)
                    && algebra.may_meet(domain, &self.context.limits[*other].domain)
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
