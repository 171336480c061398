//! One file per route: its query, its answer, its handler.

pub(super) mod audit;
pub(super) mod budgets;
pub(super) mod bundles;
pub(super) mod capabilities;
pub(super) mod conflicts;
pub(super) mod decisions;
pub(super) mod dependencies;
pub(super) mod evidence;
pub(super) mod ingest;
pub(super) mod lessons;
pub(super) mod limits;
pub(super) mod metrics;
pub(super) mod operations;
pub(super) mod panels;
pub(super) mod proposals;
pub(super) mod reviews;
pub(super) mod rules;
pub(super) mod state;
pub(super) mod violations;

use ordain_ir::PolicyId;

use super::problem::{ErrorCode, Problem};

/// Reads the identity in a path.
fn policy_id(text: &str) -> Result<PolicyId, Problem> {
    text.parse().map(PolicyId).map_err(|_| {
        let shown: String = text.chars().take(80).collect();
        Problem::new(ErrorCode::InvalidId, format!("`{shown}` is no UUID; lists give each policy's `id`"))
    })
}

fn rule_not_found(id: PolicyId) -> Problem {
    Problem::new(ErrorCode::RuleNotFound, format!("the active bundle has no rule with the id `{id}`"))
}

fn limit_not_found(id: PolicyId) -> Problem {
    Problem::new(ErrorCode::LimitNotFound, format!("the active bundle has no limit with the id `{id}`"))
}
