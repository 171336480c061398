//! `POST /api/v1/incidents`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use ordain_store::IncidentSeverity;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Checks, IngestedView, Report, checked};
use crate::http::access::{Allowed, Ingesting};
use crate::http::app::AppState;
use crate::http::body::JsonItems;
use crate::http::problem::{BodyProblems, Problem};
use crate::http::query::{NoParams, Query};
use crate::http::schema;
use crate::service::NewIncident;

/// An incident that a client has seen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncidentReport {
    /// The client's own identity for it. Handed in again, it stays as it was; so give one if you may have to try
    /// again.
    #[serde(default)]
    id: Option<Uuid>,
    /// How bad it is.
    #[schema(schema_with = schema::incident_severity)]
    severity: IncidentSeverity,
    /// What happened, in one line.
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    title: String,
    /// The error's code.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    error_code: Option<String>,
    /// What the error said.
    #[serde(default)]
    #[schema(max_length = 10_000, pattern = r"^[^\u0000]*$")]
    error_message: Option<String>,
    /// In which run.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    run_id: Option<String>,
    /// Whose run: `tenant/project/agent`.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    path: Option<String>,
    /// The full name of the policy that it is about.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    policy_name: Option<String>,
    /// What happened, for programs: an object of your own making.
    #[serde(default)]
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    details: Option<Map<String, Value>>,
    /// Whether it was made up.
    #[serde(default)]
    is_synthetic: bool,
    /// The scenario that made it up.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    synthetic_scenario_id: Option<String>,
    /// When it happened, since 1970; now, if nothing is said.
    #[serde(default)]
    occurred_at: Option<Timestamp>,
}

impl Report for IncidentReport {
    const WHAT: &'static str = "incidents";
    type Checked = NewIncident;

    fn checked(self, checks: &mut Checks, now: Timestamp) -> Option<NewIncident> {
        checks.short("title", Some(&self.title));
        checks.short("error_code", self.error_code.as_deref());
        checks.long("error_message", self.error_message.as_deref());
        checks.short("run_id", self.run_id.as_deref());
        checks.short("path", self.path.as_deref());
        checks.short("policy_name", self.policy_name.as_deref());
        checks.short("synthetic_scenario_id", self.synthetic_scenario_id.as_deref());
        checks.instant("occurred_at", self.occurred_at, now);
        Some(NewIncident {
            id: self.id,
            severity: self.severity,
            title: self.title,
            error_code: self.error_code,
            error_message: self.error_message,
            run_id: self.run_id,
            path: self.path,
            policy_name: self.policy_name,
            details: self.details.map(|details| Value::Object(details).to_string()),
            is_synthetic: self.is_synthetic,
            synthetic_scenario_id: self.synthetic_scenario_id,
            occurred_at: self.occurred_at,
        })
    }
}

/// One, or 1 to 1,000.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes a body; `JsonItems` reads it")]
pub(crate) enum IncidentReports {
    One(Box<IncidentReport>),
    Many(Vec<IncidentReport>),
}

/// Records incidents: one, or an array of 1 to 1,000. All are recorded, or none. Each that is new becomes a lesson.
#[utoipa::path(
    post, path = "/api/v1/incidents", tag = "ingest", operation_id = "record_incidents",
    request_body(content = IncidentReports),
    security(("api_key" = ["ingest"])),
    responses((status = 201, body = IngestedView), BodyProblems)
)]
pub(crate) async fn record(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Ingesting>,
    _: Query<NoParams>,
    JsonItems(reports): JsonItems<IncidentReport>,
) -> Result<(StatusCode, Json<IngestedView>), Problem> {
    let fine = checked(reports, state.lessons.now())?;
    let ingested = state.lessons.record_incidents(&tenant, fine).await?;
    Ok((StatusCode::CREATED, Json(IngestedView::new(ingested))))
}
