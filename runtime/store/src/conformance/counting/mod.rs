//! Counters, holds and the ledger.

pub(super) mod forgetting;
pub(super) mod race;
pub(super) mod spans;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use ordain_ir::{Meter, Outcome, PolicyName, Usage};
use uuid::Uuid;

use super::Names;
use super::draw::Draw;
use super::fixtures::at;
use crate::counting::{Charge, CounterRange, EntryKind, Verdict};
use crate::{
    Claim, Counted, CounterKey, CounterStore, CountingAnswer, CountingStep, Decide, MemoryStore, RunKey,
    Standing, Store, TenantId,
};

/// What a claim wants of a counter.
#[derive(Clone, Debug)]
struct Want {
    key: CounterKey,
    /// What counts beside it.
    range: CounterRange,
    amount: i64,
    cap: i64,
    concurrent: bool,
}

/// Admits what stays within caps, and what comes no sooner after the last run than it should.
#[derive(Clone, Debug)]
struct Within {
    wants: Vec<Want>,
    /// Cooldown, seconds, and the instant of the request.
    pause: Option<(RunKey, i64, Timestamp)>,
}

impl Decide for Within {
    fn decide(&self, counted: Counted<'_>) -> Verdict {
        let fits = |want: &Want| counted.total(&want.range).saturating_add(want.amount) <= want.cap;
        let rested = self.pause.as_ref().is_none_or(|(key, seconds, at)| {
            counted.last_run(key).is_none_or(|last| at.duration_since(last).as_secs() >= *seconds)
        });
        let admitted = self.wants.iter().all(fits) && rested;
        let charge = |want: &Want| Charge {
            key: want.key.clone(),
            meter: Meter::Tokens,
            amount: want.amount,
            told: counted.told(&want.range).max(i16::from(want.amount > 5)),
            concurrent: want.concurrent,
        };
        let totals: Vec<i64> = self.wants.iter().map(|want| counted.total(&want.range)).collect();
        Verdict {
            outcome: if admitted { Outcome::Allow } else { Outcome::Block },
            charges: self.wants.iter().map(charge).collect(),
            runs: self.pause.iter().map(|(key, ..)| key.clone()).collect(),
            answer: format!("{} after {totals:?}", if admitted { "in" } else { "out" }),
        }
    }
}

/// A counter of a limit, for a subject, over the day so many days after the first.
fn key(limit: &str, subject: &str, day: i64) -> CounterKey {
    CounterKey {
        limit: limit.into(),
        quantity: "TOKENS_DAILY".to_owned(),
        subject: subject.to_owned(),
        period_start: at(day * 86_400),
    }
}

fn of(key: CounterKey, amount: i64, cap: i64) -> Want {
    Want { range: key.clone().into(), key, amount, cap, concurrent: false }
}

fn want(limit: &str, amount: i64, cap: i64) -> Want {
    of(key(limit, "whole scope", 0), amount, cap)
}

/// Under one day, where from one to another count.
fn rolling(limit: &str, (from, day, to): (i64, i64, i64), amount: i64, cap: i64) -> Want {
    let quantity = "TOKENS_MONTHLY rolling".to_owned();
    let key = CounterKey { quantity, ..key(limit, "whole scope", day) };
    let ends = CounterRange { from: at(from * 86_400), to: at(to * 86_400), ..key.clone().into() };
    Want { range: ends, ..of(key, amount, cap) }
}

/// Under one day, where all count that are held.
fn concurrent(limit: &str, day: i64, amount: i64, cap: i64) -> Want {
    let quantity = "TOKENS_CONCURRENT".to_owned();
    let key = CounterKey { quantity, ..key(limit, "whole scope", day) };
    let range = CounterRange { from: Timestamp::MIN, to: Timestamp::MAX, ..key.clone().into() };
    Want { range, concurrent: true, ..of(key, amount, cap) }
}

