//! Opening the file.

use std::path::Path;
use std::time::Duration;

use ordain_store::StoreError;
use sqlx::Connection;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::SqliteStore;

/// How long a connection waits for another program that holds the file.
const BUSY: Duration = Duration::from_secs(5);
/// How long a question waits for a free connection.
const ACQUIRE: Duration = Duration::from_secs(10);
/// How long a file that is held is tried, a little longer than the first attempt waits.
const OPENING: Duration = Duration::from_secs(6);
/// Until it is tried again.
const PAUSE: Duration = Duration::from_millis(25);
const READERS: u32 = 4;
const HELD: &str = "another program holds it; end that program, or choose another file";
/// After how many pages what was written ahead goes to its place: so many that counters that change again and again
/// go there seldom.
const CHECKPOINT: &str = "8000";

impl SqliteStore {
    /// Opens the file, creating it and its tables where they are missing. The folder must exist.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        let refuse =
            |reason: String| StoreError::Open { url: format!("sqlite://{}", file.display()), reason };
        if file.is_dir() {
            return Err(refuse("it is a folder; name a file in it".to_owned()));
        }
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(refuse(format!("the folder `{}` does not exist; create it first", folder.display())));
        }
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .foreign_keys(true)
            .pragma("wal_autocheckpoint", CHECKPOINT);
        // Where a disk is full, SQLite ends the transaction by itself, so that sqlx's own end of it fails, and the connection
        // counts as in a transaction for good. A new one takes its place.
        let pool = || {
            SqlitePoolOptions::new().acquire_timeout(ACQUIRE).before_acquire(|connection, _| {
                let free = !connection.is_in_transaction();
                Box::pin(async move { Ok(free) })
            })
        };
        let attempt = async || {
            let write = pool().max_connections(1).connect_with(options.clone()).await?;
            sqlx::migrate!().run(&write).await?;
            Ok::<_, MigrateError>(write)
        };
        let mut last = None;
        let until_done = async {
            loop {
                match attempt().await {
                    // Another server makes the same tables now, or has just done so; SQLite doesn't always wait by itself.
                    Err(error) if is_of_a_moment(&error) => last = Some(error),
                    done => break done,
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        let done = tokio::time::timeout(OPENING, until_done).await;
        let done =
            done.unwrap_or_else(|_| Err(last.unwrap_or(MigrateError::Execute(sqlx::Error::PoolTimedOut))));
        let write = done.map_err(|error| match error {
            MigrateError::Execute(error) => refuse(in_words(&error)),
            other => refuse(format!("its tables cannot be brought up to date: {other}")),
        })?;
        let read = pool().max_connections(READERS).connect_with(options.read_only(true)).await;
        let read = read.map_err(|error| refuse(in_words(&error)))?;
        Ok(Self { read, write })
    }

    /// Closes the file once all that is under way is done.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

/// Whether the file is held by somebody, or tables have come into being since they were looked for.
fn is_of_a_moment(error: &MigrateError) -> bool {
    match error {
        MigrateError::Execute(error) => is_held(error),
        MigrateError::ExecuteMigration(..) => true,
        _ => false,
    }
}

/// Whether SQLite says that another connection holds the file (`SQLITE_BUSY`, `SQLITE_LOCKED`).
fn is_held(error: &sqlx::Error) -> bool {
    primary_code(error).is_some_and(|code| matches!(code, 5 | 6))
}

/// The primary result code: the last byte of an extended one.
fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code)?;
    code.parse::<u32>().ok().map(|code| code & 0xff)
}

/// What SQLite's result codes mean to somebody who wants to open a file.
fn in_words(error: &sqlx::Error) -> String {
    let advice = match primary_code(error) {
        _ if is_held(error) || matches!(error, sqlx::Error::PoolTimedOut) => HELD,
        Some(8) => "it is read-only; make the file and its folder writable, or choose another file",
        Some(11 | 26) => "it is no intact SQLite database; choose another file, or restore a backup",
        Some(13) => "the disk is full",
        Some(14) => "it cannot be opened or created; is its folder there, and writable?",
        _ => return error.to_string(),
    };
    advice.to_owned()
}
