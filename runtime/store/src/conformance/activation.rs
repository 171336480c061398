//! What activating a bundle does.

use std::sync::Arc;

use ordain_ir::{ConflictSeverity, ConflictType, EnforcementMode, RuleType};

use super::Names;
use super::fixtures::{Packed, at, audit_example, bundle, conflict, edge, limit, policies, rule, varied};
use crate::{
    ConflictFilter, GraphSnapshot, LimitFilter, PageRequest, RuleFilter, StateCounts, Store, TenantId,
};

const ALL: PageRequest<'static> = PageRequest::FIRST;

pub(super) async fn nothing_is_there_at_first<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let rules = store.rules(&tenant, &RuleFilter::default(), ALL).await.expect("lists rules");
    assert_eq!((rules.items, rules.total), (vec![], 0));
    let limits = store.limits(&tenant, &LimitFilter::default(), ALL).await.expect("lists limits");
    assert_eq!((limits.items, limits.total), (vec![], 0));
    let conflicts = store.conflicts(&tenant, &ConflictFilter::default(), ALL).await.expect("lists conflicts");
    assert_eq!((conflicts.items, conflicts.total, conflicts.unresolved_count), (vec![], 0, 0));
    assert_eq!(store.dependency_graph(&tenant).await.expect("gives the graph"), GraphSnapshot::default());
    assert_eq!(store.state_counts(&tenant, at(0)).await.expect("counts"), StateCounts::default());
    assert_eq!(store.active_bundle(&tenant).await.expect("gives the bundle"), None);
    assert_eq!(store.bundle_content(&tenant, "blake3:00").await.expect("gives content"), None);
    let nobody = audit_example().policies.rules.values().next().expect("has rules").id();
    assert_eq!(store.rule(&tenant, nobody).await.expect("looks"), None);
    assert_eq!(store.limit(&tenant, nobody).await.expect("looks"), None);
}

pub(super) async fn what_was_activated_is_there<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let packed = Packed::new(audit_example());
    let record = store.activate_bundle(&tenant, packed.activation(at(0))).await.expect("activates");
    assert_eq!((record.digest.as_str(), record.workspace.as_str()), (packed.digest.as_str(), "fixtures"));
    assert_eq!((record.language.as_str(), record.compiler.as_str()), ("1", "ordain 0.0.0"));
    assert_eq!((record.active, record.size), (true, packed.content.len() as u64));
    assert_eq!([record.uploaded_at, record.activated_at, record.analysed_at], [at(0); 3]);
    assert_eq!(store.active_bundle(&tenant).await.expect("gives the bundle"), Some(record));
    let content = store.bundle_content(&tenant, &packed.digest).await.expect("gives content");
    assert_eq!(content.as_deref(), Some(&packed.content[..]));

    let graph = store.dependency_graph(&tenant).await.expect("gives the graph");
    let listed: Vec<_> = graph.rules.iter().map(|record| record.rule.name.as_str()).collect();
    assert_eq!(listed, ["ethical-ai", "rate-limit-warning", "safety-baseline"]);
    assert_eq!(graph.edges, packed.bundle.dependencies.edges);
    assert_eq!(graph.computed_at, Some(at(0)));

    let conflicts = store.conflicts(&tenant, &ConflictFilter::default(), ALL).await.expect("lists conflicts");
    assert_eq!((conflicts.total, conflicts.unresolved_count), (1, 0));
    assert_eq!(conflicts.items[0].conflict, *packed.bundle.analysis.conflicts[0]);
    assert_eq!(conflicts.items[0].detected_at, at(0));

    let baseline = &packed.bundle.policies.rules[&"safety-baseline".into()];
    let detail = store.rule(&tenant, baseline.id()).await.expect("looks").expect("is there");
    assert_eq!(&detail.policy.rule, &**baseline);
    assert_eq!(detail.edges, graph.edges, "both edges touch it");
    assert_eq!(store.limit(&tenant, baseline.id()).await.expect("looks"), None, "a rule is no limit");

    let counts = store.state_counts(&tenant, at(0)).await.expect("counts");
    let wanted = StateCounts {
        total_policies: 3,
        active_policies: 3,
        conflicts_detected: 1,
        last_updated: Some(at(0)),
        ..StateCounts::default()
    };
    assert_eq!(counts, wanted);
}

