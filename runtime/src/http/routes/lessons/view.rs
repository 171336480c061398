//! Lessons on the wire.

use jiff::Timestamp;
use ordain_ir::decimal;
use ordain_store::{
    Incident, Lesson, LessonCounts, LessonEvent, LessonSeverity, LessonStatus, LessonType, Page, Run,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::by_word;
use crate::http::query::PageAsked;
use crate::http::schema;
use crate::service::{SourceEvent, USE_SCALE};

/// What was learned from an event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LessonItem {
    /// Identity.
    id: Uuid,
    /// What kind of event.
    #[schema(schema_with = schema::lesson_type)]
    lesson_type: LessonType,
    /// How much it matters.
    #[schema(schema_with = schema::lesson_severity)]
    severity: LessonSeverity,
    /// The event's identity; of a limit that came near its bound, with `/` and the limit after it.
    source_event_id: String,
    /// What the event is.
    #[schema(schema_with = schema::lesson_event)]
    source_event_type: LessonEvent,
    /// In which run it happened.
    source_run_id: Option<String>,
    /// In one line.
    title: String,
    /// For people.
    description: String,
    /// What one could do.
    proposed_action: Option<String>,
    /// For programs: what was seen.
    #[schema(value_type = Option<Value>)]
    detected_pattern: Option<Value>,
    /// Where it stands.
    #[schema(schema_with = schema::lesson_status)]
    status: LessonStatus,
    /// The proposal that was made of it.
    draft_proposal_id: Option<Uuid>,
    /// When it was learned.
    created_at: Timestamp,
    /// When the proposal was made.
    converted_at: Option<Timestamp>,
    /// Until when it waits.
    deferred_until: Option<Timestamp>,
    /// When it was put aside.
    dismissed_at: Option<Timestamp>,
    /// The person who did that.
    dismissed_by: Option<String>,
    /// Why.
    dismissed_reason: Option<String>,
    /// Whether the event was made up.
    is_synthetic: bool,
    /// The scenario that made it up.
    synthetic_scenario_id: Option<String>,
}

impl LessonItem {
    pub(super) fn new(lesson: Lesson) -> Self {
        let columns = lesson.standing.columns();
        Self {
            id: lesson.id,
            lesson_type: lesson.lesson_type,
            severity: lesson.severity,
            source_event_id: lesson.source.event_id,
            source_event_type: lesson.source.event_type,
            source_run_id: lesson.source.run_id,
            title: lesson.title,
            description: lesson.description,
            proposed_action: lesson.proposed_action,
            detected_pattern: lesson.detected_pattern.as_deref().and_then(|it| serde_json::from_str(it).ok()),
            status: columns.status,
            draft_proposal_id: columns.draft_proposal_id,
            created_at: lesson.created_at,
            converted_at: columns.converted_at,
            deferred_until: columns.deferred_until,
            dismissed_at: columns.dismissed_at,
            dismissed_by: columns.dismissed_by,
            dismissed_reason: columns.dismissed_reason,
            is_synthetic: lesson.is_synthetic,
            synthetic_scenario_id: lesson.synthetic_scenario_id,
        }
    }
}

/// A page of lessons, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LessonList {
    /// The lessons.
    items: Vec<LessonItem>,
    /// How many the filters leave in all.
    total: u64,
    /// Whether more follow after this page.
    has_more: bool,
    /// Where the next page begins, as `cursor`; null at the end.
    next_cursor: Option<String>,
    /// The tenant, and each filter with its value.
    filters_applied: Map<String, Value>,
    /// The size that was asked for.
    limit: u32,
    /// The start that was asked for.
    offset: u64,
}

impl LessonList {
    pub(super) fn new(found: Page<Lesson>, page: &PageAsked, applied: Map<String, Value>) -> Self {
        Self {
            has_more: found.next.is_some(),
            next_cursor: found.next.as_ref().map(ToString::to_string),
            items: found.items.into_iter().map(LessonItem::new).collect(),
            total: found.total,
            filters_applied: applied,
            limit: page.limit,
            offset: page.offset,
        }
    }
}

/// Lessons in numbers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LessonStats {
    /// In all.
    total: u64,
    /// By type.
    by_type: Map<String, Value>,
    /// By status.
    by_status: Map<String, Value>,
    /// By severity.
    by_severity: Map<String, Value>,
    /// The tenant, and each filter with its value.
    filters_applied: Map<String, Value>,
}

impl LessonStats {
    pub(super) fn new(counts: &LessonCounts, applied: Map<String, Value>) -> Self {
        let sum = |keep: &dyn Fn(&(LessonType, LessonStatus, LessonSeverity)) -> bool| {
            counts.iter().filter(|(key, _)| keep(key)).map(|(_, count)| count).sum::<u64>()
        };
        Self {
            total: counts.values().sum(),
            by_type: by_word(LessonType::ALL.iter().map(|it| (it.as_str(), sum(&|key| key.0 == *it)))),
            by_status: by_word(LessonStatus::ALL.iter().map(|it| (it.as_str(), sum(&|key| key.1 == *it)))),
            by_severity: by_word(
                LessonSeverity::ALL.iter().map(|it| (it.as_str(), sum(&|key| key.2 == *it))),
            ),
            filters_applied: applied,
        }
    }
}

/// A lesson with the event behind it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LessonView {
    #[serde(flatten)]
    lesson: LessonItem,
    /// The incident or the run as it was reported; null where the lesson is of a decision.
    #[schema(value_type = Option<Value>)]
    source_event: Option<Value>,
}

impl LessonView {
    pub(super) fn new(lesson: Lesson, event: Option<SourceEvent>) -> Self {
        let event = event.map(|event| match event {
            SourceEvent::Incident(incident) => of_incident(&incident),
            SourceEvent::Run(run) => of_run(&run),
        });
        Self { lesson: LessonItem::new(lesson), source_event: event }
    }
}

fn of_incident(incident: &Incident) -> Value {
    let details: Option<Value> = incident.details.as_deref().and_then(|it| serde_json::from_str(it).ok());
    json!({
        "id": incident.id,
        "severity": incident.severity,
        "title": incident.title,
        "error_code": incident.error_code,
        "error_message": incident.error_message,
        "run_id": incident.run_id,
        "path": incident.path,
        "policy_name": incident.policy_name,
        "details": details,
        "occurred_at": incident.occurred_at,
        "recorded_at": incident.recorded_at,
    })
}

fn of_run(run: &Run) -> Value {
    let amount = |amount| decimal::format(amount, USE_SCALE, 0);
    let uses = run
        .usage
        .iter()
        .map(|it| json!({ "metric": it.metric, "used": amount(it.used), "limit": amount(it.limit) }));
    json!({
        "id": run.id,
        "run_id": run.run_id,
        "path": run.path,
        "status": run.status,
        "severity": run.severity,
        "error_code": run.error_code,
        "error_message": run.error_message,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "duration_ms": run.duration_ms,
        "usage": uses.collect::<Vec<_>>(),
        "recorded_at": run.recorded_at,
    })
}
