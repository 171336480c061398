//! Which policies have changed, whatever that does to decisions.

use std::collections::{BTreeMap, BTreeSet};

use ordain_ir::{
    Clause, EnforcementMode, Limit, LimitStatus, Policies, PolicyKind, PolicyName, PolicyRef, Rule,
    RuleStatus,
};

use crate::overrides::Overrides;
use crate::words::bound;

/// What has become of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It says something else.
    Changed,
}

/// A policy that differs.
pub(super) struct Changed {
    pub(super) policy: PolicyRef,
    pub(super) kind: Kind,
    pub(super) clauses: Vec<Clause>,
    pub(super) values: Option<(String, String)>,
    /// Whether it takes part in decisions, on either side.
    pub(super) active: [bool; 2],
}

/// The policies that differ in what they say, by kind and name.
pub(super) fn changes(old: &Policies, new: &Policies) -> Vec<Changed> {
    let (before, after) = (Overrides::new(old), Overrides::new(new));
    let beneath = |overrides: &Overrides<'_>, name: &PolicyName| -> BTreeSet<PolicyName> {
        overrides.beneath(name).cloned().collect()
    };
    let silences = |name: &PolicyName| beneath(&before, name) != beneath(&after, name);
    let mut out = vec![];
    for name in names(&old.rules, &new.rules) {
        let (a, b) = (old.rules.get(name), new.rules.get(name));
        let active = [a, b].map(|rule| rule.is_some_and(|rule| rule.status == RuleStatus::Active));
        let mut clauses = a.zip(b).map(|(a, b)| of_rules(a, b)).unwrap_or_default();
        add(&mut clauses, Clause::Overrides, a.is_some() && b.is_some() && silences(name));
        let values = a.zip(b).and_then(|(a, b)| {
            let word = |mode: EnforcementMode| mode.to_string();
            clauses.contains(&Clause::Enforce).then(|| (word(a.enforcement_mode), word(b.enforcement_mode)))
        });
        let policy = PolicyRef::new(PolicyKind::Rule, name);
        out.extend(changed(policy, [a.is_some(), b.is_some()], clauses, values, active));
    }
    for name in names(&old.limits, &new.limits) {
        let (a, b) = (old.limits.get(name), new.limits.get(name));
        let active = [a, b].map(|limit| limit.is_some_and(|limit| limit.status == LimitStatus::Active));
        let mut clauses = a.zip(b).map(|(a, b)| of_limits(a, b)).unwrap_or_default();
        add(&mut clauses, Clause::Overrides, a.is_some() && b.is_some() && silences(name));
        // Confined to a rule, it speaks elsewhere once the rule does.
        let rules = [(old, a), (new, b)].map(|(policies, limit)| {
            let rule = policies.rules.get(limit?.rule.as_ref()?)?;
            Some((&rule.scope, &rule.window, &rule.condition))
        });
        add(&mut clauses, Clause::When, a.is_some() && b.is_some() && rules[0] != rules[1]);
        let values = a.zip(b).and_then(|(a, b)| {
            let said = [Clause::Bound, Clause::Enforce].iter().any(|clause| clauses.contains(clause));
            let words = |limit: &Limit| format!("{} ({})", bound(limit), limit.enforcement);
            said.then(|| (words(a), words(b)))
        });
        let policy = PolicyRef::new(PolicyKind::Limit, name);
        out.extend(changed(policy, [a.is_some(), b.is_some()], clauses, values, active));
    }
    out
}

fn names<'p, T>(
    old: &'p BTreeMap<PolicyName, T>,
    new: &'p BTreeMap<PolicyName, T>,
) -> BTreeSet<&'p PolicyName> {
    old.keys().chain(new.keys()).collect()
}

fn add(clauses: &mut Vec<Clause>, clause: Clause, differs: bool) {
    if differs && !clauses.contains(&clause) {
        clauses.push(clause);
    }
}

fn changed(
    policy: PolicyRef,
    there: [bool; 2],
    clauses: Vec<Clause>,
    values: Option<(String, String)>,
    active: [bool; 2],
) -> Option<Changed> {
    let kind = match there {
        [false, _] => Kind::Added,
        [_, false] => Kind::Removed,
        [true, true] if clauses.is_empty() => return None,
        [true, true] => Kind::Changed,
    };
    Some(Changed { policy, kind, clauses, values, active })
}

fn of_rules(a: &Rule, b: &Rule) -> Vec<Clause> {
    let mut out = vec![];
    add(&mut out, Clause::Type, a.rule_type != b.rule_type);
    add(&mut out, Clause::Enforce, a.enforcement_mode != b.enforcement_mode);
    add(&mut out, Clause::Scope, a.scope != b.scope);
    add(&mut out, Clause::Priority, a.priority != b.priority);
    add(&mut out, Clause::Active, a.window != b.window);
    add(&mut out, Clause::When, a.condition != b.condition);
    add(&mut out, Clause::Status, a.status != b.status);
    out
}

fn of_limits(a: &Limit, b: &Limit) -> Vec<Clause> {
    let mut out = vec![];
    add(&mut out, Clause::Type, a.quantity != b.quantity);
    add(&mut out, Clause::Bound, a.bound != b.bound);
    add(&mut out, Clause::Enforce, a.enforcement != b.enforcement);
    add(&mut out, Clause::Scope, a.scope != b.scope);
    add(&mut out, Clause::Active, a.window != b.window);
    add(&mut out, Clause::When, (&a.condition, &a.rule) != (&b.condition, &b.rule));
    add(&mut out, Clause::Per, a.partition != b.partition);
    add(&mut out, Clause::Status, a.status != b.status);
    out
}
