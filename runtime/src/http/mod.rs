//! The panel API over HTTP.

mod access;
mod app;
mod body;
mod examples;
mod guard;
mod problem;
mod query;
mod routes;
mod schema;
mod strict;

pub use access::AccessMode;
pub(crate) use access::Presented;
pub use app::{App, AppOptions, openapi};
pub use problem::ErrorCode;

/// A problem as it stands in a body, for those who are below HTTP.
pub(crate) fn plain_problem(code: ErrorCode, detail: &str) -> String {
    problem::Problem::new(code, detail).to_json()
}
