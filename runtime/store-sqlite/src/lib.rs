//! The store on SQLite: one file, nothing to run beside it.
//!
//! One connection writes, several read; each read sees one snapshot (WAL). Every write begins with
//! `BEGIN IMMEDIATE`, since a transaction that reads first and writes later would fail with `database is
//! locked` instead of waiting. A commit is on the disk before it is acknowledged (`synchronous = FULL`).
//!
//! Queries are checked at compile time against the cached descriptions in `.sqlx`. After a change of a query
//! or a migration, empty that folder and renew it from a fresh database:
//!
//! ```sh
//! cat runtime/store-sqlite/migrations/*.sql | sqlite3 /tmp/prepare.db
//! touch runtime/store-sqlite/src/lib.rs
//! SQLX_OFFLINE=false SQLITE_DATABASE_URL=sqlite:///tmp/prepare.db \
//!   SQLX_OFFLINE_DIR=$PWD/runtime/store-sqlite/.sqlx cargo check -p ordain-store-sqlite
//! ```

mod access;
mod bundles;
mod capabilities;
mod conflicts;
mod counters;
mod dependencies;
mod evaluations;
mod events;
mod governance;
mod learning;
mod lessons;
mod limits;
mod open;
mod panels;
mod row;
mod rules;
mod state;
mod violation_counts;
mod violations;
mod vouchers;
mod watching;

use sqlx::SqlitePool;

/// The store on SQLite.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    read: SqlitePool,
    write: SqlitePool,
}
