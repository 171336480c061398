//! Proposals, decisions, acknowledgements, and the record of them.

use std::sync::Arc;

use ordain_ir::{ConflictSeverity, ConflictType, EnforcementMode, RuleType, Source};
use uuid::Uuid;

use super::Names;
use super::fixtures::{Packed, at, audit_example, bundle, conflict, policies, rule};
use crate::{
    AuditEntry, BundleOrigin, ConflictAcknowledgement, ConflictFilter, Decision, PageRequest, Principal,
    PrincipalKind, ProposalFilter, ProposalRecord, ProposalStats, ProposalStatus, Refusal, RuleFilter, Store,
    Succession, TenantId, VersionRecord,
};

const ALL: PageRequest<'static> = PageRequest::FIRST;

fn person(name: &str) -> Principal {
    Principal { kind: PrincipalKind::Human, name: name.to_owned() }
}

pub(super) fn proposal(number: u128, seconds: i64) -> (ProposalRecord, VersionRecord) {
    let record = ProposalRecord {
        id: Uuid::from_u128(number),
        title: format!("proposal {number}"),
        rationale: "because \0 of \"it\"".replace('\0', ""),
        source: if number.is_multiple_of(2) { Source::Learned } else { Source::Manual },
        status: ProposalStatus::Draft,
        version: 1,
        author: person("ada"),
        created_at: at(seconds),
        updated_at: at(seconds),
        review: None,
    };
    (record, version(number, 1, seconds))
}

pub(super) fn version(proposal: u128, version: u32, seconds: i64) -> VersionRecord {
    VersionRecord {
        proposal: Uuid::from_u128(proposal),
        version,
        is_current: true,
        text: format!("package a\n// {version} 'x' \"y\" \\ שלום\n"),
        note: format!("note {version}"),
        author: Principal { kind: PrincipalKind::Service, name: "writer".to_owned() },
        created_at: at(seconds),
    }
}

pub(super) fn entry(number: u128, action: &str, seconds: i64) -> AuditEntry {
    AuditEntry {
        id: Uuid::from_u128(number),
        at: at(seconds),
        actor: person("ada"),
        action: action.to_owned(),
        subject: "subject".to_owned(),
        details: "{\"n\":1.50,\"s\":\"\\u0000\"}".to_owned(),
    }
}

async fn actions<S: Store>(store: &S, tenant: &TenantId) -> Vec<String> {
    let log = store.audit_log(tenant, ALL).await.expect("lists");
    assert_eq!(log.total, log.items.len() as u64);
    log.items.into_iter().map(|entry| entry.action).collect()
}

