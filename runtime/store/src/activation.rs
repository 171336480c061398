//! What becomes active at once.

use std::sync::Arc;

use jiff::Timestamp;
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
    }
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
    /// When.
    pub at: Timestamp,
}
