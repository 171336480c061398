//! Rules.

use async_trait::async_trait;
use ordain_ir::{EnforcementMode, Level, PolicyId, RuleStatus, RuleType, Source};
use ordain_store::{
    Page, PageRequest, PolicyDetail, RuleFilter, RuleRecord, RuleStore, StoreError, TenantId,
    clamped_microseconds,
};
use sqlx::query_as;

use crate::dependencies::touching;
use crate::row::{count, definition, failed, instant};
use crate::{SqliteStore, row};

const TABLE: &str = "policy_rules";

/// A row of `policy_rules`.
pub(crate) struct RuleRow {
    pub(crate) id: String,
    pub(crate) definition: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

impl RuleRow {
    pub(crate) fn read(self) -> Result<RuleRecord, StoreError> {
        Ok(RuleRecord {
            rule: definition(TABLE, &self.id, &self.definition)?,
            created_at: instant(TABLE, "created_at", &self.id, self.created_at)?,
            updated_at: instant(TABLE, "updated_at", &self.id, self.updated_at)?,
        })
    }
}

#[async_trait]
impl RuleStore for SqliteStore {
    async fn rules(
        &self,
        tenant: &TenantId,
        filter: &RuleFilter,
        page: PageRequest<'_>,
    ) -> Result<Page<RuleRecord>, StoreError> {
        let tenant = tenant.as_str();
        let status = filter.status.map(RuleStatus::as_str);
        let mode = filter.enforcement_mode.map(EnforcementMode::as_str);
        let scope = filter.scope.map(Level::as_str);
        let source = filter.source.map(Source::as_str);
        let rule_type = filter.rule_type.map(RuleType::as_str);
        let (after, before) = clamped_microseconds(filter.created_after, filter.created_before);
        let (limit, offset, last) = (page.sql_limit(), page.sql_offset(), page.after_name());
        let mut snapshot = self.read.begin().await.map_err(failed)?;
        let total = sqlx::query_scalar!(
            r#"SELECT count(*) AS "total!: i64" FROM policy_rules
               WHERE tenant_id = $1
                 AND ($2 IS NULL OR status = $2)
                 AND ($3 IS NULL OR enforcement_mode = $3)
                 AND ($4 IS NULL OR scope = $4)
                 AND ($5 IS NULL OR source = $5)
                 AND ($6 IS NULL OR rule_type = $6)
                 AND ($7 IS NULL OR created_at >= $7)
                 AND ($8 IS NULL OR created_at <= $8)"#,
            tenant,
            status,
            mode,
            scope,
            source,
            rule_type,
            after,
            before
        )
        .fetch_one(&mut *snapshot)
        .await
        .map_err(failed)?;
        let rows = query_as!(
            RuleRow,
            "SELECT id, definition, created_at, updated_at FROM policy_rules
             WHERE tenant_id = $1
               AND ($2 IS NULL OR status = $2)
               AND ($3 IS NULL OR enforcement_mode = $3)
               AND ($4 IS NULL OR scope = $4)
               AND ($5 IS NULL OR source = $5)
               AND ($6 IS NULL OR rule_type = $6)
               AND ($7 IS NULL OR created_at >= $7)
               AND ($8 IS NULL OR created_at <= $8)
               AND name > $9
             ORDER BY name LIMIT $10 OFFSET $11",
            tenant,
            status,
            mode,
            scope,
            source,
            rule_type,
            after,
            before,
            last,
            limit,
            offset
        )
        .fetch_all(&mut *snapshot)
        .await
        .map_err(failed)?;
        let items = rows.into_iter().map(RuleRow::read).collect::<Result<_, _>>()?;
        Ok(Page::new(items, count(TABLE, total)?, page))
    }

    async fn rule(
        &self,
        tenant: &TenantId,
        id: PolicyId,
    ) -> Result<Option<PolicyDetail<RuleRecord>>, StoreError> {
        let (tenant, key) = (tenant.as_str(), row::id(id));
        let mut snapshot = self.read.begin().await.map_err(failed)?;
        let found = query_as!(
            RuleRow,
            "SELECT id, definition, created_at, updated_at FROM policy_rules WHERE tenant_id = $1 AND id = $2",
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
