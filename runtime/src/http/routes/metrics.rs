//! `GET /api/v1/policies/metrics`

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use ordain_ir::Outcome;
use ordain_store::{EvaluationTotal, ViolationType};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::access::{Allowed, Viewing};
use crate::http::app::AppState;
use crate::http::problem::{CommonProblems, Problem};
use crate::http::query::{Documented, Param, Query, QueryParams, Values};
use crate::http::schema::ratio;

/// A window of hours that ends now.
pub(crate) struct WindowAsked {
    hours: u32,
}

type WindowQuery = Documented<WindowAsked>;

impl QueryParams for WindowAsked {
    const PARAMS: &'static [Param] = &[Param::HOURS];

    fn read(values: &mut Values) -> Self {
        Self { hours: values.hours() }
    }
}

/// How decisions went over a window.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyMetrics {
    /// How many requests were decided.
    total_evaluations: u64,
    /// Those that were stopped: `BLOCK`.
    total_blocks: u64,
    /// Those that may pass, now, later or with less: all others.
    total_allows: u64,
    /// The part that was stopped, from 0 to 1, to a millionth; 0 where nothing was decided.
    block_rate: f64,
    /// How long a decision took on the average, in milliseconds, to a thousandth; 0 where nothing was decided.
    avg_evaluation_ms: f64,
    /// How many real violations happened, by type; none with zero.
    violations_by_type: BTreeMap<String, u64>,
    /// How many requests were decided, by outcome; none with zero.
    evaluations_by_action: BTreeMap<String, u64>,
    /// The window's length.
    window_hours: u32,
}

/// Evaluations and violations of the last hours. The window of evaluations begins with a whole minute.
#[utoipa::path(
    get, path = "/api/v1/policies/metrics", tag = "policies", operation_id = "get_policy_metrics",
    params(WindowQuery),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = PolicyMetrics), CommonProblems)
)]
pub(crate) async fn metrics(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    query: Query<WindowAsked>,
) -> Result<Json<PolicyMetrics>, Problem> {
    let hours = query.filter.hours;
    let (evaluations, violations) = state.violations.get_policy_metrics(&tenant, hours).await?;
    let sum = |of: fn(&EvaluationTotal) -> u64| evaluations.values().map(of).sum::<u64>();
    let (total, microseconds) = (sum(|total| total.evaluations), sum(|total| total.microseconds));
    let blocks = evaluations.get(&Outcome::Block).map_or(0, |total| total.evaluations);
    let word = |violation_type: ViolationType| violation_type.as_str().to_owned();
    Ok(Json(PolicyMetrics {
        total_evaluations: total,
        total_blocks: blocks,
        total_allows: total - blocks,
        block_rate: ratio(blocks, total, 1_000_000),
        avg_evaluation_ms: ratio(microseconds, total.saturating_mul(1_000), 1_000),
        violations_by_type: violations.into_iter().map(|(kind, n)| (word(kind), n)).collect(),
        evaluations_by_action: evaluations
            .into_iter()
            .map(|(action, total)| (action.as_str().to_owned(), total.evaluations))
            .collect(),
        window_hours: hours,
    }))
}