pub(super) async fn proposals_and_their_versions_are_kept<S: Store>(store: Arc<S>, names: Names) {
    let (tenant, other) = (names.tenant("a"), names.tenant("b"));
    assert_eq!(store.proposal_stats(&tenant).await.expect("counts"), ProposalStats::default());
    for number in 1..=3 {
        let (record, first) = proposal(number, i64::try_from(number).expect("is small"));
        store.create_proposal(&tenant, &record, &first, &entry(number, "create", 0)).await.expect("creates");
    }
    let second = version(1, 2, 10);
    let changed = store.add_proposal_version(&tenant, &second, &entry(4, "version", 10)).await.expect("adds");
    let changed = changed.expect("waits");
    assert_eq!((changed.version, changed.updated_at, changed.created_at), (2, at(10), at(1)));
    let again = store.add_proposal_version(&tenant, &second, &entry(5, "version", 11)).await.expect("looks");
    assert_eq!(again, Err(Refusal::VersionChanged(2)), "somebody was faster");
    let nobody = store.add_proposal_version(&tenant, &version(9, 2, 1), &entry(5, "version", 1)).await;
    assert_eq!(nobody.expect("looks"), Err(Refusal::NotFound));
    let theirs = store.add_proposal_version(&other, &version(1, 3, 1), &entry(5, "version", 1)).await;
    assert_eq!(theirs.expect("looks"), Err(Refusal::NotFound));

    let detail = store.proposal(&tenant, Uuid::from_u128(1)).await.expect("looks").expect("is there");
    assert_eq!(detail.proposal, changed);
    let first = VersionRecord { is_current: false, ..version(1, 1, 1) };
    assert_eq!(detail.versions, [first, second]);
    assert_eq!(store.proposal(&other, Uuid::from_u128(1)).await.expect("looks"), None);
    let list = store.proposals(&tenant, ProposalFilter::default(), ALL).await.expect("lists");
    let ids: Vec<_> = list.items.iter().map(|proposal| proposal.id.as_u128()).collect();
    assert_eq!((ids, list.total), (vec![3, 2, 1], 3), "the latest first");
    let learned = ProposalFilter { source: Some(Source::Learned), ..ProposalFilter::default() };
    assert_eq!(store.proposals(&tenant, learned, ALL).await.expect("lists").total, 1);
    let page =
        store.proposals(&tenant, ProposalFilter::default(), PageRequest::new(1, 1)).await.expect("lists");
    assert_eq!((page.items[0].id.as_u128(), page.total), (2, 3));
    let versions = store.proposal_versions(&tenant, false, ALL).await.expect("lists");
    let numbers: Vec<_> = versions.items.iter().map(|v| (v.proposal.as_u128(), v.version)).collect();
    assert_eq!((numbers, versions.total), (vec![(1, 2), (3, 1), (2, 1), (1, 1)], 4));
    let current = store.proposal_versions(&tenant, true, ALL).await.expect("lists");
    assert!(current.total == 3 && current.items.iter().all(|version| version.is_current));
    let stats = store.proposal_stats(&tenant).await.expect("counts");
    let wanted = ProposalStats { draft: 3, manual: 2, learned: 1, waiting_since: Some(at(1)), ..stats };
    assert_eq!(stats, wanted);
    assert_eq!(store.state_counts(&tenant, at(0)).await.expect("counts").drafts_pending_review, 3);
    assert_eq!(store.proposals(&other, ProposalFilter::default(), ALL).await.expect("lists").total, 0);
    assert_eq!(actions(&*store, &tenant).await, ["version", "create", "create", "create"]);
    assert!(actions(&*store, &other).await.is_empty());
    let whole = store.audit_log(&tenant, PageRequest::new(1, 0)).await.expect("lists");
    assert_eq!(whole.items, [entry(4, "version", 10)]);
}

pub(super) async fn a_decision_is_taken_once<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let (old, new) = (Packed::new(audit_example()), Packed::new(bundle(policies([], []), vec![], vec![])));
    store.activate_bundle(&tenant, old.activation(at(0))).await.expect("activates");
    for number in 1..=2 {
        let (record, first) = proposal(number, 1);
        store.create_proposal(&tenant, &record, &first, &entry(number, "create", 1)).await.expect("creates");
    }
    let reviewer = person("bob");
    let mut activation = new.activation(at(5));
    activation.origin = BundleOrigin::Proposal;
    let succession = |based_on| Succession { activation, based_on, acknowledgements: &[], sighting: None };
    let decision = |version, approved| Decision {
        proposal: Uuid::from_u128(1),
        version,
        approved,
        reviewer: &reviewer,
        at: at(5),
        notes: "fine",
    };
    let decide = async |decision: Decision<'_>| {
        store.decide_proposal(&tenant, decision, &entry(9, "approve", 5)).await.expect("looks")
    };
    let stale = decide(decision(2, Some(succession(Some(&old.digest))))).await;
    assert_eq!(stale, Err(Refusal::VersionChanged(1)));
    for based_on in [None, Some(new.digest.as_str())] {
        assert_eq!(decide(decision(1, Some(succession(based_on)))).await, Err(Refusal::BaseChanged));
    }
    let active = store.active_bundle(&tenant).await.expect("gives").expect("is there");
    assert_eq!(active.digest, old.digest, "nothing has happened");
    let decided = decide(decision(1, Some(succession(Some(&old.digest))))).await.expect("is approved");
    let bundle = decided.bundle.expect("is active");
    assert_eq!((&bundle.digest, bundle.origin), (&new.digest, BundleOrigin::Proposal));
    assert_eq!((decided.proposal.status, decided.proposal.updated_at), (ProposalStatus::Approved, at(5)));
    let review = decided.proposal.review.clone().expect("is reviewed");
    assert_eq!((&review.reviewer, review.bundle.as_ref()), (&reviewer, Some(&new.digest)));
    assert_eq!((review.at, review.notes.as_str()), (at(5), "fine"));
    let rules = store.rules(&tenant, &RuleFilter::default(), ALL).await.expect("lists").total;
    assert_eq!(rules, 0, "what was approved is active");
    for again in [decision(1, None), decision(1, Some(succession(Some(&new.digest))))] {
        assert_eq!(decide(again).await, Err(Refusal::NotPending(ProposalStatus::Approved)));
    }
    let version = store.add_proposal_version(&tenant, &version(1, 2, 6), &entry(8, "version", 6)).await;
    assert_eq!(version.expect("looks"), Err(Refusal::NotPending(ProposalStatus::Approved)));

    let no = Decision { proposal: Uuid::from_u128(2), notes: "no \"way\"", ..decision(1, None) };
    let rejected = store.decide_proposal(&tenant, no, &entry(10, "reject", 6)).await.expect("looks");
    let rejected = rejected.expect("is rejected");
    assert_eq!((rejected.bundle, rejected.proposal.status), (None, ProposalStatus::Rejected));
    let kept = store.proposal(&tenant, Uuid::from_u128(2)).await.expect("looks").expect("is kept");
    assert_eq!(kept.proposal, rejected.proposal);
    let theirs = store.decide_proposal(&names.tenant("b"), no, &entry(11, "reject", 6)).await.expect("looks");
    assert_eq!(theirs, Err(Refusal::NotFound));
    let stats = store.proposal_stats(&tenant).await.expect("counts");
    assert_eq!((stats.draft, stats.approved, stats.rejected, stats.waiting_since), (0, 1, 1, None));
    assert_eq!(
        actions(&*store, &tenant).await,
        ["reject", "approve", "create", "create"],
        "refusals are no acts"
    );
}

