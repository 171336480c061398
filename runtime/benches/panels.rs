//! How long each panel takes with many violations stored: `cargo xtask bench panels`, or
//! `cargo bench -p ordain-runtime --bench panels -- 1000000`.
//!
//! A fresh database, SQLite and, where `ORDAIN_TEST_POSTGRES_URL` is set, PostgreSQL, is filled with so many violations of
//! the last 720 hours, of every class; every fourth is of one rule. Then every panel is asked 200 times, one request after
//! the other, without a network between, and so is everything else that reads violations.

#![expect(clippy::print_stdout, reason = "a measurement tells what it measured")]

#[path = "../tests/support/trusting.rs"]
mod trusting;

use std::error::Error;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use ordain_ir::PolicyId;
use ordain_runtime::{AccessMode, App, AppOptions, Limits, PANELS, PanelOptions, TenantId, Trust};
use ordain_store::conformance::fixtures::{at, varied, violation};
use ordain_store::{
    ManualClock, SeededRandom, Store, ViolatedPolicy, Violation, ViolationKind, ViolationSeverity,
    ViolationSource, ViolationType,
};
use ordain_store_postgres::PostgresStore;
use ordain_store_sqlite::SqliteStore;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};
use tower::ServiceExt;
use trusting::Trusting;

/// A rule that is often not kept, and a limit that seldom isn't.
const OFTEN: &str = "acme.r-00";
const SELDOM: &str = "acme.l-00";

fn policy(name: &str) -> PolicyId {
    PolicyId::of(&name.into())
}

/// The `i`th of so many, spread over 720 hours; the classes are drawn by a multiplicative hash of `i`.
fn drawn(i: u64, many: u64) -> Violation {
    let mut hash = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut draw = |bound: usize| {
        hash ^= hash >> 29;
        hash = hash.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from(hash >> 40).unwrap_or(0) % bound
    };
    let seconds = i64::try_from(i * 720 * 3600 / many).unwrap_or(0);
    let mut made = violation(u128::from(i) + 1, at(-seconds));
    made.violation_type = ViolationType::ALL[draw(6)];
    made.source = ViolationSource::ALL[draw(4)];
    made.violation_kind = ViolationKind::ALL[if draw(20) == 0 { 1 + draw(2) } else { 0 }];
    let thousandths = i64::try_from(draw(1001)).unwrap_or(0);
    made.severity = ViolationSeverity::from_thousandths(thousandths).unwrap_or_default();
    made.is_synthetic = made.source == ViolationSource::Sim;
    let name = [OFTEN, SELDOM][usize::from(draw(1000) == 0)];
    made.policy = (draw(4) == 0).then(|| ViolatedPolicy { id: policy(name), name: name.to_owned() });
    "more than the limit allows".clone_into(&mut made.description);
    made
}

/// A fresh database, of a user whom row-level security binds.
async fn postgres() -> Result<Option<Arc<dyn Store>>, Box<dyn Error>> {
    let Ok(url) = std::env::var("ORDAIN_TEST_POSTGRES_URL") else { return Ok(None) };
    let server = PgConnectOptions::from_str(&url)?;
    let mut connection = server.connect().await?;
    for statement in [
        "DROP DATABASE IF EXISTS ordain_panels WITH (FORCE)",
        "DROP ROLE IF EXISTS ordain_panels",
        "CREATE ROLE ordain_panels LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD 'ordain_panels'",
        "CREATE DATABASE ordain_panels OWNER ordain_panels",
    ] {
        connection.execute(AssertSqlSafe(statement.to_owned())).await?;
    }
    let own = server.database("ordain_panels").username("ordain_panels").password("ordain_panels");
    Ok(Some(Arc::new(PostgresStore::open(own.to_url_lossy().as_str()).await?)))
}

