//! What was seen of capabilities.

use async_trait::async_trait;
use jiff_sqlx::{Timestamp, ToSqlx};
use ordain_store::{
    AuditEntry, CapabilityObservation, CapabilityStore, Principal, StoreError, TenantId, to_microsecond,
};
use sqlx::query;

use crate::PostgresStore;
use crate::governance::note;
use crate::row::{failed, word};

const TABLE: &str = "capability_observations";

#[async_trait]
impl CapabilityStore for PostgresStore {
    async fn observe_capabilities(
        &self,
        tenant_id: &TenantId,
        observations: &[CapabilityObservation],
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let tenant = tenant_id.as_str();
        let mut transaction = self.writing(tenant_id).await?;
        for seen in observations {
            let at = to_microsecond(seen.observed_at).to_sqlx();
            query!(
                "INSERT INTO capability_observations
                   (tenant_id, capability_id, scenario, observer_kind, observer, observed_at)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (tenant_id, capability_id) DO UPDATE SET
                   scenario = excluded.scenario, observer_kind = excluded.observer_kind,
                   observer = excluded.observer, observed_at = excluded.observed_at",
                tenant,
                seen.capability,
                seen.scenario,
                seen.observed_by.kind.as_str(),
                seen.observed_by.name,
                at as Timestamp
            )
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        }
        note(&mut transaction, tenant, audit).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn capability_observations(
        &self,
        tenant: &TenantId,
    ) -> Result<Vec<CapabilityObservation>, StoreError> {
        let mut snapshot = self.reading(tenant).await?;
        let rows = query!(
            r#"SELECT capability_id, scenario, observer_kind, observer, observed_at AS "observed_at: Timestamp"
               FROM capability_observations WHERE tenant_id = $1 ORDER BY capability_id"#,
            tenant.as_str()
        );
        let rows = rows.fetch_all(&mut *snapshot).await.map_err(failed)?;
        rows.into_iter()
            .map(|row| {
                Ok(CapabilityObservation {
                    observed_by: Principal {
                        kind: word(TABLE, "observer_kind", &row.capability_id, &row.observer_kind)?,
                        name: row.observer,
                    },
                    observed_at: row.observed_at.to_jiff(),
                    capability: row.capability_id,
                    scenario: row.scenario,
                })
            })
            .collect()
    }
}
