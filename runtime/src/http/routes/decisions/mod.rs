//! `POST /api/v1/decisions`, `…/{decision_id}/settle`, `…/{decision_id}/release`

mod ask;
mod view;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use ordain_ir::request::UsageJson;
use ordain_store::counting::Standing;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::access::{Allowed, Deciding};
use crate::http::app::AppState;
use crate::http::body::{JsonBody, OneOrMany};
use crate::http::problem::{DecisionProblems, ErrorCode, Problem, ProblemDetail, UsageProblems};
use crate::http::query::{NoParams, Query};
use crate::service::{Closed, Decided, DecisionError, Rate};
use ask::{DecisionAsk, DecisionAsks, UsageAsk};
use view::{DecisionAnswers, standing};

/// How many may be asked at once.
const MOST: usize = 100;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What the whole body is called, so that sending it again counts nothing twice (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const LONGEST_KEY: usize = 190;

/// Decides a request, or an array of 1 to 100, each for itself. Where counted limits speak, the usage of what may go
/// ahead counts at once, or is held.
#[utoipa::path(
    post, path = "/api/v1/decisions", tag = "decisions", operation_id = "decide",
    params((
        "Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 192,
        pattern = r#"^("[!#-\[\]-~]+"|[!#-\[\]-~]+)$"#,
        description = "Your own name for the whole body, of printable ASCII characters without spaces, quotes and \
                       backslashes, in quotes or not: a request without a `request_id` has this one; in an array with \
                       a slash and its place, from 0."
    )),
    request_body(content = DecisionAsks),
    security(("api_key" = ["decide"])),
    responses((status = 200, body = DecisionAnswers), DecisionProblems)
)]
pub(crate) async fn decide(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Deciding>,
    _: Query<NoParams>,
    headers: HeaderMap,
    body: OneOrMany<DecisionAsk>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    let (asks, many) = match body {
        OneOrMany::One(ask) => (vec![ask], false),
        OneOrMany::Many(asks) => (asks, true),
    };
    if !(1..=MOST).contains(&asks.len()) {
        let detail = format!("the body has {} requests; ask about 1 to {MOST} at once", asks.len());
        return Err(Problem::of_details(ErrorCode::InvalidBody, vec![ProblemDetail::in_body("", detail)]));
    }
    let now = state.decisions.now();
    let (mut fine, mut wrong) = (vec![], vec![]);
    for (i, ask) in asks.into_iter().enumerate() {
        let place = if many { format!("/{i}") } else { String::new() };
        let name = key.map(|key| format!("{key}{place}"));
        match ask.checked(&place, name, now) {
            Ok(new) => fine.push(new),
            Err(mut details) => wrong.append(&mut details),
        }
    }
    if !wrong.is_empty() {
        return Err(Problem::of_details(ErrorCode::InvalidBody, wrong));
    }
    let mut decided = state.decisions.decide(&tenant, fine).await?;
    if !many && let Some(one) = decided.pop() {
        let Decided { answer, rates } = one?;
        return Ok((rate_headers(&rates), json(answer)).into_response());
    }
    let item = |decided: Result<Decided, DecisionError>| match decided {
        Ok(decided) => decided.answer,
        Err(error) => Problem::from(error).to_json(),
    };
    let items: Vec<_> = decided.into_iter().map(item).collect();
    Ok(json(format!("{{\"decisions\":[{}]}}", items.join(","))).into_response())
}

/// The name of the whole body, if it has one.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = given.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let key = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let fits = (1..=LONGEST_KEY).contains(&key.len())
        && key.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\".contains(&b));
    if fits && given.next().is_none() {
        return Ok(Some(key));
    }
    let detail = format!(
        "`Idempotency-Key` wants 1 to {LONGEST_KEY} printable ASCII characters, once, without spaces, quotes within and \
         backslashes"
    );
    let wrong = ProblemDetail::of_parameter("Idempotency-Key", detail);
    Err(Problem::of_details(ErrorCode::InvalidParameter, vec![wrong]))
}

fn json(text: String) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text)
}

