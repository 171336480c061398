//! `POST /api/v1/violations`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use ordain_store::{ViolationKind, ViolationSeverity, ViolationSource, ViolationType};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Checks, Report, checked};
use crate::http::access::{Allowed, Ingesting};
use crate::http::app::AppState;
use crate::http::body::JsonItems;
use crate::http::problem::{BodyProblems, Problem};
use crate::http::query::{NoParams, Query};
use crate::http::schema;
use crate::service::NewViolation;

/// A violation that a client has seen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViolationReport {
    /// The client's own identity for it. Handed in again, it stays as it was; so give one if you may have to try
    /// again.
    #[serde(default)]
    id: Option<Uuid>,
    /// What kind of policy was not kept.
    #[schema(schema_with = schema::violation_type)]
    violation_type: ViolationType,
    /// How it stands out.
    #[serde(default = "standard")]
    #[schema(schema_with = schema::violation_kind_or_standard, required = false)]
    violation_kind: ViolationKind,
    /// Who saw it.
    #[schema(schema_with = schema::violation_source)]
    source: ViolationSource,
    /// How bad it is: 0 to 1, with three digits after the point at most.
    #[schema(value_type = f64, minimum = 0, maximum = 1, multiple_of = 0.001)]
    severity: Number,
    /// The full name of the policy that was not kept.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    policy_name: Option<String>,
    /// Whose request it was: `tenant/project/agent`.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    path: Option<String>,
    /// In which run.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    run_id: Option<String>,
    /// What happened, for people.
    #[serde(default)]
    #[schema(max_length = 10_000, pattern = r"^[^\u0000]*$")]
    description: String,
    /// What happened, for programs: an object of your own making.
    #[serde(default)]
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    details: Option<Map<String, Value>>,
    /// Whether it was made up; what a simulation sees is, if nothing is said.
    #[serde(default)]
    is_synthetic: Option<bool>,
    /// The scenario that made it up.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    synthetic_scenario_id: Option<String>,
    /// When it happened, since 1970; now, if nothing is said.
    #[serde(default)]
    occurred_at: Option<Timestamp>,
}

fn standard() -> ViolationKind {
    ViolationKind::Standard
}

impl Report for ViolationReport {
    const WHAT: &'static str = "violations";
    type Checked = NewViolation;

    fn checked(self, checks: &mut Checks, now: Timestamp) -> Option<NewViolation> {
        let severity: Option<ViolationSeverity> = self.severity.to_string().parse().ok();
        if severity.is_none() {
            let detail = "which is not a number from 0 to 1 with three digits after the point at most";
            checks.add("severity", format!("`severity` is {}, {detail}", self.severity));
        }
        checks.short("policy_name", self.policy_name.as_deref());
        checks.short("path", self.path.as_deref());
        checks.short("run_id", self.run_id.as_deref());
        checks.short("synthetic_scenario_id", self.synthetic_scenario_id.as_deref());
        checks.long("description", Some(&self.description));
        checks.instant("occurred_at", self.occurred_at, now);
        Some(NewViolation {
            id: self.id,
            violation_type: self.violation_type,
            violation_kind: self.violation_kind,
            source: self.source,
            severity: severity?,
            policy_name: self.policy_name,
            path: self.path,
            run_id: self.run_id,
            description: self.description,
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
pub(crate) enum ViolationReports {
    One(ViolationReport),
    Many(Vec<ViolationReport>),
}

/// What became of violations that were handed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecordedView {
    /// How many are new.
    recorded: u64,
    /// How many were there already and stay as they were.
    duplicates: u64,
    /// Their identities, in the order in which they came.
    ids: Vec<Uuid>,
}

/// Records violations: one, or an array of 1 to 1,000. All are recorded, or none.
#[utoipa::path(
    post, path = "/api/v1/violations", tag = "ingest", operation_id = "record_violations",
    request_body(content = ViolationReports),
    security(("api_key" = ["ingest"])),
    responses((status = 201, body = RecordedView), BodyProblems)
)]
pub(crate) async fn record(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Ingesting>,
    _: Query<NoParams>,
    JsonItems(reports): JsonItems<ViolationReport>,
) -> Result<(StatusCode, Json<RecordedView>), Problem> {
    let fine = checked(reports, state.violations.now())?;
    let (recorded, ids) = state.violations.record(&tenant, fine).await?;
    let view = RecordedView { recorded: recorded.recorded, duplicates: recorded.duplicates, ids };
    Ok((StatusCode::CREATED, Json(view)))
}
