//! The server that is measured: the program itself, as a process of its own.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::str::FromStr as _;
use std::time::{Duration, Instant};

use ordain_store::{CounterStore, TenantId};
use ordain_store_postgres::PostgresStore;
use ordain_store_sqlite::SqliteStore;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    Sqlite,
    Postgres,
}

/// A running server.
pub(crate) struct Host {
    server: Child,
    address: SocketAddr,
    key: String,
    url: String,
    _folder: tempfile::TempDir,
}

/// A hundred rules, of which three speak about a request, a limit on each request, and three that count.
fn policies(counted: bool) -> String {
    let elsewhere = (0..97).map(|i| {
        format!("rule elsewhere-{i} {{ type safety  enforce block  scope agent acme/support/mailer-{i} }}\n")
    });
    let here = ["safety", "ethical", "system"]
        .map(|kind| format!("rule {kind} {{ type {kind}  enforce audit  scope global }}\n"));
    let rules: String = elsewhere.chain(here).collect();
    let mut text = format!("package bench\n\n{rules}");
    text += "limit per-run { type tokens_per_run  at most 1_000_000  enforce block  scope global }\n";
    if counted {
        text +=
            "limit runs { type runs_hourly  at most 1_000_000_000  enforce block  scope global  per agent }
limit tokens { type tokens_daily  at most 1_000_000_000_000  enforce block  scope global  per project }
limit cost { type cost_monthly  at most 1_000_000_000.00 USD  enforce block  scope global }
";
    }
    text
}

/// A fresh database, of a user whom row-level security binds.
async fn postgres() -> Option<String> {
    let server =
        PgConnectOptions::from_str(&std::env::var("ORDAIN_TEST_POSTGRES_URL").ok()?).expect("is a URL");
    let mut connection = server.connect().await.expect("ORDAIN_TEST_POSTGRES_URL can be reached");
    for statement in [
        "DROP DATABASE IF EXISTS ordain_bench WITH (FORCE)",
        "DROP ROLE IF EXISTS ordain_bench",
        "CREATE ROLE ordain_bench LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD 'ordain_bench'",
        "CREATE DATABASE ordain_bench OWNER ordain_bench",
    ] {
        connection.execute(AssertSqlSafe(statement.to_owned())).await.expect("databases may be created");
    }
    let options = server.database("ordain_bench").username("ordain_bench").password("ordain_bench");
    Some(options.to_url_lossy().to_string())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Runs the program to its end, and gives back what it says.
fn run(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_ordain")).args(arguments).output().expect("it starts");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("is text")
}

impl Host {
    /// Starts a server; `None` without the database that it wants.
    pub(crate) fn start(kind: Kind) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let within = |name: &str| folder.path().join(name).to_str().expect("is text").to_owned();
        let url = match kind {
            Kind::Postgres => runtime().block_on(postgres())?,
            Kind::Plain | Kind::Sqlite => format!("sqlite://{}", within("bench.db")),
        };
        std::fs::write(within("ordain.yaml"), "name: bench\nlanguage: \"1\"\n").expect("may be written");
        std::fs::write(within("bench.ordain"), policies(kind != Kind::Plain)).expect("may be written");
        let bundle = within("bench.ordain-bundle");
        run(&["build", &within(""), "-o", &bundle]);
        let roles = "decide,ingest,viewer";
        let named = ["--database", &url, "--tenant", "bench"];
        let made =
            run(&[&["apikey"], &named[..], &["create", "--service", "bench", "--role", roles]].concat());
        let key = made.lines().next().expect("shows the key").to_owned();
        let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port");
        let mut server = Command::new(env!("CARGO_BIN_EXE_ordain"));
        server.args(["serve", "--bundle", &bundle, "--listen", &free.to_string()]).args(named);
        // It logs as ever, to nowhere.
        let server = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = server.spawn().expect("it starts");
        let host = Self { server, address: free, key, url, _folder: folder };
        let begun = Instant::now();
        while TcpStream::connect(host.address).is_err() {
            assert!(begun.elapsed() < Duration::from_mins(1), "the server doesn't listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(host)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The memory of its process that is in RAM, in KiB; 0 where the system has no `/proc`.
    pub(crate) fn resident(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.server.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
    }

    /// Whether every counter is the sum of its entries, in words.
    pub(crate) fn audited(&self) -> String {
        let tenant = TenantId::new("bench").expect("is a tenant");
        let audit = runtime().block_on(async {
            let store: Box<dyn CounterStore> = match self.url.strip_prefix("sqlite://") {
                Some(file) => Box::new(SqliteStore::open(file.as_ref()).await.expect("opens")),
                None => Box::new(PostgresStore::open(&self.url).await.expect("opens")),
            };
            store.audit_counters(&tenant).await.expect("adds up")
        });
        assert_eq!(audit.wrong, [], "counters are the sums of their entries");
        format!("{} counters are the sums of {} entries", audit.counters, audit.entries)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