async fn fill(store: &dyn Store, tenant: &TenantId, many: u64) -> Result<(), Box<dyn Error>> {
    store.activate_bundle(tenant, varied().activation(at(0))).await?;
    let begun = Instant::now();
    for start in (0..many).step_by(1_000) {
        let batch: Vec<_> = (start..many.min(start + 1_000)).map(|i| drawn(i, many)).collect();
        store.record_violations(tenant, &batch).await?;
    }
    println!("{many} violations recorded in {:.1} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// What to ask, by name: every panel, those about violations also as far back as they go, and what else reads violations.
fn requests() -> Vec<(String, String)> {
    let wide = |(name, request): (String, String)| {
        let join = if request.contains('?') { '&' } else { '?' };
        (format!("{name} (720 h)"), format!("{request}{join}hours=720"))
    };
    let list = "/api/v1/policies/violations";
    let evidence = |kind, name| format!("/api/v1/policies/{kind}/{}/evidence", policy(name));
    let others = [
        ("severity_min=0.8", format!("{list}?severity_min=0.8")),
        ("severity_min=0.85, of cost", format!("{list}?severity_min=0.85&violation_type=cost")),
        ("violation_type=cost", format!("{list}?violation_type=cost")),
        ("offset=10000", format!("{list}?offset=10000&limit=100")),
        ("a rule's evidence", evidence("rules", OFTEN)),
        ("a limit's evidence", evidence("limits", SELDOM)),
    ];
    let named = |name: &str, request: String| (name.to_owned(), request);
    let all: Vec<_> = PANELS.iter().map(|panel| named(&panel.id, panel.request.clone())).collect();
    let takes_hours = |request: &str| request.contains("/violations") || request.ends_with("/metrics");
    let widest = all.iter().filter(|(_, request)| takes_hours(request)).cloned().map(wide).collect();
    let others: Vec<_> = others.into_iter().map(|(name, request)| named(name, request)).collect();
    let further = others.iter().cloned().map(wide).collect();
    [all, widest, others, further].concat()
}

/// Asks everything, and tells which panel was the slowest.
async fn measure(store: Arc<dyn Store>, tenant: TenantId) -> Result<String, Box<dyn Error>> {
    let options = AppOptions {
        store,
        gate: Arc::new(Trusting),
        clock: Arc::new(ManualClock::new(at(0))),
        random: Arc::new(SeededRandom::new(1)),
        access: AccessMode::Dev(tenant),
        people: None,
        limits: Limits::default(),
        panels: PanelOptions::default(),
        trust: Trust::default(),
    };
    let router = App::new(options).router();
    println!("{:<36} {:>9} {:>9}", "", "p50 ms", "p99 ms");
    let mut worst = (0.0, String::new());
    for (name, request) in requests() {
        let mut taken = vec![];
        for _ in 0..200 {
            let begun = Instant::now();
            let response = router.clone().oneshot(Request::get(&request).body(Body::empty())?).await?;
            let status = response.status();
            to_bytes(response.into_body(), usize::MAX).await?;
            taken.push(begun.elapsed().as_secs_f64() * 1e3);
            if !status.is_success() {
                return Err(format!("{request}: {status}").into());
            }
        }
        taken.sort_by(f64::total_cmp);
        println!("{name:<36} {:>9.2} {:>9.2}", taken[100], taken[198]);
        if name.starts_with("POL-") && taken[198] > worst.0 {
            worst = (taken[198], name);
        }
    }
    Ok(format!("the slowest panel is {}, p99 {:.1} ms", worst.1, worst.0))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let many = std::env::args().skip(1).find(|argument| argument != "--bench");
    let many: u64 = many.map_or(Ok(1_000_000), |many| many.parse())?;
    let tenant = TenantId::new("panels")?;
    let folder = tempfile::tempdir()?;
    let sqlite = SqliteStore::open(&folder.path().join("panels.db")).await?;
    let mut stores: Vec<(&str, Arc<dyn Store>)> = vec![("SQLite", Arc::new(sqlite))];
    stores.extend(postgres().await?.map(|store| ("PostgreSQL", store)));
    let mut summary = vec![];
    for (name, store) in stores {
        print!("{name}: ");
        fill(&*store, &tenant, many).await?;
        summary.push(format!("{name}: {}", measure(store, tenant.clone()).await?));
        println!();
    }
    println!("{}", summary.join("; "));
    Ok(())
}
