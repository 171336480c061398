//! Violations and evaluations.

use std::sync::Arc;

use ordain_ir::{Outcome, PolicyId};
use uuid::Uuid;

use super::Names;
use super::draw::Draw;
use super::fixtures::{at, violation};
use crate::{
    EvaluationStore, EvaluationTally, EvaluationTotal, MemoryStore, PageRequest, Placed, Recorded,
    StateStore, Store, TenantId, ViolatedPolicy, Violation, ViolationFilter, ViolationKind,
    ViolationSeverity, ViolationSource, ViolationStore, ViolationType,
};

const FIRST: PageRequest<'static> = PageRequest::FIRST;

fn policy(name: &str) -> ViolatedPolicy {
    ViolatedPolicy { id: PolicyId::of(&name.into()), name: name.to_owned() }
}

pub(super) async fn a_violation_comes_back_as_it_was<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let whole = Violation {
        id: Uuid::from_u128(1),
        violation_type: ViolationType::Cost,
        violation_kind: ViolationKind::Anomaly,
        source: ViolationSource::Guard,
        severity: ViolationSeverity::from_thousandths(875).expect("is below 1"),
        policy: Some(policy("acme.support.cap")),
        path: Some("acme/support/mailer".to_owned()),
        run_id: Some("run 7; DROP TABLE violations".to_owned()),
        description: "שלום \" ' \\ 👩\u{200d}🚀".to_owned(),
        details: Some("{\"a\":\"\\u0000\",\"n\":12345678901234567890.10}".to_owned()),
        is_synthetic: true,
        synthetic_scenario_id: Some("s".to_owned()),
        occurred_at: at(-60),
        recorded_at: at(0),
    };
    let bare = violation(2, at(-30));
    let recorded = store.record_violations(&tenant, &[whole.clone(), bare.clone()]).await.expect("records");
    assert_eq!(recorded, Recorded { recorded: 2, duplicates: 0 });
    let all = ViolationFilter { include_synthetic: true, ..ViolationFilter::since(at(-100)) };
    let found = store.violations(&tenant, &all, FIRST).await.expect("lists");
    assert_eq!((found.items, found.total), (vec![bare.clone(), whole], 2), "the latest first");
    let nobody = store.violations(&names.tenant("b"), &all, FIRST).await.expect("lists");
    assert_eq!((nobody.items, nobody.total), (vec![], 0));
    let other = names.tenant("c");
    let again = store.record_violations(&other, std::slice::from_ref(&bare)).await.expect("records");
    assert_eq!(again.recorded, 1, "an identity is a tenant's own");
}

pub(super) async fn a_violation_counts_once<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let first = violation(1, at(0));
    let mut changed = first.clone();
    changed.violation_type = ViolationType::Ethical;
    let batch = [first.clone(), changed.clone(), violation(2, at(0))];
    let recorded = store.record_violations(&tenant, &batch).await.expect("records");
    assert_eq!(recorded, Recorded { recorded: 2, duplicates: 1 }, "within one batch");
    let recorded = store.record_violations(&tenant, &[changed]).await.expect("records");
    assert_eq!(recorded, Recorded { recorded: 0, duplicates: 1 }, "and afterwards");
    let filter = ViolationFilter::since(at(0));
    let found = store.violations(&tenant, &filter, FIRST).await.expect("lists");
    assert_eq!((found.total, found.items[1].clone()), (2, first));
    let counts = store.violation_counts(&tenant, &filter).await.expect("counts");
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [(ViolationType::Safety, 2)]);
    assert_eq!(store.state_counts(&tenant, at(0)).await.expect("counts").violations, 2);
    assert_eq!(store.record_violations(&tenant, &[]).await.expect("records"), Recorded::default());
}

