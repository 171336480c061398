//! One file per route: its query, its answer, its handler.

pub(super) mod conflicts;
pub(super) mod dependencies;
pub(super) mod limits;
pub(super) mod operations;
pub(super) mod rules;
pub(super) mod state;

use ordain_ir::PolicyId;

use super::problem::{ErrorCode, Problem};

/// Reads the identity in a path.
fn policy_id(text: &str) -> Result<PolicyId, Problem> {
    text.parse().map(PolicyId).map_err(|_| {
        let shown: String = text.chars().take(80).collect();
        Problem::new(ErrorCode::InvalidId, format!("`{shown}` is no UUID; lists give each policy's `id`"))
    })
}
