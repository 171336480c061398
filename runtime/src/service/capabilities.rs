//! Capabilities: what panels rely on, DECLARED until somebody has seen it work from end to end.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use ordain_store::{CapabilityObservation, Clock, Principal, Random, Store, StoreError, TenantId};
use serde_json::json;

use super::audit;

/// What was seen of capabilities.
#[derive(Clone)]
pub(crate) struct CapabilityService {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl CapabilityService {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { store, clock, random }
    }

    /// Notes that a scenario has seen these at work, now.
    pub(crate) async fn observe(
        &self,
        tenant: &TenantId,
        principal: &Principal,
        scenario: &str,
        capabilities: &[String],
    ) -> Result<(), StoreError> {
        let now: Timestamp = self.clock.now();
        let seen = |capability: &String| CapabilityObservation {
            capability: capability.clone(),
            scenario: scenario.to_owned(),
            observed_by: principal.clone(),
            observed_at: now,
        };
        let observations: Vec<_> = capabilities.iter().map(seen).collect();
        let details = json!({ "capabilities": capabilities });
        let entry = audit::entry(now, &*self.random, principal, "capability.observe", scenario, &details);
        self.store.observe_capabilities(tenant, &observations, &entry).await
    }

    /// The last observation of each capability that has one.
    pub(crate) async fn observed(
        &self,
        tenant: &TenantId,
    ) -> Result<BTreeMap<String, CapabilityObservation>, StoreError> {
        let all = self.store.capability_observations(tenant).await?;
        Ok(all.into_iter().map(|seen| (seen.capability.clone(), seen)).collect())
    }
}
