//! What people do about lessons, and what time does.

use std::collections::BTreeMap;
use std::sync::Arc;

use ordain_ir::Source;
use uuid::Uuid;

use super::super::Names;
use super::super::draw::Draw;
use super::super::fixtures::at;
use super::{ALL, EVERYTHING, failure, ids};
use crate::{
    AuditEntry, Conversion, Governed, Lesson, LessonAction, LessonCounts, LessonFilter, LessonSeverity,
    LessonStanding, LessonStatus, LessonType, NewLesson, Principal, PrincipalKind, ProposalFilter,
    ProposalRecord, ProposalStatus, Refusal, Store, TenantId, VersionRecord,
};

fn person(name: &str) -> Principal {
    Principal { kind: PrincipalKind::Human, name: name.to_owned() }
}

fn entry(number: u128, action: &str) -> AuditEntry {
    AuditEntry {
        id: Uuid::from_u128(number),
        at: at(0),
        actor: person("ada"),
        action: action.to_owned(),
        subject: "subject".to_owned(),
        details: "{}".to_owned(),
    }
}

async fn learn<S: Store>(store: &S, tenant: &TenantId, numbers: std::ops::RangeInclusive<u128>) {
    let new = |id| NewLesson { lesson: failure(id, at(0)), debounce: None };
    let all: Vec<_> = numbers.map(new).collect();
    assert_eq!(store.record_lessons(tenant, &all).await.expect("records"), all.len() as u64);
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Convert,
    DeferUntil(i64),
    Dismiss,
}

/// Does it, with `number` in the identities of everything that comes of it.
async fn act<S: Store>(
    store: &S,
    tenant: &TenantId,
    lesson: u128,
    does: Does,
    now: i64,
    number: u128,
) -> Governed<Lesson> {
    let (ada, id) = (person("ada"), Uuid::from_u128(lesson));
    let audit = entry(2 * number, "act");
    let done = match does {
        Does::Convert => {
            let proposal = ProposalRecord {
                id: Uuid::from_u128(number),
                title: "learned".to_owned(),
                rationale: String::new(),
                source: Source::Learned,
                status: ProposalStatus::Draft,
                version: 1,
                author: ada.clone(),
                created_at: at(now),
                updated_at: at(now),
                review: None,
            };
            let first = VersionRecord {
                proposal: proposal.id,
                version: 1,
                is_current: true,
                text: "text".to_owned(),
                note: String::new(),
                author: ada,
                created_at: at(now),
            };
            let created = entry(2 * number + 1, "create");
            let conversion = Conversion { proposal: &proposal, first: &first, audit: &created };
            store.act_on_lesson(tenant, id, LessonAction::Convert(conversion), at(now), &audit).await
        }
        Does::DeferUntil(until) => {
            let action = LessonAction::Defer { until: at(until) };
            store.act_on_lesson(tenant, id, action, at(now), &audit).await
        }
        Does::Dismiss => {
            let action = LessonAction::Dismiss { by: &ada, reason: "no \"use\"" };
            store.act_on_lesson(tenant, id, action, at(now), &audit).await
        }
    };
    done.expect("looks")
}

async fn actions<S: Store>(store: &S, tenant: &TenantId) -> Vec<String> {
    let log = store.audit_log(tenant, ALL).await.expect("lists");
    log.items.into_iter().map(|entry| entry.action).collect()
}

