//! Random edits of policies: what somebody might change between two versions.

use std::sync::Arc;

use jiff::Timestamp;
use ordain_ir::{
    Accumulation, Allowance, Allowed, ConflictSeverity, ConflictType, Direction, Enforcement,
    EnforcementMode, Limit, LimitStatus, Override, Policies, PolicyName, Quantity, Rule, RuleStatus, Window,
};

use crate::random::Random;

/// The policies after one to three edits. Names stay in order, so that no cycle of `overrides` comes about.
pub fn edited(policies: &Policies, seed: u64) -> Policies {
    let mut random = Random::new(seed ^ 0x5EED_0D1F);
    let mut out = policies.clone();
    out.obligations.clear();
    for _ in 0..=random.below(3) {
        let names: Vec<PolicyName> = out.rules.keys().chain(out.limits.keys()).cloned().collect();
        if names.is_empty() {
            return out;
        }
        let (name, other) = (random.pick(&names), random.pick(&names));
        if let Some(rule) = out.rules.get(&name).cloned() {
            let model = out.rules.get(&other).cloned().unwrap_or_else(|| rule.clone());
            match edited_rule(&mut random, &rule, &model) {
                Some(rule) => drop(out.rules.insert(name, Arc::new(rule))),
                None if out.limits.values().any(|limit| limit.rule.as_ref() == Some(&name)) => {}
                None => forget(&mut out, &name),
            }
        } else if let Some(limit) = out.limits.get(&name).cloned() {
            let model = out.limits.get(&other).cloned().unwrap_or_else(|| limit.clone());
            match edited_limit(&mut random, &limit, &model) {
                Some(limit) => drop(out.limits.insert(name, Arc::new(limit))),
                None => forget(&mut out, &name),
            }
        }
    }
    out
}

/// The policies after something else has happened to them that an author can do: a policy comes, goes or gets another
/// name, a fact is declared otherwise, settings, meters, coverage or allowances change, or a few policies do as in
/// [`edited`]. New policies come from `store`, of the same world.
pub fn evolved(policies: &Policies, store: &Policies, seed: u64) -> Policies {
    let mut random = Random::new(seed ^ 0x0E70_17ED);
    let mut out = policies.clone();
    let names: Vec<PolicyName> = out.rules.keys().chain(out.limits.keys()).cloned().collect();
    let others: Vec<PolicyName> = store.rules.keys().chain(store.limits.keys()).cloned().collect();
    match random.below(16) {
        0..=1 if !others.is_empty() => {
            let other = random.pick(&others);
            adopt(&mut out, store, &other, &PolicyName::new("x", &format!("p{}", random.below(20))));
        }
        2 if !names.is_empty() => {
            let (old, new) = (random.pick(&names), PolicyName::new("y", &format!("p{}", random.below(20))));
            adopt(&mut out, &policies.clone(), &old, &new);
            let confining = out.limits.values().any(|limit| limit.rule.as_ref() == Some(&old));
            if !confining {
                forget(&mut out, &old);
            }
        }
        3 if !out.facts.is_empty() => {
            let facts: Vec<_> = out.facts.keys().cloned().collect();
            let fact = out.facts.get_mut(&random.pick(&facts)).expect("it was there just now");
            match random.below(4) {
                0 => fact.opaque = !fact.opaque,
                // Not the other way: `has` is for optional facts.
                1 => fact.optional = true,
                2 => "what it means".clone_into(&mut fact.doc),
                _ => out.facts.extend(store.facts.clone()),
            }
        }
        4 => {
            let (kind, severity) = (random.pick(ConflictType::ALL), random.pick(ConflictSeverity::ALL));
            let settings = &mut out.settings;
            match random.below(4) {
                0 => drop(settings.severity.insert(kind, severity)),
                1 => settings.severity.clear(),
                2 => settings.solver_bound = random.pick(&[1, 2_000_000]),
                _ => settings.horizon.0 += random.between(-2, 2) * 86_400,
            }
        }
        5 => {
            if random.chance(50) {
                out.obligations.pop_first();
            } else {
                out.obligations.extend(store.obligations.first().cloned());
                out.facts.extend(store.facts.clone());
            }
        }
        6..=7 if names.len() > 1 => {
            if random.chance(40) {
                out.allowances.pop_first();
            } else {
                let conflict_type = random.pick(ConflictType::ALL);
                let policies = [random.pick(&names), random.pick(&names)].into();
                let until = random.chance(50).then_some(Timestamp::UNIX_EPOCH);
                out.allowances.insert(Allowance {
                    allowed: Allowed::Conflict { conflict_type, policies },
                    because: format!("reason {}", random.below(3)),
                    until,
                    package: "w".to_owned(),
                });
            }
        }
        8 => {
            // From lower to higher names, so without cycles.
            let (a, b) = (random.below(names.len().max(1)), random.below(names.len().max(1)));
            if let (Some(over), Some(under)) = (names.get(a.min(b)), names.get(a.max(b)))
                && over != under
            {
                let new = Override { policy: under.clone(), because: None };
                match (out.rules.get_mut(over), out.limits.get_mut(over)) {
                    (Some(rule), _) if policies.rules.contains_key(under) => {
                        Arc::make_mut(rule).overrides = vec![new];
                    }
                    (_, Some(limit)) if policies.limits.contains_key(under) => {
                        Arc::make_mut(limit).overrides = vec![new];
                    }
                    _ => {}
                }
            }
        }
        _ => {
            let obligations = std::mem::take(&mut out.obligations);
            out = Policies { obligations, ..edited(&out, seed) };
        }
    }
    out
}

