//! `GET /api/v1/policies/rules/{rule_id}/evidence`, `GET /api/v1/policies/limits/{limit_id}/evidence`

use axum::Json;
use axum::extract::{Path, State};
use ordain_ir::{EnforcementMode, LimitStatus, PolicyId, RuleStatus};
use ordain_store::{Order, TenantId, ViolationFilter};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::limits::LimitSummary;
use super::rules::RuleSummary;
use super::violations::ViolationList;
use super::{limit_not_found, policy_id, rule_not_found};
use crate::http::access::{Allowed, Viewing};
use crate::http::app::AppState;
use crate::http::problem::{LookupProblems, Problem};
use crate::http::query::{Documented, Param, Query, QueryParams, Values};
use crate::http::schema::{self, Relation};

/// What the routes can be asked for.
pub(crate) struct EvidenceAsked {
    hours: u32,
    include_synthetic: bool,
}

type EvidenceQuery = Documented<EvidenceAsked>;

impl QueryParams for EvidenceAsked {
    const PARAMS: &'static [Param] = &[
        Param::HOURS,
        Param::INCLUDE_SYNTHETIC,
        Param::cursor(Order::Event),
        Param::limit(20),
        Param::OFFSET,
    ];

    fn read(values: &mut Values) -> Self {
        Self { hours: values.hours(), include_synthetic: values.flag("include_synthetic") }
    }
}

/// Where and when a policy is enforced.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EnforcementContext {
    /// Whether it takes part in decisions at all.
    takes_part: bool,
    /// The bundle that has it.
    bundle: Option<String>,
    /// When it speaks, as in source; always, if empty.
    active: Vec<String>,
    /// About which requests it speaks.
    #[schema(value_type = Value)]
    condition: Value,
    /// What it depends on.
    depends_on: Vec<Relation>,
    /// What depends on it.
    required_by: Vec<Relation>,
}

/// What there is to say for and about a rule.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleEvidence {
    /// The rule.
    rule: RuleSummary,
    /// Where and when it is enforced.
    enforcement: EnforcementContext,
    /// Where it was not kept.
    violations: ViolationList,
}

/// What there is to say for and about a limit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LimitEvidence {
    /// The limit.
    limit: LimitSummary,
    /// Where and when it is enforced.
    enforcement: EnforcementContext,
    /// Where it was breached.
    breaches: ViolationList,
}

async fn violations_of(
    state: &AppState,
    tenant: &TenantId,
    policy: PolicyId,
    query: Query<EvidenceAsked>,
) -> Result<ViolationList, Problem> {
    let filter = ViolationFilter {
        policy: Some(policy),
        include_synthetic: query.filter.include_synthetic,
        ..ViolationFilter::since(state.violations.since(query.filter.hours))
    };
    let found = state.violations.list_policy_violations(tenant, &filter, query.page.request()).await?;
    Ok(ViolationList::new(found, &query.page, query.applied))
}

/// The context in which a rule is enforced, and where it was not kept.
#[utoipa::path(
    get, path = "/api/v1/policies/rules/{rule_id}/evidence", tag = "policies", operation_id = "get_rule_evidence",
    params(("rule_id" = uuid::Uuid, Path, description = "The rule's `id`."), EvidenceQuery),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = RuleEvidence), LookupProblems)
)]
pub(crate) async fn rule(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    Path(rule_id): Path<String>,
    query: Query<EvidenceAsked>,
) -> Result<Json<RuleEvidence>, Problem> {
    let id = policy_id(&rule_id)?;
    let found =
        state.policies.get_policy_rule_detail(&tenant, id).await?.ok_or_else(|| rule_not_found(id))?;
    let rule = &found.policy.rule;
    let takes_part = rule.status == RuleStatus::Active && rule.enforcement_mode != EnforcementMode::Disabled;
    Ok(Json(RuleEvidence {
        rule: RuleSummary::new(&found.policy),
        enforcement: EnforcementContext {
            takes_part,
            bundle: state.policies.active_bundle(&tenant).await?.map(|bundle| bundle.digest),
            active: schema::clauses(&rule.window),
            condition: schema::json(&rule.condition),
            depends_on: Relation::depends_on(id, &found.edges),
            required_by: Relation::required_by(id, &found.edges),
        },
        violations: violations_of(&state, &tenant, id, query).await?,
    }))
}

/// The context in which a limit is enforced, and its breaches.
#[utoipa::path(
    get, path = "/api/v1/policies/limits/{limit_id}/evidence", tag = "policies",
    operation_id = "get_limit_evidence",
    params(("limit_id" = uuid::Uuid, Path, description = "The limit's `id`."), EvidenceQuery),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = LimitEvidence), LookupProblems)
)]
pub(crate) async fn limit(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    Path(limit_id): Path<String>,
    query: Query<EvidenceAsked>,
) -> Result<Json<LimitEvidence>, Problem> {
    let id = policy_id(&limit_id)?;
    let found = state.policies.get_limit_detail(&tenant, id).await?.ok_or_else(|| limit_not_found(id))?;
    let limit = &found.policy.limit;
    Ok(Json(LimitEvidence {
        limit: LimitSummary::new(&found.policy),
        enforcement: EnforcementContext {
            takes_part: limit.status == LimitStatus::Active,
            bundle: state.policies.active_bundle(&tenant).await?.map(|bundle| bundle.digest),
            active: schema::clauses(&limit.window),
            condition: schema::json(&limit.condition),
            depends_on: Relation::depends_on(id, &found.edges),
            required_by: Relation::required_by(id, &found.edges),
        },
        breaches: violations_of(&state, &tenant, id, query).await?,
    }))
}
