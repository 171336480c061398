//! Connecting.

use std::str::FromStr;
use std::time::Duration;

use ordain_store::{StoreError, redacted};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, query_scalar};

use crate::PostgresStore;
use crate::row::failed;

/// How long the first connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a question waits for a free connection.
const ACQUIRE: Duration = Duration::from_secs(10);
/// How long a statement may run, as PostgreSQL writes it.
const STATEMENT_TIMEOUT: &str = "30s";
const CONNECTIONS: u32 = 10;

impl PostgresStore {
    /// Connects and brings the tables up to date. The database must exist.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let refuse = |reason: String| StoreError::Open { url: redacted(url), reason };
        let options = PgConnectOptions::from_str(url)
            .map_err(|_| {
                refuse("it is malformed; write `postgres://USER:PASSWORD@HOST:PORT/DATABASE`".to_owned())
            })?
            .application_name("ordain")
            .options([("statement_timeout", STATEMENT_TIMEOUT)]);
        // Outside the pool, which would try a refused connection again until it times out.
        let first = tokio::time::timeout(CONNECT, options.connect()).await;
        let mut first: PgConnection = first
            .map_err(|_| refuse(format!("no answer within {} seconds", CONNECT.as_secs())))?
            .map_err(|error| refuse(in_words(&error, &options)))?;
        sqlx::migrate!().run(&mut first).await.map_err(|error| match error {
            sqlx::migrate::MigrateError::Execute(error) => refuse(in_words(&error, &options)),
            other => refuse(format!("its tables cannot be brought up to date: {other}")),
        })?;
        // It has done its work; a failure to say goodbye harms nobody.
        let _ = first.close().await;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE)
            .connect_lazy_with(options);
        Ok(Self { pool })
    }

    /// The role that the store works as, if row-level security has no effect on it.
    pub async fn role_above_row_level_security(&self) -> Result<Option<String>, StoreError> {
        let role = query_scalar!(
            r#"SELECT rolname::text AS "name!" FROM pg_roles
               WHERE rolname = current_user AND (rolsuper OR rolbypassrls)"#
        );
        role.fetch_optional(&self.pool).await.map_err(failed)
    }

    /// Closes all connections once all that is under way is done.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// What a failure means to somebody who wants to connect.
fn in_words(error: &sqlx::Error, options: &PgConnectOptions) -> String {
    if let sqlx::Error::Io(error) = error {
        return match error.kind() {
            std::io::ErrorKind::ConnectionRefused => {
                format!("nothing listens on port {} there; is the server running?", options.get_port())
            }
            _ => format!("{error}; is the server running, and are host and port right?"),
        };
    }
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default();
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    match &*code {
        "28P01" | "28000" => {
            format!("the server refuses the user `{}` or its password", options.get_username())
        }
        "3D000" => format!("the server has no database `{database}`; create it with `createdb {database}`"),
        "42501" => format!("the user `{}` may not create the tables: {error}", options.get_username()),
        "53300" => "the server has no connection to spare".to_owned(),
        "57P03" => "the server is starting up or shutting down; try again".to_owned(),
        _ => error.to_string(),
    }
}
