//! A database that fails under a running server: answers stay clear, whatever was acknowledged is there afterwards, what
//! wasn't counts for nothing or once, and all is well again without a restart.

#[path = "support/counting.rs"]
mod counting;
mod support;

use std::path::Path;
use std::str::FromStr as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use counting::{POLICIES, built, look, post};
use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};
use support::{Server, workspace};

const TENANT: &str = "faults";
/// How soon all is well again, on a machine that is busy.
const SOON: Duration = Duration::from_mins(1);

fn ask(name: &str) -> Value {
    json!({ "path": "acme/p/a", "usage": { "tokens": 3 }, "request_id": name })
}

/// Asks; whether it counted. Without the database what counts must be stopped, in a plain answer. Where the database has
/// come back just now, a decision counts though nobody had confirmed the bundle yet.
fn asked(server: &Server, name: &str) -> (bool, Value) {
    let (status, answer) = post(&server.address(), "/api/v1/decisions", &ask(name)).expect("it answers");
    assert_eq!(status, 200, "{answer}");
    let counted = answer["outcome"] == "ALLOW";
    assert!(counted || answer["outcome"] == "BLOCK" && answer["degraded"] == true, "{answer}");
    let values = answer["limits"].as_array().expect("the limits").iter().filter(|it| !it["value"].is_null());
    assert_eq!(values.count(), if counted { 2 } else { 0 }, "what is known was counted: {answer}");
    (counted, answer)
}

/// Hands a violation in; whether it was taken. If not, the answer says so.
fn handed_in(server: &Server) -> bool {
    let seen = json!({ "violation_type": "safety", "source": "guard", "severity": 0.5 });
    let (status, answer) = post(&server.address(), "/api/v1/violations", &seen).expect("it answers");
    assert!(status == 201 || status == 503 && answer["code"] == "store_unavailable", "{status}: {answer}");
    status == 201
}

fn violations(server: &Server) -> Option<u64> {
    let (status, answer) = server.get("/api/v1/policies/violations?limit=1&hours=1&source=guard");
    assert!(status == 200 || status == 503 && answer["code"] == "store_unavailable", "{status}: {answer}");
    answer["total"].as_u64()
}

/// Waits until this holds.
fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < SOON, "{what} within {SOON:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Everything that was acknowledged to somebody, and what for.
#[derive(Default)]
struct Known {
    /// Their name, and how often they asked.
    who: usize,
    asked: u64,
    decisions: Vec<(String, Value)>,
    violations: u64,
}

impl Known {
    fn decide(&mut self, server: &Server) -> bool {
        self.asked += 1;
        let name = format!("{}-{}", self.who, self.asked);
        let (counted, answer) = asked(server, &name);
        if counted {
            self.decisions.push((name, answer));
        }
        counted
    }

    fn hand_in(&mut self, server: &Server) -> bool {
        let taken = handed_in(server);
        self.violations += u64::from(taken);
        taken
    }

    /// Asked again, each has the answer that it had; and nothing else has counted.
    fn check(&self, server: Server, database: &str) {
        for (name, answer) in &self.decisions {
            assert_eq!(asked(&server, name), (true, answer.clone()));
        }
        assert!(violations(&server).expect("reads") >= self.violations, "what was acknowledged is there");
        drop(server);
        let counted = i64::try_from(self.decisions.len()).expect("few") * 3;
        assert_eq!(look(database, TENANT).0, counted, "of {} acknowledged decisions", self.decisions.len());
    }
}

fn start(folder: &tempfile::TempDir, database: &str) -> Server {
    Server::start_with(&built(folder), database, &["--tenant", TENANT])
}

fn policies() -> tempfile::TempDir {
    workspace(&[("ordain.yaml", "name: acme\nlanguage: \"1\"\n"), ("p.ordain", POLICIES)])
}

/// As a full disk does, a bound on the size of files makes writes fail half way.
#[test]
fn a_disk_that_is_full_is_survived() {
    let folder = policies();
    let file = folder.path().join("faults.db");
    let database = format!("sqlite://{}", file.display());
    let server = start(&folder, &database);
    let mut known = Known::default();
    for _ in 0..20 {
        assert!(known.decide(&server) && known.hand_in(&server));
    }
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let free = getrlimit(Resource::Fsize);
    for room in [0, 4_096, 50_000] {
        let wal = folder.path().join("faults.db-wal");
        let most = size(&file).max(size(&wal)) + room;
        prlimit(Some(server.pid()), Resource::Fsize, Rlimit { current: Some(most), ..free })
            .expect("may be set");
        // What fits still fits.
        soon("the disk is full", || !known.decide(&server));
        soon("the disk is full", || !known.hand_in(&server));
        assert!(violations(&server).is_some(), "what is there can be read");
        prlimit(Some(server.pid()), Resource::Fsize, free).expect("may be set");
        soon("decisions count again", || known.decide(&server));
        soon("violations are taken again", || known.hand_in(&server));
    }
    known.check(server, &database);
}

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
    let over = AtomicBool::new(false);
    let mut all = std::thread::scope(|scope| {
        // All the time, from several sides.
        let clients: Vec<_> = (1..4)
            .map(|who| {
                let (server, over) = (&server, &over);
                scope.spawn(move || {
                    let (mut known, mut stopped) = (Known { who, ..Known::default() }, 0);
                    while !over.load(Ordering::Relaxed) {
                        stopped += u64::from(!known.decide(server)) + u64::from(!known.hand_in(server));
                    }
                    (known, stopped)
                })
            })
            .collect();
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(300));
            victim.hang_up();
            std::thread::sleep(Duration::from_millis(300));
            victim.stop();
            std::thread::sleep(Duration::from_millis(1_500));
            victim.start();
        }
        std::thread::sleep(Duration::from_millis(500));
        over.store(true, Ordering::Relaxed);
        let mut all = Known::default();
        for client in clients {
            let (known, stopped) = client.join().expect("a client");
            assert!(stopped > 0 && !known.decisions.is_empty(), "some were stopped, and some counted");
            all.violations += known.violations;
            all.decisions.extend(known.decisions);
        }
        all
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
