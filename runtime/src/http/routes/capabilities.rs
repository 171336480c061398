//! `GET /api/v1/capabilities`, `POST /api/v1/capabilities/observations`

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use ordain_store::CapabilityObservation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::proposals::PrincipalView;
use super::reviews::fits;
use crate::http::access::{Allowed, Operating, Viewing};
use crate::http::app::AppState;
use crate::http::body::JsonBody;
use crate::http::problem::{BodyProblems, CommonProblems, ErrorCode, Problem, ProblemDetail};
use crate::http::query::{NoParams, Query};
use crate::panels::{LESSON_PANELS, PANELS, Panel};

/// How a capability came to be relied on.
const DECLARED: &str = "DECLARED";
const OBSERVED: &str = "OBSERVED";

/// How many are observed at once.
const MOST: usize = 100;

/// A capability.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CapabilityItem {
    /// Its identity.
    capability_id: &'static str,
    /// `DECLARED` until it was seen to work from end to end, then `OBSERVED`.
    status: &'static str,
    /// The request that it answers.
    endpoint: &'static str,
    /// The panel that relies on it.
    panel_id: &'static str,
    /// How it was last seen; null while it is `DECLARED`.
    observation: Option<ObservationView>,
}

/// How a capability was last seen.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ObservationView {
    /// The scenario that went through.
    scenario: String,
    /// Who ran it.
    observed_by: PrincipalView,
    /// When.
    observed_at: Timestamp,
}

impl ObservationView {
    fn new(seen: &CapabilityObservation) -> Self {
        Self {
            scenario: seen.scenario.clone(),
            observed_by: PrincipalView::new(&seen.observed_by),
            observed_at: seen.observed_at,
        }
    }
}

/// All capabilities.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CapabilityRegistry {
    /// The capabilities, in the order of the panels, then those of the panels about lessons.
    items: Vec<CapabilityItem>,
    /// How many there are.
    total: usize,
}

/// What a scenario has seen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Observations {
    /// Its name.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    scenario: String,
    /// The capabilities that it went through.
    #[schema(schema_with = capability_ids)]
    capabilities: Vec<String>,
}

/// Capabilities that there are.
fn capability_ids() -> utoipa::openapi::schema::Array {
    use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
    let ids = panels().map(|panel| panel.capability.as_str());
    let item = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(ids));
    ArrayBuilder::new().items(item).min_items(Some(1)).max_items(Some(MOST)).build()
}

/// The panels that rely on them.
fn panels() -> impl Iterator<Item = &'static Panel> {
    PANELS.iter().chain(LESSON_PANELS.iter())
}

async fn registry(
    state: &AppState,
    tenant: &ordain_store::TenantId,
) -> Result<Json<CapabilityRegistry>, Problem> {
    let observed = state.capabilities.observed(tenant).await?;
    let item = |panel: &'static Panel| {
        let seen = observed.get(&panel.capability);
        CapabilityItem {
            capability_id: &panel.capability,
            status: if seen.is_some() { OBSERVED } else { DECLARED },
            endpoint: &panel.request,
            panel_id: &panel.id,
            observation: seen.map(ObservationView::new),
        }
    };
    let items: Vec<_> = panels().map(item).collect();
    Ok(Json(CapabilityRegistry { total: items.len(), items }))
}

/// What the panels rely on.
#[utoipa::path(
    get, path = "/api/v1/capabilities", tag = "panels", operation_id = "list_capabilities",
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = CapabilityRegistry), CommonProblems)
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    _: Query<NoParams>,
) -> Result<Json<CapabilityRegistry>, Problem> {
    registry(&state, &tenant).await
}

/// Notes that a scenario has seen capabilities work from end to end: they are OBSERVED from now on.
#[utoipa::path(
    post, path = "/api/v1/capabilities/observations", tag = "panels", operation_id = "observe_capabilities",
    request_body = Observations,
    security(("api_key" = ["operator"])),
    responses((status = 200, body = CapabilityRegistry), BodyProblems)
)]
pub(crate) async fn observe(
    State(state): State<AppState>,
    Allowed { tenant, principal, .. }: Allowed<Operating>,
    _: Query<NoParams>,
    JsonBody(seen): JsonBody<Observations>,
) -> Result<Json<CapabilityRegistry>, Problem> {
    fits("scenario", &seen.scenario, 1, 200, false)?;
    let many = seen.capabilities.len();
    if !(1..=MOST).contains(&many) {
        let detail = format!("`capabilities` has {many}; name 1 to {MOST}");
        return Err(Problem::of_details(
            ErrorCode::InvalidBody,
            vec![ProblemDetail::in_body("/capabilities", detail)],
        ));
    }
    let known: Vec<String> = panels().map(|panel| panel.capability.clone()).collect();
    let unknown = seen.capabilities.iter().enumerate().filter(|(_, id)| !known.contains(id));
    let wrong: Vec<_> = unknown
        .map(|(i, id)| {
            let shown: String = id.chars().take(80).collect();
            let detail = format!("there is no capability `{shown}`; /api/v1/capabilities lists them");
            ProblemDetail::in_body(format!("/capabilities/{i}"), detail).allowing(known.clone())
        })
        .collect();
    if !wrong.is_empty() {
        return Err(Problem::of_details(ErrorCode::InvalidBody, wrong));
    }
    state.capabilities.observe(&tenant, &principal, &seen.scenario, &seen.capabilities).await?;
    registry(&state, &tenant).await
}