/// Quotas on runs as `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11).
fn rate_headers(rates: &[Rate]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let fits = |rate: &&Rate| {
        rate.quota >= 0 && rate.limit.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'"' && b != b'\\')
    };
    let rates: Vec<_> = rates.iter().filter(fits).collect();
    let mut set = |name: &HeaderName, item: &dyn Fn(&Rate) -> String| {
        let items: Vec<_> = rates.iter().map(|rate| item(rate)).collect();
        if let (false, Ok(value)) = (items.is_empty(), HeaderValue::from_str(&items.join(", "))) {
            headers.insert(name, value);
        }
    };
    set(&RATE_LIMIT_POLICY, &|rate| {
        let over =
            rate.window.map_or("qu=\"concurrent-requests\"".to_owned(), |it| format!("w={}", it.seconds));
        format!("\"{}\";q={};{over}", rate.limit, rate.quota)
    });
    set(&RATE_LIMIT, &|rate| {
        let reset = rate.window.map_or_else(String::new, |it| format!(";t={}", it.reset));
        format!("\"{}\";r={}{reset}", rate.limit, rate.remaining)
    });
    headers
}

/// What was really used.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "usage": { "tokens": 950, "cost": { "USD": "0.03" } } }))]
pub(crate) struct Settlement {
    #[schema(value_type = UsageAsk)]
    usage: UsageJson,
}

/// What became of the usage of a decision.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClosedView {
    /// The decision.
    id: Uuid,
    /// How its usage stands.
    #[schema(schema_with = standing)]
    standing: Standing,
    /// Whether it stood so before; then nothing has changed.
    repeated: bool,
    /// Whether the hold had run out before; what was really used counts all the same.
    late: bool,
}

fn closed(id: Uuid, Closed { standing, repeated, late }: Closed) -> Json<ClosedView> {
    Json(ClosedView { id, standing, repeated, late })
}

fn decision_id(text: &str) -> Result<Uuid, Problem> {
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(80).collect();
        Problem::new(ErrorCode::InvalidId, format!("`{shown}` is no UUID; a decision gives its `id`"))
    })
}

/// Counts what was really used instead of what was held. Again, nothing changes.
#[utoipa::path(
    post, path = "/api/v1/decisions/{decision_id}/settle", tag = "decisions", operation_id = "settle_decision",
    params(("decision_id" = Uuid, Path, description = "The decision.")),
    request_body(content = Settlement),
    security(("api_key" = ["decide"])),
    responses((status = 200, body = ClosedView), UsageProblems)
)]
pub(crate) async fn settle(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Deciding>,
    Path(id): Path<String>,
    _: Query<NoParams>,
    JsonBody(Settlement { usage }): JsonBody<Settlement>,
) -> Result<Json<ClosedView>, Problem> {
    let id = decision_id(&id)?;
    Ok(closed(id, state.decisions.settle(&tenant, id, usage).await?))
}

/// Gives back what was held, since it won't be used. Again, nothing changes.
#[utoipa::path(
    post, path = "/api/v1/decisions/{decision_id}/release", tag = "decisions", operation_id = "release_decision",
    params(("decision_id" = Uuid, Path, description = "The decision.")),
    security(("api_key" = ["decide"])),
    responses((status = 200, body = ClosedView), UsageProblems)
)]
pub(crate) async fn release(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Deciding>,
    Path(id): Path<String>,
    _: Query<NoParams>,
) -> Result<Json<ClosedView>, Problem> {
    let id = decision_id(&id)?;
    Ok(closed(id, state.decisions.release(&tenant, id).await?))
}

impl From<DecisionError> for Problem {
    fn from(error: DecisionError) -> Self {
        let detail = error.to_string();
        match error {
            DecisionError::NoActiveBundle => Self::new(
                ErrorCode::NoActiveBundle,
                "no bundle is active, so there is nothing to decide by; upload and activate one",
            ),
            DecisionError::OtherRequest(_) => Self::new(ErrorCode::RequestIdTaken, detail),
            DecisionError::NotFound(_) => Self::new(ErrorCode::DecisionNotFound, detail),
            DecisionError::Closed(standing) => {
                let why = match standing {
                    Standing::Counted => {
                        "its usage counted when it was decided; `reserve` it to settle it later"
                    }
                    Standing::Refused => "the request was stopped, so it uses nothing",
                    Standing::Settled => "its usage was settled",
                    Standing::Released => "its usage was given back",
                    Standing::Expired => "its hold has run out; what was really used can still be settled",
                    Standing::Held => "its usage is held",
                };
                Self::new(ErrorCode::DecisionClosed, why)
            }
            DecisionError::Usage(faults) => {
                let place = |place: &str| format!("/{}", place.replace('.', "/"));
                let detail =
                    |fault: &ordain_ir::Fault| ProblemDetail::in_body(place(&fault.place), fault.to_string());
                Self::of_details(ErrorCode::InvalidBody, faults.iter().map(detail).collect())
            }
            DecisionError::Store(error) => error.into(),
        }
    }
}
