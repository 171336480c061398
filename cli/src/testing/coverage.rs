//! What tests reach of the policies.
//!
//! Counted is what is *written*: a rule or limit in a file, or one in a template, whatever it is called in each of its
//! applications. It is **in domain** of a test if the request fulfils scope, window and condition, and has **decided**
//! if it demanded the outcome. A floor on what accumulates is a guarantee that never demands anything; it is covered
//! once it is in domain. Each part of a condition that is no `and`, `or` or `not` has two **branches**, true and
//! false; they count in tests whose request lies in the policy's scope and window, since only there the condition is
//! asked.

use std::collections::{BTreeMap, BTreeSet};

use ordain_engine::{Engine, Predicate};
use ordain_ir::{Clause, Condition, Place, Policies, PolicyKind, PolicyName, Site};
use serde::Serialize;

use super::run::TestRun;
use super::silence::reach;

/// A policy as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Rule or limit.
    pub(crate) kind: PolicyKind,
    /// How it is called: its full name, or that of its template and its name in there.
    pub(crate) name: String,
    /// Where it stands.
    pub(crate) site: Site,
    /// Each of its clauses.
    pub(crate) clauses: BTreeMap<Clause, Place>,
    /// Whether it can't demand anything.
    pub(crate) guarantee: bool,
    /// The leaves of its condition, in the order of the text.
    pub(crate) leaves: Vec<Leaf>,
}

/// A part of a condition that is no `and`, `or` or `not`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// Where it stands; in a `let` if the condition names one.
    pub(crate) site: Site,
    /// As it is written.
    pub(crate) text: String,
    /// What it says.
    pub(crate) condition: Condition,
}

/// What a policy is known by: it may have many names, one for each application of its template.
type Key = (Site, String);

impl Written {
    fn key(&self) -> Key {
        (self.site.clone(), self.name.clone())
    }
}

/// In how many tests something happened to a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// The request was in its scope.
    pub(crate) in_scope: u64,
    /// And in its window.
    pub(crate) in_window: u64,
    /// And fulfilled its condition.
    pub(crate) in_domain: u64,
    /// It demanded the outcome.
    pub(crate) decided: u64,
    /// How often each leaf was true, and false, within scope and window.
    pub(crate) leaves: Vec<[u64; 2]>,
}

/// How far tests got with a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reached {
    /// No test was in its domain.
    Never,
    /// Some test was in its domain, but it demanded the outcome in none.
    InDomain,
    /// It demanded the outcome of some test, or it is a guarantee in the domain of one.
    Decided,
}

/// A policy with its counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Covered {
    /// The policy.
    pub(crate) written: Written,
    /// The counts.
    pub(crate) counts: Counts,
}

impl Covered {
    /// How far tests got with it.
    pub(crate) fn reached(&self) -> Reached {
        match (self.counts.in_domain, self.counts.decided) {
            (0, 0) => Reached::Never,
            (_, 0) if !self.written.guarantee => Reached::InDomain,
            _ => Reached::Decided,
        }
    }

    /// How many branches it has, and how many of them were seen.
    pub(crate) fn branches(&self) -> Share {
        let seen = self.counts.leaves.iter().flatten().filter(|count| **count > 0).count();
        Share { covered: seen, total: 2 * self.counts.leaves.len() }
    }
}

/// A part of a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Share {
    /// The part.
    pub(crate) covered: usize,
    /// The whole.
    pub(crate) total: usize,
}

impl Share {
    /// In hundredths of a percent, rounded down, so that only all of it is 100 %; `None` of nothing.
    pub(crate) fn basis_points(self) -> Option<usize> {
        (self.covered * 10_000).checked_div(self.total)
    }
}

impl std::ops::Add for Share {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { covered: self.covered + other.covered, total: self.total + other.total }
    }
}

/// What the tests of a workspace reach, by file and place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// The policies.
    pub(crate) policies: Vec<Covered>,
}

impl Coverage {
    /// How many rules, or limits, have decided.
    pub(crate) fn decided(&self, kind: PolicyKind) -> Share {
        let all = || self.policies.iter().filter(|policy| policy.written.kind == kind);
        Share {
            covered: all().filter(|policy| policy.reached() == Reached::Decided).count(),
            total: all().count(),
        }
    }

    /// How many branches were seen.
    pub(crate) fn branches(&self) -> Share {
        self.policies.iter().map(Covered::branches).fold(Share::default(), std::ops::Add::add)
    }

    /// Rules, limits and branches together.
    pub(crate) fn total(&self) -> Share {
        self.decided(PolicyKind::Rule) + self.decided(PolicyKind::Limit) + self.branches()
    }

