//! Running one test.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_compiler::Branch;
use ordain_engine::{Decision, Engine, EngineError, UsedByLimit};
use ordain_ir::{Expectation, FactName, Outcome, Policies, PolicyName, TestCase, Value};

use super::silence::{self, Silence};

/// Runs tests on one set of policies.
#[derive(Debug)]
pub(crate) struct Runner {
    engine: Engine,
}

/// What came of a test.
#[derive(Debug)]
pub(crate) struct TestRun {
    /// The test.
    pub(crate) case: Arc<TestCase>,
    /// The policies that it was decided by: those of the workspace and its own.
    pub(crate) policies: Arc<Policies>,
    /// The parts of the conditions of its own policies.
    pub(crate) branches: BTreeMap<PolicyName, Vec<Branch>>,
    /// The decision, or why there is none; that would be a mistake of the compiler's.
    pub(crate) decision: Result<Decision, String>,
    /// The expectations that are not met, in order.
    pub(crate) unmet: Vec<Unmet>,
}

/// An expectation that is not met.
#[derive(Debug)]
pub(crate) struct Unmet {
    /// Its place among the test's expectations.
    pub(crate) index: usize,
    /// The policies that were to demand the outcome and don't, with the reasons.
    pub(crate) missing: Vec<(PolicyName, Silence)>,
    /// The policies that were not to demand it and do.
    pub(crate) unwanted: Vec<PolicyName>,
    /// The facts that the test leaves out and that play a part here, with the values that they have instead.
    pub(crate) defaults: BTreeMap<FactName, Value>,
}

impl TestRun {
    /// Whether every expectation is met.
    pub(crate) fn passed(&self) -> bool {
        self.decision.is_ok() && self.unmet.is_empty()
    }

    /// The expectation that is not met.
    pub(crate) fn expectation(&self, unmet: &Unmet) -> &Expectation {
        &self.case.expectations[unmet.index]
    }
}

impl Runner {
    /// Over the policies of a workspace. Fails only on policies that the compiler would not have produced.
    pub(crate) fn new(policies: Arc<Policies>) -> Result<Self, EngineError> {
        Ok(Self { engine: Engine::new(policies)? })
    }

    /// Runs a test; `branches` are the parts of the conditions of its own policies.
    pub(crate) fn run(&self, case: &Arc<TestCase>, branches: BTreeMap<PolicyName, Vec<Branch>>) -> TestRun {
        let shared = self.engine.policies();
        let (policies, decision) = if case.rules.is_empty() && case.limits.is_empty() {
            (Arc::clone(shared), decide(&self.engine, case))
        } else {
            let policies = Arc::new(with_own(shared, case));
            let engine = Engine::new(Arc::clone(&policies)).map_err(|error| error.to_string());
            let decision = engine.and_then(|engine| decide(&engine, case));
            (policies, decision)
        };
        let unmet = decision.as_ref().map_or_else(
            |_| vec![],
            |decision| {
                let judged = case.expectations.iter().enumerate();
                judged.filter_map(|(index, it)| judge(index, it, case, &policies, decision)).collect()
            },
        );
        TestRun { case: Arc::clone(case), policies, branches, decision, unmet }
    }
}

fn decide(engine: &Engine, case: &TestCase) -> Result<Decision, String> {
    engine.decide(&case.request, &UsedByLimit(case.used.clone())).map_err(|error| error.to_string())
}

/// The workspace's policies and those that exist in the test only.
fn with_own(shared: &Policies, case: &TestCase) -> Policies {
    let mut policies = shared.clone();
    policies.rules.extend(case.rules.iter().map(|(name, rule)| (name.clone(), Arc::clone(rule))));
    policies.limits.extend(case.limits.iter().map(|(name, limit)| (name.clone(), Arc::clone(limit))));
    policies.facts.extend(case.facts.iter().map(|(name, fact)| (name.clone(), fact.clone())));
    policies.meters.extend(case.meters.iter().map(|(name, unit)| (name.clone(), unit.clone())));
    policies
}

/// What is wrong with the decision by one expectation; `None` if it is met.
fn judge(
    index: usize,
    expected: &Expectation,
    case: &TestCase,
    policies: &Policies,
    decision: &Decision,
) -> Option<Unmet> {
    let deciders: BTreeSet<&PolicyName> = decision.deciders().collect();
    let right = decision.outcome == expected.outcome;
    // Whoever demands another outcome doesn't demand this one.
    let demands = |name: &PolicyName| right && deciders.contains(name);
    let silence = |name: &PolicyName| silence::explain(policies, &case.request, decision, name);
    let missing: Vec<_> =
        expected.by.iter().filter(|name| !demands(name)).map(|name| (name.clone(), silence(name))).collect();
    let unwanted: Vec<_> = expected.not_by.iter().filter(|name| demands(name)).cloned().collect();
    if right && missing.is_empty() && unwanted.is_empty() {
        return None;
    }
    let defaults = defaults(expected, right, case, policies, decision);
    Some(Unmet { index, missing, unwanted, defaults })
}

/// The facts that the test leaves out and that the policies concerned read: those that spoke, those that the
/// expectation names, and if it names none, those that could have brought the outcome about.
fn defaults(
    expected: &Expectation,
    right: bool,
    case: &TestCase,
    policies: &Policies,
    decision: &Decision,
) -> BTreeMap<FactName, Value> {
    let spoke = decision.rules.iter().map(|it| &it.rule.name);
    let spoke = spoke.chain(decision.limits.iter().map(|it| &it.limit.name));
    let mut concerned: BTreeSet<&PolicyName> = spoke.chain(&expected.by).chain(&expected.not_by).collect();
    if !right && expected.by.is_empty() {
        let request = &case.request;
        let rules = policies.rules.values().filter(|rule| {
            Outcome::from(rule.enforcement_mode) == expected.outcome
                && rule.scope.contains(&request.path, request.provider.as_deref())
        });
        let limits = policies.limits.values().filter(|limit| {
            Outcome::from(limit.enforcement) == expected.outcome
                && limit.scope.contains(&request.path, request.provider.as_deref())
        });
        concerned.extend(rules.map(|rule| &rule.name));
        concerned.extend(limits.map(|limit| &limit.name));
    }
    let mut read = BTreeSet::new();
    for name in concerned {
        let limit = policies.limits.get(name);
        let confining = limit.and_then(|limit| limit.rule.as_ref());
        for rule in [name].into_iter().chain(confining).filter_map(|name| policies.rules.get(name)) {
            rule.condition.collect_facts(&mut read);
        }
        if let Some(limit) = limit {
            limit.condition.collect_facts(&mut read);
        }
    }
    let filled_in = read.into_iter().filter(|fact| !case.given.contains(fact));
    filled_in.filter_map(|fact| Some((fact.clone(), case.request.facts.get(&fact)?.clone()))).collect()
}
