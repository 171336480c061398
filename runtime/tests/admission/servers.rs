//! Servers over a database that they share.

use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use jiff::Timestamp;
use ordain_ir::{Bundle, PolicyName};
use ordain_runtime::{
    AccessMode, App, AppOptions, BundleFile, BundleService, Limits, PanelOptions, TenantId, Trust,
};
use ordain_store::{CounterAudit, ManualClock, SeededRandom, Store};
use ordain_store_postgres::PostgresStore;
use ordain_store_sqlite::SqliteStore;
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use tower::ServiceExt;

use crate::trusting::Trusting;

/// Where servers keep what they share.
pub(crate) enum Database {
    Sqlite(tempfile::TempDir),
    Postgres { server: Box<PgConnectOptions>, name: String },
}

/// A database of each kind there is.
pub(crate) async fn databases(purpose: &str) -> Vec<Database> {
    let mut all = vec![Database::Sqlite(tempfile::tempdir().expect("a temporary folder"))];
    if let Ok(url) = std::env::var("ORDAIN_TEST_POSTGRES_URL") {
        let server = PgConnectOptions::from_str(&url).expect("ORDAIN_TEST_POSTGRES_URL is a URL");
        let name = format!("ordain_test_{purpose}_{}", std::process::id());
        let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        on(&server, [drop, format!("CREATE DATABASE {name}")]).await;
        all.push(Database::Postgres { server: Box::new(server), name });
    }
    all
}

async fn on<const N: usize>(server: &PgConnectOptions, statements: [String; N]) {
    let mut connection = server.connect().await.expect("ORDAIN_TEST_POSTGRES_URL can be reached");
    for statement in statements {
        connection.execute(AssertSqlSafe(statement)).await.expect("databases may be created");
    }
}

impl Database {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres { .. } => "PostgreSQL",
        }
    }

    /// Another server, with connections of its own.
    pub(crate) async fn server(&self, now: Timestamp) -> Server {
        let store: Arc<dyn Store> = match self {
            Self::Sqlite(folder) => {
                Arc::new(SqliteStore::open(&folder.path().join("ordain.db")).await.expect("opens"))
            }
            Self::Postgres { server, name } => {
                let url = PgConnectOptions::clone(server).database(name).to_url_lossy().to_string();
                Arc::new(PostgresStore::open(&url).await.expect("opens"))
            }
        };
        Server::new(store, TenantId::new("admission").expect("is a tenant"), now)
    }

    /// Lets go of it.
    pub(crate) async fn close(self, servers: Vec<Arc<Server>>) {
        drop(servers);
        if let Self::Postgres { server, name } = self {
            on(&server, [format!("DROP DATABASE {name} WITH (FORCE)")]).await;
        }
    }
}

/// A server, without its port.
pub(crate) struct Server {
    pub(crate) clock: Arc<ManualClock>,
    store: Arc<dyn Store>,
    tenant: TenantId,
    router: Router,
}

impl Server {
    fn new(store: Arc<dyn Store>, tenant: TenantId, now: Timestamp) -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static SEED: AtomicU64 = AtomicU64::new(1 << 32);
        let seed = SEED.fetch_add(1 << 32, Ordering::Relaxed) ^ u64::from(std::process::id());
        let clock = Arc::new(ManualClock::new(now));
        let options = AppOptions {
            store: Arc::clone(&store),
            gate: Arc::new(Trusting),
            clock: clock.clone(),
            random: Arc::new(SeededRandom::new(seed)),
            access: AccessMode::Dev(tenant.clone()),
            people: None,
            limits: Limits::default(),
            panels: PanelOptions::default(),
            trust: Trust::default(),
        };
        Self { clock, store, tenant, router: App::new(options).router() }
    }

    /// The same for another tenant.
    pub(crate) fn of_tenant(&self, tenant: &str) -> Self {
        let now = ordain_store::Clock::now(&*self.clock);
        Self::new(Arc::clone(&self.store), TenantId::new(tenant).expect("is a tenant"), now)
    }

    /// Makes a bundle the active one.
    pub(crate) async fn load(&self, bundle: &Bundle) {
        let (store, random) = (Arc::clone(&self.store), Arc::new(SeededRandom::new(1)));
        let bundles =
            BundleService::new(store, Arc::new(Trusting), self.clock.clone(), random, Trust::default());
        bundles.load(&self.tenant, BundleFile::unsigned(bundle.to_bytes().0)).await.expect("loads");
    }

    /// Sends a body; the status and what comes back.
    pub(crate) async fn send(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(body.to_string())).expect("is a request");
        let response = self.router.clone().oneshot(request).await.expect("the router never fails");
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), 1 << 24).await.expect("the body is there");
        (status, serde_json::from_slice(&bytes).expect("the body is JSON"))
    }

    /// Sends a body and expects this status.
    pub(crate) async fn post(&self, path: &str, body: &Value, status: u16) -> Value {
        let (found, answer) = self.send(path, body).await;
        assert_eq!(found, status, "{path}: {answer}");
        answer
    }

    /// Sends a body again and again until the database has answered, as a patient client does: on a busy machine one of
    /// several programs on one SQLite file may have to wait longer than a decision waits.
    pub(crate) async fn insist(&self, path: &str, body: &Value) -> Value {
        for _ in 0..200 {
            let (status, answer) = self.send(path, body).await;
            if status == 200 && answer["degraded"] != true {
                return answer;
            }
            assert!(status == 200 || status == 503, "{path}: {answer}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{path}: the database never answers");
    }

    /// What is used and held.
    pub(crate) async fn counter(&self, limit: &PolicyName, subject: &str, start: Timestamp) -> (i64, i64) {
        let all = self.store.counters(&self.tenant, limit, 10_000).await.expect("lists");
        let found = all.iter().find(|it| it.key.subject == subject && it.key.period_start == start);
        found.map_or((0, 0), |it| (it.counter.used, it.counter.held))
    }

    /// Whether counters are what the ledger says.
    pub(crate) async fn audit(&self) -> CounterAudit {
        self.store.audit_counters(&self.tenant).await.expect("adds up")
    }
}

/// Whether a decision was kept, to be settled or released: one that a counted limit speaks about.
pub(crate) fn is_kept(decision: &Value) -> bool {
    let counted = |kind: &str| kind == "COOLDOWN" || !(kind.ends_with("_PER_RUN") || kind == "RISK_CEILING");
    let of = |list: &Value| {
        list.as_array()
            .is_some_and(|all| all.iter().any(|limit| limit["limit_type"].as_str().is_some_and(counted)))
    };
    of(&decision["limits"]) || of(&decision["unmeasured"])
}
