//! Which decisions two sets of policies take differently, found by trying every request of the finite
//! [`world`](crate::world), each with some usage of one kind.

use std::collections::BTreeSet;
use std::sync::Arc;

use ordain_ir::{
    Direction, Enforcement, EnforcementMode, Limit, LimitStatus, Meter, Outcome, Override, Policies,
    PolicyName, Quantity, Rule, RuleStatus,
};

use super::Regions;
use crate::reference;

/// The changed policies that take part in the decision about some request, as they were or are, and whether it becomes
/// stricter (`true`) or milder. They take part if they speak or keep others from speaking.
pub type Shift = (BTreeSet<PolicyName>, bool);

/// What one request uses, and what all before it have used.
#[derive(Clone, Copy, Debug)]
struct Usage<'q> {
    /// The quantity that is tried out, with its value.
    tried: Option<(&'q Quantity, i64)>,
}

impl Usage<'_> {
    /// The value that a limit on this quantity sees; `None` where there is none.
    fn value(self, quantity: &Quantity) -> Option<i64> {
        let tried = |meter: &Meter| match self.tried {
            // A history of requests like this one, which itself uses one unit.
            Some((Quantity::Accumulated(of, _), value)) if of == meter => Some((value, value.min(1))),
            Some((Quantity::PerRun(of), value)) if of == meter => Some((value, value)),
            _ => None,
        };
        let unused = |meter: &Meter| i64::from(*meter == Meter::Runs);
        match quantity {
            Quantity::Accumulated(meter, _) => Some(tried(meter).map_or(unused(meter), |(all, _)| all)),
            Quantity::PerRun(meter) => Some(tried(meter).map_or(unused(meter), |(_, own)| own)),
            other => self.tried.filter(|(quantity, _)| *quantity == other).map(|(_, value)| value),
        }
    }
}

/// All shifts between two sets of policies over the same facts: `true` for stricter ones.
pub fn shifts(old: &Policies, new: &Policies) -> BTreeSet<Shift> {
    let merged = merged(old, new);
    let regions = Regions::of(&merged);
    let sides = [old, new];
    let quantities: BTreeSet<&Quantity> =
        sides.iter().flat_map(|side| side.limits.values().map(|limit| &limit.quantity)).collect();
    let mut usages = vec![Usage { tried: None }];
    for quantity in quantities {
        let mut values = BTreeSet::from([0]);
        for limit in sides.iter().flat_map(|side| side.limits.values()).filter(|it| it.quantity == *quantity)
        {
            values.extend([limit.bound.value, limit.bound.value + 1, (limit.bound.value - 1).max(0)]);
        }
        usages.extend(values.into_iter().map(|value| Usage { tried: Some((quantity, value)) }));
    }
    let changed: Vec<(&PolicyName, u16)> = names(old)
        .chain(names(new))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter(|name| is_changed(old, new, name))
        .map(|name| {
            let bit = |side: usize| {
                let active = is_active(sides[side], name);
                if active { regions.bit(&tagged(side, name)) } else { 0 }
            };
            (name, bit(0) | bit(1))
        })
        .collect();
    let mut found = BTreeSet::new();
    for set in regions.sets() {
        let here: Vec<&PolicyName> =
            changed.iter().filter(|(_, bits)| set & bits != 0).map(|(name, _)| *name).collect();
        if here.is_empty() {
            continue;
        }
        for usage in &usages {
            let [(before, old), (after, new)] = [0, 1].map(|side| {
                let has = |name: &PolicyName| set & regions.bit(&tagged(side, name)) != 0;
                outcome(sides[side], &has, *usage)
            });
            if before != after {
                let takes_part = |name: &&&PolicyName| old.contains(**name) || new.contains(**name);
                found.insert((
                    here.iter().filter(takes_part).map(|name| (*name).clone()).collect(),
                    after > before,
                ));
            }
        }
    }
    found
}

fn names(policies: &Policies) -> impl Iterator<Item = &PolicyName> {
    policies.rules.keys().chain(policies.limits.keys())
}

fn is_active(policies: &Policies, name: &PolicyName) -> bool {
    policies.rules.get(name).is_some_and(|rule| rule.status == RuleStatus::Active)
        || policies.limits.get(name).is_some_and(|limit| limit.status == LimitStatus::Active)
}

/// Whether a policy, the rule that confines it, or whom it overrides is not what it was.
fn is_changed(old: &Policies, new: &Policies, name: &PolicyName) -> bool {
    let all: Vec<&PolicyName> = names(old).chain(names(new)).collect();
    let beneath = |policies: &Policies| -> BTreeSet<PolicyName> {
        let there = policies.rules.contains_key(name) || policies.limits.contains_key(name);
        let under = |other: &&&PolicyName| there && reference::overrides(policies, name, other);
        all.iter().filter(under).map(|name| (**name).clone()).collect()
    };
    let confining = |policies: &Policies| {
        let rule = policies.limits.get(name)?.rule.as_ref()?;
        let rule = &policies.rules[rule];
        Some((rule.scope.clone(), rule.window.clone(), rule.condition.clone()))
    };
    old.rules.get(name) != new.rules.get(name)
        || old.limits.get(name) != new.limits.get(name)
        || beneath(old) != beneath(new)
        || confining(old) != confining(new)
}

