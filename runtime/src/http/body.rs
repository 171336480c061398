//! JSON bodies, read strictly: what is wrong is said with its place in the body.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use super::problem::{ErrorCode, Problem, ProblemDetail};
use super::strict::Strict;

/// A body of one JSON value.
pub(crate) struct JsonBody<T>(pub(crate) T);

/// A body of one JSON object, or of an array of them.
pub(crate) struct JsonItems<T>(pub(crate) Vec<T>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Ok(Self(read(&bytes(request, state).await?)?))
    }
}

/// The same, where it matters which of the two it was.
pub(crate) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for OneOrMany<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = bytes(request, state).await?;
        if bytes.trim_ascii_start().starts_with(b"[") {
            read(&bytes).map(Self::Many)
        } else {
            read(&bytes).map(Self::One)
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonItems<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Ok(match OneOrMany::from_request(request, state).await? {
            OneOrMany::One(item) => Self(vec![item]),
            OneOrMany::Many(items) => Self(items),
        })
    }
}

async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    if !is_json(request.headers()) {
        let detail = "the body must be JSON, and the header `Content-Type` must say `application/json`";
        return Err(Problem::new(ErrorCode::UnsupportedMediaType, detail));
    }
    Bytes::from_request(request, state).await.map_err(|rejection| Problem::of_status(rejection.status()))
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    media.eq_ignore_ascii_case("application/json")
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(Strict(&mut reader)).map_err(|error| {
        let place = pointer(error.path());
        let cause = error.into_inner();
        if cause.is_data() { wrong(place, data_error(&cause)) } else { malformed(&cause) }
    })?;
    reader.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

/// What the reader says, without its place in lines and columns: the pointer says it better.
fn data_error(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(&*text, |(what, _)| what);
    // Nobody outside knows our types.
    what.split_once(", expected struct ")
        .map_or(what.to_owned(), |(what, _)| format!("{what}, expected an object"))
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(ErrorCode::BadRequest, format!("the body is no JSON: {error}"))
}

/// One thing that is wrong with a body.
pub(crate) fn wrong(pointer: String, detail: impl Into<String>) -> Problem {
    Problem::of_details(ErrorCode::InvalidBody, vec![ProblemDetail::in_body(pointer, detail)])
}

/// A JSON pointer (RFC 6901); empty for the whole body.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let segment = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    };
    path.iter().map(segment).collect()
}
