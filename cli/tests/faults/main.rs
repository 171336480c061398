//! A database that fails under a running server: answers stay clear, whatever was acknowledged is there afterwards, what
//! wasn't counts for nothing or once, and all is well again without a restart.

mod cluster;
#[path = "../support/counting.rs"]
mod counting;
mod disk;
mod full;
mod outage;
mod restart;
#[path = "../support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use counting::{POLICIES, built, look, post};
use serde_json::{Value, json};
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

    /// Asked again, each has the answer that it had.
    fn repeat(&self, server: &Server) {
        for (name, answer) in &self.decisions {
            assert_eq!(asked(server, name), (true, answer.clone()));
        }
        assert!(violations(server).expect("reads") >= self.violations, "what was acknowledged is there");
    }

    /// How many tokens they used.
    fn counted(&self) -> i64 {
        i64::try_from(self.decisions.len()).expect("few") * 3
    }

    /// Asked again, each has the answer that it had; and nothing else has counted.
    fn check(&self, server: Server, database: &str) {
        self.repeat(&server);
        drop(server);
        let (found, _) = look(database, TENANT);
        assert_eq!(found, self.counted(), "of {} acknowledged decisions", self.decisions.len());
    }
}

fn start(folder: &tempfile::TempDir, database: &str) -> Server {
    let server = Server::start_with(&built(folder), database, &["--tenant", TENANT]);
    // It takes connections before it has opened its database, and answers after.
    assert_eq!(server.get("/healthz").0, 200);
    server
}

fn policies() -> tempfile::TempDir {
    workspace(&[("ordain.yaml", "name: acme\nlanguage: \"1\"\n"), ("p.ordain", POLICIES)])
}

/// Lets several clients ask all the time while something happens, and a moment more. Some must be stopped by it, and each
/// must count before or after it. What they know.
fn under_load(server: &Server, happens: impl FnOnce()) -> Known {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (1..4)
            .map(|who| {
                let over = &over;
                scope.spawn(move || {
                    let (mut known, mut stopped) = (Known { who, ..Known::default() }, 0);
                    while !over.load(Ordering::Relaxed) {
                        stopped += u64::from(!known.decide(server)) + u64::from(!known.hand_in(server));
                        // What is refused comes fast, and the machine has only so many ports for connections.
                        std::thread::sleep(Duration::from_millis(2));
                    }
                    (known, stopped)
                })
            })
            .collect();
        happens();
        std::thread::sleep(Duration::from_millis(500));
        over.store(true, Ordering::Relaxed);
        let (mut all, mut any) = (Known::default(), 0);
        for client in clients {
            let (known, stopped) = client.join().expect("a client");
            any += stopped;
            assert!(!known.decisions.is_empty(), "some counted");
            all.violations += known.violations;
            all.decisions.extend(known.decisions);
        }
        assert!(any > 0, "some were stopped; others may have waited until it was over");
        all
    })
}
