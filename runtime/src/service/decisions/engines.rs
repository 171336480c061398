//! The engine of each tenant's active bundle.

use std::sync::Arc;
use std::time::Duration;

use ordain_engine::Engine;
use ordain_ir::{Bundle, LimitStatus, Quantity};
use ordain_store::{Store, StoreError, TenantId};

use crate::service::kept::{Found, Kept};

/// While the store doesn't answer, what was active goes on deciding for as long as it takes.
const WITHOUT_STORE: Duration = Duration::from_hours(24 * 365);

/// An active bundle, ready to decide.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) digest: String,
    pub(super) engine: Engine,
    /// Whether any limit counts.
    pub(super) counts: bool,
}

type Active = Option<Arc<Loaded>>;

/// Engines by tenant.
pub(super) struct Engines(Kept<Active>);

impl Engines {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self(Kept::new(WITHOUT_STORE, move |tenant, before: Option<Active>| {
            load(Arc::clone(&store), tenant, before.flatten())
        }))
    }

    /// The engine of the active bundle, if one is active.
    pub(super) async fn of(&self, tenant: &TenantId) -> Result<Found<Active>, StoreError> {
        self.0.get(tenant.as_str()).await
    }

    /// Another bundle may be active from now on.
    pub(super) fn doubt(&self, tenant: &TenantId) {
        self.0.doubt(tenant.as_str());
    }
}

async fn load(store: Arc<dyn Store>, tenant: String, before: Active) -> Result<Active, StoreError> {
    let tenant = TenantId::new(&tenant).map_err(StoreError::unavailable)?;
    let Some(active) = store.active_bundle(&tenant).await? else { return Ok(None) };
    if let Some(before) = before.filter(|before| before.digest == active.digest) {
        return Ok(Some(before));
    }
    let digest = active.digest;
    let wrong =
        |reason: &dyn std::fmt::Display| StoreError::inconsistent("bundles", "content", &digest, reason);
    let Some(bytes) = store.bundle_content(&tenant, &digest).await? else {
        return Err(wrong(&"the active bundle has no content"));
    };
    let built = tokio::task::spawn_blocking(move || {
        let (bundle, _) = Bundle::from_bytes(&bytes).map_err(|error| error.to_string())?;
        Engine::new(Arc::new(bundle.policies)).map_err(|error| error.to_string())
    });
    let engine = built.await.map_err(|error| wrong(&error))?.map_err(|error| wrong(&error))?;
    let counts = engine.policies().limits.values().any(|limit| {
        let counted = matches!(limit.quantity, Quantity::Accumulated(..) | Quantity::Cooldown);
        counted && limit.status == LimitStatus::Active
    });
    tracing::info!(%tenant, %digest, policies = engine.policies().len(), "decisions follow this bundle");
    Ok(Some(Arc::new(Loaded { digest, engine, counts })))
}
