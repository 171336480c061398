//! What the log and the metrics say of panels (GOV-POL-003). A program of its own, since both are one for a whole process.

#[path = "support/listening.rs"]
mod listening;
#[path = "support/trusting.rs"]
mod trusting;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use listening::Log;
use ordain_runtime::{
    AccessMode, App, AppOptions, BundleFile, BundleService, LESSON_PANELS, Limits, PANELS, PanelOptions,
    ServeOptions, Server, Shutdown, TenantId, Trust,
};
use ordain_store::conformance::fixtures::{at, audit_example, violation};
use ordain_store::{ManualClock, SeededRandom, Store, ViolationStore};
use ordain_store_sqlite::SqliteStore;
use serde_json::{Value, json};
use tower::ServiceExt;
use trusting::Trusting;

fn app(store: &SqliteStore, clock: &Arc<ManualClock>) -> App {
    App::new(AppOptions {
        store: Arc::new(store.clone()),
        gate: Arc::new(Trusting),
        clock: clock.clone(),
        random: Arc::new(SeededRandom::new(2)),
        access: AccessMode::Dev(tenant("acme")),
        people: None,
        limits: Limits::default(),
        trust: Trust::default(),
        panels: PanelOptions::default(),
    })
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).expect("works")
}

async fn load(store: &SqliteStore, clock: &Arc<ManualClock>, name: &str) {
    let (store, random): (Arc<dyn Store>, _) = (Arc::new(store.clone()), Arc::new(SeededRandom::new(1)));
    let service = BundleService::new(store, Arc::new(Trusting), clock.clone(), random, Trust::default());
    service.load(&tenant(name), BundleFile::unsigned(audit_example().to_bytes().0)).await.expect("works");
}

/// What a metric says of a panel.
async fn metric(app: &App, name: &str, panel: &str) -> Option<String> {
    let request = Request::get("/metrics").body(Body::empty()).expect("works");
    let body = app.router().oneshot(request).await.expect("works").into_body();
    let text = String::from_utf8(to_bytes(body, 1 << 20).await.expect("works").to_vec()).expect("works");
    let begin = format!("{name}{{panel_id=\"{panel}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&begin)).map(ToOwned::to_owned)
}

/// The events of this name, with their level.
fn named<'a>(events: &'a [Value], name: &str, level: &str) -> Vec<&'a Value> {
    let all: Vec<_> = events.iter().filter(|event| event["fields"]["message"] == name).collect();
    assert!(all.iter().all(|event| event["level"] == level), "{all:?}");
    all.into_iter().map(|event| &event["fields"]).collect()
}

