//! `GET /api/v1/audit-log`

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use ordain_store::{AuditEntry, Order};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::proposals::PrincipalView;
use crate::http::access::{Allowed, Viewing};
use crate::http::app::AppState;
use crate::http::problem::{CommonProblems, Problem};
use crate::http::query::{Documented, Param, Query, QueryParams, Values};

/// What the record can be asked for.
pub(crate) struct AuditAsked;

impl QueryParams for AuditAsked {
    const PARAMS: &'static [Param] = &[Param::cursor(Order::Audit), Param::limit(20), Param::OFFSET];

    fn read(_: &mut Values) -> Self {
        Self
    }
}

/// Who did what, and when.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditItem {
    /// Identity.
    id: Uuid,
    /// When.
    at: Timestamp,
    /// Who.
    actor: PrincipalView,
    /// What: `proposal.create`, `proposal.revise`, `proposal.approve`, `proposal.reject`, `rule.retire`,
    /// `conflict.acknowledge`, `bundle.activate`.
    action: String,
    /// About what: an identity or a digest.
    subject: String,
    /// More.
    #[schema(value_type = Value)]
    details: Value,
}

impl AuditItem {
    fn new(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            actor: PrincipalView::new(&entry.actor),
            action: entry.action,
            subject: entry.subject,
            details: serde_json::from_str(&entry.details).unwrap_or_default(),
        }
    }
}

/// A page of the record, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditList {
    /// The entries.
    items: Vec<AuditItem>,
    /// How many there are.
    total: u64,
    /// Whether more follow after this page.
    has_more: bool,
    /// Where the next page begins, as `cursor`; null at the end.
    next_cursor: Option<String>,
    /// The tenant.
    filters_applied: Map<String, Value>,
    /// The size that was asked for.
    limit: u32,
    /// The start that was asked for.
    offset: u64,
}

/// Who did what. Nothing in it is ever changed or removed.
#[utoipa::path(
    get, path = "/api/v1/audit-log", tag = "proposals", operation_id = "audit_log",
    params(Documented<AuditAsked>),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = AuditList), CommonProblems)
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    query: Query<AuditAsked>,
) -> Result<Json<AuditList>, Problem> {
    let found = state.governance.audit_log(&tenant, query.page.request()).await?;
    Ok(Json(AuditList {
        has_more: found.next.is_some(),
        next_cursor: found.next.as_ref().map(ToString::to_string),
        items: found.items.into_iter().map(AuditItem::new).collect(),
        total: found.total,
        filters_applied: query.applied,
        limit: query.page.limit,
        offset: query.page.offset,
    }))
}
