//! What people do about lessons: `POST …/{lesson_id}/convert`, `…/defer`, `…/dismiss`

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::lesson_id;
use super::view::LessonItem;
use crate::http::access::{Allowed, Authoring};
use crate::http::app::AppState;
use crate::http::body::JsonBody;
use crate::http::problem::{ConversionProblems, LessonActionProblems, Problem};
use crate::http::query::{NoParams, Query};
use crate::http::routes::proposals::ProposalView;
use crate::http::routes::reviews::{NOTES, TEXT, TITLE, fits};
use crate::service::Wording;

/// What the proposal is to say. Nothing need be said: it follows from the lesson.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConversionBody {
    /// What it is about, in one line.
    #[serde(default)]
    #[schema(
        min_length = 1,
        max_length = 500,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    title: Option<String>,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 10_000, pattern = r"^[^\u0000]*$")]
    rationale: Option<String>,
    /// The policies, as source.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500_000, pattern = r"^[^\u0000]*\S[^\u0000]*$")]
    text: Option<String>,
}

/// Until when the lesson is to wait.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeferralBody {
    /// An instant in the future; from then on the lesson is pending again.
    defer_until: Timestamp,
}

/// Why the lesson is put aside.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DismissalBody {
    /// Why; not empty.
    #[schema(min_length = 1, max_length = 10_000, pattern = r"^[^\u0000]*\S[^\u0000]*$")]
    reason: String,
}

/// A lesson with the proposal that was made of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConvertedView {
    /// The lesson.
    lesson: LessonItem,
    /// The proposal; it waits for another person.
    proposal: ProposalView,
}

/// Makes a proposal of a lesson that is pending. Only a person may, and another one decides about it.
#[utoipa::path(
    post, path = "/{lesson_id}/convert", tag = "lessons", operation_id = "convert_lesson",
    params(("lesson_id" = Uuid, Path, description = "The lesson's `id`.")),
    request_body = ConversionBody,
    security(("api_key" = ["author"])),
    responses((status = 200, body = ConvertedView), ConversionProblems)
)]
pub(super) async fn convert(
    State(state): State<AppState>,
    Allowed { tenant, principal, .. }: Allowed<Authoring>,
    Path(id): Path<String>,
    _: Query<NoParams>,
    JsonBody(body): JsonBody<ConversionBody>,
) -> Result<Json<ConvertedView>, Problem> {
    let id = lesson_id(&id)?;
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    fits("title", &said(&body.title), 1, TITLE, false)?;
    fits("rationale", &said(&body.rationale), 0, NOTES, true)?;
    fits("text", &said(&body.text), 1, TEXT, true)?;
    let wording = Wording { title: body.title, rationale: body.rationale, text: body.text };
    let converted = state.lessons.convert_lesson_to_draft(&tenant, &principal, id, wording).await?;
    Ok(Json(ConvertedView {
        lesson: LessonItem::new(converted.lesson),
        proposal: ProposalView::new(converted.proposal),
    }))
}

/// Lets a lesson that is pending wait until an instant. Only a person may.
#[utoipa::path(
    post, path = "/{lesson_id}/defer", tag = "lessons", operation_id = "defer_lesson",
    params(("lesson_id" = Uuid, Path, description = "The lesson's `id`.")),
    request_body = DeferralBody,
    security(("api_key" = ["author"])),
    responses((status = 200, body = LessonItem), LessonActionProblems)
)]
pub(super) async fn defer(
    State(state): State<AppState>,
    Allowed { tenant, principal, .. }: Allowed<Authoring>,
    Path(id): Path<String>,
    _: Query<NoParams>,
    JsonBody(body): JsonBody<DeferralBody>,
) -> Result<Json<LessonItem>, Problem> {
    let id = lesson_id(&id)?;
    let lesson = state.lessons.defer_lesson(&tenant, &principal, id, body.defer_until).await?;
    Ok(Json(LessonItem::new(lesson)))
}

/// Puts a lesson that is pending aside for good. Only a person may.
#[utoipa::path(
    post, path = "/{lesson_id}/dismiss", tag = "lessons", operation_id = "dismiss_lesson",
    params(("lesson_id" = Uuid, Path, description = "The lesson's `id`.")),
    request_body = DismissalBody,
    security(("api_key" = ["author"])),
    responses((status = 200, body = LessonItem), LessonActionProblems)
)]
pub(super) async fn dismiss(
    State(state): State<AppState>,
    Allowed { tenant, principal, .. }: Allowed<Authoring>,
    Path(id): Path<String>,
    _: Query<NoParams>,
    JsonBody(body): JsonBody<DismissalBody>,
) -> Result<Json<LessonItem>, Problem> {
    let id = lesson_id(&id)?;
    fits("reason", &body.reason, 1, NOTES, true)?;
    let lesson = state.lessons.dismiss_lesson(&tenant, &principal, id, &body.reason).await?;
    Ok(Json(LessonItem::new(lesson)))
}
