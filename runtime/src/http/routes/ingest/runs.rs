//! `POST /api/v1/runs`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use ordain_ir::decimal;
use ordain_store::{IncidentSeverity, RunStatus, RunUse};
use serde::Deserialize;
use serde_json::Number;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use uuid::Uuid;

use super::{Checks, IngestedView, Report, checked};
use crate::http::access::{Allowed, Ingesting};
use crate::http::app::AppState;
use crate::http::body::JsonItems;
use crate::http::problem::{BodyProblems, Problem};
use crate::http::query::{NoParams, Query};
use crate::http::schema;
use crate::service::{NewRun, USE_SCALE};

/// How many limits one run may name.
const USES: usize = 100;
/// The longest name of a metric, in characters.
const METRIC: usize = 200;
/// The longest run, in milliseconds: a year.
const LONGEST: i64 = 366 * 86_400_000;

/// An amount: a number, or the same as text, which is exact however many digits it has.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Amount {
    Number(Number),
    Text(String),
}

impl Amount {
    /// In millionths: up to twelve digits before the point, up to six after it.
    fn exact(&self) -> Option<i64> {
        let text = match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
        let digits =
            |part: &str, most| (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        let fits = digits(whole, 12) && digits(fraction, usize::from(USE_SCALE));
        decimal::parse(&text, USE_SCALE).ok().filter(|_| fits)
    }
}

fn amount() -> Schema {
    let number = ObjectBuilder::new()
        .schema_type(Type::Number)
        .minimum(Some(0))
        .maximum(Some(999_999_999_999_i64))
        .multiple_of(Some(0.000_001));
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"^[0-9]{1,12}(\.[0-9]{1,6})?$"));
    let either = OneOfBuilder::new()
        .item(number)
        .item(text)
        .description(Some("Six digits after the point at most; as text, it is exact however long it is."));
    Schema::OneOf(either.build())
}

/// How much of a limit a run used.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UseReport {
    /// The full name of the limit, or its type, or what you measure.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    metric: String,
    /// How much was used.
    #[schema(schema_with = amount)]
    used: Amount,
    /// How much may be.
    #[schema(schema_with = amount)]
    limit: Amount,
}

/// A run that has ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunReport {
    /// The client's own identity for this report; if nothing is said, it follows from `run_id`. Handed in again, it stays
    /// as it was.
    #[serde(default)]
    id: Option<Uuid>,
    /// What you call the run.
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    run_id: String,
    /// Whose run: `tenant/project/agent`.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    path: Option<String>,
    /// How it ended.
    #[schema(schema_with = schema::run_status)]
    status: RunStatus,
    /// How bad it is that it failed; `MEDIUM`, if nothing is said.
    #[serde(default)]
    #[schema(schema_with = schema::incident_severity_or_null)]
    severity: Option<IncidentSeverity>,
    /// The error's code.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    error_code: Option<String>,
    /// What the error said.
    #[serde(default)]
    #[schema(max_length = 10_000, pattern = r"^[^\u0000]*$")]
    error_message: Option<String>,
    /// When it began, since 1970.
    #[serde(default)]
    started_at: Option<Timestamp>,
    /// When it ended; now, if nothing is said.
    #[serde(default)]
    ended_at: Option<Timestamp>,
    /// How long it took, in milliseconds; if nothing is said, from `started_at` to `ended_at`.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 31_622_400_000_i64)]
    duration_ms: Option<i64>,
    /// What it used of limits.
    #[serde(default)]
    #[schema(max_items = 100)]
    usage: Vec<UseReport>,
    /// Whether it was made up.
    #[serde(default)]
    is_synthetic: bool,
    /// The scenario that made it up.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    synthetic_scenario_id: Option<String>,
}

fn used(report: UseReport, place: usize, checks: &mut Checks) -> Option<RunUse> {
    if !(1..=METRIC).contains(&report.metric.chars().count()) || report.metric.chars().any(char::is_control) {
        let detail = format!("`metric` wants 1 to {METRIC} characters and no control characters");
        checks.add(&format!("usage/{place}/metric"), detail);
    }
    let mut read = |field: &str, amount: &Amount| {
        let exact = amount.exact();
        if exact.is_none() {
            let detail = format!(
                "`{field}` wants an amount from 0 on, with 12 digits before the point and {USE_SCALE} after it at most"
            );
            checks.add(&format!("usage/{place}/{field}"), detail);
        }
        exact
    };
    let (used, limit) = (read("used", &report.used), read("limit", &report.limit));
    Some(RunUse { metric: report.metric, used: used?, limit: limit? })
}

impl Report for RunReport {
    const WHAT: &'static str = "runs";
    type Checked = NewRun;

    fn checked(self, checks: &mut Checks, now: Timestamp) -> Option<NewRun> {
        checks.short("run_id", Some(&self.run_id));
        checks.short("path", self.path.as_deref());
        checks.short("error_code", self.error_code.as_deref());
        checks.long("error_message", self.error_message.as_deref());
        checks.short("synthetic_scenario_id", self.synthetic_scenario_id.as_deref());
        checks.instant("started_at", self.started_at, now);
        checks.instant("ended_at", self.ended_at, now);
        if let (Some(started), Some(ended)) = (self.started_at, self.ended_at)
            && started > ended
        {
            checks.add("ended_at", format!("`ended_at` is {ended}, which is before `started_at`"));
        }
        if self.duration_ms.is_some_and(|duration| !(0..=LONGEST).contains(&duration)) {
            checks.add("duration_ms", format!("`duration_ms` wants a whole number from 0 to {LONGEST}"));
        }
        if self.usage.len() > USES {
            checks.add("usage", format!("`usage` wants {USES} items at most"));
        }
        let read = |(place, report)| used(report, place, checks);
        let usage: Vec<RunUse> = self.usage.into_iter().enumerate().filter_map(read).collect();
        Some(NewRun {
            id: self.id,
            run_id: self.run_id,
            path: self.path,
            status: self.status,
            severity: self.severity,
            error_code: self.error_code,
            error_message: self.error_message,
            started_at: self.started_at,
            ended_at: self.ended_at,
            duration_ms: self.duration_ms,
            usage,
            is_synthetic: self.is_synthetic,
            synthetic_scenario_id: self.synthetic_scenario_id,
        })
    }
}

/// One, or 1 to 1,000.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes a body; `JsonItems` reads it")]
pub(crate) enum RunReports {
    One(Box<RunReport>),
    Many(Vec<RunReport>),
}

/// Records runs: one, or an array of 1 to 1,000. All are recorded, or none. From a failure, from a limit that came near
/// its bound, and from what went exceptionally well a lesson is learned.
#[utoipa::path(
    post, path = "/api/v1/runs", tag = "ingest", operation_id = "record_runs",
    request_body(content = RunReports),
    security(("api_key" = ["ingest"])),
    responses((status = 201, body = IngestedView), BodyProblems)
)]
pub(crate) async fn record(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Ingesting>,
    _: Query<NoParams>,
    JsonItems(reports): JsonItems<RunReport>,
) -> Result<(StatusCode, Json<IngestedView>), Problem> {
    let fine = checked(reports, state.lessons.now())?;
    let ingested = state.lessons.record_runs(&tenant, fine).await?;
    Ok((StatusCode::CREATED, Json(IngestedView::new(ingested))))
}
