//! Scenarios, mutated certificates, and a comparison with a brute-force model.

mod mutations;
mod oracle;
mod periods;
mod roofs;
mod scenarios;
mod zones;

use std::sync::Arc;

use ordain_ir::{
    Active, Bound, Condition, DaySet, Direction, Enforcement, Fact, Glob, Limit, LimitStatus, MeterUnit,
    Partition, Policies, PolicyName, Quantity, Recurrence, ScopePattern, ScopeSelector, TimeOfDay, Type,
    Window,
};

use super::{Outcome, contradictions};
use crate::conditions::Memo;
use crate::domain::Algebra;

/// A hard limit on everything, always.
fn limit(name: &str, quantity: &str, direction: Direction, value: i64) -> Limit {
    let quantity = Quantity::parse(quantity, "USD").unwrap();
    Limit::new(PolicyName::new("acme", name), quantity, Bound { direction, value }, Enforcement::Block)
}

fn floor(name: &str, quantity: &str, value: i64) -> Limit {
    limit(name, quantity, Direction::AtLeast, value)
}

fn ceiling(name: &str, quantity: &str, value: i64) -> Limit {
    limit(name, quantity, Direction::AtMost, value)
}

/// A box by its segments, `acme/support`; `*` is anything.
fn pattern(text: &str) -> ScopePattern {
    let mut globs = text.split('/').map(|segment| Glob::parse(segment).unwrap());
    ScopePattern { tenant: globs.next(), project: globs.next(), agent: globs.next(), provider: None }
}

fn within(mut limit: Limit, scope: &str) -> Limit {
    limit.scope = ScopeSelector::new(vec![pattern(scope)], vec![]);
    limit
}

fn per(mut limit: Limit, partition: Partition) -> Limit {
    limit.partition = partition;
    limit
}

/// Open from one hour to another on these days, in Berlin.
fn hours(mut limit: Limit, days: DaySet, start: u16, end: u16) -> Limit {
    let [start, end] = [start, end].map(|hour| TimeOfDay::new(hour, 0).unwrap());
    let recurrence = Some(Recurrence::Daily { days, start, end });
    limit.window =
        Window::new(vec![Active { zone: "Europe/Berlin".into(), recurrence, from: None, until: None }]);
    limit
}

fn flag(name: &str, opaque: bool) -> Fact {
    Fact { name: name.into(), ty: Type::Bool, range: None, optional: false, opaque, doc: String::new() }
}

fn policies(limits: impl IntoIterator<Item = Limit>) -> Policies {
    let mut policies = Policies::default();
    for fact in [flag("urgent", false), flag("toxic", true)] {
        policies.facts.insert(fact.name.clone(), fact);
    }
    let dollars = MeterUnit::Money("USD".into());
    for (name, unit) in
        [("emails", MeterUnit::Count), ("refunds", dollars), ("gpu-time", MeterUnit::Duration)]
    {
        policies.meters.insert(name.into(), unit);
    }
    for limit in limits {
        policies.limits.insert(limit.name.clone(), Arc::new(limit));
    }
    policies
}

fn analyse(policies: &Policies) -> Outcome {
    let memo = Memo::default();
    let outcome = contradictions(&Algebra::new(policies, &memo)).unwrap();
    assert_eq!(outcome.refused, 0);
    outcome
}

/// The sets found, by local names.
fn sets(outcome: &Outcome) -> Vec<Vec<&str>> {
    outcome.findings.iter().map(|f| f.members.iter().map(PolicyName::local).collect()).collect()
}
