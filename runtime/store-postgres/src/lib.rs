//! The store on PostgreSQL (15 or later), for more than one replica.
//!
//! Every transaction sets its tenant, and row-level security, forced on every table, hides all other rows;
//! queries name the tenant all the same. Reads see one snapshot (`REPEATABLE READ`), activations of one tenant
//! queue behind an advisory lock.
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
mod transaction;

use sqlx::PgPool;

/// The store on PostgreSQL.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pool: PgPool,
}