fn tagged(side: usize, name: &PolicyName) -> PolicyName {
    PolicyName::from(format!("{side}.{name}").as_str())
}

fn merged(old: &Policies, new: &Policies) -> Policies {
    let mut out = Policies { obligations: BTreeSet::new(), ..new.clone() };
    out.rules.clear();
    out.limits.clear();
    for (side, policies) in [old, new].into_iter().enumerate() {
        let rename = |overrides: &[Override]| -> Vec<Override> {
            overrides.iter().map(|it| Override { policy: tagged(side, &it.policy), because: None }).collect()
        };
        for rule in policies.rules.values() {
            let name = tagged(side, &rule.name);
            let rule = Rule { name: name.clone(), overrides: rename(&rule.overrides), ..Rule::clone(rule) };
            out.rules.insert(name, Arc::new(rule));
        }
        for limit in policies.limits.values() {
            let name = tagged(side, &limit.name);
            let rule = limit.rule.as_ref().map(|rule| tagged(side, rule));
            let overrides = rename(&limit.overrides);
            let limit = Limit { name: name.clone(), rule, overrides, ..Limit::clone(limit) };
            out.limits.insert(name, Arc::new(limit));
        }
    }
    out
}

/// The decision about a request that is in the domains of these policies, and those that take part in it.
fn outcome(
    policies: &Policies,
    has: &dyn Fn(&PolicyName) -> bool,
    usage: Usage<'_>,
) -> (Outcome, BTreeSet<PolicyName>) {
    let present: Vec<&Rule> = policies
        .rules
        .values()
        .map(|rule| &**rule)
        .filter(|rule| rule.status == RuleStatus::Active && has(&rule.name))
        .collect();
    let free = |name: &PolicyName, all: &[&PolicyName]| {
        !all.iter().any(|other| reference::overrides(policies, other, name))
    };
    let overriding = |all: &[&PolicyName]| -> Vec<PolicyName> {
        let over = |name: &&&PolicyName| all.iter().any(|other| reference::overrides(policies, name, other));
        all.iter().filter(over).map(|name| (*name).clone()).collect()
    };
    let names: Vec<&PolicyName> = present.iter().map(|rule| &rule.name).collect();
    let mut parts: BTreeSet<PolicyName> = overriding(&names).into_iter().collect();
    let applicable: Vec<&&Rule> = present.iter().filter(|rule| free(&rule.name, &names)).collect();
    let speaks = |rule: &&&&Rule| {
        !applicable.iter().any(|other| other.rule_type == rule.rule_type && other.priority > rule.priority)
    };
    parts.extend(applicable.iter().filter(speaks).map(|rule| rule.name.clone()));
    let by_rules = applicable.iter().filter(speaks).map(|rule| match rule.enforcement_mode {
        EnforcementMode::Disabled => Outcome::Allow,
        EnforcementMode::Audit => Outcome::Audit,
        EnforcementMode::Warn => Outcome::Warn,
        EnforcementMode::Block => Outcome::Block,
    });

    let measured: Vec<(&Limit, i64)> = policies
        .limits
        .values()
        .filter(|limit| limit.status == LimitStatus::Active && has(&limit.name))
        .filter_map(|limit| Some((&**limit, usage.value(&limit.quantity)?)))
        .collect();
    let names: Vec<&PolicyName> = measured.iter().map(|(limit, _)| &limit.name).collect();
    parts.extend(overriding(&names));
    let broken = measured.iter().filter(|(limit, value)| {
        let guarantee = !limit.quantity.is_pointwise() && limit.bound.direction == Direction::AtLeast;
        let beyond = match limit.bound.direction {
            Direction::AtMost => *value > limit.bound.value,
            Direction::AtLeast => *value < limit.bound.value,
        };
        beyond && !guarantee && free(&limit.name, &names)
    });
    parts.extend(broken.clone().map(|(limit, _)| limit.name.clone()));
    let by_limits = broken.map(|(limit, _)| match limit.enforcement {
        Enforcement::Warn | Enforcement::Alert => Outcome::Warn,
        Enforcement::Degrade => Outcome::Degrade,
        Enforcement::Queue => Outcome::Queue,
        Enforcement::Block | Enforcement::Reject => Outcome::Block,
    });
    (by_rules.chain(by_limits).max().unwrap_or(Outcome::Allow), parts)
}