fn claim(id: u128, wants: &[Want]) -> Claim {
    Claim {
        id: Uuid::from_u128(id),
        request_id: None,
        fingerprint: [0; 32],
        at: at(0),
        hold_until: None,
        dry_run: false,
        counters: wants.iter().map(|want| want.range.clone()).collect(),
        runs: BTreeSet::new(),
        decide: Arc::new(Within { wants: wants.to_vec(), pause: None }),
    }
}

fn held(id: u128, wants: &[Want], until: i64) -> Claim {
    Claim { hold_until: Some(at(until)), ..claim(id, wants) }
}

fn settle(id: u128, tokens: i64) -> CountingStep {
    CountingStep::Settle { id: Uuid::from_u128(id), usage: Usage { tokens, ..Usage::default() } }
}

fn release(id: u128) -> CountingStep {
    CountingStep::Release { id: Uuid::from_u128(id) }
}

fn decided(answer: &str) -> CountingAnswer {
    CountingAnswer::Decided { answer: answer.to_owned() }
}

async fn one<S: CounterStore + ?Sized>(
    store: &S,
    tenant: &TenantId,
    step: CountingStep,
    now: i64,
) -> CountingAnswer {
    let answers = store.count(tenant, &[step], at(now)).await.expect("counts");
    let [answer] = <[CountingAnswer; 1]>::try_from(answers).expect("one step, one answer");
    answer
}

async fn ask<S: CounterStore + ?Sized>(
    store: &S,
    tenant: &TenantId,
    claim: Claim,
    now: i64,
) -> CountingAnswer {
    one(store, tenant, CountingStep::Claim(Box::new(claim)), now).await
}

/// What is used and held of the first counter of a limit.
async fn counted<S: CounterStore + ?Sized>(store: &S, tenant: &TenantId, limit: &str) -> (i64, i64) {
    let counters = store.counters(tenant, &limit.into(), 1).await.expect("lists");
    counters.first().map_or((0, 0), |record| (record.counter.used, record.counter.held))
}

async fn assert_balanced<S: CounterStore + ?Sized>(store: &S, tenant: &TenantId) {
    let audit = store.audit_counters(tenant).await.expect("adds up");
    assert_eq!(audit.wrong, [], "counters are the sums of their entries");
}

pub(super) async fn limits_count_all_or_none<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let wants = |amount| [want("a", amount, 100), want("b", amount, 10), want("c", 1, 100)];
    assert_eq!(ask(&*store, &tenant, claim(1, &wants(8)), 0).await, decided("in after [0, 0, 0]"));
    assert_eq!(ask(&*store, &tenant, claim(2, &wants(8)), 0).await, decided("out after [8, 8, 1]"));
    for (limit, used) in [("a", 8), ("b", 8), ("c", 1)] {
        assert_eq!(counted(&*store, &tenant, limit).await, (used, 0), "{limit}");
    }
    // In one batch, each sees those before it; and another tenant's counters are its own.
    let batch = [3, 4, 5].map(|id| CountingStep::Claim(Box::new(claim(id, &wants(1)))));
    let answers = store.count(&tenant, &batch, at(0)).await.expect("counts");
    assert_eq!(answers, ["in after [8, 8, 1]", "in after [9, 9, 2]", "out after [10, 10, 3]"].map(decided));
    let other = names.tenant("b");
    assert_eq!(ask(&*store, &other, claim(1, &wants(10)), 0).await, decided("in after [0, 0, 0]"));
    // The first claim of a counter is measured like any other.
    let too_much = [want("first", 11, 10)];
    assert_eq!(ask(&*store, &other, claim(9, &too_much), 0).await, decided("out after [0]"));
    assert_eq!(counted(&*store, &other, "first").await, (0, 0));
    for tenant in [&tenant, &other] {
        assert_balanced(&*store, tenant).await;
    }
}

