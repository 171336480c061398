//! What decisions over HTTP cost: `cargo xtask bench runtime`, or `cargo bench -p ordain-runtime --bench decisions --
//! [--quick]`. A server as `ordain serve` starts it, with API keys and its log, listens on a port of this machine; clients
//! keep their connections. Server and clients share the processors. Without counters, and with three counted limits a
//! request, on SQLite and, where `ORDAIN_TEST_POSTGRES_URL` is set, on PostgreSQL.
//!
//! First as many as the server takes (*closed*: each of 64 connections asks again once it is answered), then at fixed
//! rates: requests are due by the clock, whether earlier ones are answered or not, and a latency runs from the instant at
//! which the request was due, so that no waiting is hidden.
#![expect(clippy::print_stdout, reason = "figures for people")]

#[path = "decisions/client.rs"]
mod client;
#[path = "decisions/host.rs"]
mod host;

use std::time::Duration;

use client::{Load, Measured};
use host::{Host, Kind};

/// A series of measurements on one kind of server.
struct Series {
    name: &'static str,
    kind: Kind,
    /// Requests a second.
    rates: &'static [u32],
    /// How many requests stand in one body.
    batch: usize,
}

const SERIES: [Series; 4] = [
    Series { name: "without counters", kind: Kind::Plain, rates: &[5_000, 10_000, 15_000], batch: 1 },
    Series { name: "without counters, 20 a body", kind: Kind::Plain, rates: &[], batch: 20 },
    Series { name: "SQLite, 3 counters", kind: Kind::Sqlite, rates: &[1_000, 2_000, 3_000], batch: 1 },
    Series { name: "PostgreSQL, 3 counters", kind: Kind::Postgres, rates: &[1_000, 2_000], batch: 1 },
];

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let length = Duration::from_secs(if quick { 2 } else { 10 });
    println!("latencies in ms, on the wall; {} s each", length.as_secs());
    println!(
        "{:<28} {:>9} {:>9} {:>8} {:>8} {:>8} {:>7}",
        "", "asked/s", "done/s", "p50", "p99", "p99.9", "failed"
    );
    let mut summary = vec![];
    for Series { name, kind, rates, batch } in SERIES {
        let Some(host) = Host::start(kind) else {
            println!("{name:<28} (no PostgreSQL: set ORDAIN_TEST_POSTGRES_URL, or use `cargo xtask bench`)");
            continue;
        };
        let load = |rate, length| Load { address: host.address(), key: host.key(), rate, length, batch };
        // What is done once only shall not stand in the figures.
        load(None, Duration::from_secs(1)).run();
        let most = load(None, length).run();
        shown(name, None, &most);
        let mut said = format!("{name}: at most {:.0}/s", most.rate());
        for rate in rates {
            let found = load(Some(*rate), length).run();
            shown(name, Some(*rate), &found);
            said = format!("{said}, {:.0}/s with p99 {:.1} ms", found.rate(), found.latency(990));
        }
        summary.push(said);
        if kind != Kind::Plain {
            println!("{:<28} {}", "", host.audited());
        }
        host.stop();
    }
    println!("\n{}", summary.join("; "));
}

fn shown(name: &str, asked: Option<u32>, found: &Measured) {
    let asked = asked.map_or_else(|| "closed".to_owned(), |rate| rate.to_string());
    println!(
        "{name:<28} {asked:>9} {:>9.0} {:>8.2} {:>8.2} {:>8.2} {:>7}",
        found.rate(),
        found.latency(500),
        found.latency(990),
        found.latency(999),
        found.failed
    );
}
