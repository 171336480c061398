//! Lints about one policy's own domain.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use ordain_ir::{Clause, Code, Condition, Limit, PolicyKind, PolicyName, PolicyRef, Rule, Window, codes};
use rustc_hash::FxHashMap;

use super::known::{Known, News};
use super::{Context, Lint, Runner, is_warning};
use crate::domain::{AnalyzerError, Domain};
use crate::session::Changes;

/// A policy, as far as these lints see it.
struct Asked<'a> {
    who: PolicyRef,
    window: &'a Window,
    condition: &'a Condition,
    domain: &'a Domain,
    limit: Option<&'a Limit>,
}

/// What a policy's own domain says of it, whatever day it is.
#[derive(Clone, Debug)]
pub(super) struct Own {
    /// The instant at which its window ends for good.
    ends: Option<i64>,
    /// What there is to say until then.
    lint: Option<Arc<Lint>>,
    /// Whether no request is in its domain, for whatever reason.
    empty: bool,
}

/// The lints, and the policies that surely speak about nothing.
pub(super) fn lints(
    context: &Context<'_, '_>,
    runner: &Runner<'_>,
    (changes, known): (&Changes, &Known),
    now: Option<Timestamp>,
    news: &mut News,
) -> Result<(Vec<Arc<Lint>>, BTreeSet<PolicyName>), AnalyzerError> {
    let rules = context.rules.entries.iter().map(|entry| {
        let rule: &Rule = entry.rule;
        let (window, condition) = (&rule.window, &rule.condition);
        Asked { who: entry.policy.clone(), window, condition, domain: &entry.domain, limit: None }
    });
    let limits = context.limits.iter().map(|entry| {
        let limit: &Limit = entry.limit;
        let (window, condition) = (&limit.window, &limit.condition);
        Asked { who: entry.policy.clone(), window, condition, domain: &entry.domain, limit: Some(limit) }
    });
    let all: Vec<Asked<'_>> = rules.chain(limits).collect();
    let is_known = |it: &&Asked<'_>| !changes.concern(&it.who.name) && known.own.contains_key(&it.who.name);
    let fresh: Vec<&Asked<'_>> = all.iter().filter(|it| !is_known(it)).collect();
    let fresh = runner.each(&fresh, |it| Ok(Some((it.who.name.clone(), own(context, it)))))?;
    let found: FxHashMap<&PolicyName, &Own> = fresh.iter().map(|(name, own)| (name, own)).collect();
    let (mut lints, mut void) = (vec![], BTreeSet::new());
    for Asked { who: policy, .. } in &all {
        let Some(own) = found.get(&policy.name).copied().or_else(|| known.own.get(&policy.name)) else {
            continue;
        };
        let ended = own.ends.filter(|end| now.is_some_and(|now| *end <= now.as_second()));
        let ended = ended.and_then(|end| Timestamp::from_second(end).ok());
        let lint = ended.map(|end| Arc::new(passed(context, policy, end))).or_else(|| own.lint.clone());
        if own.empty || lint.as_ref().is_some_and(|lint| is_void(lint)) {
            void.insert(policy.name.clone());
        }
        lints.extend(lint);
    }
    drop(found);
    news.own.extend(fresh);
    Ok((lints, void))
}

/// Whether the lint says that the policy speaks about nothing, so that there is no more to say of it.
pub(super) fn is_void(lint: &Lint) -> bool {
    [codes::NEVER_TRUE, codes::NEVER_ACTIVE, codes::CANNOT_BIND].contains(&lint.code)
}

fn passed(context: &Context<'_, '_>, policy: &PolicyRef, end: Timestamp) -> Lint {
    let name = context.quoted(&policy.name);
    let message = format!("the window of {name} has passed: it ended for good at {end}");
    let help = "take the policy out, or give it a later window";
    lint_of(policy, codes::NEVER_ACTIVE, Clause::Active, message, help)
}

fn lint_of(policy: &PolicyRef, code: Code, clause: Clause, message: String, help: &str) -> Lint {
    let (policy, help) = (policy.clone(), help.to_owned());
    Lint { policy, code, clause, others: vec![], message, help, removable: false }
}

fn own(context: &Context<'_, '_>, of: &Asked<'_>) -> Own {
    let empty = context.algebra.overlap(&[of.domain]).answer.is_no();
    if of.limit.is_some_and(is_warning) {
        return Own { ends: None, lint: None, empty };
    }
    let ends = context.algebra.windows().expand(of.window).ok().and_then(|instants| {
        // What comes back without end has not passed, however short the horizon.
        let ends = of.window.clauses.iter().all(|clause| clause.until.is_some());
        let last = instants.parts().last().filter(|_| ends && !of.window.is_always())?;
        Some(last.1)
    });
    Own { ends, lint: lint(context, of, empty).map(Arc::new), empty }
}

fn lint(context: &Context<'_, '_>, of: &Asked<'_>, empty: bool) -> Option<Lint> {
    let name = context.quoted(&of.who.name);
    let say = |code: Code, clause: Clause, message: String, help: &str| {
        lint_of(&of.who, code, clause, message, help)
    };
    let instants = context.algebra.windows().expand(of.window).ok()?;
    if instants.is_empty() {
        return Some(say(
            codes::NEVER_ACTIVE,
            Clause::Active,
            format!("{name} is never active: its window contains no instant"),
            "mend the window: the clock on the wall must show what it asks for at some time within its dates",
        ));
    }
    let conditions = &context.algebra.conditions;
    let prepared = context.algebra.prepared(of.condition);
    if conditions.find(&[&prepared], &[]).answer.is_no() {
        return Some(say(
            codes::NEVER_TRUE,
            Clause::When,
            format!("the condition of {name} is never true"),
            "no request can fulfil it; mend it, or take the policy out",
        ));
    }
    if let Some(limit) = of.limit
        && let Some(rule) = &limit.rule
        && empty
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
    if *of.condition != Condition::True && conditions.find(&[], &[&prepared]).answer.is_no() {
        let lint = say(
            codes::ALWAYS_TRUE,
            Clause::When,
            format!("the condition of {name} is always true"),
            "every request fulfils it; mend it, or take the clause out",
        );
        return Some(Lint { removable: of.limit.is_none_or(|limit| limit.rule.is_none()), ..lint });
    }
    None
}
