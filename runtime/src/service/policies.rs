//! The facade behind `/api/v1/policies/*`: what the panels ask.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ordain_ir::PolicyId;
use ordain_store::{
    BundleRecord, Clock, ConflictFilter, ConflictPage, GraphSnapshot, LessonFilter, LessonStatus,
    LimitFilter, LimitRecord, Page, PageRequest, PolicyDetail, RuleFilter, RuleRecord, StateCounts, Store,
    StoreError, TenantId,
};

/// Answers the panels' questions about the active policies.
#[derive(Clone)]
pub struct PoliciesFacade {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl PoliciesFacade {
    /// A facade over a store.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// A page of rules, by name.
    pub async fn list_policy_rules(
        &self,
        tenant: &TenantId,
        filter: &RuleFilter,
        page: PageRequest<'_>,
    ) -> Result<Page<RuleRecord>, StoreError> {
        self.store.rules(tenant, filter, page).await
    }

    /// A rule with its dependencies.
    pub async fn get_policy_rule_detail(
        &self,
        tenant: &TenantId,
        id: PolicyId,
    ) -> Result<Option<PolicyDetail<RuleRecord>>, StoreError> {
        self.store.rule(tenant, id).await
    }

    /// A page of limits, by name.
    pub async fn list_limits(
        &self,
        tenant: &TenantId,
        filter: &LimitFilter,
        page: PageRequest<'_>,
    ) -> Result<Page<LimitRecord>, StoreError> {
        self.store.limits(tenant, filter, page).await
    }

    /// A limit with its dependencies.
    pub async fn get_limit_detail(
        &self,
        tenant: &TenantId,
        id: PolicyId,
    ) -> Result<Option<PolicyDetail<LimitRecord>>, StoreError> {
        self.store.limit(tenant, id).await
    }

    /// A page of conflicts, the worst first.
    pub async fn list_policy_conflicts(
        &self,
        tenant: &TenantId,
        filter: &ConflictFilter,
        page: PageRequest<'_>,
    ) -> Result<ConflictPage, StoreError> {
        self.store.conflicts(tenant, filter, page).await
    }

    /// The dependency graph and when it was computed; that of no policies is computed now.
    pub async fn get_policy_dependencies(
        &self,
        tenant: &TenantId,
    ) -> Result<(GraphSnapshot, Timestamp), StoreError> {
        let graph = self.store.dependency_graph(tenant).await?;
        let at = graph.computed_at.unwrap_or_else(|| self.clock.now());
        Ok((graph, at))
    }

    /// The state in numbers, how many real lessons wait for a person, and when the policies last changed; where nothing
    /// ever was, that is now. Violations are those of the last 24 hours.
    pub async fn get_policy_state(
        &self,
        tenant: &TenantId,
    ) -> Result<(StateCounts, u64, Timestamp), StoreError> {
        let now = self.clock.now();
        let since = now.checked_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
        let counts = self.store.state_counts(tenant, since).await?;
        let pending = LessonFilter { status: Some(LessonStatus::Pending), ..LessonFilter::default() };
        let lessons = self.store.lesson_counts(tenant, pending, now).await?.values().sum();
        let at = counts.last_updated.unwrap_or(now);
        Ok((counts, lessons, at))
    }

    /// Whether the database answers.
    pub async fn answers(&self) -> Result<(), StoreError> {
        // No key begins so: whoever looks for it finds that nobody has it.
        self.store.api_key_by_prefix("readiness").await.map(drop)
    }

    /// The active bundle.
    pub async fn active_bundle(&self, tenant: &TenantId) -> Result<Option<BundleRecord>, StoreError> {
        self.store.active_bundle(tenant).await
    }
}
