//! The search for conflicts, apart from the database: it may take long, and an edit must not wait for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ordain_analyzer::{Lint, Memo, Options};
use ordain_ir::{Conflict, Policies, PolicyKind, PolicyName, PolicyRef, Report};

use crate::{Interrupted, guard};

/// A search that is to be made, perhaps on another thread.
pub struct Analysis {
    policies: Arc<Policies>,
    memory: Arc<Memo>,
    interrupt: Arc<AtomicBool>,
}

/// A search that is under way.
pub struct Running {
    policies: Arc<Policies>,
    interrupt: Arc<AtomicBool>,
}

/// The conflicts of some policies.
#[derive(Clone, Debug)]
pub struct Analysed {
    policies: Arc<Policies>,
    report: Arc<Report>,
    lints: Arc<[Lint]>,
}

impl Analysis {
    /// A search in these policies, and the handle that stops it.
    pub(crate) fn new(policies: &Arc<Policies>, memory: &Arc<Memo>) -> (Self, Running) {
        let interrupt = Arc::new(AtomicBool::new(false));
        let running = Running { policies: policies.clone(), interrupt: interrupt.clone() };
        (Self { policies: policies.clone(), memory: memory.clone(), interrupt }, running)
    }

    /// The policies.
    pub fn policies(&self) -> &Arc<Policies> {
        &self.policies
    }

    /// Unwinds, to be caught by [`guard`](crate::guard), if the search is no longer wanted.
    pub fn checkpoint(&self) {
        if self.interrupt.load(Ordering::Relaxed) {
            std::panic::resume_unwind(Box::new(salsa::Cancelled::Local));
        }
    }

    /// Searches.
    ///
    /// # Errors
    /// [`Interrupted::Cancelled`] if it was stopped on the way, [`Interrupted::Failed`] if it can't be done.
    pub fn run(&self) -> Result<Analysed, Interrupted> {
        let stop_if_unwanted = || self.checkpoint();
        let options = Options {
            memo: Some(self.memory.clone()),
            interrupt: Some(&stop_if_unwanted),
            ..Options::default()
        };
        let report = guard(|| ordain_analyzer::analyze(&self.policies, &options))?
            .map_err(|error| Interrupted::Failed(error.to_string()))?;
        // That a window has passed is for the gate to say: an editor doesn't judge by the day.
        let lints = guard(|| ordain_analyzer::lint(&self.policies, &options, None))?
            .map_err(|error| Interrupted::Failed(error.to_string()))?;
        Ok(Analysed { policies: self.policies.clone(), report: Arc::new(report), lints: lints.into() })
    }
}

impl Running {
    /// The policies.
    pub fn policies(&self) -> &Arc<Policies> {
        &self.policies
    }

    /// Stops the search soon.
    pub fn stop(&self) {
        self.interrupt.store(true, Ordering::Relaxed);
    }
}

impl Analysed {
    /// The policies.
    pub fn policies(&self) -> &Arc<Policies> {
        &self.policies
    }

    /// What else is probably not meant.
    pub fn lints(&self) -> &[Lint] {
        &self.lints
    }

    /// Their conflicts, as far as they are surely conflicts of these other policies too: those between policies
    /// that have not changed, nor anything else that a conflict rests on. So an edit of one policy doesn't make
    /// the findings about all others flicker.
    pub fn report_for(&self, policies: &Arc<Policies>) -> Arc<Report> {
        if Arc::ptr_eq(&self.policies, policies) || self.policies == *policies {
            return self.report.clone();
        }
        let (old, new) = (&*self.policies, &**policies);
        // Facts give the variables their types and ranges; settings give the severities and the horizon; who
        // overrides whom, across any number of policies, decides which pairs count at all.
        let same_facts = old.facts.iter().all(|(name, fact)| new.facts.get(name) == Some(fact));
        if !same_facts || old.settings != new.settings || overrides(old) != overrides(new) {
            return Arc::default();
        }
        let unchanged = |conflict: &&Conflict| conflict.policies.iter().all(|policy| same(old, new, policy));
        let conflicts = self.report.conflicts.iter().filter(unchanged).cloned().collect();
        Arc::new(Report { conflicts, pairs: self.report.pairs, ..Report::default() })
    }
}

/// Whether a policy is the same on both sides, with the rule to which it may be confined.
fn same(old: &Policies, new: &Policies, policy: &PolicyRef) -> bool {
    let rule = |name: &PolicyName| old.rules.contains_key(name) && old.rules.get(name) == new.rules.get(name);
    match policy.kind {
        PolicyKind::Rule => rule(&policy.name),
        PolicyKind::Limit => old.limits.get(&policy.name).is_some_and(|limit| {
            new.limits.get(&policy.name) == Some(limit) && limit.rule.as_ref().is_none_or(rule)
        }),
    }
}

/// Who overrides whom.
fn overrides(policies: &Policies) -> BTreeMap<&PolicyName, BTreeSet<&PolicyName>> {
    let rules = policies.rules.iter().map(|(name, rule)| (name, &rule.overrides));
    let limits = policies.limits.iter().map(|(name, limit)| (name, &limit.overrides));
    rules
        .chain(limits)
        .filter(|(_, overrides)| !overrides.is_empty())
        .map(|(name, overrides)| (name, overrides.iter().map(|o| &o.policy).collect()))
        .collect()
}
