//! Taking a bundle in: read, check, judge, activate. The one before stays until the new one has passed.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use ordain_ir::{Bundle, BundleError, Conflict, ConflictSeverity};
use ordain_store::{Activation, BundleRecord, Clock, Store, StoreError, TenantId};

use super::integrity;
use crate::{Gate, GateError};

/// GOV-POL-001: policies with BLOCKING conflicts can't become active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyActivationBlockedError {
    /// The BLOCKING conflicts, at least one.
    pub conflicts: Vec<Conflict>,
}

impl std::error::Error for PolicyActivationBlockedError {}

impl fmt::Display for PolicyActivationBlockedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, s) = (self.conflicts.len(), if self.conflicts.len() == 1 { "" } else { "s" });
        write!(f, "cannot activate: {count} BLOCKING conflict{s} (GOV-POL-001)")?;
        for conflict in &self.conflicts {
            write!(f, "\n  {} {}: {}", conflict.code, conflict.conflict_type, conflict.explanation)?;
            if !conflict.recommended_action.is_empty() {
                write!(f, "\n    {}", conflict.recommended_action)?;
            }
        }
        Ok(())
    }
}

/// Why a bundle didn't become active.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It can't be read.
    #[error(transparent)]
    Unreadable(#[from] BundleError),
    /// Its parts don't fit together.
    #[error("the bundle contradicts itself: {0}; build it anew")]
    Malformed(String),
    /// Its policies couldn't be judged.
    #[error("the bundle's policies could not be analysed: {0}")]
    Gate(#[from] GateError),
    /// Its policies contradict each other.
    #[error(transparent)]
    Blocked(#[from] PolicyActivationBlockedError),
    /// It couldn't be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes bundles in.
#[derive(Clone)]
pub struct BundleService {
    store: Arc<dyn Store>,
    gate: Arc<dyn Gate>,
    clock: Arc<dyn Clock>,
}

impl BundleService {
    /// A service that activates in this store what this gate lets through.
    pub fn new(store: Arc<dyn Store>, gate: Arc<dyn Gate>, clock: Arc<dyn Clock>) -> Self {
        Self { store, gate, clock }
    }

    /// Makes a bundle the tenant's active one. Whatever the reason of a refusal, what was active before
    /// stays so.
    pub async fn load(&self, tenant: &TenantId, bytes: Vec<u8>) -> Result<BundleRecord, LoadError> {
        let gate = Arc::clone(&self.gate);
        let now = self.clock.now();
        // Reading and analysing take the processor, not the disk.
        let judged = tokio::task::spawn_blocking(move || judge(&*gate, bytes, now)).await;
        let judged = judged
            .map_err(|_| GateError("the analysis ended with a panic, which is a bug of ours".to_owned()))?;
        let Judged { bytes, bundle, digest, conflicts } = judged?;
        let blocking: Vec<_> =
            conflicts.iter().filter(|c| c.severity == ConflictSeverity::Blocking).cloned().collect();
        if !blocking.is_empty() {
            tracing::warn!(%tenant, %digest, blocking = blocking.len(), "GOV-POL-001_ACTIVATION_BLOCKED");
            return Err(PolicyActivationBlockedError { conflicts: blocking }.into());
        }
        tracing::info!(%tenant, %digest, warnings = conflicts.len(), "GOV-POL-001_CONFLICT_CHECK_PASSED");
        let mut edges = bundle.dependencies.edges.clone();
        edges.sort_by(|a, b| {
            (&a.from.name, &a.to.name, a.dependency_type).cmp(&(&b.from.name, &b.to.name, b.dependency_type))
        });
        let activation = Activation {
            digest: &digest,
            workspace: &bundle.workspace,
            language: &bundle.language,
            compiler: &bundle.compiler,
            content: &bytes,
            policies: &bundle.policies,
            conflicts: &conflicts,
            edges: &edges,
            at: now,
        };
        let record = self.store.activate_bundle(tenant, activation).await?;
        tracing::info!(%tenant, %digest, policies = bundle.policies.len(), "bundle is active");
        Ok(record)
    }
}

struct Judged {
    bytes: Vec<u8>,
    bundle: Bundle,
    digest: String,
    conflicts: Vec<Conflict>,
}

fn judge(gate: &dyn Gate, bytes: Vec<u8>, now: Timestamp) -> Result<Judged, LoadError> {
    let (bundle, digest) = Bundle::from_bytes(&bytes)?;
    integrity::check(&bundle).map_err(LoadError::Malformed)?;
    let mut report = gate.check(&bundle)?;
    report.expire(now);
    let mut conflicts = report.conflicts;
    let mut seen = BTreeSet::new();
    for conflict in &conflicts {
        if !integrity::fits(&bundle, conflict) {
            return Err(
                GateError(format!("conflict {} names policies that are not there", conflict.id)).into()
            );
        }
    }
    // A fingerprint stands for one conflict; a second report of it adds nothing.
    conflicts.retain(|conflict| seen.insert(conflict.id.clone()));
    Ok(Judged { bytes, bundle, digest, conflicts })
}
