//! How long each panel takes with many violations stored:
//!
//! ```sh
//! cargo run --release -p ordain-runtime --example panels -- sqlite:///tmp/panels.db 1000000
//! ```
//!
//! The database, SQLite or PostgreSQL, is filled with so many violations of the last 720 hours, of every class, unless
//! it holds some already. Then every panel is asked 200 times, one request after the other.

#![expect(clippy::print_stdout, reason = "a measurement tells what it measured")]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use ordain_ir::{Bundle, DependencyGraph, Policies, PolicyName, PolicyRef, Report, Source};
use ordain_runtime::{
    AccessMode, App, AppOptions, CompileError, Compiled, Gate, GateError, Limits, PANELS, TenantId, Trust,
};
use ordain_store::conformance::fixtures::{at, varied, violation};
use ordain_store::{
    ManualClock, PageRequest, SeededRandom, Store, Violation, ViolationFilter, ViolationKind,
    ViolationPageRequest, ViolationSeverity, ViolationSource, ViolationType,
};
use ordain_store_postgres::PostgresStore;
use ordain_store_sqlite::SqliteStore;
use tower::ServiceExt;

/// Nothing is judged here.
struct Nobody;

impl Gate for Nobody {
    fn check(&self, _: &Bundle) -> Result<Report, GateError> {
        Err(GateError("nothing is judged here".to_owned()))
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
    "more than the limit allows".clone_into(&mut made.description);
    made
}

async fn open(url: &str) -> Result<Arc<dyn Store>, Box<dyn Error>> {
    Ok(match url.strip_prefix("sqlite://") {
        Some(file) => Arc::new(SqliteStore::open(file.as_ref()).await?),
        None => Arc::new(PostgresStore::open(url).await?),
    })
}

async fn fill(store: &dyn Store, tenant: &TenantId, many: u64) -> Result<(), Box<dyn Error>> {
    let everything = ViolationFilter { include_synthetic: true, ..ViolationFilter::since(at(-800 * 3600)) };
    let first = ViolationPageRequest { page: PageRequest::new(1, 0), after: None };
    let there = store.violations(tenant, &everything, first).await?.total;
    if there > 0 {
        println!("{there} violations are there already");
        return Ok(());
    }
    store.activate_bundle(tenant, varied().activation(at(0))).await?;
    let begun = Instant::now();
    for start in (0..many).step_by(1_000) {
        let batch: Vec<_> = (start..many.min(start + 1_000)).map(|i| drawn(i, many)).collect();
        store.record_violations(tenant, &batch).await?;
    }
    println!("{many} violations recorded in {:.1} s", begun.elapsed().as_secs_f64());
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("name a database: sqlite://FILE or postgres://…")?;
    let many: u64 = arguments.next().map_or(Ok(1_000_000), |many| many.parse())?;
    let tenant = TenantId::new("panels")?;
    let store = open(&url).await?;
    fill(&*store, &tenant, many).await?;
    let options = AppOptions {
        store,
        gate: Arc::new(Nobody),
        clock: Arc::new(ManualClock::new(at(0))),
        random: Arc::new(SeededRandom::new(1)),
        access: AccessMode::Dev(tenant),
        people: None,
        limits: Limits::default(),
        trust: Trust::default(),
    };
    let router = App::new(options).router();
    let takes_hours = |request: &str| request.contains("/violations") || request.ends_with("/metrics");
    let widest = PANELS.iter().filter(|panel| takes_hours(panel.request)).map(|panel| {
        let join = if panel.request.contains('?') { '&' } else { '?' };
        (format!("{} (720 h)", panel.id), format!("{}{join}hours=720", panel.request))
    });
    let all = PANELS.iter().map(|panel| (panel.id.to_owned(), panel.request.to_owned()));
    println!("{:<24} {:>9} {:>9}", "panel", "p50 ms", "p99 ms");
    for (name, request) in all.chain(widest) {
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
        println!("{name:<24} {:>9.2} {:>9.2}", taken[100], taken[198]);
    }
    Ok(())
}
