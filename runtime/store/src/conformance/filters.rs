//! Each filter by itself, against a predicate written here. (Combinations: the oracle.)

use std::sync::Arc;

use ordain_ir::{
    Category, ConflictSeverity, Enforcement, EnforcementMode, Level, LimitStatus, RuleStatus, RuleType,
    Source,
};

use super::Names;
use super::fixtures::{Packed, at, audit_example, bundle, limit, policies, varied};
use crate::{
    ConflictFilter, LimitFilter, LimitRecord, LimitTypePattern, PageRequest, RuleFilter, RuleRecord, Store,
    TenantId,
};

const ALL: PageRequest<'static> = PageRequest::FIRST;

async fn assert_rules<S: Store>(
    store: &S,
    tenant: &TenantId,
    filter: RuleFilter,
    keep: impl Fn(&RuleRecord) -> bool,
) {
    let all = store.rules(tenant, &RuleFilter::default(), ALL).await.expect("lists rules").items;
    let found = store.rules(tenant, &filter, ALL).await.expect("lists rules");
    let wanted: Vec<_> = all.into_iter().filter(keep).collect();
    assert!(!wanted.is_empty(), "{filter:?} is put to a real test");
    assert_eq!(found.total, wanted.len() as u64, "{filter:?}");
    assert_eq!(found.items, wanted, "{filter:?}");
}

async fn assert_limits<S: Store>(
    store: &S,
    tenant: &TenantId,
    filter: LimitFilter,
    keep: impl Fn(&LimitRecord) -> bool,
) {
    let all = store.limits(tenant, &LimitFilter::default(), ALL).await.expect("lists limits").items;
    let found = store.limits(tenant, &filter, ALL).await.expect("lists limits");
    let wanted: Vec<_> = all.into_iter().filter(keep).collect();
    assert!(!wanted.is_empty(), "{filter:?} is put to a real test");
    assert_eq!(found.total, wanted.len() as u64, "{filter:?}");
    assert_eq!(found.items, wanted, "{filter:?}");
}

pub(super) async fn rules_by_each_filter<S: Store>(store: Arc<S>, names: Names) {
    let (store, tenant) = (&*store, names.tenant("a"));
    store.activate_bundle(&tenant, varied().activation(at(0))).await.expect("activates");
    for wanted in RuleStatus::ALL.iter().copied() {
        let filter = RuleFilter { status: Some(wanted), ..RuleFilter::default() };
        assert_rules(store, &tenant, filter, |r| r.rule.status == wanted).await;
    }
    for wanted in EnforcementMode::ALL.iter().copied() {
        let filter = RuleFilter { enforcement_mode: Some(wanted), ..RuleFilter::default() };
        assert_rules(store, &tenant, filter, |r| r.rule.enforcement_mode == wanted).await;
    }
    for wanted in Level::ALL[..4].iter().copied() {
        let filter = RuleFilter { scope: Some(wanted), ..RuleFilter::default() };
        assert_rules(store, &tenant, filter, |r| r.rule.scope.level == wanted).await;
    }
    for wanted in Source::ALL.iter().copied() {
        let filter = RuleFilter { source: Some(wanted), ..RuleFilter::default() };
        assert_rules(store, &tenant, filter, |r| r.rule.source == wanted).await;
    }
    for wanted in RuleType::ALL.iter().copied() {
        let filter = RuleFilter { rule_type: Some(wanted), ..RuleFilter::default() };
        assert_rules(store, &tenant, filter, |r| r.rule.rule_type == wanted).await;
    }
}

pub(super) async fn limits_by_each_filter<S: Store>(store: Arc<S>, names: Names) {
    let (store, tenant) = (&*store, names.tenant("a"));
    store.activate_bundle(&tenant, varied().activation(at(0))).await.expect("activates");
    for wanted in LimitStatus::ALL.iter().copied() {
        let filter = LimitFilter { status: Some(wanted), ..LimitFilter::default() };
        assert_limits(store, &tenant, filter, |l| l.limit.status == wanted).await;
    }
    for wanted in Category::ALL.iter().copied() {
        let filter = LimitFilter { category: Some(wanted), ..LimitFilter::default() };
        assert_limits(store, &tenant, filter, |l| l.limit.quantity.category() == wanted).await;
    }
    for wanted in Level::ALL.iter().copied() {
        let filter = LimitFilter { scope: Some(wanted), ..LimitFilter::default() };
        assert_limits(store, &tenant, filter, |l| l.limit.scope.level == wanted).await;
    }
    for wanted in Enforcement::ALL.iter().copied() {
        let filter = LimitFilter { enforcement: Some(wanted), ..LimitFilter::default() };
        assert_limits(store, &tenant, filter, |l| l.limit.enforcement == wanted).await;
    }
}

