//! What becomes active at once.

use std::sync::Arc;

use jiff::Timestamp;
use ordain_ir::signature::Signature;
use ordain_ir::{Conflict, DependencyEdge, Policies, wire_enum};

wire_enum! {
    /// How a bundle came to be active, or, before it ever was, how it came.
    pub enum BundleOrigin {
        /// The server was started with it.
        Start = "start",
        /// Somebody uploaded it.
        Upload = "upload",
        /// It has a proposal that a person approved.
        Proposal = "proposal",
        /// It lacks a rule that a person retired.
        Retirement = "retirement",
        /// It was found in a place that is watched.
        Watch = "watch",
    }
}

/// Who vouches for a bundle that becomes active or is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voucher<'a> {
    /// Nobody anew.
    Nobody,
    /// Whoever has signed it. The signature has been found to fit.
    Signer(&'a Signature),
    /// People, who decided here.
    People {
        /// The bundle from elsewhere that the decision rests on, directly or through earlier decisions; none, if it
        /// began with nothing.
        on: Option<&'a str>,
    },
}

/// Everybody who has vouched for a bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vouchers {
    /// Signatures, by their keys as text (bytewise), of each key one.
    pub signatures: Vec<Signature>,
    /// Whether people decided here, and the bundle that their last decision rests on, if on any.
    pub decided: Option<Option<String>>,
}

/// A bundle that has passed every check, ready to replace a tenant's active one.
#[derive(Clone, Copy, Debug)]
pub struct Activation<'a> {
    /// The bundle's name: `blake3:` and 64 hexadecimal digits.
    pub digest: &'a str,
    /// Name of the workspace.
    pub workspace: &'a str,
    /// Version of the language.
    pub language: &'a str,
    /// The compiler that made it.
    pub compiler: &'a str,
    /// The bundle's bytes.
    pub content: &'a [u8],
    /// Its policies.
    pub policies: &'a Policies,
    /// What the analysis at load found, in its order; no fingerprint twice.
    pub conflicts: &'a [Arc<Conflict>],
    /// Dependencies, in the order in which they are to be listed; no (from, to, type) twice.
    pub edges: &'a [DependencyEdge],
    /// How it comes to be active.
    pub origin: BundleOrigin,
    /// Who vouches for it. What is known from before stays known.
    pub voucher: Voucher<'a>,
    /// When.
    pub at: Timestamp,
}
