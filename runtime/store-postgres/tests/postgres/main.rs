//! The store on a real PostgreSQL.

mod conformance;
mod database;
mod server;
mod silence;
mod tls;
mod upgrades;
