//! Lessons learned: what an event teaches, and what a person does about it.

mod debounce;
mod event;
mod standing;

use jiff::{SignedDuration, Timestamp};
use ordain_ir::wire_enum;
use uuid::Uuid;

pub use debounce::{Debounce, Debounces};
pub use event::{
    Incident, IncidentSeverity, Learned, LearnedCount, NewLesson, Run, RunStatus, RunUse, lessons_of_new,
};
pub use standing::{LessonStanding, StandingColumns};

use crate::{
    AuditEntry, Cursor, Governed, Placed, Principal, ProposalRecord, Refusal, VersionRecord, to_microsecond,
};

wire_enum! {
    /// What kind of event it was learned from.
    pub enum LessonType {
        /// Something failed.
        Failure = "failure",
        /// A limit came near its bound.
        NearThreshold = "near_threshold",
        /// Something went exceptionally well.
        CriticalSuccess = "critical_success",
    }
}

wire_enum! {
    /// Where a lesson stands. From `pending` a person moves it on; from `deferred` time moves it back.
    pub enum LessonStatus {
        /// It waits for a person.
        Pending = "pending",
        /// A person made a proposal of it.
        Converted = "converted_to_draft",
        /// It waits until an instant.
        Deferred = "deferred",
        /// A person put it aside for good.
        Dismissed = "dismissed",
    }
}

wire_enum! {
    /// How much a lesson matters, the worst first.
    pub enum LessonSeverity {
        /// At once.
        Critical = "CRITICAL",
        /// Soon.
        High = "HIGH",
        /// When there is time.
        Medium = "MEDIUM",
        /// Some day.
        Low = "LOW",
        /// Nothing is wrong.
        None = "NONE",
    }
}

wire_enum! {
    /// What a lesson's event is.
    pub enum LessonEvent {
        /// A run that was reported.
        Run = "run",
        /// An incident that was reported.
        Incident = "incident",
        /// A decision of the runtime itself.
        Decision = "decision",
    }
}

/// Which event it was learned from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonSource {
    /// What it is.
    pub event_type: LessonEvent,
    /// Its identity; of a limit that came near its bound, with `/` and the limit after it, since an event may bring
    /// several there.
    pub event_id: String,
    /// In which run.
    pub run_id: Option<String>,
}

/// What was learned from an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// Identity.
    pub id: Uuid,
    /// What kind of event.
    pub lesson_type: LessonType,
    /// How much it matters.
    pub severity: LessonSeverity,
    /// Which event. Of one event there is one lesson of each type.
    pub source: LessonSource,
    /// In one line of 500 characters at most.
    pub title: String,
    /// For people.
    pub description: String,
    /// What one could do.
    pub proposed_action: Option<String>,
    /// For programs: one JSON object.
    pub detected_pattern: Option<String>,
    /// What has become of it.
    pub standing: LessonStanding,
    /// Whether the event was made up.
    pub is_synthetic: bool,
    /// The scenario that made it up.
    pub synthetic_scenario_id: Option<String>,
    /// When it was learned.
    pub created_at: Timestamp,
}

impl Placed for Lesson {
    fn place(&self) -> Cursor {
        Cursor::event(self.created_at, self.id)
    }
}

impl Lesson {
    /// The longest title, in characters.
    pub const TITLE: usize = 500;

    /// As stores keep it.
    pub(crate) fn kept(&self) -> Self {
        Self { created_at: to_microsecond(self.created_at), ..self.clone() }
    }

    /// As it is at this instant: pending again, if it was deferred until then or before.
    #[must_use]
    pub fn as_of(self, now: Timestamp) -> Self {
        let standing =
            if self.standing.is_due(to_microsecond(now)) { LessonStanding::Pending } else { self.standing };
        Self { standing, ..self }
    }

    /// How the lesson stands after a person's action at this instant.
    pub fn after(&self, action: &LessonAction<'_>, at: Timestamp) -> Governed<LessonStanding> {
        let at = to_microsecond(at);
        match &self.standing {
            LessonStanding::Pending => {}
            due if due.is_due(at) => {}
            other => return Err(Refusal::LessonNotPending(other.status())),
        }
        Ok(match action {
            LessonAction::Convert(conversion) => {
                LessonStanding::Converted { proposal: conversion.proposal.id, at }
            }
            LessonAction::Defer { until } => LessonStanding::Deferred { until: to_microsecond(*until) },
            LessonAction::Dismiss { by, reason } => {
                LessonStanding::Dismissed { by: by.name.clone(), reason: (*reason).to_owned(), at }
            }
        })
    }
}

/// The proposal that a lesson becomes.
#[derive(Clone, Copy, Debug)]
pub struct Conversion<'a> {
    /// The proposal.
    pub proposal: &'a ProposalRecord,
    /// Its first version.
    pub first: &'a VersionRecord,
    /// The record of its creation.
    pub audit: &'a AuditEntry,
}

/// What a person does about a lesson that is pending.
#[derive(Clone, Copy, Debug)]
pub enum LessonAction<'a> {
    /// Makes a proposal of it.
    Convert(Conversion<'a>),
    /// Lets it wait.
    Defer {
        /// Until when.
        until: Timestamp,
    },
    /// Puts it aside.
    Dismiss {
        /// Who; a person.
        by: &'a Principal,
        /// Why.
        reason: &'a str,
    },
}

/// Narrows lessons. A part that is `None` lets everything through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LessonFilter {
    /// Only of this type.
    pub lesson_type: Option<LessonType>,
    /// Only with this status.
    pub status: Option<LessonStatus>,
    /// Only of this severity.
    pub severity: Option<LessonSeverity>,
    /// Also those whose events were made up.
    pub include_synthetic: bool,
}

impl LessonFilter {
    /// Whether a lesson passes.
    pub fn passes(&self, lesson: &Lesson) -> bool {
        self.lesson_type.is_none_or(|wanted| wanted == lesson.lesson_type)
            && self.status.is_none_or(|wanted| wanted == lesson.standing.status())
            && self.severity.is_none_or(|wanted| wanted == lesson.severity)
            && (self.include_synthetic || !lesson.is_synthetic)
    }
}

/// How many lessons there are of each type, status and severity; none with zero.
pub type LessonCounts = std::collections::BTreeMap<(LessonType, LessonStatus, LessonSeverity), u64>;

/// For how long a lesson that was learned isn't learned again.
pub const DEBOUNCE: SignedDuration = SignedDuration::from_hours(24);