    /// For each file and line, in how many tests what stands there took part; of several things on a line, the least.
    /// A scope takes part wherever it holds the request, a window in those, what `enforce` says where it decided, and
    /// the rest of a policy where it is in domain.
    pub(crate) fn lines(&self) -> BTreeMap<&str, BTreeMap<u32, u64>> {
        let mut files: BTreeMap<&str, BTreeMap<u32, u64>> = BTreeMap::new();
        let mut add = |file, line, count: u64| {
            let least = files.entry(file).or_default().entry(line).or_insert(count);
            *least = count.min(*least);
        };
        for Covered { written, counts } in &self.policies {
            let Site { file, place } = &written.site;
            add(file, place.line, counts.in_domain);
            for (clause, place) in &written.clauses {
                let count = match clause {
                    Clause::Scope => counts.in_scope,
                    Clause::Active => counts.in_window,
                    // A limit of its own.
                    Clause::WarnAt => continue,
                    Clause::Enforce if !written.guarantee => counts.decided,
                    _ => counts.in_domain,
                };
                add(file, place.line, count);
            }
            for (leaf, [yes, no]) in written.leaves.iter().zip(&counts.leaves) {
                add(&leaf.site.file, leaf.site.place.line, yes + no);
            }
        }
        files
    }
}

/// Counts what tests reach.
pub(crate) struct Collector {
    covered: BTreeMap<Key, Counted>,
    shared: Instances,
}

struct Counted {
    written: Written,
    counts: Counts,
}

/// Policies as they take part: with names, and with the arguments of their templates filled in.
struct Instances {
    by_name: BTreeMap<PolicyName, Instance>,
    /// Says whether scope and window hold.
    reach: Option<Engine>,
}

struct Instance {
    key: Key,
    leaves: Vec<Option<Predicate>>,
}

impl Instances {
    fn new(written: &BTreeMap<PolicyName, Written>, policies: &Policies) -> Self {
        let by_name = written.iter().map(|(name, written)| {
            let predicate = |leaf: &Leaf| Predicate::new(&leaf.condition, &policies.facts).ok();
            let leaves = written.leaves.iter().map(predicate).collect();
            (name.clone(), Instance { key: written.key(), leaves })
        });
        Self { by_name: by_name.collect(), reach: reach(policies) }
    }
}

impl Collector {
    /// Over the policies that take part in every test, and where each is written.
    pub(crate) fn new(written: &BTreeMap<PolicyName, Written>, policies: &Policies) -> Self {
        let mut collector = Self { covered: BTreeMap::new(), shared: Instances::new(written, policies) };
        written.values().cloned().for_each(|written| collector.add(written));
        collector
    }

    fn add(&mut self, written: Written) {
        let counts = Counts { leaves: vec![[0; 2]; written.leaves.len()], ..Counts::default() };
        self.covered.entry(written.key()).or_insert(Counted { written, counts });
    }

    /// Counts a test; `own` are the places of the policies that exist in it only.
    pub(crate) fn record(&mut self, run: &TestRun, own: &BTreeMap<PolicyName, Written>) {
        let Ok(decision) = &run.decision else { return };
        own.values().cloned().for_each(|written| self.add(written));
        let rules = decision.rules.iter().map(|it| &it.rule.name);
        let limits = decision.limits.iter().map(|it| &it.limit.name);
        let unmeasured = decision.unmeasured.iter().map(|it| &it.limit.name);
        let in_domain: BTreeSet<&PolicyName> = rules.chain(limits).chain(unmeasured).collect();
        let deciders: BTreeSet<&PolicyName> = decision.deciders().collect();
        let only_own = (!own.is_empty()).then(|| {
            let policies = run.policies.restricted_to(own.keys());
            Instances::new(own, &policies)
        });
        for instances in [Some(&self.shared), only_own.as_ref()].into_iter().flatten() {
            count(instances, run, &in_domain, &deciders, &mut self.covered);
        }
    }

    /// What was counted, and that nothing was of the others that are written.
    pub(crate) fn finish(mut self, others: impl IntoIterator<Item = Written>) -> Coverage {
        others.into_iter().for_each(|written| self.add(written));
        let policies =
            self.covered.into_values().map(|Counted { written, counts }| Covered { written, counts });
        Coverage { policies: policies.collect() }
    }
}

fn count(
    instances: &Instances,
    run: &TestRun,
    in_domain: &BTreeSet<&PolicyName>,
    deciders: &BTreeSet<&PolicyName>,
    covered: &mut BTreeMap<Key, Counted>,
) {
    let request = &run.case.request;
    for (name, instance) in &instances.by_name {
        let Some(Counted { counts, .. }) = covered.get_mut(&instance.key) else { continue };
        let scope = run.policies.rules.get(name).map(|rule| &rule.scope);
        let scope = scope.or_else(|| run.policies.limits.get(name).map(|limit| &limit.scope));
        if !scope.is_some_and(|scope| scope.contains(&request.path, request.provider.as_deref())) {
            continue;
        }
        counts.in_scope += 1;
        let reached = instances.reach.as_ref().and_then(|engine| engine.in_domain(name, request).ok());
        if reached != Some(true) {
            continue;
        }
        counts.in_window += 1;
        counts.in_domain += u64::from(in_domain.contains(name));
        counts.decided += u64::from(deciders.contains(name));
        for (predicate, seen) in instance.leaves.iter().zip(&mut counts.leaves) {
            let truth = predicate.as_ref().and_then(|predicate| predicate.evaluate(request).ok()?);
            if let Some(truth) = truth {
                seen[usize::from(!truth)] += 1;
            }
        }
    }
}
