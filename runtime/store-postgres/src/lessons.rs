//! Lessons learned.

use async_trait::async_trait;
use jiff_sqlx::{Timestamp, ToSqlx};
use ordain_store::{
    AuditEntry, Governed, Incident, Learned, LearnedCount, Lesson, LessonAction, LessonCounts, LessonFilter,
    LessonSeverity, LessonSource, LessonStatus, LessonStore, LessonType, NewLesson, Page, PageRequest,
    Recorded, Refusal, Run, StandingColumns, StoreError, TenantId, lessons_of_new, to_microsecond,
};
use sqlx::{PgConnection, Postgres, Transaction, query, query_as, query_scalar};
use uuid::Uuid;

use crate::PostgresStore;
use crate::events::{incident, insert_incidents, insert_runs, run};
use crate::governance::{note, propose};
use crate::learning::learn;
use crate::row::{count, failed, latest, word};

const TABLE: &str = "lessons_learned";

struct LessonRow {
    id: Uuid,
    lesson_type: String,
    severity: Option<String>,
    source_event_id: String,
    source_event_type: String,
    source_run_id: Option<String>,
    title: String,
    description: String,
    proposed_action: Option<String>,
    detected_pattern: Option<String>,
    status: String,
    draft_proposal_id: Option<Uuid>,
    created_at: Timestamp,
    converted_at: Option<Timestamp>,
    deferred_until: Option<Timestamp>,
    dismissed_at: Option<Timestamp>,
    dismissed_by: Option<String>,
    dismissed_reason: Option<String>,
    is_synthetic: bool,
    synthetic_scenario_id: Option<String>,
}

impl LessonRow {
    fn read(self) -> Result<Lesson, StoreError> {
        let severity = self.severity.as_deref().map(|text| word(TABLE, "severity", &self.id, text));
        let columns = StandingColumns {
            status: word(TABLE, "status", &self.id, &self.status)?,
            draft_proposal_id: self.draft_proposal_id,
            converted_at: self.converted_at.map(Timestamp::to_jiff),
            deferred_until: self.deferred_until.map(Timestamp::to_jiff),
            dismissed_at: self.dismissed_at.map(Timestamp::to_jiff),
            dismissed_by: self.dismissed_by,
            dismissed_reason: self.dismissed_reason,
        };
        Ok(Lesson {
            lesson_type: word(TABLE, "lesson_type", &self.id, &self.lesson_type)?,
            severity: severity.transpose()?.unwrap_or(LessonSeverity::None),
            standing: columns.read(self.id)?,
            source: LessonSource {
                event_type: word(TABLE, "source_event_type", &self.id, &self.source_event_type)?,
                event_id: self.source_event_id,
                run_id: self.source_run_id,
            },
            created_at: self.created_at.to_jiff(),
            id: self.id,
            title: self.title,
            description: self.description,
            proposed_action: self.proposed_action,
            detected_pattern: self.detected_pattern,
            is_synthetic: self.is_synthetic,
            synthetic_scenario_id: self.synthetic_scenario_id,
        })
    }
}

fn sql(at: jiff::Timestamp) -> Timestamp {
    to_microsecond(at).to_sqlx()
}

