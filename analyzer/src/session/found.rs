//! What an analysis has found, in pieces that the next one shares.

use std::collections::BTreeSet;
use std::sync::Arc;

use ordain_ir::{Conflict, Gap, PairCounts, PolicyId, PolicyRef, Report};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::allowances::Acknowledgements;
use crate::analysis::order;

/// Conflicts by each of the policies that take part, each list in the order of a report.
#[derive(Clone, Debug, Default)]
pub(super) struct ByPolicy(FxHashMap<PolicyId, Arc<[Arc<Conflict>]>>);

/// What an analysis has found. Conflicts between policies that an edit leaves alone are shared with what was found
/// before it, and no list of all of them is made unless a report is asked for.
#[derive(Clone, Debug, Default)]
pub struct Found {
    conflicts: ByPolicy,
    pairs: PairCounts,
    gaps: Vec<Gap>,
}

/// Conflicts that can be looked up by the policies that take part.
pub trait Involved {
    /// Those in which a policy takes part, in the order of a report.
    fn involving(&self, policy: &PolicyId) -> impl Iterator<Item = &Conflict>;
}

/// The conflicts of a report by policy.
pub(crate) struct Index<'r>(FxHashMap<PolicyId, Vec<&'r Conflict>>);

impl<'r> Index<'r> {
    pub(crate) fn of(report: &'r Report) -> Self {
        let mut all: FxHashMap<PolicyId, Vec<&Conflict>> = FxHashMap::default();
        for conflict in &report.conflicts {
            for policy in &conflict.policies {
                all.entry(policy.id).or_default().push(conflict);
            }
        }
        Self(all)
    }
}

impl Involved for Index<'_> {
    fn involving(&self, policy: &PolicyId) -> impl Iterator<Item = &Conflict> {
        self.0.get(policy).into_iter().flatten().copied()
    }
}

impl ByPolicy {
    /// Takes out the conflicts of some policies and some other conflicts, and puts new ones in.
    pub(super) fn replace(&mut self, changed: &[PolicyId], gone: &[Arc<Conflict>], new: &[Arc<Conflict>]) {
        let all = new.iter().flat_map(|conflict| conflict.policies.iter().map(move |it| (it.id, conflict)));
        let mut added: FxHashMap<PolicyId, Vec<Arc<Conflict>>> = FxHashMap::default();
        for (policy, conflict) in all {
            added.entry(policy).or_default().push(Arc::clone(conflict));
        }
        let changed: FxHashSet<PolicyId> = changed.iter().copied().collect();
        let of_changed = changed.iter().filter_map(|policy| self.0.get(policy)).flat_map(|list| list.iter());
        let taken_out = of_changed.chain(gone).flat_map(|conflict| &conflict.policies);
        let touched: BTreeSet<PolicyId> =
            taken_out.map(|policy| policy.id).chain(added.keys().copied()).collect();
        let gone: FxHashSet<*const Conflict> = gone.iter().map(Arc::as_ptr).collect();
        let stays = |conflict: &&Arc<Conflict>| {
            !gone.contains(&Arc::as_ptr(conflict))
                && !conflict.policies.iter().any(|policy| changed.contains(&policy.id))
        };
        for policy in touched {
            let old = self.0.get(&policy).map_or(&[][..], |list| &**list);
            let mut list: Vec<Arc<Conflict>> = old.iter().filter(stays).cloned().collect();
            let mut more = added.remove(&policy).unwrap_or_default();
            more.sort_unstable_by(|a, b| order(a, b));
            merge(&mut list, more);
            if list.is_empty() {
                self.0.remove(&policy);
            } else {
                self.0.insert(policy, list.into());
            }
        }
    }

    /// The same with the conflicts marked that an `allow` names.
    pub(super) fn acknowledged(&self, acknowledgements: &Acknowledgements<'_>) -> Self {
        let mut out = self.clone();
        for policy in acknowledgements.policies().map(PolicyId::of) {
            for conflict in self.of(&policy) {
                let Some(marked) = acknowledgements.acknowledged(conflict).map(Arc::new) else { continue };
                for PolicyRef { id, .. } in &conflict.policies {
                    let list = out
                        .of(id)
                        .iter()
                        .map(|other| Arc::clone(if Arc::ptr_eq(other, conflict) { &marked } else { other }));
                    let list = list.collect();
                    out.0.insert(*id, list);
                }
            }
        }
        out
    }

    fn of(&self, policy: &PolicyId) -> &[Arc<Conflict>] {
        self.0.get(policy).map_or(&[], |list| list)
    }
}

/// Puts sorted conflicts into sorted ones.
fn merge(into: &mut Vec<Arc<Conflict>>, more: Vec<Arc<Conflict>>) {
    if into.is_empty() {
        *into = more;
        return;
    }
    for conflict in more {
        let at = into.partition_point(|other| order(other, &conflict).is_lt());
        into.insert(at, conflict);
    }
}

impl Found {
    pub(super) fn new(conflicts: ByPolicy, pairs: PairCounts, gaps: Vec<Gap>) -> Self {
        Self { conflicts, pairs, gaps }
    }

    /// How the pairs were decided.
    pub fn pairs(&self) -> PairCounts {
        self.pairs
    }

    /// Coverage that is required and lacking, sorted by obligation.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// The conflicts in which a policy takes part, in the order of a report.
    pub fn of(&self, policy: &PolicyId) -> &[Arc<Conflict>] {
        self.conflicts.of(policy)
    }

    /// The conflicts, in no particular order, each once.
    pub fn conflicts(&self) -> impl Iterator<Item = &Arc<Conflict>> {
        let lists = self.conflicts.0.iter();
        lists.flat_map(|(policy, list)| list.iter().filter(move |it| it.policies[0].id == *policy))
    }

    /// The report that [`analyze`](crate::analyze) would have given.
    pub fn report(&self) -> Report {
        let mut conflicts: Vec<&Arc<Conflict>> = self.conflicts().collect();
        conflicts.sort_unstable_by(|a, b| order(a, b));
        let conflicts = conflicts.into_iter().cloned().collect();
        Report { conflicts, pairs: self.pairs, gaps: self.gaps.clone() }
    }
}

impl Involved for Found {
    fn involving(&self, policy: &PolicyId) -> impl Iterator<Item = &Conflict> {
        self.of(policy).iter().map(Arc::as_ref)
    }
}
