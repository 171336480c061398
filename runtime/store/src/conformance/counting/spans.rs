//! Ranges of counters, and what is concurrent.

use std::sync::Arc;

use uuid::Uuid;

use super::forgetting::forget;
use super::{
    ask, assert_balanced, claim, concurrent, counted, decided, held, key, of, one, release, rolling, settle,
    want,
};
use crate::conformance::Names;
use crate::conformance::fixtures::at;
use crate::counting::CounterRecord;
use crate::{CounterKey, CountingAnswer, CountingStep, Standing, Store};

pub(in super::super) async fn a_range_is_measured_as_a_whole<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let on = |day, amount| rolling("cap", (day - 2, day, day + 2), amount, 10);
    // Days apart, and not in order; what another quantity, subject or tenant uses doesn't count.
    let other = CounterKey { subject: "x".to_owned(), ..on(3, 50).key };
    let strangers = [want("cap", 50, 100), of(other, 50, 100)];
    ask(&*store, &tenant, claim(90, &strangers), 0).await;
    for (id, day, amount, answer) in [
        (1, 3, 4, "in after [0]"),
        (2, 1, 4, "in after [4]"),
        (3, 2, 3, "out after [8]"),
        (4, 4, 6, "in after [4]"),
        (5, 5, 1, "out after [10]"),
        (6, 0, 6, "in after [4]"),
        (7, 7, 10, "in after [0]"),
    ] {
        assert_eq!(ask(&*store, &tenant, claim(id, &[on(day, amount)]), 0).await, decided(answer), "{id}");
    }
    assert_eq!(ask(&*store, &names.tenant("b"), claim(1, &[on(3, 10)]), 0).await, decided("in after [0]"));
    // In one batch, where ranges meet and don't, each sees those before it.
    let days = [(21, 20, 6), (22, 22, 5), (23, 22, 4), (24, 40, 10), (25, 18, 1), (26, 17, 10)];
    let batch = days.map(|(id, day, amount)| CountingStep::Claim(Box::new(claim(id, &[on(day, amount)]))));
    let answers = store.count(&tenant, &batch, at(0)).await.expect("counts");
    let wanted =
        ["in after [0]", "out after [6]", "in after [6]", "in after [0]", "in after [6]", "out after [1]"];
    assert_eq!(answers, wanted.map(decided));
    // What is held goes back to where it came from.
    ask(&*store, &tenant, held(30, &[on(60, 10)], 60), 0).await;
    assert_eq!(ask(&*store, &tenant, claim(31, &[on(62, 1)]), 0).await, decided("out after [10]"));
    one(&*store, &tenant, settle(30, 3), 1).await;
    assert_eq!(ask(&*store, &tenant, claim(31, &[on(62, 7)]), 2).await, decided("in after [3]"));
    assert_balanced(&*store, &tenant).await;
}

pub(in super::super) async fn what_is_concurrent_ends_with_its_hold<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let now = |day, amount| [concurrent("now", day, amount, 10), want("day", amount, 1_000)];
    // Without a hold it is measured, and counts for nobody.
    assert_eq!(ask(&*store, &tenant, claim(1, &now(0, 10)), 0).await, decided("in after [0, 0]"));
    assert_eq!(ask(&*store, &tenant, claim(2, &now(0, 11)), 0).await, decided("out after [0, 10]"));
    assert_eq!(counted(&*store, &tenant, "now").await, (0, 0));
    // What began in other months counts too.
    ask(&*store, &tenant, held(3, &now(0, 4), 90), 0).await;
    ask(&*store, &tenant, held(4, &now(40, 4), 60), 0).await;
    assert_eq!(ask(&*store, &tenant, held(5, &now(-90, 3), 60), 0).await, decided("out after [8, 18]"));
    // Whatever was used, it is over; again, nothing changes.
    assert_eq!(one(&*store, &tenant, settle(3, 70), 1).await, CountingAnswer::Closed { late: false });
    assert_eq!(one(&*store, &tenant, settle(3, 70), 1).await, CountingAnswer::Already(Standing::Settled));
    assert_eq!(ask(&*store, &tenant, held(6, &now(0, 6), 60), 1).await, decided("in after [4, 84]"));
    assert_eq!(one(&*store, &tenant, release(6), 2).await, CountingAnswer::Closed { late: false });
    assert_eq!(ask(&*store, &tenant, held(7, &now(0, 7), 90), 59).await, decided("out after [4, 84]"));
    // At the instant at which it runs out; what comes late counts where it lasts.
    assert_eq!(ask(&*store, &tenant, held(8, &now(0, 10), 90), 60).await, decided("in after [0, 80]"));
    assert_eq!(one(&*store, &tenant, settle(4, 5), 61).await, CountingAnswer::Closed { late: true });
    assert_eq!(ask(&*store, &tenant, claim(9, &now(0, 1)), 61).await, decided("out after [10, 95]"));
    assert_balanced(&*store, &tenant).await;
    // What nobody heard of is over too.
    let void = CountingStep::Void { id: Uuid::from_u128(8) };
    assert_eq!(one(&*store, &tenant, void, 62).await, CountingAnswer::Closed { late: false });
    assert_eq!(ask(&*store, &tenant, claim(9, &now(0, 1)), 62).await, decided("in after [0, 85]"));
    assert_balanced(&*store, &tenant).await;
    // What is held is never forgotten, however old it is.
    ask(&*store, &tenant, held(10, &now(-900, 6), 90_000), 63).await;
    assert!(!forget(&*store, &tenant, 1_800, 900, 900, 100).await.more);
    assert_eq!(ask(&*store, &tenant, claim(11, &now(0, 5)), 64).await, decided("out after [6, 92]"));
    assert_balanced(&*store, &tenant).await;
}

pub(in super::super) async fn a_limit_that_counts_something_else_begins_anew<S: Store>(
    store: Arc<S>,
    names: Names,
) {
    let tenant = names.tenant("a");
    let quantities =
        ["TOKENS_DAILY", "COST_DAILY, USD", "COST_DAILY, EUR", "TOKENS_DAILY in Europe/Berlin", "Ä'\""];
    let of_quantity = |quantity: &str, amount| {
        of(CounterKey { quantity: quantity.to_owned(), ..key("cap", "whole scope", 0) }, amount, 10)
    };
    for (quantity, id) in quantities.iter().zip(1..) {
        let wants = [of_quantity(quantity, 8)];
        assert_eq!(
            ask(&*store, &tenant, held(id, &wants, 60), 0).await,
            decided("in after [0]"),
            "{quantity}"
        );
        assert_eq!(ask(&*store, &tenant, held(id + 50, &wants, 60), 0).await, decided("out after [8]"));
    }
    // What is settled is settled as what it was held as.
    assert_eq!(one(&*store, &tenant, settle(2, 3), 1).await, CountingAnswer::Closed { late: false });
    let found = store.counters(&tenant, &"cap".into(), 9).await.expect("lists");
    let mut wanted: Vec<_> =
        quantities.iter().map(|it| (*it, if it.ends_with("USD") { (3, 0) } else { (0, 8) })).collect();
    wanted.sort_unstable();
    let told =
        |record: &CounterRecord| (record.key.quantity.clone(), (record.counter.used, record.counter.held));
    let wanted = wanted.into_iter().map(|(quantity, sums)| (quantity.to_owned(), sums));
    assert_eq!(found.iter().map(told).collect::<Vec<_>>(), wanted.collect::<Vec<_>>());
    assert_balanced(&*store, &tenant).await;
}