#[tokio::test]
async fn what_is_found_is_told() {
    let log = Log::listen();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ordain.db");
    let (store, clock) = (SqliteStore::open(&file).await.unwrap(), Arc::new(ManualClock::new(at(0))));
    load(&store, &clock, "acme").await;
    store.record_violations(&tenant("idle"), &[violation(1, at(0))]).await.unwrap();
    let app = app(&store, &clock);
    let monitor = app.panel_monitor();
    log.heard();

    monitor.check().await;
    let heard = log.heard();
    let check = named(&heard, "GOV-POL-003_PANEL_INVARIANT_CHECK", "INFO");
    assert_eq!(check.len(), 1, "{heard:?}");
    let both = json!(2 * (PANELS.len() + LESSON_PANELS.len()));
    assert_eq!(
        (&check[0]["tenants"], &check[0]["panels"], &check[0]["unhealthy"]),
        (&json!(2), &both, &json!(0))
    );
    assert_eq!(named(&heard, "GOV-POL-003_PANEL_UNHEALTHY", "WARN").len(), 0);
    assert_eq!(metric(&app, "panel_health_status", "POL-GOV-ACT-O4").await.as_deref(), Some("1"));

    for (seconds, new) in [(3700, true), (4000, false)] {
        clock.set(at(seconds));
        monitor.check().await;
        let heard = log.heard();
        let told: Vec<_> = named(&heard, "GOV-POL-003_PANEL_UNHEALTHY", "WARN")
            .into_iter()
            .map(|fields| (fields["tenant"].as_str().unwrap(), fields["panel_id"].as_str().unwrap(), fields))
            .collect();
        let ids: Vec<_> = told.iter().map(|(tenant, panel, _)| (*tenant, *panel)).collect();
        let (state, metrics) = ("POL-GOV-ACT-O4", "POL-GOV-ACT-O5");
        assert_eq!(ids, [("acme", metrics), ("idle", state), ("idle", metrics)], "{seconds}");
        for (_, _, fields) in told {
            assert_eq!((&fields["alert"], &fields["severity"]), (&json!("EMPTY_PANEL"), &json!("WARNING")));
            assert_eq!((&fields["new"], &fields["rows"]), (&json!(new), &json!(0)));
            assert_eq!(fields["since"], "2026-03-02T11:01:40Z");
            assert_eq!(fields["below_since"], "2026-03-02T10:00:00Z");
        }
        let check = named(&heard, "GOV-POL-003_PANEL_INVARIANT_CHECK", "INFO");
        let raised = if new { 3 } else { 0 };
        assert_eq!((&check[0]["unhealthy"], &check[0]["raised"]), (&json!(3), &json!(raised)));
        assert_eq!(metric(&app, "panel_health_status", state).await.as_deref(), Some("0"), "for one of both");
        assert_eq!(metric(&app, "panel_health_status", "POL-LIM-VIO-O1").await.as_deref(), Some("1"));
        assert_eq!(metric(&app, "panel_empty_total", metrics).await.as_deref(), Some("2"), "each once");
        assert_eq!(metric(&app, "panel_empty_total", state).await.as_deref(), Some("1"));
    }

    load(&store, &clock, "idle").await;
    clock.set(at(4300));
    monitor.check().await;
    assert_eq!(metric(&app, "panel_health_status", "POL-GOV-ACT-O4").await.as_deref(), Some("1"), "for both");
    log.heard();

    // Without a database nothing is known, and nothing is said of any panel.
    store.close().await;
    clock.set(at(4600));
    monitor.check().await;
    let heard = log.heard();
    let errors = named(&heard, "GOV-POL-003_PANEL_CHECK_ERROR", "WARN");
    assert_eq!(errors.len(), 1, "{heard:?}");
    assert!(errors[0]["reason"].as_str().unwrap().starts_with("the database does not answer"), "{heard:?}");
    assert_eq!(named(&heard, "GOV-POL-003_PANEL_UNHEALTHY", "WARN").len(), 0);

    a_server_says_that_it_has_begun(&log, &file).await;
}

async fn a_server_says_that_it_has_begun(log: &Log, file: &Path) {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = Server::bind(ServeOptions {
        listen: "127.0.0.1:0".parse().expect("works"),
        database_url: format!("sqlite://{}", file.display()),
        bundle: None,
        trust: Trust::default(),
        tenant: "acme".to_owned(),
        dev: true,
        watch: None,
        gate: Arc::new(Trusting),
        clock: Arc::new(ManualClock::new(at(4900))),
        random: Arc::new(SeededRandom::new(3)),
        tls: None,
        people: None,
        limits: Limits::default(),
        panels: PanelOptions::default(),
        shutdown: Shutdown::default(),
        stop: Box::pin(async move {
            let _ = stopped.await;
        }),
    });
    let running = tokio::spawn(server.await.expect("works").run());
    let mut heard = vec![];
    for _ in 0..500 {
        heard.extend(log.heard());
        if !named(&heard, "GOV-POL-003_PANEL_INVARIANT_CHECK", "INFO").is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(named(&heard, "GOV-POL-003_panel_invariant_scheduler_started", "INFO").len(), 1, "{heard:?}");
    assert_eq!(named(&heard, "GOV-POL-003_PANEL_INVARIANT_CHECK", "INFO").len(), 1, "{heard:?}");
    stop.send(()).expect("works");
    running.await.expect("works").expect("works");
}
