//! What the runtime keeps, and how it asks for it: domain types, one trait per kind of thing, an in-memory
//! model, and (with the feature `conformance`) the suite that every store must pass.
//!
//! No SQL here. Every method takes a [`TenantId`]; there is no way to ask across tenants, with two exceptions: one looks a
//! credential up, which is how a request comes to its tenant, the other tells the names of tenants, and nothing of what they
//! have. Times come from a [`Clock`] and are kept to the microsecond.

mod access;
mod activation;
mod calendar;
mod capability;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod counting;
mod cursor;
mod error;
mod evaluation;
mod filter;
mod governance;
mod lesson;
mod memory;
mod page;
mod panel;
mod random;
mod record;
mod store;
mod tenant;
mod violation;
mod watching;

pub use access::{ApiKeyRecord, FoundApiKey, Principal, PrincipalKind, PrincipalNameError, Role};
pub use activation::{Activation, BundleOrigin, Voucher, Vouchers};
pub use calendar::{day_of, hour_of, minute_of, next_day, next_hour};
pub use capability::{CapabilityObservation, CapabilityStore};
pub use clock::{Clock, ManualClock, clamped_microseconds, from_microseconds, to_microsecond};
pub use counting::{
    Claim, Counted, Counter, CounterAudit, CounterKey, CounterRecord, CountingAnswer, CountingStep, Decide,
    Forget, Forgotten, RunKey, Standing,
};
pub use cursor::{Cursor, Order, conflict_rank};
pub use error::{StoreError, redacted};
pub use evaluation::{EvaluationTally, EvaluationTotal, EvaluationTotals};
pub use filter::{ConflictFilter, LimitFilter, LimitTypePattern, RuleFilter};
pub use governance::{
    AuditEntry, ConflictAcknowledgement, Decided, Decision, Governed, ProposalDetail, ProposalFilter,
    ProposalRecord, ProposalStats, ProposalStatus, Refusal, Review, Succession, VersionRecord,
};
pub use lesson::{
    Conversion, DEBOUNCE, Debounce, Debounces, Incident, IncidentSeverity, Learned, LearnedCount, Lesson,
    LessonAction, LessonCounts, LessonEvent, LessonFilter, LessonSeverity, LessonSource, LessonStanding,
    LessonStatus, LessonType, NewLesson, Run, RunStatus, RunUse, StandingColumns, lessons_of_new,
};
pub use memory::MemoryStore;
pub use page::{Page, PageRequest, Placed};
pub use panel::{PanelAlert, PanelAlertSeverity, PanelAlertType, PanelHealth, PanelStatus};
pub use random::{Random, SeededRandom, new_id};
pub use record::{
    BundleRecord, ConflictPage, ConflictRecord, GraphSnapshot, LimitRecord, PolicyDetail, RuleRecord,
    StateCounts,
};
pub use store::{
    AccessStore, BundleStore, ConflictStore, CounterStore, DependencyStore, EvaluationStore, GovernanceStore,
    LessonStore, LimitStore, PanelStore, RuleStore, StateStore, Store, ViolationStore,
};
pub use tenant::{TenantId, TenantIdError};
pub use violation::{
    Recorded, ViolatedPolicy, Violation, ViolationCounts, ViolationFilter, ViolationKind, ViolationSeverity,
    ViolationSource, ViolationType,
};
pub use watching::{Sighting, Taken};
