//! What others report, and what is learned from it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use ordain_ir::wire_enum;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Debounce, Lesson, LessonSeverity};
use crate::{Recorded, to_microsecond};

wire_enum! {
    /// How bad an incident is, the worst first.
    pub enum IncidentSeverity {
        /// As bad as can be.
        Critical = "CRITICAL",
        /// Bad.
        High = "HIGH",
        /// A nuisance.
        Medium = "MEDIUM",
        /// Hardly noticed.
        Low = "LOW",
    }
}

impl From<IncidentSeverity> for LessonSeverity {
    fn from(severity: IncidentSeverity) -> Self {
        match severity {
            IncidentSeverity::Critical => Self::Critical,
            IncidentSeverity::High => Self::High,
            IncidentSeverity::Medium => Self::Medium,
            IncidentSeverity::Low => Self::Low,
        }
    }
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Identity, the client's own or ours.
    pub id: Uuid,
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
    /// Whose run: `tenant/project/agent`.
    pub path: Option<String>,
    /// The full name of the policy that it is about.
    pub policy_name: Option<String>,
    /// For programs: one JSON object.
    pub details: Option<String>,
    /// Whether it was made up.
    pub is_synthetic: bool,
    /// The scenario that made it up.
    pub synthetic_scenario_id: Option<String>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

wire_enum! {
    /// How a run ended.
    pub enum RunStatus {
        /// It did what it was to do.
        Succeeded = "succeeded",
        /// It didn't.
        Failed = "failed",
    }
}

/// How much of a limit a run used. Amounts are in millionths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunUse {
    /// The full name of the limit, or what was measured.
    pub metric: String,
    /// How much was used.
    pub used: i64,
    /// How much may be.
    pub limit: i64,
}

/// A run that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Identity of the report, the client's own or ours.
    pub id: Uuid,
    /// What the client calls the run.
    pub run_id: String,
    /// Whose run: `tenant/project/agent`.
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
    /// When it ended.
    pub ended_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// What it used of limits.
    pub usage: Vec<RunUse>,
    /// Whether it was made up.
    pub is_synthetic: bool,
    /// The scenario that made it up.
    pub synthetic_scenario_id: Option<String>,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

/// A lesson before it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLesson {
    /// The lesson.
    pub lesson: Lesson,
    /// What counts as the same thing learned again; none where every event counts.
    pub debounce: Option<Debounce>,
}

/// An event with what is learned from it, if it is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned<E> {
    /// The event.
    pub event: E,
    /// The lessons.
    pub lessons: Vec<NewLesson>,
}

/// What became of events that were handed in, and of what they teach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LearnedCount {
    /// The events.
    pub events: Recorded,
    /// How many lessons are new.
    pub lessons: u64,
}

/// The lessons of those events that are new. Of two with one identity, the first is the one that is there.
pub fn lessons_of_new<'a, E>(
    learned: &'a [Learned<E>],
    id: impl Fn(&E) -> Uuid,
    new: &BTreeSet<Uuid>,
) -> Vec<&'a NewLesson> {
    let mut left = new.clone();
    learned.iter().filter(|learned| left.remove(&id(&learned.event))).flat_map(|it| &it.lessons).collect()
}

impl Incident {
    /// As stores keep it.
    pub(crate) fn kept(&self) -> Self {
        Self {
            occurred_at: to_microsecond(self.occurred_at),
            recorded_at: to_microsecond(self.recorded_at),
            ..self.clone()
        }
    }
}

impl Run {
    /// As stores keep it.
    pub(crate) fn kept(&self) -> Self {
        Self {
            started_at: self.started_at.map(to_microsecond),
            ended_at: to_microsecond(self.ended_at),
            recorded_at: to_microsecond(self.recorded_at),
            ..self.clone()
        }
    }
}
