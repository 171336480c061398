//! `GET /api/v1/policies/rules`, `GET /api/v1/policies/rules/{rule_id}`

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use ordain_ir::{EnforcementMode, Level, RuleStatus, RuleType, Source};
use ordain_store::{Order, RuleFilter, RuleRecord};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{policy_id, rule_not_found};
use crate::http::access::{Allowed, Viewing};
use crate::http::app::AppState;
use crate::http::problem::{CommonProblems, LookupProblems, Problem};
use crate::http::query::{Documented, NoParams, Param, Query, QueryParams, Values, words};
use crate::http::schema::{self, OverrideView, Relation};

type RulesQuery = Documented<RuleFilter>;

/// The words of `scope` that a rule can have: never PROVIDER.
const RULE_LEVELS: [Level; 4] = [Level::Global, Level::Tenant, Level::Project, Level::Agent];

impl QueryParams for RuleFilter {
    const PARAMS: &'static [Param] = &[
        Param::new("status", words!(RuleStatus), "Only with this status."),
        Param::new("enforcement_mode", words!(EnforcementMode), "Only with this mode."),
        Param::new(
            "scope",
            super::super::query::Kind::Words(|| RULE_LEVELS.iter().map(|level| level.as_str()).collect()),
            "Only written at this level.",
        ),
        Param::new("source", words!(Source), "Only of this origin."),
        Param::new("rule_type", words!(RuleType), "Only of this concern."),
        Param::CREATED_AFTER,
        Param::CREATED_BEFORE,
        Param::cursor(Order::Name),
        Param::limit(20),
        Param::OFFSET,
    ];

    fn read(values: &mut Values) -> Self {
        Self {
            status: values.word("status"),
            enforcement_mode: values.word("enforcement_mode"),
            scope: values.word("scope"),
            source: values.word("source"),
            rule_type: values.word("rule_type"),
            created_after: values.time("created_after"),
            created_before: values.time("created_before"),
        }
    }
}

/// A rule in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleSummary {
    /// Identity: the same wherever a rule has this name.
    id: Uuid,
    /// Full name.
    name: String,
    /// Concern.
    #[schema(schema_with = schema::rule_type)]
    rule_type: RuleType,
    /// What it does to a request that it applies to.
    #[schema(schema_with = schema::enforcement_mode)]
    enforcement_mode: EnforcementMode,
    /// The level at which its scope is written.
    #[schema(schema_with = schema::level)]
    scope: Level,
    /// Whom it speaks to, as in source.
    scope_selector: String,
    /// Whether it takes part in decisions and conflicts.
    #[schema(schema_with = schema::rule_status)]
    status: RuleStatus,
    /// Origin.
    #[schema(schema_with = schema::source)]
    source: Source,
    /// Higher wins within the concern.
    priority: i64,
    /// When a rule of this name first became active, without a break since.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
}

impl RuleSummary {
    pub(super) fn new(record: &RuleRecord) -> Self {
        let rule = &record.rule;
        Self {
            id: record.id().0,
            name: rule.name.to_string(),
            rule_type: rule.rule_type,
            enforcement_mode: rule.enforcement_mode,
            scope: rule.scope.level,
            scope_selector: rule.scope.to_string(),
            status: rule.status,
            source: rule.source,
            priority: rule.priority,
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
    }
}

/// A page of rules, by name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleList {
    /// The rules.
    items: Vec<RuleSummary>,
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

/// A rule with everything that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleDetail {
    #[serde(flatten)]
    summary: RuleSummary,
    /// Documentation in Markdown.
    doc: String,
    /// When it speaks, as in source; always, if empty.
    active: Vec<String>,
    /// About which requests it speaks.
    #[schema(value_type = Value)]
    condition: Value,
    /// What it depends on.
    depends_on: Vec<Relation>,
    /// What depends on it.
    required_by: Vec<Relation>,
    /// Which rules give way where it applies.
    overrides: Vec<OverrideView>,
}

/// Rules of the active bundle.
#[utoipa::path(
    get, path = "/api/v1/policies/rules", tag = "policies", operation_id = "list_policy_rules", params(RulesQuery),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = RuleList), CommonProblems)
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    query: Query<RuleFilter>,
) -> Result<Json<RuleList>, Problem> {
    let page = state.policies.list_policy_rules(&tenant, &query.filter, query.page.request()).await?;
    Ok(Json(RuleList {
        has_more: page.next.is_some(),
        next_cursor: page.next.as_ref().map(ToString::to_string),
        items: page.items.iter().map(RuleSummary::new).collect(),
        total: page.total,
        filters_applied: query.applied,
        limit: query.page.limit,
        offset: query.page.offset,
    }))
}

/// One rule.
#[utoipa::path(
    get, path = "/api/v1/policies/rules/{rule_id}", tag = "policies", operation_id = "get_policy_rule_detail",
    params(("rule_id" = Uuid, Path, description = "The rule's `id`.")),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = RuleDetail), LookupProblems)
)]
pub(crate) async fn detail(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    Path(rule_id): Path<String>,
    _: Query<NoParams>,
) -> Result<Json<RuleDetail>, Problem> {
    let id = policy_id(&rule_id)?;
    let found =
        state.policies.get_policy_rule_detail(&tenant, id).await?.ok_or_else(|| rule_not_found(id))?;
    let rule = &found.policy.rule;
    Ok(Json(RuleDetail {
        summary: RuleSummary::new(&found.policy),
        doc: rule.doc.clone(),
        active: schema::clauses(&rule.window),
        condition: schema::json(&rule.condition),
        depends_on: Relation::depends_on(id, &found.edges),
        required_by: Relation::required_by(id, &found.edges),
        overrides: OverrideView::of(&rule.overrides),
    }))
}
