//! Violations as clients hand them in, and what panels ask about them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ordain_ir::PolicyId;
use ordain_store::{
    Clock, EvaluationTotals, Page, PageRequest, Random, Recorded, Store, StoreError, TenantId,
    ViolatedPolicy, Violation, ViolationCounts, ViolationFilter, ViolationKind, ViolationSeverity,
    ViolationSource, ViolationType, new_id,
};
use uuid::Uuid;

use crate::telemetry;

/// A violation before it is recorded. What is missing is filled in.
#[derive(Clone, Debug)]
pub struct NewViolation {
    /// The client's own identity for it, so that handing it in again does nothing; a new one otherwise.
    pub id: Option<Uuid>,
    /// What kind of policy was not kept.
    pub violation_type: ViolationType,
    /// How it stands out.
    pub violation_kind: ViolationKind,
    /// Who saw it.
    pub source: ViolationSource,
    /// How bad it is.
    pub severity: ViolationSeverity,
    /// The full name of the policy.
    pub policy_name: Option<String>,
    /// Whose request it was.
    pub path: Option<String>,
    /// In which run.
    pub run_id: Option<String>,
    /// For people.
    pub description: String,
    /// For programs: one JSON object.
    pub details: Option<String>,
    /// Whether it was made up; what a simulation sees is, if nobody says otherwise.
    pub is_synthetic: Option<bool>,
    /// The scenario that made it up.
    pub synthetic_scenario_id: Option<String>,
    /// When it happened; now otherwise.
    pub occurred_at: Option<Timestamp>,
}

/// Takes violations in, and answers for them.
#[derive(Clone)]
pub struct ViolationService {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl ViolationService {
    /// A service over a store.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { store, clock, random }
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Records violations, all or none, and gives back their identities in the order in which they came.
    pub async fn record(
        &self,
        tenant: &TenantId,
        violations: Vec<NewViolation>,
    ) -> Result<(Recorded, Vec<Uuid>), StoreError> {
        let now = self.clock.now();
        let whole: Vec<_> = violations.into_iter().map(|new| self.completed(new, now)).collect();
        let recorded = self.store.record_violations(tenant, &whole).await?;
        telemetry::violations_recorded(recorded.recorded, recorded.duplicates);
        Ok((recorded, whole.into_iter().map(|violation| violation.id).collect()))
    }

    fn completed(&self, new: NewViolation, now: Timestamp) -> Violation {
        let policy =
            new.policy_name.map(|name| ViolatedPolicy { id: PolicyId::of(&name.as_str().into()), name });
        Violation {
            id: new.id.unwrap_or_else(|| new_id(now, &*self.random)),
            violation_type: new.violation_type,
            violation_kind: new.violation_kind,
            source: new.source,
            severity: new.severity,
            policy,
            path: new.path,
            run_id: new.run_id,
            description: new.description,
            details: new.details,
            is_synthetic: new.is_synthetic.unwrap_or(new.source == ViolationSource::Sim),
            synthetic_scenario_id: new.synthetic_scenario_id,
            occurred_at: new.occurred_at.unwrap_or(now),
            recorded_at: now,
        }
    }

    /// A page of violations, the latest first.
    pub async fn list_policy_violations(
        &self,
        tenant: &TenantId,
        filter: &ViolationFilter,
        page: PageRequest<'_>,
    ) -> Result<Page<Violation>, StoreError> {
        self.store.violations(tenant, filter, page).await
    }

    /// Decisions and real violations of the last hours.
    pub async fn get_policy_metrics(
        &self,
        tenant: &TenantId,
        hours: u32,
    ) -> Result<(EvaluationTotals, ViolationCounts), StoreError> {
        let since = self.since(hours);
        let evaluations = self.store.evaluation_totals(tenant, since).await?;
        let violations = self.store.violation_counts(tenant, &ViolationFilter::since(since)).await?;
        Ok((evaluations, violations))
    }

    /// The beginning of a window of so many hours that ends now.
    pub fn since(&self, hours: u32) -> Timestamp {
        self.now().checked_sub(SignedDuration::from_hours(hours.into())).unwrap_or(Timestamp::MIN)
    }
}
