//! Places that are watched for new bundles.

use std::sync::Arc;

use uuid::Uuid;

use super::Names;
use super::fixtures::{Packed, at, audit_example, varied};
use crate::{
    Activation, AuditEntry, BundleOrigin, BundleRecord, Governed, PageRequest, Principal, PrincipalKind,
    Refusal, Sighting, Store, Succession, Taken, TenantId,
};

const ALL: PageRequest<'static> = PageRequest::FIRST;

fn entry(id: u128) -> AuditEntry {
    AuditEntry {
        id: Uuid::from_u128(id),
        at: at(0),
        actor: Principal::new(PrincipalKind::Service, "watch").expect("is a name"),
        action: "bundle.activate".to_owned(),
        subject: "it".to_owned(),
        details: "{}".to_owned(),
    }
}

/// Makes a bundle active that was found, over what is active, after what was last taken from there.
async fn take<S: Store>(
    store: &S,
    tenant: &TenantId,
    packed: &Packed,
    (seconds, audit): (i64, u128),
    (based_on, after): (Option<&str>, Option<&str>),
) -> Governed<BundleRecord> {
    let activation = Activation { origin: BundleOrigin::Watch, ..packed.activation(at(seconds)) };
    let sighting = Sighting { place: "s3://b/k", object: "k", modified_at: at(seconds - 9), after };
    let succession = Succession { activation, based_on, acknowledgements: &[], sighting: Some(&sighting) };
    store.succeed(tenant, succession, &entry(audit)).await.expect("looks")
}

pub(super) async fn what_was_taken_from_a_place_is_kept<S: Store>(store: Arc<S>, names: Names) {
    let (tenant, other) = (names.tenant("a"), names.tenant("b"));
    let (first, second) = (Packed::new(audit_example()), varied());
    let last = async |place: &str| store.last_taken(&tenant, place).await.expect("tells");
    assert_eq!(last("s3://b/k").await, None);
    let (one, two) = (Some(first.digest.as_str()), Some(second.digest.as_str()));
    let record = take(&*store, &tenant, &first, (10, 1), (None, None)).await.expect("is taken");
    assert_eq!((record.active, record.origin), (true, BundleOrigin::Watch));
    let taken = |packed: &Packed, seconds| {
        let (object, digest) = ("k".to_owned(), packed.digest.clone());
        Some(Taken { object, modified_at: at(seconds - 9), digest, taken_at: at(seconds) })
    };
    assert_eq!(last("s3://b/k").await, taken(&first, 10));
    assert_eq!(last("s3://b/other").await, None);
    assert_eq!(store.last_taken(&other, "s3://b/k").await.expect("tells"), None);

    // Whoever has seen less than what was taken takes nothing.
    for stale in [(one, None), (None, one), (one, two)] {
        let refused = take(&*store, &tenant, &second, (20, 2), stale).await;
        assert_eq!(refused, Err(Refusal::BaseChanged));
    }
    assert_eq!(last("s3://b/k").await, taken(&first, 10), "nothing happened");
    take(&*store, &tenant, &second, (30, 3), (one, one)).await.expect("is taken");
    assert_eq!(last("s3://b/k").await, taken(&second, 30));

    // A person goes back; what was last taken is still known, and whoever saw it before that takes it no second time.
    let back = Succession {
        activation: first.activation(at(40)),
        based_on: two,
        acknowledgements: &[],
        sighting: None,
    };
    store.succeed(&tenant, back, &entry(4)).await.expect("looks").expect("is active");
    assert_eq!(last("s3://b/k").await, taken(&second, 30));
    let late = take(&*store, &tenant, &second, (50, 5), (one, one)).await;
    assert_eq!(late, Err(Refusal::BaseChanged));
    let active = store.active_bundle(&tenant).await.expect("gives").expect("is there");
    assert_eq!(active.digest, first.digest);
    assert_eq!(store.audit_log(&tenant, ALL).await.expect("lists").total, 3);
}

pub(super) async fn of_several_who_see_the_same_one_takes_it<S: Store + 'static>(
    store: Arc<S>,
    names: Names,
) {
    let tenant = names.tenant("a");
    let tasks: Vec<_> = (0..4)
        .map(|number| {
            let (store, tenant) = (Arc::clone(&store), tenant.clone());
            tokio::spawn(async move {
                let packed = Packed::new(audit_example());
                take(&*store, &tenant, &packed, (10, number), (None, None)).await.is_ok()
            })
        })
        .collect();
    let mut took = 0;
    for task in tasks {
        took += u32::from(task.await.expect("ends"));
    }
    assert_eq!(took, 1);
    let active = store.active_bundle(&tenant).await.expect("gives").expect("is there");
    assert_eq!((active.activations, active.origin), (1, BundleOrigin::Watch));
}
