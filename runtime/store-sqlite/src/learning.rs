//! Keeping lessons: what was learned a short while ago isn't learned again.

use std::collections::BTreeSet;

use jiff::Timestamp;
use ordain_store::{Debounce, Debounces, Lesson, LessonStatus, NewLesson, StoreError};
use sqlx::{SqliteConnection, query, query_scalar};

use crate::row::{failed, instant};

/// Keeps lessons, and tells how many are new.
pub(crate) async fn learn(
    connection: &mut SqliteConnection,
    tenant: &str,
    lessons: &[&NewLesson],
) -> Result<u64, StoreError> {
    let mut debounces = known(connection, tenant, lessons).await?;
    let mut new = 0;
    for NewLesson { lesson, debounce } in lessons {
        if debounce.as_ref().is_none_or(|what| debounces.admits(what, lesson.created_at)) {
            new += insert(connection, tenant, lesson).await?;
        }
    }
    for (what, at) in debounces.changed() {
        let (lesson_type, at) = (what.lesson_type.as_str(), at.as_microsecond());
        query!(
            "INSERT INTO lesson_debounces (tenant_id, lesson_type, metric, band, is_synthetic, learned_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (tenant_id, lesson_type, metric, band, is_synthetic)
             DO UPDATE SET learned_at = excluded.learned_at",
            tenant,
            lesson_type,
            what.metric,
            what.band,
            what.is_synthetic,
            at
        )
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    }
    Ok(new)
}

/// When these were last learned.
async fn known(
    connection: &mut SqliteConnection,
    tenant: &str,
    lessons: &[&NewLesson],
) -> Result<Debounces, StoreError> {
    let wanted: BTreeSet<&Debounce> = lessons.iter().filter_map(|new| new.debounce.as_ref()).collect();
    let mut last: Vec<(Debounce, Timestamp)> = vec![];
    for what in wanted {
        let lesson_type = what.lesson_type.as_str();
        let found = query_scalar!(
            "SELECT learned_at FROM lesson_debounces
             WHERE tenant_id = $1 AND lesson_type = $2 AND metric = $3 AND band = $4 AND is_synthetic = $5",
            tenant,
            lesson_type,
            what.metric,
            what.band,
            what.is_synthetic
        );
        if let Some(at) = found.fetch_optional(&mut *connection).await.map_err(failed)? {
            last.push((what.clone(), instant("lesson_debounces", "learned_at", &what.metric, at)?));
        }
    }
    Ok(Debounces::new(last))
}

async fn insert(connection: &mut SqliteConnection, tenant: &str, lesson: &Lesson) -> Result<u64, StoreError> {
    let id = lesson.id.hyphenated().to_string();
    let (lesson_type, severity) = (lesson.lesson_type.as_str(), lesson.severity.as_str());
    let (event_type, created) = (lesson.source.event_type.as_str(), lesson.created_at.as_microsecond());
    let pending = LessonStatus::Pending.as_str();
    let done = query!(
        "INSERT INTO lessons_learned
           (tenant_id, id, lesson_type, severity, source_event_id, source_event_type, source_run_id, title,
            description, proposed_action, detected_pattern, status, created_at, is_synthetic, synthetic_scenario_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT (tenant_id, source_event_id, lesson_type) DO NOTHING",
        tenant,
        id,
        lesson_type,
        severity,
        lesson.source.event_id,
        event_type,
        lesson.source.run_id,
        lesson.title,
        lesson.description,
        lesson.proposed_action,
        lesson.detected_pattern,
        pending,
        created,
        lesson.is_synthetic,
        lesson.synthetic_scenario_id
    );
    Ok(done.execute(connection).await.map_err(failed)?.rows_affected())
}
