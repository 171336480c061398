//! Text of any kind.

use std::sync::Arc;

use ordain_ir::{
    Condition, ConflictSeverity, ConflictType, DependencyType, EnforcementMode, RuleType, TextTest,
};

use super::Names;
use super::fixtures::{Packed, at, bundle, conflict, edge, limit, policies, rule};
use crate::{ConflictFilter, PageRequest, RuleFilter, Store};

const ALL: PageRequest<'static> = PageRequest::FIRST;

/// Everything that has ever broken a database: NUL, quotes, wildcards, combining marks, right-to-left,
/// characters beyond the first plane, an unpaired-surrogate look-alike, a numeral that floats would round.
const ODD: &str = "nul \0 'single' \"double\" %_*?[x] \\ \u{308} e\u{301} é שלום 👩\u{200d}🚀 \u{ffff} \
                   \\ud800 ${x} {{y}} -- ; DROP TABLE policy_rules; \r\n\t 12345678901234567890.10";

pub(super) async fn any_text_comes_back_as_it_was<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let mut odd = rule("acme.odd", RuleType::Safety, EnforcementMode::Block);
    ODD.clone_into(&mut odd.doc);
    odd.condition = Condition::Text { fact: "x".into(), test: TextTest::Equals(ODD.to_owned()) };
    odd.priority = i64::MIN;
    let mut cap = limit("acme.cap", "COST_MONTHLY", i64::MAX);
    ODD.clone_into(&mut cap.doc);
    cap.rule = Some(odd.name.clone());
    let mut edge = edge(cap.reference(), odd.reference(), DependencyType::ImplicitLimit);
    ODD.clone_into(&mut edge.explanation);
    let pair = [odd.reference(), cap.reference()];
    let mut conflict = conflict(ConflictType::TemporalConflict, ConflictSeverity::Warning, &pair);
    ODD.clone_into(&mut conflict.explanation);
    let mut all = bundle(policies([odd.clone()], [cap.clone()]), vec![edge], vec![conflict]);
    "wörk \" space".clone_into(&mut all.workspace);
    let packed = Packed::new(all);
    store.activate_bundle(&tenant, packed.activation(at(0))).await.expect("activates");
    let graph = store.dependency_graph(&tenant).await.expect("gives the graph");
    assert_eq!((&graph.rules[0].rule, &graph.limits[0].limit), (&odd, &cap));
    assert_eq!(graph.edges, packed.bundle.dependencies.edges);
    let conflicts = store.conflicts(&tenant, &ConflictFilter::default(), ALL).await.expect("lists conflicts");
    assert_eq!(conflicts.items[0].conflict, *packed.bundle.analysis.conflicts[0]);
    let active = store.active_bundle(&tenant).await.expect("gives the bundle").expect("is there");
    assert_eq!(active.workspace, "wörk \" space");
    // The same text again is no change.
    store.activate_bundle(&tenant, packed.activation(at(1))).await.expect("activates");
    let again = store.dependency_graph(&tenant).await.expect("gives the graph");
    assert_eq!((again.rules[0].updated_at, again.limits[0].updated_at), (at(0), at(0)));
}

pub(super) async fn names_are_ordered_bytewise<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let sorted =
        ["B.x", "a-b.x", "a.B", "a.a", "a.a-b", "a.a10", "a.a9", "a_b.x", "z.x", "ä.x", "ﬀ.x", "👩.x"];
    let rules = sorted.iter().rev().map(|name| rule(name, RuleType::System, EnforcementMode::Audit));
    let packed = Packed::new(bundle(policies(rules, []), vec![], vec![]));
    store.activate_bundle(&tenant, packed.activation(at(0))).await.expect("activates");
    let found = store.rules(&tenant, &RuleFilter::default(), ALL).await.expect("lists rules");
    let found: Vec<_> = found.items.iter().map(|r| r.rule.name.as_str().to_owned()).collect();
    assert_eq!(found, sorted);
}