/// Lessons that were deferred until an instant that has come are pending again.
async fn reactivate(
    connection: &mut PgConnection,
    tenant: &str,
    now: jiff::Timestamp,
) -> Result<(), StoreError> {
    query!(
        "UPDATE lessons_learned SET status = 'pending', deferred_until = NULL
         WHERE tenant_id = $1 AND status = 'deferred' AND deferred_until <= $2",
        tenant,
        sql(now) as Timestamp
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn find(connection: &mut PgConnection, tenant: &str, id: Uuid) -> Result<Option<Lesson>, StoreError> {
    let row = query_as!(
        LessonRow,
        "SELECT id, lesson_type, severity, source_event_id, source_event_type, source_run_id, title, description,
                proposed_action, detected_pattern::text AS detected_pattern, status, draft_proposal_id, created_at, converted_at,
                deferred_until, dismissed_at, dismissed_by, dismissed_reason, is_synthetic, synthetic_scenario_id
         FROM lessons_learned WHERE tenant_id = $1 AND id = $2",
        tenant,
        id
    );
    row.fetch_optional(connection).await.map_err(failed)?.map(LessonRow::read).transpose()
}

async fn counted(
    snapshot: &mut PgConnection,
    tenant: &str,
    filter: LessonFilter,
) -> Result<LessonCounts, StoreError> {
    let (lesson_type, status) =
        (filter.lesson_type.map(LessonType::as_str), filter.status.map(LessonStatus::as_str));
    let severity = filter.severity.map(LessonSeverity::as_str);
    let rows = query!(
        r#"SELECT lesson_type, status, severity, sum(lessons)::bigint AS "lessons!" FROM lesson_counts
           WHERE tenant_id = $1 AND lessons > 0 AND ($2::text IS NULL OR lesson_type = $2)
             AND ($3::text IS NULL OR status = $3) AND ($4::text IS NULL OR severity = $4) AND ($5 OR NOT is_synthetic)
           GROUP BY lesson_type, status, severity"#,
        tenant,
        lesson_type,
        status,
        severity,
        filter.include_synthetic
    )
    .fetch_all(snapshot)
    .await
    .map_err(failed)?;
    let mut counts = LessonCounts::new();
    for row in rows {
        let key = (
            word("lesson_counts", "lesson_type", &"", &row.lesson_type)?,
            word("lesson_counts", "status", &"", &row.status)?,
            word("lesson_counts", "severity", &"", &row.severity)?,
        );
        counts.insert(key, count("lesson_counts", row.lessons)?);
    }
    Ok(counts)
}

async fn listed(
    snapshot: &mut PgConnection,
    tenant: &str,
    filter: LessonFilter,
    page: PageRequest<'_>,
) -> Result<Vec<LessonRow>, sqlx::Error> {
    let (lesson_type, status) =
        (filter.lesson_type.map(LessonType::as_str), filter.status.map(LessonStatus::as_str));
    let severity = filter.severity.map(LessonSeverity::as_str);
    let (limit, offset, last) = (page.sql_limit(), page.sql_offset(), page.after_event());
    let last_at = latest(last.map(|(at, _)| at));
    let last_id = last.map_or(Uuid::nil(), |(_, id)| id);
    // A statement may be planned without its values, so each index has a statement of its own.
    macro_rules! through {
        ($index:tt) => {
            query_as!(
                LessonRow,
                "SELECT id, lesson_type, severity, source_event_id, source_event_type, source_run_id, title,
                        description, proposed_action, detected_pattern::text AS detected_pattern, status,
                        draft_proposal_id, created_at, converted_at, deferred_until, dismissed_at, dismissed_by,
                        dismissed_reason, is_synthetic, synthetic_scenario_id
                 FROM lessons_learned
                 WHERE tenant_id = $1 AND " + $index + "
                   AND ($2::text IS NULL OR lesson_type = $2) AND ($3::text IS NULL OR status = $3)
                   AND ($4::text IS NULL OR severity = $4) AND ($5 OR NOT is_synthetic)
                   AND (created_at, id) < ($6, $7)
                 ORDER BY created_at DESC, id DESC LIMIT $8 OFFSET $9",
                tenant, lesson_type, status, severity, filter.include_synthetic, last_at as Option<Timestamp>,
                last_id, limit, offset
            )
            .fetch_all(snapshot)
            .await
        };
    }
    if status.is_some() {
        through!("status = $3")
    } else if lesson_type.is_some() {
        through!("lesson_type = $2")
    } else {
        through!("true")
    }
}

impl PostgresStore {
    /// A snapshot in which no lesson is deferred until an instant that has come.
    async fn settled(
        &self,
        tenant: &TenantId,
        now: jiff::Timestamp,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        loop {
            let mut snapshot = self.reading(tenant).await?;
            let due = query_scalar!(
                r#"SELECT EXISTS (
                     SELECT 1 FROM lessons_learned
                     WHERE tenant_id = $1 AND status = 'deferred' AND deferred_until <= $2
                   ) AS "due!""#,
                tenant.as_str(),
                sql(now) as Timestamp
            );
            if !due.fetch_one(&mut *snapshot).await.map_err(failed)? {
                return Ok(snapshot);
            }
            snapshot.rollback().await.map_err(failed)?;
            let mut transaction = self.learning(tenant).await?;
            reactivate(&mut transaction, tenant.as_str(), now).await?;
            transaction.commit().await.map_err(failed)?;
        }
    }
}

#[async_trait]
impl LessonStore for PostgresStore {
    async fn record_incidents(
        &self,
        tenant: &TenantId,
        incidents: &[Learned<Incident>],
    ) -> Result<LearnedCount, StoreError> {
        let mut transaction = self.learning(tenant).await?;
        let new = insert_incidents(&mut transaction, tenant.as_str(), incidents).await?;
        let candidates = lessons_of_new(incidents, |event| event.id, &new);
        let lessons = learn(&mut transaction, tenant.as_str(), &candidates).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(LearnedCount { events: Recorded::of(incidents.len(), new.len()), lessons })
    }

    async fn record_runs(
        &self,
        tenant: &TenantId,
        runs: &[Learned<Run>],
    ) -> Result<LearnedCount, StoreError> {
        // Runs that teach nothing wait for nobody.
        let teaches = runs.iter().any(|run| !run.lessons.is_empty());
        let mut transaction =
            if teaches { self.learning(tenant).await? } else { self.recording(tenant).await? };
        let new = insert_runs(&mut transaction, tenant.as_str(), runs).await?;
        let candidates = lessons_of_new(runs, |event| event.id, &new);
        let lessons = learn(&mut transaction, tenant.as_str(), &candidates).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(LearnedCount { events: Recorded::of(runs.len(), new.len()), lessons })
    }

    async fn record_lessons(&self, tenant: &TenantId, lessons: &[NewLesson]) -> Result<u64, StoreError> {
        let mut transaction = self.learning(tenant).await?;
        let all: Vec<_> = lessons.iter().collect();
        let new = learn(&mut transaction, tenant.as_str(), &all).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(new)
    }

    async fn incident(&self, tenant: &TenantId, id: Uuid) -> Result<Option<Incident>, StoreError> {
        incident(&mut *self.reading(tenant).await?, tenant.as_str(), id).await
    }

    async fn run(&self, tenant: &TenantId, id: Uuid) -> Result<Option<Run>, StoreError> {
        run(&mut *self.reading(tenant).await?, tenant.as_str(), id).await
    }

    async fn lessons(
        &self,
        tenant: &TenantId,
        filter: LessonFilter,
        page: PageRequest<'_>,
        now: jiff::Timestamp,
    ) -> Result<Page<Lesson>, StoreError> {
        let mut snapshot = self.settled(tenant, now).await?;
        let total = counted(&mut snapshot, tenant.as_str(), filter).await?.values().sum();
        let rows = listed(&mut snapshot, tenant.as_str(), filter, page).await.map_err(failed)?;
        let items = rows.into_iter().map(LessonRow::read).collect::<Result<_, _>>()?;
        Ok(Page::new(items, total, page))
    }

    async fn lesson_counts(
        &self,
        tenant: &TenantId,
        filter: LessonFilter,
        now: jiff::Timestamp,
    ) -> Result<LessonCounts, StoreError> {
        let mut snapshot = self.settled(tenant, now).await?;
        counted(&mut snapshot, tenant.as_str(), filter).await
    }

    async fn lesson(
        &self,
        tenant: &TenantId,
        id: Uuid,
        now: jiff::Timestamp,
    ) -> Result<Option<Lesson>, StoreError> {
        let found = find(&mut *self.reading(tenant).await?, tenant.as_str(), id).await?;
        Ok(found.map(|lesson| lesson.as_of(now)))
    }

    async fn act_on_lesson(
        &self,
        tenant_id: &TenantId,
        id: Uuid,
        action: LessonAction<'_>,
        at: jiff::Timestamp,
        audit: &AuditEntry,
    ) -> Result<Governed<Lesson>, StoreError> {
        let tenant = tenant_id.as_str();
        let mut transaction = self.deciding_on_lessons(tenant_id).await?;
        let Some(lesson) = find(&mut transaction, tenant, id).await? else {
            return Ok(Err(Refusal::NotFound));
        };
        let standing = match lesson.after(&action, at) {
            Ok(standing) => standing,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let LessonAction::Convert(conversion) = action {
            propose(&mut transaction, tenant, conversion.proposal, conversion.first, conversion.audit)
                .await?;
        }
        let columns = standing.columns();
        query!(
            "UPDATE lessons_learned
             SET status = $3, draft_proposal_id = $4, converted_at = $5, deferred_until = $6, dismissed_at = $7,
                 dismissed_by = $8, dismissed_reason = $9
             WHERE tenant_id = $1 AND id = $2",
            tenant,
            id,
            columns.status.as_str(),
            columns.draft_proposal_id,
            columns.converted_at.map(sql) as Option<Timestamp>,
            columns.deferred_until.map(sql) as Option<Timestamp>,
            columns.dismissed_at.map(sql) as Option<Timestamp>,
            columns.dismissed_by,
            columns.dismissed_reason
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        note(&mut transaction, tenant, audit).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(Ok(Lesson { standing, ..lesson }))
    }
}
