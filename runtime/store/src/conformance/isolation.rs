//! Tenants.

use std::sync::Arc;

use super::Names;
use super::fixtures::{Packed, at, audit_example, varied};
use crate::{
    ConflictFilter, GraphSnapshot, LimitFilter, PageRequest, RuleFilter, StateCounts, Store, TenantId,
};

const ALL: PageRequest<'static> = PageRequest::FIRST;

async fn assert_empty<S: Store>(store: &S, tenant: &TenantId, other: &Packed) {
    assert_eq!(store.rules(tenant, &RuleFilter::default(), ALL).await.expect("lists").total, 0, "{tenant}");
    assert_eq!(store.limits(tenant, &LimitFilter::default(), ALL).await.expect("lists").total, 0, "{tenant}");
    let everything = ConflictFilter { include_resolved: true, ..ConflictFilter::default() };
    let conflicts = store.conflicts(tenant, &everything, ALL).await.expect("lists");
    assert_eq!((conflicts.total, conflicts.unresolved_count), (0, 0), "{tenant}");
    assert_eq!(store.dependency_graph(tenant).await.expect("gives"), GraphSnapshot::default(), "{tenant}");
    assert_eq!(store.state_counts(tenant, at(0)).await.expect("counts"), StateCounts::default(), "{tenant}");
    assert_eq!(store.active_bundle(tenant).await.expect("gives"), None, "{tenant}");
    assert_eq!(store.bundle_content(tenant, &other.digest).await.expect("gives"), None, "{tenant}");
    for rule in other.bundle.policies.rules.values() {
        assert_eq!(store.rule(tenant, rule.id()).await.expect("looks"), None, "{tenant}");
    }
    for limit in other.bundle.policies.limits.values() {
        assert_eq!(store.limit(tenant, limit.id()).await.expect("looks"), None, "{tenant}");
    }
}

pub(super) async fn tenants_see_nothing_of_each_other<S: Store>(store: Arc<S>, names: Names) {
    let (one, two, nobody) = (names.tenant("one"), names.tenant("two"), names.tenant("nobody"));
    let (rich, poor) = (varied(), Packed::new(audit_example()));
    store.activate_bundle(&one, rich.activation(at(0))).await.expect("activates");
    assert_empty(&*store, &two, &rich).await;
    store
        .activate_bundle(&two, rich.activation(at(1)))
        .await
        .expect("the same identities fit beside each other");
    store.activate_bundle(&two, poor.activation(at(2))).await.expect("activates");
    let mine = store.dependency_graph(&one).await.expect("gives the graph");
    assert_eq!((mine.rules.len(), mine.limits.len(), mine.edges.len()), (16, 19, 15));
    assert!(mine.rules.iter().all(|r| r.created_at == at(0)) && mine.computed_at == Some(at(0)));
    let active = store.active_bundle(&one).await.expect("gives").expect("is there");
    assert_eq!((active.digest, active.active), (rich.digest.clone(), true));
    let yours = store.dependency_graph(&two).await.expect("gives the graph");
    assert_eq!((yours.rules.len(), yours.limits.len(), yours.edges.len()), (3, 0, 2));
    assert_empty(&*store, &nobody, &rich).await;
}

pub(super) async fn tenants_differ_in_case_and_accents<S: Store>(store: Arc<S>, names: Names) {
    let packed = Packed::new(audit_example());
    store.activate_bundle(&names.tenant("Ä%_x"), packed.activation(at(0))).await.expect("activates");
    // Lower case, decomposed, wildcards, a space at the end, a quotation mark.
    for near in ["ä%_x", "A\u{308}%_x", "Äabx", "Ä%_x ", "Ä%_", "Ä%_x' OR '1'='1"] {
        assert_empty(&*store, &names.tenant(near), &packed).await;
    }
}
