//! From the policies of files to those of the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_ir::{Clause, Diagnostic, Fact, FactName, Policies, PolicyId, PolicyName, codes};

use crate::check::FilePolicies;
use crate::graph::cycles;
use crate::sources::file_sources;
use crate::{Db, Workspace, file_policies, names};

/// The checked policies of a workspace, without spans. A policy with an error is not in it, nor a limit that
/// names such a rule.
#[salsa::tracked]
pub fn policies(db: &dyn Db, workspace: Workspace) -> Arc<Policies> {
    let mut all = every(db, workspace);
    for cycle in round_trips(db, workspace) {
        for name in &cycle.members {
            all.rules.remove(name);
            all.limits.remove(name);
        }
    }
    // A limit speaks only where its rule does; without the rule nobody knows where.
    let rules: BTreeSet<PolicyName> = all.rules.keys().cloned().collect();
    all.limits.retain(|_, limit| limit.rule.as_ref().is_none_or(|rule| rules.contains(rule)));
    let known: BTreeSet<PolicyName> = all.rules.keys().chain(all.limits.keys()).cloned().collect();
    for rule in all.rules.values_mut() {
        if !(rule.depends_on.iter().all(|name| known.contains(name))
            && rule.overrides.iter().all(|it| known.contains(&it.policy)))
        {
            let rule = Arc::make_mut(rule);
            rule.depends_on.retain(|name| known.contains(name));
            rule.overrides.retain(|it| known.contains(&it.policy));
        }
    }
    for limit in all.limits.values_mut() {
        if !(limit.depends_on.iter().all(|name| known.contains(name))
            && limit.overrides.iter().all(|it| known.contains(&it.policy)))
        {
            let limit = Arc::make_mut(limit);
            limit.depends_on.retain(|name| known.contains(name));
            limit.overrides.retain(|it| known.contains(&it.policy));
        }
    }
    Arc::new(Policies {
        facts: facts(db, workspace).clone(),
        rules: all.rules,
        limits: all.limits,
        settings: workspace.config(db).settings.clone(),
        ..Policies::default()
    })
}

/// The facts that requests may carry: the workspace's own, and those of the packages that it uses.
#[salsa::tracked]
fn facts(db: &dyn Db, workspace: Workspace) -> BTreeMap<FactName, Fact> {
    let names = names(db, workspace);
    let mut seen = BTreeSet::new();
    for file in workspace.files(db) {
        let outline = crate::outline(db, *file);
        seen.insert(outline.package.as_str());
        seen.extend(outline.uses.iter().filter_map(|it| {
            if it.all { Some(it.path.as_str()) } else { names.split(&it.path).map(|(package, _)| package) }
        }));
    }
    let visible =
        names.facts.iter().filter(|(_, entry)| entry.packages.iter().any(|it| seen.contains(it.as_str())));
    visible.filter_map(|(name, entry)| Some((name.clone(), entry.fact.clone()?))).collect()
}

/// A chain of policies that leads back to its first member.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RoundTrip {
    members: Vec<PolicyName>,
    clause: Clause,
}

/// The cycles of `overrides` and of `depends on`.
#[salsa::tracked]
fn round_trips(db: &dyn Db, workspace: Workspace) -> Vec<RoundTrip> {
    let all = every(db, workspace);
    let overrides = all
        .rules
        .values()
        .flat_map(|rule| rule.overrides.iter().map(|it| (&rule.name, &it.policy)))
        .chain(all.limits.values().flat_map(|it| it.overrides.iter().map(|o| (&it.name, &o.policy))));
    let depends_on = all
        .rules
        .values()
        .flat_map(|rule| rule.depends_on.iter().map(|target| (&rule.name, target)))
        .chain(all.limits.values().flat_map(|it| it.depends_on.iter().map(|target| (&it.name, target))));
    let trip = |members: Vec<&PolicyName>, clause| RoundTrip {
        members: members.into_iter().cloned().collect(),
        clause,
    };
    let overriding = cycles(overrides).into_iter().map(|members| trip(members, Clause::Overrides));
    let depending = cycles(depends_on).into_iter().map(|members| trip(members, Clause::DependsOn));
    overriding.chain(depending).collect()
}

/// All policies that have no error of their own.
fn every(db: &dyn Db, workspace: Workspace) -> FilePolicies {
    let mut all = FilePolicies::default();
    for file in workspace.files(db) {
        let own = file_policies(db, workspace, *file);
        all.rules.extend(own.rules.iter().map(|(name, rule)| (name.clone(), rule.clone())));
        all.limits.extend(own.limits.iter().map(|(name, limit)| (name.clone(), limit.clone())));
    }
    all
}

/// What is wrong between policies.
#[salsa::tracked]
pub(crate) fn link_diagnostics(db: &dyn Db, workspace: Workspace) -> Vec<Diagnostic> {
    round_trips(db, workspace).iter().filter_map(|trip| describe(db, workspace, trip)).collect()
}

fn describe(db: &dyn Db, workspace: Workspace, trip: &RoundTrip) -> Option<Diagnostic> {
    let (code, relation) = match trip.clause {
        Clause::Overrides => (codes::OVERRIDE_CYCLE, "overrides"),
        _ => (codes::DEPENDENCY_CYCLE, "depends on"),
    };
    let place =
        |name: &PolicyName| {
            let id = PolicyId::of(name);
            workspace.files(db).iter().find_map(|file| {
                file_policies(db, workspace, *file).rules.contains_key(name).then_some(()).or_else(|| {
                    file_policies(db, workspace, *file).limits.contains_key(name).then_some(())
                })?;
                let source = file_sources(db, *file).get(&id)?;
                Some((source.file.clone(), source.clause(trip.clause).span))
            })
        };
    let first = trip.members.first()?;
    let (file, span) = place(first)?;
    if trip.members.len() == 1 {
        let message = format!("`{}` {relation} itself", first.local());
        return Some(Diagnostic::error(code, &file, span, message).fix("remove the clause", ""));
    }
    let path: Vec<String> =
        trip.members.iter().chain([first]).map(|name| format!("`{}`", name.local())).collect();
    let message = format!("`{relation}` goes round in a cycle: {}", path.join(" -> "));
    let mut error = Diagnostic::error(code, &file, span, message);
    for (name, next) in trip.members.iter().zip(trip.members.iter().cycle().skip(1)).skip(1) {
        if let Some((file, span)) = place(name) {
            error = error.and_at(&file, span, format!("`{}` {relation} `{}`", name.local(), next.local()));
        }
    }
    Some(error.help("take one of these clauses out"))
}
