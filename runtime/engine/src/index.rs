//! Which policies could select a path, found by its segments instead of by asking every policy.

use std::collections::HashMap;

use ordain_ir::{Glob, Path, ScopePattern, ScopeSelector};

/// A tree over the segments of paths. A policy hangs at the deepest node whose literal segments every path of one
/// of its patterns shares, so on the way down to a path one meets all policies that may select it.
#[derive(Debug, Default)]
pub(crate) struct ScopeIndex {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    here: Vec<usize>,
    // Only ever looked up by key, never iterated: hash order can't reach an answer.
    below: HashMap<String, Self>,
}

impl ScopeIndex {
    /// Adds the policy number `policy`; numbers must grow from call to call.
    pub(crate) fn insert(&mut self, policy: usize, scope: &ScopeSelector) {
        for pattern in &scope.include {
            let mut node = &mut self.root;
            for segment in literal_prefix(pattern) {
                node = node.below.entry(segment.to_owned()).or_default();
            }
            if node.here.last() != Some(&policy) {
                node.here.push(policy);
            }
        }
    }

    /// The numbers of all policies that may select the path, ascending, without repetition.
    pub(crate) fn candidates(&self, path: &Path) -> Vec<usize> {
        let mut found = self.root.here.clone();
        let mut node = &self.root;
        for segment in [&path.tenant, &path.project, &path.agent] {
            let Some(below) = node.below.get(segment) else { break };
            found.extend_from_slice(&below.here);
            node = below;
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn literal_prefix(pattern: &ScopePattern) -> impl Iterator<Item = &str> {
    [&pattern.tenant, &pattern.project, &pattern.agent]
        .into_iter()
        .map_while(|part| part.as_ref().and_then(Glob::as_literal))
}
