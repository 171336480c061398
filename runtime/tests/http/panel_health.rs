//! The monitor of panels (GOV-POL-003): what it finds of every tenant, what it keeps, and when it tells.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use ordain_runtime::{
    LESSON_PANELS, PANELS, PanelOptions, PanelRegistry, Role, ServeOptions, Server, TenantId,
};
use ordain_store::conformance::fixtures::{at, violation};
use ordain_store::{Clock, EvaluationTally, ManualClock};
use ordain_store_postgres::PostgresStore;
use ordain_store_sqlite::SqliteStore;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

use crate::server::{exchange, options};
use crate::support::{Client, new_postgres_database};

const HEALTH: &str = "/api/v1/panels/health";

/// The test on a database of its own of each kind: a monitor looks at whatever tenants there are.
async fn on_its_own_databases(name: &str, test: impl AsyncFn(Client)) {
    let tenant = TenantId::new(name).expect("is a tenant");
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let sqlite = SqliteStore::open(&folder.path().join("ordain.db")).await.expect("opens");
    test(Client::new(Arc::new(sqlite), tenant.clone())).await;
    if let Some(url) = new_postgres_database(&name.replace('-', "_")).await {
        let postgres = PostgresStore::open(&url).await.expect("opens");
        test(Client::new(Arc::new(postgres.clone()), tenant)).await;
        postgres.close().await;
    }
}

/// What an operator says in a file.
fn expecting(text: &str) -> PanelOptions {
    let registry = Arc::new(PanelRegistry::read(text).expect("is a registry"));
    PanelOptions { registry, ..PanelOptions::default() }
}

fn clock(seconds: i64) -> Arc<ManualClock> {
    Arc::new(ManualClock::new(at(seconds)))
}

/// How the monitor found a panel.
async fn monitored(client: &Client, panel: &str) -> Value {
    let all = client.ok(HEALTH).await;
    let of = |item: &&Value| item["panel_id"] == panel;
    let item = all["items"].as_array().expect("is a list").iter().find(of).expect("is there").clone();
    let view = client.ok(&format!("/api/v1/panels/{panel}")).await;
    assert_eq!(view["health"]["monitored"], item["monitored"], "said in both places");
    assert_eq!(view["health"]["expected"], item["expected"]);
    item["monitored"].clone()
}

/// How often the alert of an empty panel has come on in this process.
async fn times_empty(client: &Client, panel: &str) -> u64 {
    let text = client.ok("/metrics").await;
    let line = format!("panel_empty_total{{panel_id=\"{panel}\"}} ");
    let found = text.as_str().expect("is text").lines().find_map(|found| found.strip_prefix(&line));
    found.map_or(0, |number| number.parse().expect("is a number"))
}