pub(super) async fn a_new_bundle_replaces_the_old_one<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let keep = rule("keep", RuleType::Safety, EnforcementMode::Block);
    let change = rule("change", RuleType::Safety, EnforcementMode::Warn);
    let gone = rule("gone", RuleType::Safety, EnforcementMode::Audit);
    let cap = limit("cap", "RUNS_DAILY", 5);
    let first_conflict = conflict(
        ConflictType::ScopeOverlap,
        ConflictSeverity::Warning,
        &[keep.reference(), change.reference()],
    );
    let gone_conflict = conflict(
        ConflictType::ScopeOverlap,
        ConflictSeverity::Warning,
        &[keep.reference(), gone.reference()],
    );
    let first = Packed::new(bundle(
        policies([keep.clone(), change.clone(), gone.clone()], [cap.clone()]),
        vec![edge(gone.reference(), keep.reference(), ordain_ir::DependencyType::Explicit)],
        vec![gone_conflict, first_conflict.clone()],
    ));
    let mut changed = change.clone();
    changed.priority = 7;
    let mut changed_cap = cap.clone();
    changed_cap.bound.value = 6;
    let new = rule("new", RuleType::Ethical, EnforcementMode::Warn);
    let second = Packed::new(bundle(
        policies([keep.clone(), changed.clone(), new.clone()], [changed_cap.clone()]),
        vec![edge(new.reference(), keep.reference(), ordain_ir::DependencyType::Explicit)],
        vec![first_conflict.clone()],
    ));
    store.activate_bundle(&tenant, first.activation(at(0))).await.expect("activates");
    store.activate_bundle(&tenant, second.activation(at(9))).await.expect("activates");

    let graph = store.dependency_graph(&tenant).await.expect("gives the graph");
    let seen: Vec<_> = graph
        .rules
        .iter()
        .map(|r| (r.rule.name.as_str(), r.rule.priority, r.created_at, r.updated_at))
        .collect();
    assert_eq!(
        seen,
        [("change", 7, at(0), at(9)), ("keep", 0, at(0), at(0)), ("new", 0, at(9), at(9))],
        "what stayed keeps its first instant, what changed has a new last one"
    );
    let limits: Vec<_> =
        graph.limits.iter().map(|l| (l.limit.bound.value, l.created_at, l.updated_at)).collect();
    assert_eq!(limits, [(6, at(0), at(9))]);
    assert_eq!(graph.edges, second.bundle.dependencies.edges);
    assert_eq!(graph.computed_at, Some(at(9)));
    assert_eq!(store.rule(&tenant, gone.id()).await.expect("looks"), None);
    let conflicts = store.conflicts(&tenant, &ConflictFilter::default(), ALL).await.expect("lists conflicts");
    let seen: Vec<_> = conflicts.items.iter().map(|c| (&c.conflict, c.detected_at)).collect();
    assert_eq!(seen, [(&first_conflict, at(0))], "a conflict that stays keeps its first instant");
    let active = store.active_bundle(&tenant).await.expect("gives the bundle").expect("is there");
    assert_eq!((active.digest, active.uploaded_at), (second.digest, at(9)));

    store
        .activate_bundle(&tenant, Packed::new(bundle(policies([], []), vec![], vec![])).activation(at(10)))
        .await
        .expect("activates an empty bundle");
    let graph = store.dependency_graph(&tenant).await.expect("gives the graph");
    assert_eq!(graph, GraphSnapshot { computed_at: Some(at(10)), ..GraphSnapshot::default() });
    assert_eq!(
        store.state_counts(&tenant, at(0)).await.expect("counts"),
        StateCounts { last_updated: Some(at(10)), ..StateCounts::default() }
    );
}

