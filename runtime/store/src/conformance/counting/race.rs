//! Clients at once.

use std::sync::Arc;

use super::{ask, assert_balanced, concurrent, held, one, release, rolling, settle, want};
use crate::conformance::Names;
use crate::{Counter, CounterStore, CountingAnswer, Store, TenantId};

pub(in super::super) async fn claims_at_once_stay_within_a_cap<S: Store + 'static>(
    store: Arc<S>,
    names: Names,
) {
    race(&[Arc::clone(&store), store], 4, 3, &names.tenant("race")).await;
}

/// How usage adds up in a race.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Calendar,
    Rolling,
    Concurrent,
}

/// Clients at once, so many of each store (which keep the same database), each holding, settling and releasing under
/// one cap, for some trials: on usage of one period, of any stretch, or of what is under way. No trial gets beyond the cap,
/// and in the end exactly what was settled is used.
///
/// # Panics
/// If one does, or the ledger doesn't add up.
pub async fn race<S: CounterStore + ?Sized + 'static>(
    stores: &[Arc<S>],
    clients: usize,
    trials: usize,
    tenant: &TenantId,
) {
    use std::sync::atomic::{AtomicI64, Ordering};
    const CAP: i64 = 20;
    let mut admitted = 0;
    for trial in 0..trials {
        let way = [Way::Calendar, Way::Rolling, Way::Concurrent][trial % 3];
        let limit = format!("cap-{trial}");
        let (inside, settled) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
        let tasks: Vec<_> = (0..stores.len() * clients)
            .map(|client| {
                let store = Arc::clone(&stores[client % stores.len()]);
                let (tenant, limit) = (tenant.clone(), limit.clone());
                let (inside, settled) = (Arc::clone(&inside), Arc::clone(&settled));
                tokio::spawn(async move {
                    let mut admitted = 0;
                    for step in 0..4 {
                        let id = ((trial * 1_000 + client) * 10 + step) as u128;
                        let tokens = 1 + i64::try_from((client + step + trial) % 5).expect("is small");
                        // Each writes to a row of its own, where there are several.
                        let day = i64::try_from(client).expect("is small");
                        let wanted = match way {
                            Way::Calendar => want(&limit, tokens, CAP),
                            Way::Rolling => rolling(&limit, (day - 60, day, day + 60), tokens, CAP),
                            Way::Concurrent => concurrent(&limit, day % 3, tokens, CAP),
                        };
                        let wants = [wanted, want("wide", 1, i64::MAX)];
                        let answer = ask(&*store, &tenant, held(id, &wants, 60), 0).await;
                        let CountingAnswer::Decided { answer } = answer else {
                            panic!("was decided: {answer:?}")
                        };
                        if !answer.starts_with("in") {
                            continue;
                        }
                        admitted += 1;
                        let now = inside.fetch_add(tokens, Ordering::SeqCst) + tokens;
                        assert!(now <= CAP, "{now} of {CAP} in trial {trial}, {way:?}");
                        if step % 3 == 2 {
                            inside.fetch_sub(tokens, Ordering::SeqCst);
                            one(&*store, &tenant, release(id), 0).await;
                        } else {
                            let stays = if way == Way::Concurrent { 0 } else { tokens - 1 };
                            settled.fetch_add(stays, Ordering::SeqCst);
                            inside.fetch_sub(tokens - stays, Ordering::SeqCst);
                            for _ in 0..2 {
                                one(&*store, &tenant, settle(id, tokens - 1), 0).await;
                            }
                        }
                    }
                    admitted
                })
            })
            .collect();
        for task in tasks {
            admitted += task.await.expect("stays within the cap");
        }
        let found = stores[0].counters(tenant, &limit.as_str().into(), 1_000).await.expect("lists");
        let sum = |of: fn(&Counter) -> i64| found.iter().map(|record| of(&record.counter)).sum::<i64>();
        let used = (sum(|counter| counter.used), sum(|counter| counter.held));
        assert_eq!(used, (settled.load(Ordering::SeqCst), 0), "trial {trial}, {way:?}");
    }
    assert!(admitted > trials, "somebody gets in");
    assert_balanced(&*stores[0], tenant).await;
}