#[tokio::test]
async fn a_panel_that_stays_empty_is_told_after_an_hour_and_no_answer_is_held_up() {
    on_its_own_databases("health-empty", async |client| {
        client.store.record_violations(&client.tenant, &[violation(1, at(0))]).await.expect("records");
        let all = client.ok(HEALTH).await;
        assert_eq!((&all["total"], &all["unhealthy"], &all["interval_seconds"]), (&json!(27), &json!(0), &json!(300)));
        assert!(all["items"].as_array().expect("is a list").iter().all(|item| item["monitored"].is_null()));
        let clock = clock(0);
        let monitor = client.panel_monitor(clock.clone(), PanelOptions::default());
        // At 3601 somebody has looked a second ago, so nobody looks again.
        for (seconds, on) in [(0, false), (3600, false), (3601, false), (3800, true)] {
            clock.set(at(seconds));
            monitor.check().await;
            let found = monitored(&client, "POL-GOV-ACT-O5").await;
            assert_eq!((&found["status"], &found["rows"]), (&json!("EMPTY"), &json!(0)));
            assert_eq!(found["below_since"], "2026-03-02T10:00:00Z");
            let alert = json!({
                "alert_type": "EMPTY_PANEL", "severity": "WARNING", "since": "2026-03-02T11:03:20Z"
            });
            assert_eq!(found["alert"], if on { alert } else { Value::Null }, "{seconds}");
            // Nobody is told of panels that may be empty.
            let rules = monitored(&client, "POL-GOV-LIB-O1").await;
            assert_eq!((&rules["status"], &rules["alert"]), (&json!("EMPTY"), &Value::Null));
        }
        let all = client.ok(HEALTH).await;
        assert_eq!(all["unhealthy"], 2, "state and metrics: {all}");
        let violations = monitored(&client, "POL-LIM-VIO-O1").await;
        assert_eq!(
            violations,
            json!({
                "status": "HEALTHY", "rows": 1, "newest_at": "2026-03-02T10:00:00Z", "below_since": null,
                "alert": null, "first_checked_at": "2026-03-02T10:00:00Z", "checked_at": "2026-03-02T11:03:20Z"
            })
        );
        client.ok("/api/v1/policies/metrics").await;
    })
    .await;
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    on_its_own_databases("health-restart", async |client| {
        client.store.record_violations(&client.tenant, &[violation(1, at(0))]).await.expect("records");
        for seconds in [0, 1800, 3500] {
            client.panel_monitor(clock(seconds), PanelOptions::default()).check().await;
        }
        assert_eq!(monitored(&client, "POL-GOV-ACT-O4").await["alert"], Value::Null);
        client.panel_monitor(clock(4000), PanelOptions::default()).check().await;
        let found = monitored(&client, "POL-GOV-ACT-O4").await;
        assert_eq!(found["alert"]["since"], "2026-03-02T11:06:40Z");
        assert_eq!(
            (&found["below_since"], &found["first_checked_at"]),
            (&json!("2026-03-02T10:00:00Z"), &json!("2026-03-02T10:00:00Z"))
        );
        client.panel_monitor(clock(9000), PanelOptions::default()).check().await;
        assert_eq!(monitored(&client, "POL-GOV-ACT-O4").await["alert"], found["alert"], "the same one");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_servers_one_tells() {
    // No other test tells of this panel.
    const PANEL: &str = "POL-LIM-THR-O1";
    let expecting = expecting(&format!("panels:\n  {PANEL}: {{ alert_enabled: true }}\n"));
    on_its_own_databases("health-servers", async |client| {
        client.store.record_violations(&client.tenant, &[violation(1, at(0))]).await.expect("records");
        let before = times_empty(&client, PANEL).await;
        let clock = clock(0);
        let monitors: Vec<_> =
            (0..3).map(|_| Arc::new(client.panel_monitor(clock.clone(), expecting.clone()))).collect();
        for seconds in (0..6 * 3600).step_by(600) {
            clock.set(at(seconds));
            let looks: Vec<_> = monitors
                .iter()
                .map(|monitor| {
                    let monitor = Arc::clone(monitor);
                    tokio::spawn(async move { monitor.check().await })
                })
                .collect();
            for look in looks {
                look.await.expect("ends");
            }
        }
        let known = client.store.panel_health(&client.tenant).await.expect("tells");
        let known = known.iter().find(|health| health.panel_id == PANEL).expect("is there");
        assert!(known.alert.is_some(), "{known:?}");
        assert_eq!(times_empty(&client, PANEL).await - before, 1);
    })
    .await;
}

#[tokio::test]
async fn each_tenant_sees_its_own_and_those_who_never_ask_are_looked_at_too() {
    on_its_own_databases("health-tenants", async |client| {
        let silent = TenantId::new("health-tenants-silent").expect("is a tenant");
        let other = client.without_key().with_key(&silent, "ada", &[Role::Viewer]).await;
        let mine = client.without_key().with_key(&client.tenant, "eve", &[Role::Viewer]).await;
        let caps = [ordain_store::conformance::fixtures::limit("cap", "RUNS_DAILY", 1)];
        let bundle = ordain_store::conformance::fixtures::bundle(
            ordain_store::conformance::fixtures::policies([], caps),
            vec![],
            vec![],
        );
        client.load(&bundle, 0).await.expect("loads");
        for seconds in [0, 3601] {
            client.panel_monitor(clock(seconds), PanelOptions::default()).check().await;
        }
        let (found, theirs) =
            (monitored(&mine, "POL-GOV-ACT-O4").await, monitored(&other, "POL-GOV-ACT-O4").await);
        assert_eq!((&found["status"], &found["rows"]), (&json!("HEALTHY"), &json!(1)));
        assert_eq!((&theirs["status"], &theirs["rows"]), (&json!("EMPTY"), &json!(0)));
        assert_eq!(theirs["alert"]["alert_type"], "EMPTY_PANEL");
        let nobody = client.other_tenant();
        let all = nobody.ok(HEALTH).await;
        assert!(all["items"].as_array().expect("is a list").iter().all(|item| item["monitored"].is_null()));
        client.without_key().refused(HEALTH, 401, "unauthenticated").await;
        mine.refused(&format!("{HEALTH}?status=EMPTY"), 400, "unknown_parameter").await;
    })
    .await;
}

/// Where nothing is decided, nothing would have been learned.
#[tokio::test]
async fn lessons_are_missed_only_where_something_happens() {
    const PANEL: &str = "POL-GOV-LES-O1";
    const HOUR: i64 = 3600;
    on_its_own_databases("health-lessons", async |client| {
        client.store.record_violations(&client.tenant, &[violation(1, at(0))]).await.expect("records");
        let look = async |hours: i64| {
            client.panel_monitor(clock(hours * HOUR), PanelOptions::default()).check().await;
            monitored(&client, PANEL).await
        };
        for hours in [0, 100] {
            let found = look(hours).await;
            assert_eq!((&found["status"], &found["rows"]), (&json!("EMPTY"), &json!(0)));
            assert_eq!((&found["below_since"], &found["alert"]), (&Value::Null, &Value::Null));
        }
        for (hours, on) in [(101, false), (149, false), (150, true)] {
            let tally = EvaluationTally {
                at: at((hours - 1) * HOUR),
                action: ordain_ir::Outcome::Allow,
                evaluations: 1,
                microseconds: 1,
            };
            client.store.record_evaluations(&client.tenant, &[tally]).await.expect("records");
            let found = look(hours).await;
            assert_eq!(
                found["alert"]["alert_type"],
                if on { json!("EMPTY_PANEL") } else { Value::Null },
                "{hours}"
            );
        }
        // Something is learned.
        let incident = json!({ "severity": "LOW", "title": "a tool failed" });
        client.by(clock(150 * HOUR)).post("/api/v1/incidents", &incident, 201).await;
        let found = look(151).await;
        assert_eq!(
            (&found["status"], &found["rows"], &found["alert"]),
            (&json!("HEALTHY"), &json!(1), &Value::Null)
        );
        assert_eq!(monitored(&client, "POL-GOV-LES-O2").await["rows"], 1);
    })
    .await;
}

/// A clock that is set back makes nobody wait for a future that never was, and raises nothing twice.
#[tokio::test]
async fn a_clock_that_is_set_back_raises_nothing_twice() {
    const PANEL: &str = "POL-LIM-THR-O5";
    let expecting = expecting(&format!("panels:\n  {PANEL}: {{ alert_enabled: true }}\n"));
    on_its_own_databases("health-clock", async |client| {
        client.store.record_violations(&client.tenant, &[violation(1, at(0))]).await.expect("records");
        let before = times_empty(&client, PANEL).await;
        let year = 365 * 86_400;
        for (seconds, on) in
            [(year, false), (0, false), (3600, false), (3601 + 300, true), (-year, true), (9000, true)]
        {
            client.panel_monitor(clock(seconds), expecting.clone()).check().await;
            let found = monitored(&client, PANEL).await;
            assert_eq!(found["alert"].is_object(), on, "{seconds}: {found}");
        }
        assert_eq!(times_empty(&client, PANEL).await - before, 1);
    })
    .await;
}

/// A server on a real port, its database, and its clock.
struct Whole {
    address: SocketAddr,
    url: String,
    clock: Arc<ManualClock>,
}

impl Whole {
    async fn ask(&self, method: &str, path: &str, body: &str) -> Value {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        let answer = exchange(self.address, &request).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect("has a body");
        assert!(head.starts_with("HTTP/1.1 2"), "{answer}");
        serde_json::from_str(body).unwrap_or_else(|_| body.into())
    }

    /// Waits until the server's own monitor has found this alert of a panel, or that there is none. Time passes on its clock too.
    async fn until(&self, panel: &str, alert: Option<(&str, &str)>) -> Value {
        let mut last = Value::Null;
        for _ in 0..600 {
            let all = self.ask("GET", HEALTH, "").await;
            let of = |item: &&Value| item["panel_id"] == panel;
            last =
                all["items"].as_array().expect("is a list").iter().find(of).expect("is there")["monitored"]
                    .clone();
            let on = last["alert"]["alert_type"].as_str().zip(last["alert"]["severity"].as_str());
            if last.is_object() && on == alert {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            self.pass(SignedDuration::from_millis(20));
        }
        panic!("{panel}: {alert:?} was wanted, and there is {last}");
    }

    fn pass(&self, time: SignedDuration) {
        self.clock.set(self.clock.now() + time);
    }

    /// Does something to the database behind the server's back.
    async fn behind(&self, statement: &str) {
        let statement = AssertSqlSafe(statement.to_owned());
        if self.url.starts_with("sqlite") {
            let mut raw = SqliteConnection::connect(&self.url).await.expect("is there");
            raw.execute(statement).await.expect("works");
        } else {
            let mut raw = PgConnection::connect(&self.url).await.expect("is there");
            raw.execute(statement).await.expect("works");
        }
    }
}

async fn all_alerts(folder: &tempfile::TempDir, url: String) {
    let (options, stop) = options(folder, "127.0.0.1:0");
    let clock = clock(0);
    let registry = "panels:\n  POL-LIM-VIO-O1: { alert_enabled: true, freshness_sla: 6h }\n";
    let panels = PanelOptions { interval: Duration::from_millis(20), ..expecting(registry) };
    let options = ServeOptions { database_url: url.clone(), clock: clock.clone(), panels, ..options };
    let server = Server::bind(options).await.expect("starts");
    let whole = Whole { address: server.local_addr().expect("listens"), url, clock };
    let running = tokio::spawn(server.run());
    let (empty, stale, broken) =
        (("EMPTY_PANEL", "WARNING"), ("STALE_PANEL", "WARNING"), ("FILTER_BREAK", "CRITICAL"));

    // Nothing is decided for more than an hour; then something is.
    whole.until("POL-GOV-ACT-O5", None).await;
    whole.pass(SignedDuration::from_secs(3601));
    whole.until("POL-GOV-ACT-O5", Some(empty)).await;
    whole.until("POL-GOV-ACT-O4", None).await;
    whole.until("POL-LIM-VIO-O1", Some(empty)).await;
    whole.ask("POST", "/api/v1/decisions", r#"{"path":"acme/p/a"}"#).await;
    let found = whole.until("POL-GOV-ACT-O5", None).await;
    assert_eq!((&found["status"], &found["rows"]), (&json!("HEALTHY"), &json!(1)), "{found}");

    // That was refused, and so a violation; now it gets old.
    let seen = r#"{"violation_type":"cost","source":"cost","severity":1}"#;
    whole.until("POL-LIM-VIO-O1", None).await;
    whole.pass(SignedDuration::from_secs(6 * 3600 + 1));
    let found = whole.until("POL-LIM-VIO-O1", Some(stale)).await;
    assert_eq!(found["status"], "STALE");
    assert!(found["newest_at"].as_str().expect("is known").starts_with("2026-03-02T11:0"), "{found}");
    whole.ask("POST", "/api/v1/violations", seen).await;
    whole.until("POL-LIM-VIO-O1", None).await;

    // A question that the database can't answer, though it answers others.
    whole.behind("ALTER TABLE policy_conflicts RENAME TO gone").await;
    let found = whole.until("POL-GOV-ACT-O4", Some(broken)).await;
    assert_eq!((&found["status"], &found["rows"]), (&json!("BROKEN"), &Value::Null));
    let metrics = whole.ask("GET", "/metrics", "").await;
    let metrics = metrics.as_str().expect("is text");
    assert!(metrics.contains("panel_filter_break_total{panel_id=\"POL-GOV-ACT-O4\"} "), "{metrics}");
    whole.behind("ALTER TABLE gone RENAME TO policy_conflicts").await;
    let found = whole.until("POL-GOV-ACT-O4", None).await;
    assert_eq!(found["status"], "HEALTHY");

    stop.send(()).expect("runs");
    running.await.expect("ends").expect("ends well");
}

#[tokio::test]
async fn a_server_raises_all_three_alerts_by_itself() {
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let sqlite = format!("sqlite://{}", folder.path().join("ordain.db").display());
    all_alerts(&folder, sqlite).await;
    if let Some(url) = new_postgres_database("health").await {
        all_alerts(&folder, url).await;
    }
}

/// Every panel has an answer that can be counted, with a time where one is expected.
#[tokio::test]
async fn no_panel_is_broken() {
    on_its_own_databases("health-whole", async |client| {
        crate::panels::seed(&client).await;
        client.panel_monitor(clock(3600), PanelOptions::default()).check().await;
        let all = client.ok(HEALTH).await;
        for item in all["items"].as_array().expect("is a list") {
            assert_eq!(item["monitored"]["status"], "HEALTHY", "{item}");
        }
        assert_eq!(all["total"], PANELS.len() + LESSON_PANELS.len());
    })
    .await;
}
