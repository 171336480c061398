//! All conflicts and gaps of a workspace of the finite [`world`](crate::world), found by trying every request.
//!
//! Derived from the tables of the definition alone: rules of one concern, and pairs of limits. Contradictions among
//! limits on what accumulates (any number of them, with axioms between quantities) are checked by other means, see
//! [`certificate`].

pub mod certificate;
mod limits;
mod lints;
mod periods;
mod regions;
mod rules;
mod shifts;

use std::collections::{BTreeMap, BTreeSet};

use ordain_ir::report::Contradiction;
use ordain_ir::{
    Certainty, ConflictType, EnforcementMode, Obligation, Policies, PolicyName, Rule, RuleStatus,
};

pub use lints::{Told, lints};
pub use regions::Regions;
pub use shifts::{Shift, shifts};

use crate::reference;

/// A conflict without its evidence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected {
    /// Type.
    pub conflict_type: ConflictType,
    /// Kind of a contradiction.
    pub contradiction: Option<Contradiction>,
    /// Whether a milder rule beats a stricter one; for `PRIORITY_OVERRIDE` between rules.
    pub weakens: Option<bool>,
    /// Suspected if for some values of the opaque facts the two would not overlap.
    pub certainty: Certainty,
}

/// All conflicts between two rules, and between two limits but for contradictions of what accumulates, by the names
/// of the two in order.
pub fn conflicts(policies: &Policies) -> BTreeMap<[PolicyName; 2], Expected> {
    let regions = Regions::of(policies);
    let mut found = BTreeMap::new();
    let rules: Vec<_> = policies.rules.values().collect();
    for (a, b) in pairs(&rules) {
        if neither_overrides(policies, &a.name, &b.name)
            && let Some(conflict) = rules::conflict(&regions, a, b)
        {
            let certainty = certainty(&regions, &a.name, &b.name);
            found.insert([a.name.clone(), b.name.clone()], Expected { certainty, ..conflict });
        }
    }
    let limits: Vec<_> = policies.limits.values().collect();
    for (a, b) in pairs(&limits) {
        if neither_overrides(policies, &a.name, &b.name)
            && let Some(conflict) = limits::conflict(&regions, a, b)
        {
            let certainty = certainty(&regions, &a.name, &b.name);
            found.insert([a.name.clone(), b.name.clone()], Expected { certainty, ..conflict });
        }
    }
    found
}

/// The obligations that some request shows to be unfulfilled, with the certainty of that: proved if there is one
/// whatever values the opaque facts have. What fulfils them are the active rules of the concern that do something.
pub fn gaps(policies: &Policies) -> BTreeMap<Obligation, Certainty> {
    let regions = Regions::of(policies);
    let mut found = BTreeMap::new();
    for obligation in &policies.obligations {
        let covers = covers(policies, obligation).map(|rule| &rule.name);
        match regions.uncovered(obligation, covers) {
            (false, _) => {}
            (true, true) => drop(found.insert(obligation.clone(), Certainty::Proved)),
            (true, false) => drop(found.insert(obligation.clone(), Certainty::Suspected)),
        }
    }
    found
}

/// The rules that may fulfil an obligation.
pub fn covers<'p>(policies: &'p Policies, obligation: &Obligation) -> impl Iterator<Item = &'p Rule> {
    let concern = obligation.rule_type;
    policies.rules.values().map(|rule| &**rule).filter(move |rule| {
        rule.rule_type == concern
            && rule.status == RuleStatus::Active
            && rule.enforcement_mode != EnforcementMode::Disabled
    })
}

/// Pairs of limits on what accumulates that contradict each other without any axiom: everywhere where the floor
/// speaks, the ceiling speaks too, for the same subjects and with a smaller value.
pub fn plain_contradictions(policies: &Policies) -> BTreeSet<[PolicyName; 2]> {
    let regions = Regions::of(policies);
    let limits: Vec<_> = policies.limits.values().collect();
    pairs(&limits)
        .filter(|(a, b)| neither_overrides(policies, &a.name, &b.name))
        .filter(|(a, b)| limits::contradict_plainly(&regions, a, b))
        .map(|(a, b)| [a.name.clone(), b.name.clone()])
        .collect()
}

fn pairs<T>(items: &[T]) -> impl Iterator<Item = (&T, &T)> {
    items.iter().enumerate().flat_map(|(at, a)| items[at + 1..].iter().map(move |b| (a, b)))
}

fn neither_overrides(policies: &Policies, a: &PolicyName, b: &PolicyName) -> bool {
    !reference::overrides(policies, a, b) && !reference::overrides(policies, b, a)
}

fn certainty(regions: &Regions, a: &PolicyName, b: &PolicyName) -> Certainty {
    if regions.overlap_whatever_is_opaque(a, b) { Certainty::Proved } else { Certainty::Suspected }
}

fn expected(conflict_type: ConflictType) -> Expected {
    Expected { conflict_type, contradiction: None, weakens: None, certainty: Certainty::Proved }
}
