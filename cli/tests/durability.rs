//! `kill -9` while agents ask, settle and release: whatever was acknowledged is there after the restart, what was not
//! either counts once or not at all, and every counter is the sum of its ledger.
//!
//! Killing a program leaves the machine's cache of the disk alone; this is no test of power cuts.
//! `cargo xtask oracle runtime` runs it at length.
#![expect(clippy::print_stdout, reason = "figures for people")]

#[path = "support/counting.rs"]
mod counting;
mod support;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use counting::{POLICIES, built, look, post};
use serde_json::{Value, json};
use support::{Server, root, workspace};

const CLIENTS: usize = 4;

fn number(variable: &str, otherwise: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("`{variable}` is a number")))
}

/// What a client did last with one decision.
#[derive(Clone, Debug)]
struct Asked {
    ask: Value,
    tokens: i64,
    /// The answer, once it came.
    answer: Option<Value>,
    /// What was settled (nothing, if it was released), and whether that was acknowledged.
    closing: Option<(i64, bool)>,
}

impl Asked {
    fn close(&self, address: &str) -> Option<(u16, Value)> {
        let (used, _) = self.closing?;
        let id = self.answer.as_ref()?["id"].as_str().expect("has an id");
        let verb = if used == 0 { "release" } else { "settle" };
        let body = if used == 0 { json!({}) } else { json!({ "usage": { "tokens": used } }) };
        post(address, &format!("/api/v1/decisions/{id}/{verb}"), &body)
    }
}

/// Asks, and closes most of what was asked, until the server goes away.
fn client(address: &str, cycle: u64, client: usize, over: &AtomicBool) -> Vec<Asked> {
    let mut done = vec![];
    for step in 0_i64.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let tokens = 1 + (step * 7) % 50;
        let ask = json!({
            "path": format!("acme/p/{}", client % 2), "usage": { "tokens": tokens }, "reserve": true,
            "hold_seconds": 86_400, "request_id": format!("{cycle}-{client}-{step}")
        });
        let mut asked = Asked { ask, tokens, answer: None, closing: None };
        match post(address, "/api/v1/decisions", &asked.ask) {
            Some((200, answer)) if answer["degraded"] == false => asked.answer = Some(answer),
            Some(other) => panic!("{other:?}"),
            None => {
                done.push(asked);
                break;
            }
        }
        if step % 4 != 3 {
            let used = if step % 4 == 2 { 0 } else { tokens * 2 };
            asked.closing = Some((used, false));
            let closed = asked.close(address);
            let gone = closed.is_none();
            if let Some((status, answer)) = closed {
                assert_eq!(status, 200, "{answer}");
                asked.closing = Some((used, true));
            }
            done.push(asked);
            if gone {
                break;
            }
            continue;
        }
        done.push(asked);
    }
    done
}

fn cycles(database: &str, tenant: &str, bundle: &Path, cycles: u64, seed: u64) {
    let start = || Server::start_with(bundle, database, &["--tenant", tenant]);
    let (mut counted, mut acknowledged, mut open, mut entries) = (0, 0, 0, 0);
    for cycle in seed..seed + cycles {
        let server = start();
        let (address, over) = (server.address(), AtomicBool::new(false));
        let all: Vec<Asked> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|number| {
                    let (address, over) = (&address, &over);
                    scope.spawn(move || client(address, cycle, number, over))
                })
                .collect();
            std::thread::sleep(Duration::from_millis(20 + cycle.wrapping_mul(0x9e37_79b9) % 200));
            server.kill();
            over.store(true, Ordering::Relaxed);
            clients.into_iter().flat_map(|client| client.join().expect("a client")).collect()
        });
        let server = start();
        let address = server.address();
        for mut asked in all {
            // Again, under the same name: what was acknowledged has the answer that it had.
            let (status, answer) = post(&address, "/api/v1/decisions", &asked.ask).expect("it answers");
            assert_eq!(status, 200, "{answer}");
            match &asked.answer {
                Some(before) => {
                    assert_eq!(&answer, before, "cycle {cycle}");
                    acknowledged += 1;
                }
                None => open += 1,
            }
            asked.answer = Some(answer);
            counted += match asked.closing {
                None => asked.tokens,
                Some((used, known)) => {
                    let (status, closed) = asked.close(&address).expect("it answers");
                    assert_eq!(status, 200, "{closed}");
                    assert!(!known || closed["repeated"] == true, "cycle {cycle}: {closed}");
                    used
                }
            };
        }
        server.kill();
        let (found, seen) = look(database, tenant);
        assert_eq!(found, counted, "cycle {cycle}");
        entries = seen;
    }
    assert!(acknowledged > 0, "somebody gets an answer");
    println!(
        "{}: killed {cycles} times; {acknowledged} acknowledged decisions are there, {open} open ones count once; the \
         counters are the sums of {entries} entries",
        database.split("://").next().unwrap_or_default()
    );
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = workspace(&[("ordain.yaml", "name: acme\nlanguage: \"1\"\n"), ("p.ordain", POLICIES)]);
    let bundle = built(&folder);
    let (many, seed) = (number("ORDAIN_KILL_CASES", 3), number("ORDAIN_KILL_SEED", 0));
    let file = format!("sqlite://{}", folder.path().join("kill.db").display());
    cycles(&file, "kill", &bundle, many, seed);
    if let Ok(url) = std::env::var("ORDAIN_TEST_POSTGRES_URL") {
        cycles(&url, &format!("kill-{}", std::process::id()), &bundle, many, seed);
    }
}

/// What the book shows is what the server takes.
#[test]
fn the_books_requests_are_answered() {
    let page = std::fs::read_to_string(root().join("docs/src/http.md")).unwrap();
    let section = page.split("\n## Decisions\n").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let blocks: Vec<Value> = section
        .split("```json\n")
        .skip(1)
        .map(|block| serde_json::from_str(block.split("```").next().unwrap()).unwrap())
        .collect();
    let [ask, settlement] = &blocks[..] else { panic!("a request and what was used: {blocks:?}") };
    let policies = POLICIES.replace("package acme\n", "package acme\n\nuse std.facts.*\n");
    let folder = workspace(&[("ordain.yaml", "name: acme\nlanguage: \"1\"\n"), ("p.ordain", &policies)]);
    let database = format!("sqlite://{}", folder.path().join("book.db").display());
    let server = Server::start(folder.path(), &database);
    let (status, answer) = server.send("POST", "/api/v1/decisions", "ada", ask);
    assert_eq!(
        (status, &answer["outcome"], &answer["reserved"]),
        (200, &json!("ALLOW"), &json!(true)),
        "{answer}"
    );
    let settle = format!("/api/v1/decisions/{}/settle", answer["id"].as_str().unwrap());
    let (status, done) = server.send("POST", &settle, "ada", settlement);
    assert_eq!((status, &done["standing"]), (200, &json!("SETTLED")), "{done}");
    // Every field that the page explains is there, and none that it doesn't.
    let explained = |field: &&String| section.contains(&format!("`{field}`"));
    let unexplained: Vec<_> = answer.as_object().unwrap().keys().filter(|field| !explained(field)).collect();
    assert!(unexplained.is_empty(), "{unexplained:?}");
}
