//! Rules, limits, and the checked set of them that everything downstream works on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Bound, Code, Condition, ConflictSeverity, ConflictType, Enforcement, Fact, FactName, Glob, MeterUnit,
    Partition, PolicyId, PolicyKind, PolicyName, PolicyRef, Quantity, ScopePattern, ScopeSelector, Window,
    wire_enum,
};

wire_enum! {
    /// A rule's concern. Rules of different concerns never conflict; the order is the audit's, and that of
    /// implicit dependencies.
    pub enum RuleType {
        /// The platform itself.
        System = "SYSTEM",
        /// Harm.
        Safety = "SAFETY",
        /// Fairness and honesty.
        Ethical = "ETHICAL",
        /// When things may happen.
        Temporal = "TEMPORAL",
    }
}

wire_enum! {
    /// What a rule does to a request that it applies to, mildest first.
    pub enum EnforcementMode {
        /// Nothing.
        Disabled = "DISABLED",
        /// Record it.
        Audit = "AUDIT",
        /// Let it pass with a warning.
        Warn = "WARN",
        /// Stop it.
        Block = "BLOCK",
    }
}

wire_enum! {
    /// Where a policy comes from.
    pub enum Source {
        /// Written by a person.
        Manual = "MANUAL",
        /// Part of the platform.
        System = "SYSTEM",
        /// Proposed from a lesson learned.
        Learned = "LEARNED",
    }
}

wire_enum! {
    /// Whether a rule takes part in decisions and conflicts.
    pub enum RuleStatus {
        /// It does.
        Active = "ACTIVE",
        /// It is kept for the record.
        Retired = "RETIRED",
    }
}

wire_enum! {
    /// Whether a limit takes part in decisions and conflicts.
    pub enum LimitStatus {
        /// It does.
        Active = "ACTIVE",
        /// It is switched off.
        Disabled = "DISABLED",
    }
}

/// `overrides other because "reason"`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Override {
    /// The policy that gives way, of the same kind.
    pub policy: PolicyName,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// Where a policy comes from that isn't written out as one: from a template, or from a limit's `warn at`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Derived {
    /// Its name within the package, with dots: `support-spend.hard`, `monthly-budget.warn`.
    pub local: String,
    /// The full name of the template, if it comes from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
}

/// What an agent may do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rule {
    /// Full name.
    pub name: PolicyName,
    /// Documentation in Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub doc: String,
    /// Concern.
    pub rule_type: RuleType,
    /// What it does.
    pub enforcement_mode: EnforcementMode,
    /// Whom it speaks to. Never a provider.
    pub scope: ScopeSelector,
    /// When it speaks.
    #[serde(default, skip_serializing_if = "Window::is_always")]
    pub window: Window,
    /// About which requests it speaks.
    pub condition: Condition,
    /// Higher wins within the concern.
    pub priority: i64,
    /// Origin.
    pub source: Source,
    /// Whether it counts.
    pub status: RuleStatus,
    /// Policies of any kind that it needs, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<PolicyName>,
    /// Rules that give way where this one applies, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    /// What it was made from, if it isn't written out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived: Option<Derived>,
}

impl Rule {
    /// A rule about every request, written by hand and active; other clauses are set beside it.
    pub fn new(name: impl Into<PolicyName>, rule_type: RuleType, enforcement_mode: EnforcementMode) -> Self {
        Self {
            name: name.into(),
            doc: String::new(),
            rule_type,
            enforcement_mode,
            scope: ScopeSelector::global(),
            window: Window::ALWAYS,
            condition: Condition::True,
            priority: 0,
            source: Source::Manual,
            status: RuleStatus::Active,
            depends_on: vec![],
            overrides: vec![],
            derived: None,
        }
    }
}

/// How much of something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Limit {
    /// Full name.
    pub name: PolicyName,
    /// Documentation in Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub doc: String,
    /// What is bounded.
    pub quantity: Quantity,
    /// The bound.
    pub bound: Bound,
    /// What a breach does.
    pub enforcement: Enforcement,
    /// Whom it speaks to.
    pub scope: ScopeSelector,
    /// When it speaks.
    #[serde(default, skip_serializing_if = "Window::is_always")]
    pub window: Window,
    /// About which requests it speaks.
    pub condition: Condition,
    /// The rule to whose domain it is confined (`when rule r`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<PolicyName>,
    /// Whose counter it has.
    pub partition: Partition,
    /// Origin.
    pub source: Source,
    /// Whether it counts.
    pub status: LimitStatus,
    /// Policies of any kind that it needs, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<PolicyName>,
    /// Limits that give way where this one applies, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    /// What it was made from, if it isn't written out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived: Option<Derived>,
}

