//! `GET /api/v1/policies/budgets`

use axum::Json;
use axum::extract::State;
use ordain_ir::{Category, Level, LimitStatus};
use ordain_store::{LimitFilter, Order};

use super::limits::LimitList;
use crate::http::access::{Allowed, Viewing};
use crate::http::app::AppState;
use crate::http::problem::{CommonProblems, Problem};
use crate::http::query::{Documented, Kind, Param, Query, QueryParams, Values};

/// What the route can be asked for.
pub(crate) struct BudgetsAsked {
    scope: Option<Level>,
    status: LimitStatus,
}

type BudgetsQuery = Documented<BudgetsAsked>;

impl QueryParams for BudgetsAsked {
    const PARAMS: &'static [Param] = &[
        Param::new(
            "scope",
            Kind::Words(|| Level::ALL.iter().map(|level| level.as_str()).collect()),
            "Only written at this level.",
        ),
        Param::new(
            "status",
            Kind::WordsOr(
                || LimitStatus::ALL.iter().map(|status| status.as_str()).collect(),
                LimitStatus::Active.as_str(),
            ),
            "Only with this status.",
        ),
        Param::cursor(Order::Name),
        Param::limit(20),
        Param::OFFSET,
    ];

    fn read(values: &mut Values) -> Self {
        Self { scope: values.word("scope"), status: values.word_or("status", LimitStatus::Active) }
    }
}

/// Budgets: limits on money over a period.
#[utoipa::path(
    get, path = "/api/v1/policies/budgets", tag = "policies", operation_id = "list_budgets",
    params(BudgetsQuery),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = LimitList), CommonProblems)
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    query: Query<BudgetsAsked>,
) -> Result<Json<LimitList>, Problem> {
    let filter = LimitFilter {
        category: Some(Category::Budget),
        scope: query.filter.scope,
        status: Some(query.filter.status),
        ..LimitFilter::default()
    };
    let page = state.policies.list_limits(&tenant, &filter, query.page.request()).await?;
    Ok(Json(LimitList::new(&page, &query.page, query.applied)))
}
