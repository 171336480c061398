//! `GET /healthz`, `/readyz`, `/openapi.json`

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::app::AppState;
use crate::http::problem::{ErrorCode, Problem};
use crate::http::tenant::Tenant;

/// Whether the process lives.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// Whether requests can be served.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// Always `ready`; otherwise the answer is a problem.
    status: &'static str,
    /// The active bundle.
    bundle: String,
}

/// Whether the process lives. Asks nothing of the database.
#[utoipa::path(
    get, path = "/healthz", tag = "operations", operation_id = "healthz",
    responses((status = 200, body = Health))
)]
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether requests can be served: the database answers, a bundle is active, and no shutdown has begun.
#[utoipa::path(
    get, path = "/readyz", tag = "operations", operation_id = "readyz",
    responses(
        (status = 200, body = Readiness),
        (status = 503, body = Problem, content_type = "application/problem+json",
         description = "`not_ready`, or `store_unavailable`")
    )
)]
pub(crate) async fn readiness(
    State(state): State<AppState>,
    Tenant(tenant): Tenant,
) -> Result<Json<Readiness>, Problem> {
    if state.is_stopping() {
        return Err(Problem::new(ErrorCode::NotReady, "the server is shutting down"));
    }
    match state.policies.active_bundle(&tenant).await? {
        Some(bundle) => Ok(Json(Readiness { status: "ready", bundle: bundle.digest })),
        None => Err(Problem::new(ErrorCode::NotReady, "no bundle is active")),
    }
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "operations", operation_id = "openapi",
    responses((status = 200, body = serde_json::Value, description = "OpenAPI 3.1"))
)]
pub(crate) async fn document(State(state): State<AppState>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], state.document.to_string())
}
