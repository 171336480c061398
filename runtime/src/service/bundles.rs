//! Taking bundles in: read, check, judge, keep, activate. The one before stays until the new one has passed.

use std::sync::Arc;

use ordain_ir::Bundle;
use ordain_store::{
    BundleOrigin, BundleRecord, Clock, Page, PageRequest, Principal, Random, Refusal, Store, StoreError,
    Succession, TenantId,
};
use serde_json::json;

use super::audit::entry;
use super::judge::{Judged, LoadError};
use crate::Gate;

/// How often an activation is tried anew when another one comes first.
pub(super) const ATTEMPTS: usize = 5;

/// Takes bundles in.
#[derive(Clone)]
pub struct BundleService {
    store: Arc<dyn Store>,
    gate: Arc<dyn Gate>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl BundleService {
    /// A service that activates in this store what this gate lets through.
    pub fn new(
        store: Arc<dyn Store>,
        gate: Arc<dyn Gate>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { store, gate, clock, random }
    }

    /// Makes a bundle the tenant's active one. Whatever the reason of a refusal, what was active before
    /// stays so.
    pub async fn load(&self, tenant: &TenantId, bytes: Vec<u8>) -> Result<BundleRecord, LoadError> {
        let now = self.clock.now();
        let judged = Judged::of(&self.gate, bytes, now).await?;
        judged.passed(tenant)?;
        let record = self.store.activate_bundle(tenant, judged.activation(BundleOrigin::Start, now)).await?;
        let digest = &record.digest;
        tracing::info!(%tenant, %digest, policies = judged.bundle.policies.len(), "bundle is active");
        Ok(record)
    }

    /// The same for the bundle that a server is started with: it doesn't undo what people have done since. If it was
    /// active before, and what is active now came over the API, that stays.
    pub async fn start_with(&self, tenant: &TenantId, bytes: Vec<u8>) -> Result<BundleRecord, LoadError> {
        let (_, digest) = Bundle::from_bytes(&bytes)?;
        let known = self.store.bundle_content(tenant, &digest).await?.is_some();
        match self.store.active_bundle(tenant).await? {
            Some(active) if known && active.digest != digest && active.origin != BundleOrigin::Start => {
                tracing::warn!(
                    %tenant, given = %digest, active = %active.digest, came_by = %active.origin,
                    "the bundle that was given was active before, and what is active came after it; that stays. \
                     Activate the given one over the API to go back to it"
                );
                Ok(active)
            }
            _ => self.load(tenant, bytes).await,
        }
    }

    /// Keeps a bundle that could become active, without activating it.
    pub async fn upload(&self, tenant: &TenantId, bytes: Vec<u8>) -> Result<BundleRecord, LoadError> {
        let now = self.clock.now();
        let judged = Judged::of(&self.gate, bytes, now).await?;
        judged.passed(tenant)?;
        let record = self.store.store_bundle(tenant, judged.activation(BundleOrigin::Upload, now)).await?;
        tracing::info!(%tenant, digest = %record.digest, "bundle was uploaded");
        Ok(record)
    }

    /// Makes a bundle that the tenant has the active one: the next, or again one before. It is analysed anew. `None`
    /// if the tenant has none of this digest.
    pub async fn activate(
        &self,
        tenant: &TenantId,
        actor: &Principal,
        digest: &str,
    ) -> Result<Option<BundleRecord>, LoadError> {
        let Some(bytes) = self.store.bundle_content(tenant, digest).await? else { return Ok(None) };
        let now = self.clock.now();
        let judged = Judged::of(&self.gate, bytes, now).await?;
        judged.passed(tenant)?;
        for _ in 0..ATTEMPTS {
            let before = self.store.active_bundle(tenant).await?.map(|bundle| bundle.digest);
            let details = json!({ "before": before });
            let audit = entry(now, &*self.random, actor, "bundle.activate", digest, &details);
            let succession = Succession {
                activation: judged.activation(BundleOrigin::Upload, now),
                based_on: before.as_deref(),
                acknowledgements: &[],
            };
            match self.store.succeed(tenant, succession, &audit).await? {
                Ok(record) => {
                    tracing::info!(%tenant, %digest, actor = actor.name, "bundle is active");
                    return Ok(Some(record));
                }
                Err(Refusal::BaseChanged) => {}
                Err(other) => return Err(StoreError::unavailable(format!("unexpected: {other:?}")).into()),
            }
        }
        Err(StoreError::unavailable("others activate bundles all the time").into())
    }

    /// A page of bundles, the last uploaded first.
    pub async fn list(&self, tenant: &TenantId, page: PageRequest) -> Result<Page<BundleRecord>, StoreError> {
        self.store.bundles(tenant, page).await
    }
}
