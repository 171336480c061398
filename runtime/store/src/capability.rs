//! Capabilities: what panels rely on, and who has seen it work from end to end.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{AuditEntry, Principal, StoreError, TenantId};

/// A capability that was seen to work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapabilityObservation {
    /// Which.
    pub capability: String,
    /// The scenario that went through.
    pub scenario: String,
    /// Who ran it.
    pub observed_by: Principal,
    /// When it was last seen.
    pub observed_at: Timestamp,
}

/// What was seen of capabilities.
#[async_trait]
pub trait CapabilityStore: Send + Sync {
    /// Keeps observations, in the place of those of the same capabilities, together with the audit entry.
    async fn observe_capabilities(
        &self,
        tenant: &TenantId,
        observations: &[CapabilityObservation],
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;

    /// The last observation of each capability, by its name (bytewise).
    async fn capability_observations(
        &self,
        tenant: &TenantId,
    ) -> Result<Vec<CapabilityObservation>, StoreError>;
}
