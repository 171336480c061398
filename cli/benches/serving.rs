//! What it costs to ask a server over HTTP: `cargo xtask bench runtime`, or `cargo bench -p ordain --bench serving --
//! [--quick] [decisions] [overload] [memory]`. `ordain serve` itself, with API keys and its log, listens on a port of this
//! machine; clients keep their connections. Server and clients share the processors. Without counters, and with three
//! counted limits a request, on SQLite and, where `ORDAIN_TEST_POSTGRES_URL` is set, on PostgreSQL.
//!
//! Decisions: first as many as the server takes (*closed*: each of 64 connections asks again once it is answered), then at
//! fixed rates: requests are due by the clock, whether earlier ones are answered or not, and a latency runs from the
//! instant at which the request was due, so that no waiting is hidden. Overload: three times as many as the server takes.
//! Memory: that of the server's process while it serves for ten minutes.
#![expect(clippy::print_stdout, reason = "figures for people")]

#[path = "serving/client.rs"]
mod client;
#[path = "serving/host.rs"]
mod host;
#[path = "serving/memory.rs"]
mod memory;
#[path = "serving/overload.rs"]
mod overload;

use std::time::Duration;

use client::{End, Load, Measured, Schedule, Work, latency};
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
    Series { name: SQLITE, kind: Kind::Sqlite, rates: &[1_000, 2_000, 3_000], batch: 1 },
    Series { name: POSTGRES, kind: Kind::Postgres, rates: &[1_000, 2_000], batch: 1 },
];
const SQLITE: &str = "SQLite, 3 counters";
const POSTGRES: &str = "PostgreSQL, 3 counters";
const COUNTING: [(&str, Kind); 2] = [(SQLITE, Kind::Sqlite), (POSTGRES, Kind::Postgres)];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let named: Vec<_> = arguments.iter().filter(|it| !it.starts_with('-')).collect();
    let wanted = |part: &str| named.is_empty() || named.iter().any(|it| *it == part);
    let mut summary = vec![];
    if wanted("decisions") {
        decisions(quick, &mut summary);
    }
    if wanted("overload") {
        println!(
            "\nthree times overload; latencies in ms of those served, from the instant at which they were due"
        );
        for (name, kind) in COUNTING {
            summary.extend(overload::measured(name, kind, quick).or_else(|| missing(name)));
        }
    }
    if wanted("memory") {
        println!();
        summary.extend(memory::measured(&COUNTING, quick));
    }
    println!("\n{}", summary.join("; "));
}

fn missing(name: &str) -> Option<String> {
    println!("{name:<28} (no PostgreSQL: set ORDAIN_TEST_POSTGRES_URL, or use `cargo xtask bench`)");
    None
}

fn decisions(quick: bool, summary: &mut Vec<String>) {
    let length = Duration::from_secs(if quick { 2 } else { 10 });
    println!("latencies in ms, on the wall; {} s each", length.as_secs());
    println!(
        "{:<28} {:>9} {:>9} {:>8} {:>8} {:>8} {:>7}",
        "", "asked/s", "done/s", "p50", "p99", "p99.9", "failed"
    );
    for Series { name, kind, rates, batch } in SERIES {
        let Some(host) = Host::start(kind) else {
            missing(name);
            continue;
        };
        let load = |schedule, connections| Load {
            address: host.address(),
            key: host.key(),
            schedule,
            work: Work::Decisions(batch),
            connections,
            patience: Duration::MAX,
        };
        // What is done once only shall not stand in the figures.
        load(Schedule::Closed(Duration::from_secs(1)), 64).run();
        let most = load(Schedule::Closed(length), 64).run();
        shown(name, None, batch, &most);
        let mut said = format!("{name}: at most {:.0}/s", done(batch, &most));
        for rate in rates {
            let found = load(Schedule::Open(vec![(*rate, length)]), 192).run();
            shown(name, Some(*rate), batch, &found);
            let p99 = latency(&found.all, 990);
            said = format!("{said}, {:.0}/s with p99 {p99:.1} ms", done(batch, &found));
        }
        summary.push(said);
        if kind != Kind::Plain {
            println!("{:<28} {}", "", host.audited());
        }
    }
}

/// Decisions a second.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn done(batch: usize, found: &Measured) -> f64 {
    found.rate() * batch as f64
}

fn shown(name: &str, asked: Option<u32>, batch: usize, found: &Measured) {
    let asked = asked.map_or_else(|| "closed".to_owned(), |rate| rate.to_string());
    println!(
        "{name:<28} {asked:>9} {:>9.0} {:>8.2} {:>8.2} {:>8.2} {:>7}",
        done(batch, found),
        latency(&found.all, 500),
        latency(&found.all, 990),
        latency(&found.all, 999),
        found.all.len() - found.count(End::Served)
    );
}
