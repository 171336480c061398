//! Lessons learned, and the events that they are learned from.

pub(super) mod actions;
pub(super) mod learning;

use jiff::Timestamp;
use uuid::Uuid;

use super::fixtures::at;
use crate::{
    Debounce, Incident, IncidentSeverity, Learned, Lesson, LessonEvent, LessonFilter, LessonSeverity,
    LessonSource, LessonStanding, LessonStore, LessonType, NewLesson, PageRequest, Run, RunStatus, RunUse,
    TenantId,
};

const ALL: PageRequest<'static> = PageRequest::FIRST;
const EVERYTHING: LessonFilter =
    LessonFilter { lesson_type: None, status: None, severity: None, include_synthetic: true };

fn failure(id: u128, learned: Timestamp) -> Lesson {
    Lesson {
        id: Uuid::from_u128(id),
        lesson_type: LessonType::Failure,
        severity: LessonSeverity::High,
        source: LessonSource {
            event_type: LessonEvent::Incident,
            event_id: Uuid::from_u128(id).to_string(),
            run_id: None,
        },
        title: format!("lesson {id}"),
        description: String::new(),
        proposed_action: None,
        detected_pattern: None,
        standing: LessonStanding::Pending,
        is_synthetic: false,
        synthetic_scenario_id: None,
        created_at: learned,
    }
}

/// That a limit came near its bound.
fn near(id: u128, metric: &str, band: &str, learned: Timestamp) -> NewLesson {
    let lesson = Lesson { lesson_type: LessonType::NearThreshold, ..failure(id, learned) };
    let debounce = Debounce {
        lesson_type: LessonType::NearThreshold,
        metric: metric.to_owned(),
        band: band.to_owned(),
        is_synthetic: false,
    };
    NewLesson { lesson, debounce: Some(debounce) }
}

/// An incident about which little is said.
pub(super) fn incident(id: u128) -> Incident {
    Incident {
        id: Uuid::from_u128(id),
        severity: IncidentSeverity::High,
        title: "it broke".to_owned(),
        error_code: None,
        error_message: None,
        run_id: None,
        path: None,
        policy_name: None,
        details: None,
        is_synthetic: false,
        synthetic_scenario_id: None,
        occurred_at: at(-60),
        recorded_at: at(0),
    }
}

/// An incident with what it teaches.
fn learned(id: u128) -> Learned<Incident> {
    let lessons = vec![NewLesson { lesson: failure(id, at(0)), debounce: None }];
    Learned { event: incident(id), lessons }
}

/// A run that failed, about which everything is said.
pub(super) fn run(id: u128) -> Run {
    Run {
        id: Uuid::from_u128(id),
        run_id: format!("run {id}; DROP TABLE runs"),
        path: Some("acme/support/mailer".to_owned()),
        status: RunStatus::Failed,
        severity: Some(IncidentSeverity::Critical),
        error_code: Some("E\"'\\".to_owned()),
        error_message: Some("שלום\n\" ' \\ 👩\u{200d}🚀".to_owned()),
        started_at: Some(at(-61)),
        ended_at: at(-60),
        duration_ms: Some(999),
        usage: vec![RunUse { metric: "acme.cap".to_owned(), used: i64::MAX, limit: 0 }],
        is_synthetic: true,
        synthetic_scenario_id: Some("s".to_owned()),
        recorded_at: at(0),
    }
}

/// The identities of all lessons, the latest first.
async fn ids<S: LessonStore>(store: &S, tenant: &TenantId, filter: LessonFilter, now: i64) -> Vec<u128> {
    let page = store.lessons(tenant, filter, ALL, at(now)).await.expect("lists");
    assert_eq!(page.total, page.items.len() as u64);
    let counts = store.lesson_counts(tenant, filter, at(now)).await.expect("counts");
    assert_eq!(counts.values().sum::<u64>(), page.total, "what is counted beforehand is what there is");
    page.items.iter().map(|lesson| lesson.id.as_u128()).collect()
}
