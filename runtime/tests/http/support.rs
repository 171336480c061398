//! An application over each database, with hand-made bundles.

use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use jiff::Timestamp;
use ordain_ir::{Bundle, Report};
use ordain_runtime::{App, BundleService, Gate, GateError, LoadError, TenantId};
use ordain_store::conformance::fixtures::at;
use ordain_store::{BundleRecord, Clock, SeededRandom, Store};
use ordain_store_postgres::PostgresStore;
use ordain_store_sqlite::SqliteStore;
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use tokio::sync::OnceCell;
use tower::ServiceExt;

/// A clock that stands still.
pub(crate) struct Stopped(pub(crate) Timestamp);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// A gate that finds what it was told to, whatever the bundle says.
pub(crate) struct Finds(pub(crate) Result<Report, GateError>);

impl Gate for Finds {
    fn check(&self, _: &Bundle) -> Result<Report, GateError> {
        self.0.clone()
    }
}

/// A store, the tenant whose it is for a test, and the API.
pub(crate) struct Client {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tenant: TenantId,
    router: Router,
}

impl Client {
    fn new(store: Arc<dyn Store>, tenant: TenantId) -> Self {
        let (clock, random) = (Arc::new(Stopped(at(3600))), Arc::new(SeededRandom::new(1)));
        let router = App::new(Arc::clone(&store), clock, random, tenant.clone()).router();
        Self { store, tenant, router }
    }

    /// The same store, asked by another tenant.
    pub(crate) fn other_tenant(&self) -> Self {
        let tenant = TenantId::new(&format!("{}-other", self.tenant)).expect("is short");
        Self::new(Arc::clone(&self.store), tenant)
    }

    /// Loads a bundle, judged by the report that it carries, at `at(seconds)`.
    pub(crate) async fn load(&self, bundle: &Bundle, seconds: i64) -> Result<BundleRecord, LoadError> {
        self.load_judged(bundle.to_bytes().0, Finds(Ok(bundle.analysis.clone())), seconds).await
    }

    /// Loads bytes, judged by this gate.
    pub(crate) async fn load_judged(
        &self,
        bytes: Vec<u8>,
        gate: impl Gate + 'static,
        seconds: i64,
    ) -> Result<BundleRecord, LoadError> {
        let clock = Arc::new(Stopped(at(seconds)));
        BundleService::new(Arc::clone(&self.store), Arc::new(gate), clock).load(&self.tenant, bytes).await
    }

    /// Asks, and expects JSON of the media type that goes with the status.
    pub(crate) async fn request(&self, request: Request<Body>) -> (StatusCode, Value) {
        let shown = format!("{} {}", request.method(), request.uri());
        let response = self.router.clone().oneshot(request).await.expect("the router never fails");
        let status = response.status();
        let wanted = if status.is_success() { "application/json" } else { "application/problem+json" };
        assert_eq!(response.headers()[header::CONTENT_TYPE], wanted, "{shown} -> {status}");
        assert!(response.headers().contains_key("x-request-id"), "{shown}");
        let body = to_bytes(response.into_body(), 1 << 24).await.expect("the body is there");
        (status, serde_json::from_slice(&body).expect("the body is JSON"))
    }

    /// Asks with GET.
    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.request(request(Method::GET, path)).await
    }

    /// Asks with GET and expects success.
    pub(crate) async fn ok(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// Sends a body.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_string().into());
        self.request(request.expect("is a request")).await
    }

    /// Sends a body with POST and expects this status.
    pub(crate) async fn post(&self, path: &str, body: &Value, status: u16) -> Value {
        let (found, answer) = self.send(Method::POST, path, body).await;
        assert_eq!(found.as_u16(), status, "{path}: {answer}");
        answer
    }

    /// Asks with GET and expects this error.
    pub(crate) async fn refused(&self, path: &str, status: u16, code: &str) -> Value {
        let (found, body) = self.get(path).await;
        assert_eq!((found.as_u16(), body["code"].as_str()), (status, Some(code)), "{path}: {body}");
        body
    }
}

/// A request without a body.
pub(crate) fn request(method: Method, path: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).body(Body::empty()).expect("is a request")
}

/// Runs a test on each database there is; `name` makes its tenant.
pub(crate) async fn on_each_database(name: &str, test: impl AsyncFn(Client)) {
    let tenant = TenantId::new(name).expect("is a tenant");
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let sqlite = SqliteStore::open(&folder.path().join("ordain.db")).await.expect("opens");
    test(Client::new(Arc::new(sqlite), tenant.clone())).await;
    if let Some(url) = postgres_database().await {
        let postgres = PostgresStore::open(url).await.expect("opens");
        test(Client::new(Arc::new(postgres.clone()), tenant)).await;
        postgres.close().await;
    }
}

/// One database for this run of the tests.
async fn postgres_database() -> Option<&'static str> {
    static DATABASE: OnceCell<Option<String>> = OnceCell::const_new();
    let create = async || {
        let server = PgConnectOptions::from_str(&std::env::var("ORDAIN_TEST_POSTGRES_URL").ok()?)
            .expect("ORDAIN_TEST_POSTGRES_URL is a URL");
        let name = format!("ordain_test_http_{}", std::process::id());
        let mut connection = server.connect().await.expect("ORDAIN_TEST_POSTGRES_URL can be reached");
        for statement in
            [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")]
        {
            connection.execute(AssertSqlSafe(statement)).await.expect("databases may be created");
        }
        let url = server.database(&name).to_url_lossy().to_string();
        // Before the tests open it side by side.
        PostgresStore::open(&url).await.expect("opens").close().await;
        Some(url)
    };
    DATABASE.get_or_init(create).await.as_deref()
}

/// The `name`s of a list's items.
pub(crate) fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().expect("is a list").iter().filter_map(|item| item["name"].as_str()).collect()
}
