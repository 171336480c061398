//! What is to be done with a request.

use crate::{Enforcement, EnforcementMode, wire_enum};

wire_enum! {
    /// What is to be done with a request, mildest first.
    pub enum Outcome {
        /// Let it pass.
        Allow = "ALLOW",
        /// Let it pass and record it.
        Audit = "AUDIT",
        /// Let it pass and tell somebody.
        Warn = "WARN",
        /// Let it pass with less: a cheaper model, fewer tokens.
        Degrade = "DEGRADE",
        /// Let it wait.
        Queue = "QUEUE",
        /// Stop it.
        Block = "BLOCK",
    }
}

impl Outcome {
    /// Whether a request with this outcome may go ahead, and so uses what it asked for.
    pub const fn goes_ahead(self) -> bool {
        !matches!(self, Self::Queue | Self::Block)
    }
}

impl From<EnforcementMode> for Outcome {
    fn from(mode: EnforcementMode) -> Self {
        match mode {
            EnforcementMode::Disabled => Self::Allow,
            EnforcementMode::Audit => Self::Audit,
            EnforcementMode::Warn => Self::Warn,
            EnforcementMode::Block => Self::Block,
        }
    }
}

impl From<Enforcement> for Outcome {
    fn from(enforcement: Enforcement) -> Self {
        match enforcement {
            Enforcement::Warn | Enforcement::Alert => Self::Warn,
            Enforcement::Degrade => Self::Degrade,
            Enforcement::Queue => Self::Queue,
            Enforcement::Block | Enforcement::Reject => Self::Block,
        }
    }
}
