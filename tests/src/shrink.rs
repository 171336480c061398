//! Smaller workspaces, for readable failures.

use std::sync::Arc;

use ordain_ir::{Condition, Limit, Obligation, Policies, PolicyName, Rule, ScopeSelector, Window};

/// The smallest workspace that still fails, found by taking things away one by one as long as it does.
pub fn shrink(mut policies: Policies, fails: &dyn Fn(&Policies) -> bool) -> Policies {
    while let Some(smaller) = steps(&policies).into_iter().find(|smaller| fails(smaller)) {
        policies = smaller;
    }
    policies
}

/// Everything that is one step simpler.
fn steps(policies: &Policies) -> Vec<Policies> {
    let names: Vec<&PolicyName> = policies.rules.keys().chain(policies.limits.keys()).collect();
    let mut out: Vec<Policies> = names
        .iter()
        .map(|gone| {
            let rest = policies.restricted_to(names.iter().copied().filter(|name| name != gone));
            Policies { obligations: policies.obligations.clone(), ..rest }
        })
        .filter(|smaller| smaller.len() < policies.len())
        .collect();
    if !policies.settings.severity.is_empty() {
        let mut plain = policies.clone();
        plain.settings.severity.clear();
        out.push(plain);
    }
    for obligation in &policies.obligations {
        let mut replace = |simpler: Option<Obligation>| {
            let mut next = policies.clone();
            next.obligations.remove(obligation);
            next.obligations.extend(simpler);
            out.push(next);
        };
        replace(None);
        for scope in scope_steps(&obligation.scope) {
            replace(Some(Obligation { scope, ..obligation.clone() }));
        }
        for condition in condition_steps(&obligation.condition) {
            replace(Some(Obligation { condition, ..obligation.clone() }));
        }
    }
    for (name, rule) in &policies.rules {
        for simpler in rule_steps(rule) {
            let mut next = policies.clone();
            next.rules.insert(name.clone(), Arc::new(simpler));
            out.push(next);
        }
    }
    for (name, limit) in &policies.limits {
        for simpler in limit_steps(limit) {
            let mut next = policies.clone();
            next.limits.insert(name.clone(), Arc::new(simpler));
            out.push(next);
        }
    }
    out
}

fn rule_steps(rule: &Rule) -> Vec<Rule> {
    let mut out = vec![];
    out.extend(scope_steps(&rule.scope).into_iter().map(|scope| Rule { scope, ..rule.clone() }));
    out.extend(window_steps(&rule.window).into_iter().map(|window| Rule { window, ..rule.clone() }));
    out.extend(
        condition_steps(&rule.condition).into_iter().map(|condition| Rule { condition, ..rule.clone() }),
    );
    if rule.priority != 0 {
        out.push(Rule { priority: 0, ..rule.clone() });
    }
    if !rule.overrides.is_empty() {
        out.push(Rule { overrides: vec![], ..rule.clone() });
    }
    out
}

fn limit_steps(limit: &Limit) -> Vec<Limit> {
    let mut out = vec![];
    out.extend(scope_steps(&limit.scope).into_iter().map(|scope| Limit { scope, ..limit.clone() }));
    out.extend(window_steps(&limit.window).into_iter().map(|window| Limit { window, ..limit.clone() }));
    out.extend(
        condition_steps(&limit.condition).into_iter().map(|condition| Limit { condition, ..limit.clone() }),
    );
    if limit.rule.is_some() {
        out.push(Limit { rule: None, ..limit.clone() });
    }
    if !limit.overrides.is_empty() {
        out.push(Limit { overrides: vec![], ..limit.clone() });
    }
    out
}

fn scope_steps(scope: &ScopeSelector) -> Vec<ScopeSelector> {
    let mut out = vec![];
    if *scope != ScopeSelector::global() {
        out.push(ScopeSelector::global());
    }
    for at in 0..scope.include.len() {
        let mut fewer = scope.include.clone();
        fewer.remove(at);
        if !fewer.is_empty() {
            out.push(ScopeSelector::new(fewer, scope.except.clone()));
        }
    }
    if !scope.except.is_empty() {
        out.push(ScopeSelector::new(scope.include.clone(), vec![]));
    }
    out
}

fn window_steps(window: &Window) -> Vec<Window> {
    let mut out = vec![];
    for (at, clause) in window.clauses.iter().enumerate() {
        let mut put = |simpler: Option<ordain_ir::Active>| {
            let mut clauses = window.clauses.clone();
            match simpler {
                Some(simpler) => clauses[at] = simpler,
                None => drop(clauses.remove(at)),
            }
            out.push(Window::new(clauses));
        };
        put(None);
        if clause.from.is_some() {
            put(Some(ordain_ir::Active { from: None, ..clause.clone() }));
        }
        if clause.until.is_some() {
            put(Some(ordain_ir::Active { until: None, ..clause.clone() }));
        }
        if clause.zone != "UTC" {
            put(Some(ordain_ir::Active { zone: "UTC".into(), ..clause.clone() }));
        }
        if clause.recurrence.is_some() && (clause.from.is_some() || clause.until.is_some()) {
            put(Some(ordain_ir::Active { recurrence: None, ..clause.clone() }));
        }
    }
    out
}

fn condition_steps(condition: &Condition) -> Vec<Condition> {
    match condition {
        Condition::True => vec![],
        Condition::Not(inner) => {
            let mut out = vec![Condition::True, (**inner).clone()];
            out.extend(condition_steps(inner).into_iter().map(|inner| Condition::Not(Box::new(inner))));
            out
        }
        Condition::And(parts) | Condition::Or(parts) => {
            let again = |parts| match condition {
                Condition::And(_) => Condition::And(parts),
                _ => Condition::Or(parts),
            };
            let mut out = vec![Condition::True];
            out.extend(parts.iter().cloned());
            for (at, part) in parts.iter().enumerate() {
                for simpler in condition_steps(part) {
                    let mut parts = parts.clone();
                    parts[at] = simpler;
                    out.push(again(parts));
                }
            }
            out
        }
        _ => vec![Condition::True],
    }
}
