//! Connecting.

use std::str::FromStr;
use std::time::Duration;

use ordain_store::{StoreError, redacted};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, query_scalar};

use crate::PostgresStore;
use crate::pool::Pool;
use crate::row::failed;

/// How long the first connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// What every connection is told: how long a statement may run, and when the server gives up a client that has gone
/// silent, so that it doesn't keep its locks.
const SETTINGS: [(&str, &str); 6] = [
    ("statement_timeout", "30s"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("tcp_user_timeout", "15s"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
];

impl PostgresStore {
    /// Connects and brings the tables up to date. The database must exist.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let refuse = |reason: String| StoreError::Open { url: redacted(url), reason };
        let options = PgConnectOptions::from_str(url)
            .map_err(|_| {
                refuse("it is malformed; write `postgres://USER:PASSWORD@HOST:PORT/DATABASE`".to_owned())
            })?
            .application_name("ordain")
            .options(SETTINGS);
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
        Ok(Self { pool: Pool::new(options) })
    }

    /// The role that the store works as, if row-level security has no effect on it.
    pub async fn role_above_row_level_security(&self) -> Result<Option<String>, StoreError> {
        let role = query_scalar!(
            r#"SELECT rolname::text AS "name!" FROM pg_roles
               WHERE rolname = current_user AND (rolsuper OR rolbypassrls)"#
        );
        role.fetch_optional(&self.pool.get()).await.map_err(failed)
    }

    /// Closes all connections once all that is under way is done.
    pub async fn close(&self) {
        self.pool.get().close().await;
    }
}

/// What a failure means to somebody who wants to connect.
fn in_words(error: &sqlx::Error, options: &PgConnectOptions) -> String {
    let refused = |error: &dyn std::fmt::Display| {
        let host = options.get_host();
        format!(
            "its TLS is refused: {error}; `sslrootcert` should name the authority that signed the server's \
             certificate, and that should name `{host}`"
        )
    };
    if let sqlx::Error::Io(error) = error {
        return match error.kind() {
            std::io::ErrorKind::InvalidData => refused(error),
            std::io::ErrorKind::ConnectionRefused => {
                format!("nothing listens on port {} there; is the server running?", options.get_port())
            }
            _ => format!("{error}; is the server running, and are host and port right?"),
        };
    }
    if let sqlx::Error::Tls(error) = error {
        return if error.to_string().contains("does not support TLS") {
            "the server speaks no TLS, which `sslmode` demands; set `ssl = on` there, or take another `sslmode`"
                .to_owned()
        } else {
            refused(error)
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
