//! The store on PostgreSQL (15 or later), for more than one replica.
//!
//! Every transaction sets its tenant, and row-level security, forced on every table, hides all other rows;
//! queries name the tenant all the same. Reads see one snapshot (`REPEATABLE READ`), activations of one tenant
//! queue behind an advisory lock.
//!
//! Queries are checked at compile time against the cached descriptions in `.sqlx`. After a change of a query
//! or a migration, empty that folder and renew it from a fresh database:
//!
//! ```sh
//! cargo xtask postgres -- sh -c '
//!   cat runtime/store-postgres/migrations/*.sql | psql -q "$ORDAIN_TEST_POSTGRES_URL"
//!   touch runtime/store-postgres/src/lib.rs
//!   SQLX_OFFLINE=false PG_DATABASE_URL=$ORDAIN_TEST_POSTGRES_URL \
//!     SQLX_OFFLINE_DIR=$PWD/runtime/store-postgres/.sqlx cargo check -p ordain-store-postgres'
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
mod pool;
mod row;
mod rules;
mod state;
mod transaction;
mod violation_counts;
mod violations;
mod vouchers;
mod watching;

use std::sync::Arc;

use pool::Pool;

/// The store on PostgreSQL.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pool: Arc<Pool>,
}
