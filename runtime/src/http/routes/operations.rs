//! `GET /healthz`, `/readyz`, `/metrics`, `/openapi.json`

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::access::{AccessMode, Allowed, Operating};
use crate::http::app::AppState;
use crate::http::problem::{CommonProblems, ErrorCode, Problem};
use crate::telemetry;

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
    /// The active bundle of the one tenant under `--dev`; null otherwise.
    bundle: Option<String>,
}

/// Whether the process lives. Asks nothing of the database.
#[utoipa::path(
    get, path = "/healthz", tag = "operations", operation_id = "healthz",
    responses((status = 200, body = Health))
)]
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether requests can be served: the database answers, the keys of the issuer of tokens are known where there is one,
/// and no shutdown has begun; under `--dev`, a bundle is active too.
#[utoipa::path(
    get, path = "/readyz", tag = "operations", operation_id = "readyz",
    responses(
        (status = 200, body = Readiness),
        (status = 503, body = Problem, content_type = "application/problem+json",
         description = "`not_ready`, or `store_unavailable`")
    )
)]
pub(crate) async fn readiness(State(state): State<AppState>) -> Result<Json<Readiness>, Problem> {
    if state.is_stopping() {
        return Err(Problem::new(ErrorCode::NotReady, "the server is shutting down"));
    }
    let bundle = match &state.access {
        AccessMode::Dev(tenant) => {
            let bundle = state.policies.active_bundle(tenant).await?.map(|bundle| bundle.digest);
            Some(bundle.ok_or_else(|| Problem::new(ErrorCode::NotReady, "no bundle is active"))?)
        }
        AccessMode::Keys => {
            state.policies.answers().await?;
            if state.people.as_ref().is_some_and(|people| !people.is_ready()) {
                let detail = "the issuer of tokens has not said its keys yet; API keys count already";
                return Err(Problem::new(ErrorCode::NotReady, detail));
            }
            None
        }
    };
    Ok(Json(Readiness { status: "ready", bundle }))
}

/// What was counted and timed, in Prometheus' text format. A scraper sends a key as bearer token.
#[utoipa::path(
    get, path = "/metrics", tag = "operations", operation_id = "metrics",
    security(("api_key" = ["operator"])),
    responses((status = 200, body = String, content_type = "text/plain"), CommonProblems)
)]
pub(crate) async fn metrics(_: Allowed<Operating>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], telemetry::rendered())
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "operations", operation_id = "openapi",
    responses((status = 200, body = serde_json::Value, description = "OpenAPI 3.1"))
)]
pub(crate) async fn document(State(state): State<AppState>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], state.document.to_string())
}
