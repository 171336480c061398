//! Lessons learned.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use ordain_store::{
    AuditEntry, Governed, Incident, Learned, LearnedCount, Lesson, LessonAction, LessonCounts, LessonFilter,
    LessonSeverity, LessonSource, LessonStatus, LessonStore, LessonType, NewLesson, Page, PageRequest,
    Recorded, Refusal, Run, StandingColumns, StoreError, TenantId, lessons_of_new,
};
use sqlx::{Sqlite, SqliteConnection, Transaction, query, query_as, query_scalar};
use uuid::Uuid;

use crate::SqliteStore;
use crate::events::{incident, insert_incident, insert_run, run};
use crate::governance::{note, propose};
use crate::learning::learn;
use crate::row::{count, failed, instant, uuid, word};

const TABLE: &str = "lessons_learned";

struct LessonRow {
    id: String,
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
    draft_proposal_id: Option<String>,
    created_at: i64,
    converted_at: Option<i64>,
    deferred_until: Option<i64>,
    dismissed_at: Option<i64>,
    dismissed_by: Option<String>,
    dismissed_reason: Option<String>,
    is_synthetic: i64,
    synthetic_scenario_id: Option<String>,
}

impl LessonRow {
    fn read(self) -> Result<Lesson, StoreError> {
        let severity = self.severity.as_deref().map(|text| word(TABLE, "severity", &self.id, text));
        let at = |column, value: Option<i64>| {
            value.map(|value| instant(TABLE, column, &self.id, value)).transpose()
        };
        let proposal = self.draft_proposal_id.as_deref();
        let columns = StandingColumns {
            status: word(TABLE, "status", &self.id, &self.status)?,
            draft_proposal_id: proposal.map(|id| uuid(TABLE, "draft_proposal_id", id)).transpose()?,
            converted_at: at("converted_at", self.converted_at)?,
            deferred_until: at("deferred_until", self.deferred_until)?,
            dismissed_at: at("dismissed_at", self.dismissed_at)?,
            dismissed_by: self.dismissed_by,
            dismissed_reason: self.dismissed_reason,
        };
        let id = uuid(TABLE, "id", &self.id)?;
        Ok(Lesson {
            lesson_type: word(TABLE, "lesson_type", &self.id, &self.lesson_type)?,
            severity: severity.transpose()?.unwrap_or(LessonSeverity::None),
            standing: columns.read(id)?,
            source: LessonSource {
                event_type: word(TABLE, "source_event_type", &self.id, &self.source_event_type)?,
                event_id: self.source_event_id,
                run_id: self.source_run_id,
            },
            created_at: instant(TABLE, "created_at", &self.id, self.created_at)?,
            id,
            title: self.title,
            description: self.description,
            proposed_action: self.proposed_action,
            detected_pattern: self.detected_pattern,
            is_synthetic: self.is_synthetic != 0,
            synthetic_scenario_id: self.synthetic_scenario_id,
        })
    }
}

