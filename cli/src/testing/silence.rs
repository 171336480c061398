//! Why a policy doesn't demand what a test expects of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use ordain_engine::{Decision, Engine, Predicate};
use ordain_ir::{
    Condition, Fact, FactName, Limit, LimitStatus, Policies, PolicyName, Request, Rule, RuleStatus,
};

/// Why a policy doesn't speak, or not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// It takes no part in decisions; its status.
    Inactive(String),
    /// The request is none of its scope's; the scope.
    OutOfScope(String),
    /// The instant is in none of its windows.
    OutOfWindow,
    /// Its condition is false, because of these parts of it: each would have to be otherwise, or one of them where
    /// they are alternatives.
    ConditionFalse(Vec<Condition>),
    /// It speaks only where this rule does, and the request is not in the rule's domain.
    Confined {
        /// The rule.
        rule: PolicyName,
        /// Why the rule doesn't speak.
        because: Box<Self>,
    },
    /// It is concerned, and this came of it.
    Concerned(String),
}

impl Silence {
    /// The reason in words that follow the policy's name.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Inactive(status) => format!("takes no part, its status is {status}"),
            Self::OutOfScope(scope) => format!("does not speak: the request is not in its scope, {scope}"),
            Self::OutOfWindow => "does not speak: it is not active at this instant".to_owned(),
            Self::ConditionFalse(_) => "does not speak: its condition is false".to_owned(),
            Self::Confined { rule, because } => {
                format!("does not speak: it follows rule `{rule}`, which {}", because.words())
            }
            Self::Concerned(reason) => reason.clone(),
        }
    }

    /// The parts of a condition that are to blame, if a condition is, and whose condition it is.
    pub(crate) fn blamed<'a>(&'a self, policy: &'a PolicyName) -> Option<(&'a PolicyName, &'a [Condition])> {
        match self {
            Self::ConditionFalse(parts) => Some((policy, parts)),
            Self::Confined { rule, because } => because.blamed(rule),
            _ => None,
        }
    }
}

/// What a policy is, as far as its domain goes.
struct Parts<'a> {
    inactive: Option<&'static str>,
    scope: &'a ordain_ir::ScopeSelector,
    condition: &'a Condition,
    rule: Option<&'a PolicyName>,
}

impl<'a> Parts<'a> {
    fn of(policies: &'a Policies, name: &PolicyName) -> Option<Self> {
        let rule = |rule: &'a Arc<Rule>| Self {
            inactive: (rule.status != RuleStatus::Active).then(|| rule.status.as_str()),
            scope: &rule.scope,
            condition: &rule.condition,
            rule: None,
        };
        let limit = |limit: &'a Arc<Limit>| Self {
            inactive: (limit.status != LimitStatus::Active).then(|| limit.status.as_str()),
            scope: &limit.scope,
            condition: &limit.condition,
            rule: limit.rule.as_ref(),
        };
        policies.rules.get(name).map(rule).or_else(|| policies.limits.get(name).map(limit))
    }
}

/// Why the policy doesn't speak about the request, or what came of it if it does. The policies are those that the
/// decision was made by.
pub(crate) fn explain(
    policies: &Policies,
    request: &Request,
    decision: &Decision,
    name: &PolicyName,
) -> Silence {
    if let Some(found) = decision.rules.iter().find(|finding| finding.rule.name == *name) {
        return Silence::Concerned(found.reason());
    }
    if let Some(found) = decision.limits.iter().find(|finding| finding.limit.name == *name) {
        return Silence::Concerned(format!("stands at {}", found.reason()));
    }
    if let Some(found) = decision.unmeasured.iter().find(|finding| finding.limit.name == *name) {
        return Silence::Concerned(format!("is not measured: {}", found.reason()));
    }
    outside(policies, request, name)
}

/// Why the request isn't in the policy's domain.
fn outside(policies: &Policies, request: &Request, name: &PolicyName) -> Silence {
    let Some(parts) = Parts::of(policies, name) else {
        return Silence::Concerned("does not exist".to_owned());
    };
    if let Some(status) = parts.inactive {
        return Silence::Inactive(status.to_owned());
    }
    if !parts.scope.contains(&request.path, request.provider.as_deref()) {
        return Silence::OutOfScope(parts.scope.to_string());
    }
    if !in_window(policies, name, request) {
        return Silence::OutOfWindow;
    }
    let holds = |condition: &Condition| holds(condition, &policies.facts, request);
    match parts.rule {
        Some(rule) if holds(parts.condition) => {
            Silence::Confined { rule: rule.clone(), because: Box::new(outside(policies, request, rule)) }
        }
        _ => {
            let mut blamed = vec![];
            blame(parts.condition, true, &holds, &mut blamed);
            Silence::ConditionFalse(blamed)
        }
    }
}

/// Whether the policy's window, and its scope, hold; asked of the engine, which alone knows the wall clocks.
fn in_window(policies: &Policies, name: &PolicyName, request: &Request) -> bool {
    reach(&policies.restricted_to([name]))
        .is_some_and(|engine| engine.in_domain(name, request).unwrap_or(false))
}

/// An engine over the same policies without conditions: its domains are scope × window.
pub(crate) fn reach(policies: &Policies) -> Option<Engine> {
    let mut bare = policies.clone();
    for rule in bare.rules.values_mut() {
        *rule = Arc::new(Rule { condition: Condition::True, overrides: vec![], ..Rule::clone(rule) });
    }
    for limit in bare.limits.values_mut() {
        let bare = Limit { condition: Condition::True, rule: None, overrides: vec![], ..Limit::clone(limit) };
        *limit = Arc::new(bare);
    }
    Engine::new(Arc::new(bare)).ok()
}

/// Whether the condition is true for the request, which gives every required fact.
fn holds(condition: &Condition, facts: &BTreeMap<FactName, Fact>, request: &Request) -> bool {
    let predicate = Predicate::new(condition, facts).ok();
    predicate.and_then(|predicate| predicate.evaluate(request).ok()?).unwrap_or(false)
}

/// The leaves of a condition that keep it from being `wanted`, which it isn't.
fn blame(condition: &Condition, wanted: bool, holds: &dyn Fn(&Condition) -> bool, into: &mut Vec<Condition>) {
    match condition {
        Condition::Not(inner) => blame(inner, !wanted, holds, into),
        Condition::And(parts) | Condition::Or(parts) => {
            for part in parts.iter().filter(|part| holds(part) != wanted) {
                blame(part, wanted, holds, into);
            }
        }
        leaf if !into.contains(leaf) => into.push(leaf.clone()),
        _ => {}
    }
}
