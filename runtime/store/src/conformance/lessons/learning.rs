//! What is learned from events, and what isn't learned again.

use std::sync::Arc;

use super::super::Names;
use super::super::draw::Draw;
use super::super::fixtures::at;
use super::{ALL, EVERYTHING, failure, ids, incident, learned, near, run};
use crate::{
    Debounce, Incident, Learned, LearnedCount, Lesson, LessonFilter, LessonSeverity, LessonStatus,
    LessonStore, LessonType, MemoryStore, NewLesson, Recorded, Store, TenantId,
};

const DAY: i64 = 86_400;

pub(crate) async fn events_and_lessons_come_back_as_they_were<S: Store>(store: Arc<S>, names: Names) {
    let (tenant, other) = (names.tenant("a"), names.tenant("b"));
    let whole = Incident {
        error_code: Some("E1".to_owned()),
        error_message: Some("שלום\n\" ' \\ 👩\u{200d}🚀".to_owned()),
        run_id: Some("run 7; DROP TABLE incidents".to_owned()),
        path: Some("acme/support/mailer".to_owned()),
        policy_name: Some("acme.cap".to_owned()),
        details: Some("{\"a\":\"\\u0000\",\"n\":12345678901234567890.10}".to_owned()),
        is_synthetic: true,
        synthetic_scenario_id: Some("s".to_owned()),
        ..incident(1)
    };
    let mut lesson = failure(1, at(0));
    lesson.source.run_id.clone_from(&whole.run_id);
    lesson.title = "x".repeat(Lesson::TITLE - 1) + "🚀";
    "'\" \\ \n}".clone_into(&mut lesson.description);
    lesson.proposed_action = Some("do this".to_owned());
    lesson.detected_pattern = Some("{\"a\":\"\\u0000\",\"n\":1.50}".to_owned());
    (lesson.is_synthetic, lesson.synthetic_scenario_id) = (true, Some("s".to_owned()));
    let new = NewLesson { lesson: lesson.clone(), debounce: None };
    let batch = [Learned { event: whole.clone(), lessons: vec![new] }, learned(2)];
    let counted = store.record_incidents(&tenant, &batch).await.expect("records");
    assert_eq!(counted, LearnedCount { events: Recorded { recorded: 2, duplicates: 0 }, lessons: 2 });
    let failed =
        Learned { event: run(3), lessons: vec![NewLesson { lesson: failure(3, at(1)), debounce: None }] };
    let counted = store.record_runs(&tenant, std::slice::from_ref(&failed)).await.expect("records");
    assert_eq!((counted.events.recorded, counted.lessons), (1, 1));

    assert_eq!(store.incident(&tenant, whole.id).await.expect("looks"), Some(whole.clone()));
    assert_eq!(store.incident(&tenant, incident(2).id).await.expect("looks"), Some(incident(2)));
    assert_eq!(store.run(&tenant, run(3).id).await.expect("looks"), Some(run(3)));
    assert_eq!(store.lesson(&tenant, lesson.id, at(0)).await.expect("looks"), Some(lesson));
    assert_eq!(ids(&*store, &tenant, EVERYTHING, 0).await, [3, 2, 1], "the latest first, then the greater");
    assert_eq!(
        ids(&*store, &tenant, LessonFilter::default(), 0).await,
        [3, 2],
        "what was made up is left out"
    );

    assert_eq!(store.incident(&other, whole.id).await.expect("looks"), None);
    assert_eq!(store.run(&other, run(3).id).await.expect("looks"), None);
    assert_eq!(store.lesson(&other, whole.id, at(0)).await.expect("looks"), None);
    assert!(ids(&*store, &other, EVERYTHING, 0).await.is_empty());
    let theirs = store.record_incidents(&other, &batch).await.expect("records");
    assert_eq!((theirs.events.recorded, theirs.lessons), (2, 2), "an identity is a tenant's own");
}

