//! `GET /api/v1/panels`, `GET /api/v1/panels/{panel_id}`, `GET /api/v1/panels/health`

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use jiff::{SignedDuration, Timestamp};
use ordain_store::{PanelAlert, PanelAlertSeverity, PanelAlertType, PanelHealth, PanelStatus};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::access::{Allowed, Presented, Viewing};
use crate::http::app::AppState;
use crate::http::problem::{CommonProblems, ErrorCode, PanelProblems, Problem};
use crate::http::query::{NoParams, Query};
use crate::http::schema::{panel_alert_severity, panel_alert_type, panel_status};
use crate::panels::{
    Answer, Answers, Expectation, LESSON_PANELS, Look, PANELS, Panel, is_healthy, read, watched,
};

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
    fn new(panel: &'static Panel) -> Self {
        let Panel { id, subdomain, topic, question, capability, request, .. } = panel;
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
    /// Those about lessons, which stand beside them.
    lessons: Vec<PanelItem>,
}

/// An alert that is on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PanelAlertView {
    /// `EMPTY_PANEL`, `STALE_PANEL` or `FILTER_BREAK`.
    #[schema(schema_with = panel_alert_type)]
    alert_type: PanelAlertType,
    /// How bad it is.
    #[schema(schema_with = panel_alert_severity)]
    severity: PanelAlertSeverity,
    /// Since when it is on.
    since: Timestamp,
}

impl PanelAlertView {
    fn new(alert: PanelAlert) -> Self {
        let PanelAlert { alert_type, since } = alert;
        Self { alert_type, severity: alert_type.severity(), since }
    }
}

/// How a panel was when the monitor last looked at it, whoever asked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Monitored {
    /// How it was.
    #[schema(schema_with = panel_status)]
    status: PanelStatus,
    /// How much it showed; null where it is `BROKEN`.
    rows: Option<u64>,
    /// The newest that it has shown; null where what it shows has no time, or nothing was ever there.
    newest_at: Option<Timestamp>,
    /// Since when it has shown less than is expected of it, without a break; null where it shows enough.
    below_since: Option<Timestamp>,
    /// The alert that is on; null if none is.
    alert: Option<PanelAlertView>,
    /// When the monitor first looked at it.
    first_checked_at: Timestamp,
    /// When it last did.
    checked_at: Timestamp,
}

impl Monitored {
    fn new(health: &PanelHealth) -> Self {
        Self {
            status: health.status,
            rows: health.rows,
            newest_at: health.newest_at,
            below_since: health.below_since,
            alert: health.alert.map(PanelAlertView::new),
            first_checked_at: health.first_checked_at,
            checked_at: health.checked_at,
        }
    }
}

/// What is expected of a panel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Expected {
    /// It shows at least so much.
    min_rows: u64,
    /// For how long nothing is told of it after the monitor first looked at it, in seconds.
    warmup_grace_seconds: u64,
    /// For how long it may show less, in seconds.
    alert_after_seconds: u64,
    /// How old the newest that it shows may be, in seconds; null where any age will do.
    freshness_sla_seconds: Option<u64>,
    /// Whether an alert comes on.
    alert_enabled: bool,
}

impl Expected {
    fn new(expected: &Expectation) -> Self {
        let seconds = |length: SignedDuration| length.as_secs().unsigned_abs();
        Self {
            min_rows: expected.min_rows,
            warmup_grace_seconds: seconds(expected.warmup_grace),
            alert_after_seconds: seconds(expected.alert_after),
            freshness_sla_seconds: expected.freshness_sla.map(seconds),
            alert_enabled: expected.alert_enabled,
        }
    }
}

/// A panel, and how the monitor found it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PanelHealthItem {
    /// Its identity.
    panel_id: &'static str,
    /// What it asks.
    question: &'static str,
    /// The request that answers it.
    request: &'static str,
    /// What is expected of it.
    expected: Expected,
    /// How it was; null if the monitor hasn't looked at it yet.
    monitored: Option<Monitored>,
}

/// How all panels are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PanelHealthList {
    /// The panels, in order, then those about lessons.
    items: Vec<PanelHealthItem>,
    /// How many there are.
    total: usize,
    /// Those with an alert, and those that are `BROKEN`.
    unhealthy: usize,
    /// How long the monitor leaves panels alone after each look at all of them, in seconds.
    interval_seconds: u64,
}

