//! What was seen of capabilities, in the model.

use async_trait::async_trait;

use super::MemoryStore;
use crate::{AuditEntry, CapabilityObservation, CapabilityStore, StoreError, TenantId, to_microsecond};

#[async_trait]
impl CapabilityStore for MemoryStore {
    async fn observe_capabilities(
        &self,
        tenant: &TenantId,
        observations: &[CapabilityObservation],
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        self.write(tenant, |held| {
            for seen in observations {
                let kept =
                    CapabilityObservation { observed_at: to_microsecond(seen.observed_at), ..seen.clone() };
                held.observed.insert(seen.capability.clone(), kept);
            }
            held.noted(audit);
        });
        Ok(())
    }

    async fn capability_observations(
        &self,
        tenant: &TenantId,
    ) -> Result<Vec<CapabilityObservation>, StoreError> {
        Ok(self.read(tenant, |held| held.observed.values().cloned().collect()))
    }
}
