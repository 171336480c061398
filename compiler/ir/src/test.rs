//! Policy tests: a request, what the counters hold before it, and the decision that is wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::{Fact, FactName, Limit, MeterUnit, Outcome, PolicyName, Request, Rule, Site};

/// A checked `test` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCase {
    /// What it is about; unique in its package.
    pub name: String,
    /// The package that it stands in.
    pub package: String,
    /// Where it stands.
    pub site: Site,
    /// Rules that exist in this test only, from an `apply` in it.
    pub rules: BTreeMap<PolicyName, Arc<Rule>>,
    /// Limits that exist in this test only.
    pub limits: BTreeMap<PolicyName, Arc<Limit>>,
    /// Facts that only its own policies read, so that they aren't among those of the workspace.
    pub facts: BTreeMap<FactName, Fact>,
    /// Meters that only its own policies bound, likewise.
    pub meters: BTreeMap<String, MeterUnit>,
    /// The request. Required facts that the test doesn't give have the mildest value of their type: `false`, the
    /// number of the range nearest to zero, the empty text, the first word, the empty set.
    pub request: Request,
    /// The names of the facts that the test gives.
    pub given: BTreeSet<FactName>,
    /// What the counters of accumulated limits hold before the request, in units of the limit's quantity; 0 for the
    /// others.
    pub used: BTreeMap<PolicyName, i64>,
    /// What is wanted; at least one.
    pub expectations: Vec<Expectation>,
}

/// `expect block by a not by b`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Where it stands.
    pub site: Site,
    /// The outcome.
    pub outcome: Outcome,
    /// Policies that demand exactly this outcome.
    pub by: BTreeSet<PolicyName>,
    /// Policies that don't demand it: silent, beaten, or milder.
    pub not_by: BTreeSet<PolicyName>,
}
