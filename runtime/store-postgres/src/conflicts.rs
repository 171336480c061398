//! Conflicts.

use async_trait::async_trait;
use jiff_sqlx::Timestamp;
use ordain_ir::{Conflict, ConflictSeverity};
use ordain_store::{
    ConflictAcknowledgement, ConflictFilter, ConflictPage, ConflictRecord, ConflictStore, Page, PageRequest,
    Principal, PrincipalKind, StoreError, TenantId,
};
use sqlx::{PgConnection, query, query_as};

use crate::PostgresStore;
use crate::row::{count, definition, failed};

const TABLE: &str = "policy_conflicts";

struct ConflictRow {
    id: String,
    definition: String,
    detected_at: Timestamp,
    resolved: bool,
    acknowledged_by: Option<String>,
    reason: Option<String>,
    acknowledged_at: Option<Timestamp>,
}

impl ConflictRow {
    fn read(self) -> Result<ConflictRecord, StoreError> {
        let mut conflict: Conflict = definition(TABLE, &self.id, &self.definition)?;
        conflict.resolved = self.resolved;
        let acknowledged = match (self.acknowledged_by, self.reason, self.acknowledged_at) {
            (Some(name), Some(reason), Some(at)) if conflict.severity == ConflictSeverity::Warning => {
                Some(ConflictAcknowledgement {
                    conflict: self.id.clone(),
                    by: Principal { kind: PrincipalKind::Human, name },
                    reason,
                    at: at.to_jiff(),
                })
            }
            _ => None,
        };
        Ok(ConflictRecord { conflict, detected_at: self.detected_at.to_jiff(), acknowledged })
    }
}

/// One conflict.
pub(crate) async fn one(
    connection: &mut PgConnection,
    tenant: &str,
    id: &str,
) -> Result<Option<ConflictRecord>, StoreError> {
    let row = query_as!(
        ConflictRow,
        r#"SELECT c.id, c.definition::text AS "definition!", c.detected_at, c.resolved, a.acknowledged_by AS "acknowledged_by?",
                  a.reason AS "reason?", a.acknowledged_at AS "acknowledged_at?"
           FROM policy_conflicts c
           LEFT JOIN conflict_acknowledgements a ON a.tenant_id = c.tenant_id AND a.conflict_id = c.id
           WHERE c.tenant_id = $1 AND c.id = $2"#,
        tenant,
        id
    );
    row.fetch_optional(connection).await.map_err(failed)?.map(ConflictRow::read).transpose()
}

#[async_trait]
impl ConflictStore for PostgresStore {
    async fn conflicts(
        &self,
        tenant: &TenantId,
        filter: &ConflictFilter,
        page: PageRequest<'_>,
    ) -> Result<ConflictPage, StoreError> {
        let mut snapshot = self.reading(tenant).await?;
        let severity = filter.severity.map(ConflictSeverity::as_str);
        let (rank, id) = page.after_conflict();
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
            r#"SELECT c.id, c.definition::text AS "definition!", c.detected_at, c.resolved,
                      a.acknowledged_by AS "acknowledged_by?", a.reason AS "reason?",
                      a.acknowledged_at AS "acknowledged_at?"
               FROM policy_conflicts c
               LEFT JOIN conflict_acknowledgements a ON a.tenant_id = c.tenant_id AND a.conflict_id = c.id
               WHERE c.tenant_id = $1 AND ($2::text IS NULL OR c.severity = $2) AND ($3 OR NOT c.resolved)
                 AND (c.rank, c.id COLLATE "C") > ($4, $5)
               ORDER BY c.rank, c.id COLLATE "C" LIMIT $6 OFFSET $7"#,
            tenant.as_str(),
            severity,
            filter.include_resolved,
            rank,
            id,
            page.sql_limit(),
            page.sql_offset()
        )
        .fetch_all(&mut *snapshot)
        .await
        .map_err(failed)?;
        let items = rows.into_iter().map(ConflictRow::read).collect::<Result<_, _>>()?;
        let Page { items, total, next } = Page::new(items, count(TABLE, counts.total)?, page);
        Ok(ConflictPage { items, total, next, unresolved_count: count(TABLE, counts.unresolved)? })
    }

    async fn conflict(&self, tenant: &TenantId, id: &str) -> Result<Option<ConflictRecord>, StoreError> {
        one(&mut *self.reading(tenant).await?, tenant.as_str(), id).await
    }
}
