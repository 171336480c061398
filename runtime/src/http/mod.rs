//! The panel API over HTTP.

mod app;
mod body;
mod guard;
mod problem;
mod query;
mod routes;
mod schema;
mod tenant;

pub use app::{App, openapi};
pub use problem::ErrorCode;
