//! What stores give back.

use jiff::Timestamp;
use ordain_ir::{Conflict, DependencyEdge, Limit, PolicyId, Rule};

use crate::{BundleOrigin, ConflictAcknowledgement, Cursor, Placed, conflict_rank};

/// A rule of the active bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRecord {
    /// The rule.
    pub rule: Rule,
    /// When a rule of this name first became active, without a break since.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl RuleRecord {
    /// The rule's identity.
    pub fn id(&self) -> PolicyId {
        self.rule.id()
    }
}

impl Placed for RuleRecord {
    fn place(&self) -> Cursor {
        Cursor::Name(self.rule.name.to_string())
    }
}

/// A limit of the active bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitRecord {
    /// The limit.
    pub limit: Limit,
    /// When a limit of this name first became active, without a break since.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl LimitRecord {
    /// The limit's identity.
    pub fn id(&self) -> PolicyId {
        self.limit.id()
    }
}

impl Placed for LimitRecord {
    fn place(&self) -> Cursor {
        Cursor::Name(self.limit.name.to_string())
    }
}

/// A policy with the dependency edges that touch it, all of the same instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyDetail<T> {
    /// The policy.
    pub policy: T,
    /// Edges from it and to it.
    pub edges: Vec<DependencyEdge>,
}

/// A conflict between policies of the active bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictRecord {
    /// The conflict.
    pub conflict: Conflict,
    /// When an analysis first found it, without a break since.
    pub detected_at: Timestamp,
    /// The person who accepted it over the API.
    pub acknowledged: Option<ConflictAcknowledgement>,
}

impl Placed for ConflictRecord {
    fn place(&self) -> Cursor {
        Cursor::Conflict { rank: conflict_rank(&self.conflict), id: self.conflict.id.clone() }
    }
}

/// A page of conflicts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictPage {
    /// In the analysis' order: BLOCKING first, then by type, then by names.
    pub items: Vec<ConflictRecord>,
    /// How many the filter leaves in all.
    pub total: u64,
    /// Where the next page begins; nowhere, if nothing follows.
    pub next: Option<Cursor>,
    /// How many unresolved BLOCKING ones there are, whatever the filter.
    pub unresolved_count: u64,
}

/// All policies with their dependencies, of one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GraphSnapshot {
    /// By full name.
    pub rules: Vec<RuleRecord>,
    /// By full name.
    pub limits: Vec<LimitRecord>,
    /// In the order in which they were activated.
    pub edges: Vec<DependencyEdge>,
    /// When it was computed; `None` where no bundle has ever been active.
    pub computed_at: Option<Timestamp>,
}

/// How much of everything there is, of one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateCounts {
    /// Rules and limits.
    pub total_policies: u64,
    /// Rules and limits whose status is ACTIVE.
    pub active_policies: u64,
    /// Proposals that wait for a human.
    pub drafts_pending_review: u64,
    /// Unresolved conflicts of any severity.
    pub conflicts_detected: u64,
    /// Violations since the asked-for instant.
    pub violations: u64,
    /// When any of it last changed; `None` where no bundle has ever been active.
    pub last_updated: Option<Timestamp>,
}

/// A bundle that has been uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleRecord {
    /// Its name: `blake3:` and 64 hexadecimal digits.
    pub digest: String,
    /// Name of the workspace.
    pub workspace: String,
    /// Version of the language.
    pub language: String,
    /// The compiler that made it.
    pub compiler: String,
    /// Length of its bytes.
    pub size: u64,
    /// Whether it is the tenant's active one.
    pub active: bool,
    /// How often it became the active one.
    pub activations: u64,
    /// How it came to be the active one the last time; before the first, how it came.
    pub origin: BundleOrigin,
    /// The keys of those who have signed it, as `ed25519:` and base64, bytewise.
    pub signers: Vec<String>,
    /// When it first came.
    pub uploaded_at: Timestamp,
    /// When it last became the active one; before the first time, when it came.
    pub activated_at: Timestamp,
    /// When its policies were last analysed.
    pub analysed_at: Timestamp,
}

impl Placed for BundleRecord {
    fn place(&self) -> Cursor {
        Cursor::Bundle { at: self.uploaded_at, digest: self.digest.clone() }
    }
}
