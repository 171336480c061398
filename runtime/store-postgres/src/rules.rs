//! Rules.

use async_trait::async_trait;
use jiff_sqlx::Timestamp;
use ordain_ir::{EnforcementMode, Level, PolicyId, RuleStatus, RuleType, Source};
use ordain_store::{
    Page, PageRequest, PolicyDetail, RuleFilter, RuleRecord, RuleStore, StoreError, TenantId,
};
use sqlx::{query_as, query_scalar};
use uuid::Uuid;

use crate::PostgresStore;
use crate::dependencies::touching;
use crate::row::{bounds, count, definition, failed};

const TABLE: &str = "policy_rules";

/// A row of `policy_rules`.
pub(crate) struct RuleRow {
    pub(crate) id: Uuid,
    pub(crate) definition: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl RuleRow {
    pub(crate) fn read(self) -> Result<RuleRecord, StoreError> {
        Ok(RuleRecord {
            rule: definition(TABLE, &self.id, &self.definition)?,
            created_at: self.created_at.to_jiff(),
            updated_at: self.updated_at.to_jiff(),
        })
    }
}

#[async_trait]
impl RuleStore for PostgresStore {
    async fn rules(
        &self,
        tenant: &TenantId,
        filter: &RuleFilter,
        page: PageRequest<'_>,
    ) -> Result<Page<RuleRecord>, StoreError> {
        let mut snapshot = self.reading(tenant).await?;
        let tenant = tenant.as_str();
        let status = filter.status.map(RuleStatus::as_str);
        let mode = filter.enforcement_mode.map(EnforcementMode::as_str);
        let scope = filter.scope.map(Level::as_str);
        let source = filter.source.map(Source::as_str);
        let rule_type = filter.rule_type.map(RuleType::as_str);
        let (after, before) = bounds(filter.created_after, filter.created_before);
        let total = query_scalar!(
            r#"SELECT count(*) AS "total!" FROM policy_rules
               WHERE tenant_id = $1
                 AND ($2::text IS NULL OR status = $2)
                 AND ($3::text IS NULL OR enforcement_mode = $3)
                 AND ($4::text IS NULL OR scope = $4)
                 AND ($5::text IS NULL OR source = $5)
                 AND ($6::text IS NULL OR rule_type = $6)
                 AND ($7::timestamptz IS NULL OR created_at >= $7)
                 AND ($8::timestamptz IS NULL OR created_at <= $8)"#,
            tenant,
            status,
            mode,
            scope,
            source,
            rule_type,
            after as Option<Timestamp>,
            before as Option<Timestamp>
        )
        .fetch_one(&mut *snapshot)
        .await
        .map_err(failed)?;
        let rows = query_as!(
            RuleRow,
            r#"SELECT id, definition::text AS "definition!", created_at, updated_at FROM policy_rules
               WHERE tenant_id = $1
                 AND ($2::text IS NULL OR status = $2)
                 AND ($3::text IS NULL OR enforcement_mode = $3)
                 AND ($4::text IS NULL OR scope = $4)
                 AND ($5::text IS NULL OR source = $5)
                 AND ($6::text IS NULL OR rule_type = $6)
                 AND ($7::timestamptz IS NULL OR created_at >= $7)
                 AND ($8::timestamptz IS NULL OR created_at <= $8)
                 AND name > $9
               ORDER BY name LIMIT $10 OFFSET $11"#,
            tenant,
            status,
            mode,
            scope,
            source,
            rule_type,
            after as Option<Timestamp>,
            before as Option<Timestamp>,
            page.after_name(),
            page.sql_limit(),
            page.sql_offset()
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
        let mut snapshot = self.reading(tenant).await?;
        let found = query_as!(
            RuleRow,
            r#"SELECT id, definition::text AS "definition!", created_at, updated_at FROM policy_rules
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
