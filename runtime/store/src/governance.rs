//! Proposals and what people decide about them, and the record of who did what.

use jiff::Timestamp;
use ordain_ir::{Source, wire_enum};
use uuid::Uuid;

use crate::{Activation, BundleRecord, Cursor, LessonStatus, Placed, Principal, Sighting};

wire_enum! {
    /// Where a proposal stands. Only a person moves it on, and never back.
    pub enum ProposalStatus {
        /// It waits for a person.
        Draft = "draft",
        /// A person approved it, and it became active.
        Approved = "approved",
        /// A person rejected it. It is kept.
        Rejected = "rejected",
    }
}

/// A proposal, without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposalRecord {
    /// Identity.
    pub id: Uuid,
    /// What it is about, in one line.
    pub title: String,
    /// Why.
    pub rationale: String,
    /// Whether a person wrote it or it was learned.
    pub source: Source,
    /// Where it stands.
    pub status: ProposalStatus,
    /// The number of its current version, from 1.
    pub version: u32,
    /// Who proposed it.
    pub author: Principal,
    /// When.
    pub created_at: Timestamp,
    /// When it last changed in any way.
    pub updated_at: Timestamp,
    /// What a person decided.
    pub review: Option<Review>,
}

impl Placed for ProposalRecord {
    fn place(&self) -> Cursor {
        Cursor::event(self.created_at, self.id)
    }
}

/// What a person decided about a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Who.
    pub reviewer: Principal,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub notes: String,
    /// The bundle that it became part of, if it was approved.
    pub bundle: Option<String>,
}

/// One version of a proposal's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRecord {
    /// Whose.
    pub proposal: Uuid,
    /// Its number, from 1.
    pub version: u32,
    /// Whether it is the proposal's current one. Exactly one is.
    pub is_current: bool,
    /// The policies, as source.
    pub text: String,
    /// What changed.
    pub note: String,
    /// Who wrote it.
    pub author: Principal,
    /// When.
    pub created_at: Timestamp,
}

impl Placed for VersionRecord {
    fn place(&self) -> Cursor {
        Cursor::Version { at: self.created_at, proposal: self.proposal, version: self.version }
    }
}

/// A proposal with all its versions, the first one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposalDetail {
    /// The proposal.
    pub proposal: ProposalRecord,
    /// Its versions; at least one.
    pub versions: Vec<VersionRecord>,
}

/// Narrows a list of proposals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProposalFilter {
    /// Only with this status.
    pub status: Option<ProposalStatus>,
    /// Only of this origin.
    pub source: Option<Source>,
}

/// How many proposals there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProposalStats {
    /// Those that wait.
    pub draft: u64,
    /// Those that were approved.
    pub approved: u64,
    /// Those that were rejected.
    pub rejected: u64,
    /// Those that people wrote.
    pub manual: u64,
    /// Those that were learned.
    pub learned: u64,
    /// Since when the oldest of those that wait does so.
    pub waiting_since: Option<Timestamp>,
}

/// What happened, who did it, and when. It is never changed and never removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Identity.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Principal,
    /// What: `proposal.approve`, `rule.retire`, …
    pub action: String,
    /// About what: a proposal's identity, a rule's name, a bundle's digest.
    pub subject: String,
    /// More, as one JSON object.
    pub details: String,
}

impl Placed for AuditEntry {
    fn place(&self) -> Cursor {
        Cursor::Audit(self.id)
    }
}

/// A person's acceptance of a WARNING.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictAcknowledgement {
    /// The conflict's fingerprint.
    pub conflict: String,
    /// Who.
    pub by: Principal,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// An activation that takes the place of a certain bundle, and of no other.
#[derive(Clone, Copy, Debug)]
pub struct Succession<'a> {
    /// What becomes active.
    pub activation: Activation<'a>,
    /// The digest of what must be active now; none if nothing may be.
    pub based_on: Option<&'a str>,
    /// WARNINGs that a person accepts with it.
    pub acknowledgements: &'a [ConflictAcknowledgement],
    /// Where it was found, if nobody handed it in. It is what was last taken from there then.
    pub sighting: Option<&'a Sighting<'a>>,
}

/// What a person decides about a proposal.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    /// Which.
    pub proposal: Uuid,
    /// The version that the person has seen.
    pub version: u32,
    /// What becomes active, if it is approved; it is rejected otherwise.
    pub approved: Option<Succession<'a>>,
    /// Who.
    pub reviewer: &'a Principal,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub notes: &'a str,
}

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The tenant has nothing of this identity.
    NotFound,
    /// A person has decided about the proposal already.
    NotPending(ProposalStatus),
    /// The proposal has another current version.
    VersionChanged(u32),
    /// Another bundle is active by now, or another one was taken from the same place.
    BaseChanged,
    /// The conflict is BLOCKING: nobody can accept it.
    Blocking,
    /// The conflict is resolved already.
    AlreadyResolved,
    /// The lesson doesn't wait for a person.
    LessonNotPending(LessonStatus),
}

/// What was done, or why nothing was.
pub type Governed<T> = Result<T, Refusal>;

/// What an approval or a rejection came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The proposal as it is now.
    pub proposal: ProposalRecord,
    /// What became active, if it was approved.
    pub bundle: Option<BundleRecord>,
}