pub(super) async fn activating_again_changes_nothing_but_the_analysis<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let packed = Packed::new(audit_example());
    store.activate_bundle(&tenant, packed.activation(at(0))).await.expect("activates");
    let before = store.dependency_graph(&tenant).await.expect("gives the graph");
    let again = store.activate_bundle(&tenant, packed.activation(at(5))).await.expect("activates");
    assert_eq!([again.uploaded_at, again.activated_at, again.analysed_at], [at(0), at(0), at(5)]);
    let after = store.dependency_graph(&tenant).await.expect("gives the graph");
    assert_eq!(after, GraphSnapshot { computed_at: Some(at(5)), ..before });
    // A better analyzer may see more, or less, in the same bundle.
    let without = crate::Activation { conflicts: &[], ..packed.activation(at(6)) };
    store.activate_bundle(&tenant, without).await.expect("activates");
    let none = store.conflicts(&tenant, &ConflictFilter::default(), ALL).await.expect("lists conflicts");
    assert_eq!(none.total, 0);
}

pub(super) async fn going_back_to_an_older_bundle<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let (old, new) = (Packed::new(audit_example()), varied());
    for (packed, seconds) in [(&old, 0), (&new, 1), (&old, 2)] {
        store.activate_bundle(&tenant, packed.activation(at(seconds))).await.expect("activates");
    }
    let active = store.active_bundle(&tenant).await.expect("gives the bundle").expect("is there");
    assert_eq!(active.digest, old.digest);
    assert_eq!([active.uploaded_at, active.activated_at], [at(0), at(2)]);
    let graph = store.dependency_graph(&tenant).await.expect("gives the graph");
    assert!(graph.rules.iter().all(|r| r.created_at == at(2)), "there was a break");
    assert!(store.bundle_content(&tenant, &new.digest).await.expect("gives content").is_some());
}

pub(super) async fn a_failed_activation_changes_nothing<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let good = Packed::new(audit_example());
    store.activate_bundle(&tenant, good.activation(at(0))).await.expect("activates");
    // Dropped before it is done: whatever it has written must be gone.
    let big = large(2_000);
    let unfinished = store.activate_bundle(&tenant, big.activation(at(1)));
    drop(tokio::time::timeout(std::time::Duration::from_millis(2), unfinished).await);
    let active = store.active_bundle(&tenant).await.expect("gives the bundle").expect("is there");
    let rules = store.rules(&tenant, &RuleFilter::default(), ALL).await.expect("lists rules").total;
    let wanted = if active.digest == good.digest { 3 } else { 2_000 };
    assert_eq!(rules, wanted, "wholly or not at all");
    store.activate_bundle(&tenant, good.activation(at(2))).await.expect("still activates");
    assert_all_of(&*store, &tenant, &good).await;
}

pub(super) async fn a_large_bundle<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let big = large(3_000);
    store.activate_bundle(&tenant, big.activation(at(0))).await.expect("activates");
    assert_all_of(&*store, &tenant, &big).await;
}

fn large(count: usize) -> Packed {
    let rules: Vec<_> =
        (0..count).map(|i| rule(&format!("big.r-{i:05}"), RuleType::Safety, EnforcementMode::Warn)).collect();
    let edges = rules
        .windows(2)
        .map(|pair| edge(pair[1].reference(), pair[0].reference(), ordain_ir::DependencyType::ImplicitScope))
        .collect();
    Packed::new(bundle(policies(rules, []), edges, vec![]))
}

async fn assert_all_of<S: Store>(store: &S, tenant: &TenantId, packed: &Packed) {
    let graph = store.dependency_graph(tenant).await.expect("gives the graph");
    assert!(graph.rules.iter().map(|r| &r.rule).eq(packed.bundle.policies.rules.values().map(|r| &**r)));
    assert_eq!(graph.edges, packed.bundle.dependencies.edges);
}