pub(super) async fn a_named_claim_counts_once<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let named = |id, name: &str, fingerprint, amount| Claim {
        request_id: Some(name.to_owned()),
        fingerprint: [fingerprint; 32],
        ..claim(id, &[want("cap", amount, 10)])
    };
    assert_eq!(ask(&*store, &tenant, named(1, "ü 'one'", 1, 6), 0).await, decided("in after [0]"));
    let again = ask(&*store, &tenant, named(2, "ü 'one'", 1, 6), 5).await;
    assert_eq!(again, CountingAnswer::Repeated { answer: "in after [0]".to_owned() });
    let other = ask(&*store, &tenant, named(3, "ü 'one'", 2, 1), 5).await;
    assert_eq!(other, CountingAnswer::OtherRequest);
    // What was stopped has its answer too, and within a batch names count as well.
    let twice = [named(4, "two", 1, 6), named(5, "two", 1, 6), named(6, "three", 1, 4)];
    let batch = twice.map(|claim| CountingStep::Claim(Box::new(claim)));
    let answers = store.count(&tenant, &batch, at(6)).await.expect("counts");
    let out = CountingAnswer::Repeated { answer: "out after [6]".to_owned() };
    assert_eq!(answers, [decided("out after [6]"), out, decided("in after [6]")]);
    assert_eq!(ask(&*store, &names.tenant("b"), named(1, "two", 9, 1), 0).await, decided("in after [0]"));
    // What nobody got an answer to is taken back, and its name is free again.
    let id = Uuid::from_u128(6);
    let void = one(&*store, &tenant, CountingStep::Void { id }, 7).await;
    assert_eq!(void, CountingAnswer::Closed { late: false });
    assert_eq!(counted(&*store, &tenant, "cap").await, (6, 0));
    assert_eq!(ask(&*store, &tenant, named(7, "three", 2, 1), 8).await, decided("in after [6]"));
    assert_balanced(&*store, &tenant).await;
}

pub(super) async fn what_was_used_is_settled_once<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let wants = [want("cap", 10, 10), want("wide", 10, 100)];
    ask(&*store, &tenant, held(1, &wants, 60), 0).await;
    assert_eq!(counted(&*store, &tenant, "cap").await, (0, 10));
    assert_eq!(ask(&*store, &tenant, held(2, &wants, 60), 0).await, decided("out after [10, 10]"));
    assert_eq!(one(&*store, &tenant, settle(1, 4), 1).await, CountingAnswer::Closed { late: false });
    for _ in 0..2 {
        let again = one(&*store, &tenant, settle(1, 9), 2).await;
        assert_eq!(again, CountingAnswer::Already(Standing::Settled));
    }
    assert_eq!(one(&*store, &tenant, release(1), 2).await, CountingAnswer::Already(Standing::Settled));
    assert_eq!(
        (counted(&*store, &tenant, "cap").await, counted(&*store, &tenant, "wide").await),
        ((4, 0), (4, 0))
    );
    // What has been used has been used, also beyond the cap.
    ask(&*store, &tenant, held(3, &[want("cap", 6, 10)], 60), 3).await;
    assert_eq!(one(&*store, &tenant, settle(3, 50), 4).await, CountingAnswer::Closed { late: false });
    assert_eq!(counted(&*store, &tenant, "cap").await, (54, 0));
    // What counts at once is settled by that; and nobody settles what isn't theirs.
    ask(&*store, &tenant, claim(4, &[want("wide", 1, 100)]), 5).await;
    assert_eq!(one(&*store, &tenant, settle(4, 1), 5).await, CountingAnswer::Already(Standing::Counted));
    assert_eq!(one(&*store, &tenant, settle(5, 1), 5).await, CountingAnswer::Unknown);
    assert_eq!(one(&*store, &names.tenant("b"), settle(3, 1), 5).await, CountingAnswer::Unknown);
    assert_balanced(&*store, &tenant).await;
}

