//! The traits. Each method answers from one consistent view of the database: never half of an activation.

use async_trait::async_trait;
use jiff::Timestamp;
use ordain_ir::{PolicyId, PolicyName};
use uuid::Uuid;

use crate::{
    Activation, ApiKeyRecord, AuditEntry, BundleRecord, CapabilityStore, ConflictAcknowledgement,
    ConflictFilter, ConflictPage, ConflictRecord, CounterAudit, CounterRecord, CountingAnswer, CountingStep,
    Decided, Decision, EvaluationTally, EvaluationTotals, Forget, Forgotten, FoundApiKey, Governed,
    GraphSnapshot, Incident, Learned, LearnedCount, Lesson, LessonAction, LessonCounts, LessonFilter,
    LimitFilter, LimitRecord, NewLesson, Page, PageRequest, PanelHealth, PolicyDetail, ProposalDetail,
    ProposalFilter, ProposalRecord, ProposalStats, Recorded, RuleFilter, RuleRecord, Run, StateCounts,
    StoreError, Succession, Taken, TenantId, VersionRecord, Violation, ViolationCounts, ViolationFilter,
    Vouchers,
};

/// Rules of the active bundle.
#[async_trait]
pub trait RuleStore: Send + Sync {
    /// A page of rules, by full name (bytewise).
    async fn rules(
        &self,
        tenant: &TenantId,
        filter: &RuleFilter,
        page: PageRequest<'_>,
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
        page: PageRequest<'_>,
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
        page: PageRequest<'_>,
    ) -> Result<ConflictPage, StoreError>;

    /// One conflict by its fingerprint; `None` if the tenant has none such.
    async fn conflict(&self, tenant: &TenantId, id: &str) -> Result<Option<ConflictRecord>, StoreError>;
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

    /// Keeps a bundle without activating it. One that the tenant has already stays as it was, but for who vouches for
    /// it.
    async fn store_bundle(
        &self,
        tenant: &TenantId,
        activation: Activation<'_>,
    ) -> Result<BundleRecord, StoreError>;

    /// A page of bundles, the last uploaded first.
    async fn bundles(
        &self,
        tenant: &TenantId,
        page: PageRequest<'_>,
    ) -> Result<Page<BundleRecord>, StoreError>;

    /// The active bundle; `None` if none has ever been active.
    async fn active_bundle(&self, tenant: &TenantId) -> Result<Option<BundleRecord>, StoreError>;