impl Limit {
    /// A limit on all requests together, written by hand and active; other clauses are set beside it.
    pub fn new(
        name: impl Into<PolicyName>,
        quantity: Quantity,
        bound: Bound,
        enforcement: Enforcement,
    ) -> Self {
        Self {
            name: name.into(),
            doc: String::new(),
            quantity,
            bound,
            enforcement,
            scope: ScopeSelector::global(),
            window: Window::ALWAYS,
            condition: Condition::True,
            rule: None,
            partition: Partition::Whole,
            source: Source::Manual,
            status: LimitStatus::Active,
            depends_on: vec![],
            overrides: vec![],
            derived: None,
        }
    }
}

/// `require coverage safety for … in …`: every request of the scope that fulfils the condition must lie in the
/// domain of some ACTIVE rule of the concern whose mode is not DISABLED.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Obligation {
    /// The package that states it.
    pub package: String,
    /// The concern.
    pub rule_type: RuleType,
    /// About which requests.
    pub condition: Condition,
    /// Whose. Never a provider's.
    pub scope: ScopeSelector,
}

/// What an `allow` allows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allowed {
    /// A conflict of this type between exactly these policies. Never a BLOCKING one.
    Conflict {
        /// The type.
        conflict_type: ConflictType,
        /// All policies of the conflict.
        policies: BTreeSet<PolicyName>,
    },
    /// A warning with this code whose place lies in this policy. Never an error.
    Warning {
        /// The code.
        code: Code,
        /// The policy.
        policy: PolicyName,
    },
}

/// `allow … because … until …`
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Allowance {
    /// What.
    pub allowed: Allowed,
    /// Why; not empty.
    pub because: String,
    /// From this instant on it counts no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The package that states it.
    pub package: String,
}

impl Rule {
    /// Its name within the package.
    pub fn label(&self) -> &str {
        self.derived.as_ref().map_or_else(|| self.name.local(), |it| &it.local)
    }

    /// Its identity.
    pub fn id(&self) -> PolicyId {
        PolicyId::of(&self.name)
    }

    /// How findings name it.
    pub fn reference(&self) -> PolicyRef {
        PolicyRef::new(PolicyKind::Rule, &self.name)
    }
}

impl Limit {
    /// Its name within the package.
    pub fn label(&self) -> &str {
        self.derived.as_ref().map_or_else(|| self.name.local(), |it| &it.local)
    }

    /// Its identity.
    pub fn id(&self) -> PolicyId {
        PolicyId::of(&self.name)
    }

    /// How findings name it.
    pub fn reference(&self) -> PolicyRef {
        PolicyRef::new(PolicyKind::Limit, &self.name)
    }
}

wire_enum! {
    /// What is done with a policy of which it can't be known whether it speaks, because a request leaves out, or says
    /// wrongly, a fact that its condition depends on.
    pub enum Fail {
        /// It counts as speaking: the outcome is at least as strict as that of any request that says the fact.
        Closed = "CLOSED",
        /// It counts as silent.
        Open = "OPEN",
    }
}

impl Fail {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    fn is_closed(&self) -> bool {
        *self == Self::Closed
    }
}

/// What a workspace settles for the analysis of its policies, and for decisions by them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Settings {
    /// The seconds since 1970 between which windows are compared, `[from, until)`. It is widened to a year
    /// around every instant that a policy names, so that no written validity falls outside.
    pub horizon: (i64, i64),
    /// Bound on the solver's work for one question, in its deterministic resource units.
    pub solver_bound: u32,
    /// Conflict types raised (or confirmed) to a severity. Only proved conflicts ever become BLOCKING.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub severity: BTreeMap<ConflictType, ConflictSeverity>,
    /// What is done with policies that depend on what a request doesn't say.
    #[serde(default = "closed", skip_serializing_if = "Fail::is_closed")]
    pub fail: Fail,
    /// The agents that are known, at least one; without it, all are. Decisions tell of others. The analysis doesn't ask:
    /// what it finds holds whoever comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<BTreeSet<ScopePattern>>,
    /// The providers that are known, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub providers: Option<BTreeSet<Glob>>,
}

