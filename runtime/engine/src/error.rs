//! What can go wrong.

use ordain_ir::{FactName, PolicyName};

/// Why a condition can't be used. The compiler never produces such conditions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// It reads a fact that is not declared.
    #[error("the fact `{0}` is not declared")]
    UnknownFact(FactName),
    /// It reads a fact as of another kind than the declared one.
    #[error("the fact `{fact}` is read as a {wanted}, which it is not")]
    Kind {
        /// The fact.
        fact: FactName,
        /// What it is read as.
        wanted: &'static str,
    },
    /// A regular expression is malformed or too large.
    #[error("the pattern `{pattern}` cannot be used: {reason}")]
    Pattern {
        /// The regular expression.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A fact has a value of another kind than its declaration; never so in what
/// [`Request::from_json`](ordain_ir::Request::from_json) reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request's value of `{fact}` is no {wanted}")]
pub struct Mismatch {
    /// The fact.
    pub fact: FactName,
    /// The kind that its declaration names.
    pub wanted: &'static str,
}

/// Why policies can't be decided by. The compiler never produces such policies; a foreign bundle might.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// A condition reads a fact that is not declared.
    #[error("policy `{policy}` reads the fact `{fact}`, which is not declared")]
    UnknownFact {
        /// Whose condition.
        policy: PolicyName,
        /// What it reads.
        fact: FactName,
    },
    /// A condition reads a fact as of another kind than the declared one.
    #[error("policy `{policy}` reads the fact `{fact}` as a {wanted}, which it is not")]
    WrongKind {
        /// Whose condition.
        policy: PolicyName,
        /// What it reads.
        fact: FactName,
        /// As what.
        wanted: &'static str,
    },
    /// A window names a time zone that is not in the database.
    #[error("policy `{policy}` is active in the time zone `{zone}`, which is not known")]
    UnknownZone {
        /// Whose window.
        policy: PolicyName,
        /// What it names.
        zone: String,
    },
    /// A regular expression is malformed or too large.
    #[error("policy `{policy}` has a pattern that cannot be used, `{pattern}`: {reason}")]
    Pattern {
        /// Whose condition.
        policy: PolicyName,
        /// The regular expression.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A policy overrides, or a limit is confined to, a policy that isn't there.
    #[error("policy `{policy}` refers to `{missing}`, which is not there")]
    UnknownPolicy {
        /// Who refers.
        policy: PolicyName,
        /// To whom.
        missing: PolicyName,
    },
}

impl EngineError {
    /// The error of a policy whose condition can't be compiled.
    pub(crate) fn of_condition(error: ConditionError, policy: &PolicyName) -> Self {
        let policy = policy.clone();
        match error {
            ConditionError::UnknownFact(fact) => Self::UnknownFact { policy, fact },
            ConditionError::Kind { fact, wanted } => Self::WrongKind { policy, fact, wanted },
            ConditionError::Pattern { pattern, reason } => Self::Pattern { policy, pattern, reason },
        }
    }
}

/// Why a request can't be decided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecideError {
    /// A required fact is missing, and whether a policy applies depends on it.
    #[error("the request does not say `{fact}`, and whether policy `{policy}` applies depends on it")]
    MissingFact {
        /// The fact.
        fact: FactName,
        /// Whose condition depends on it.
        policy: PolicyName,
    },
    /// A fact that a condition reads has a value of another kind than its declaration.
    #[error(transparent)]
    WrongValue(#[from] Mismatch),
    /// A request is decided by another engine than the one that it was prepared for.
    #[error("the request was prepared for another engine")]
    ForeignRequest,
    /// There is no policy of this name.
    #[error("there is no policy `{0}`")]
    UnknownPolicy(PolicyName),
}
