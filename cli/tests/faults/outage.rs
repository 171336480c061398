//! A PostgreSQL that goes away, or only reads.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};

use crate::{Known, policies, soon, start, under_load, violations};

/// A database of its own on the server that there is, and somebody to break it.
struct Victim {
    runtime: tokio::runtime::Runtime,
    root: PgConnection,
    name: String,
    url: String,
}

impl Victim {
    fn new(what: &str) -> Option<Self> {
        let url = std::env::var("ORDAIN_TEST_POSTGRES_URL").ok()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let server = PgConnectOptions::from_str(&url).expect("ORDAIN_TEST_POSTGRES_URL is a URL");
        let root = runtime.block_on(server.connect()).expect("ORDAIN_TEST_POSTGRES_URL can be reached");
        let name = format!("ordain_test_{what}_{}", std::process::id());
        let url = server.database(&name).to_url_lossy().to_string();
        let mut victim = Self { runtime, root, name, url };
        victim.tell(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", victim.name));
        victim.tell(&format!("CREATE DATABASE {}", victim.name));
        Some(victim)
    }

    fn tell(&mut self, statement: &str) {
        let told = self.root.execute(AssertSqlSafe(statement.to_owned()));
        self.runtime.block_on(told).expect("whoever tests may do everything");
    }

    /// Ends all connections to it.
    fn hang_up(&mut self) {
        let name = &self.name;
        let all = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        self.tell(&all);
    }

    /// Nobody is connected, and nobody can connect.
    fn stop(&mut self) {
        self.tell(&format!("ALTER DATABASE {} ALLOW_CONNECTIONS false", self.name));
        self.hang_up();
    }

    fn start(&mut self) {
        self.tell(&format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.name));
    }
}

#[test]
fn a_database_that_goes_and_comes_back_loses_nothing() {
    let Some(mut victim) = Victim::new("outage") else { return };
    let (folder, url) = (policies(), victim.url.clone());
    let server = start(&folder, &url);
    let mut all = under_load(&server, || {
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(300));
            victim.hang_up();
            std::thread::sleep(Duration::from_millis(300));
            victim.stop();
            std::thread::sleep(Duration::from_millis(1_500));
            victim.start();
        }
    });
    soon("decisions count again", || all.decide(&server));
    soon("violations are taken again", || all.hand_in(&server));
    all.check(server, &url);
}

/// As some providers make it where their disk is full: sessions are told to be read-only, and stay so.
#[test]
fn a_database_that_only_reads_is_waited_for() {
    let Some(mut victim) = Victim::new("readonly") else { return };
    let (folder, url) = (policies(), victim.url.clone());
    let server = start(&folder, &url);
    let mut known = Known::default();
    assert!(known.decide(&server) && known.hand_in(&server));
    victim.tell(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", victim.name));
    victim.hang_up();
    soon("nothing is written", || !known.decide(&server));
    soon("nothing is taken", || !known.hand_in(&server));
    soon("what is there can be read", || violations(&server).is_some());
    let (status, answer) = server.get("/api/v1/policies/rules");
    assert_eq!(status, 200, "{answer}");
    victim.tell(&format!("ALTER DATABASE {} RESET default_transaction_read_only", victim.name));
    soon("decisions count again", || known.decide(&server));
    // Not one of the connections is read-only any more.
    for _ in 0..30 {
        soon("violations are taken again", || known.hand_in(&server));
    }
    known.check(server, &url);
}