/// Takes a policy over under another name, with the facts and the rule that it needs.
fn adopt(policies: &mut Policies, from: &Policies, name: &PolicyName, new: &PolicyName) {
    if policies.rules.contains_key(new) || policies.limits.contains_key(new) {
        return;
    }
    for (name, fact) in &from.facts {
        policies.facts.entry(name.clone()).or_insert_with(|| fact.clone());
    }
    if let Some(rule) = from.rules.get(name) {
        let rule = Rule { name: new.clone(), overrides: vec![], ..Rule::clone(rule) };
        policies.rules.insert(new.clone(), Arc::new(rule));
    }
    if let Some(limit) = from.limits.get(name) {
        let rule = limit.rule.clone().filter(|rule| policies.rules.contains_key(rule));
        let limit = Limit { name: new.clone(), overrides: vec![], rule, ..Limit::clone(limit) };
        policies.limits.insert(new.clone(), Arc::new(limit));
    }
}

/// Takes a policy out, and whatever says that it overrides it.
fn forget(policies: &mut Policies, name: &PolicyName) {
    policies.rules.remove(name);
    policies.limits.remove(name);
    for rule in policies.rules.values_mut() {
        Arc::make_mut(rule).overrides.retain(|it| it.policy != *name);
    }
    for limit in policies.limits.values_mut() {
        Arc::make_mut(limit).overrides.retain(|it| it.policy != *name);
    }
}

fn edited_rule(random: &mut Random, rule: &Rule, model: &Rule) -> Option<Rule> {
    let mut out = rule.clone();
    match random.below(8) {
        0 => return None,
        1 => out.enforcement_mode = random.pick(EnforcementMode::ALL),
        2 => out.priority += random.between(-1, 1),
        3 => out.scope = model.scope.clone(),
        4 => out.window = if random.chance(50) { Window::ALWAYS } else { model.window.clone() },
        5 => out.condition = model.condition.clone(),
        6 => out.overrides.clear(),
        _ => out.status = random.pick(RuleStatus::ALL),
    }
    Some(out)
}

fn edited_limit(random: &mut Random, limit: &Limit, model: &Limit) -> Option<Limit> {
    let mut out = limit.clone();
    match random.below(9) {
        0 => return None,
        1 => out.enforcement = random.pick(Enforcement::ALL),
        2 | 3 => out.bound.value = (out.bound.value + random.between(-1, 1)).max(0),
        4 => out.scope = model.scope.clone(),
        5 => out.window = if random.chance(50) { Window::ALWAYS } else { model.window.clone() },
        6 => out.condition = model.condition.clone(),
        7 => out.overrides.clear(),
        _ => out.status = random.pick(LimitStatus::ALL),
    }
    // What is drawn for limits by the calendar of UTC stays as it is.
    if let (Quantity::Accumulated(meter, over), Quantity::Accumulated(_, other)) =
        (&limit.quantity, &model.quantity)
        && over.utc_period().is_none()
        && random.chance(30)
        && (out.bound.direction == Direction::AtMost || matches!(other, Accumulation::Calendar { .. }))
    {
        out.quantity = Quantity::Accumulated(meter.clone(), other.clone());
    }
    Some(out)
}
