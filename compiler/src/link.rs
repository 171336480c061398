//! From the policies of files to those of the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_ir::{Fact, FactName, Limit, MeterUnit, Policies, PolicyId, PolicyName, Quantity, Rule};

use crate::adopt::adopted;
use crate::graph::cycles;
use crate::packages::Origin;
use crate::{Db, SourceFile, Workspace, file_policies, names};

/// A policy, and the file in which it is written or applied.
pub(crate) type Placed<T> = (Arc<T>, Origin);

/// The policies that take part and have no error of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gathered {
    pub(crate) rules: BTreeMap<PolicyName, Placed<Rule>>,
    pub(crate) limits: BTreeMap<PolicyName, Placed<Limit>>,
    /// Full names that two packages give, with the files.
    pub(crate) clashes: Vec<(PolicyName, Origin, Origin)>,
}

/// A rule or a limit.
enum Either {
    Rule(Arc<Rule>),
    Limit(Arc<Limit>),
}

impl Gathered {
    /// Puts policies in order. Of two with one name the first stands.
    fn of(mut all: Vec<(PolicyName, Either, Origin)>) -> Self {
        // The files' own orders are kept for the most part, which sorting makes use of.
        all.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        let mut clashes = vec![];
        all.dedup_by(|(name, _, second), (first_name, _, first)| {
            let again = name == first_name;
            if again {
                clashes.push((name.clone(), *first, *second));
            }
            again
        });
        let (mut rules, mut limits) = (vec![], vec![]);
        for (name, policy, origin) in all {
            match policy {
                Either::Rule(rule) => rules.push((name, (rule, origin))),
                Either::Limit(limit) => limits.push((name, (limit, origin))),
            }
        }
        Self { rules: rules.into_iter().collect(), limits: limits.into_iter().collect(), clashes }
    }
}

pub(crate) fn references_of_rule(rule: &Rule) -> Vec<&PolicyName> {
    rule.depends_on.iter().chain(rule.overrides.iter().map(|it| &it.policy)).collect()
}

pub(crate) fn references_of_limit(limit: &Limit) -> Vec<&PolicyName> {
    let overrides = limit.overrides.iter().map(|it| &it.policy);
    limit.depends_on.iter().chain(overrides).chain(&limit.rule).collect()
}

/// The workspace's own policies, and those of libraries that take part.
#[salsa::tracked]
pub(crate) fn gathered(db: &dyn Db, workspace: Workspace) -> Gathered {
    let mut all = vec![];
    for file in workspace.files(db) {
        let origin = Origin::File(workspace, *file);
        let own = file_policies(db, workspace, *file);
        all.extend(own.rules.iter().map(|(name, rule)| (name.clone(), Either::Rule(rule.clone()), origin)));
        let limits = own.limits.iter();
        all.extend(limits.map(|(name, limit)| (name.clone(), Either::Limit(limit.clone()), origin)));
    }
    for (name, origin) in adopted(db, workspace) {
        let policies = origin.policies(db);
        let rule = policies.rules.get(name).map(|rule| Either::Rule(rule.clone()));
        let policy = rule.or_else(|| policies.limits.get(name).map(|limit| Either::Limit(limit.clone())));
        all.extend(policy.map(|policy| (name.clone(), policy, *origin)));
    }
    Gathered::of(all)
}

/// The checked policies of a workspace, without spans. A policy with an error is not in it, nor a limit that
/// names such a rule.
#[salsa::tracked]
pub fn policies(db: &dyn Db, workspace: Workspace) -> Arc<Policies> {
    let all = gathered(db, workspace);
    let round: BTreeSet<&PolicyName> =
        round_trips(db, workspace).iter().flat_map(|cycle| &cycle.members).collect();
    let rules = all.rules.iter().filter(|(name, _)| !round.contains(name));
    let mut rules: BTreeMap<_, _> = rules.map(|(name, (rule, _))| (name.clone(), rule.clone())).collect();
    // A limit speaks only where its rule does; without the rule nobody knows where.
    let limits = all.limits.iter().filter(|(name, (limit, _))| {
        !round.contains(name) && limit.rule.as_ref().is_none_or(|rule| rules.contains_key(rule))
    });
    let mut limits: BTreeMap<_, _> = limits.map(|(name, (limit, _))| (name.clone(), limit.clone())).collect();
    let lost: BTreeSet<PolicyName> = {
        let known = |name: &&PolicyName| rules.contains_key(*name) || limits.contains_key(*name);
        let of_rules = rules.values().flat_map(|rule| references_of_rule(rule));
        let of_limits = limits.values().flat_map(|limit| references_of_limit(limit));
        of_rules.chain(of_limits).filter(|name| !known(name)).cloned().collect()
    };
    if !lost.is_empty() {
        for rule in rules.values_mut() {
            if references_of_rule(rule).iter().any(|name| lost.contains(*name)) {
                let rule = Arc::make_mut(rule);
                rule.depends_on.retain(|name| !lost.contains(name));
                rule.overrides.retain(|it| !lost.contains(&it.policy));
            }
        }
        for limit in limits.values_mut() {
            if references_of_limit(limit).iter().any(|name| lost.contains(*name)) {
                let limit = Arc::make_mut(limit);
                limit.depends_on.retain(|name| !lost.contains(name));
                limit.overrides.retain(|it| !lost.contains(&it.policy));
            }
        }
    }
    let mut policies =
        Policies { rules, limits, settings: workspace.config(db).settings.clone(), ..Policies::default() };
    for file in workspace.files(db) {
        let own = file_policies(db, workspace, *file);
        policies.obligations.extend(own.obligations.iter().cloned());
        policies.allowances.extend(own.allowances.iter().cloned());
    }
    policies.facts = facts(db, workspace, &policies);
    policies.meters = meters(db, workspace, &policies);
    Arc::new(policies)
}

