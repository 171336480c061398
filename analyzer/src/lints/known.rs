//! What is known of lints from a search in other policies, so that after an edit only those are looked for that it can
//! change.
//!
//! What is said of a policy rests on what it says itself, on those of its kind whose scope and window meet its own, on
//! who overrides whom of those, and on which of them are called needless, too. So a policy is looked at afresh if it has
//! changed, if one that has changed meets it or met it, or one that overrides such a one or is overridden by it; and its
//! last step is taken again if another one that meets it is called needless that wasn't before, or the contrary. What it
//! says itself are its own lints, which need no other policy.

use std::collections::BTreeSet;
use std::sync::Arc;

use ordain_ir::{PolicyName, RuleType};
use rustc_hash::FxHashMap;

use super::domains::Own;
use super::limits::OfLimit;
use super::rules::OfRule;
use super::{Context, Lint};
use crate::domain::{Algebra, Domain};
use crate::session::Changes;

/// What is known of the active policies of one version.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(super) places: FxHashMap<PolicyName, Place>,
    pub(super) own: FxHashMap<PolicyName, Own>,
    pub(super) rules: FxHashMap<PolicyName, OfRule>,
    pub(super) limits: FxHashMap<PolicyName, OfLimit>,
}

/// Where a policy takes part.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) domain: Domain,
    /// Of a rule.
    pub(super) concern: Option<RuleType>,
    /// Whether it overrides others.
    pub(super) overrides: bool,
}

/// What a search has found out about those that it has looked at.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(super) places: Vec<(PolicyName, Place)>,
    pub(super) own: Vec<(PolicyName, Own)>,
    /// `None` for those of which nothing is to be said.
    pub(super) rules: Vec<(PolicyName, Option<OfRule>)>,
    pub(super) limits: Vec<(PolicyName, Option<OfLimit>)>,
    gone: Vec<PolicyName>,
    all: bool,
}

impl Known {
    /// Takes in what was found out beside it.
    pub(crate) fn take_in(&mut self, news: News) {
        if news.all {
            *self = Self::default();
        }
        for name in &news.gone {
            self.places.remove(name);
            self.own.remove(name);
            self.rules.remove(name);
            self.limits.remove(name);
        }
        self.places.extend(news.places);
        self.own.extend(news.own);
        merge(&mut self.rules, news.rules);
        merge(&mut self.limits, news.limits);
    }

    /// The domain of a policy that says what it said.
    pub(super) fn domain(&self, name: &PolicyName, changes: &Changes) -> Option<Domain> {
        if changes.concern(name) { None } else { self.places.get(name).map(|place| place.domain.clone()) }
    }
}

fn merge<V>(into: &mut FxHashMap<PolicyName, V>, news: Vec<(PolicyName, Option<V>)>) {
    for (name, value) in news {
        match value {
            Some(value) => drop(into.insert(name, value)),
            None => drop(into.remove(&name)),
        }
    }
}

impl News {
    /// The policies that have changed, as far as they still take part, and which don't any more.
    pub(super) fn of(context: &Context<'_, '_>, changes: &Changes) -> Self {
        let mut out = Self { all: changes.is_everything(), ..Self::default() };
        let place = |name: &PolicyName| place(context, name);
        if changes.is_everything() {
            let rules = context.rules.entries.iter().map(|entry| &entry.rule.name);
            let all = rules.chain(context.limits.iter().map(|entry| &entry.limit.name));
            out.places = all.filter_map(|name| Some((name.clone(), place(name)?))).collect();
            return out;
        }
        for name in changes.policies() {
            match place(name) {
                Some(place) => out.places.push((name.clone(), place)),
                None => out.gone.push(name.clone()),
            }
        }
        out
    }
}

/// Where an active policy takes part now.
fn place(context: &Context<'_, '_>, name: &PolicyName) -> Option<Place> {
    let overrides = context.overrides.beneath(name).next().is_some();
    let rule = context.rules.number(name).map(|at| &context.rules.entries[at]);
    let rule = rule.map(|rule| (rule.domain.clone(), Some(rule.rule.rule_type)));
    let limit = || context.limit(name).map(|at| (context.limits[at].domain.clone(), None));
    let (domain, concern) = rule.or_else(limit)?;
    Some(Place { domain, concern, overrides })
}

/// Which policies are to be looked at afresh, by number.
pub(super) struct Touched {
    pub(super) rules: Vec<bool>,
    pub(super) limits: Vec<bool>,
}

impl Touched {
    pub(super) fn by(changes: &Changes, known: &Known, context: &Context<'_, '_>) -> Self {
        let all = changes.is_everything();
        let mut out =
            Self { rules: vec![all; context.rules.entries.len()], limits: vec![all; context.limits.len()] };
        if all {
            return out;
        }
        let mut near: BTreeSet<&PolicyName> = changes.policies().collect();
        for (over, under) in context.overrides.pairs() {
            if changes.concern(over) || changes.concern(under) {
                near.extend([over, under]);
            }
        }
        for name in near {
            if let Some(at) = context.rules.number(name) {
                out.rules[at] = true;
            }
            if let Some(at) = context.limit(name) {
                out.limits[at] = true;
            }
            let before = known.places.get(name).cloned();
            for place in before.into_iter().chain(place(context, name)) {
                out.meeting(&place, context);
            }
        }
        out
    }

    /// Touches those that a policy meets and that may depend on it.
    fn meeting(&mut self, place: &Place, context: &Context<'_, '_>) {
        let algebra: &Algebra<'_> = context.algebra;
        let meets = |other: &Domain| algebra.first_instant(&place.domain, other).is_some();
        for (near, _) in algebra.places().near(place.domain.place) {
            match place.concern {
                Some(concern) => {
                    for at in context.rules.at(*near) {
                        let entry = &context.rules.entries[*at];
                        let depends = place.overrides
                            || entry.rule.rule_type == concern
                            || !context.rules.silences(*at).is_empty();
                        self.rules[*at] |= depends && meets(&entry.domain);
                    }
                }
                None => {
                    for at in context.limits_at.get(near).into_iter().flatten() {
                        self.limits[*at] |= meets(&context.limits[*at].domain);
                    }
                }
            }
        }
    }
}

/// The lint of a policy that can be taken out, and whether it is counted as taken out when others are looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Last {
    pub(super) lint: Option<Arc<Lint>>,
    pub(super) gone: bool,
}
