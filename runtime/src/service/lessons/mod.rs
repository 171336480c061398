//! Lessons learned: from what others report, and what people do about them.

mod convert;
mod detect;
mod draft;
mod words;

use std::sync::Arc;

use jiff::Timestamp;
use ordain_store::{
    AuditEntry, Clock, Incident, IncidentSeverity, Learned, LearnedCount, Lesson, LessonAction, LessonCounts,
    LessonEvent, LessonFilter, LessonStatus, LessonType, NewLesson, Page, PageRequest, Principal, Random,
    Refusal, Run, RunStatus, RunUse, Store, StoreError, TenantId, new_id, to_microsecond,
};
use serde_json::{Value, json};
use uuid::Uuid;

pub use convert::{Converted, Wording};
pub(crate) use detect::{Near, USE_SCALE, from_decision};

use super::audit::entry;
use super::governance::{GovernanceError, GovernanceService, human};
use crate::telemetry;

/// An incident before it is recorded. What is missing is filled in.
#[derive(Clone, Debug)]
pub struct NewIncident {
    /// The client's own identity for it, so that handing it in again does nothing; a new one otherwise.
    pub id: Option<Uuid>,
    /// How bad it is.
    pub severity: IncidentSeverity,
    /// What happened, in one line.
    pub title: String,
    /// The error's code.
    pub error_code: Option<String>,
    /// What the error said.
    pub error_message: Option<String>,
    /// In which run.
    pub run_id: Option<String>,
    /// Whose run.
    pub path: Option<String>,
    /// The full name of the policy that it is about.
    pub policy_name: Option<String>,
    /// For programs: one JSON object.
    pub details: Option<String>,
    /// Whether it was made up.
    pub is_synthetic: bool,
    /// The scenario that made it up.
    pub synthetic_scenario_id: Option<String>,
    /// When it happened; now otherwise.
    pub occurred_at: Option<Timestamp>,
}

/// A run before it is recorded. What is missing is filled in.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The client's own identity for the report; otherwise it follows from `run_id`.
    pub id: Option<Uuid>,
    /// What the client calls the run.
    pub run_id: String,
    /// Whose run.
    pub path: Option<String>,
    /// How it ended.
    pub status: RunStatus,
    /// How bad it is that it failed.
    pub severity: Option<IncidentSeverity>,
    /// The error's code.
    pub error_code: Option<String>,
    /// What the error said.
    pub error_message: Option<String>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended; now otherwise.
    pub ended_at: Option<Timestamp>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// What it used of limits.
    pub usage: Vec<RunUse>,
    /// Whether it was made up.
    pub is_synthetic: bool,
    /// The scenario that made it up.
    pub synthetic_scenario_id: Option<String>,
}

/// What became of events that were handed in, with their identities in the order in which they came.
#[derive(Clone, Debug)]
pub struct Ingested {
    /// How many are new, and how many lessons they teach.
    pub count: LearnedCount,
    /// Their identities.
    pub ids: Vec<Uuid>,
}

/// Why nothing was done about a lesson.
#[derive(Debug, thiserror::Error)]
pub enum LessonError {
    /// There is no such lesson.
    #[error("there is no lesson with the id `{0}`")]
    NotFound(Uuid),
    /// It doesn't wait for a person.
    #[error("the lesson is {0}")]
    NotPending(LessonStatus),
    /// It is to wait until an instant that has passed.
    #[error("`{0}` is not in the future")]
    NotInFuture(Timestamp),
    /// As with proposals.
    #[error(transparent)]
    Governance(#[from] GovernanceError),
}

impl From<StoreError> for LessonError {
    fn from(error: StoreError) -> Self {
        Self::Governance(error.into())
    }
}

/// The event behind a lesson, as it was recorded.
#[derive(Clone, Debug)]
pub enum SourceEvent {
    /// An incident.
    Incident(Box<Incident>),
    /// A run.
    Run(Box<Run>),
}

/// Learns, and answers for what was learned.
#[derive(Clone)]
pub struct LessonService {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    governance: GovernanceService,
}

impl LessonService {
    /// A service over a store; what lessons become is a matter of governance.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        governance: GovernanceService,
    ) -> Self {
        Self { store, clock, random, governance }
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        to_microsecond(self.clock.now())
    }

