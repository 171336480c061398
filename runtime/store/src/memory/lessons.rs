//! Lessons of the model, and what they are learned from.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{MemoryStore, Tenant, page_of};
use crate::{
    AuditEntry, Governed, Incident, Learned, LearnedCount, Lesson, LessonAction, LessonCounts, LessonFilter,
    LessonStore, NewLesson, Page, PageRequest, Recorded, Refusal, Run, StoreError, TenantId, lessons_of_new,
};

impl Tenant {
    fn learn(&mut self, lessons: &[&NewLesson]) -> u64 {
        let mut learned = 0;
        for NewLesson { lesson, debounce } in lessons {
            let again = |old: &Lesson| {
                (&old.source.event_id, old.lesson_type) == (&lesson.source.event_id, lesson.lesson_type)
            };
            let admitted =
                debounce.as_ref().is_none_or(|what| self.debounces.admits(what, lesson.created_at));
            if admitted && !self.lessons.iter().any(again) {
                self.lessons.push(lesson.kept());
                learned += 1;
            }
        }
        learned
    }

    /// Lessons as they are at this instant, the latest first.
    fn lessons_at(&self, now: Timestamp) -> Vec<Lesson> {
        let mut lessons: Vec<_> = self.lessons.iter().map(|lesson| lesson.clone().as_of(now)).collect();
        lessons.sort_by_key(|lesson| std::cmp::Reverse((lesson.created_at, lesson.id)));
        lessons
    }
}

/// Keeps those that are new, and tells which they are.
fn kept<E>(old: &mut Vec<E>, events: impl Iterator<Item = E>, id: impl Fn(&E) -> Uuid) -> BTreeSet<Uuid> {
    let mut new = BTreeSet::new();
    for event in events {
        if !old.iter().any(|old| id(old) == id(&event)) {
            new.insert(id(&event));
            old.push(event);
        }
    }
    new
}

#[async_trait]
impl LessonStore for MemoryStore {
    async fn record_incidents(
        &self,
        tenant: &TenantId,
        incidents: &[Learned<Incident>],
    ) -> Result<LearnedCount, StoreError> {
        Ok(self.write(tenant, |held| {
            let new = kept(&mut held.incidents, incidents.iter().map(|it| it.event.kept()), |it| it.id);
            let lessons = held.learn(&lessons_of_new(incidents, |it| it.id, &new));
            LearnedCount { events: Recorded::of(incidents.len(), new.len()), lessons }
        }))
    }

    async fn record_runs(
        &self,
        tenant: &TenantId,
        runs: &[Learned<Run>],
    ) -> Result<LearnedCount, StoreError> {
        Ok(self.write(tenant, |held| {
            let new = kept(&mut held.runs, runs.iter().map(|it| it.event.kept()), |it| it.id);
            let lessons = held.learn(&lessons_of_new(runs, |it| it.id, &new));
            LearnedCount { events: Recorded::of(runs.len(), new.len()), lessons }
        }))
    }

    async fn record_lessons(&self, tenant: &TenantId, lessons: &[NewLesson]) -> Result<u64, StoreError> {
        Ok(self.write(tenant, |held| held.learn(&lessons.iter().collect::<Vec<_>>())))
    }

    async fn incident(&self, tenant: &TenantId, id: Uuid) -> Result<Option<Incident>, StoreError> {
        Ok(self.read(tenant, |held| held.incidents.iter().find(|it| it.id == id).cloned()))
    }

    async fn run(&self, tenant: &TenantId, id: Uuid) -> Result<Option<Run>, StoreError> {
        Ok(self.read(tenant, |held| held.runs.iter().find(|it| it.id == id).cloned()))
    }

    async fn lessons(
        &self,
        tenant: &TenantId,
        filter: LessonFilter,
        page: PageRequest<'_>,
        now: Timestamp,
    ) -> Result<Page<Lesson>, StoreError> {
        Ok(self.read(tenant, |held| page_of(&held.lessons_at(now), |lesson| filter.passes(lesson), page)))
    }

    async fn lesson_counts(
        &self,
        tenant: &TenantId,
        filter: LessonFilter,
        now: Timestamp,
    ) -> Result<LessonCounts, StoreError> {
        Ok(self.read(tenant, |held| {
            let mut counts = LessonCounts::new();
            for lesson in held.lessons_at(now).iter().filter(|lesson| filter.passes(lesson)) {
                let key = (lesson.lesson_type, lesson.standing.status(), lesson.severity);
                *counts.entry(key).or_default() += 1;
            }
            counts
        }))
    }

    async fn lesson(
        &self,
        tenant: &TenantId,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<Lesson>, StoreError> {
        Ok(self.read(tenant, |held| held.lessons_at(now).into_iter().find(|lesson| lesson.id == id)))
    }

    async fn act_on_lesson(
        &self,
        tenant: &TenantId,
        id: Uuid,
        action: LessonAction<'_>,
        at: Timestamp,
        audit: &AuditEntry,
    ) -> Result<Governed<Lesson>, StoreError> {
        Ok(self.write(tenant, |held| {
            let lesson = held.lessons.iter_mut().find(|lesson| lesson.id == id).ok_or(Refusal::NotFound)?;
            lesson.standing = lesson.after(&action, at)?;
            let lesson = lesson.clone();
            if let LessonAction::Convert(conversion) = action {
                held.proposed(conversion.proposal, conversion.first, conversion.audit);
            }
            held.noted(audit);
            Ok(lesson)
        }))
    }
}
