//! `GET /api/v1/policies/conflicts`

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use ordain_ir::report::Contradiction;
use ordain_ir::{Certainty, Clause, ConflictSeverity, ConflictType, PolicyKind};
use ordain_store::{ConflictAcknowledgement, ConflictFilter, ConflictRecord, Order};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::proposals::PrincipalView;
use crate::http::access::{Allowed, Viewing};
use crate::http::app::AppState;
use crate::http::problem::{CommonProblems, Problem};
use crate::http::query::{Documented, Kind, Param, Query, QueryParams, Values, words};
use crate::http::schema;

type ConflictsQuery = Documented<ConflictFilter>;

impl QueryParams for ConflictFilter {
    const PARAMS: &'static [Param] = &[
        Param::new("severity", words!(ConflictSeverity), "Only of this severity."),
        Param::new("include_resolved", Kind::Flag, "Also those that somebody has acknowledged."),
        Param::cursor(Order::Conflict),
        Param::limit(50),
        Param::OFFSET,
    ];

    fn read(values: &mut Values) -> Self {
        Self { severity: values.word("severity"), include_resolved: values.flag("include_resolved") }
    }
}

/// A policy that takes part in a conflict.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConflictPolicy {
    /// Its identity.
    id: Uuid,
    /// Rule or limit.
    #[schema(schema_with = schema::kind)]
    kind: PolicyKind,
    /// Its full name.
    name: String,
    /// The clauses that take part.
    #[schema(value_type = Vec<String>)]
    clauses: Vec<Clause>,
}

/// Policies that contradict each other.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConflictItem {
    /// A fingerprint of the type and the policies.
    id: String,
    /// The diagnostic code.
    code: String,
    /// Identity of the first policy.
    policy_a_id: Uuid,
    /// Identity of the second policy.
    policy_b_id: Uuid,
    /// Full name of the first policy.
    policy_a_name: String,
    /// Full name of the second policy.
    policy_b_name: String,
    /// All policies, the stricter in front; the first two are `policy_a` and `policy_b`.
    policies: Vec<ConflictPolicy>,
    /// Type.
    #[schema(schema_with = schema::conflict_type)]
    conflict_type: ConflictType,
    /// For a `THRESHOLD_CONTRADICTION`: bounds that no usage satisfies, or one limit twice.
    #[schema(schema_with = schema::contradiction_or_null, required = false)]
    contradiction: Option<Contradiction>,
    /// Severity.
    #[schema(schema_with = schema::severity)]
    severity: ConflictSeverity,
    /// `BLOCKING` implies `proved`.
    #[schema(schema_with = schema::certainty)]
    certainty: Certainty,
    /// Why a suspected conflict is not proved.
    uncertainty: Option<String>,
    /// What is wrong.
    explanation: String,
    /// What to do about it.
    recommended_action: String,
    /// For a `PRIORITY_OVERRIDE` between rules: whether the winner is milder than the loser.
    weakens: Option<bool>,
    /// A request that all policies speak about: `request` and `local_time`.
    #[schema(value_type = Option<Value>)]
    witness: Option<Value>,
    /// A combination of the bounds that adds up to a falsehood.
    #[schema(value_type = Option<Value>)]
    certificate: Option<Value>,
    /// The smallest change of one value that removes the conflict: `policy` and `description`.
    #[schema(value_type = Option<Value>)]
    repair: Option<Value>,
    /// Whether somebody has acknowledged it.
    resolved: bool,
    /// The `allow` in the source that acknowledges it: `because`, and `until` where it runs out.
    #[schema(value_type = Option<Value>)]
    acknowledgement: Option<Value>,
    /// The person who accepted it over the API.
    acknowledged: Option<AcknowledgedView>,
    /// When an analysis first found it, without a break since.
    detected_at: Timestamp,
}

/// Who accepted a conflict.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AcknowledgedView {
    /// Who.
    acknowledged_by: PrincipalView,
    /// When.
    acknowledged_at: Timestamp,
    /// Why.
    reason: String,
}

impl AcknowledgedView {
    fn new(acknowledgement: &ConflictAcknowledgement) -> Self {
        Self {
            acknowledged_by: PrincipalView::new(&acknowledgement.by),
            acknowledged_at: acknowledgement.at,
            reason: acknowledgement.reason.clone(),
        }
    }
}

impl ConflictItem {
    /// A conflict names at least two policies; the loader sees to it.
    pub(super) fn new(record: ConflictRecord) -> Option<Self> {
        let acknowledged = record.acknowledged.as_ref().map(AcknowledgedView::new);
        let conflict = record.conflict;
        let [a, b] = [conflict.policies.first()?.clone(), conflict.policies.get(1)?.clone()];
        let policy = |policy: &ordain_ir::PolicyRef| ConflictPolicy {
            id: policy.id.0,
            kind: policy.kind,
            name: policy.name.to_string(),
            clauses: conflict.clauses.get(&policy.id).cloned().unwrap_or_default(),
        };
        Some(Self {
            policies: conflict.policies.iter().map(policy).collect(),
            id: conflict.id,
            code: conflict.code.to_string(),
            policy_a_id: a.id.0,
            policy_b_id: b.id.0,
            policy_a_name: a.name.to_string(),
            policy_b_name: b.name.to_string(),
            conflict_type: conflict.conflict_type,
            contradiction: conflict.contradiction,
            severity: conflict.severity,
            certainty: conflict.certainty,
            uncertainty: conflict.uncertainty,
            explanation: conflict.explanation,
            recommended_action: conflict.recommended_action,
            weakens: conflict.weakens,
            witness: conflict.witness.as_ref().map(schema::json),
            certificate: conflict.certificate.as_ref().map(schema::json),
            repair: conflict.repair.as_ref().map(schema::json),
            resolved: conflict.resolved,
            acknowledgement: conflict.acknowledgement.as_ref().map(schema::json),
            acknowledged,
            detected_at: record.detected_at,
        })
    }
}

/// A page of conflicts: BLOCKING first, then by type, then by names.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConflictList {
    /// The conflicts.
    items: Vec<ConflictItem>,
    /// How many the filters leave in all.
    total: u64,
    /// How many unresolved BLOCKING ones there are, whatever the filters.
    unresolved_count: u64,
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

/// Conflicts among the policies of the active bundle.
#[utoipa::path(
    get, path = "/api/v1/policies/conflicts", tag = "policies", operation_id = "list_policy_conflicts",
    params(ConflictsQuery),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = ConflictList), CommonProblems)
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    query: Query<ConflictFilter>,
) -> Result<Json<ConflictList>, Problem> {
    let found = state.policies.list_policy_conflicts(&tenant, &query.filter, query.page.request()).await?;
    Ok(Json(ConflictList {
        has_more: found.next.is_some(),
        next_cursor: found.next.as_ref().map(ToString::to_string),
        items: found.items.into_iter().filter_map(ConflictItem::new).collect(),
        total: found.total,
        unresolved_count: found.unresolved_count,
        filters_applied: query.applied,
        limit: query.page.limit,
        offset: query.page.offset,
    }))
}