pub(super) async fn holds_are_released_and_expire<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let all = [want("cap", 10, 10)];
    ask(&*store, &tenant, held(1, &all, 60), 0).await;
    assert_eq!(one(&*store, &tenant, release(1), 1).await, CountingAnswer::Closed { late: false });
    assert_eq!(one(&*store, &tenant, release(1), 1).await, CountingAnswer::Already(Standing::Released));
    assert_eq!(one(&*store, &tenant, settle(1, 5), 1).await, CountingAnswer::Already(Standing::Released));
    assert_eq!(ask(&*store, &tenant, held(2, &all, 60), 2).await, decided("in after [0]"));
    assert_eq!(ask(&*store, &tenant, held(3, &all, 60), 59).await, decided("out after [10]"));
    // At the instant of expiry, not after it.
    assert_eq!(ask(&*store, &tenant, held(4, &all, 90), 60).await, decided("in after [0]"));
    assert_eq!(one(&*store, &tenant, release(2), 61).await, CountingAnswer::Already(Standing::Expired));
    assert_eq!(one(&*store, &tenant, settle(2, 7), 62).await, CountingAnswer::Closed { late: true });
    assert_eq!(one(&*store, &tenant, settle(2, 7), 63).await, CountingAnswer::Already(Standing::Settled));
    assert_eq!(counted(&*store, &tenant, "cap").await, (7, 10));
    // A step about something else gives expired holds back as well.
    assert_eq!(one(&*store, &tenant, settle(9, 1), 90).await, CountingAnswer::Unknown);
    assert_eq!(counted(&*store, &tenant, "cap").await, (7, 0));
    assert_balanced(&*store, &tenant).await;
}

pub(super) async fn periods_and_subjects_have_their_own_counters<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let subjects = ["agent acme/a\\/b/c", "agent acme/a/b", "no provider", "provider \"x\"", "agent ä/ö/ü"];
    let mut id = 0;
    for round in 1..=2 {
        for day in [0, 1, 31] {
            for (subject, amount) in subjects.iter().zip(1..) {
                id += 1;
                let wants = [of(key("cap", subject, day), amount, 100)];
                let answer = ask(&*store, &tenant, claim(id, &wants), 0).await;
                assert_eq!(answer, decided(&format!("in after [{}]", (round - 1) * amount)), "{subject}");
            }
        }
    }
    let found = store.counters(&tenant, &"cap".into(), 100).await.expect("lists");
    let mut wanted: Vec<_> =
        [31, 1, 0].iter().flat_map(|day| subjects.map(|subject| key("cap", subject, *day))).collect();
    wanted.sort_by(|a, b| (b.period_start, &a.subject).cmp(&(a.period_start, &b.subject)));
    assert_eq!(found.iter().map(|record| record.key.clone()).collect::<Vec<_>>(), wanted);
    assert!(found.iter().all(|record| record.counter.entries == 2));
    let first = store.counters(&tenant, &"cap".into(), 2).await.expect("lists");
    assert_eq!(first, found[..2]);
    assert!(store.counters(&names.tenant("b"), &"cap".into(), 2).await.expect("lists").is_empty());
}

pub(super) async fn cooldowns_and_bands_are_remembered<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let run = RunKey { limit: "pause".into(), subject: "agent a/b/c".to_owned() };
    let at_second = |id, second, dry_run| Claim {
        at: at(second),
        dry_run,
        runs: BTreeSet::from([run.clone()]),
        decide: Arc::new(Within { wants: vec![], pause: Some((run.clone(), 30, at(second))) }),
        ..claim(id, &[])
    };
    assert_eq!(
        ask(&*store, &tenant, at_second(1, 0, true), 0).await,
        decided("in after []"),
        "counts nothing"
    );
    for (id, second, answer) in [(2, 5, "in"), (3, 34, "out"), (4, 35, "in"), (5, 5, "out"), (6, 64, "out")] {
        let found = ask(&*store, &tenant, at_second(id, second, false), second).await;
        assert_eq!(found, decided(&format!("{answer} after []")), "{second}");
    }
    // The nearest band stays told, and a rehearsal changes nothing.
    for (id, amount) in [(10, 6), (11, 1)] {
        ask(&*store, &tenant, claim(id, &[want("cap", amount, 100)]), 0).await;
        let rehearsal = Claim { dry_run: true, ..claim(99, &[want("cap", 90, 100)]) };
        ask(&*store, &tenant, rehearsal, 0).await;
    }
    let found = store.counters(&tenant, &"cap".into(), 1).await.expect("lists");
    let counter = found[0].counter;
    assert_eq!((counter.used, counter.told, counter.entries), (7, 1, 2));
    let huge = [want("cap", i64::MAX, i64::MAX)];
    let greedy = Claim { decide: Arc::new(Takes), hold_until: Some(at(60)), ..claim(12, &huge) };
    ask(&*store, &tenant, greedy, 0).await;
    assert_eq!(counted(&*store, &tenant, "cap").await, (7, i64::MAX));
    one(&*store, &tenant, release(12), 0).await;
    assert_eq!(counted(&*store, &tenant, "cap").await, (7, 0), "as much comes out as went in");
    assert_balanced(&*store, &tenant).await;
}

