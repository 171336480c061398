//! Dependencies.

use async_trait::async_trait;
use ordain_ir::DependencyEdge;
use ordain_store::{DependencyStore, GraphSnapshot, StoreError, TenantId};
use sqlx::{SqliteConnection, query_as, query_scalar};

use crate::SqliteStore;
use crate::limits::LimitRow;
use crate::row::{definition, failed, instant};
use crate::rules::RuleRow;

const TABLE: &str = "policy_dependencies";

fn read(rows: Vec<String>) -> Result<Vec<DependencyEdge>, StoreError> {
    rows.into_iter().map(|json| definition(TABLE, "", &json)).collect()
}

/// The edges from and to one policy.
pub(crate) async fn touching(
    snapshot: &mut SqliteConnection,
    tenant: &str,
    id: &str,
) -> Result<Vec<DependencyEdge>, StoreError> {
    let rows = query_scalar!(
        "SELECT definition FROM policy_dependencies
         WHERE tenant_id = $1 AND (from_policy_id = $2 OR to_policy_id = $2) ORDER BY position",
        tenant,
        id
    );
    read(rows.fetch_all(snapshot).await.map_err(failed)?)
}

#[async_trait]
impl DependencyStore for SqliteStore {
    async fn dependency_graph(&self, tenant: &TenantId) -> Result<GraphSnapshot, StoreError> {
        let tenant = tenant.as_str();
        let mut snapshot = self.read.begin().await.map_err(failed)?;
        let rules = query_as!(
            RuleRow,
            "SELECT id, definition, created_at, updated_at FROM policy_rules WHERE tenant_id = $1 ORDER BY name",
            tenant
        );
        let rules = rules.fetch_all(&mut *snapshot).await.map_err(failed)?;
        let limits = query_as!(
            LimitRow,
            "SELECT id, definition, created_at, updated_at FROM limits WHERE tenant_id = $1 ORDER BY name",
            tenant
        );
        let limits = limits.fetch_all(&mut *snapshot).await.map_err(failed)?;
        let edges = query_scalar!(
            "SELECT definition FROM policy_dependencies WHERE tenant_id = $1 ORDER BY position",
            tenant
        );
        let edges = edges.fetch_all(&mut *snapshot).await.map_err(failed)?;
        let computed =
            query_scalar!("SELECT analysed_at FROM bundles WHERE tenant_id = $1 AND is_active = 1", tenant);
        let computed = computed.fetch_optional(&mut *snapshot).await.map_err(failed)?;
        Ok(GraphSnapshot {
            rules: rules.into_iter().map(RuleRow::read).collect::<Result<_, _>>()?,
            limits: limits.into_iter().map(LimitRow::read).collect::<Result<_, _>>()?,
            edges: read(edges)?,
            computed_at: computed.map(|at| instant("bundles", "analysed_at", tenant, at)).transpose()?,
        })
    }
}
