//! Dependencies between policies.

use serde::{Deserialize, Serialize};

use crate::{PolicyRef, wire_enum};

wire_enum! {
    /// Why one policy depends on another.
    pub enum DependencyType {
        /// It says so with `depends on`.
        Explicit = "EXPLICIT",
        /// It follows it in the order of rules with the same scope.
        ImplicitScope = "IMPLICIT_SCOPE",
        /// It is a limit that names a rule.
        ImplicitLimit = "IMPLICIT_LIMIT",
    }
}

/// From the dependent to what it depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DependencyEdge {
    /// The dependent.
    pub from: PolicyRef,
    /// What it depends on.
    pub to: PolicyRef,
    /// Why.
    pub dependency_type: DependencyType,
    /// Why, in words.
    pub explanation: String,
}

/// All dependencies, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DependencyGraph {
    /// Edges, sorted, without repetition.
    pub edges: Vec<DependencyEdge>,
}
