//! The API as a client sees it, on SQLite and, where `ORDAIN_TEST_POSTGRES_URL` is set, on PostgreSQL.

mod access;
mod bounds;
mod budgets;
mod bundles;
mod clock;
mod conflicts;
mod decisions;
mod details;
mod errors;
mod evidence;
mod governance;
mod graph;
mod limits;
mod load;
mod metrics;
mod openapi;
mod panels;
mod people;
mod rules;
mod server;
mod signatures;
mod spans;
mod support;
mod tls;
mod violations;
mod workshop;
