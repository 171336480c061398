//! A database of its own for each test.

use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A fresh database on the server of `ORDAIN_TEST_POSTGRES_URL`.
pub(crate) struct TestDatabase {
    name: String,
    server: PgConnectOptions,
}

impl TestDatabase {
    /// Creates one.
    pub(crate) async fn create() -> Self {
        let url = std::env::var("ORDAIN_TEST_POSTGRES_URL").unwrap_or_else(|_| {
            panic!(
                "these tests want a PostgreSQL server: run them with `cargo xtask test`, which starts one, or set \
                 ORDAIN_TEST_POSTGRES_URL to the URL of a server on which databases may be created"
            )
        });
        let server = PgConnectOptions::from_str(&url).expect("ORDAIN_TEST_POSTGRES_URL is a URL");
        let name = format!("ordain_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let database = Self { name, server };
        // Of a run that was killed, with the same process id.
        database.on_server(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", database.name)).await;
        database.on_server(&format!("CREATE DATABASE {}", database.name)).await;
        database
    }

    /// Its URL, with the server's own user or another.
    pub(crate) fn url(&self, user: Option<&str>) -> String {
        let options = self.server.clone().database(&self.name);
        let options = match user {
            Some(user) => options.username(user).password(user),
            None => options,
        };
        options.to_url_lossy().to_string()
    }

    /// Where the server listens.
    pub(crate) fn address(&self) -> (String, u16) {
        (self.server.get_host().to_owned(), self.server.get_port())
    }

    /// Its URL through a proxy on this machine.
    pub(crate) fn url_by_port(&self, port: u16) -> String {
        let options = self.server.clone().database(&self.name).host("127.0.0.1").port(port);
        options.to_url_lossy().to_string()
    }

    /// A connection beside the store's.
    pub(crate) async fn connect(&self, user: Option<&str>) -> PgConnection {
        let options = PgConnectOptions::from_str(&self.url(user)).expect("was made from options");
        options.connect().await.expect("the database can be reached")
    }

    async fn on_server(&self, statement: &str) {
        let mut connection = self.server.connect().await.expect("ORDAIN_TEST_POSTGRES_URL can be reached");
        connection.execute(AssertSqlSafe(statement.to_owned())).await.expect("databases may be created");
    }

    /// Removes it.
    pub(crate) async fn drop(self) {
        self.on_server(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }
}