pub(crate) async fn an_event_teaches_once<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let changed = Learned { event: Incident { title: "other".to_owned(), ..incident(1) }, ..learned(7) };
    let batch = [learned(1), changed.clone(), learned(2)];
    let counted = store.record_incidents(&tenant, &batch).await.expect("records");
    assert_eq!(counted, LearnedCount { events: Recorded { recorded: 2, duplicates: 1 }, lessons: 2 });
    let again = store.record_incidents(&tenant, &[changed]).await.expect("records");
    assert_eq!(again, LearnedCount { events: Recorded { recorded: 0, duplicates: 1 }, lessons: 0 });
    assert_eq!(store.incident(&tenant, incident(1).id).await.expect("looks"), Some(incident(1)));
    // The same event by another way teaches nothing anew, unless it is something else.
    let mut same = failure(9, at(5));
    same.source = failure(1, at(0)).source;
    let other =
        Lesson { id: uuid::Uuid::from_u128(10), lesson_type: LessonType::CriticalSuccess, ..same.clone() };
    let both = [same, other].map(|lesson| NewLesson { lesson, debounce: None });
    assert_eq!(store.record_lessons(&tenant, &both).await.expect("records"), 1);
    assert_eq!(ids(&*store, &tenant, EVERYTHING, 5).await, [10, 2, 1]);
    let nothing = store.record_incidents(&tenant, &[]).await.expect("records");
    assert_eq!(nothing, LearnedCount::default());
    assert_eq!(store.record_lessons(&tenant, &[]).await.expect("records"), 0);
}

pub(crate) async fn what_was_just_learned_is_not_learned_again<S: Store>(store: Arc<S>, names: Names) {
    let (tenant, other) = (names.tenant("a"), names.tenant("b"));
    let mut id = 0;
    let mut learns = async |tenant: &TenantId, metric: &str, band: &str, seconds: i64| {
        id += 1;
        let new = near(id, metric, band, at(seconds));
        store.record_lessons(tenant, &[new]).await.expect("records") == 1
    };
    assert!(learns(&tenant, "cap", "85-90", 0).await);
    assert!(!learns(&tenant, "cap", "85-90", 0).await, "again at the same instant");
    assert!(learns(&tenant, "cap", "90-95", 1).await, "a nearer band tells");
    assert!(learns(&tenant, "other", "85-90", 1).await && learns(&other, "cap", "85-90", 1).await);
    assert!(!learns(&tenant, "cap", "85-90", DAY - 1).await, "within a day");
    assert!(!learns(&tenant, "cap", "85-90", 1 - DAY).await, "the clock was set back");
    assert!(learns(&tenant, "cap", "85-90", DAY).await, "a day later");
    assert!(!learns(&tenant, "cap", "85-90", 2 * DAY - 1).await, "the day is counted from the last one");
    assert!(learns(&tenant, "cap", "85-90", 2 * DAY).await);
    assert!(learns(&tenant, "cap", "85-90", 0).await, "a clock that was far ahead silences nobody");
    assert!(!learns(&tenant, "cap", "85-90", 1).await);
    // What was made up silences nothing that is real.
    let made_up = |id| {
        let mut new = near(id, "cap", "95-100", at(0));
        new.lesson.is_synthetic = true;
        new.debounce = new.debounce.map(|what| Debounce { is_synthetic: true, ..what });
        new
    };
    let batch =
        [made_up(100), made_up(101), near(102, "cap", "95-100", at(0)), near(103, "cap", "95-100", at(0))];
    assert_eq!(
        store.record_lessons(&tenant, &batch).await.expect("records"),
        2,
        "one of each, within a batch too"
    );
    let found = ids(&*store, &tenant, EVERYTHING, 0).await;
    assert!(found.contains(&100) && found.contains(&102) && !found.contains(&101) && !found.contains(&103));
    // Whatever isn't new silences nothing either.
    let again = Learned { event: incident(501), lessons: vec![near(200, "third", "85-90", at(0))] };
    store.record_incidents(&tenant, &[learned(501)]).await.expect("records");
    let counted = store.record_incidents(&tenant, std::slice::from_ref(&again)).await.expect("records");
    assert_eq!(counted.lessons, 0);
    let fresh = Learned { event: incident(502), ..again };
    assert_eq!(store.record_incidents(&tenant, &[fresh]).await.expect("records").lessons, 1);
}

