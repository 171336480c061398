//! Who overrides whom, through any number of policies.

use std::collections::{BTreeMap, BTreeSet};

use ordain_ir::{Policies, PolicyName};

/// The transitive closure of `overrides`. A retired policy in between doesn't break the chain: what was said
/// of the pair stays said.
#[derive(Debug, Default)]
pub(crate) struct Overrides<'a> {
    beneath: BTreeMap<&'a PolicyName, BTreeSet<&'a PolicyName>>,
}

impl<'a> Overrides<'a> {
    pub(crate) fn new(policies: &'a Policies) -> Self {
        let rules = policies.rules.values().map(|rule| (&rule.name, &rule.overrides));
        let limits = policies.limits.values().map(|limit| (&limit.name, &limit.overrides));
        let direct: BTreeMap<&PolicyName, Vec<&PolicyName>> = rules
            .chain(limits)
            .filter(|(_, overrides)| !overrides.is_empty())
            .map(|(name, overrides)| (name, overrides.iter().map(|o| &o.policy).collect()))
            .collect();
        let mut beneath = BTreeMap::new();
        for name in direct.keys() {
            let mut reached = BTreeSet::new();
            let mut open = direct[*name].clone();
            while let Some(next) = open.pop() {
                if reached.insert(next) {
                    open.extend(direct.get(next).into_iter().flatten());
                }
            }
            beneath.insert(*name, reached);
        }
        Self { beneath }
    }

    /// Whether one of the two overrides the other.
    pub(crate) fn relate(&self, a: &PolicyName, b: &PolicyName) -> bool {
        !self.beneath.is_empty() && (self.reaches(a, b) || self.reaches(b, a))
    }

    /// Whether the first overrides the second.
    pub(crate) fn reaches(&self, over: &PolicyName, under: &PolicyName) -> bool {
        self.beneath.get(over).is_some_and(|all| all.contains(under))
    }

    /// All that a policy overrides.
    pub(crate) fn beneath(&self, name: &PolicyName) -> impl Iterator<Item = &'a PolicyName> {
        self.beneath.get(name).into_iter().flatten().copied()
    }

    /// Every pair of which the first overrides the second.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&'a PolicyName, &'a PolicyName)> {
        self.beneath.iter().flat_map(|(over, under)| under.iter().map(|under| (*over, *under)))
    }
}
