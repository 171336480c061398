//! The store on SQLite: one file, nothing to run beside it.
//!
//! One connection writes, several read; each read sees one snapshot (WAL). Every write begins with
//! `BEGIN IMMEDIATE`, since a transaction that reads first and writes later would fail with `database is
//! locked` instead of waiting. A commit is on the disk before it is acknowledged (`synchronous = FULL`).
//!
//! Queries are checked at compile time against the cached descriptions in `.sqlx`; after a change of a query
//! or a migration, renew them with `cargo xtask sqlx-prepare`.

mod bundles;
mod conflicts;
mod dependencies;
mod limits;
mod open;
mod row;
mod rules;
mod state;

use sqlx::SqlitePool;

/// The store on SQLite.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    read: SqlitePool,
    write: SqlitePool,
}
