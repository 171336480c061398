//! Taking what was found in a place that is watched: once, whoever sees it, and never what people have gone back from.

use jiff::Timestamp;
use ordain_ir::Bundle;
use ordain_store::{
    BundleOrigin, Principal, PrincipalKind, Refusal, Sighting, StoreError, Succession, Taken, TenantId,
};
use serde_json::json;

use super::audit::entry;
use super::bundles::{ATTEMPTS, BundleFile, BundleService, voucher};
use super::judge::{Judged, LoadError};
use crate::telemetry;

/// A bundle that was found.
pub(crate) struct Found {
    /// Where.
    pub(crate) place: String,
    /// Its name there.
    pub(crate) object: String,
    /// Whether it was chosen since it is the newest of those that are there.
    pub(crate) is_newest: bool,
    /// When it changed there, as the place says.
    pub(crate) modified_at: Timestamp,
    /// What it is.
    pub(crate) file: BundleFile,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It is active now.
    Taken,
    /// It was taken before, by this server or another one, whatever has become active since.
    Known,
    /// It was there before what was taken last, which is gone.
    Left,
    /// It is older than what was taken last, and would be a step back that nobody asked for.
    Earlier,
}

impl BundleService {
    /// The present.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Makes a bundle that was found the active one, unless it is what was last taken from there.
    pub(crate) async fn take(&self, tenant: &TenantId, found: Found) -> Result<Judgement, LoadError> {
        let Found { ref place, ref object, modified_at, .. } = found;
        let signature = found.file.signature;
        self.trust.given(&found.file.bytes, signature.as_ref()).inspect_err(|_| telemetry::untrusted())?;
        // Without judging it: after each start, what is there has mostly been taken.
        let (_, digest) = Bundle::from_bytes(&found.file.bytes)?;
        if let Some(known) = self.known(tenant, &found, &digest).await?.1 {
            return Ok(known);
        }
        let now = self.clock.now();
        let judged = Judged::of(&self.gate, found.file.bytes.clone(), now).await?;
        judged.passed(tenant)?;
        let actor = Principal { kind: PrincipalKind::Service, name: "watch".to_owned() };
        for _ in 0..ATTEMPTS {
            let (last, known) = self.known(tenant, &found, &digest).await?;
            if let Some(known) = known {
                return Ok(known);
            }
            let before = self.store.active_bundle(tenant).await?.map(|bundle| bundle.digest);
            let details =
                json!({ "before": before, "from": place, "object": object, "modified_at": modified_at });
            let audit = entry(now, &*self.random, &actor, "bundle.activate", &digest, &details);
            let after = last.as_ref().map(|taken| taken.digest.as_str());
            let succession = Succession {
                activation: judged.activation(BundleOrigin::Watch, voucher(signature.as_ref()), now),
                based_on: before.as_deref(),
                acknowledgements: &[],
                sighting: Some(&Sighting { place, object, modified_at, after }),
            };
            match self.store.succeed(tenant, succession, &audit).await? {
                Ok(_) => {
                    tracing::info!(%tenant, %digest, %place, %object, "bundle was found and is active");
                    return Ok(Judgement::Taken);
                }
                Err(Refusal::BaseChanged) => {}
                Err(other) => return Err(StoreError::unavailable(format!("unexpected: {other:?}")).into()),
            }
        }
        Err(StoreError::unavailable("others activate bundles all the time").into())
    }

    /// What was last taken from the place, and why what was found isn't to be taken, if it isn't.
    async fn known(
        &self,
        tenant: &TenantId,
        found: &Found,
        digest: &str,
    ) -> Result<(Option<Taken>, Option<Judgement>), StoreError> {
        let Some(last) = self.store.last_taken(tenant, &found.place).await? else { return Ok((None, None)) };
        if last.digest == digest {
            return Ok((Some(last), Some(Judgement::Known)));
        }
        // The newest one is another one also where a newer one was removed. And one file may lag behind on one of
        // several machines; there, only what nobody has had yet is news.
        let earlier = (found.modified_at, found.object.as_str()) < (last.modified_at, last.object.as_str());
        if !earlier {
            return Ok((Some(last), None));
        }
        let had = self.store.bundle_content(tenant, digest).await?.is_some();
        let judgement = match (found.is_newest, had) {
            (true, true) => Some(Judgement::Left),
            (true, false) | (false, true) => Some(Judgement::Earlier),
            (false, false) => None,
        };
        Ok((Some(last), judgement))
    }
}