/// How a panel is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PanelHealthNow {
    /// `HEALTHY` if it shows as much as is expected, `EMPTY` otherwise, `STALE` if that is too old. Being empty is no error.
    #[schema(schema_with = panel_status)]
    status: PanelStatus,
    /// How much it shows: rows, or what is counted where it is no list.
    rows: Option<u64>,
    /// The newest that it shows, where what it shows has a time.
    newest_at: Option<Timestamp>,
    /// When it was looked at.
    checked_at: Timestamp,
    /// What is expected of it.
    expected: Expected,
    /// How the monitor found it; null if it hasn't looked at it yet.
    monitored: Option<Monitored>,
}

/// A panel with its data.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PanelView {
    #[serde(flatten)]
    panel: PanelItem,
    /// How it is.
    health: PanelHealthNow,
    /// What its request answers.
    #[schema(value_type = Value)]
    data: Value,
}

/// The panels, and the request that answers each.
#[utoipa::path(
    get, path = "/api/v1/panels", tag = "panels", operation_id = "list_panels",
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = PanelRegistry), CommonProblems)
)]
pub(crate) async fn list(_: Allowed<Viewing>, _: Query<NoParams>) -> Json<PanelRegistry> {
    let items = |panels: &'static [Panel]| panels.iter().map(PanelItem::new).collect();
    Json(PanelRegistry { items: items(&PANELS), total: PANELS.len(), lessons: items(&LESSON_PANELS) })
}

/// How panels are, by the monitor that looks at them whether or not anybody asks (GOV-POL-003). No panel is shown less for it.
#[utoipa::path(
    get, path = "/api/v1/panels/health", tag = "panels", operation_id = "get_panel_health",
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = PanelHealthList), CommonProblems)
)]
pub(crate) async fn health(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    _: Query<NoParams>,
) -> Result<Json<PanelHealthList>, Problem> {
    let found = state.panels.health(&tenant).await?;
    let of = |panel: &Panel| found.iter().find(|health| health.panel_id == panel.id);
    let item = |panel: &'static Panel| PanelHealthItem {
        panel_id: &panel.id,
        question: &panel.question,
        request: &panel.request,
        expected: Expected::new(state.panels.expected(panel)),
        monitored: of(panel).map(Monitored::new),
    };
    Ok(Json(PanelHealthList {
        items: watched().map(item).collect(),
        total: watched().count(),
        unhealthy: watched().filter_map(of).filter(|health| !is_healthy(health)).count(),
        interval_seconds: state.panels.interval().as_secs(),
    }))
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
    Allowed { tenant, .. }: Allowed<Viewing>,
    Path(panel_id): Path<String>,
    _: Query<NoParams>,
    Extension(presented): Extension<Presented>,
    Extension(answers): Extension<Answers>,
) -> Result<Response, Problem> {
    let panel = watched().find(|panel| panel.id == panel_id).ok_or_else(|| {
        let shown: String = panel_id.chars().take(80).collect();
        Problem::new(
            ErrorCode::PanelNotFound,
            format!("there is no panel `{shown}`; /api/v1/panels lists them"),
        )
    })?;
    let data = match answers.ask(&panel.request, presented).await {
        Answer::Data(data) => data,
        Answer::Refused(response) => return Ok(response),
        Answer::Unreadable => {
            let detail = "the panel's request was answered with something that is no JSON";
            return Err(Problem::new(ErrorCode::Internal, detail));
        }
    };
    let found = state.panels.health(&tenant).await?;
    let monitored = found.iter().find(|health| health.panel_id == panel.id);
    let look = read(panel, &data);
    let (rows, newest) = match look {
        Look::Shows(rows, newest) => (Some(rows), newest),
        Look::Broken(_) | Look::Unknown(_) => (None, None),
    };
    let newest_at = newest.or_else(|| monitored?.newest_at);
    let health = PanelHealthNow {
        status: state.panels.status(panel, &look, newest_at),
        rows,
        newest_at,
        checked_at: state.panels.now(),
        expected: Expected::new(state.panels.expected(panel)),
        monitored: monitored.map(Monitored::new),
    };
    Ok(Json(PanelView { panel: PanelItem::new(panel), health, data }).into_response())
}