/// Lessons that were deferred until an instant that has come are pending again.
async fn reactivate(
    connection: &mut SqliteConnection,
    tenant: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let now = now.as_microsecond();
    query!(
        "UPDATE lessons_learned SET status = 'pending', deferred_until = NULL
         WHERE tenant_id = $1 AND status = 'deferred' AND deferred_until <= $2",
        tenant,
        now
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn find(
    connection: &mut SqliteConnection,
    tenant: &str,
    id: &str,
) -> Result<Option<Lesson>, StoreError> {
    let row = query_as!(
        LessonRow,
        "SELECT id, lesson_type, severity, source_event_id, source_event_type, source_run_id, title, description,
                proposed_action, detected_pattern, status, draft_proposal_id, created_at, converted_at,
                deferred_until, dismissed_at, dismissed_by, dismissed_reason, is_synthetic, synthetic_scenario_id
         FROM lessons_learned WHERE tenant_id = $1 AND id = $2",
        tenant,
        id
    );
    row.fetch_optional(connection).await.map_err(failed)?.map(LessonRow::read).transpose()
}

async fn counted(
    snapshot: &mut SqliteConnection,
    tenant: &str,
    filter: LessonFilter,
) -> Result<LessonCounts, StoreError> {
    let (lesson_type, status) =
        (filter.lesson_type.map(LessonType::as_str), filter.status.map(LessonStatus::as_str));
    let severity = filter.severity.map(LessonSeverity::as_str);
    let rows = query!(
        r#"SELECT lesson_type, status, severity, sum(lessons) AS "lessons!: i64" FROM lesson_counts
           WHERE tenant_id = $1 AND lessons > 0 AND ($2 IS NULL OR lesson_type = $2)
             AND ($3 IS NULL OR status = $3) AND ($4 IS NULL OR severity = $4) AND ($5 OR is_synthetic = 0)
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
            word("lesson_counts", "lesson_type", "", &row.lesson_type)?,
            word("lesson_counts", "status", "", &row.status)?,
            word("lesson_counts", "severity", "", &row.severity)?,
        );
        counts.insert(key, count("lesson_counts", row.lessons)?);
    }
    Ok(counts)
}

async fn listed(
    snapshot: &mut SqliteConnection,
    tenant: &str,
    filter: LessonFilter,
    page: PageRequest<'_>,
) -> Result<Vec<LessonRow>, sqlx::Error> {
    let (lesson_type, status) =
        (filter.lesson_type.map(LessonType::as_str), filter.status.map(LessonStatus::as_str));
    let severity = filter.severity.map(LessonSeverity::as_str);
    let (limit, offset, last) = (page.sql_limit(), page.sql_offset(), page.after_event());
    let last_at = last.map_or(i64::MAX, |(at, _)| at.as_microsecond());
    let last_id = last.map(|(_, id)| id.hyphenated().to_string()).unwrap_or_default();
    // A statement is planned without its values, so each index needs a statement of its own. The `+` keeps the others
    // from it.
    macro_rules! through {
        ($index:tt) => {
            query_as!(
                LessonRow,
                "SELECT id, lesson_type, severity, source_event_id, source_event_type, source_run_id, title,
                        description, proposed_action, detected_pattern, status, draft_proposal_id, created_at,
                        converted_at, deferred_until, dismissed_at, dismissed_by, dismissed_reason, is_synthetic,
                        synthetic_scenario_id
                 FROM lessons_learned
                 WHERE tenant_id = $1 AND " + $index + "
                   AND ($2 IS NULL OR +lesson_type = $2) AND ($3 IS NULL OR +status = $3)
                   AND (created_at, id) < ($6, $7)
                   AND ($4 IS NULL OR severity = $4) AND ($5 OR is_synthetic = 0)
                 ORDER BY created_at DESC, id DESC LIMIT $8 OFFSET $9",
                tenant, lesson_type, status, severity, filter.include_synthetic, last_at, last_id, limit, offset
            )
            .fetch_all(snapshot)
            .await
        };
    }
    // The last one begins at the end of all.
    if status.is_some() {
        through!("status = $3")
    } else if lesson_type.is_some() {
        through!("lesson_type = $2")
    } else {
        through!("created_at <= 9223372036854775807")
    }
}

impl SqliteStore {
    /// A snapshot in which no lesson is deferred until an instant that has come.
    async fn settled(
        &self,
        tenant: &str,
        now: Timestamp,
    ) -> Result<Transaction<'static, Sqlite>, StoreError> {
        let until = now.as_microsecond();
        loop {
            let mut snapshot = self.read.begin().await.map_err(failed)?;
            let due = query_scalar!(
                r#"SELECT EXISTS (
                     SELECT 1 FROM lessons_learned
                     WHERE tenant_id = $1 AND status = 'deferred' AND deferred_until <= $2
                   ) AS "due!: bool""#,
                tenant,
                until
            );
            if !due.fetch_one(&mut *snapshot).await.map_err(failed)? {
                return Ok(snapshot);
            }
            snapshot.rollback().await.map_err(failed)?;
            let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
            reactivate(&mut transaction, tenant, now).await?;
            transaction.commit().await.map_err(failed)?;
        }
    }
}

