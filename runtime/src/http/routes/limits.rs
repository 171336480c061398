//! `GET /api/v1/policies/limits`, `GET /api/v1/policies/limits/{limit_id}`

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use ordain_ir::{
    Accumulation, AccumulationKind, Category, Direction, Enforcement, Level, LimitStatus, Partition, Period,
    Source, decimal,
};
use ordain_store::{LimitFilter, LimitRecord, Order, Page};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{limit_not_found, policy_id};
use crate::http::access::{Allowed, Viewing};
use crate::http::app::AppState;
use crate::http::problem::{CommonProblems, LookupProblems, Problem};
use crate::http::query::{Documented, Kind, NoParams, PageAsked, Param, Query, QueryParams, Values, words};
use crate::http::schema::{self, OverrideView, Relation};

type LimitsQuery = Documented<LimitFilter>;

impl QueryParams for LimitFilter {
    const PARAMS: &'static [Param] = &[
        Param::new("category", words!(Category), "Only of this category."),
        Param::new("status", words!(LimitStatus), "Only with this status."),
        Param::new("scope", words!(Level), "Only written at this level."),
        Param::new("enforcement", words!(Enforcement), "Only with this enforcement."),
        Param::new(
            "limit_type",
            Kind::LimitType,
            "Only of this type (`RUNS_DAILY`), or of every type that begins so (`RUNS_*`).",
        ),
        Param::CREATED_AFTER,
        Param::CREATED_BEFORE,
        Param::cursor(Order::Name),
        Param::limit(20),
        Param::OFFSET,
    ];

    fn read(values: &mut Values) -> Self {
        Self {
            category: values.word("category"),
            status: values.word("status"),
            scope: values.word("scope"),
            enforcement: values.word("enforcement"),
            limit_type: values.limit_type("limit_type"),
            created_after: values.time("created_after"),
            created_before: values.time("created_before"),
        }
    }
}

/// A limit in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LimitSummary {
    /// Identity: the same wherever a limit has this name.
    id: Uuid,
    /// Full name.
    name: String,
    /// Category; it follows from the type.
    #[schema(schema_with = schema::category)]
    limit_category: Category,
    /// What is bounded: `RISK_CEILING`, `RUNS_DAILY`, `COST_MONTHLY`, …
    limit_type: String,
    /// How usage adds up: by the CALENDAR of a zone, ROLLING, or CONCURRENT; null for a value of one request.
    #[schema(schema_with = schema::accumulation_or_null)]
    accumulation: Option<AccumulationKind>,
    /// The period over which it adds up, where there is one.
    #[schema(schema_with = schema::period_or_null)]
    period: Option<Period>,
    /// The IANA name of the zone whose calendar it is, where it is one.
    zone: Option<String>,
    /// Ceiling or floor.
    #[schema(schema_with = schema::direction)]
    direction: Direction,
    /// The last allowed value with its unit, as in source: `480`, `0.7`, `12.00 USD`, `1m30s`.
    value: String,
    /// The same as a plain decimal number: of runs, of tokens, of the currency's units, of seconds.
    amount: String,
    /// The currency, where it is money (ISO 4217).
    currency: Option<String>,
    /// What a breach does.
    #[schema(schema_with = schema::enforcement)]
    enforcement: Enforcement,
    /// The level at which its scope is written.
    #[schema(schema_with = schema::level)]
    scope: Level,
    /// Whom it speaks to, as in source.
    scope_selector: String,
    /// Whose counter it has.
    #[schema(schema_with = schema::partition)]
    partition: Partition,
    /// Whether it takes part in decisions and conflicts.
    #[schema(schema_with = schema::limit_status)]
    status: LimitStatus,
    /// Origin.
    #[schema(schema_with = schema::source)]
    source: Source,
    /// When a limit of this name first became active, without a break since.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
}

impl LimitSummary {
    pub(super) fn new(record: &LimitRecord) -> Self {
        let limit = &record.limit;
        let (quantity, bound) = (&limit.quantity, limit.bound);
        let over = quantity.accumulation();
        Self {
            id: record.id().0,
            name: limit.name.to_string(),
            limit_category: quantity.category(),
            limit_type: quantity.to_string(),
            accumulation: over.map(Accumulation::kind),
            period: over.and_then(Accumulation::period),
            zone: match over {
                Some(Accumulation::Calendar { zone, .. }) => Some(zone.to_string()),
                _ => None,
            },
            direction: bound.direction,
            value: quantity.format(bound.value),
            amount: decimal::format(bound.value, quantity.scale(), 0),
            currency: quantity.currency().map(ToOwned::to_owned),
            enforcement: limit.enforcement,
            scope: limit.scope.level,
            scope_selector: limit.scope.to_string(),
            partition: limit.partition,
            status: limit.status,
            source: limit.source,
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
    }
}

/// A page of limits, by name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LimitList {
    /// The limits.
    items: Vec<LimitSummary>,
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

impl LimitList {
    pub(super) fn new(page: &Page<LimitRecord>, request: &PageAsked, applied: Map<String, Value>) -> Self {
        Self {
            has_more: page.next.is_some(),
            next_cursor: page.next.as_ref().map(ToString::to_string),
            items: page.items.iter().map(LimitSummary::new).collect(),
            total: page.total,
            filters_applied: applied,
            limit: request.limit,
            offset: request.offset,
        }
    }
}

/// A limit with everything that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LimitDetail {
    #[serde(flatten)]
    summary: LimitSummary,
    /// Documentation in Markdown.
    doc: String,
    /// When it speaks, as in source; always, if empty.
    active: Vec<String>,
    /// About which requests it speaks.
    #[schema(value_type = Value)]
    condition: Value,
    /// Full name of the rule to whose requests it is confined.
    rule: Option<String>,
    /// What it depends on.
    depends_on: Vec<Relation>,
    /// What depends on it.
    required_by: Vec<Relation>,
    /// Which limits give way where it applies.
    overrides: Vec<OverrideView>,
}

/// Limits of the active bundle.
#[utoipa::path(
    get, path = "/api/v1/policies/limits", tag = "policies", operation_id = "list_limits", params(LimitsQuery),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = LimitList), CommonProblems)
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    query: Query<LimitFilter>,
) -> Result<Json<LimitList>, Problem> {
    let page = state.policies.list_limits(&tenant, &query.filter, query.page.request()).await?;
    Ok(Json(LimitList::new(&page, &query.page, query.applied)))
}

/// One limit.
#[utoipa::path(
    get, path = "/api/v1/policies/limits/{limit_id}", tag = "policies", operation_id = "get_limit_detail",
    params(("limit_id" = Uuid, Path, description = "The limit's `id`.")),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = LimitDetail), LookupProblems)
)]
pub(crate) async fn detail(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    Path(limit_id): Path<String>,
    _: Query<NoParams>,
) -> Result<Json<LimitDetail>, Problem> {
    let id = policy_id(&limit_id)?;
    let found = state.policies.get_limit_detail(&tenant, id).await?.ok_or_else(|| limit_not_found(id))?;
    let limit = &found.policy.limit;
    Ok(Json(LimitDetail {
        summary: LimitSummary::new(&found.policy),
        doc: limit.doc.clone(),
        active: schema::clauses(&limit.window),
        condition: schema::json(&limit.condition),
        rule: limit.rule.as_ref().map(ToString::to_string),
        depends_on: Relation::depends_on(id, &found.edges),
        required_by: Relation::required_by(id, &found.edges),
        overrides: OverrideView::of(&limit.overrides),
    }))
}
