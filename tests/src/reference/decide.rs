//! Decisions, by their definition.

use std::collections::{BTreeMap, BTreeSet};

use ordain_ir::{
    Accumulation, Bound, Direction, Enforcement, EnforcementMode, Limit, LimitStatus, Override, Partition,
    Policies, PolicyName, Quantity, Request, Rule, RuleStatus,
};

use super::period::{period_start, rolling_seconds};
use super::{in_limit, in_rule};

/// Which usage counts. Seconds are since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counts {
    /// That of the calendar period which begins at this second.
    Period(i64),
    /// That of all seconds from the first up to the last.
    Between(i64, i64),
    /// What is held.
    Held,
}

/// Counters: a limit, its subject, and which usage counts.
pub type Used<'a> = dyn Fn(&Limit, &str, Counts) -> i64 + 'a;

/// Which usage counts for a request at a second. A rolling period is counted in sixtieths: the request's own, sixty before
/// it, and sixty after it.
pub fn counts(accumulation: &Accumulation, second: i64) -> Counts {
    match accumulation {
        Accumulation::Calendar { period, zone } => Counts::Period(period_start(*period, zone, second)),
        Accumulation::Rolling(period) => {
            let length = rolling_seconds(*period);
            let part = length / 60;
            let own = second - second.rem_euclid(part);
            Counts::Between(own - length, own + part + length - 1)
        }
        Accumulation::Concurrent => Counts::Held,
    }
}

/// What a policy in whose domain the request is comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    /// A policy that overrides it applies.
    Overridden,
    /// A rule of its concern with a higher priority applies.
    Outranked,
    /// It is a limit whose bound holds.
    Held,
    /// It is a limit on a value that the request doesn't say.
    Unmeasured,
    /// It speaks, demanding the outcome of this strictness: 0 to allow, 5 to block.
    Demands(u8),
}

/// A decision: the strictness of its outcome, and what every policy said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// 0 allow, 1 audit, 2 warn, 3 degrade, 4 queue, 5 block.
    pub strictness: u8,
    /// By name, the active policies in whose domain the request is.
    pub said: BTreeMap<PolicyName, Said>,
}

/// Whether `from` overrides `to`, directly or through others. Only declarations count, whatever their status.
pub fn overrides(policies: &Policies, from: &PolicyName, to: &PolicyName) -> bool {
    declared(policies, from).iter().any(|step| step.policy == *to || overrides(policies, &step.policy, to))
}

fn declared<'a>(policies: &'a Policies, name: &PolicyName) -> &'a [Override] {
    let rule = policies.rules.get(name).map(|rule| rule.overrides.as_slice());
    rule.or_else(|| policies.limits.get(name).map(|limit| limit.overrides.as_slice())).unwrap_or_default()
}

/// Decides.
pub fn decide(policies: &Policies, request: &Request, used: &Used<'_>) -> Verdict {
    let mut said = BTreeMap::new();

    let present: BTreeSet<&PolicyName> = policies
        .rules
        .values()
        .filter(|rule| rule.status == RuleStatus::Active && in_rule(policies, rule, request))
        .map(|rule| &rule.name)
        .collect();
    let applicable: Vec<&Rule> = present
        .iter()
        .filter(|name| applies(policies, &present, name))
        .map(|name| &*policies.rules[*name])
        .collect();
    for name in &present {
        said.insert((*name).clone(), Said::Overridden);
    }
    for rule in &applicable {
        let rivals = applicable.iter().filter(|rival| rival.rule_type == rule.rule_type);
        let speaks = rivals.map(|rival| rival.priority).max() == Some(rule.priority);
        let demands = match rule.enforcement_mode {
            EnforcementMode::Disabled => 0,
            EnforcementMode::Audit => 1,
            EnforcementMode::Warn => 2,
            EnforcementMode::Block => 5,
        };
        said.insert(rule.name.clone(), if speaks { Said::Demands(demands) } else { Said::Outranked });
    }

    let concerned: Vec<&Limit> = policies
        .limits
        .values()
        .map(|limit| &**limit)
        .filter(|limit| limit.status == LimitStatus::Active && in_limit(policies, limit, request))
        .collect();
    let (measured, unmeasured): (Vec<&Limit>, Vec<&Limit>) =
        concerned.into_iter().partition(|limit| own_value(limit, request).is_some());
    let present: BTreeSet<&PolicyName> = measured.iter().map(|limit| &limit.name).collect();
    for limit in unmeasured {
        said.insert(limit.name.clone(), Said::Unmeasured);
    }
    for limit in measured {
        let own = own_value(limit, request).expect("measured");
        let what = if !applies(policies, &present, &limit.name) {
            Said::Overridden
        } else if is_breached(limit, request, own, used) {
            Said::Demands(match limit.enforcement {
                Enforcement::Warn | Enforcement::Alert => 2,
                Enforcement::Degrade => 3,
                Enforcement::Queue => 4,
                Enforcement::Block | Enforcement::Reject => 5,
            })
        } else {
            Said::Held
        };
        said.insert(limit.name.clone(), what);
    }

    let demands = said.values().filter_map(|said| match said {
        Said::Demands(strictness) => Some(*strictness),
        _ => None,
    });
    Verdict { strictness: demands.max().unwrap_or(0), said }
}

/// Present, and no policy that applies overrides it.
fn applies(policies: &Policies, present: &BTreeSet<&PolicyName>, name: &PolicyName) -> bool {
    !present.iter().any(|other| overrides(policies, other, name) && applies(policies, present, other))
}

fn own_value(limit: &Limit, request: &Request) -> Option<i128> {
    let usage = &request.usage;
    match limit.quantity.to_string().as_str() {
        "RISK_CEILING" => usage.risk.map(i128::from),
        "COOLDOWN" => usage.since_last_run.map(i128::from),
        name if name.starts_with("RUNS_") => Some(usage.runs.into()),
        name if name.starts_with("TOKENS_") => Some(usage.tokens.into()),
        name if name.starts_with("COST_") => {
            let currency = limit.quantity.currency().expect("a cost is money");
            Some(usage.cost.get(currency).copied().unwrap_or(0).into())
        }
        name => {
            let mut reported = usage.meters.iter().filter(|(meter, _)| name.starts_with(&in_capitals(meter)));
            Some(reported.next().map_or(0, |(_, amount)| i128::from(*amount)))
        }
    }
}

/// A meter's name as its limit types begin: `gpu-time` gives `GPU_TIME_DAILY`.
fn in_capitals(meter: &str) -> String {
    format!("{}_", meter.to_uppercase().replace('-', "_"))
}

fn is_breached(limit: &Limit, request: &Request, own: i128, used: &Used<'_>) -> bool {
    let Bound { direction, value } = limit.bound;
    let bound = i128::from(value);
    match &limit.quantity {
        Quantity::Accumulated(_, accumulation) => {
            let counts = counts(accumulation, request.at.as_second());
            let before = i128::from(used(limit, &subject(limit.partition, request), counts));
            direction == Direction::AtMost && before + own > bound
        }
        _ if direction == Direction::AtMost => own > bound,
        _ => own < bound,
    }
}

/// Whose counter it is, as text; different subjects of one partition read differently.
pub fn subject(partition: Partition, request: &Request) -> String {
    let path = &request.path;
    match partition {
        Partition::Whole => String::new(),
        Partition::Tenant => format!("{:?}", [&path.tenant]),
        Partition::Project => format!("{:?}", [&path.tenant, &path.project]),
        Partition::Agent => format!("{:?}", [&path.tenant, &path.project, &path.agent]),
        Partition::Provider => format!("{:?}", request.provider),
    }
}
