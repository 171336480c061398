//! From a database URL to a store.

use std::path::Path;
use std::sync::Arc;

use ordain_store::{Store, StoreError, redacted};
use ordain_store_postgres::PostgresStore;
use ordain_store_sqlite::SqliteStore;

/// An open database, of either kind.
pub(crate) enum Database {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

/// Why no database was opened.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The URL names a kind that isn't known.
    #[error("unknown database `{0}`; use `sqlite://FILE` or `postgres://USER@HOST/DATABASE`")]
    Unknown(String),
    /// It names a database in memory.
    #[error("`{0}` would forget everything at the end; name a file: `sqlite://FILE`")]
    InMemory(String),
    /// Its role sees every tenant's rows.
    #[error(
        "the role `{0}` is a superuser or has BYPASSRLS, so row-level security would not keep tenants apart; connect \
         as another, for example after `CREATE ROLE ordain LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '…'` and `ALTER \
         DATABASE … OWNER TO ordain`, or try things out with --dev"
    )]
    AboveRowLevelSecurity(String),
    /// It can't be opened.
    #[error(transparent)]
    Open(#[from] StoreError),
}

impl Database {
    /// Opens the database of this URL: `sqlite://FILE` (the path as it stands, nothing is decoded) or
    /// `postgres://…`.
    pub(crate) async fn open(url: &str) -> Result<Self, DatabaseError> {
        match url.split_once("://") {
            Some(("sqlite", ":memory:")) => Err(DatabaseError::InMemory(url.to_owned())),
            Some(("sqlite", file)) if !file.is_empty() => {
                Ok(Self::Sqlite(SqliteStore::open(Path::new(file)).await?))
            }
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(PostgresStore::open(url).await?)),
            Some((scheme, _)) if scheme != "sqlite" => Err(DatabaseError::Unknown(format!("{scheme}://"))),
            _ => Err(DatabaseError::Unknown(redacted(url))),
        }
    }

    /// Refuses a role on which row-level security has no effect.
    pub(crate) async fn keeps_tenants_apart(&self) -> Result<(), DatabaseError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(store) => match store.role_above_row_level_security().await? {
                Some(role) => Err(DatabaseError::AboveRowLevelSecurity(role)),
                None => Ok(()),
            },
        }
    }

    /// The store.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::new(store.clone()),
            Self::Postgres(store) => Arc::new(store.clone()),
        }
    }

    /// Closes it once all that is under way is done.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn unknown_databases_are_named() {
        for (url, wanted) in [
            (
                "foo://bar",
                "unknown database `foo://`; use `sqlite://FILE` or `postgres://USER@HOST/DATABASE`",
            ),
            (
                "mysql://me:s3cret@h/x",
                "unknown database `mysql://`; use `sqlite://FILE` or `postgres://USER@HOST/DATABASE`",
            ),
            (
                "ordain.db",
                "unknown database `ordain.db`; use `sqlite://FILE` or `postgres://USER@HOST/DATABASE`",
            ),
            (
                "sqlite://",
                "unknown database `sqlite://`; use `sqlite://FILE` or `postgres://USER@HOST/DATABASE`",
            ),
            (
                "sqlite://:memory:",
                "`sqlite://:memory:` would forget everything at the end; name a file: `sqlite://FILE`",
            ),
        ] {
            let error = Database::open(url).await.err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), Some(wanted));
        }
    }
}
