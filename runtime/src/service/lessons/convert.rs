//! What a lesson becomes: a proposal of a person, with a text that compiles with what is active and doesn't contradict it.

use ordain_ir::{Policies, Source};
use ordain_store::{Conversion, Lesson, LessonAction, Principal, ProposalDetail, TenantId};
use serde_json::json;
use uuid::Uuid;

use super::{LessonError, LessonService, draft, words::in_short};
use crate::service::governance::{GovernanceError, NewProposal, human};

/// What a person wants the proposal to say; what is missing follows from the lesson.
#[derive(Clone, Debug, Default)]
pub struct Wording {
    /// What it is about, in one line.
    pub title: Option<String>,
    /// Why.
    pub rationale: Option<String>,
    /// The policies, as source.
    pub text: Option<String>,
}

/// A lesson with the proposal that was made of it.
#[derive(Clone, Debug)]
pub struct Converted {
    /// The lesson.
    pub lesson: Lesson,
    /// The proposal. It waits for another person.
    pub proposal: ProposalDetail,
}

impl LessonService {
    /// Makes a proposal of a lesson. Whoever converts it has written it, so somebody else decides about it.
    pub async fn convert_lesson_to_draft(
        &self,
        tenant: &TenantId,
        actor: &Principal,
        id: Uuid,
        wording: Wording,
    ) -> Result<Converted, LessonError> {
        human(actor)?;
        let lesson = self.pending(tenant, id).await?;
        let text = match wording.text {
            Some(text) => {
                self.governance.compiled(tenant, &text, Source::Learned).await?;
                text
            }
            None => self.drafted(tenant, &lesson).await?,
        };
        let new = NewProposal {
            title: wording
                .title
                .unwrap_or_else(|| in_short(&format!("Learned: {}", lesson.title), Lesson::TITLE)),
            rationale: wording.rationale.unwrap_or_else(|| rationale(&lesson)),
            text,
            source: Source::Learned,
        };
        let now = self.now();
        let (proposal, first, created) = self.governance.written(now, actor, new);
        let details = json!({ "proposal": proposal.id });
        let audit = self.entry(now, actor, "lesson.convert", id, &details);
        let conversion = Conversion { proposal: &proposal, first: &first, audit: &created };
        let lesson = self.act(tenant, id, LessonAction::Convert(conversion), now, &audit).await?;
        Ok(Converted { lesson, proposal: ProposalDetail { proposal, versions: vec![first] } })
    }

    /// The first of the texts that the lesson suggests which compiles and contradicts nothing.
    async fn drafted(&self, tenant: &TenantId, lesson: &Lesson) -> Result<String, LessonError> {
        let active = self.governance.active(tenant).await?;
        let none = Policies::default();
        let policies = active.as_ref().map_or(&none, |(_, bundle)| &bundle.policies);
        let mut refused = None;
        for text in draft::texts(lesson, policies) {
            match self.governance.could_become_active(tenant, &text, Source::Learned, self.now()).await {
                Ok(()) => return Ok(text),
                Err(error @ (GovernanceError::Invalid(_) | GovernanceError::Blocked(_))) => {
                    tracing::debug!(%tenant, lesson = %lesson.id, %error, "a text that a lesson suggests is refused");
                    refused = Some(error);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(refused.unwrap_or(GovernanceError::Invalid(vec![])).into())
    }
}

fn rationale(lesson: &Lesson) -> String {
    let action = lesson.proposed_action.as_ref().map(|action| format!("\n\n{action}")).unwrap_or_default();
    let source = &lesson.source;
    format!(
        "{}{action}\n\nLearned at {} from the {} {}.",
        lesson.description, lesson.created_at, source.event_type, source.event_id
    )
}
