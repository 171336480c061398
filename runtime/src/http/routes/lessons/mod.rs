//! `GET /api/v1/lessons` and what hangs below it. The same routes stand under three addresses: those of lessons, of the
//! policy layer, and, without what people do about them, of the policies' facade.

mod actions;
mod view;

use axum::Json;
use axum::extract::{Path, State};
use ordain_store::{LessonFilter, LessonSeverity, LessonStatus, LessonType, Order};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::http::access::{Allowed, Viewing};
use crate::http::app::AppState;
use crate::http::problem::{CommonProblems, ErrorCode, LessonProblems, Problem};
use crate::http::query::{Documented, NoParams, Param, Query, QueryParams, Values, words};
use crate::service::LessonError;
use view::{LessonList, LessonStats, LessonView};

impl QueryParams for LessonFilter {
    const PARAMS: &'static [Param] = &[
        Param::new("lesson_type", words!(LessonType), "Only of this type."),
        Param::new("status", words!(LessonStatus), "Only with this status."),
        Param::new("severity", words!(LessonSeverity), "Only of this severity."),
        Param::INCLUDE_SYNTHETIC,
        Param::cursor(Order::Event),
        Param::limit(50),
        Param::OFFSET,
    ];

    fn read(values: &mut Values) -> Self {
        Self {
            lesson_type: values.word("lesson_type"),
            status: values.word("status"),
            severity: values.word("severity"),
            include_synthetic: values.flag("include_synthetic"),
        }
    }
}

/// What the statistics can be asked for.
pub(crate) struct StatsAsked {
    include_synthetic: bool,
}

impl QueryParams for StatsAsked {
    const PARAMS: &'static [Param] = &[Param::INCLUDE_SYNTHETIC];

    fn read(values: &mut Values) -> Self {
        Self { include_synthetic: values.flag("include_synthetic") }
    }
}

/// What was learned, the latest first.
#[utoipa::path(
    get, path = "/", tag = "lessons", operation_id = "list_lessons",
    params(Documented<LessonFilter>),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = LessonList), CommonProblems)
)]
async fn list(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    query: Query<LessonFilter>,
) -> Result<Json<LessonList>, Problem> {
    let found = state.lessons.list_lessons(&tenant, query.filter, query.page.request()).await?;
    Ok(Json(LessonList::new(found, &query.page, query.applied)))
}

/// What was learned, in numbers.
#[utoipa::path(
    get, path = "/stats", tag = "lessons", operation_id = "get_lesson_stats",
    params(Documented<StatsAsked>),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = LessonStats), CommonProblems)
)]
async fn stats(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    query: Query<StatsAsked>,
) -> Result<Json<LessonStats>, Problem> {
    let filter =
        LessonFilter { include_synthetic: query.filter.include_synthetic, ..LessonFilter::default() };
    let counts = state.lessons.get_lesson_stats(&tenant, filter).await?;
    Ok(Json(LessonStats::new(&counts, query.applied)))
}

/// One lesson, with the event behind it.
#[utoipa::path(
    get, path = "/{lesson_id}", tag = "lessons", operation_id = "get_lesson",
    params(("lesson_id" = Uuid, Path, description = "The lesson's `id`.")),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = LessonView), LessonProblems)
)]
async fn detail(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    Path(id): Path<String>,
    _: Query<NoParams>,
) -> Result<Json<LessonView>, Problem> {
    let lesson = state.lessons.get_lesson(&tenant, lesson_id(&id)?).await?;
    let event = state.lessons.source_event(&tenant, &lesson).await?;
    Ok(Json(LessonView::new(lesson, event)))
}

/// Reads the identity in a path.
fn lesson_id(text: &str) -> Result<Uuid, Problem> {
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(80).collect();
        Problem::new(ErrorCode::InvalidId, format!("`{shown}` is no UUID; the list gives each lesson's `id`"))
    })
}

/// Why a lesson with this status can't be acted upon.
pub(super) fn not_pending(status: LessonStatus) -> Problem {
    let (code, said) = match status {
        LessonStatus::Converted => {
            (ErrorCode::LessonConverted, "a proposal was made of the lesson already; see `draft_proposal_id`")
        }
        LessonStatus::Dismissed => (ErrorCode::LessonDismissed, "the lesson was dismissed already"),
        LessonStatus::Deferred => {
            (ErrorCode::LessonDeferred, "the lesson waits until `deferred_until`; then it is pending again")
        }
        LessonStatus::Pending => (ErrorCode::Internal, "a lesson that is pending can be acted upon"),
    };
    Problem::new(code, said)
}

impl From<LessonError> for Problem {
    fn from(error: LessonError) -> Self {
        let said = error.to_string();
        match error {
            LessonError::NotFound(_) => Self::new(ErrorCode::LessonNotFound, said),
            LessonError::NotPending(status) => not_pending(status),
            LessonError::NotInFuture(_) => crate::http::body::wrong("/defer_until".to_owned(), said),
            LessonError::Governance(error) => error.into(),
        }
    }
}

/// The routes that read, under an address of theirs.
fn readable(at: &str, called: &str) -> OpenApiRouter<AppState> {
    under(
        at,
        called,
        OpenApiRouter::new().routes(routes!(list)).routes(routes!(stats)).routes(routes!(detail)),
    )
}

/// All routes, under an address of theirs.
fn whole(at: &str, called: &str) -> OpenApiRouter<AppState> {
    let acting = OpenApiRouter::new()
        .routes(routes!(actions::convert))
        .routes(routes!(actions::defer))
        .routes(routes!(actions::dismiss));
    readable(at, called).merge(under(at, called, acting))
}

/// Routes under an address; no two operations have one name.
fn under(at: &str, called: &str, mut routes: OpenApiRouter<AppState>) -> OpenApiRouter<AppState> {
    for path in routes.get_openapi_mut().paths.paths.values_mut() {
        for operation in [&mut path.get, &mut path.post].into_iter().flatten() {
            operation.operation_id = operation.operation_id.take().map(|id| format!("{called}{id}"));
        }
    }
    OpenApiRouter::new().nest(at, routes)
}

/// The routes under all of their addresses.
pub(in crate::http) fn router() -> OpenApiRouter<AppState> {
    whole("/api/v1/lessons", "")
        .merge(whole("/policy-layer/lessons", "policy_layer_"))
        .merge(readable("/api/v1/policies/lessons", "policies_"))
}

/// Counts by words: every word stands there, also with zero.
fn by_word(words: impl Iterator<Item = (&'static str, u64)>) -> Map<String, Value> {
    words.map(|(word, count)| (word.to_owned(), count.into())).collect()
}
