//! Limits.

use async_trait::async_trait;
use jiff_sqlx::Timestamp;
use ordain_ir::{Category, Enforcement, Level, LimitStatus, PolicyId};
use ordain_store::{
    LimitFilter, LimitRecord, LimitStore, LimitTypePattern, Page, PageRequest, PolicyDetail, StoreError,
    TenantId,
};
use sqlx::{query_as, query_scalar};
use uuid::Uuid;

use crate::PostgresStore;
use crate::dependencies::touching;
use crate::row::{bounds, count, definition, failed};

const TABLE: &str = "limits";

/// A row of `limits`.
pub(crate) struct LimitRow {
    pub(crate) id: Uuid,
    pub(crate) definition: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl LimitRow {
    pub(crate) fn read(self) -> Result<LimitRecord, StoreError> {
        Ok(LimitRecord {
            limit: definition(TABLE, &self.id, &self.definition)?,
            created_at: self.created_at.to_jiff(),
            updated_at: self.updated_at.to_jiff(),
        })
    }
}

#[async_trait]
impl LimitStore for PostgresStore {
    async fn limits(
        &self,
        tenant: &TenantId,
        filter: &LimitFilter,
        page: PageRequest<'_>,
    ) -> Result<Page<LimitRecord>, StoreError> {
        let mut snapshot = self.reading(tenant).await?;
        let tenant = tenant.as_str();
        let category = filter.category.map(Category::as_str);
        let status = filter.status.map(LimitStatus::as_str);
        let scope = filter.scope.map(Level::as_str);
        let enforcement = filter.enforcement.map(Enforcement::as_str);
        let limit_type = filter.limit_type.as_ref().map(LimitTypePattern::to_like);
        let (after, before) = bounds(filter.created_after, filter.created_before);
        let total = query_scalar!(
            r#"SELECT count(*) AS "total!" FROM limits
               WHERE tenant_id = $1
                 AND ($2::text IS NULL OR limit_category = $2)
                 AND ($3::text IS NULL OR status = $3)
                 AND ($4::text IS NULL OR scope = $4)
                 AND ($5::text IS NULL OR enforcement = $5)
                 AND ($6::text IS NULL OR limit_type LIKE $6 ESCAPE '\')
                 AND ($7::timestamptz IS NULL OR created_at >= $7)
                 AND ($8::timestamptz IS NULL OR created_at <= $8)"#,
            tenant,
            category,
            status,
            scope,
            enforcement,
            limit_type.as_deref(),
            after as Option<Timestamp>,
            before as Option<Timestamp>
        )
        .fetch_one(&mut *snapshot)
        .await
        .map_err(failed)?;
        let rows = query_as!(
            LimitRow,
            r#"SELECT id, definition::text AS "definition!", created_at, updated_at FROM limits
               WHERE tenant_id = $1
                 AND ($2::text IS NULL OR limit_category = $2)
                 AND ($3::text IS NULL OR status = $3)
                 AND ($4::text IS NULL OR scope = $4)
                 AND ($5::text IS NULL OR enforcement = $5)
                 AND ($6::text IS NULL OR limit_type LIKE $6 ESCAPE '\')
                 AND ($7::timestamptz IS NULL OR created_at >= $7)
                 AND ($8::timestamptz IS NULL OR created_at <= $8)
                 AND name > $9
               ORDER BY name LIMIT $10 OFFSET $11"#,
            tenant,
            category,
            status,
            scope,
            enforcement,
            limit_type.as_deref(),
            after as Option<Timestamp>,
            before as Option<Timestamp>,
            page.after_name(),
            page.sql_limit(),
            page.sql_offset()
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
        let mut snapshot = self.reading(tenant).await?;
        let found = query_as!(
            LimitRow,
            r#"SELECT id, definition::text AS "definition!", created_at, updated_at FROM limits
               WHERE tenant_id = $1 AND id = $2"#,
            tenant.as_str(),
            id.0
        )
        .fetch_optional(&mut *snapshot)
        .await
        .map_err(failed)?;
        let Some(found) = found else { return Ok(None) };
        let edges = touching(&mut snapshot, tenant, id.0).await?;
        Ok(Some(PolicyDetail { policy: found.read()?, edges }))
    }
}
