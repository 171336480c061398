//! What is forgotten.

use std::sync::Arc;

use jiff::SignedDuration;

use super::{ask, assert_balanced, claim, decided, held, key, of, one, release};
use crate::conformance::Names;
use crate::conformance::fixtures::at;
use crate::{Claim, CounterStore, CountingAnswer, Forget, Forgotten, Store, TenantId};

pub(in super::super) async fn old_counters_are_forgotten<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let on = |day| [of(key("cap", "x", day), 1, 10)];
    for (id, day) in [(1, 0), (2, 1), (3, 2)] {
        let named = Claim { request_id: Some(format!("r{id}")), ..claim(id, &on(day)) };
        ask(&*store, &tenant, named, day * 86_400).await;
    }
    ask(&*store, &tenant, held(4, &on(0), 900_000), 0).await;
    // On the third day, with counters of one day and decisions of two, as far as it comes at once.
    let forget = async || forget(&*store, &tenant, 3, 1, 2, 100).await;
    // The first day still holds something.
    assert_eq!(forget().await, Forgotten { counters: 1, decisions: 1, more: false });
    assert_balanced(&*store, &tenant).await;
    one(&*store, &tenant, release(4), 86_400).await;
    assert_eq!(forget().await, Forgotten { counters: 1, decisions: 1, more: false });
    assert_eq!(forget().await, Forgotten::default());
    let left = store.counters(&tenant, &"cap".into(), 9).await.expect("lists");
    assert_eq!(left.iter().map(|record| record.key.period_start).collect::<Vec<_>>(), [at(2 * 86_400)]);
    let audit = store.audit_counters(&tenant).await.expect("adds up");
    assert_eq!((audit.counters, audit.entries, audit.wrong), (1, 1, vec![]));
    let again = Claim { request_id: Some("r1".to_owned()), ..claim(5, &on(0)) };
    assert_eq!(
        ask(&*store, &tenant, again, 86_400).await,
        decided("in after [0]"),
        "a forgotten name is new"
    );
    let kept = Claim { request_id: Some("r2".to_owned()), ..claim(6, &on(1)) };
    assert!(matches!(ask(&*store, &tenant, kept, 86_400).await, CountingAnswer::Repeated { .. }));
}

/// Forgets on a day what is older than so many days, at most so many rows at once.
pub(super) async fn forget<S: CounterStore + ?Sized>(
    store: &S,
    tenant: &TenantId,
    day: i64,
    counters: i64,
    decisions: i64,
    most: u32,
) -> Forgotten {
    let days = |days: i64| SignedDuration::from_secs(days * 86_400);
    let (now, step) = (at(day * 86_400), days(1_000_000));
    let forget = Forget { now, counters: days(counters), decisions: days(decisions), step, most };
    // The first time it takes the present for no later than the oldest counter.
    let begin = Forget { step: SignedDuration::ZERO, most: 0, ..forget };
    let begun = store.forget_counted(tenant, begin).await.expect("begins");
    let Forgotten { counters, decisions, more } =
        store.forget_counted(tenant, forget).await.expect("forgets");
    Forgotten { counters: begun.counters + counters, decisions: begun.decisions + decisions, more }
}

pub(in super::super) async fn forgetting_goes_by_small_parts_and_follows_no_jump<S: Store>(
    store: Arc<S>,
    names: Names,
) {
    let tenant = names.tenant("a");
    let day = SignedDuration::from_secs(86_400);
    let at_noon = |day: i64| at(day * 86_400 + 43_200);
    let careful = |now, step| Forget { now, counters: day * 3, decisions: day * 2, step, most: 7 };
    // Ten days with ten decisions each, by two subjects.
    for id in 0..100 {
        let on = id / 10;
        let subject = if id % 2 == 0 { "x" } else { "y" };
        let wants = [of(key("cap", subject, on), 1, 10)];
        let named = Claim { request_id: Some(format!("r{id}")), ..claim(id.unsigned_abs().into(), &wants) };
        assert!(matches!(ask(&*store, &tenant, named, on * 86_400).await, CountingAnswer::Decided { .. }));
    }
    let counters = async || store.counters(&tenant, &"cap".into(), 100).await.expect("lists").len();
    // A clock that is years ahead goes one step after the other, from the oldest counter on.
    for step in 0..4 {
        let gone = store.forget_counted(&tenant, careful(at_noon(3_000), day)).await.expect("forgets");
        assert_eq!((gone.counters, counters().await), (0, 20), "step {step}");
        assert_balanced(&*store, &tenant).await;
    }
    // Once it is right again, nothing is missing that may still be asked for.
    assert_eq!(
        ask(&*store, &tenant, claim(1_000, &[of(key("cap", "x", 0), 5, 10)]), 86_400 * 3).await,
        decided("in after [5]")
    );
    // Time goes on, and what is old goes little by little, while all that isn't stays as it was.
    let (mut rounds, mut gone) = (0, (0, 0));
    loop {
        let step = if rounds == 0 { day * 100 } else { SignedDuration::ZERO };
        let some = store.forget_counted(&tenant, careful(at_noon(8), step)).await.expect("forgets");
        assert!(some.counters <= 7 && some.decisions <= 7 || !some.more, "{some:?}");
        gone = (gone.0 + some.counters, gone.1 + some.decisions);
        assert_balanced(&*store, &tenant).await;
        rounds += 1;
        if !some.more {
            break;
        }
    }
    // Days 0 to 5 of counters. Of decisions, the first four steps took those of the first two days and a half.
    assert_eq!((gone.0, counters().await), (12, 8));
    let audit = store.audit_counters(&tenant).await.expect("adds up");
    assert_eq!((audit.counters, audit.entries), (8, 40));
    assert_eq!(
        ask(&*store, &tenant, claim(1_001, &[of(key("cap", "x", 6), 1, 10)]), 86_400 * 8).await,
        decided("in after [5]")
    );
    // Names of the last two days stand for their requests.
    let named = |id: u128, day| {
        let wants = [of(key("cap", if id.is_multiple_of(2) { "x" } else { "y" }, day), 1, 10)];
        Claim { request_id: Some(format!("r{id}")), ..claim(id + 5_000, &wants) }
    };
    assert!(matches!(ask(&*store, &tenant, named(75, 7), 86_400 * 8).await, CountingAnswer::Repeated { .. }));
    assert!(matches!(ask(&*store, &tenant, named(61, 6), 86_400 * 8).await, CountingAnswer::Decided { .. }));
    assert_balanced(&*store, &tenant).await;
}
