//! Keeping lessons: what was learned a short while ago isn't learned again.

use std::collections::BTreeSet;

use jiff_sqlx::{Timestamp, ToSqlx};
use ordain_store::{Debounce, Debounces, Lesson, NewLesson, StoreError, to_microsecond};
use sqlx::{PgConnection, query};
use uuid::Uuid;

use crate::row::{failed, word};

/// Keeps lessons, and tells how many are new. Whoever calls it holds the lock of the tenant's lessons.
pub(crate) async fn learn(
    connection: &mut PgConnection,
    tenant: &str,
    lessons: &[&NewLesson],
) -> Result<u64, StoreError> {
    if lessons.is_empty() {
        return Ok(0);
    }
    let mut debounces = known(connection, tenant, lessons).await?;
    let admitted = |new: &&&NewLesson| {
        new.debounce.as_ref().is_none_or(|what| debounces.admits(what, new.lesson.created_at))
    };
    let admitted: Vec<&Lesson> = lessons.iter().filter(admitted).map(|new| &new.lesson).collect();
    let new = insert(connection, tenant, &admitted).await.map_err(failed)?;
    remember(connection, tenant, &debounces).await.map_err(failed)?;
    Ok(new)
}

/// When these were last learned.
async fn known(
    connection: &mut PgConnection,
    tenant: &str,
    lessons: &[&NewLesson],
) -> Result<Debounces, StoreError> {
    let wanted: BTreeSet<&Debounce> = lessons.iter().filter_map(|new| new.debounce.as_ref()).collect();
    if wanted.is_empty() {
        return Ok(Debounces::default());
    }
    let types: Vec<&str> = wanted.iter().map(|what| what.lesson_type.as_str()).collect();
    let metrics: Vec<&str> = wanted.iter().map(|what| what.metric.as_str()).collect();
    let bands: Vec<&str> = wanted.iter().map(|what| what.band.as_str()).collect();
    let synthetic: Vec<bool> = wanted.iter().map(|what| what.is_synthetic).collect();
    let rows = query!(
        "SELECT lesson_type, metric, band, is_synthetic, learned_at FROM lesson_debounces
         WHERE tenant_id = $1 AND (lesson_type, metric, band, is_synthetic) IN (
           SELECT * FROM UNNEST($2::text[], $3::text[], $4::text[], $5::bool[])
         )",
        tenant,
        &types as &[&str],
        &metrics as &[&str],
        &bands as &[&str],
        &synthetic
    )
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    let mut last = vec![];
    for row in rows {
        let what = Debounce {
            lesson_type: word("lesson_debounces", "lesson_type", &row.metric, &row.lesson_type)?,
            metric: row.metric,
            band: row.band,
            is_synthetic: row.is_synthetic,
        };
        last.push((what, row.learned_at.to_jiff()));
    }
    Ok(Debounces::new(last))
}

async fn remember(
    connection: &mut PgConnection,
    tenant: &str,
    debounces: &Debounces,
) -> Result<(), sqlx::Error> {
    let changed: Vec<_> = debounces.changed().collect();
    if changed.is_empty() {
        return Ok(());
    }
    let types: Vec<&str> = changed.iter().map(|(what, _)| what.lesson_type.as_str()).collect();
    let metrics: Vec<&str> = changed.iter().map(|(what, _)| what.metric.as_str()).collect();
    let bands: Vec<&str> = changed.iter().map(|(what, _)| what.band.as_str()).collect();
    let synthetic: Vec<bool> = changed.iter().map(|(what, _)| what.is_synthetic).collect();
    let learned: Vec<Timestamp> = changed.iter().map(|(_, at)| at.to_sqlx()).collect();
    query!(
        "INSERT INTO lesson_debounces (tenant_id, lesson_type, metric, band, is_synthetic, learned_at)
         SELECT $1, lesson_type, metric, band, is_synthetic, learned_at
         FROM UNNEST($2::text[], $3::text[], $4::text[], $5::bool[], $6::timestamptz[])
           AS new (lesson_type, metric, band, is_synthetic, learned_at)
         ON CONFLICT (tenant_id, lesson_type, metric, band, is_synthetic)
         DO UPDATE SET learned_at = excluded.learned_at",
        tenant,
        &types as &[&str],
        &metrics as &[&str],
        &bands as &[&str],
        &synthetic,
        &learned as &[Timestamp]
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps them in their order, so that of two from one event the first stays.
async fn insert(
    connection: &mut PgConnection,
    tenant: &str,
    lessons: &[&Lesson],
) -> Result<u64, sqlx::Error> {
    let each = || lessons.iter();
    let ids: Vec<Uuid> = each().map(|it| it.id).collect();
    let types: Vec<&str> = each().map(|it| it.lesson_type.as_str()).collect();
    let severities: Vec<&str> = each().map(|it| it.severity.as_str()).collect();
    let events: Vec<&str> = each().map(|it| it.source.event_id.as_str()).collect();
    let event_types: Vec<&str> = each().map(|it| it.source.event_type.as_str()).collect();
    let runs: Vec<Option<&str>> = each().map(|it| it.source.run_id.as_deref()).collect();
    let titles: Vec<&str> = each().map(|it| it.title.as_str()).collect();
    let descriptions: Vec<&str> = each().map(|it| it.description.as_str()).collect();
    let actions: Vec<Option<&str>> = each().map(|it| it.proposed_action.as_deref()).collect();
    let patterns: Vec<Option<&str>> = each().map(|it| it.detected_pattern.as_deref()).collect();
    let created: Vec<Timestamp> = each().map(|it| to_microsecond(it.created_at).to_sqlx()).collect();
    let synthetic: Vec<bool> = each().map(|it| it.is_synthetic).collect();
    let scenarios: Vec<Option<&str>> = each().map(|it| it.synthetic_scenario_id.as_deref()).collect();
    let done = query!(
        "INSERT INTO lessons_learned
           (tenant_id, id, lesson_type, severity, source_event_id, source_event_type, source_run_id, title,
            description, proposed_action, detected_pattern, status, created_at, is_synthetic, synthetic_scenario_id)
         SELECT $1, id, lesson_type, severity, source_event_id, source_event_type, source_run_id, title, description,
                proposed_action, detected_pattern::json, 'pending', created_at, is_synthetic, synthetic_scenario_id
         FROM UNNEST($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                     $10::text[], $11::text[], $12::timestamptz[], $13::bool[], $14::text[]) WITH ORDINALITY
           AS new (id, lesson_type, severity, source_event_id, source_event_type, source_run_id, title, description,
                   proposed_action, detected_pattern, created_at, is_synthetic, synthetic_scenario_id, position)
         ORDER BY position
         ON CONFLICT (tenant_id, source_event_id, lesson_type) DO NOTHING",
        tenant,
        &ids,
        &types as &[&str],
        &severities as &[&str],
        &events as &[&str],
        &event_types as &[&str],
        &runs as &[Option<&str>],
        &titles as &[&str],
        &descriptions as &[&str],
        &actions as &[Option<&str>],
        &patterns as &[Option<&str>],
        &created as &[Timestamp],
        &synthetic,
        &scenarios as &[Option<&str>]
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
