//! The traits. Each method answers from one consistent view of the database: never half of an activation.

use async_trait::async_trait;
use jiff::Timestamp;
use ordain_ir::PolicyId;

use crate::{
    Activation, BundleRecord, ConflictFilter, ConflictPage, GraphSnapshot, LimitFilter, LimitRecord, Page,
    PageRequest, PolicyDetail, RuleFilter, RuleRecord, StateCounts, StoreError, TenantId,
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
    /// Counts; violations are counted from `violations_since` on.
    async fn state_counts(
        &self,
        tenant: &TenantId,
        violations_since: Timestamp,
    ) -> Result<StateCounts, StoreError>;
}

/// All of it.
pub trait Store: RuleStore + LimitStore + ConflictStore + DependencyStore + BundleStore + StateStore {}

impl<T: RuleStore + LimitStore + ConflictStore + DependencyStore + BundleStore + StateStore> Store for T {}
