//! Places in lists: whatever is written between two pages, what stays is seen once.

use std::sync::Arc;

use ordain_ir::{ConflictSeverity, ConflictType, EnforcementMode, RuleType};
use uuid::Uuid;

use super::Names;
use super::draw::Draw;
use super::fixtures::{Packed, at, bundle, conflict, limit, policies, rule, violation};
use super::governance::{entry, proposal, version};
use crate::{
    ConflictFilter, ConflictRecord, Cursor, LimitFilter, Page, PageRequest, ProposalFilter, RuleFilter,
    Store, TenantId, ViolationFilter,
};

/// Follows a list from page to page, each of a drawn size, while something is written in between, and holds what is seen
/// against what is there all the time.
async fn follow(
    draw: &mut Draw,
    mut page: impl AsyncFnMut(PageRequest<'_>) -> Page<String>,
    mut write: impl AsyncFnMut(&mut Draw),
) {
    let (mut seen, mut last): (Vec<String>, Option<Cursor>) = (vec![], None);
    let mut stayed = page(PageRequest::FIRST).await.items;
    loop {
        let size = u32::try_from(1 + draw.below(4)).expect("is small");
        let found = page(PageRequest::new(size, 0).after(last.as_ref())).await;
        let full = u32::try_from(found.items.len()) == Ok(size);
        assert!(full || found.next.is_none(), "a page that isn't full is the last");
        seen.extend(found.items);
        last = found.next;
        if last.is_none() {
            break;
        }
        write(draw).await;
        let now = page(PageRequest::FIRST).await;
        // From a list that is longer than a page nothing goes.
        if now.next.is_none() {
            stayed.retain(|one| now.items.contains(one));
        }
    }
    assert!(stayed.len() > 4, "something stays");
    let of_those: Vec<&String> = seen.iter().filter(|one| stayed.contains(one)).collect();
    assert_eq!(of_those, stayed.iter().collect::<Vec<_>>(), "what stays is seen once, in its order");
    let mut once = seen.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), seen.len(), "nothing is seen twice: {seen:?}");
}

/// Policies of which some always stay, some come and some go.
fn some(draw: &mut Draw) -> Packed {
    let stays = |i: usize| i.is_multiple_of(3);
    let names = |draw: &mut Draw| -> Vec<String> {
        (0..24).filter(|i| stays(*i) || draw.below(2) == 0).map(|i| format!("acme.p-{i:02}")).collect()
    };
    let rules: Vec<_> =
        names(draw).iter().map(|name| rule(name, RuleType::Safety, EnforcementMode::Block)).collect();
    let limits: Vec<_> =
        names(draw).iter().map(|name| limit(&format!("{name}-l"), "RUNS_DAILY", 1)).collect();
    // Those between policies that stay are there all the time.
    let mut conflicts = vec![];
    let pinned: Vec<_> = (0..24).filter(|i| stays(*i)).map(|i| format!("acme.p-{i:02}")).collect();
    let is_pinned = |rule: &&ordain_ir::Rule| pinned.iter().any(|name| rule.name.as_str() == name);
    let of_pinned: Vec<_> = rules.iter().filter(is_pinned).collect();
    let others = rules.windows(2).filter(|pair| !pair.iter().all(|rule| is_pinned(&rule)));
    let pairs =
        of_pinned.windows(2).map(|pair| [pair[0], pair[1]]).chain(others.map(|pair| [&pair[0], &pair[1]]));
    for (i, [a, b]) in pairs.enumerate() {
        let (kind, severity) = (ConflictType::ALL[i % 4], ConflictSeverity::ALL[i % 2]);
        conflicts.push(conflict(kind, severity, &[a.reference(), b.reference()]));
    }
    Packed::new(bundle(policies(rules, limits), vec![], conflicts))
}

async fn activate<S: Store>(store: &S, tenant: &TenantId, draw: &mut Draw, seconds: i64) {
    store.activate_bundle(tenant, some(draw).activation(at(seconds))).await.expect("activates");
}

pub(super) async fn names_are_followed_whatever_becomes_active<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    for seed in 0..6 {
        let draw = &mut Draw::new(seed);
        activate(&*store, &tenant, draw, 0).await;
        let rules = async |page: PageRequest<'_>| {
            let found = store.rules(&tenant, &RuleFilter::default(), page).await.expect("lists");
            let items = found.items.iter().map(|record| record.rule.name.to_string()).collect();
            Page { items, total: found.total, next: found.next }
        };
        follow(draw, rules, async |draw| activate(&*store, &tenant, draw, 1).await).await;
        let limits = async |page: PageRequest<'_>| {
            let found = store.limits(&tenant, &LimitFilter::default(), page).await.expect("lists");
            let items = found.items.iter().map(|record| record.limit.name.to_string()).collect();
            Page { items, total: found.total, next: found.next }
        };
        follow(draw, limits, async |draw| activate(&*store, &tenant, draw, 2).await).await;
    }
}

