//! Readers and writers at once.

use std::sync::Arc;

use ordain_ir::{ConflictSeverity, ConflictType, DependencyType, EnforcementMode, RuleType};

use super::Names;
use super::fixtures::{Packed, at, bundle, conflict, edge, policies, rule};
use crate::{ConflictFilter, PageRequest, RuleFilter, Store, TenantId};

const ALL: PageRequest<'static> = PageRequest::FIRST;

/// `size` rules in a chain, each in conflict with the next: `size` rules, `size - 1` edges and conflicts. All
/// have the priority `size`, so a mixture of two generations shows.
fn generation(size: usize) -> Packed {
    let rules: Vec<_> = (0..size)
        .map(|i| {
            let mut rule = rule(&format!("g.r-{i:03}"), RuleType::Safety, EnforcementMode::Warn);
            rule.priority = i64::try_from(size).expect("is small");
            rule
        })
        .collect();
    let pairs = || rules.windows(2).map(|pair| [pair[1].reference(), pair[0].reference()]);
    let edges = pairs().map(|[from, to]| edge(from, to, DependencyType::ImplicitScope)).collect();
    let conflicts =
        pairs().map(|pair| conflict(ConflictType::ScopeOverlap, ConflictSeverity::Warning, &pair)).collect();
    Packed::new(bundle(policies(rules, []), edges, conflicts))
}

async fn assert_whole<S: Store>(store: &S, tenant: &TenantId) {
    let graph = store.dependency_graph(tenant).await.expect("reads during activations");
    let size = graph.rules.len();
    assert!([10, 20, 30].contains(&size), "{size} rules");
    assert_eq!(graph.edges.len(), size - 1);
    assert!(graph.rules.iter().all(|r| r.rule.priority == i64::try_from(size).expect("is small")));
    let rules = store.rules(tenant, &RuleFilter::default(), ALL).await.expect("reads during activations");
    assert_eq!(rules.items.len() as u64, rules.total);
    let conflicts = store.conflicts(tenant, &ConflictFilter::default(), ALL).await.expect("reads");
    assert_eq!(conflicts.items.len() as u64, conflicts.total);
    let counts = store.state_counts(tenant, at(0)).await.expect("reads during activations");
    assert_eq!(counts.conflicts_detected + 1, counts.total_policies);
}

pub(super) async fn readers_never_see_half_an_activation<S: Store + 'static>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    store.activate_bundle(&tenant, generation(10).activation(at(0))).await.expect("activates");
    let writer = {
        let (store, tenant) = (Arc::clone(&store), tenant.clone());
        tokio::spawn(async move {
            let generations = [generation(20), generation(30), generation(10)];
            for (i, packed) in generations.iter().cycle().take(30).enumerate() {
                let when = at(i64::try_from(i).expect("is small"));
                store.activate_bundle(&tenant, packed.activation(when)).await.expect("activates");
                tokio::task::yield_now().await;
            }
        })
    };
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (store, tenant) = (Arc::clone(&store), tenant.clone());
            tokio::spawn(async move {
                for _ in 0..25 {
                    assert_whole(&*store, &tenant).await;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    writer.await.expect("the writer gets through");
    for reader in readers {
        reader.await.expect("every reader sees whole generations");
    }
    assert_whole(&*store, &tenant).await;
}

pub(super) async fn activations_of_one_tenant_queue<S: Store + 'static>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let writers: Vec<_> = (0..12_usize)
        .map(|i| {
            let (store, tenant) = (Arc::clone(&store), tenant.clone());
            tokio::spawn(async move {
                let packed = generation(10 * (1 + i % 3));
                store.activate_bundle(&tenant, packed.activation(at(0))).await.expect("waits for its turn");
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("every writer gets through");
    }
    assert_whole(&*store, &tenant).await;
}