/// 300 violations over four days, two at each instant, of every kind.
fn many(draw: &mut Draw) -> Vec<Violation> {
    let words = ["acme.a", "acme.b"];
    let made = (0..300_u32).map(|i| {
        let mut made = violation(u128::from(i) + 1, at(-1200 * i64::from(i / 2)));
        made.violation_type = draw.one(ViolationType::ALL);
        made.violation_kind = draw.one(ViolationKind::ALL);
        made.source = draw.one(ViolationSource::ALL);
        let thousandths = i64::try_from(draw.below(1001)).expect("is small");
        made.severity = ViolationSeverity::from_thousandths(thousandths).expect("is below 1");
        made.is_synthetic = draw.below(4) == 0;
        made.policy = draw.maybe(&words).map(policy);
        made
    });
    made.collect()
}

pub(super) async fn violations_equal_the_model<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let (model, mut draw) = (MemoryStore::default(), Draw::new(2026));
    let all = many(&mut draw);
    for batch in all.chunks(70) {
        let by_store = store.record_violations(&tenant, batch).await.expect("records");
        assert_eq!(by_store, model.record_violations(&tenant, batch).await.expect("records"));
    }
    let since = [at(-400_000), at(-86_400), at(-3600), at(-1), at(0), at(1), at(-1800), at(-100_000)];
    let severities = [0, 1, 499, 500, 999, 1000]
        .map(|thousandths| ViolationSeverity::from_thousandths(thousandths).expect("is below 1"));
    let policies = ["acme.a", "acme.b", "acme.c"].map(|name| policy(name).id);
    for round in 0..200 {
        let filter = ViolationFilter {
            since: draw.one(&since),
            violation_type: draw.maybe(ViolationType::ALL),
            violation_kind: draw.maybe(ViolationKind::ALL),
            source: draw.maybe(ViolationSource::ALL),
            severity_min: draw.maybe(&severities),
            policy: draw.maybe(&policies),
            include_synthetic: draw.below(2) == 0,
        };
        let after = (draw.below(3) == 0).then(|| all[draw.below(all.len())].place());
        let request = draw.page().after(after.as_ref());
        let found = store.violations(&tenant, &filter, request).await.expect("lists");
        let wanted = model.violations(&tenant, &filter, request).await.expect("lists");
        assert_eq!(found, wanted, "{round}: {filter:?} {request:?}");
        let found = store.violation_counts(&tenant, &filter).await.expect("counts");
        let wanted = model.violation_counts(&tenant, &filter).await.expect("counts");
        assert_eq!(found, wanted, "{round}: {filter:?}");
        let found = store.state_counts(&tenant, filter.since).await.expect("counts").violations;
        let wanted = model.state_counts(&tenant, filter.since).await.expect("counts").violations;
        assert_eq!(found, wanted, "{round}: {filter:?}");
    }
}

pub(super) async fn recorders_at_once_lose_nothing<S: Store + 'static>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let recorders: Vec<_> = (0..4_u128)
        .map(|recorder| {
            let (store, tenant) = (Arc::clone(&store), tenant.clone());
            tokio::spawn(async move {
                for batch in 0..10_u128 {
                    // Every second one is handed in by two recorders.
                    let made: Vec<_> = (0..6_u128)
                        .map(|i| {
                            let id = batch * 100 + i * 10 + if i % 2 == 0 { 0 } else { recorder };
                            let name = if (i + recorder) % 3 == 0 { "acme.a" } else { "acme.b" };
                            Violation { policy: Some(policy(name)), ..violation(id, at(0)) }
                        })
                        .collect();
                    store.record_violations(&tenant, &made).await.expect("records");
                    let tally = EvaluationTally {
                        at: at(0),
                        action: Outcome::Block,
                        evaluations: 3,
                        microseconds: 5,
                    };
                    store.record_evaluations(&tenant, &[tally]).await.expect("records");
                }
            })
        })
        .collect();
    for recorder in recorders {
        recorder.await.expect("every recorder gets through");
    }
    let found = store.violations(&tenant, &ViolationFilter::since(at(-1)), FIRST).await.expect("lists");
    assert_eq!(found.total, 150);
    let counted: u64 = store
        .violation_counts(&tenant, &ViolationFilter::since(at(-1)))
        .await
        .expect("counts")
        .values()
        .sum();
    assert_eq!(counted, 150, "what is counted beforehand is what there is");
    let mut of_policies = 0;
    for name in ["acme.a", "acme.b"] {
        let filter = ViolationFilter { policy: Some(policy(name).id), ..ViolationFilter::since(at(-1)) };
        of_policies += store.violations(&tenant, &filter, FIRST).await.expect("lists").total;
    }
    assert_eq!(of_policies, 150, "so is what is counted of policies");
    let totals = store.evaluation_totals(&tenant, at(0)).await.expect("adds up");
    assert_eq!(totals[&Outcome::Block], EvaluationTotal { evaluations: 120, microseconds: 200 });
}

