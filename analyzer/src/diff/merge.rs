//! Both sides as one set of policies, so that one algebra speaks about them.

use std::sync::Arc;

use ordain_ir::{Fact, Limit, Override, Policies, PolicyName, Rule, Type};

/// The name of a side's policy in the merged set. Names of policies have no blank, so none is taken.
pub(super) fn tagged(side: usize, name: &PolicyName) -> PolicyName {
    let word = if side == 0 { "old" } else { "new" };
    PolicyName::from(format!("{word} {name}").as_str())
}

/// The policies of both sides under tagged names, over the requests that fit both; and what to know about those.
pub(super) fn merged(old: &Policies, new: &Policies) -> (Policies, Vec<String>) {
    let mut out = Policies { settings: new.settings.clone(), ..Policies::default() };
    let (a, b) = (old.settings.horizon, new.settings.horizon);
    out.settings.horizon = (a.0.min(b.0), a.1.max(b.1));
    let mut notes = vec![];
    if old.settings.fail != new.settings.fail {
        let (after, before) = (new.settings.fail, old.settings.fail);
        notes.push(format!(
            "`fail` is now {after} and was {before}; compared are the requests that say what policies ask for"
        ));
    }
    for (list, same) in [
        ("agents", old.settings.agents == new.settings.agents),
        ("providers", old.settings.providers == new.settings.providers),
    ] {
        if !same {
            notes.push(format!(
                "`{list}` lists others; compared are the requests by those that both sides know"
            ));
        }
    }
    out.facts.clone_from(&new.facts);
    for (name, before) in &old.facts {
        let Some(after) = new.facts.get(name) else {
            out.facts.insert(name.clone(), before.clone());
            continue;
        };
        if before.ty != after.ty {
            notes.push(format!(
                "`{name}` is now {} and was {}; what reads it can't be compared",
                after.ty, before.ty
            ));
            // Conditions that read it fit no type, so that nothing is decided about them.
            out.facts.remove(name);
        } else if (before.range, before.optional) != (after.range, after.optional) {
            notes.push(format!(
                "`{name}` is declared otherwise; compared are the requests that fit both declarations"
            ));
            out.facts.insert(name.clone(), both(before, after));
        }
    }
    out.meters.clone_from(&old.meters);
    out.meters.extend(new.meters.clone());
    for (side, policies) in [old, new].into_iter().enumerate() {
        let rename = |overrides: &[Override]| -> Vec<Override> {
            let renamed = |it: &Override| Override { policy: tagged(side, &it.policy), because: None };
            overrides.iter().map(renamed).collect()
        };
        for rule in policies.rules.values() {
            let name = tagged(side, &rule.name);
            let overrides = rename(&rule.overrides);
            let rule = Rule { name: name.clone(), overrides, depends_on: vec![], ..Rule::clone(rule) };
            out.rules.insert(name, Arc::new(rule));
        }
        for limit in policies.limits.values() {
            let name = tagged(side, &limit.name);
            let (overrides, rule) =
                (rename(&limit.overrides), limit.rule.as_ref().map(|rule| tagged(side, rule)));
            let limit =
                Limit { name: name.clone(), overrides, rule, depends_on: vec![], ..Limit::clone(limit) };
            out.limits.insert(name, Arc::new(limit));
        }
    }
    (out, notes)
}

/// What fits both declarations of a fact.
fn both(a: &Fact, b: &Fact) -> Fact {
    let range = match (a.range, b.range) {
        (Some(a), Some(b)) => Some((a.0.max(b.0), a.1.min(b.1))),
        (a, b) => a.or(b),
    };
    let range = range.filter(|_| !matches!(a.ty, Type::Bool | Type::String | Type::Enum { .. }));
    Fact { range, optional: a.optional && b.optional, opaque: a.opaque || b.opaque, ..b.clone() }
}
