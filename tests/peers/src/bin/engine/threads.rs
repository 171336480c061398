//! How fast one ledger in memory decides and counts from several threads: one lock, so that what counts is whether they
//! wait for each other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ordain_engine::ledger::Claim;
use ordain_engine::{Answer, Engine, Ledger, Prepared};
use ordain_ir::{
    Accumulation, Bound, Enforcement, Limit, Meter, Partition, Path, Period, Policies, Quantity, Usage,
};

/// Tenants that ask in turn.
const TENANTS: usize = 64;

fn limit(name: &str, period: Period, partition: Partition) -> (ordain_ir::PolicyName, Arc<Limit>) {
    let limit = Limit {
        partition,
        ..Limit::new(
            name,
            Quantity::Accumulated(Meter::Runs, Accumulation::utc(period)),
            Bound::at_most(i64::MAX / 2),
            Enforcement::Block,
        )
    };
    (limit.name.clone(), Arc::new(limit))
}

/// Admissions a second, on the wall, of so many threads.
fn rate(
    engine: &Engine,
    ledger: &Ledger,
    requests: &[ordain_ir::Request],
    threads: usize,
    time: Duration,
) -> f64 {
    let start = Instant::now();
    let count = |first: usize| {
        let prepared: Vec<Prepared> =
            requests.iter().map(|it| engine.prepare(it).expect("well-typed")).collect();
        let (mut answer, mut events, mut done) = (Answer::default(), vec![], 0_u64);
        while start.elapsed() < time {
            for at in 0..prepared.len() {
                // Threads begin with different tenants.
                let at = (at + first * prepared.len() / threads) % prepared.len();
                let claim = Claim { id: None, now: requests[at].at, hold: None };
                let admitted = ledger.admit(engine, &prepared[at], claim, &mut answer, &mut events);
                admitted.expect("prepared for it");
                events.clear();
                done += 1;
            }
        }
        done
    };
    let done: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|first| scope.spawn(move || count(first))).collect();
        threads.into_iter().map(|thread| thread.join().expect("it counts")).sum()
    });
    done as f64 / start.elapsed().as_secs_f64()
}

/// The table.
pub fn print(time: Duration) {
    println!("\none ledger from several threads, admissions a second on the wall");
    println!("{:<48} {:>12} {:>12}", "", "1 thread", "2 threads");
    let one = [limit("all", Period::Day, Partition::Whole)];
    let three = [
        limit("agent", Period::Hour, Partition::Agent),
        limit("project", Period::Day, Partition::Project),
        limit("tenant", Period::Month, Partition::Tenant),
    ];
    for (what, limits, tenants) in [
        ("one limit, one counter", BTreeMap::from(one.clone()), 1),
        ("three limits of a tenant", BTreeMap::from(three.clone()), 1),
        ("three limits each of 64 tenants", BTreeMap::from(three), TENANTS),
    ] {
        let engine =
            Engine::new(Arc::new(Policies { limits, ..Policies::default() })).expect("sound policies");
        let requests: Vec<ordain_ir::Request> = (0..TENANTS)
            .map(|number| ordain_ir::Request {
                path: Path {
                    tenant: format!("tenant{}", number % tenants),
                    project: "support".into(),
                    agent: "mailer".into(),
                },
                provider: None,
                at: jiff::Timestamp::from_second(1_772_445_600).expect("an instant"),
                facts: BTreeMap::new(),
                usage: Usage::default(),
            })
            .collect();
        let ledger = Ledger::default();
        let [one, two] = [1, 2].map(|threads| rate(&engine, &ledger, &requests, threads, time));
        println!("{what:<48} {one:>12.0} {two:>12.0}");
    }
}