    fn new_id(&self, now: Timestamp) -> Uuid {
        new_id(now, &*self.random)
    }

    /// Records incidents with what they teach, all or none.
    pub async fn record_incidents(
        &self,
        tenant: &TenantId,
        incidents: Vec<NewIncident>,
    ) -> Result<Ingested, StoreError> {
        let now = self.now();
        let whole = incidents.into_iter().map(|new| {
            let event = Incident {
                id: new.id.unwrap_or_else(|| self.new_id(now)),
                severity: new.severity,
                title: new.title,
                error_code: new.error_code,
                error_message: new.error_message,
                run_id: new.run_id,
                path: new.path,
                policy_name: new.policy_name,
                details: new.details,
                is_synthetic: new.is_synthetic,
                synthetic_scenario_id: new.synthetic_scenario_id,
                occurred_at: new.occurred_at.unwrap_or(now),
                recorded_at: now,
            };
            let lessons = detect::from_incident(&event, || self.new_id(now));
            Learned { event, lessons }
        });
        let whole: Vec<_> = whole.collect();
        let count = self.store.record_incidents(tenant, &whole).await;
        let count = count.inspect_err(|_| not_learned(&whole))?;
        Ok(Ingested { count, ids: whole.into_iter().map(|it| it.event.id).collect() })
    }

    /// Records runs with what they teach, all or none.
    pub async fn record_runs(&self, tenant: &TenantId, runs: Vec<NewRun>) -> Result<Ingested, StoreError> {
        let now = self.now();
        let whole = runs.into_iter().map(|new| {
            let event = Run {
                id: new.id.unwrap_or_else(|| identity(&new.run_id)),
                run_id: new.run_id,
                path: new.path,
                status: new.status,
                severity: new.severity,
                error_code: new.error_code,
                error_message: new.error_message,
                started_at: new.started_at,
                ended_at: new.ended_at.unwrap_or(now),
                duration_ms: new.duration_ms,
                usage: new.usage,
                is_synthetic: new.is_synthetic,
                synthetic_scenario_id: new.synthetic_scenario_id,
                recorded_at: now,
            };
            let lessons = detect::from_run(&event, || self.new_id(now));
            Learned { event, lessons }
        });
        let whole: Vec<_> = whole.collect();
        let count = self.store.record_runs(tenant, &whole).await;
        let count = count.inspect_err(|_| not_learned(&whole))?;
        Ok(Ingested { count, ids: whole.into_iter().map(|it| it.event.id).collect() })
    }

    /// A page of lessons, the latest first.
    pub async fn list_lessons(
        &self,
        tenant: &TenantId,
        filter: LessonFilter,
        page: PageRequest<'_>,
    ) -> Result<Page<Lesson>, StoreError> {
        self.store.lessons(tenant, filter, page, self.now()).await
    }

    /// How many lessons there are of each type, status and severity.
    pub async fn get_lesson_stats(
        &self,
        tenant: &TenantId,
        filter: LessonFilter,
    ) -> Result<LessonCounts, StoreError> {
        self.store.lesson_counts(tenant, filter, self.now()).await
    }

    /// A lesson.
    pub async fn get_lesson(&self, tenant: &TenantId, id: Uuid) -> Result<Lesson, LessonError> {
        self.store.lesson(tenant, id, self.now()).await?.ok_or(LessonError::NotFound(id))
    }