pub(super) async fn people_at_once_decide_once<S: Store + 'static>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let (record, first) = proposal(1, 1);
    store.create_proposal(&tenant, &record, &first, &entry(1, "create", 1)).await.expect("creates");
    let reviewers: Vec<_> = (0..8_u128)
        .map(|i| {
            let (store, tenant) = (Arc::clone(&store), tenant.clone());
            tokio::spawn(async move {
                let decision = Decision {
                    proposal: Uuid::from_u128(1),
                    version: 1,
                    approved: None,
                    reviewer: &person("bob"),
                    at: at(2),
                    notes: "",
                };
                store
                    .decide_proposal(&tenant, decision, &entry(10 + i, "reject", 2))
                    .await
                    .expect("looks")
                    .is_ok()
            })
        })
        .collect();
    let mut won = 0;
    for reviewer in reviewers {
        won += usize::from(reviewer.await.expect("gets through"));
    }
    assert_eq!(won, 1);
    assert_eq!(actions(&*store, &tenant).await, ["reject", "create"]);
}

pub(super) async fn acknowledgements_last_as_long_as_conflicts<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let rules = ["a", "b", "c"].map(|name| rule(name, RuleType::Safety, EnforcementMode::Warn));
    let [a, b, c] = [&rules[0], &rules[1], &rules[2]].map(ordain_ir::Rule::reference);
    let mild = conflict(ConflictType::ScopeOverlap, ConflictSeverity::Warning, &[a.clone(), b.clone()]);
    let bad = conflict(ConflictType::TemporalConflict, ConflictSeverity::Blocking, &[b, c]);
    let both = Packed::new(bundle(policies(rules.clone(), []), vec![], vec![bad.clone(), mild.clone()]));
    let none = Packed::new(bundle(policies(rules, []), vec![], vec![]));
    store.activate_bundle(&tenant, both.activation(at(0))).await.expect("activates");
    let accept = |id: &str| ConflictAcknowledgement {
        conflict: id.to_owned(),
        by: person("bob"),
        reason: "we know".to_owned(),
        at: at(1),
    };
    let acknowledge = async |tenant: &TenantId, id: &str, number| {
        store
            .acknowledge_conflict(tenant, &accept(id), &entry(number, "acknowledge", 1))
            .await
            .expect("looks")
    };
    assert_eq!(acknowledge(&tenant, &bad.id, 1).await.expect_err("is refused"), Refusal::Blocking);
    assert_eq!(acknowledge(&tenant, "nothing", 1).await.expect_err("is refused"), Refusal::NotFound);
    assert_eq!(
        acknowledge(&names.tenant("b"), &mild.id, 1).await.expect_err("is refused"),
        Refusal::NotFound
    );
    let record = acknowledge(&tenant, &mild.id, 1).await.expect("is accepted");
    assert!(record.conflict.resolved);
    assert_eq!((record.acknowledged, record.detected_at), (Some(accept(&mild.id)), at(0)));
    assert_eq!(acknowledge(&tenant, &mild.id, 2).await.expect_err("is refused"), Refusal::AlreadyResolved);
    let open = async || {
        let open = store.conflicts(&tenant, &ConflictFilter::default(), ALL).await.expect("lists");
        open.items.into_iter().map(|record| record.conflict.id).collect::<Vec<_>>()
    };
    assert_eq!(open().await, [bad.id.as_str()]);
    store.activate_bundle(&tenant, both.activation(at(2))).await.expect("activates");
    assert_eq!(open().await, [bad.id.as_str()], "it lasts while analyses find it");
    let everything = ConflictFilter { include_resolved: true, ..ConflictFilter::default() };
    let all = store.conflicts(&tenant, &everything, ALL).await.expect("lists");
    let found = all.items.iter().find(|record| record.conflict.id == mild.id).expect("is there");
    assert_eq!(found.acknowledged, Some(accept(&mild.id)));
    let mut worse = mild.clone();
    worse.severity = ConflictSeverity::Blocking;
    let grown = crate::Activation { conflicts: &[Arc::new(worse)], ..both.activation(at(3)) };
    store.activate_bundle(&tenant, grown).await.expect("activates");
    assert_eq!(open().await, [mild.id.as_str()], "what has become BLOCKING nobody has accepted");
    store.activate_bundle(&tenant, none.activation(at(4))).await.expect("activates");
    store.activate_bundle(&tenant, both.activation(at(5))).await.expect("activates");
    assert_eq!(open().await, [bad.id.as_str(), mild.id.as_str()], "there was a break");
    let with = [accept(&mild.id)];
    let succession = Succession {
        activation: both.activation(at(6)),
        based_on: Some(&both.digest),
        acknowledgements: &with,
        sighting: None,
    };
    let done = store.succeed(&tenant, succession, &entry(3, "retire", 6)).await.expect("looks");
    assert!(done.expect("is active").active);
    assert_eq!(open().await, [bad.id.as_str()], "accepted together with an activation");
    assert_eq!(actions(&*store, &tenant).await, ["retire", "acknowledge"]);
}

