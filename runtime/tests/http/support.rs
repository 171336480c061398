//! An application over each database, with hand-made bundles.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use jiff::Timestamp;
use ordain_ir::signature::PublicKey;
use ordain_ir::{Bundle, DependencyGraph, Policies, PolicyName, PolicyRef, Report, Source};
use ordain_runtime::{
    AccessMode, ApiKeyService, App, AppOptions, BundleFile, BundleService, CompileError, Compiled, Gate,
    GateError, Limits, LoadError, NewApiKey, Oidc, PanelMonitor, PanelOptions, Principal, PrincipalKind,
    Role, TenantId, Trust,
};
use ordain_store::conformance::fixtures::at;
use ordain_store::{BundleRecord, Clock, SeededRandom, Store};
use ordain_store_postgres::PostgresStore;
use ordain_store_sqlite::SqliteStore;
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use tokio::sync::OnceCell;
use tower::ServiceExt;

use crate::workshop::Workshop;

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

    fn evidence(&self, _: &Bundle) -> Result<(), String> {
        Ok(())
    }

    fn compile(&self, active: Option<&Bundle>, text: &str, source: Source) -> Result<Compiled, CompileError> {
        Workshop.compile(active, text, source)
    }

    fn dependencies(&self, policies: &Policies) -> DependencyGraph {
        Workshop.dependencies(policies)
    }

    fn dependents(&self, graph: &DependencyGraph, policy: &PolicyName) -> Vec<PolicyRef> {
        Workshop.dependents(graph, policy)
    }
}

/// A store, the tenant whose it is for a test, and the API.
pub(crate) struct Client {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tenant: TenantId,
    router: Router,
    key: Option<String>,
    people: Option<Oidc>,
}

/// Chance that no other app of this run has.
fn chance() -> SeededRandom {
    static SEED: AtomicU64 = AtomicU64::new(1 << 32);
    SeededRandom::new(SEED.fetch_add(1 << 32, Ordering::Relaxed) ^ u64::from(std::process::id()))
}

fn app(store: &Arc<dyn Store>, access: AccessMode, people: Option<Oidc>) -> App {
    app_by(Arc::new(Stopped(at(3600))), store, access, people, Trust::default())
}

fn app_by(
    clock: Arc<dyn Clock>,
    store: &Arc<dyn Store>,
    access: AccessMode,
    people: Option<Oidc>,
    trust: Trust,
) -> App {
    let (random, gate) = (Arc::new(chance()), Arc::new(Workshop));
    App::new(AppOptions {
        store: Arc::clone(store),
        gate,
        clock,
        random,
        access,
        people,
        limits: Limits::default(),
        panels: PanelOptions::default(),
        trust,
    })
}

impl Client {
    pub(crate) fn new(store: Arc<dyn Store>, tenant: TenantId) -> Self {
        let router = app(&store, AccessMode::Dev(tenant.clone()), None).router();
        Self { store, tenant, router, key: None, people: None }
    }

    /// The same store behind a server that goes by this clock.
    pub(crate) fn by(&self, clock: Arc<dyn Clock>) -> Self {
        let (store, tenant) = (Arc::clone(&self.store), self.tenant.clone());
        let router = app_by(clock, &store, AccessMode::Dev(tenant.clone()), None, Trust::default()).router();
        Self { store, tenant, router, key: None, people: None }
    }

    /// The same, with the same key, behind a server that takes only what one of these keys has signed.
    pub(crate) fn trusting(&self, keys: &[PublicKey]) -> Self {
        let (store, tenant, clock) =
            (Arc::clone(&self.store), self.tenant.clone(), Arc::new(Stopped(at(3600))));
        let access = if self.key.is_some() { AccessMode::Keys } else { AccessMode::Dev(self.tenant.clone()) };
        let router = app_by(clock, &store, access, None, Trust::new(keys.iter().copied())).router();
        Self { store, tenant, router, key: self.key.clone(), people: None }
    }

    /// The same store behind a server that asks for keys; this client has none.
    pub(crate) fn without_key(&self) -> Self {
        let (store, tenant) = (Arc::clone(&self.store), self.tenant.clone());
        let router = app(&store, AccessMode::Keys, self.people.clone()).router();
        Self { store, tenant, router, key: None, people: self.people.clone() }
    }