    /// The event behind a lesson, where it was reported.
    pub async fn source_event(
        &self,
        tenant: &TenantId,
        lesson: &Lesson,
    ) -> Result<Option<SourceEvent>, StoreError> {
        // What stands after `/` is a limit.
        let event = lesson.source.event_id.split('/').next().and_then(|id| Uuid::try_parse(id).ok());
        let Some(id) = event else { return Ok(None) };
        Ok(match lesson.source.event_type {
            LessonEvent::Incident => {
                self.store.incident(tenant, id).await?.map(Box::new).map(SourceEvent::Incident)
            }
            LessonEvent::Run => self.store.run(tenant, id).await?.map(Box::new).map(SourceEvent::Run),
            LessonEvent::Decision => None,
        })
    }

    /// Lets a lesson wait until an instant in the future.
    pub async fn defer_lesson(
        &self,
        tenant: &TenantId,
        actor: &Principal,
        id: Uuid,
        until: Timestamp,
    ) -> Result<Lesson, LessonError> {
        human(actor)?;
        let now = self.now();
        let until = to_microsecond(until);
        self.pending(tenant, id).await?;
        if until <= now {
            return Err(LessonError::NotInFuture(until));
        }
        let audit = self.entry(now, actor, "lesson.defer", id, &json!({ "until": until }));
        self.act(tenant, id, LessonAction::Defer { until }, now, &audit).await
    }

    /// Puts a lesson aside for good.
    pub async fn dismiss_lesson(
        &self,
        tenant: &TenantId,
        actor: &Principal,
        id: Uuid,
        reason: &str,
    ) -> Result<Lesson, LessonError> {
        human(actor)?;
        let now = self.now();
        let audit = self.entry(now, actor, "lesson.dismiss", id, &json!({ "reason": reason }));
        self.act(tenant, id, LessonAction::Dismiss { by: actor, reason }, now, &audit).await
    }

    /// A lesson that waits for a person.
    async fn pending(&self, tenant: &TenantId, id: Uuid) -> Result<Lesson, LessonError> {
        let lesson = self.get_lesson(tenant, id).await?;
        match lesson.standing.status() {
            LessonStatus::Pending => Ok(lesson),
            status => Err(LessonError::NotPending(status)),
        }
    }

    async fn act(
        &self,
        tenant: &TenantId,
        id: Uuid,
        action: LessonAction<'_>,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<Lesson, LessonError> {
        let done = self.store.act_on_lesson(tenant, id, action, now, audit).await?;
        let lesson = done.map_err(|refusal| match refusal {
            Refusal::NotFound => LessonError::NotFound(id),
            Refusal::LessonNotPending(status) => LessonError::NotPending(status),
            other => GovernanceError::from(other).into(),
        })?;
        tracing::info!(%tenant, %id, actor = audit.actor.name, "{}", audit.action);
        Ok(lesson)
    }

    fn entry(
        &self,
        at: Timestamp,
        actor: &Principal,
        action: &str,
        lesson: Uuid,
        details: &Value,
    ) -> AuditEntry {
        entry(at, &*self.random, actor, action, &lesson.to_string(), details)
    }
}

/// Counts what wasn't learned, since the store didn't answer.
fn not_learned<E>(learned: &[Learned<E>]) {
    not_created(learned.iter().flat_map(|it| &it.lessons));
}

/// Counts lessons that could not be kept.
pub(crate) fn not_created<'a>(lessons: impl Iterator<Item = &'a NewLesson>) {
    let types: Vec<LessonType> = lessons.map(|new| new.lesson.lesson_type).collect();
    for lesson_type in LessonType::ALL {
        let failed = types.iter().filter(|it| *it == lesson_type).count() as u64;
        telemetry::lessons_failed(lesson_type.as_str(), failed);
    }
}

/// The same for the same run, so that reporting it again does nothing.
fn identity(run_id: &str) -> Uuid {
    let mut hasher = blake3::Hasher::new_derive_key("ordain report of a run v1");
    hasher.update(run_id.as_bytes());
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