/// The policies of [`policies`] with the files in which they are written or applied.
#[salsa::tracked]
pub(crate) fn participants(db: &dyn Db, workspace: Workspace) -> BTreeMap<PolicyId, (PolicyName, Origin)> {
    let (all, kept) = (gathered(db, workspace), policies(db, workspace));
    let rules = placed(&all.rules, &kept.rules);
    rules
        .chain(placed(&all.limits, &kept.limits))
        .map(|(name, at)| (PolicyId::of(name), (name.clone(), at)))
        .collect()
}

/// Those of all policies that are kept. Both are in order, so neither is searched.
fn placed<'a, T>(
    all: &'a BTreeMap<PolicyName, Placed<T>>,
    kept: &'a BTreeMap<PolicyName, Arc<T>>,
) -> impl Iterator<Item = (&'a PolicyName, Origin)> {
    let mut kept = kept.keys().peekable();
    all.iter().filter_map(move |(name, (_, origin))| kept.next_if_eq(&name).map(|name| (name, *origin)))
}

/// The facts that the policies of a file read.
#[salsa::tracked]
fn facts_read(db: &dyn Db, workspace: Workspace, file: SourceFile) -> BTreeSet<FactName> {
    let (own, mut read) = (file_policies(db, workspace, file), BTreeSet::new());
    own.rules.values().for_each(|rule| rule.condition.collect_facts(&mut read));
    own.limits.values().for_each(|limit| limit.condition.collect_facts(&mut read));
    read
}

/// The packages whose declarations requests may carry: the workspace's own, and those that it uses.
#[salsa::tracked]
fn packages_seen(db: &dyn Db, workspace: Workspace) -> BTreeSet<String> {
    let names = names(db, workspace);
    let mut seen = BTreeSet::new();
    for file in workspace.files(db) {
        let outline = crate::outline(db, *file);
        seen.insert(outline.package.clone());
        for it in &outline.uses {
            if names.packages.contains_key(&it.path) {
                seen.insert(it.path.clone());
            }
            seen.extend(
                names.splits(&it.path).next().filter(|_| !it.all).map(|(package, _)| package.to_owned()),
            );
        }
    }
    seen
}

/// The facts that requests may carry: the workspace's own, those of the packages that it uses, and what policies
/// read besides, by templates and policies of libraries.
fn facts(db: &dyn Db, workspace: Workspace, policies: &Policies) -> BTreeMap<FactName, Fact> {
    let (names, seen) = (names(db, workspace), packages_seen(db, workspace));
    let files = workspace.files(db).iter();
    let mut read: BTreeSet<&FactName> = files.flat_map(|file| facts_read(db, workspace, *file)).collect();
    let mut besides: BTreeSet<FactName> = BTreeSet::new();
    for name in adopted(db, workspace).keys() {
        policies.rules.get(name).iter().for_each(|rule| rule.condition.collect_facts(&mut besides));
        policies.limits.get(name).iter().for_each(|limit| limit.condition.collect_facts(&mut besides));
    }
    policies.obligations.iter().for_each(|it| it.condition.collect_facts(&mut besides));
    read.extend(&besides);
    let wanted = names.facts.iter().filter(|(name, entry)| {
        entry.packages.keys().any(|package| seen.contains(package)) || read.contains(*name)
    });
    wanted.filter_map(|(name, entry)| Some((name.clone(), entry.fact.clone()?))).collect()
}

/// The meters that requests may report, likewise.
fn meters(db: &dyn Db, workspace: Workspace, policies: &Policies) -> BTreeMap<String, MeterUnit> {
    let (names, seen) = (names(db, workspace), packages_seen(db, workspace));
    let visible = names
        .meters
        .values()
        .filter(|entry| entry.packages.keys().any(|package| seen.contains(package)))
        .filter_map(|entry| Some((entry.name.clone(), entry.unit.clone()?)));
    let mut all: BTreeMap<String, MeterUnit> = visible.collect();
    for limit in policies.limits.values() {
        if let Quantity::PerRun(meter) | Quantity::Accumulated(meter, _) = &limit.quantity
            && let ordain_ir::Meter::Declared { name, unit } = meter
        {
            all.entry(name.clone()).or_insert_with(|| unit.clone());
        }
    }
    all
}

/// A chain of policies that leads back to its first member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoundTrip {
    pub(crate) members: Vec<PolicyName>,
    pub(crate) clause: ordain_ir::Clause,
}

/// The cycles of `overrides` and of `depends on`.
#[salsa::tracked]
pub(crate) fn round_trips(db: &dyn Db, workspace: Workspace) -> Vec<RoundTrip> {
    let all = gathered(db, workspace);
    let rules = || all.rules.values().map(|(rule, _)| rule);
    let limits = || all.limits.values().map(|(limit, _)| limit);
    let overrides = rules()
        .flat_map(|rule| rule.overrides.iter().map(|it| (&rule.name, &it.policy)))
        .chain(limits().flat_map(|it| it.overrides.iter().map(|o| (&it.name, &o.policy))));
    let depends_on = rules()
        .flat_map(|rule| rule.depends_on.iter().map(|target| (&rule.name, target)))
        .chain(limits().flat_map(|it| it.depends_on.iter().map(|target| (&it.name, target))));
    let trip = |members: Vec<&PolicyName>, clause| RoundTrip {
        members: members.into_iter().cloned().collect(),
        clause,
    };
    let overriding = cycles(overrides).into_iter();
    let overriding = overriding.map(|members| trip(members, ordain_ir::Clause::Overrides));
    let depending = cycles(depends_on).into_iter();
    overriding.chain(depending.map(|members| trip(members, ordain_ir::Clause::DependsOn))).collect()
}
