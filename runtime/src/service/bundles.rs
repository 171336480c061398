//! Taking bundles in: read, check, judge, keep, activate. The one before stays until the new one has passed.

use std::sync::Arc;

use jiff::Timestamp;
use ordain_ir::Bundle;
use ordain_ir::signature::Signature;
use ordain_store::{
    BundleOrigin, BundleRecord, Clock, Page, PageRequest, Principal, Random, Refusal, Store, StoreError,
    Succession, TenantId, Voucher,
};
use serde_json::json;

use super::audit::entry;
use super::judge::{Judged, LoadError};
use super::trust::{Doubt, Trust, Untrusted};
use crate::{Gate, telemetry};

/// How often an activation is tried anew when another one comes first.
pub(super) const ATTEMPTS: usize = 5;

/// A bundle as it comes from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleFile {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The signature that came with it.
    pub signature: Option<Signature>,
}

impl BundleFile {
    /// One that nobody has signed.
    pub fn unsigned(bytes: Vec<u8>) -> Self {
        Self { bytes, signature: None }
    }
}

/// Takes bundles in.
#[derive(Clone)]
pub struct BundleService {
    pub(super) store: Arc<dyn Store>,
    pub(super) gate: Arc<dyn Gate>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) trust: Trust,
}

impl BundleService {
    /// A service that activates in this store what is trusted and what this gate lets through.
    pub fn new(
        store: Arc<dyn Store>,
        gate: Arc<dyn Gate>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        trust: Trust,
    ) -> Self {
        Self { store, gate, clock, random, trust }
    }

    /// Judges what came from elsewhere, if somebody who is trusted vouches for it; nothing of it is read before.
    async fn judged(&self, tenant: &TenantId, file: BundleFile, now: Timestamp) -> Result<Judged, LoadError> {
        self.trust
            .given(&file.bytes, file.signature.as_ref())
            .inspect_err(|untrusted| refused(tenant, untrusted))?;
        let judged = Judged::of(&self.gate, file.bytes, now).await?;
        judged.passed(tenant)?;
        Ok(judged)
    }

    /// Makes a bundle the tenant's active one. Whatever the reason of a refusal, what was active before
    /// stays so.
    pub async fn load(&self, tenant: &TenantId, file: BundleFile) -> Result<BundleRecord, LoadError> {
        let now = self.clock.now();
        let signature = file.signature;
        let judged = self.judged(tenant, file, now).await?;
        let activation = judged.activation(BundleOrigin::Start, voucher(signature.as_ref()), now);
        let record = self.store.activate_bundle(tenant, activation).await?;
        let digest = &record.digest;
        tracing::info!(%tenant, %digest, policies = judged.bundle.policies.len(), "bundle is active");
        Ok(record)
    }

    /// The same for the bundle that a server is started with: it doesn't undo what people have done since. If it was
    /// active before, and what is active now came over the API, that stays.
    pub async fn start_with(&self, tenant: &TenantId, file: BundleFile) -> Result<BundleRecord, LoadError> {
        let (_, digest) = Bundle::from_bytes(&file.bytes)?;
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
            _ => self.load(tenant, file).await,
        }
    }

    /// Says in the log if nobody who is trusted vouches for what is active; it stays so.
    pub async fn doubt_active(&self, tenant: &TenantId) -> Result<(), StoreError> {
        let Some(active) = self.store.active_bundle(tenant).await? else { return Ok(()) };
        match self.trust.root(&*self.store, tenant, &active.digest).await {
            Ok(_) => Ok(()),
            Err(Doubt::Store(error)) => Err(error),
            Err(Doubt::Untrusted(reason)) => {
                tracing::warn!(
                    %tenant, digest = %active.digest, %reason,
                    "what is active would be refused today; it stays until another bundle takes its place. Hand it in \
                     once more with a signature that counts, or another one"
                );
                Ok(())
            }
        }
    }

    /// Keeps a bundle that could become active, without activating it.
    pub async fn upload(&self, tenant: &TenantId, file: BundleFile) -> Result<BundleRecord, LoadError> {
        let now = self.clock.now();
        let signature = file.signature;
        let judged = self.judged(tenant, file, now).await?;
        let activation = judged.activation(BundleOrigin::Upload, voucher(signature.as_ref()), now);
        let record = self.store.store_bundle(tenant, activation).await?;
        tracing::info!(%tenant, digest = %record.digest, "bundle was uploaded");
        Ok(record)
    }

    /// Makes a bundle that the tenant has the active one: the next, or again one before. It is analysed anew, and
    /// somebody has to vouch for it who is trusted now. `None` if the tenant has none of this digest.
    pub async fn activate(
        &self,
        tenant: &TenantId,
        actor: &Principal,
        digest: &str,
    ) -> Result<Option<BundleRecord>, LoadError> {
        let Some(bytes) = self.store.bundle_content(tenant, digest).await? else { return Ok(None) };
        if let Err(doubt) = self.trust.root(&*self.store, tenant, digest).await {
            if let Doubt::Untrusted(untrusted) = &doubt {
                refused(tenant, untrusted);
            }
            return Err(doubt.into());
        }
        let now = self.clock.now();
        let judged = Judged::of(&self.gate, bytes, now).await?;
        judged.passed(tenant)?;
        for _ in 0..ATTEMPTS {
            let before = self.store.active_bundle(tenant).await?.map(|bundle| bundle.digest);
            let details = json!({ "before": before });
            let audit = entry(now, &*self.random, actor, "bundle.activate", digest, &details);
            let succession = Succession {
                activation: judged.activation(BundleOrigin::Upload, Voucher::Nobody, now),
                based_on: before.as_deref(),
                acknowledgements: &[],
                sighting: None,
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
    pub async fn list(
        &self,
        tenant: &TenantId,
        page: PageRequest<'_>,
    ) -> Result<Page<BundleRecord>, StoreError> {
        self.store.bundles(tenant, page).await
    }
}

pub(super) fn voucher(signature: Option<&Signature>) -> Voucher<'_> {
    signature.map_or(Voucher::Nobody, Voucher::Signer)
}

/// Counts and logs a bundle for which nobody vouches who is trusted.
pub(super) fn refused(tenant: &TenantId, reason: &Untrusted) {
    telemetry::untrusted();
    tracing::warn!(%tenant, %reason, "bundle was refused");
}