pub(super) async fn conflicts_are_followed_whatever_analyses_find<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let everything = ConflictFilter { include_resolved: true, ..ConflictFilter::default() };
    for seed in 0..10 {
        let draw = &mut Draw::new(seed);
        activate(&*store, &tenant, draw, 0).await;
        let page = async |page: PageRequest<'_>| {
            let found = store.conflicts(&tenant, &everything, page).await.expect("lists");
            // With what makes its place: a conflict that has become worse has moved.
            let shown =
                |it: &ConflictRecord| format!("{} {}", crate::conflict_rank(&it.conflict), it.conflict.id);
            Page { items: found.items.iter().map(shown).collect(), total: found.total, next: found.next }
        };
        assert!(page(PageRequest::FIRST).await.items.is_sorted(), "the worst first");
        follow(draw, page, async |draw| activate(&*store, &tenant, draw, 1).await).await;
    }
}

pub(super) async fn what_has_happened_is_followed_whatever_comes_in<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let draw = &mut Draw::new(7);
    let mut number = 0;
    // Of several at one instant, and late ones.
    let mut more = async |draw: &mut Draw| {
        let made: Vec<_> = (0..3)
            .map(|_| {
                number += 1;
                violation(number * 7919 % 1000, at(i64::try_from(draw.below(9)).expect("is small") * 60))
            })
            .collect();
        store.record_violations(&tenant, &made).await.expect("records");
    };
    for _ in 0..12 {
        more(draw).await;
    }
    let filter = ViolationFilter::since(at(-1));
    let page = async |page: PageRequest<'_>| {
        let found = store.violations(&tenant, &filter, page).await.expect("lists");
        let items = found.items.iter().map(|violation| violation.id.to_string()).collect();
        Page { items, total: found.total, next: found.next }
    };
    follow(draw, page, more).await;
}

pub(super) async fn proposals_versions_and_the_record_are_followed<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let draw = &mut Draw::new(11);
    let mut number = 0_u128;
    let mut more = async |draw: &mut Draw| {
        number += 1;
        let seconds = i64::try_from(draw.below(4)).expect("is small");
        let (record, first) = proposal(number * 7919 % 1000, seconds);
        let id = record.id.as_u128();
        store
            .create_proposal(&tenant, &record, &first, &entry(2 * number, "create", 0))
            .await
            .expect("creates");
        let second = version(id, 2, i64::try_from(draw.below(4)).expect("is small"));
        let noted = entry(2 * number + 1, "version", 0);
        store.add_proposal_version(&tenant, &second, &noted).await.expect("adds").expect("waits");
    };
    for _ in 0..12 {
        more(draw).await;
    }
    let proposals = async |page: PageRequest<'_>| {
        let found = store.proposals(&tenant, ProposalFilter::default(), page).await.expect("lists");
        let items = found.items.iter().map(|proposal| proposal.id.to_string()).collect();
        Page { items, total: found.total, next: found.next }
    };
    follow(draw, proposals, &mut more).await;
    let versions = async |page: PageRequest<'_>| {
        let found = store.proposal_versions(&tenant, false, page).await.expect("lists");
        let items = found.items.iter().map(|it| format!("{} {}", it.proposal, it.version)).collect();
        Page { items, total: found.total, next: found.next }
    };
    follow(draw, versions, &mut more).await;
    let log = async |page: PageRequest<'_>| {
        let found = store.audit_log(&tenant, page).await.expect("lists");
        let items = found.items.iter().map(|entry| entry.id.to_string()).collect();
        Page { items, total: found.total, next: found.next }
    };
    follow(draw, log, &mut more).await;
    let nowhere = Cursor::Audit(Uuid::from_u128(u128::MAX));
    let found = store.audit_log(&tenant, PageRequest::FIRST.after(Some(&nowhere))).await.expect("lists");
    assert_eq!((found.items, found.next), (vec![], None), "after what isn't there");
}

pub(super) async fn bundles_are_followed<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let draw = &mut Draw::new(13);
    let mut number = 0;
    let mut more = async |draw: &mut Draw| {
        number += 1;
        let mut packed = bundle(
            policies([rule(&format!("acme.r-{number}"), RuleType::Safety, EnforcementMode::Warn)], []),
            vec![],
            vec![],
        );
        packed.workspace = format!("w-{number}");
        let packed = Packed::new(packed);
        let seconds = i64::try_from(draw.below(4)).expect("is small");
        store.store_bundle(&tenant, packed.activation(at(seconds))).await.expect("keeps");
    };
    for _ in 0..10 {
        more(draw).await;
    }
    let page = async |page: PageRequest<'_>| {
        let found = store.bundles(&tenant, page).await.expect("lists");
        let items = found.items.iter().map(|bundle| bundle.digest.clone()).collect();
        Page { items, total: found.total, next: found.next }
    };
    follow(draw, page, more).await;
}

/// Every unresolved conflict, one after the other.
pub async fn followed_conflicts<S: Store>(store: &S, tenant: &TenantId) -> Vec<ConflictRecord> {
    let (mut found, mut after) = (vec![], None);
    loop {
        let request = PageRequest::new(1, 0).after(after.as_ref());
        let page = store.conflicts(tenant, &ConflictFilter::default(), request).await.expect("lists");
        found.extend(page.items);
        let Some(next) = page.next else { return found };
        after = Some(next);
    }
}
