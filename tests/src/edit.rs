//! Random edits of policies: what somebody might change between two versions.

use std::sync::Arc;

use ordain_ir::{
    Enforcement, EnforcementMode, Limit, LimitStatus, Policies, PolicyName, Rule, RuleStatus, Window,
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
    Some(out)
}
