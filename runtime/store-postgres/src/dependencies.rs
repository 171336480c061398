//! Dependencies.

use async_trait::async_trait;
use ordain_ir::DependencyEdge;
use ordain_store::{DependencyStore, GraphSnapshot, StoreError, TenantId};
use sqlx::{PgConnection, query_as, query_scalar};
use uuid::Uuid;

use crate::PostgresStore;
use crate::limits::LimitRow;
use crate::row::{definition, failed};
use crate::rules::RuleRow;

const TABLE: &str = "policy_dependencies";

fn read(rows: Vec<String>) -> Result<Vec<DependencyEdge>, StoreError> {
    rows.into_iter().map(|json| definition(TABLE, &"", &json)).collect()
}

/// The edges from and to one policy.
pub(crate) async fn touching(
    snapshot: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
) -> Result<Vec<DependencyEdge>, StoreError> {
    let rows = query_scalar!(
        r#"SELECT definition::text AS "definition!" FROM policy_dependencies
           WHERE tenant_id = $1 AND (from_policy_id = $2 OR to_policy_id = $2) ORDER BY position"#,
        tenant.as_str(),
        id
    );
    read(rows.fetch_all(snapshot).await.map_err(failed)?)
}

#[async_trait]
impl DependencyStore for PostgresStore {
    async fn dependency_graph(&self, tenant: &TenantId) -> Result<GraphSnapshot, StoreError> {
        let mut snapshot = self.reading(tenant).await?;
        let tenant = tenant.as_str();
        let rules = query_as!(
            RuleRow,
            r#"SELECT id, definition::text AS "definition!", created_at, updated_at FROM policy_rules
               WHERE tenant_id = $1 ORDER BY name"#,
            tenant
        );
        let rules = rules.fetch_all(&mut *snapshot).await.map_err(failed)?;
        let limits = query_as!(
            LimitRow,
            r#"SELECT id, definition::text AS "definition!", created_at, updated_at FROM limits
               WHERE tenant_id = $1 ORDER BY name"#,
            tenant
        );
        let limits = limits.fetch_all(&mut *snapshot).await.map_err(failed)?;
        let edges = query_scalar!(
            r#"SELECT definition::text AS "definition!" FROM policy_dependencies
               WHERE tenant_id = $1 ORDER BY position"#,
            tenant
        );
        let edges = edges.fetch_all(&mut *snapshot).await.map_err(failed)?;
        let computed =
            query_scalar!("SELECT analysed_at FROM bundles WHERE tenant_id = $1 AND is_active", tenant);
        let computed = computed.fetch_optional(&mut *snapshot).await.map_err(failed)?;
        Ok(GraphSnapshot {
            rules: rules.into_iter().map(RuleRow::read).collect::<Result<_, _>>()?,
            limits: limits.into_iter().map(LimitRow::read).collect::<Result<_, _>>()?,
            edges: read(edges)?,
            computed_at: computed.map(jiff_sqlx::Timestamp::to_jiff),
        })
    }
}