async fn assert_same_totals<S: Store>(store: &S, model: &MemoryStore, tenant: &TenantId) {
    for seconds in [-200_000, -86_400, -7_260, -7_200, -7_199, -3_601, -61, -60, -59, -1, 0, 59, 60] {
        let found = store.evaluation_totals(tenant, at(seconds)).await.expect("adds up");
        let wanted = model.evaluation_totals(tenant, at(seconds)).await.expect("adds up");
        assert_eq!(found, wanted, "from {seconds} on");
    }
}

pub(super) async fn evaluations_add_up_to_the_minute<S: Store>(store: Arc<S>, names: Names) {
    let (tenant, model, mut draw) = (names.tenant("a"), MemoryStore::default(), Draw::new(3));
    assert_same_totals(&*store, &model, &tenant).await;
    for _ in 0..20 {
        let tallies: Vec<_> = (0..9)
            .map(|_| EvaluationTally {
                at: at(-i64::try_from(draw.below(100_000)).expect("is small")),
                action: draw.one(Outcome::ALL),
                evaluations: draw.below(5) as u64,
                microseconds: draw.below(1000) as u64,
            })
            .collect();
        store.record_evaluations(&tenant, &tallies).await.expect("records");
        model.record_evaluations(&tenant, &tallies).await.expect("records");
    }
    assert_same_totals(&*store, &model, &tenant).await;
    let nobody = store.evaluation_totals(&names.tenant("b"), at(-200_000)).await.expect("adds up");
    assert!(nobody.is_empty());
}

/// Three violations of a policy: two at `at(0)`, and one more than an hour before.
pub fn of_a_policy() -> Vec<Violation> {
    let one = |id, seconds| Violation { policy: Some(policy("acme.a")), ..violation(id, at(seconds)) };
    vec![one(1, 0), one(2, 0), one(3, -4_000)]
}

/// How many violations of that policy the store knows of since more than two hours, and since half an hour.
pub async fn known_of_a_policy<S: Store>(store: &S, tenant: &TenantId) -> (u64, u64) {
    let total = async |since| {
        let filter =
            ViolationFilter { policy: Some(policy("acme.a").id), ..ViolationFilter::since(at(since)) };
        store.violations(tenant, &filter, FIRST).await.expect("lists").total
    };
    (total(-9_000).await, total(-1_800).await)
}

/// Five violations: two at `at(0)`, two about two days before, one a week before.
pub fn over_days() -> Vec<Violation> {
    let seconds = [0, 0, -170_000, -180_000, -604_800];
    (1..).zip(seconds).map(|(id, seconds)| violation(id, at(seconds))).collect()
}

/// How many violations the store knows of since more than a week, since more than two days, and since half an hour.
pub async fn known_over_days<S: Store>(store: &S, tenant: &TenantId) -> [u64; 3] {
    let mut known = [0; 3];
    for (total, since) in known.iter_mut().zip([-605_000, -181_000, -1_800]) {
        *total =
            store.violations(tenant, &ViolationFilter::since(at(since)), FIRST).await.expect("lists").total;
    }
    known
}