#[async_trait]
impl LessonStore for SqliteStore {
    async fn record_incidents(
        &self,
        tenant: &TenantId,
        incidents: &[Learned<Incident>],
    ) -> Result<LearnedCount, StoreError> {
        let tenant = tenant.as_str();
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let mut new = BTreeSet::new();
        for Learned { event, .. } in incidents {
            if insert_incident(&mut transaction, tenant, event).await? {
                new.insert(event.id);
            }
        }
        let candidates = lessons_of_new(incidents, |event| event.id, &new);
        let lessons = learn(&mut transaction, tenant, &candidates).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(LearnedCount { events: Recorded::of(incidents.len(), new.len()), lessons })
    }

    async fn record_runs(
        &self,
        tenant: &TenantId,
        runs: &[Learned<Run>],
    ) -> Result<LearnedCount, StoreError> {
        let tenant = tenant.as_str();
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let mut new = BTreeSet::new();
        for Learned { event, .. } in runs {
            if insert_run(&mut transaction, tenant, event).await? {
                new.insert(event.id);
            }
        }
        let candidates = lessons_of_new(runs, |event| event.id, &new);
        let lessons = learn(&mut transaction, tenant, &candidates).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(LearnedCount { events: Recorded::of(runs.len(), new.len()), lessons })
    }

    async fn record_lessons(&self, tenant: &TenantId, lessons: &[NewLesson]) -> Result<u64, StoreError> {
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let all: Vec<_> = lessons.iter().collect();
        let new = learn(&mut transaction, tenant.as_str(), &all).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(new)
    }

    async fn incident(&self, tenant: &TenantId, id: Uuid) -> Result<Option<Incident>, StoreError> {
        let mut connection = self.read.acquire().await.map_err(failed)?;
        incident(&mut connection, tenant.as_str(), id).await
    }

    async fn run(&self, tenant: &TenantId, id: Uuid) -> Result<Option<Run>, StoreError> {
        let mut connection = self.read.acquire().await.map_err(failed)?;
        run(&mut connection, tenant.as_str(), id).await
    }

    async fn lessons(
        &self,
        tenant: &TenantId,
        filter: LessonFilter,
        page: PageRequest<'_>,
        now: Timestamp,
    ) -> Result<Page<Lesson>, StoreError> {
        let tenant = tenant.as_str();
        let mut snapshot = self.settled(tenant, now).await?;
        let total = counted(&mut snapshot, tenant, filter).await?.values().sum();
        let rows = listed(&mut snapshot, tenant, filter, page).await.map_err(failed)?;
        let items = rows.into_iter().map(LessonRow::read).collect::<Result<_, _>>()?;
        Ok(Page::new(items, total, page))
    }

    async fn lesson_counts(
        &self,
        tenant: &TenantId,
        filter: LessonFilter,
        now: Timestamp,
    ) -> Result<LessonCounts, StoreError> {
        let mut snapshot = self.settled(tenant.as_str(), now).await?;
        counted(&mut snapshot, tenant.as_str(), filter).await
    }

    async fn lesson(
        &self,
        tenant: &TenantId,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<Lesson>, StoreError> {
        let mut connection = self.read.acquire().await.map_err(failed)?;
        let found = find(&mut connection, tenant.as_str(), &id.hyphenated().to_string()).await?;
        Ok(found.map(|lesson| lesson.as_of(now)))
    }

    async fn act_on_lesson(
        &self,
        tenant: &TenantId,
        id: Uuid,
        action: LessonAction<'_>,
        at: Timestamp,
        audit: &AuditEntry,
    ) -> Result<Governed<Lesson>, StoreError> {
        let (tenant, id) = (tenant.as_str(), id.hyphenated().to_string());
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let Some(lesson) = find(&mut transaction, tenant, &id).await? else {
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
        let (status, proposal) = (columns.status.as_str(), columns.draft_proposal_id);
        let proposal = proposal.map(|id| id.hyphenated().to_string());
        let [converted, deferred, dismissed] =
            [columns.converted_at, columns.deferred_until, columns.dismissed_at]
                .map(|at| at.map(Timestamp::as_microsecond));
        query!(
            "UPDATE lessons_learned
             SET status = $3, draft_proposal_id = $4, converted_at = $5, deferred_until = $6, dismissed_at = $7,
                 dismissed_by = $8, dismissed_reason = $9
             WHERE tenant_id = $1 AND id = $2",
            tenant,
            id,
            status,
            proposal,
            converted,
            deferred,
            dismissed,
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
