//! The panel API over HTTP.

mod access;
mod app;
mod body;
mod guard;
mod problem;
mod query;
mod routes;
mod schema;

pub use access::AccessMode;
pub use app::{App, AppOptions, openapi};
pub use problem::ErrorCode;
