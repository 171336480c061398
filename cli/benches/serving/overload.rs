//! Three times as much as the server takes, between two stretches of half as much.

use std::time::Duration;

use crate::client::{Done, End, Load, Measured, Schedule, Work, latency};
use crate::host::{Host, Kind};

/// Connections at once, and how late a client still asks.
const CONNECTIONS: usize = 1024;
const PATIENCE: Duration = Duration::from_secs(1);
/// How long all must be well to count as recovered.
const WELL: Duration = Duration::from_secs(1);

/// Prints what an overload does, and gives it back in a few words.
pub(crate) fn measured(name: &str, kind: Kind, quick: bool) -> Option<String> {
    let host = Host::start(kind)?;
    let load = |schedule, connections, patience| Load {
        address: host.address(),
        key: host.key(),
        schedule,
        work: Work::Decisions(1),
        connections,
        patience,
    };
    let closed = |seconds| load(Schedule::Closed(Duration::from_secs(seconds)), 64, Duration::MAX).run();
    // What is done once only shall not stand in the figures.
    closed(1);
    let most = closed(3).rate();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "requests a second")]
    let (half, thrice) = ((most / 2.0) as u32, (most * 3.0) as u32);
    let [before, during, after] = if quick { [3, 4, 8] } else { [5, 15, 15] }.map(Duration::from_secs);
    let stages = vec![(half, before), (thrice, during), (half, after)];
    let found = load(Schedule::Open(stages), CONNECTIONS, PATIENCE).run();
    let part = |from: Duration, until: Duration| slice(&found, from, until);
    let calm = part(Duration::ZERO, before);
    let bound = (2.0 * latency(calm, 990)).max(20.0);
    let over = before + during;
    let recovered = recovery(&found, over, over + after, bound);
    println!(
        "{name:<28} {:>9} {:>9} {:>8} {:>8} {:>8} {:>7} {:>8} {:>8}",
        format!("{most:.0}/s"),
        "served/s",
        "p50",
        "p99",
        "p99.9",
        "turned",
        "degraded",
        "given up"
    );
    for (what, rate, from, until) in [
        ("  half, before", half, Duration::ZERO, before),
        ("  three times", thrice, before, over),
        ("  half, after", half, over, over + after),
    ] {
        shown(what, rate, part(from, until), until.saturating_sub(from));
    }
    let said = match recovered {
        Some(took) => format!("well again {:.1} s after three times overload", took.as_secs_f64()),
        None => format!("not well again {:.0} s after three times overload", after.as_secs_f64()),
    };
    println!("{:<28} {said} (all answered, p99 at most {bound:.0} ms); {}", "", host.audited());
    Some(format!("{name}: {said}"))
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn shown(what: &str, rate: u32, done: &[Done], length: Duration) {
    let count = |end| done.iter().filter(|it| it.end == end).count();
    assert_eq!(count(End::Failed), 0, "every answer is one that is meant");
    println!(
        "{what:<28} {rate:>9} {:>9.0} {:>8.2} {:>8.2} {:>8.2} {:>7} {:>8} {:>8}",
        count(End::Served) as f64 / length.as_secs_f64(),
        latency(done, 500),
        latency(done, 990),
        latency(done, 999),
        count(End::TurnedAway),
        count(End::Degraded),
        count(End::GivenUp)
    );
}

/// Those that were due from one instant until before another.
fn slice(found: &Measured, from: Duration, until: Duration) -> &[Done] {
    let place = |at: Duration| found.all.partition_point(|done| done.due < at);
    &found.all[place(from)..place(until)]
}

/// How long after `over` a second begins in which all is well; none before `end`.
fn recovery(found: &Measured, over: Duration, end: Duration, bound: f64) -> Option<Duration> {
    let well = |from: Duration| {
        let done = slice(found, from, from + WELL);
        done.iter().all(|it| it.end == End::Served) && latency(done, 990) <= bound
    };
    let starts = (0..).map(|tenths| over + Duration::from_millis(100 * tenths));
    starts
        .take_while(|from| *from + WELL <= end)
        .find(|from| well(*from))
        .map(|from| from.saturating_sub(over))
}
