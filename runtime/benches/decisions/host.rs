//! The server that is measured.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::thread::JoinHandle;

use jiff::Timestamp;
use ordain_ir::{
    Bundle, DependencyGraph, EnforcementMode, Level, Partition, Policies, PolicyName, PolicyRef, Report,
    RuleType, Source,
};
use ordain_runtime::{
    Administration, BundleFile, CompileError, Compiled, Gate, GateError, Limits, NewApiKey, Principal,
    PrincipalKind, Role, ServeOptions, Server, Shutdown, TenantId, Trust,
};
use ordain_store::conformance::fixtures::{bundle, limit, policies, rule, scope};
use ordain_store::{CounterStore, ManualClock, SeededRandom};
use ordain_store_postgres::PostgresStore;
use ordain_store_sqlite::SqliteStore;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use tokio::sync::oneshot;

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    Sqlite,
    Postgres,
}

/// A running server.
pub(crate) struct Host {
    address: SocketAddr,
    key: String,
    url: String,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
    folder: tempfile::TempDir,
}

/// Lets everything through.
struct Open;

impl Gate for Open {
    fn check(&self, _: &Bundle) -> Result<Report, GateError> {
        Ok(Report::default())
    }

    fn evidence(&self, _: &Bundle) -> Result<(), String> {
        Ok(())
    }

    fn compile(&self, _: Option<&Bundle>, _: &str, _: Source) -> Result<Compiled, CompileError> {
        Err(GateError("nothing is compiled here".to_owned()).into())
    }

    fn dependencies(&self, _: &Policies) -> DependencyGraph {
        DependencyGraph::default()
    }

    fn dependents(&self, _: &DependencyGraph, _: &PolicyName) -> Vec<PolicyRef> {
        vec![]
    }
}

/// A Monday of 2026: the server's time stands still while it is measured.
fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::constant(1_772_409_600, 0)))
}

/// A hundred rules, of which three speak about a request, a limit on each request, and three that count.
fn measured(counted: bool) -> Bundle {
    let mut rules: Vec<_> = (0..97)
        .map(|i| {
            let mut rule = rule(&format!("elsewhere.r{i}"), RuleType::Safety, EnforcementMode::Block);
            rule.scope = scope(Level::Agent);
            rule
        })
        .collect();
    for kind in [RuleType::Safety, RuleType::Ethical, RuleType::System] {
        rules.push(rule(&format!("here.{}", kind.as_str().to_lowercase()), kind, EnforcementMode::Audit));
    }
    let mut limits = vec![limit("here.tokens-per-run", "TOKENS_PER_RUN", 1_000_000)];
    if counted {
        let most = 1_000_000_000_000_000;
        for (name, kind, partition) in [
            ("here.runs", "RUNS_HOURLY", Partition::Agent),
            ("here.tokens", "TOKENS_DAILY", Partition::Project),
            ("here.cost", "COST_MONTHLY", Partition::Whole),
        ] {
            let mut limit = limit(name, kind, most);
            limit.partition = partition;
            limits.push(limit);
        }
    }
    bundle(policies(rules, limits), vec![], vec![])
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

impl Host {
    /// Starts a server; `None` without the database that it wants.
    pub(crate) fn start(kind: Kind) -> Option<Self> {
        // As the program logs, but to nowhere.
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_writer(std::io::sink);
        let _ = log.try_init();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let url = match kind {
            Kind::Postgres => runtime.block_on(postgres())?,
            _ => format!("sqlite://{}", folder.path().join("bench.db").display()),
        };
        let (stop, stopped) = oneshot::channel();
        let options = ServeOptions {
            listen: "127.0.0.1:0".parse().expect("is an address"),
            database_url: url.clone(),
            bundle: Some(BundleFile::unsigned(measured(kind != Kind::Plain).to_bytes().0)),
            trust: Trust::default(),
            watch: None,
            tenant: "bench".to_owned(),
            dev: false,
            gate: Arc::new(Open),
            clock: clock(),
            random: Arc::new(SeededRandom::new(1)),
            people: None,
            tls: None,
            limits: Limits::default(),
            shutdown: Shutdown::default(),
            stop: Box::pin(async move {
                let _ = stopped.await;
            }),
        };
        let (server, key) = runtime.block_on(async {
            let server = Server::bind(options).await.expect("serves");
            let keys =
                Administration::open(&url, clock(), Arc::new(SeededRandom::new(2))).await.expect("opens");
            let new = NewApiKey {
                principal: Principal::new(PrincipalKind::Service, "bench").expect("is a name"),
                roles: [Role::Decide].into(),
                lifetime: None,
            };
            let tenant = TenantId::new("bench").expect("is a tenant");
            let (key, _) = keys.api_keys().create(&tenant, new).await.expect("creates");
            keys.close().await;
            (server, key.reveal().to_owned())
        });
        let address = server.local_addr().expect("listens");
        let thread = std::thread::spawn(move || runtime.block_on(server.run()).expect("serves"));
        Some(Self { address, key, url, stop, thread, folder })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Whether every counter is the sum of its entries, in words.
    pub(crate) fn audited(&self) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let tenant = TenantId::new("bench").expect("is a tenant");
        let audit = runtime.block_on(async {
            let store: Box<dyn CounterStore> = match self.url.strip_prefix("sqlite://") {
                Some(file) => Box::new(SqliteStore::open(file.as_ref()).await.expect("opens")),
                None => Box::new(PostgresStore::open(&self.url).await.expect("opens")),
            };
            store.audit_counters(&tenant).await.expect("adds up")
        });
        assert_eq!(audit.wrong, [], "counters are the sums of their entries");
        format!("{} counters are the sums of {} entries", audit.counters, audit.entries)
    }

    pub(crate) fn stop(self) {
        let _ = self.stop.send(());
        self.thread.join().expect("ends");
        drop(self.folder);
    }
}
