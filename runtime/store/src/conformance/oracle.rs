//! The store beside the model: combinations of filters and pages, drawn from a fixed seed.

use std::sync::Arc;

use jiff::Timestamp;
use ordain_ir::{
    Category, ConflictSeverity, Enforcement, EnforcementMode, Level, LimitStatus, RuleStatus, RuleType,
    Source,
};

use super::Names;
use super::draw::Draw;
use super::fixtures::{at, varied};
use crate::{
    BundleStore, ConflictFilter, ConflictStore, LimitFilter, LimitStore, LimitTypePattern, MemoryStore,
    RuleFilter, RuleStore, Store,
};

pub(super) async fn answers_equal_the_model<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let model = MemoryStore::default();
    // Two activations, so that instants differ: the first has every other policy.
    let full = varied();
    let mut half = varied().bundle;
    half.policies.rules.retain(|_, rule| rule.id().0.as_u128() % 2 == 0);
    half.policies.limits.retain(|_, limit| limit.id().0.as_u128() % 2 == 0);
    half.analysis.conflicts.clear();
    half.dependencies.edges.clear();
    let half = super::fixtures::Packed::new(half);
    for (packed, seconds) in [(&half, 0), (&full, 60)] {
        let by_model = model.activate_bundle(&tenant, packed.activation(at(seconds))).await;
        let by_store = store.activate_bundle(&tenant, packed.activation(at(seconds))).await;
        assert_eq!(by_store.expect("activates"), by_model.expect("activates"));
    }
    let times: Vec<Timestamp> = [-1, 0, 30, 60, 61].into_iter().map(at).collect();
    let patterns: Vec<_> = ["RUNS_*", "TOKENS_*", "COST_MONTHLY", "COOLDOWN", "*", "R%*"]
        .into_iter()
        .map(LimitTypePattern::parse)
        .collect();
    let mut draw = Draw::new(2026);
    for _ in 0..150 {
        let page = draw.page();
        let filter = RuleFilter {
            status: draw.maybe(RuleStatus::ALL),
            enforcement_mode: draw.maybe(EnforcementMode::ALL),
            scope: draw.maybe(Level::ALL),
            source: draw.maybe(Source::ALL),
            rule_type: draw.maybe(RuleType::ALL),
            created_after: draw.maybe(&times),
            created_before: draw.maybe(&times),
        };
        let found = store.rules(&tenant, &filter, page).await.expect("lists rules");
        assert_eq!(
            found,
            model.rules(&tenant, &filter, page).await.expect("lists rules"),
            "{filter:?} {page:?}"
        );
        let filter = LimitFilter {
            category: draw.maybe(Category::ALL),
            status: draw.maybe(LimitStatus::ALL),
            scope: draw.maybe(Level::ALL),
            enforcement: draw.maybe(Enforcement::ALL),
            limit_type: draw.maybe(&patterns),
            created_after: draw.maybe(&times),
            created_before: draw.maybe(&times),
        };
        let found = store.limits(&tenant, &filter, page).await.expect("lists limits");
        assert_eq!(found, model.limits(&tenant, &filter, page).await.expect("lists"), "{filter:?} {page:?}");
        let filter = ConflictFilter {
            severity: draw.maybe(ConflictSeverity::ALL),
            include_resolved: draw.below(2) == 0,
        };
        let found = store.conflicts(&tenant, &filter, page).await.expect("lists conflicts");
        assert_eq!(
            found,
            model.conflicts(&tenant, &filter, page).await.expect("lists"),
            "{filter:?} {page:?}"
        );
    }
}