pub(crate) async fn each_action_is_kept_with_its_record<S: Store>(store: Arc<S>, names: Names) {
    let (tenant, other) = (names.tenant("a"), names.tenant("b"));
    learn(&*store, &tenant, 1..=3).await;
    let converted = act(&*store, &tenant, 1, Does::Convert, 10, 100).await.expect("is pending");
    assert_eq!(converted.standing, LessonStanding::Converted { proposal: Uuid::from_u128(100), at: at(10) });
    let proposal = store.proposal(&tenant, Uuid::from_u128(100)).await.expect("looks").expect("is there");
    assert_eq!((proposal.proposal.source, proposal.versions.len()), (Source::Learned, 1));
    let deferred = act(&*store, &tenant, 2, Does::DeferUntil(50), 10, 101).await.expect("is pending");
    assert_eq!(deferred.standing, LessonStanding::Deferred { until: at(50) });
    let dismissed = act(&*store, &tenant, 3, Does::Dismiss, 10, 102).await.expect("is pending");
    let by = LessonStanding::Dismissed { by: "ada".to_owned(), reason: "no \"use\"".to_owned(), at: at(10) };
    assert_eq!(dismissed.standing, by);
    for (lesson, status) in
        [(1, LessonStatus::Converted), (2, LessonStatus::Deferred), (3, LessonStatus::Dismissed)]
    {
        for does in [Does::Convert, Does::DeferUntil(90), Does::Dismiss] {
            let refused = act(&*store, &tenant, lesson, does, 49, 200).await;
            assert_eq!(refused, Err(Refusal::LessonNotPending(status)), "{lesson} {does:?}");
        }
    }
    assert_eq!(act(&*store, &tenant, 9, Does::Dismiss, 0, 200).await, Err(Refusal::NotFound));
    assert_eq!(act(&*store, &other, 1, Does::Dismiss, 0, 200).await, Err(Refusal::NotFound));
    for lesson in [converted, deferred, dismissed] {
        assert_eq!(store.lesson(&tenant, lesson.id, at(49)).await.expect("looks"), Some(lesson));
    }
    assert_eq!(actions(&*store, &tenant).await, ["act", "act", "act", "create"], "refusals leave no record");
    assert!(actions(&*store, &other).await.is_empty());
}

pub(crate) async fn a_deferred_lesson_comes_back<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let pending = LessonFilter { status: Some(LessonStatus::Pending), ..EVERYTHING };
    let deferred = LessonFilter { status: Some(LessonStatus::Deferred), ..EVERYTHING };
    learn(&*store, &tenant, 1..=4).await;
    for lesson in 1..=3 {
        act(&*store, &tenant, lesson, Does::DeferUntil(50), 0, 100 + lesson).await.expect("is pending");
    }
    assert_eq!(ids(&*store, &tenant, pending, 49).await, [4]);
    assert_eq!(ids(&*store, &tenant, deferred, 49).await, [3, 2, 1]);
    // Each way to look sees it by itself, the very instant it is due.
    let one = store.lesson(&tenant, Uuid::from_u128(1), at(50)).await.expect("looks").expect("is there");
    assert_eq!(one.standing, LessonStanding::Pending);
    act(&*store, &tenant, 2, Does::Dismiss, 50, 110).await.expect("is pending again");
    let counts = store.lesson_counts(&tenant, pending, at(50)).await.expect("counts");
    let key = (LessonType::Failure, LessonStatus::Pending, LessonSeverity::High);
    assert_eq!(counts, LessonCounts::from([(key, 3)]));
    assert_eq!(ids(&*store, &tenant, deferred, 50).await, [0_u128; 0]);
    assert_eq!(ids(&*store, &tenant, pending, 50).await, [4, 3, 1]);
    act(&*store, &tenant, 1, Does::DeferUntil(60), 55, 111).await.expect("can be deferred anew");
    assert_eq!(ids(&*store, &tenant, pending, 59).await, [4, 3]);
}

/// What the test itself expects of one lesson: none of the stores' code is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Pending,
    Until(i64),
    Over(LessonStatus),
}

impl Stands {
    fn at(self, now: i64) -> Self {
        match self {
            Self::Until(until) if now >= until => Self::Pending,
            other => other,
        }
    }

    fn status(self) -> LessonStatus {
        match self {
            Self::Pending => LessonStatus::Pending,
            Self::Until(_) => LessonStatus::Deferred,
            Self::Over(status) => status,
        }
    }
}

