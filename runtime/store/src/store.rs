//! The traits. Each method answers from one consistent view of the database: never half of an activation.

use async_trait::async_trait;
use jiff::Timestamp;
use ordain_ir::PolicyId;

use crate::{
    Activation, BundleRecord, ConflictFilter, ConflictPage, EvaluationTally, EvaluationTotals, GraphSnapshot,
    LimitFilter, LimitRecord, Page, PageRequest, PolicyDetail, Recorded, RuleFilter, RuleRecord, StateCounts,
    StoreError, TenantId, Violation, ViolationCounts, ViolationFilter, ViolationPageRequest,
};

/// Rules of the active bundle.
#[async_trait]
pub trait RuleStore: Send + Sync {
    /// A page of rules, by full name (bytewise).
    async fn rules(
        &self,
        tenant: &TenantId,
        filter: &RuleFilter,
        page: PageRequest,
    ) -> Result<Page<RuleRecord>, StoreError>;

    /// One rule; `None` if the tenant has none of this identity.
    async fn rule(
        &self,
        tenant: &TenantId,
        id: PolicyId,
    ) -> Result<Option<PolicyDetail<RuleRecord>>, StoreError>;
}

/// Limits of the active bundle.
#[async_trait]
pub trait LimitStore: Send + Sync {
    /// A page of limits, by full name (bytewise).
    async fn limits(
        &self,
        tenant: &TenantId,
        filter: &LimitFilter,
        page: PageRequest,
    ) -> Result<Page<LimitRecord>, StoreError>;

    /// One limit; `None` if the tenant has none of this identity.
    async fn limit(
        &self,
        tenant: &TenantId,
        id: PolicyId,
    ) -> Result<Option<PolicyDetail<LimitRecord>>, StoreError>;
}

/// Conflicts between policies of the active bundle.
#[async_trait]
pub trait ConflictStore: Send + Sync {
    /// A page of conflicts, in the analysis' order.
    async fn conflicts(
        &self,
        tenant: &TenantId,
        filter: &ConflictFilter,
        page: PageRequest,
    ) -> Result<ConflictPage, StoreError>;
}

/// Dependencies between policies of the active bundle.
#[async_trait]
pub trait DependencyStore: Send + Sync {
    /// Every policy and every edge.
    async fn dependency_graph(&self, tenant: &TenantId) -> Result<GraphSnapshot, StoreError>;
}

/// Bundles.
#[async_trait]
pub trait BundleStore: Send + Sync {
    /// Replaces the tenant's active policies, conflicts and edges, wholly or not at all, and keeps the
    /// bundle. Policies and conflicts that were there before keep their first instants; a policy that is the
    /// same keeps its last change too. Activating the active bundle again renews its analysis.
    async fn activate_bundle(
        &self,
        tenant: &TenantId,
        activation: Activation<'_>,
    ) -> Result<BundleRecord, StoreError>;

    /// The active bundle; `None` if none has ever been active.
    async fn active_bundle(&self, tenant: &TenantId) -> Result<Option<BundleRecord>, StoreError>;

    /// The bytes of a bundle; `None` if the tenant never had it.
    async fn bundle_content(&self, tenant: &TenantId, digest: &str) -> Result<Option<Vec<u8>>, StoreError>;
}

/// The state of everything, in numbers.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// Counts; of violations, the real ones from `violations_since` on.
    async fn state_counts(
        &self,
        tenant: &TenantId,
        violations_since: Timestamp,
    ) -> Result<StateCounts, StoreError>;
}

/// Violations.
#[async_trait]
pub trait ViolationStore: Send + Sync {
    /// Records violations, all or none. One whose identity the tenant has already stays as it was.
    async fn record_violations(
        &self,
        tenant: &TenantId,
        violations: &[Violation],
    ) -> Result<Recorded, StoreError>;

    /// A page of violations, the latest first; of one instant, the greater identity first. The total is that of
    /// the filter, wherever the page begins.
    async fn violations(
        &self,
        tenant: &TenantId,
        filter: &ViolationFilter,
        page: ViolationPageRequest,
    ) -> Result<Page<Violation>, StoreError>;

    /// How many violations there are of each type.
    async fn violation_counts(
        &self,
        tenant: &TenantId,
        filter: &ViolationFilter,
    ) -> Result<ViolationCounts, StoreError>;
}

/// Evaluations.
#[async_trait]
pub trait EvaluationStore: Send + Sync {
    /// Adds decisions to what is counted.
    async fn record_evaluations(
        &self,
        tenant: &TenantId,
        tallies: &[EvaluationTally],
    ) -> Result<(), StoreError>;

    /// Decisions from the beginning of this instant's minute on, by outcome.
    async fn evaluation_totals(
        &self,
        tenant: &TenantId,
        since: Timestamp,
    ) -> Result<EvaluationTotals, StoreError>;
}

/// Declares a trait that is all of others.
macro_rules! all_of {
    ($($part:ident),+ $(,)?) => {
        /// All of it.
        pub trait Store: $($part +)+ {}

        impl<T: $($part +)+> Store for T {}
    };
}

all_of![
    RuleStore,
    LimitStore,
    ConflictStore,
    DependencyStore,
    BundleStore,
    StateStore,
    ViolationStore,
    EvaluationStore,
];
