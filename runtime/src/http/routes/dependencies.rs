//! `GET /api/v1/policies/dependencies`

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use ordain_ir::{DependencyEdge, DependencyType, Enforcement, EnforcementMode, Level, PolicyKind, RuleType};
use ordain_store::{GraphSnapshot, LimitRecord, RuleRecord};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::access::{Allowed, Viewing};
use crate::http::app::AppState;
use crate::http::problem::{CommonProblems, Problem};
use crate::http::query::{NoParams, Query};
use crate::http::schema::{self, Relation};

/// A policy in the graph. What only rules have is null for a limit, and the other way round.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DependencyNode {
    /// Its identity.
    id: Uuid,
    /// Its full name.
    name: String,
    /// Rule or limit.
    #[schema(schema_with = schema::kind)]
    kind: PolicyKind,
    /// A rule's concern.
    #[schema(schema_with = schema::rule_type_or_null, required = false)]
    rule_type: Option<RuleType>,
    /// A limit's type.
    limit_type: Option<String>,
    /// The level at which its scope is written.
    #[schema(schema_with = schema::level)]
    scope: Level,
    /// Its status.
    status: &'static str,
    /// What a rule does.
    #[schema(schema_with = schema::enforcement_mode_or_null, required = false)]
    enforcement_mode: Option<EnforcementMode>,
    /// What a limit's breach does.
    #[schema(schema_with = schema::enforcement_or_null, required = false)]
    enforcement: Option<Enforcement>,
    /// What it depends on.
    depends_on: Vec<Relation>,
    /// What depends on it.
    required_by: Vec<Relation>,
}

impl DependencyNode {
    fn rule(record: &RuleRecord) -> Self {
        let rule = &record.rule;
        Self {
            id: record.id().0,
            name: rule.name.to_string(),
            kind: PolicyKind::Rule,
            rule_type: Some(rule.rule_type),
            limit_type: None,
            scope: rule.scope.level,
            status: rule.status.as_str(),
            enforcement_mode: Some(rule.enforcement_mode),
            enforcement: None,
            depends_on: vec![],
            required_by: vec![],
        }
    }

    fn limit(record: &LimitRecord) -> Self {
        let limit = &record.limit;
        Self {
            id: record.id().0,
            name: limit.name.to_string(),
            kind: PolicyKind::Limit,
            rule_type: None,
            limit_type: Some(limit.quantity.to_string()),
            scope: limit.scope.level,
            status: limit.status.as_str(),
            enforcement_mode: None,
            enforcement: Some(limit.enforcement),
            depends_on: vec![],
            required_by: vec![],
        }
    }
}

/// A dependency, from the dependent to what it depends on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DependencyEdgeView {
    /// The dependent.
    from_policy_id: Uuid,
    /// What it depends on.
    to_policy_id: Uuid,
    /// Full name of the dependent.
    from_policy_name: String,
    /// Full name of what it depends on.
    to_policy_name: String,
    /// Why.
    #[schema(schema_with = schema::dependency_type)]
    dependency_type: DependencyType,
    /// The same in words.
    explanation: String,
    /// When it was computed.
    computed_at: Timestamp,
}

/// All policies and their dependencies.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DependencyGraphView {
    /// Every policy, by full name.
    nodes: Vec<DependencyNode>,
    /// Every dependency, by the names of its ends.
    edges: Vec<DependencyEdgeView>,
    /// When the graph was computed.
    computed_at: Timestamp,
}

impl DependencyGraphView {
    fn new(graph: &GraphSnapshot, computed_at: Timestamp) -> Self {
        let rules = graph.rules.iter().map(DependencyNode::rule);
        let limits = graph.limits.iter().map(DependencyNode::limit);
        let mut nodes: Vec<_> = rules.chain(limits).collect();
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        let index: BTreeMap<Uuid, usize> = nodes.iter().enumerate().map(|(i, node)| (node.id, i)).collect();
        for edge in &graph.edges {
            let one = std::slice::from_ref(edge);
            if let Some(i) = index.get(&edge.from.id.0) {
                nodes[*i].depends_on.extend(Relation::depends_on(edge.from.id, one));
            }
            if let Some(i) = index.get(&edge.to.id.0) {
                nodes[*i].required_by.extend(Relation::required_by(edge.to.id, one));
            }
        }
        let view = |edge: &DependencyEdge| DependencyEdgeView {
            from_policy_id: edge.from.id.0,
            to_policy_id: edge.to.id.0,
            from_policy_name: edge.from.name.to_string(),
            to_policy_name: edge.to.name.to_string(),
            dependency_type: edge.dependency_type,
            explanation: edge.explanation.clone(),
            computed_at,
        };
        Self { nodes, edges: graph.edges.iter().map(view).collect(), computed_at }
    }
}

/// Dependencies among the policies of the active bundle.
#[utoipa::path(
    get, path = "/api/v1/policies/dependencies", tag = "policies", operation_id = "get_policy_dependencies",
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = DependencyGraphView), CommonProblems)
)]
pub(crate) async fn graph(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    _: Query<NoParams>,
) -> Result<Json<DependencyGraphView>, Problem> {
    let (graph, computed_at) = state.policies.get_policy_dependencies(&tenant).await?;
    Ok(Json(DependencyGraphView::new(&graph, computed_at)))
}
