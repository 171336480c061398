//! `overrides` without effect.
//!
//! `a overrides b` also lets whoever overrides `a` silence `b`, and `a` silence whomever `b` overrides. It overrides
//! nothing if none of the former meets any of the latter.

use std::collections::{BTreeMap, BTreeSet};

use ordain_ir::{Clause, Override, PolicyKind, PolicyName, PolicyRef, codes};
use rayon::prelude::*;

use super::{Context, Lint, is_warning};
use crate::domain::Domain;

pub(super) fn lints(context: &Context<'_, '_>) -> Vec<Lint> {
    let domain = |name: &PolicyName| -> Option<&Domain> {
        let rule = context.rules.number(name).map(|at| &context.rules.entries[at].domain);
        rule.or_else(|| context.limit(name).map(|at| &context.limits[at].domain))
    };
    let mut above: BTreeMap<&PolicyName, BTreeSet<&PolicyName>> = BTreeMap::new();
    for (over, under) in context.overrides.pairs() {
        above.entry(under).or_default().insert(over);
    }
    let rules = context.rules.entries.iter().map(|entry| (entry.rule.reference(), &entry.rule.overrides));
    let limits = context.limits.iter().filter(|entry| !is_warning(entry.limit));
    let limits = limits.map(|entry| (entry.limit.reference(), &entry.limit.overrides));
    let all: Vec<(PolicyRef, &Vec<Override>)> =
        rules.chain(limits).filter(|(_, overrides)| !overrides.is_empty()).collect();
    let idle = |over: &PolicyName, under: &PolicyName| {
        let overs = above.get(over).into_iter().flatten().copied().chain([over]);
        let unders: Vec<&Domain> =
            context.overrides.beneath(under).chain([under]).filter_map(domain).collect();
        overs
            .filter_map(domain)
            .all(|over| unders.iter().all(|under| context.algebra.overlap(&[over, under]).answer.is_no()))
    };
    let found: Vec<Vec<Lint>> = all
        .par_iter()
        .map(|(policy, overrides)| {
            let idle: Vec<&PolicyName> =
                overrides.iter().map(|it| &it.policy).filter(|under| idle(&policy.name, under)).collect();
            let removable = overrides.len() == 1;
            idle.into_iter().map(|under| lint(context, policy, under, removable)).collect()
        })
        .collect();
    found.into_iter().flatten().collect()
}

fn lint(context: &Context<'_, '_>, policy: &PolicyRef, under: &PolicyName, removable: bool) -> Lint {
    let kind: PolicyKind = policy.kind;
    let (over, beneath) = (context.quoted(&policy.name), context.quoted(under));
    let retired = match kind {
        PolicyKind::Rule => context.rules.number(under).is_none(),
        PolicyKind::Limit => context.limit(under).is_none(),
    };
    let message = if retired {
        format!("{over} overrides {beneath}, which takes part in nothing")
    } else {
        format!("{over} overrides {beneath}, but they never speak about the same request")
    };
    Lint {
        policy: policy.clone(),
        code: codes::IDLE_OVERRIDE,
        clause: Clause::Overrides,
        others: vec![PolicyRef::new(kind, under)],
        message,
        help: "take it out, or mend what keeps the two apart: their scopes, windows or conditions".to_owned(),
        removable,
    }
}
