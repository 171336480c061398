//! The server's memory while it serves all kinds of requests for a while.

use std::time::{Duration, Instant};

use crate::client::{Load, Schedule, Work, latency};
use crate::host::{Host, Kind};

/// Requests a second.
const RATE: u32 = 400;
/// Into how many parts the time is divided.
const PARTS: usize = 10;

/// Prints the memory, and gives back in a few words what became of it. On several stores at once, since each alone
/// takes as long.
pub(crate) fn measured(kinds: &[(&str, Kind)], quick: bool) -> Vec<String> {
    let length = Duration::from_secs(if quick { 20 } else { 600 });
    println!(
        "resident memory in MiB, the largest of each tenth of {} s, at {RATE} requests a second of all kinds",
        length.as_secs()
    );
    std::thread::scope(|scope| {
        let running: Vec<_> =
            kinds.iter().map(|(name, kind)| scope.spawn(move || one(name, *kind, length))).collect();
        running.into_iter().filter_map(|it| it.join().expect("is measured")).collect()
    })
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn one(name: &str, kind: Kind, length: Duration) -> Option<String> {
    let host = Host::start(kind)?;
    let load = Load {
        address: host.address(),
        key: host.key(),
        schedule: Schedule::Open(vec![(RATE, length)]),
        work: Work::Mixed,
        connections: 64,
        patience: Duration::MAX,
    };
    let mut parts = [0; PARTS];
    let (begun, found) = (Instant::now(), std::sync::OnceLock::new());
    std::thread::scope(|scope| {
        scope.spawn(|| found.get_or_init(|| load.run()));
        while found.get().is_none() {
            let part = begun.elapsed().as_millis() * PARTS as u128 / length.as_millis();
            if let Some(most) = parts.get_mut(usize::try_from(part).unwrap_or(PARTS)) {
                *most = host.resident().max(*most);
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    let found = found.get().expect("it has run");
    let served = found.count(crate::client::End::Served);
    let mebi = |kibi: u64| kibi as f64 / 1024.0;
    let all: Vec<_> = parts.iter().map(|most| format!("{:>6.1}", mebi(*most))).collect();
    println!(
        "{name:<28} {}\n{:<28} {served} of {} requests served, p99 {:.1} ms; {}",
        all.join(" "),
        "",
        found.all.len(),
        latency(&found.all, 990),
        host.audited()
    );
    // While the first tenth runs, caches and pools fill.
    let (early, late) = (mebi(parts[1]), mebi(parts[PARTS - 1]));
    Some(format!(
        "{name}: {early:.1} MiB in the second tenth of {} s, {late:.1} in the last",
        length.as_secs()
    ))
}