pub(super) async fn limit_types_by_prefix<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    store.activate_bundle(&tenant, varied().activation(at(0))).await.expect("activates");
    for (pattern, wanted) in [
        ("RISK_CEILING", 1),
        ("COOLDOWN", 1),
        ("RUNS_DAILY", 1),
        ("RUNS_*", 5),
        ("TOKENS_*", 6),
        ("COST_*", 6),
        ("*", 19),
        ("R*", 6),
        // Nothing else is special, in any dialect, and case counts.
        ("RUNS_", 0),
        ("RUNS", 0),
        ("runs_*", 0),
        ("Runs_Daily", 0),
        ("*_DAILY", 0),
        ("RUNS_*_DAILY", 0),
        ("RUNS%", 0),
        ("%", 0),
        ("%*", 0),
        ("_UNS_*", 0),
        ("RUNS_DAIL_", 0),
        ("RUNS?DAILY", 0),
        ("RUNS_DAIL?*", 0),
        ("[R]UNS_*", 0),
        ("[*", 0),
        (r"RUNS\_*", 0),
        (r"\*", 0),
        ("", 0),
        ("'*", 0),
    ] {
        let filter =
            LimitFilter { limit_type: Some(LimitTypePattern::parse(pattern)), ..LimitFilter::default() };
        let found = store.limits(&tenant, &filter, ALL).await.expect("lists limits");
        assert_eq!((found.total, found.items.len() as u64), (wanted, wanted), "`{pattern}`");
    }
}

pub(super) async fn conflicts_by_severity_and_resolution<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let packed = varied();
    store.activate_bundle(&tenant, packed.activation(at(0))).await.expect("activates");
    let all = &packed.bundle.analysis.conflicts;
    let blocking =
        all.iter().filter(|c| c.severity == ConflictSeverity::Blocking && !c.resolved).count() as u64;
    assert!(blocking > 0 && all.iter().any(|c| c.resolved));
    for severity in [None, Some(ConflictSeverity::Warning), Some(ConflictSeverity::Blocking)] {
        for include_resolved in [false, true] {
            let filter = ConflictFilter { severity, include_resolved };
            let found = store.conflicts(&tenant, &filter, ALL).await.expect("lists conflicts");
            let wanted: Vec<_> = all
                .iter()
                .map(Arc::as_ref)
                .filter(|c| severity.is_none_or(|s| c.severity == s) && (include_resolved || !c.resolved))
                .collect();
            assert!(found.items.iter().map(|c| &c.conflict).eq(wanted.iter().copied()), "{filter:?}");
            assert_eq!((found.total, found.unresolved_count), (wanted.len() as u64, blocking), "{filter:?}");
        }
    }
}

pub(super) async fn times_are_inclusive<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    // Half a microsecond is lost on the way in.
    let created = at(0).checked_add(jiff::Span::new().nanoseconds(1_500)).expect("is a time");
    let kept = at(0).checked_add(jiff::Span::new().microseconds(1)).expect("is a time");
    let mut example = audit_example();
    example.policies.limits =
        bundle(policies([], [limit("cap", "COOLDOWN", 5)]), vec![], vec![]).policies.limits;
    store.activate_bundle(&tenant, Packed::new(example).activation(created)).await.expect("activates");
    let tick = jiff::Span::new().nanoseconds(1);
    let (earlier, later) =
        (kept.checked_sub(tick).expect("is a time"), kept.checked_add(tick).expect("is a time"));
    for (after, before, found) in [
        (Some(kept), Some(kept), true),
        (Some(earlier), Some(later), true),
        (Some(later), None, false),
        (None, Some(earlier), false),
        (Some(jiff::Timestamp::MIN), Some(jiff::Timestamp::MAX), true),
        (Some(jiff::Timestamp::MAX), None, false),
        (None, Some(jiff::Timestamp::MIN), false),
    ] {
        let rules = RuleFilter { created_after: after, created_before: before, ..RuleFilter::default() };
        let limits = LimitFilter { created_after: after, created_before: before, ..LimitFilter::default() };
        let rules = store.rules(&tenant, &rules, ALL).await.expect("lists rules");
        let limits = store.limits(&tenant, &limits, ALL).await.expect("lists limits");
        let wanted = if found { (3, 1) } else { (0, 0) };
        assert_eq!((rules.total, limits.total), wanted, "{after:?}..{before:?}");
        assert!(rules.items.iter().all(|r| r.created_at == kept && r.updated_at == kept));
    }
}
