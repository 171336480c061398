//! `GET /api/v1/policy-proposals` and what hangs below it; `GET /api/v1/policies/requests`

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use jiff::Timestamp;
use ordain_ir::Source;
use ordain_store::{
    Order, Principal, PrincipalKind, ProposalDetail, ProposalFilter, ProposalRecord, ProposalStatus,
    TenantId, VersionRecord,
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::access::{Allowed, Viewing};
use crate::http::app::AppState;
use crate::http::problem::{CommonProblems, ErrorCode, Problem, ProposalProblems};
use crate::http::query::{Documented, Kind, NoParams, PageAsked, Param, Query, QueryParams, Values, words};
use crate::http::schema;

impl QueryParams for ProposalFilter {
    const PARAMS: &'static [Param] = &[
        Param::new("status", words!(ProposalStatus), "Only with this status."),
        Param::new("source", words!(Source), "Only of this origin."),
        Param::cursor(Order::Event),
        Param::limit(20),
        Param::OFFSET,
    ];

    fn read(values: &mut Values) -> Self {
        Self { status: values.word("status"), source: values.word("source") }
    }
}

/// What the list of requests can be asked for.
pub(crate) struct RequestsAsked;

impl QueryParams for RequestsAsked {
    const PARAMS: &'static [Param] = &[Param::cursor(Order::Event), Param::limit(20), Param::OFFSET];

    fn read(_: &mut Values) -> Self {
        Self
    }
}

/// What the list of versions can be asked for.
pub(crate) struct VersionsAsked {
    current: bool,
}

impl QueryParams for VersionsAsked {
    const PARAMS: &'static [Param] = &[
        Param::new("current", Kind::Flag, "Only the current version of each proposal."),
        Param::cursor(Order::Version),
        Param::limit(20),
        Param::OFFSET,
    ];

    fn read(values: &mut Values) -> Self {
        Self { current: values.flag("current") }
    }
}

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PrincipalView {
    /// A person or a service.
    #[schema(schema_with = schema::principal_kind)]
    kind: PrincipalKind,
    /// Their name.
    name: String,
}

impl PrincipalView {
    pub(super) fn new(principal: &Principal) -> Self {
        Self { kind: principal.kind, name: principal.name.clone() }
    }
}

/// What a person decided.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReviewView {
    /// Who.
    reviewed_by: PrincipalView,
    /// When.
    reviewed_at: Timestamp,
    /// Why.
    notes: String,
    /// The bundle that the proposal became part of, if it was approved.
    bundle: Option<String>,
}

/// A proposal in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProposalSummary {
    /// Identity.
    id: Uuid,
    /// What it is about.
    title: String,
    /// Why.
    rationale: String,
    /// Whether a person wrote it or it was learned.
    #[schema(schema_with = schema::source)]
    source: Source,
    /// Where it stands.
    #[schema(schema_with = schema::proposal_status)]
    status: ProposalStatus,
    /// The number of its current version.
    version: u32,
    /// Who proposed it.
    author: PrincipalView,
    /// When.
    created_at: Timestamp,
    /// When it last changed in any way.
    updated_at: Timestamp,
    /// What a person decided; null while it waits.
    review: Option<ReviewView>,
}

impl ProposalSummary {
    pub(super) fn new(record: ProposalRecord) -> Self {
        let review = record.review.map(|review| ReviewView {
            reviewed_by: PrincipalView::new(&review.reviewer),
            reviewed_at: review.at,
            notes: review.notes,
            bundle: review.bundle,
        });
        Self {
            id: record.id,
            title: record.title,
            rationale: record.rationale,
            source: record.source,
            status: record.status,
            version: record.version,
            author: PrincipalView::new(&record.author),
            created_at: record.created_at,
            updated_at: record.updated_at,
            review,
        }
    }
}

/// A version of a proposal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionView {
    /// Whose.
    proposal_id: Uuid,
    /// Its number, from 1.
    version: u32,
    /// Whether it is the current one; exactly one of a proposal is.
    is_current: bool,
    /// The policies, as source.
    text: String,
    /// What changed.
    note: String,
    /// Who wrote it.
    author: PrincipalView,
    /// When.
    created_at: Timestamp,
}

impl VersionView {
    fn new(record: VersionRecord) -> Self {
        Self {
            proposal_id: record.proposal,
            version: record.version,
            is_current: record.is_current,
            text: record.text,
            note: record.note,
            author: PrincipalView::new(&record.author),
            created_at: record.created_at,
        }
    }
}

/// A proposal with its current text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProposalView {
    #[serde(flatten)]
    summary: ProposalSummary,
    /// The policies of the current version, as source.
    text: String,
}

impl ProposalView {
    pub(super) fn new(detail: ProposalDetail) -> Self {
        let current = detail.versions.into_iter().find(|version| version.is_current);
        let text = current.map(|version| version.text).unwrap_or_default();
        Self { summary: ProposalSummary::new(detail.proposal), text }
    }
}

/// A page of proposals, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProposalList {
    /// The proposals.
    items: Vec<ProposalSummary>,
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

/// A page of versions, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionList {
    /// The versions.
    items: Vec<VersionView>,
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

/// All versions of one proposal, the first one first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProposalVersions {
    /// The versions.
    items: Vec<VersionView>,
    /// How many there are.
    total: u64,
    /// The number of the current one.
    current_version: u32,
}

/// How many proposals there are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProposalSummaryStats {
    /// In all.
    total: u64,
    /// By status.
    by_status: Map<String, Value>,
    /// By origin.
    by_source: Map<String, Value>,
    /// Those that wait for a person.
    pending_review: u64,
    /// Since when the oldest of those that wait does so.
    waiting_since: Option<Timestamp>,
    /// The part of those decided about that was approved, from 0 to 1, to a thousandth; 0 where none was.
    approval_rate: f64,
}

