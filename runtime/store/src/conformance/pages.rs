//! Pages.

use std::sync::Arc;

use super::Names;
use super::fixtures::{at, varied};
use crate::{ConflictFilter, LimitFilter, PageRequest, RuleFilter, Store};

pub(super) async fn pages_add_up_to_the_list<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    store.activate_bundle(&tenant, varied().activation(at(0))).await.expect("activates");
    let all = PageRequest::FIRST;
    let rules = store.rules(&tenant, &RuleFilter::default(), all).await.expect("lists rules");
    let limits = store.limits(&tenant, &LimitFilter::default(), all).await.expect("lists limits");
    let everything = ConflictFilter { include_resolved: true, ..ConflictFilter::default() };
    let conflicts = store.conflicts(&tenant, &everything, all).await.expect("lists conflicts");
    assert_eq!((rules.total, limits.total, conflicts.total), (16, 19, 15));
    for size in [1, 3, 16, 19, 20] {
        let (mut seen_rules, mut seen_limits, mut seen_conflicts) = (vec![], vec![], vec![]);
        for offset in (0..20).step_by(size) {
            let page = PageRequest::new(u32::try_from(size).expect("is small"), offset);
            let part = store.rules(&tenant, &RuleFilter::default(), page).await.expect("lists rules");
            assert_eq!(part.total, 16);
            assert_eq!(part.next.is_some(), offset + (part.items.len() as u64) < 16);
            seen_rules.extend(part.items);
            let part = store.limits(&tenant, &LimitFilter::default(), page).await.expect("lists limits");
            assert_eq!(part.total, 19);
            seen_limits.extend(part.items);
            let part = store.conflicts(&tenant, &everything, page).await.expect("lists conflicts");
            assert_eq!(part.total, 15);
            seen_conflicts.extend(part.items);
        }
        assert_eq!(seen_rules, rules.items, "pages of {size}");
        assert_eq!(seen_limits, limits.items, "pages of {size}");
        assert_eq!(seen_conflicts, conflicts.items, "pages of {size}");
    }
}

pub(super) async fn offsets_beyond_the_end<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    store.activate_bundle(&tenant, varied().activation(at(0))).await.expect("activates");
    for offset in [16, 1_000_000, PageRequest::MAX_OFFSET, u64::MAX] {
        let page = PageRequest::new(100, offset);
        let found = store.rules(&tenant, &RuleFilter::default(), page).await.expect("lists rules");
        assert_eq!((found.items.len(), found.total, found.next), (0, 16, None), "{offset}");
    }
    let none = PageRequest::new(0, 0);
    assert_eq!(none.limit, 1, "there is no empty page");
    assert_eq!(PageRequest::new(u32::MAX, 0).limit, PageRequest::MAX_LIMIT);
}
