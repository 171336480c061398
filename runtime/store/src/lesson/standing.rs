//! What has become of a lesson, and how tables keep it.

use jiff::Timestamp;
use uuid::Uuid;

use super::LessonStatus;
use crate::StoreError;

/// What has become of a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LessonStanding {
    /// It waits for a person.
    Pending,
    /// A person made a proposal of it.
    Converted {
        /// Which.
        proposal: Uuid,
        /// When.
        at: Timestamp,
    },
    /// It waits.
    Deferred {
        /// From this instant on it is pending again.
        until: Timestamp,
    },
    /// A person put it aside.
    Dismissed {
        /// Who; a person.
        by: String,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
}

/// The same as columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingColumns {
    /// In one word.
    pub status: LessonStatus,
    /// The proposal that was made of it.
    pub draft_proposal_id: Option<Uuid>,
    /// When it was made.
    pub converted_at: Option<Timestamp>,
    /// Until when the lesson waits.
    pub deferred_until: Option<Timestamp>,
    /// When it was put aside.
    pub dismissed_at: Option<Timestamp>,
    /// Who did that.
    pub dismissed_by: Option<String>,
    /// Why.
    pub dismissed_reason: Option<String>,
}

impl LessonStanding {
    /// In one word.
    pub const fn status(&self) -> LessonStatus {
        match self {
            Self::Pending => LessonStatus::Pending,
            Self::Converted { .. } => LessonStatus::Converted,
            Self::Deferred { .. } => LessonStatus::Deferred,
            Self::Dismissed { .. } => LessonStatus::Dismissed,
        }
    }

    /// Whether it was deferred until an instant that has come.
    pub fn is_due(&self, now: Timestamp) -> bool {
        matches!(self, Self::Deferred { until } if *until <= now)
    }

    /// As columns.
    pub fn columns(&self) -> StandingColumns {
        let mut columns = StandingColumns {
            status: self.status(),
            draft_proposal_id: None,
            converted_at: None,
            deferred_until: None,
            dismissed_at: None,
            dismissed_by: None,
            dismissed_reason: None,
        };
        match self {
            Self::Pending => {}
            Self::Converted { proposal, at } => {
                columns.draft_proposal_id = Some(*proposal);
                columns.converted_at = Some(*at);
            }
            Self::Deferred { until } => columns.deferred_until = Some(*until),
            Self::Dismissed { by, reason, at } => {
                columns.dismissed_at = Some(*at);
                columns.dismissed_by = Some(by.clone());
                columns.dismissed_reason = Some(reason.clone());
            }
        }
        columns
    }
}

impl StandingColumns {
    /// What they say of the lesson with this identity.
    pub fn read(self, lesson: Uuid) -> Result<LessonStanding, StoreError> {
        fn there<T>(lesson: Uuid, column: &'static str, value: Option<T>) -> Result<T, StoreError> {
            let missing =
                || StoreError::inconsistent("lessons_learned", column, &lesson, &"is missing for its status");
            value.ok_or_else(missing)
        }
        Ok(match self.status {
            LessonStatus::Pending => LessonStanding::Pending,
            LessonStatus::Converted => LessonStanding::Converted {
                proposal: there(lesson, "draft_proposal_id", self.draft_proposal_id)?,
                at: there(lesson, "converted_at", self.converted_at)?,
            },
            LessonStatus::Deferred => {
                LessonStanding::Deferred { until: there(lesson, "deferred_until", self.deferred_until)? }
            }
            LessonStatus::Dismissed => LessonStanding::Dismissed {
                by: there(lesson, "dismissed_by", self.dismissed_by)?,
                reason: there(lesson, "dismissed_reason", self.dismissed_reason)?,
                at: there(lesson, "dismissed_at", self.dismissed_at)?,
            },
        })
    }
}