impl Settings {
    /// Whether the agent of tenant, project and name is known.
    pub fn knows_agent(&self, path: [&str; 3]) -> bool {
        self.agents.as_ref().is_none_or(|known| known.iter().any(|pattern| pattern.selects(path, None)))
    }

    /// Whether the provider is known.
    pub fn knows_provider(&self, provider: &str) -> bool {
        self.providers.as_ref().is_none_or(|known| known.iter().any(|pattern| pattern.matches(provider)))
    }
}

const fn closed() -> Fail {
    Fail::Closed
}

impl Default for Settings {
    /// 2026-01-01 to 2036-01-01, two million units, the severities of the definition, failing closed.
    fn default() -> Self {
        Self {
            horizon: (1_767_225_600, 2_082_758_400),
            solver_bound: 2_000_000,
            severity: BTreeMap::new(),
            fail: Fail::Closed,
            agents: None,
            providers: None,
        }
    }
}

/// A checked set of policies: every name resolves, every condition is well-typed, `overrides` and explicit
/// dependencies have no cycle. Keys are full names, so iteration has one order everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Policies {
    /// The facts that conditions may read.
    pub facts: BTreeMap<FactName, Fact>,
    /// Rules by full name.
    pub rules: BTreeMap<PolicyName, Arc<Rule>>,
    /// Limits by full name.
    pub limits: BTreeMap<PolicyName, Arc<Limit>>,
    /// The declared meters that requests may report, with their units.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub meters: BTreeMap<String, MeterUnit>,
    /// Coverage that must not lack.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub obligations: BTreeSet<Obligation>,
    /// What is accepted with a reason.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub allowances: BTreeSet<Allowance>,
    /// How they are to be analysed.
    pub settings: Settings,
}

impl Policies {
    /// How many policies there are.
    pub fn len(&self) -> usize {
        self.rules.len() + self.limits.len()
    }

    /// Whether there is no policy.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.limits.is_empty()
    }

    /// A policy's name within its package; the part after the last dot where there is no such policy.
    pub fn label<'a>(&'a self, name: &'a PolicyName) -> &'a str {
        let rule = || self.rules.get(name).map(|rule| rule.label());
        let limit = || self.limits.get(name).map(|limit| limit.label());
        rule().or_else(limit).unwrap_or_else(|| name.local())
    }

    /// Only the named policies, without coverage and allowances, and the rules to which a kept limit is confined; dependencies and overrides
    /// that lead outside are dropped.
    #[must_use]
    pub fn restricted_to<'a>(&self, names: impl IntoIterator<Item = &'a PolicyName>) -> Self {
        let mut keep: BTreeSet<&PolicyName> = names.into_iter().collect();
        let confining: Vec<_> =
            keep.iter().filter_map(|name| self.limits.get(*name)?.rule.as_ref()).collect();
        keep.extend(confining);
        let inside = |name: &PolicyName| keep.contains(name);
        let prune = |depends_on: &mut Vec<PolicyName>, overrides: &mut Vec<Override>| {
            depends_on.retain(inside);
            overrides.retain(|o| inside(&o.policy));
        };
        let mut out = Self {
            facts: self.facts.clone(),
            meters: self.meters.clone(),
            settings: self.settings.clone(),
            ..Self::default()
        };
        // Few of many are looked up, not searched for.
        for (name, rule) in keep.iter().filter_map(|name| self.rules.get_key_value(*name)) {
            let mut rule = Rule::clone(rule);
            prune(&mut rule.depends_on, &mut rule.overrides);
            out.rules.insert(name.clone(), Arc::new(rule));
        }
        for (name, limit) in keep.iter().filter_map(|name| self.limits.get_key_value(*name)) {
            let mut limit = Limit::clone(limit);
            prune(&mut limit.depends_on, &mut limit.overrides);
            out.limits.insert(name.clone(), Arc::new(limit));
        }
        out
    }
}