    /// The bytes of a bundle; `None` if the tenant never had it.
    async fn bundle_content(&self, tenant: &TenantId, digest: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// What was last taken from a place that is watched.
    async fn last_taken(&self, tenant: &TenantId, place: &str) -> Result<Option<Taken>, StoreError>;

    /// Who vouches for a bundle; nobody, if the tenant never had it.
    async fn bundle_vouchers(&self, tenant: &TenantId, digest: &str) -> Result<Vouchers, StoreError>;
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
        page: PageRequest<'_>,
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

/// What is used of limits.
#[async_trait]
pub trait CounterStore: Send + Sync {
    /// Works through steps in one transaction, expired holds first, and tells what became of each, in their order.
    /// Steps of one tenant never overlap, whichever process they come from.
    async fn count(
        &self,
        tenant: &TenantId,
        steps: &[CountingStep],
        now: Timestamp,
    ) -> Result<Vec<CountingAnswer>, StoreError>;

    /// The counters of a limit, the latest period first, then by quantity and subject; so many at most.
    async fn counters(
        &self,
        tenant: &TenantId,
        limit: &PolicyName,
        most: u32,
    ) -> Result<Vec<CounterRecord>, StoreError>;

    /// Whether every counter is the sum of its entries in the ledger, and holds what the decisions say that hold.
    async fn audit_counters(&self, tenant: &TenantId) -> Result<CounterAudit, StoreError>;

    /// Forgets some of what is old: counters with their entries, and decisions. What is held stays, with its counters. A
    /// claim under a forgotten name is new.
    async fn forget_counted(&self, tenant: &TenantId, forget: Forget) -> Result<Forgotten, StoreError>;
}

/// API keys.
#[async_trait]
pub trait AccessStore: Send + Sync {
    /// Keeps a new key. Fails if any tenant has one with this prefix.
    async fn create_api_key(&self, tenant: &TenantId, key: &ApiKeyRecord) -> Result<(), StoreError>;

    /// Every key, the oldest first, also those that count no more.
    async fn api_keys(&self, tenant: &TenantId) -> Result<Vec<ApiKeyRecord>, StoreError>;

    /// The key with this prefix, whosever it is: this is how a request comes to its tenant.
    async fn api_key_by_prefix(&self, prefix: &str) -> Result<Option<FoundApiKey>, StoreError>;

    /// Revokes a key and gives it back; `None` if the tenant has none of this identity. Again, it stays as it was.
    async fn revoke_api_key(
        &self,
        tenant: &TenantId,
        id: Uuid,
        at: Timestamp,
    ) -> Result<Option<ApiKeyRecord>, StoreError>;

    /// Keeps a new key, and lets the one that it replaces end at an instant, unless that ends before. Whether there
    /// was such a key that isn't revoked; otherwise nothing is done.
    async fn replace_api_key(
        &self,
        tenant: &TenantId,
        id: Uuid,
        until: Timestamp,
        new: &ApiKeyRecord,
    ) -> Result<bool, StoreError>;

    /// Notes that a key was used, to the hour.
    async fn touch_api_key(&self, tenant: &TenantId, id: Uuid, at: Timestamp) -> Result<(), StoreError>;
}

/// Proposals, decisions of people, and the record of them. Every change is written together with its audit entry, or
/// not at all.
#[async_trait]
pub trait GovernanceStore: Send + Sync {
    /// Keeps a new proposal with its first version.
    async fn create_proposal(
        &self,
        tenant: &TenantId,
        proposal: &ProposalRecord,
        first: &VersionRecord,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;

    /// Adds a version that becomes the current one, in the place of the one before it.
    async fn add_proposal_version(
        &self,
        tenant: &TenantId,
        version: &VersionRecord,
        audit: &AuditEntry,
    ) -> Result<Governed<ProposalRecord>, StoreError>;

    /// A page of proposals, the latest first.
    async fn proposals(
        &self,
        tenant: &TenantId,
        filter: ProposalFilter,
        page: PageRequest<'_>,
    ) -> Result<Page<ProposalRecord>, StoreError>;

    /// One proposal with its versions; `None` if the tenant has none of this identity.
    async fn proposal(&self, tenant: &TenantId, id: Uuid) -> Result<Option<ProposalDetail>, StoreError>;

    /// A page of versions of all proposals, the latest first; only current ones if asked for.
    async fn proposal_versions(
        &self,
        tenant: &TenantId,
        only_current: bool,
        page: PageRequest<'_>,
    ) -> Result<Page<VersionRecord>, StoreError>;

    /// How many proposals there are.
    async fn proposal_stats(&self, tenant: &TenantId) -> Result<ProposalStats, StoreError>;

    /// Approves or rejects a proposal, and activates what an approval brings.
    async fn decide_proposal(
        &self,
        tenant: &TenantId,
        decision: Decision<'_>,
        audit: &AuditEntry,
    ) -> Result<Governed<Decided>, StoreError>;

    /// Activates what takes the place of a certain bundle.
    async fn succeed(
        &self,
        tenant: &TenantId,
        succession: Succession<'_>,
        audit: &AuditEntry,
    ) -> Result<Governed<BundleRecord>, StoreError>;

    /// Resolves a WARNING for as long as analyses find it.
    async fn acknowledge_conflict(
        &self,
        tenant: &TenantId,
        acknowledgement: &ConflictAcknowledgement,
        audit: &AuditEntry,
    ) -> Result<Governed<ConflictRecord>, StoreError>;

    /// A page of the record, the last written first.
    async fn audit_log(
        &self,
        tenant: &TenantId,
        page: PageRequest<'_>,
    ) -> Result<Page<AuditEntry>, StoreError>;
}

/// The health of panels, and whose panels there are.
#[async_trait]
pub trait PanelStore: Send + Sync {
    /// The names of tenants that have a key, a bundle, a proposal or an event, or once had, in one order: those after this
    /// one, so many at most. Nothing of what they have can be seen this way.
    async fn tenants(&self, after: Option<&TenantId>, most: u32) -> Result<Vec<TenantId>, StoreError>;

    /// How each panel was when it was last looked at, by panel (bytewise).
    async fn panel_health(&self, tenant: &TenantId) -> Result<Vec<PanelHealth>, StoreError>;

    /// Keeps how panels are, each only if it was looked at once more than what is known of it: of several who looked at a
    /// panel at once, one is right. Tells of each whether it was kept.
    async fn record_panel_health(
        &self,
        tenant: &TenantId,
        found: &[PanelHealth],
    ) -> Result<Vec<bool>, StoreError>;
}

/// Lessons learned, and the events that they are learned from. A deferred lesson whose instant has come is pending
/// again: every question here sees it so.
#[async_trait]
pub trait LessonStore: Send + Sync {
    /// Records incidents with what is learned from them, all or none. One whose identity the tenant has already stays
    /// as it was, and teaches nothing anew.
    async fn record_incidents(
        &self,
        tenant: &TenantId,
        incidents: &[Learned<Incident>],
    ) -> Result<LearnedCount, StoreError>;

    /// Records runs, likewise.
    async fn record_runs(&self, tenant: &TenantId, runs: &[Learned<Run>])
    -> Result<LearnedCount, StoreError>;

    /// Keeps lessons from elsewhere, but for those that were learned a short while ago, or from the same event, and tells
    /// how many are new.
    async fn record_lessons(&self, tenant: &TenantId, lessons: &[NewLesson]) -> Result<u64, StoreError>;

    /// One incident; `None` if the tenant has none of this identity.
    async fn incident(&self, tenant: &TenantId, id: Uuid) -> Result<Option<Incident>, StoreError>;

    /// One run, by the identity of its report; `None` if the tenant has none such.
    async fn run(&self, tenant: &TenantId, id: Uuid) -> Result<Option<Run>, StoreError>;

    /// A page of lessons, the latest first; of one instant, the greater identity first.
    async fn lessons(
        &self,
        tenant: &TenantId,
        filter: LessonFilter,
        page: PageRequest<'_>,
        now: Timestamp,
    ) -> Result<Page<Lesson>, StoreError>;

    /// How many lessons there are of each type, status and severity.
    async fn lesson_counts(
        &self,
        tenant: &TenantId,
        filter: LessonFilter,
        now: Timestamp,
    ) -> Result<LessonCounts, StoreError>;

    /// One lesson; `None` if the tenant has none of this identity.
    async fn lesson(&self, tenant: &TenantId, id: Uuid, now: Timestamp)
    -> Result<Option<Lesson>, StoreError>;

    /// Does what a person wants with a lesson that is pending, together with the record of it, or nothing.
    async fn act_on_lesson(
        &self,
        tenant: &TenantId,
        id: Uuid,
        action: LessonAction<'_>,
        at: Timestamp,
        audit: &AuditEntry,
    ) -> Result<Governed<Lesson>, StoreError>;
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
    CounterStore,
    AccessStore,
    CapabilityStore,
    GovernanceStore,
    PanelStore,
    LessonStore,
];
