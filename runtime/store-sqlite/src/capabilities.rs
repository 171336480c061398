//! What was seen of capabilities.

use async_trait::async_trait;
use ordain_store::{AuditEntry, CapabilityObservation, CapabilityStore, Principal, StoreError, TenantId};
use sqlx::query;

use crate::SqliteStore;
use crate::governance::note;
use crate::row::{failed, instant, word};

const TABLE: &str = "capability_observations";

#[async_trait]
impl CapabilityStore for SqliteStore {
    async fn observe_capabilities(
        &self,
        tenant: &TenantId,
        observations: &[CapabilityObservation],
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let tenant = tenant.as_str();
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        for seen in observations {
            let (kind, at) = (seen.observed_by.kind.as_str(), seen.observed_at.as_microsecond());
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
                kind,
                seen.observed_by.name,
                at
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
        let tenant = tenant.as_str();
        let rows = query!(
            "SELECT capability_id, scenario, observer_kind, observer, observed_at
             FROM capability_observations WHERE tenant_id = $1 ORDER BY capability_id",
            tenant
        );
        let rows = rows.fetch_all(&self.read).await.map_err(failed)?;
        rows.into_iter()
            .map(|row| {
                Ok(CapabilityObservation {
                    observed_by: Principal {
                        kind: word(TABLE, "observer_kind", &row.capability_id, &row.observer_kind)?,
                        name: row.observer,
                    },
                    observed_at: instant(TABLE, "observed_at", &row.capability_id, row.observed_at)?,
                    capability: row.capability_id,
                    scenario: row.scenario,
                })
            })
            .collect()
    }
}
