//! `GET /api/v1/panels`, `GET /api/v1/panels/{panel_id}`, `GET /api/v1/capabilities`

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json, Router};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tower::ServiceExt;
use utoipa::ToSchema;

use crate::http::access::{Allowed, Presented, Viewing};
use crate::http::app::AppState;
use crate::http::problem::{CommonProblems, ErrorCode, PanelProblems, Problem};
use crate::http::query::{NoParams, Query};
use crate::panels::{DECLARED, PANELS, Panel};

/// The routes that answer for panels.
#[derive(Clone)]
pub(crate) struct DataRoutes(pub(crate) Router);

/// The largest answer of a panel, in bytes: a graph of all policies may be large.
const LARGEST: usize = 1 << 28;

/// A panel, without its data.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PanelItem {
    /// Its identity.
    panel_id: &'static str,
    /// Its subdomain.
    subdomain: &'static str,
    /// Its topic.
    topic: &'static str,
    /// What it asks.
    question: &'static str,
    /// The capability that answers it.
    capability: &'static str,
    /// The request that answers it.
    request: &'static str,
}

impl PanelItem {
    fn new(panel: &Panel) -> Self {
        let Panel { id, subdomain, topic, question, capability, request } = *panel;
        Self { panel_id: id, subdomain, topic, question, capability, request }
    }
}

/// All panels.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PanelRegistry {
    /// The panels, in order.
    items: Vec<PanelItem>,
    /// How many there are.
    total: usize,
}

/// How a panel is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PanelHealth {
    /// `HEALTHY` if it has something to show, `EMPTY` otherwise. Being empty is no error.
    status: &'static str,
    /// How many rows answer it; null where it is no list.
    rows: Option<u64>,
    /// When it was looked at.
    checked_at: Timestamp,
}

/// A panel with its data.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PanelView {
    #[serde(flatten)]
    panel: PanelItem,
    /// How it is.
    health: PanelHealth,
    /// What its request answers.
    #[schema(value_type = Value)]
    data: Value,
}

/// A capability.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CapabilityItem {
    /// Its identity.
    capability_id: &'static str,
    /// `DECLARED` until it was observed from end to end.
    status: &'static str,
    /// The request that it answers.
    endpoint: &'static str,
    /// The panel that relies on it.
    panel_id: &'static str,
}

/// All capabilities.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CapabilityRegistry {
    /// The capabilities, in the order of the panels.
    items: Vec<CapabilityItem>,
    /// How many there are.
    total: usize,
}

/// The panels, and the request that answers each.
#[utoipa::path(
    get, path = "/api/v1/panels", tag = "panels", operation_id = "list_panels",
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = PanelRegistry), CommonProblems)
)]
pub(crate) async fn list(_: Allowed<Viewing>, _: Query<NoParams>) -> Json<PanelRegistry> {
    Json(PanelRegistry { items: PANELS.iter().map(PanelItem::new).collect(), total: PANELS.len() })
}

/// What the panels rely on.
#[utoipa::path(
    get, path = "/api/v1/capabilities", tag = "panels", operation_id = "list_capabilities",
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = CapabilityRegistry), CommonProblems)
)]
pub(crate) async fn capabilities(_: Allowed<Viewing>, _: Query<NoParams>) -> Json<CapabilityRegistry> {
    let item = |panel: &Panel| CapabilityItem {
        capability_id: panel.capability,
        status: DECLARED,
        endpoint: panel.request,
        panel_id: panel.id,
    };
    Json(CapabilityRegistry { items: PANELS.iter().map(item).collect(), total: PANELS.len() })
}

/// A panel's data: exactly what its request answers to whoever asks.
#[utoipa::path(
    get, path = "/api/v1/panels/{panel_id}", tag = "panels", operation_id = "get_panel",
    params(("panel_id" = String, Path, description = "The panel's identity.")),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = PanelView), PanelProblems)
)]
pub(crate) async fn panel(
    State(state): State<AppState>,
    _: Allowed<Viewing>,
    Path(panel_id): Path<String>,
    _: Query<NoParams>,
    Extension(presented): Extension<Presented>,
    Extension(DataRoutes(routes)): Extension<DataRoutes>,
) -> Result<Response, Problem> {
    let found = PANELS.iter().find(|panel| panel.id == panel_id).ok_or_else(|| {
        let shown: String = panel_id.chars().take(80).collect();
        Problem::new(
            ErrorCode::PanelNotFound,
            format!("there is no panel `{shown}`; /api/v1/panels lists them"),
        )
    })?;
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = Uri::from_static(found.request);
    request.extensions_mut().insert(presented);
    let Ok(response) = routes.oneshot(request).await;
    if !response.status().is_success() {
        return Ok(response);
    }
    let body = to_bytes(response.into_body(), LARGEST).await.ok();
    let data: Value = body.and_then(|body| serde_json::from_slice(&body).ok()).ok_or_else(|| {
        Problem::new(ErrorCode::Internal, "the panel's request was answered with something that is no JSON")
    })?;
    let rows = data["total"].as_u64().or_else(|| data["nodes"].as_array().map(|nodes| nodes.len() as u64));
    let health = PanelHealth {
        status: if rows == Some(0) { "EMPTY" } else { "HEALTHY" },
        rows,
        checked_at: state.violations.now(),
    };
    Ok(Json(PanelView { panel: PanelItem::new(found), health, data }).into_response())
}
