//! What was found in the components of earlier searches, for those of which no member has changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use ordain_ir::PolicyName;

use super::Finding;
use super::component::Component;
use super::explore::{self, Found, Space};
use super::member::Member;
use super::minimal::Set;
use crate::domain::Algebra;

/// A component by its members, in their order, and whether it is a part of one.
type Key = (bool, Vec<PolicyName>);

/// What became of components.
#[derive(Debug, Default)]
pub(crate) struct Searched(BTreeMap<Key, Arc<Part>>);

/// What became of one.
#[derive(Debug)]
pub(super) struct Part {
    /// The sets that were found, and whether they are all; `None` if it was not explored.
    pub(super) found: Option<(Vec<Found>, bool)>,
    /// What was made of some of them, by members.
    findings: BTreeMap<Vec<PolicyName>, Finding>,
}

/// A component with what is known of it, and what its programs are made of where they were needed.
pub(super) struct Explored<'a> {
    key: Key,
    pub(super) component: Component,
    pub(super) part: Arc<Part>,
    space: Option<Space<'a>>,
}

impl<'a> Explored<'a> {
    /// Searches a component, unless it is known and nothing concerns one of its members.
    pub(super) fn new(
        component: Component,
        members: &[Member<'a>],
        algebra: &Algebra,
        known: &Searched,
        concern: &(dyn Fn(&PolicyName) -> bool + Sync),
    ) -> Self {
        let names: Vec<PolicyName> =
            component.members.iter().map(|at| members[*at].limit.name.clone()).collect();
        let changed = names.iter().any(concern);
        let key = (component.part, names);
        if let Some(part) = known.0.get(&key).filter(|_| !changed) {
            return Self { key, component, part: Arc::clone(part), space: None };
        }
        let space = Space::new(&component, members, algebra);
        let found = space.as_ref().map(|space| space.explore(explore::excludes(algebra.policies())));
        let part = Arc::new(Part { found, findings: BTreeMap::new() });
        Self { key, component, part, space }
    }

    /// Whether all sets are known.
    pub(super) fn is_complete(&self) -> bool {
        self.part.found.as_ref().is_some_and(|(_, complete)| *complete)
    }

    /// The members of sets that were found, by position.
    pub(super) fn involved(&self) -> impl Iterator<Item = usize> {
        let all = self.part.found.iter().flat_map(|(found, _)| found).fold(0, |all, found| all | found.set);
        super::minimal::indices(all).map(|at| self.component.members[at])
    }

    /// The members of a set, sorted.
    pub(super) fn names(&self, set: Set) -> Vec<PolicyName> {
        let mut names: Vec<PolicyName> =
            super::minimal::indices(set).map(|at| self.key.1[at].clone()).collect();
        names.sort();
        names
    }

    /// What is to be told of a set; `None` if its proof doesn't check.
    pub(super) fn finding(&self, found: Found, members: &[Member<'a>], algebra: &Algebra) -> Option<Finding> {
        if let Some(known) = self.part.findings.get(&self.names(found.set)) {
            return Some(known.clone());
        }
        match &self.space {
            Some(space) => super::finding(space, found, algebra),
            None => super::finding(&Space::new(&self.component, members, algebra)?, found, algebra),
        }
    }
}

impl Searched {
    /// All of these, with what was made of the sets found in them.
    pub(super) fn of(
        explored: Vec<Explored<'_>>,
        mut findings: Vec<BTreeMap<Vec<PolicyName>, Finding>>,
    ) -> Self {
        let parts = explored.into_iter().zip(&mut findings).map(|(Explored { key, part, .. }, new)| {
            if new.keys().all(|set| part.findings.contains_key(set)) {
                return (key, part);
            }
            let mut all = part.findings.clone();
            all.append(new);
            (key, Arc::new(Part { found: part.found.clone(), findings: all }))
        });
        Self(parts.collect())
    }
}
