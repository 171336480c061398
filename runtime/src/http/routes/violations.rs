//! `GET /api/v1/policies/violations`

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use ordain_store::{
    Order, Page, Violation, ViolationFilter, ViolationKind, ViolationSeverity, ViolationSource, ViolationType,
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::access::{Allowed, Viewing};
use crate::http::app::AppState;
use crate::http::problem::{CommonProblems, Problem};
use crate::http::query::{Documented, Kind, PageAsked, Param, Query, QueryParams, Values, words};
use crate::http::schema;

/// What the route can be asked for.
pub(crate) struct ViolationsAsked {
    violation_type: Option<ViolationType>,
    source: Option<ViolationSource>,
    severity_min: Option<ViolationSeverity>,
    violation_kind: Option<ViolationKind>,
    hours: u32,
    include_synthetic: bool,
}

type ViolationsQuery = Documented<ViolationsAsked>;

impl QueryParams for ViolationsAsked {
    const PARAMS: &'static [Param] = &[
        Param::new("violation_type", words!(ViolationType), "Only of this type."),
        Param::new("source", words!(ViolationSource), "Only seen by this source."),
        Param::new("severity_min", Kind::Severity, "Only this bad or worse."),
        Param::new("violation_kind", words!(ViolationKind), "Only of this kind."),
        Param::HOURS,
        Param::INCLUDE_SYNTHETIC,
        Param::cursor(Order::Event),
        Param::limit(50),
        Param::OFFSET,
    ];

    fn read(values: &mut Values) -> Self {
        Self {
            violation_type: values.word("violation_type"),
            source: values.word("source"),
            severity_min: values.severity("severity_min"),
            violation_kind: values.word("violation_kind"),
            hours: values.hours(),
            include_synthetic: values.flag("include_synthetic"),
        }
    }
}

/// A violation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ViolationItem {
    /// Identity.
    id: Uuid,
    /// What kind of policy was not kept.
    #[schema(schema_with = schema::violation_type)]
    violation_type: ViolationType,
    /// How it stands out.
    #[schema(schema_with = schema::violation_kind)]
    violation_kind: ViolationKind,
    /// Who saw it.
    #[schema(schema_with = schema::violation_source)]
    source: ViolationSource,
    /// How bad it is: 0 to 1, with three digits after the point at most.
    severity: f64,
    /// The policy, if the source named one; it may be gone since.
    policy_id: Option<Uuid>,
    /// Its full name.
    policy_name: Option<String>,
    /// Whose request it was: `tenant/project/agent`.
    path: Option<String>,
    /// In which run.
    run_id: Option<String>,
    /// What happened, for people.
    description: String,
    /// What happened, for programs: an object of the source's own making.
    #[schema(value_type = Option<Value>)]
    details: Option<Value>,
    /// Whether it was made up.
    is_synthetic: bool,
    /// The scenario that made it up.
    synthetic_scenario_id: Option<String>,
    /// When it happened.
    occurred_at: Timestamp,
    /// When it was recorded.
    recorded_at: Timestamp,
}

impl ViolationItem {
    fn new(violation: Violation) -> Self {
        let (policy_id, policy_name) = violation.policy.map(|policy| (policy.id.0, policy.name)).unzip();
        Self {
            id: violation.id,
            violation_type: violation.violation_type,
            violation_kind: violation.violation_kind,
            source: violation.source,
            severity: violation.severity.as_number(),
            policy_id,
            policy_name,
            path: violation.path,
            run_id: violation.run_id,
            description: violation.description,
            details: violation.details.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            is_synthetic: violation.is_synthetic,
            synthetic_scenario_id: violation.synthetic_scenario_id,
            occurred_at: violation.occurred_at,
            recorded_at: violation.recorded_at,
        }
    }
}

/// A page of violations, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ViolationList {
    /// The violations.
    items: Vec<ViolationItem>,
    /// How many the filters leave in all.
    total: u64,
    /// Whether more follow after this page.
    has_more: bool,
    /// Where the next page begins, as `cursor`; null at the end.
    next_cursor: Option<String>,
    /// The tenant, and each filter with its value.
    filters_applied: Map<String, Value>,
    /// The size that was asked for.
    limit: u32,
    /// The start that was asked for.
    offset: u64,
}

impl ViolationList {
    /// From what was found.
    pub(crate) fn new(found: Page<Violation>, asked: &PageAsked, applied: Map<String, Value>) -> Self {
        Self {
            has_more: found.next.is_some(),
            next_cursor: found.next.map(|next| next.to_string()),
            items: found.items.into_iter().map(ViolationItem::new).collect(),
            total: found.total,
            filters_applied: applied,
            limit: asked.limit,
            offset: asked.offset,
        }
    }
}

/// Violations, whoever saw them.
#[utoipa::path(
    get, path = "/api/v1/policies/violations", tag = "policies", operation_id = "list_policy_violations",
    params(ViolationsQuery),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = ViolationList), CommonProblems)
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    query: Query<ViolationsAsked>,
) -> Result<Json<ViolationList>, Problem> {
    let asked = query.filter;
    let filter = ViolationFilter {
        violation_type: asked.violation_type,
        violation_kind: asked.violation_kind,
        source: asked.source,
        severity_min: asked.severity_min,
        include_synthetic: asked.include_synthetic,
        ..ViolationFilter::since(state.violations.since(asked.hours))
    };
    let found = state.violations.list_policy_violations(&tenant, &filter, query.page.request()).await?;
    Ok(Json(ViolationList::new(found, &query.page, query.applied)))
}
