//! Limits.

use async_trait::async_trait;
use ordain_ir::{Category, Enforcement, Level, LimitStatus, PolicyId};
use ordain_store::{
    LimitFilter, LimitRecord, LimitStore, LimitTypePattern, Page, PageRequest, PolicyDetail, StoreError,
    TenantId, clamped_microseconds,
};
use sqlx::query_as;

use crate::dependencies::touching;
use crate::row::{count, definition, failed, instant};
use crate::{SqliteStore, row};

const TABLE: &str = "limits";

/// A row of `limits`.
pub(crate) struct LimitRow {
    pub(crate) id: String,
    pub(crate) definition: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

impl LimitRow {
    pub(crate) fn read(self) -> Result<LimitRecord, StoreError> {
        Ok(LimitRecord {
            limit: definition(TABLE, &self.id, &self.definition)?,
            created_at: instant(TABLE, "created_at", &self.id, self.created_at)?,
            updated_at: instant(TABLE, "updated_at", &self.id, self.updated_at)?,
        })
    }
}

#[async_trait]
impl LimitStore for SqliteStore {
    async fn limits(
        &self,
        tenant: &TenantId,
        filter: &LimitFilter,
        page: PageRequest<'_>,
    ) -> Result<Page<LimitRecord>, StoreError> {
        let tenant = tenant.as_str();
        let category = filter.category.map(Category::as_str);
        let status = filter.status.map(LimitStatus::as_str);
        let scope = filter.scope.map(Level::as_str);
        let enforcement = filter.enforcement.map(Enforcement::as_str);
        // GLOB, since SQLite's LIKE takes `runs_daily` for `RUNS_DAILY`.
        let limit_type = filter.limit_type.as_ref().map(LimitTypePattern::to_glob);
        let (after, before) = clamped_microseconds(filter.created_after, filter.created_before);
        let (limit, offset, last) = (page.sql_limit(), page.sql_offset(), page.after_name());
        let mut snapshot = self.read.begin().await.map_err(failed)?;
        let total = sqlx::query_scalar!(
            r#"SELECT count(*) AS "total!: i64" FROM limits
               WHERE tenant_id = $1
                 AND ($2 IS NULL OR limit_category = $2)
                 AND ($3 IS NULL OR status = $3)
                 AND ($4 IS NULL OR scope = $4)
                 AND ($5 IS NULL OR enforcement = $5)
                 AND ($6 IS NULL OR limit_type GLOB $6)
                 AND ($7 IS NULL OR created_at >= $7)
                 AND ($8 IS NULL OR created_at <= $8)"#,
            tenant,
            category,
            status,
            scope,
            enforcement,
            limit_type,
            after,
            before
        )
        .fetch_one(&mut *snapshot)
        .await
        .map_err(failed)?;
        let rows = query_as!(
            LimitRow,
            "SELECT id, definition, created_at, updated_at FROM limits
             WHERE tenant_id = $1
               AND ($2 IS NULL OR limit_category = $2)
               AND ($3 IS NULL OR status = $3)
               AND ($4 IS NULL OR scope = $4)
               AND ($5 IS NULL OR enforcement = $5)
               AND ($6 IS NULL OR limit_type GLOB $6)
               AND ($7 IS NULL OR created_at >= $7)
               AND ($8 IS NULL OR created_at <= $8)
               AND name > $9
             ORDER BY name LIMIT $10 OFFSET $11",
            tenant,
            category,
            status,
            scope,
            enforcement,
            limit_type,
            after,
            before,
            last,
            limit,
            offset
        )
        .fetch_all(&mut *snapshot)
        .await
        .map_err(failed)?;
        let items = rows.into_iter().map(LimitRow::read).collect::<Result<_, _>>()?;
        Ok(Page::new(items, count(TABLE, total)?, page))
    }

    async fn limit(
        &self,
        tenant: &TenantId,
        id: PolicyId,
    ) -> Result<Option<PolicyDetail<LimitRecord>>, StoreError> {
        let (tenant, key) = (tenant.as_str(), row::id(id));
        let mut snapshot = self.read.begin().await.map_err(failed)?;
        let found = query_as!(
            LimitRow,
            "SELECT id, definition, created_at, updated_at FROM limits WHERE tenant_id = $1 AND id = $2",
            tenant,
            key
        )
        .fetch_optional(&mut *snapshot)
        .await
        .map_err(failed)?;
        let Some(found) = found else { return Ok(None) };
        let edges = touching(&mut snapshot, tenant, &key).await?;
        Ok(Some(PolicyDetail { policy: found.read()?, edges }))
    }
}