/// Random actions by people at random instants, looked at in random ways.
pub(crate) async fn random_actions_follow_the_states<S: Store>(store: Arc<S>, names: Names) {
    const LESSONS: u128 = 12;
    let (tenant, mut draw, mut now) = (names.tenant("a"), Draw::new(11), 0_i64);
    learn(&*store, &tenant, 1..=LESSONS).await;
    let mut model: BTreeMap<u128, Stands> = (1..=LESSONS).map(|id| (id, Stands::Pending)).collect();
    let (mut record, mut proposals) = (0, 0);
    for step in 0..250_u128 {
        now += i64::try_from(draw.below(4)).expect("is small");
        for stands in model.values_mut() {
            *stands = stands.at(now);
        }
        let id = u128::try_from(draw.below(LESSONS as usize)).expect("is small") + 1;
        if draw.below(3) == 0 {
            let does = match draw.below(20) {
                0 => Does::Convert,
                1 => Does::Dismiss,
                _ => Does::DeferUntil(now + 1 + i64::try_from(draw.below(9)).expect("is small")),
            };
            let done = act(&*store, &tenant, id, does, now, 1_000 + step).await;
            let stands = model.get_mut(&id).expect("is one of them");
            if *stands == Stands::Pending {
                *stands = match does {
                    Does::Convert => Stands::Over(LessonStatus::Converted),
                    Does::DeferUntil(until) => Stands::Until(until),
                    Does::Dismiss => Stands::Over(LessonStatus::Dismissed),
                };
                record += 1 + usize::from(does == Does::Convert);
                proposals += u64::from(does == Does::Convert);
                assert_eq!(done.expect("is pending").standing.status(), stands.status(), "{step}");
            } else {
                assert_eq!(done, Err(Refusal::LessonNotPending(stands.status())), "{step}: {does:?}");
            }
        }
        let status = draw.one(LessonStatus::ALL);
        let wanted: Vec<u128> =
            model.iter().rev().filter(|(_, it)| it.status() == status).map(|(id, _)| *id).collect();
        match draw.below(3) {
            0 => {
                let filter = LessonFilter { status: Some(status), ..EVERYTHING };
                assert_eq!(ids(&*store, &tenant, filter, now).await, wanted, "{step}: {status}");
            }
            1 => {
                let counts = store.lesson_counts(&tenant, EVERYTHING, at(now)).await.expect("counts");
                let key = (LessonType::Failure, status, LessonSeverity::High);
                assert_eq!(counts.get(&key).copied().unwrap_or(0), wanted.len() as u64, "{step}: {status}");
            }
            _ => {
                let found = store.lesson(&tenant, Uuid::from_u128(id), at(now)).await.expect("looks");
                assert_eq!(found.expect("is there").standing.status(), model[&id].status(), "{step}");
            }
        }
    }
    assert!(record > 20 && proposals > 0, "the draws do something: {record} {proposals}");
    assert_eq!(store.audit_log(&tenant, ALL).await.expect("lists").total, record as u64);
    let learned = ProposalFilter { source: Some(Source::Learned), ..ProposalFilter::default() };
    assert_eq!(store.proposals(&tenant, learned, ALL).await.expect("lists").total, proposals);
}

pub(crate) async fn people_at_once_act_once<S: Store + 'static>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    learn(&*store, &tenant, 1..=1).await;
    let people: Vec<_> = (0..6_u128)
        .map(|number| {
            let (store, tenant) = (Arc::clone(&store), tenant.clone());
            tokio::spawn(async move {
                let does = if number % 2 == 0 { Does::Convert } else { Does::Dismiss };
                act(&*store, &tenant, 1, does, 0, 100 + number).await.is_ok()
            })
        })
        .collect();
    let mut done = 0;
    for person in people {
        done += usize::from(person.await.expect("gets through"));
    }
    assert_eq!(done, 1);
    let proposals = store.proposals(&tenant, ProposalFilter::default(), ALL).await.expect("lists").total;
    assert_eq!(actions(&*store, &tenant).await.len() as u64, 1 + proposals, "nothing is left of the others");
}