/// Lists, pages and counts of many lessons are those of the model.
pub(crate) async fn lessons_equal_the_model<S: Store>(store: Arc<S>, names: Names) {
    let (tenant, model, mut draw) = (names.tenant("a"), MemoryStore::default(), Draw::new(2027));
    let metrics = ["a", "b", "c"];
    for batch in 0..12_u32 {
        let made: Vec<NewLesson> = (0..15_u32)
            .map(|i| {
                let id = u128::from(batch * 15 + i) + 1;
                let second = i64::from(batch) * 30_000 + i64::try_from(draw.below(3)).expect("is small");
                let mut new = near(id, draw.one(&metrics), "85-90", at(second));
                new.lesson.lesson_type = draw.one(LessonType::ALL);
                new.lesson.severity = draw.one(LessonSeverity::ALL);
                new.lesson.is_synthetic = draw.below(4) == 0;
                // Some of the same event.
                new.lesson.source.event_id = draw.below(150).to_string();
                new.debounce = new.debounce.filter(|_| draw.below(2) == 0);
                new
            })
            .collect();
        let found = store.record_lessons(&tenant, &made).await.expect("records");
        assert_eq!(found, model.record_lessons(&tenant, &made).await.expect("records"), "{batch}");
    }
    for round in 0..150 {
        let filter = LessonFilter {
            lesson_type: draw.maybe(LessonType::ALL),
            status: draw.maybe(LessonStatus::ALL),
            severity: draw.maybe(LessonSeverity::ALL),
            include_synthetic: draw.below(2) == 0,
        };
        let page = draw.page();
        let found = store.lessons(&tenant, filter, page, at(0)).await.expect("lists");
        let wanted = model.lessons(&tenant, filter, page, at(0)).await.expect("lists");
        assert_eq!(found, wanted, "{round}: {filter:?} {page:?}");
        let found = store.lesson_counts(&tenant, filter, at(0)).await.expect("counts");
        let wanted = model.lesson_counts(&tenant, filter, at(0)).await.expect("counts");
        assert_eq!(found, wanted, "{round}: {filter:?}");
    }
}

pub(crate) async fn what_many_see_at_once_is_learned_once<S: Store + 'static>(store: Arc<S>, names: Names) {
    learn_at_once(&[store], 6, &names.tenant("a")).await;
}

/// So many recorders, spread over the stores, which are of one database, see the same and more at once: every event is
/// recorded, each teaches once, and what is near is learned once in each band.
///
/// # Panics
/// If something is lost, or learned twice.
pub async fn learn_at_once<S: Store + 'static>(stores: &[Arc<S>], recorders: usize, tenant: &TenantId) {
    let tasks: Vec<_> = (0..recorders)
        .map(|recorder| {
            let (store, tenant) = (Arc::clone(&stores[recorder % stores.len()]), tenant.clone());
            tokio::spawn(async move {
                let (mut failures, mut nears) = (0, 0);
                for batch in 0..8_u128 {
                    let own = (recorder as u128 + 1) * 1_000 + batch;
                    // One that all see, and one of its own, in an order of its own.
                    let mut events = vec![learned(batch + 1), learned(own)];
                    if recorder % 2 == 1 {
                        events.reverse();
                    }
                    failures += store.record_incidents(&tenant, &events).await.expect("records").lessons;
                    let near = near(1_000_000 + own, "cap", ["85-90", "90-95"][batch as usize % 2], at(0));
                    nears += store.record_lessons(&tenant, &[near]).await.expect("records");
                }
                (failures, nears)
            })
        })
        .collect();
    let (mut failures, mut nears) = (0, 0);
    for task in tasks {
        let learned = task.await.expect("every recorder gets through");
        failures += learned.0;
        nears += learned.1;
    }
    assert_eq!((failures, nears), (8 * (recorders as u64 + 1), 2));
    let total = ids(&*stores[0], tenant, EVERYTHING, 0).await.len() as u64;
    let store = &stores[stores.len() - 1];
    let counted = store.lessons(tenant, EVERYTHING, ALL, at(0)).await.expect("lists").total;
    assert_eq!((total, counted), (failures + nears, failures + nears));
}
