//! Conflicts.

use async_trait::async_trait;
use ordain_ir::ConflictSeverity;
use ordain_store::{
    ConflictFilter, ConflictPage, ConflictRecord, ConflictStore, PageRequest, StoreError, TenantId,
};
use sqlx::{query, query_as};

use crate::SqliteStore;
use crate::row::{count, definition, failed, instant};

const TABLE: &str = "policy_conflicts";

struct ConflictRow {
    id: String,
    definition: String,
    detected_at: i64,
}

impl ConflictRow {
    fn read(self) -> Result<ConflictRecord, StoreError> {
        Ok(ConflictRecord {
            conflict: definition(TABLE, &self.id, &self.definition)?,
            detected_at: instant(TABLE, "detected_at", &self.id, self.detected_at)?,
        })
    }
}

#[async_trait]
impl ConflictStore for SqliteStore {
    async fn conflicts(
        &self,
        tenant: &TenantId,
        filter: &ConflictFilter,
        page: PageRequest,
    ) -> Result<ConflictPage, StoreError> {
        let tenant = tenant.as_str();
        let severity = filter.severity.map(ConflictSeverity::as_str);
        let (limit, offset) = (i64::from(page.limit), page.sql_offset());
        let mut snapshot = self.read.begin().await.map_err(failed)?;
        let counts = query!(
            r#"SELECT count(*) FILTER (WHERE ($2 IS NULL OR severity = $2) AND ($3 OR resolved = 0))
                          AS "total!: i64",
                      count(*) FILTER (WHERE severity = 'BLOCKING' AND resolved = 0) AS "unresolved!: i64"
               FROM policy_conflicts WHERE tenant_id = $1"#,
            tenant,
            severity,
            filter.include_resolved
        )
        .fetch_one(&mut *snapshot)
        .await
        .map_err(failed)?;
        let rows = query_as!(
            ConflictRow,
            "SELECT id, definition, detected_at FROM policy_conflicts
             WHERE tenant_id = $1 AND ($2 IS NULL OR severity = $2) AND ($3 OR resolved = 0)
             ORDER BY position LIMIT $4 OFFSET $5",
            tenant,
            severity,
            filter.include_resolved,
            limit,
            offset
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