/// Takes all there is.
#[derive(Debug)]
struct Takes;

impl Decide for Takes {
    fn decide(&self, _: Counted<'_>) -> Verdict {
        let Want { key, amount, .. } = want("cap", i64::MAX, 0);
        Verdict {
            outcome: Outcome::Warn,
            charges: vec![Charge { key, meter: Meter::Tokens, amount, told: 0, concurrent: false }],
            runs: vec![],
            answer: String::new(),
        }
    }
}

/// Random batches: the same answers as the model's, and the same counters.
pub(super) async fn counting_equals_the_model<S: Store>(store: Arc<S>, names: Names) {
    let (tenant, model, mut draw) = (names.tenant("a"), MemoryStore::default(), Draw::new(11));
    let limits = ["a", "b", "c"];
    let mut now = 0;
    for round in 0..60_u128 {
        now += i64::try_from(draw.below(40)).expect("is small");
        let batch: Vec<_> = (0..=draw.below(6) as u128)
            .map(|step| {
                let known =
                    Uuid::from_u128(draw.below(usize::try_from(round * 8 + 1).expect("is small")) as u128);
                let tokens = i64::try_from(draw.below(30)).expect("is small");
                match draw.below(8) {
                    0 => CountingStep::Release { id: known },
                    1 => CountingStep::Settle { id: known, usage: Usage { tokens, ..Usage::default() } },
                    2 if draw.below(3) == 0 => CountingStep::Void { id: known },
                    kind => {
                        let mut wants = vec![];
                        for limit in limits {
                            if draw.below(2) == 0 {
                                let day = i64::try_from(draw.below(2)).expect("is small");
                                wants.push(match limit {
                                    "a" => of(key(limit, draw.one(&["x", "y"]), day), tokens, 150),
                                    "b" => rolling(limit, (day, day + 1, day + 2), tokens, 150),
                                    _ => concurrent(limit, day, tokens, 100),
                                });
                            }
                        }
                        let fingerprint = [u8::from(draw.below(4) == 0); 32];
                        let name = (draw.below(3) == 0).then(|| format!("r{}", draw.below(30)));
                        let until = now + i64::try_from(draw.below(200)).expect("is small");
                        CountingStep::Claim(Box::new(Claim {
                            request_id: name,
                            fingerprint,
                            hold_until: (kind > 4).then(|| at(until)),
                            ..claim(round * 8 + step, &wants)
                        }))
                    }
                }
            })
            .collect();
        let found = store.count(&tenant, &batch, at(now)).await.expect("counts");
        let wanted = model.count(&tenant, &batch, at(now)).await.expect("counts");
        assert_eq!(found, wanted, "round {round}: {batch:?}");
        for limit in limits {
            let limit: PolicyName = limit.into();
            let found = store.counters(&tenant, &limit, 9).await.expect("lists");
            assert_eq!(found, model.counters(&tenant, &limit, 9).await.expect("lists"), "round {round}");
        }
        assert_balanced(&*store, &tenant).await;
    }
    let (found, wanted) = (store.audit_counters(&tenant).await, model.audit_counters(&tenant).await);
    assert_eq!(found.expect("adds up"), wanted.expect("adds up"));
    assert!(EntryKind::ALL.len() == 5, "a new kind of entry wants a step here");
}
