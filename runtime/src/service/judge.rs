//! From a bundle to what may become active.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use ordain_ir::{Bundle, BundleError, Conflict, ConflictSeverity, DependencyEdge};
use ordain_store::{Activation, BundleOrigin, StoreError, TenantId, Voucher};

use super::integrity;
use super::trust::{Doubt, Untrusted};
use crate::{Gate, GateError, telemetry};

/// GOV-POL-001: policies with BLOCKING conflicts can't become active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyActivationBlockedError {
    /// The BLOCKING conflicts, at least one.
    pub conflicts: Vec<Arc<Conflict>>,
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
    /// Nobody who is trusted vouches for it.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
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

impl From<Doubt> for LoadError {
    fn from(doubt: Doubt) -> Self {
        match doubt {
            Doubt::Untrusted(untrusted) => Self::Untrusted(untrusted),
            Doubt::Store(error) => Self::Store(error),
        }
    }
}

/// A bundle whose policies were analysed.
pub(super) struct Judged {
    pub(super) bytes: Vec<u8>,
    pub(super) bundle: Bundle,
    pub(super) digest: String,
    pub(super) conflicts: Vec<Arc<Conflict>>,
    edges: Vec<DependencyEdge>,
}

impl Judged {
    /// Analyses on a thread of its own: it takes the processor, not the disk.
    pub(super) async fn of(gate: &Arc<dyn Gate>, bytes: Vec<u8>, now: Timestamp) -> Result<Self, LoadError> {
        let gate = Arc::clone(gate);
        let judged = tokio::task::spawn_blocking(move || judge(&*gate, bytes, now)).await;
        judged.map_err(|_| GateError("the analysis ended with a panic, which is a bug of ours".to_owned()))?
    }

    /// The BLOCKING conflicts.
    pub(super) fn blocking(&self) -> Vec<Arc<Conflict>> {
        let blocking = self.conflicts.iter().filter(|c| c.severity == ConflictSeverity::Blocking);
        blocking.cloned().collect()
    }

    /// Refuses BLOCKING conflicts, and logs which way it went.
    pub(super) fn passed(&self, tenant: &TenantId) -> Result<(), PolicyActivationBlockedError> {
        let digest = &self.digest;
        let blocking = self.blocking();
        telemetry::judged(blocking.is_empty());
        if !blocking.is_empty() {
            tracing::warn!(%tenant, %digest, blocking = blocking.len(), "GOV-POL-001_ACTIVATION_BLOCKED");
            return Err(PolicyActivationBlockedError { conflicts: blocking });
        }
        let warnings = self.conflicts.len();
        tracing::info!(%tenant, %digest, warnings, "GOV-POL-001_CONFLICT_CHECK_PASSED");
        Ok(())
    }

    /// Its activation.
    pub(super) fn activation<'a>(
        &'a self,
        origin: BundleOrigin,
        voucher: Voucher<'a>,
        at: Timestamp,
    ) -> Activation<'a> {
        Activation {
            digest: &self.digest,
            workspace: &self.bundle.workspace,
            language: &self.bundle.language,
            compiler: &self.bundle.compiler,
            content: &self.bytes,
            policies: &self.bundle.policies,
            conflicts: &self.conflicts,
            edges: &self.edges,
            origin,
            voucher,
            at,
        }
    }
}

fn judge(gate: &dyn Gate, bytes: Vec<u8>, now: Timestamp) -> Result<Judged, LoadError> {
    let (bundle, digest) = Bundle::from_bytes(&bytes)?;
    integrity::check(&bundle).map_err(LoadError::Malformed)?;
    gate.evidence(&bundle).map_err(LoadError::Malformed)?;
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
    let mut edges = bundle.dependencies.edges.clone();
    edges.sort_by(|a, b| {
        (&a.from.name, &a.to.name, a.dependency_type).cmp(&(&b.from.name, &b.to.name, b.dependency_type))
    });
    Ok(Judged { bytes, bundle, digest, conflicts, edges })
}
