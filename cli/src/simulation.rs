//! What comes of recorded requests: outcomes by policy and scope, limits that came near their bounds, and how two sets
//! of policies differ.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ordain_engine::ledger::{Band, LimitEvent};
use ordain_engine::{Decision, Outcome, Role};
use ordain_ir::{Path, PolicyName};
use serde::Serialize;

/// How often which outcome came out.
pub(crate) type Outcomes = BTreeMap<Outcome, u64>;

/// The parts that a policy played.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Parts {
    /// It demanded the outcome, first or with others.
    pub(crate) decided: u64,
    /// It demanded something milder.
    pub(crate) milder: u64,
    /// It was outranked or overridden.
    pub(crate) silenced: u64,
    /// It is a limit whose bound held.
    pub(crate) held: u64,
}

/// What came of all requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Statistics {
    pub(crate) requests: u64,
    /// How many had something wrong in them.
    pub(crate) with_faults: u64,
    /// The earliest and the latest instant.
    pub(crate) from: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
    pub(crate) outcomes: Outcomes,
    /// By name, every policy, so that those that never spoke are seen too.
    pub(crate) policies: BTreeMap<PolicyName, Parts>,
    /// By `tenant/project`.
    pub(crate) scopes: BTreeMap<String, Outcomes>,
    /// By limit, how often which band was entered.
    pub(crate) bands: BTreeMap<PolicyName, BTreeMap<Band, u64>>,
}

impl Statistics {
    pub(crate) fn of<'a>(policies: impl Iterator<Item = &'a PolicyName>) -> Self {
        let policies = policies.map(|name| (name.clone(), Parts::default())).collect();
        Self { policies, ..Self::default() }
    }

    /// Takes a decision in.
    pub(crate) fn add(&mut self, path: &Path, at: Timestamp, decision: &Decision, events: &[LimitEvent]) {
        self.requests += 1;
        self.with_faults += u64::from(!decision.faults.is_empty());
        self.from = Some(self.from.map_or(at, |from| from.min(at)));
        self.until = Some(self.until.map_or(at, |until| until.max(at)));
        *self.outcomes.entry(decision.outcome).or_default() += 1;
        let scope = format!("{}/{}", path.tenant, path.project);
        *self.scopes.entry(scope).or_default().entry(decision.outcome).or_default() += 1;
        let rules = decision.rules.iter().map(|it| (&it.rule.name, &it.role));
        for (name, role) in rules.chain(decision.limits.iter().map(|it| (&it.limit.name, &it.role))) {
            let parts = self.policies.entry(name.clone()).or_default();
            *match role {
                Role::Decided | Role::Agreed => &mut parts.decided,
                Role::Milder { .. } => &mut parts.milder,
                Role::Outranked { .. } | Role::Overridden { .. } | Role::Ignored => &mut parts.silenced,
                Role::Held => &mut parts.held,
            } += 1;
        }
        for event in events {
            *self.bands.entry(event.limit.clone()).or_default().entry(event.band).or_default() += 1;
        }
    }
}

/// A kind of difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    pub(crate) before: Outcome,
    pub(crate) after: Outcome,
    pub(crate) requests: u64,
    /// The first of these requests.
    pub(crate) first: Example,
}

/// A request on which two sets of policies differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Example {
    /// The line of the trace.
    pub(crate) line: usize,
    pub(crate) path: Path,
    pub(crate) at: Timestamp,
    /// Who demanded the outcomes.
    pub(crate) before_by: Vec<PolicyName>,
    pub(crate) after_by: Vec<PolicyName>,
}

/// How the outcomes of two sets of policies differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Differences {
    pub(crate) stricter: u64,
    pub(crate) milder: u64,
    /// By both outcomes.
    pub(crate) changes: Vec<Change>,
}

impl Differences {
    /// Takes in what came of the request on a line.
    pub(crate) fn add(
        &mut self,
        line: usize,
        path: &Path,
        at: Timestamp,
        before: &Decision,
        after: &Decision,
    ) {
        if before.outcome == after.outcome {
            return;
        }
        *if after.outcome > before.outcome { &mut self.stricter } else { &mut self.milder } += 1;
        let outcomes = (before.outcome, after.outcome);
        match self.changes.binary_search_by_key(&outcomes, |it| (it.before, it.after)) {
            Ok(known) => self.changes[known].requests += 1,
            Err(place) => {
                let by = |decision: &Decision| decision.deciders().cloned().collect();
                let (before_by, after_by) = (by(before), by(after));
                let first = Example { line, path: path.clone(), at, before_by, after_by };
                let (before, after) = outcomes;
                self.changes.insert(place, Change { before, after, requests: 1, first });
            }
        }
    }
}
