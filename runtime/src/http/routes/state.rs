//! `GET /api/v1/policies/state`

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::access::{Allowed, Viewing};
use crate::http::app::AppState;
use crate::http::problem::{CommonProblems, Problem};
use crate::http::query::{NoParams, Query};

/// The state of the policy layer in numbers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyState {
    /// Rules and limits of the active bundle.
    total_policies: u64,
    /// Those whose status is ACTIVE.
    active_policies: u64,
    /// Proposals that wait for a human.
    drafts_pending_review: u64,
    /// Unresolved conflicts of any severity.
    conflicts_detected: u64,
    /// Violations of the last 24 hours.
    violations_24h: u64,
    /// Lessons that wait for somebody to act.
    lessons_pending_action: u64,
    /// When the policies were last loaded.
    last_updated: Timestamp,
}

/// The state in numbers.
#[utoipa::path(
    get, path = "/api/v1/policies/state", tag = "policies", operation_id = "get_policy_state",
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = PolicyState), CommonProblems)
)]
pub(crate) async fn state(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    _: Query<NoParams>,
) -> Result<Json<PolicyState>, Problem> {
    let (counts, lessons_pending_action, last_updated) = state.policies.get_policy_state(&tenant).await?;
    Ok(Json(PolicyState {
        total_policies: counts.total_policies,
        active_policies: counts.active_policies,
        drafts_pending_review: counts.drafts_pending_review,
        conflicts_detected: counts.conflicts_detected,
        violations_24h: counts.violations,
        lessons_pending_action,
        last_updated,
    }))
}
