//! Conflicts.

use async_trait::async_trait;
use jiff_sqlx::Timestamp;
use ordain_ir::ConflictSeverity;
use ordain_store::{
    ConflictFilter, ConflictPage, ConflictRecord, ConflictStore, PageRequest, StoreError, TenantId,
};
use sqlx::{query, query_as};

use crate::PostgresStore;
use crate::row::{count, definition, failed};

const TABLE: &str = "policy_conflicts";

struct ConflictRow {
    id: String,
    definition: String,
    detected_at: Timestamp,
}

impl ConflictRow {
    fn read(self) -> Result<ConflictRecord, StoreError> {
        Ok(ConflictRecord {
            conflict: definition(TABLE, &self.id, &self.definition)?,
            detected_at: self.detected_at.to_jiff(),
        })
    }
}

#[async_trait]
impl ConflictStore for PostgresStore {
    async fn conflicts(
        &self,
        tenant: &TenantId,
        filter: &ConflictFilter,
        page: PageRequest,
    ) -> Result<ConflictPage, StoreError> {
        let mut snapshot = self.reading(tenant).await?;
        let severity = filter.severity.map(ConflictSeverity::as_str);
        let counts = query!(
            r#"SELECT count(*) FILTER (WHERE ($2::text IS NULL OR severity = $2) AND ($3 OR NOT resolved))
                          AS "total!",
                      count(*) FILTER (WHERE severity = 'BLOCKING' AND NOT resolved) AS "unresolved!"
               FROM policy_conflicts WHERE tenant_id = $1"#,
            tenant.as_str(),
            severity,
            filter.include_resolved
        )
        .fetch_one(&mut *snapshot)
        .await
        .map_err(failed)?;
        let rows = query_as!(
            ConflictRow,
            r#"SELECT id, definition::text AS "definition!", detected_at FROM policy_conflicts
               WHERE tenant_id = $1 AND ($2::text IS NULL OR severity = $2) AND ($3 OR NOT resolved)
               ORDER BY position LIMIT $4 OFFSET $5"#,
            tenant.as_str(),
            severity,
            filter.include_resolved,
            i64::from(page.limit),
            page.sql_offset()
        )
        .fetch_all(&mut *snapshot)
        .await
        .map_err(failed)?;
        Ok(ConflictPage {
            items: rows.into_iter().map(ConflictRow::read).collect::<Result<_, _>>()?,
            total: count(TABLE, counts.total)?,
            unresolved_count: count(TABLE, counts.unresolved)?,
        })
    }
}