    /// The same store behind servers that believe this issuer.
    pub(crate) fn believing(&self, people: Oidc) -> Self {
        Self { people: Some(people), ..self.without_key() }.without_key()
    }

    /// The same with a key of a person of this tenant with these roles.
    pub(crate) async fn with_key(&self, tenant: &TenantId, name: &str, roles: &[Role]) -> Self {
        self.with_new_key(tenant, PrincipalKind::Human, name, roles).await
    }

    /// The same with a key of whatever kind of principal.
    pub(crate) async fn with_new_key(
        &self,
        tenant: &TenantId,
        kind: PrincipalKind,
        name: &str,
        roles: &[Role],
    ) -> Self {
        let new = NewApiKey {
            principal: Principal::new(kind, name).expect("is a name"),
            roles: roles.iter().copied().collect(),
            lifetime: None,
        };
        let (key, _) = self.keys().create(tenant, new).await.expect("creates");
        Self { key: Some(key.reveal().to_owned()), tenant: tenant.clone(), ..self.without_key() }
    }

    /// The same with this in its header.
    pub(crate) fn presenting(&self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self.without_key() }
    }

    /// What looks at panels, of a server of its own on the same store that goes by this clock.
    pub(crate) fn panel_monitor(&self, clock: Arc<dyn Clock>, panels: PanelOptions) -> PanelMonitor {
        let (store, random) = (Arc::clone(&self.store), Arc::new(chance()));
        let (access, limits) = (AccessMode::Keys, Limits::default());
        let (gate, trust) = (Arc::new(Workshop), Trust::default());
        let options = AppOptions { store, gate, clock, random, access, people: None, limits, trust, panels };
        App::new(options).panel_monitor()
    }

    /// What makes keys.
    pub(crate) fn keys(&self) -> ApiKeyService {
        let random = chance();
        ApiKeyService::new(Arc::clone(&self.store), Arc::new(Stopped(at(3600))), Arc::new(random))
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
        let random = Arc::new(chance());
        let bundles =
            BundleService::new(Arc::clone(&self.store), Arc::new(gate), clock, random, Trust::default());
        bundles.load(&self.tenant, BundleFile::unsigned(bytes)).await
    }

    /// Asks, and expects JSON of the media type that goes with the status.
    pub(crate) async fn request(&self, mut request: Request<Body>) -> (StatusCode, Value) {
        if let Some(key) = &self.key {
            let value = format!("Bearer {key}").parse().expect("is a header");
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let shown = format!("{} {}", request.method(), request.uri());
        let request_path = request.uri().path().to_owned();
        let response = self.router.clone().oneshot(request).await.expect("the router never fails");
        let status = response.status();
        let text = request_path == "/metrics" && status.is_success();
        let wanted = match status.is_success() {
            true if text => "text/plain; version=0.0.4; charset=utf-8",
            true => "application/json",
            false => "application/problem+json",
        };
        assert_eq!(response.headers()[header::CONTENT_TYPE], wanted, "{shown} -> {status}");
        assert!(response.headers().contains_key("x-request-id"), "{shown}");
        let body = to_bytes(response.into_body(), 1 << 24).await.expect("the body is there");
        if text {
            return (status, String::from_utf8(body.to_vec()).expect("is text").into());
        }
        (status, serde_json::from_slice(&body).expect("the body is JSON"))
    }

    /// Asks, for those who look at more than the body.
    pub(crate) async fn raw(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.expect("the router never fails")
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
pub(crate) async fn postgres_database() -> Option<&'static str> {
    static DATABASE: OnceCell<Option<String>> = OnceCell::const_new();
    DATABASE.get_or_init(async || new_postgres_database("http").await).await.as_deref()
}

/// A database on the server of the tests, with its tables, for whoever calls it by this name.
pub(crate) async fn new_postgres_database(name: &str) -> Option<String> {
    let server = PgConnectOptions::from_str(&std::env::var("ORDAIN_TEST_POSTGRES_URL").ok()?)
        .expect("ORDAIN_TEST_POSTGRES_URL is a URL");
    let name = format!("ordain_test_{name}_{}", std::process::id());
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
}

/// The `name`s of a list's items.
pub(crate) fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().expect("is a list").iter().filter_map(|item| item["name"].as_str()).collect()
}