pub(super) async fn bundles_are_kept_with_their_history<S: Store>(store: Arc<S>, names: Names) {
    let (tenant, other) = (names.tenant("a"), names.tenant("b"));
    let (first, second) = (Packed::new(audit_example()), super::fixtures::varied());
    let mut waiting = second.activation(at(1));
    waiting.origin = BundleOrigin::Upload;
    let stored = store.store_bundle(&tenant, waiting).await.expect("stores");
    assert_eq!((stored.active, stored.activations, stored.origin), (false, 0, BundleOrigin::Upload));
    assert_eq!(store.active_bundle(&tenant).await.expect("gives"), None, "it only waits");
    assert_eq!(store.rules(&tenant, &RuleFilter::default(), ALL).await.expect("lists").total, 0);
    store.activate_bundle(&tenant, first.activation(at(2))).await.expect("activates");
    let stored = store.store_bundle(&tenant, first.activation(at(3))).await.expect("stores");
    assert_eq!((stored.active, stored.activations, stored.uploaded_at), (true, 1, at(2)), "stays as it was");
    store.activate_bundle(&tenant, second.activation(at(4))).await.expect("activates");
    store.activate_bundle(&tenant, first.activation(at(5))).await.expect("activates");
    store.activate_bundle(&tenant, first.activation(at(6))).await.expect("activates");
    let list = store.bundles(&tenant, ALL).await.expect("lists");
    let seen: Vec<_> = list
        .items
        .iter()
        .map(|b| (b.digest.as_str(), b.active, b.activations, b.uploaded_at, b.activated_at, b.analysed_at))
        .collect();
    assert_eq!(
        seen,
        [
            (first.digest.as_str(), true, 2, at(2), at(5), at(6)),
            (second.digest.as_str(), false, 1, at(1), at(4), at(4)),
        ]
    );
    assert_eq!(list.items[1].origin, BundleOrigin::Start, "how it became active the last time");
    let page = store.bundles(&tenant, PageRequest::new(1, 1)).await.expect("lists");
    assert_eq!((page.items[0].digest.as_str(), page.total), (second.digest.as_str(), 2));
    assert_eq!(store.bundles(&other, ALL).await.expect("lists").total, 0);
}
