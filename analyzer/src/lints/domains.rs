//! Lints about one policy's own domain.

use std::collections::BTreeSet;

use jiff::Timestamp;
use ordain_ir::{Clause, Code, Condition, Limit, PolicyKind, PolicyName, PolicyRef, Rule, Window, codes};

use super::{Context, Lint, Runner, is_warning};
use crate::Answer;
use crate::domain::{AnalyzerError, Domain};

/// A policy, as far as these lints see it.
struct Own<'a> {
    policy: PolicyRef,
    window: &'a Window,
    condition: &'a Condition,
    domain: &'a Domain,
    limit: Option<&'a Limit>,
}

pub(super) fn lints(context: &Context<'_, '_>, runner: &Runner<'_>) -> Result<Vec<Lint>, AnalyzerError> {
    let rules = context.rules.entries.iter().map(|entry| {
        let rule: &Rule = entry.rule;
        let (window, condition) = (&rule.window, &rule.condition);
        Own { policy: rule.reference(), window, condition, domain: &entry.domain, limit: None }
    });
    let limits = context.limits.iter().filter(|entry| !is_warning(entry.limit)).map(|entry| {
        let limit: &Limit = entry.limit;
        let (window, condition) = (&limit.window, &limit.condition);
        Own { policy: limit.reference(), window, condition, domain: &entry.domain, limit: Some(limit) }
    });
    let all: Vec<Own<'_>> = rules.chain(limits).collect();
    runner.each(&all, |own| Ok(lint(context, own)))
}

/// The policies whose domains are surely empty, for whatever reason.
pub(super) fn empty(context: &Context<'_, '_>) -> BTreeSet<PolicyName> {
    let rules = context.rules.entries.iter().map(|entry| (&entry.rule.name, &entry.domain));
    let limits = context.limits.iter().map(|entry| (&entry.limit.name, &entry.domain));
    let is_empty = |domain: &Domain| context.algebra.overlap(&[domain]).answer.is_no();
    rules.chain(limits).filter(|(_, domain)| is_empty(domain)).map(|(name, _)| name.clone()).collect()
}

/// Whether the lint says that the policy speaks about nothing, so that there is no more to say of it.
pub(super) fn is_void(lint: &Lint) -> bool {
    [codes::NEVER_TRUE, codes::NEVER_ACTIVE, codes::CANNOT_BIND].contains(&lint.code)
}

fn lint(context: &Context<'_, '_>, own: &Own<'_>) -> Option<Lint> {
    let name = context.quoted(&own.policy.name);
    let say = |code: Code, clause: Clause, message: String, help: &str| Lint {
        policy: own.policy.clone(),
        code,
        clause,
        others: vec![],
        message,
        help: help.to_owned(),
        removable: false,
    };
    let instants = context.algebra.windows().expand(own.window).ok()?;
    if instants.is_empty() {
        return Some(say(
            codes::NEVER_ACTIVE,
            Clause::Active,
            format!("{name} is never active: its window contains no instant"),
            "mend the window: the clock on the wall must show what it asks for at some time within its dates",
        ));
    }
    let passed = || {
        // What comes back without end has not passed, however short the horizon.
        let ends = own.window.clauses.iter().all(|clause| clause.until.is_some());
        let last = instants.parts().last().filter(|_| ends && !own.window.is_always())?;
        context.now.filter(|now| last.1 <= now.as_second()).and(Timestamp::from_second(last.1).ok())
    };
    if let Some(end) = passed() {
        return Some(say(
            codes::NEVER_ACTIVE,
            Clause::Active,
            format!("the window of {name} has passed: it ended for good at {end}"),
            "take the policy out, or give it a later window",
        ));
    }
    let conditions = &context.algebra.conditions;
    let prepared = conditions.prepare(own.condition);
    if conditions.find(&[&prepared], &[]).answer.is_no() {
        return Some(say(
            codes::NEVER_TRUE,
            Clause::When,
            format!("the condition of {name} is never true"),
            "no request can fulfil it; mend it, or take the policy out",
        ));
    }
    if let Some(limit) = own.limit
        && let Some(rule) = &limit.rule
        && context.algebra.overlap(&[own.domain]).answer == Answer::No
    {
        let message = format!(
            "{name} can never be reached: it shares no request with the rule {}",
            context.quoted(rule)
        );
        let lint = say(
            codes::CANNOT_BIND,
            Clause::When,
            message,
            "mend the scope, the window or the condition of one of both",
        );
        return Some(Lint { others: vec![PolicyRef::new(PolicyKind::Rule, rule)], ..lint });
    }
    if *own.condition != Condition::True && conditions.find(&[], &[&prepared]).answer.is_no() {
        let lint = say(
            codes::ALWAYS_TRUE,
            Clause::When,
            format!("the condition of {name} is always true"),
            "every request fulfils it; mend it, or take the clause out",
        );
        return Some(Lint { removable: own.limit.is_none_or(|limit| limit.rule.is_none()), ..lint });
    }
    None
}
