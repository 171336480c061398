//! The search for conflicts, apart from the database: it may take long, and an edit must not wait for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ordain_analyzer::{Found, Lint, Memo, Options, Session, differing};
use ordain_ir::{Conflict, Fact, FactName, Policies, PolicyId, PolicyName};

use crate::{Interrupted, guard};

/// What searches in one workspace remember: answers to single questions, and what rests on policies that stay the same.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    memo: Arc<Memo>,
    session: Arc<Mutex<Session>>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        let memo: Arc<Memo> = Arc::default();
        Self { session: Arc::new(Mutex::new(Session::new(Arc::clone(&memo)))), memo }
    }
}

/// A search that is to be made, perhaps on another thread.
pub struct Analysis {
    policies: Arc<Policies>,
    memory: Memory,
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
    found: Arc<Found>,
    /// `None` while they are looked for.
    lints: Option<Arc<[Arc<Lint>]>>,
}

/// The conflicts of an analysis, as far as they are surely conflicts of other policies too.
pub struct Standing {
    found: Arc<Found>,
    /// Policies whose conflicts may be others now; `None` if those of all may be.
    changed: Option<BTreeSet<PolicyId>>,
}

impl Analysis {
    /// A search in these policies, and the handle that stops it.
    pub(crate) fn new(policies: &Arc<Policies>, memory: &Memory) -> (Self, Running) {
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

    /// Searches. What else is probably not meant is still to be looked for then, see [`Self::complete`].
    ///
    /// # Errors
    /// [`Interrupted::Cancelled`] if it was stopped on the way, [`Interrupted::Failed`] if it can't be done.
    pub fn run(&self) -> Result<Analysed, Interrupted> {
        // A session that a search has left by unwinding is as it was before.
        let mut session = self.memory.session.lock().unwrap_or_else(PoisonError::into_inner);
        let found = self.guarded(|options| session.analyze(&self.policies, options))?;
        Ok(Analysed { policies: self.policies.clone(), found, lints: None })
    }

    /// Looks for what else is probably not meant. That takes longer, and is wanted less urgently.
    ///
    /// # Errors
    /// As of [`Self::run`].
    pub fn complete(&self, analysed: Analysed) -> Result<Analysed, Interrupted> {
        // That a window has passed is for the gate to say: an editor doesn't judge by the day.
        let mut session = self.memory.session.lock().unwrap_or_else(PoisonError::into_inner);
        let lints = self.guarded(|options| session.lint(&self.policies, options, None))?;
        Ok(Analysed { lints: Some(lints.into()), ..analysed })
    }

    fn guarded<T>(
        &self,
        search: impl FnOnce(&Options<'_>) -> Result<T, ordain_analyzer::AnalyzerError>,
    ) -> Result<T, Interrupted> {
        let stop_if_unwanted = || self.checkpoint();
        let options = Options {
            memo: Some(self.memory.memo.clone()),
            interrupt: Some(&stop_if_unwanted),
            ..Options::default()
        };
        guard(|| search(&options))?.map_err(|error| Interrupted::Failed(error.to_string()))
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

    /// What was found.
    pub fn found(&self) -> &Found {
        &self.found
    }

    /// What else is probably not meant, once it has been looked for.
    pub fn lints(&self) -> Option<&[Arc<Lint>]> {
        self.lints.as_deref()
    }

    /// Whether it is about these policies, not about others that may be much alike.
    pub fn is_of(&self, policies: &Arc<Policies>) -> bool {
        Arc::ptr_eq(&self.policies, policies) || self.policies == *policies
    }

    /// The conflicts, as far as they are surely conflicts of these other policies too: those between policies
    /// that have not changed, nor anything else that a conflict rests on. So an edit of one policy doesn't make
    /// the findings about all others flicker.
    pub fn standing(&self, policies: &Arc<Policies>) -> Standing {
        let changed =
            if self.is_of(policies) { Some(BTreeSet::new()) } else { changed(&self.policies, policies) };
        Standing { found: Arc::clone(&self.found), changed }
    }
}

impl Standing {
    /// The conflicts in which a policy takes part.
    pub fn of(&self, policy: &PolicyId) -> impl Iterator<Item = &Arc<Conflict>> {
        let known = self.changed.as_ref().map_or(&[][..], |_| self.found.of(policy));
        known.iter().filter(|conflict| self.stands(conflict))
    }

    /// All of them, each once.
    pub fn conflicts(&self) -> impl Iterator<Item = &Arc<Conflict>> {
        let all = self.changed.is_some().then(|| self.found.conflicts());
        all.into_iter().flatten().filter(|conflict| self.stands(conflict))
    }

    fn stands(&self, conflict: &Conflict) -> bool {
        let changed = |id: &PolicyId| self.changed.as_ref().is_none_or(|changed| changed.contains(id));
        !conflict.policies.iter().any(|policy| changed(&policy.id))
    }
}

/// The policies that have changed, or what their conflicts rest on; `None` if something has on which all may rest.
fn changed(old: &Policies, new: &Policies) -> Option<BTreeSet<PolicyId>> {
    // Facts give the variables their types and ranges; settings give the severities and the horizon.
    let known = |fact: (&FactName, &Fact)| new.facts.get(fact.0) == Some(fact.1);
    if !old.facts.iter().all(known) || old.settings != new.settings {
        return None;
    }
    let mut changed: BTreeSet<&PolicyName> = BTreeSet::new();
    // Who overrides whom, across any number of policies, decides which pairs count at all.
    let (mut overriding, mut came) = (false, false);
    differing(&old.rules, &new.rules, |name, versions| {
        overriding |= versions.iter().flatten().any(|rule| !rule.overrides.is_empty());
        came |= versions[0].is_none();
        changed.insert(name);
    });
    differing(&old.limits, &new.limits, |name, versions| {
        overriding |= versions.iter().flatten().any(|limit| !limit.overrides.is_empty());
        came |= versions[0].is_none();
        changed.insert(name);
    });
    if (overriding || came) && overrides(old) != overrides(new) {
        return None;
    }
    let confined =
        old.limits.values().filter(|it| it.rule.as_ref().is_some_and(|rule| changed.contains(rule)));
    let confined: Vec<&PolicyName> = confined.map(|limit| &limit.name).collect();
    changed.extend(confined);
    Some(changed.into_iter().map(PolicyId::of).collect())
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