async fn listed(
    state: &AppState,
    tenant: &TenantId,
    filter: ProposalFilter,
    page: PageAsked,
    applied: Map<String, Value>,
) -> Result<Json<ProposalList>, Problem> {
    let found = state.governance.list(tenant, filter, page.request()).await?;
    Ok(Json(ProposalList {
        has_more: found.next.is_some(),
        next_cursor: found.next.as_ref().map(ToString::to_string),
        items: found.items.into_iter().map(ProposalSummary::new).collect(),
        total: found.total,
        filters_applied: applied,
        limit: page.limit,
        offset: page.offset,
    }))
}

/// Proposals.
#[utoipa::path(
    get, path = "/api/v1/policy-proposals", tag = "proposals", operation_id = "list_policy_proposals",
    params(Documented<ProposalFilter>),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = ProposalList), CommonProblems)
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    query: Query<ProposalFilter>,
) -> Result<Json<ProposalList>, Problem> {
    listed(&state, &tenant, query.filter, query.page, query.applied).await
}

/// Proposals that wait for a person.
#[utoipa::path(
    get, path = "/api/v1/policies/requests", tag = "policies", operation_id = "list_policy_requests",
    params(Documented<RequestsAsked>),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = ProposalList), CommonProblems)
)]
pub(crate) async fn requests(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    query: Query<RequestsAsked>,
) -> Result<Json<ProposalList>, Problem> {
    let waiting = ProposalFilter { status: Some(ProposalStatus::Draft), source: None };
    listed(&state, &tenant, waiting, query.page, query.applied).await
}

/// Proposals in numbers.
#[utoipa::path(
    get, path = "/api/v1/policy-proposals/stats/summary", tag = "proposals", operation_id = "proposal_stats",
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = ProposalSummaryStats), CommonProblems)
)]
pub(crate) async fn stats(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    _: Query<NoParams>,
) -> Result<Json<ProposalSummaryStats>, Problem> {
    let stats = state.governance.stats(&tenant).await?;
    let decided = stats.approved + stats.rejected;
    let map = |pairs: &[(&str, u64)]| pairs.iter().map(|(key, n)| ((*key).to_owned(), (*n).into())).collect();
    Ok(Json(ProposalSummaryStats {
        total: stats.draft + decided,
        by_status: map(&[("draft", stats.draft), ("approved", stats.approved), ("rejected", stats.rejected)]),
        by_source: map(&[("MANUAL", stats.manual), ("LEARNED", stats.learned)]),
        pending_review: stats.draft,
        waiting_since: stats.waiting_since,
        approval_rate: schema::ratio(stats.approved, decided, 1_000),
    }))
}

/// Versions of all proposals.
#[utoipa::path(
    get, path = "/api/v1/policy-proposals/versions", tag = "proposals", operation_id = "list_policy_versions",
    params(Documented<VersionsAsked>),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = VersionList), CommonProblems)
)]
pub(crate) async fn all_versions(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    query: Query<VersionsAsked>,
) -> Result<Json<VersionList>, Problem> {
    let found = state.governance.versions(&tenant, query.filter.current, query.page.request()).await?;
    Ok(Json(VersionList {
        has_more: found.next.is_some(),
        next_cursor: found.next.as_ref().map(ToString::to_string),
        items: found.items.into_iter().map(VersionView::new).collect(),
        total: found.total,
        filters_applied: query.applied,
        limit: query.page.limit,
        offset: query.page.offset,
    }))
}

async fn found(state: &AppState, tenant: &TenantId, id: &str) -> Result<ProposalDetail, Problem> {
    let id = proposal_id(id)?;
    state.governance.detail(tenant, id).await?.ok_or_else(|| proposal_not_found(id))
}

/// Reads the identity in a path.
pub(super) fn proposal_id(text: &str) -> Result<Uuid, Problem> {
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(80).collect();
        Problem::new(
            ErrorCode::InvalidId,
            format!("`{shown}` is no UUID; the list gives each proposal's `id`"),
        )
    })
}

pub(super) fn proposal_not_found(id: Uuid) -> Problem {
    Problem::new(ErrorCode::ProposalNotFound, format!("there is no proposal with the id `{id}`"))
}

/// One proposal, with its current text. `ETag` is its version, for `If-Match`.
#[utoipa::path(
    get, path = "/api/v1/policy-proposals/{proposal_id}", tag = "proposals", operation_id = "get_policy_proposal",
    params(("proposal_id" = Uuid, Path, description = "The proposal's `id`.")),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = ProposalView), ProposalProblems)
)]
pub(crate) async fn detail(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    Path(id): Path<String>,
    _: Query<NoParams>,
) -> Result<impl IntoResponse, Problem> {
    let view = ProposalView::new(found(&state, &tenant, &id).await?);
    Ok(([(header::ETAG, format!("\"{}\"", view.summary.version))], Json(view)))
}

/// The versions of one proposal.
#[utoipa::path(
    get, path = "/api/v1/policy-proposals/{proposal_id}/versions", tag = "proposals",
    operation_id = "list_proposal_versions",
    params(("proposal_id" = Uuid, Path, description = "The proposal's `id`.")),
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = ProposalVersions), ProposalProblems)
)]
pub(crate) async fn versions(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Viewing>,
    Path(id): Path<String>,
    _: Query<NoParams>,
) -> Result<Json<ProposalVersions>, Problem> {
    let detail = found(&state, &tenant, &id).await?;
    Ok(Json(ProposalVersions {
        total: detail.versions.len() as u64,
        current_version: detail.proposal.version,
        items: detail.versions.into_iter().map(VersionView::new).collect(),
    }))
}
