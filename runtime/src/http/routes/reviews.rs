//! What people do with proposals, rules and conflicts: `POST /api/v1/policy-proposals` and below,
//! `DELETE /api/v1/policies/rules/{rule_id}`, `POST /api/v1/policies/conflicts/{conflict_id}/acknowledge`

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use ordain_ir::Source;
use ordain_store::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use uuid::Uuid;

use super::conflicts::ConflictItem;
use super::lessons::not_pending;
use super::policy_id;
use super::proposals::{ProposalSummary, ProposalView, proposal_id};
use crate::gate::SourceProblem;
use crate::http::access::{Allowed, Approving, Authoring};
use crate::http::app::AppState;
use crate::http::body::{JsonBody, wrong};
use crate::http::problem::{
    ConflictProblems, ErrorCode, Problem, ProblemDetail, RetireProblems, ReviewProblems,
};
use crate::http::query::{NoParams, Query};
use crate::http::schema;
use crate::service::{Approval, GovernanceError, NewProposal};

pub(super) const TITLE: usize = 500;
pub(super) const NOTES: usize = 10_000;
pub(super) const TEXT: usize = 500_000;

/// A proposal to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProposalDraft {
    /// What it is about, in one line.
    #[schema(
        min_length = 1,
        max_length = 500,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    title: String,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 10_000, pattern = r"^[^\u0000]*$")]
    rationale: String,
    /// The policies, as source: complete by itself, but for what it names of active policies.
    #[schema(min_length = 1, max_length = 500_000, pattern = r"^[^\u0000]*\S[^\u0000]*$")]
    text: String,
}

/// A new version of a proposal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VersionDraft {
    /// The version that it takes the place of; or the header `If-Match`.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1)]
    version: Option<NonZeroU32>,
    /// The policies, as source.
    #[schema(min_length = 1, max_length = 500_000, pattern = r"^[^\u0000]*\S[^\u0000]*$")]
    text: String,
    /// What changed.
    #[serde(default)]
    #[schema(max_length = 10_000, pattern = r"^[^\u0000]*$")]
    note: String,
}

/// An approval.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalBody {
    /// The version that you have seen; or the header `If-Match`.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1)]
    version: Option<NonZeroU32>,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 10_000, pattern = r"^[^\u0000]*$")]
    notes: String,
    /// The `id`s of the new WARNING conflicts that you accept.
    #[serde(default)]
    #[schema(max_items = 1000)]
    acknowledge: BTreeSet<String>,
}

/// A rejection.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RejectionBody {
    /// The version that you have seen; or the header `If-Match`.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1)]
    version: Option<NonZeroU32>,
    /// Why; not empty.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 10_000, pattern = r"^[^\u0000]*\S[^\u0000]*$", required)]
    reason: String,
}

/// Why a conflict is accepted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcknowledgementBody {
    /// Why; not empty.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 10_000, pattern = r"^[^\u0000]*\S[^\u0000]*$", required)]
    reason: String,
}

/// An approved proposal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApprovedView {
    /// The proposal.
    proposal: ProposalSummary,
    /// The bundle that is active now.
    bundle: Option<String>,
}

/// A retired rule.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetiredView {
    /// The rule's identity.
    rule_id: Uuid,
    /// Always `RETIRED`: it stays for the record.
    status: &'static str,
    /// The bundle that is active now.
    bundle: String,
}

/// Whether a text has as many characters as it may; without its line breaks, if it is one line.
pub(super) fn fits(place: &str, text: &str, least: usize, most: usize, lines: bool) -> Result<(), Problem> {
    let (said, length) = (text.trim().chars().count(), text.chars().count());
    let control = text.chars().any(|c| c == '\0' || (!lines && c.is_control()));
    if said >= least && length <= most && !control {
        return Ok(());
    }
    let detail = format!("`{place}` wants {least} to {most} characters, and no control characters");
    Err(wrong(format!("/{place}"), detail))
}

/// Documents the header; never made.
struct IfMatch;

impl utoipa::IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let version = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(r#"^("[1-9][0-9]{0,8}"|[1-9][0-9]{0,8})$"#));
        let header = ParameterBuilder::new()
            .name("If-Match")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("The version that you have seen, in quotation marks or not."))
            .schema(Some(version.build()))
            .build();
        vec![header]
    }
}

/// The version that the client has seen: from the body, or from `If-Match`, in quotation marks or not.
fn seen(body: Option<NonZeroU32>, headers: &HeaderMap) -> Result<u32, Problem> {
    let header = headers.get(header::IF_MATCH).map(|value| {
        let text = value.to_str().unwrap_or_default().trim();
        let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        // A sign is no digit.
        let digits = bare.bytes().all(|b| b.is_ascii_digit());
        bare.parse::<NonZeroU32>().ok().filter(|_| digits).ok_or_else(|| {
            Problem::new(ErrorCode::BadRequest, "the header `If-Match` is no version, such as \"1\"")
        })
    });
    match (body, header.transpose()?) {
        (Some(one), Some(other)) if one != other => Err(Problem::new(
            ErrorCode::BadRequest,
            "`version` and the header `If-Match` name different versions",
        )),
        (Some(version), _) | (None, Some(version)) => Ok(version.get()),
        (None, None) => Err(Problem::new(
            ErrorCode::VersionRequired,
            "say which version you have seen: `version` in the body, or the header `If-Match`",
        )),
    }
}

impl From<GovernanceError> for Problem {
    fn from(error: GovernanceError) -> Self {
        let said = error.to_string();
        match error {
            GovernanceError::Store(error) => error.into(),
            GovernanceError::HumanRequired(_) => Self::new(ErrorCode::HumanRequired, said),
            GovernanceError::OwnProposal(_) => Self::new(ErrorCode::OwnProposal, said),
            GovernanceError::NoRule(_) => Self::new(ErrorCode::RuleNotFound, said),
            GovernanceError::AlreadyRetired(_) => Self::new(ErrorCode::RuleRetired, said),
            GovernanceError::Invalid(problems) => {
                Self::of_details(ErrorCode::ProposalInvalid, problems.iter().map(source_problem).collect())
            }
            GovernanceError::Blocked(blocked) => {
                let first = said.lines().next().unwrap_or_default();
                let conflicts = blocked.conflicts.iter().map(schema::json).collect();
                Self::new(ErrorCode::ActivationBlocked, first).because_of(conflicts)
            }
            GovernanceError::Unacknowledged(conflicts) => {
                let detail = format!("{said}: put their `id`s into `acknowledge` if you accept them");
                let conflicts = conflicts.iter().map(schema::json).collect();
                Self::new(ErrorCode::AcknowledgementRequired, detail).because_of(conflicts)
            }
            GovernanceError::DeletionBlocked(blocked) => {
                let view = |policy: &ordain_ir::PolicyRef| json!({ "id": policy.id, "kind": policy.kind, "name": policy.name });
                let dependents = blocked.dependents.iter().map(view).collect();
                Self::new(ErrorCode::DeletionBlocked, said).held_by(dependents)
            }
            GovernanceError::Untrusted(_) => Self::new(ErrorCode::BundleUntrusted, said),
            GovernanceError::Failed(error) => {
                tracing::error!(%error, "no judgement was reached");
                Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
            }
            GovernanceError::Refused(refusal) => refused(&refusal),
        }
    }
}

fn refused(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::NotFound => Problem::new(ErrorCode::ProposalNotFound, "there is no proposal with this id"),
        Refusal::NotPending(status) => {
            Problem::new(ErrorCode::ProposalNotPending, format!("the proposal is {status} already"))
        }
        Refusal::VersionChanged(current) => Problem::new(
            ErrorCode::VersionChanged,
            format!("the proposal's current version is {current}; look at it and try again"),
        ),
        Refusal::BaseChanged => Problem::new(
            ErrorCode::BaseChanged,
            "other policies became active meanwhile, again and again; try again",
        ),
        Refusal::Blocking => Problem::new(
            ErrorCode::ConflictNotAcknowledgeable,
            "the conflict is BLOCKING; nobody can accept it, change one of the policies",
        ),
        Refusal::AlreadyResolved => {
            Problem::new(ErrorCode::ConflictNotAcknowledgeable, "the conflict is resolved already")
        }
        Refusal::LessonNotPending(status) => not_pending(*status),
    }
}

fn source_problem(problem: &SourceProblem) -> ProblemDetail {
    let place =
        problem.place.map(|(line, column)| format!("line {line}, column {column}: ")).unwrap_or_default();
    let code = problem.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    let help = problem.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
    ProblemDetail::in_body("/text", format!("{place}{}{code}{help}", problem.message))
}

/// Proposes policies. Nothing becomes active before a person approves.
#[utoipa::path(
    post, path = "/api/v1/policy-proposals", tag = "proposals", operation_id = "create_policy_proposal",
    request_body = ProposalDraft,
    security(("api_key" = ["author"])),
    responses((status = 201, body = ProposalView), ReviewProblems)
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    Allowed { tenant, principal, .. }: Allowed<Authoring>,
    _: Query<NoParams>,
    JsonBody(draft): JsonBody<ProposalDraft>,
) -> Result<(StatusCode, Json<ProposalView>), Problem> {
    fits("title", &draft.title, 1, TITLE, false)?;
    fits("rationale", &draft.rationale, 0, NOTES, true)?;
    fits("text", &draft.text, 1, TEXT, true)?;
    let new = NewProposal {
        title: draft.title,
        rationale: draft.rationale,
        text: draft.text,
        source: Source::Manual,
    };
    let detail = state.governance.propose(&tenant, &principal, new).await?;
    Ok((StatusCode::CREATED, Json(ProposalView::new(detail))))
}

/// Puts a new version in the place of a proposal's current one.
#[utoipa::path(
    post, path = "/api/v1/policy-proposals/{proposal_id}/versions", tag = "proposals",
    operation_id = "add_proposal_version",
    params(
        ("proposal_id" = Uuid, Path, description = "The proposal's `id`."),
        IfMatch
    ),
    request_body = VersionDraft,
    security(("api_key" = ["author"])),
    responses((status = 201, body = ProposalSummary), ReviewProblems)
)]
pub(crate) async fn revise(
    State(state): State<AppState>,
    Allowed { tenant, principal, .. }: Allowed<Authoring>,
    Path(id): Path<String>,
    _: Query<NoParams>,
    headers: HeaderMap,
    JsonBody(draft): JsonBody<VersionDraft>,
) -> Result<(StatusCode, Json<ProposalSummary>), Problem> {
    let id = proposal_id(&id)?;
    fits("text", &draft.text, 1, TEXT, true)?;
    fits("note", &draft.note, 0, NOTES, true)?;
    let seen = seen(draft.version, &headers)?;
    let revised = state.governance.revise(&tenant, &principal, id, seen, (draft.text, draft.note)).await?;
    Ok((StatusCode::CREATED, Json(ProposalSummary::new(revised))))
}

/// Approves a proposal: it becomes active together with what is. Only a person who hasn't written it may.
#[utoipa::path(
    post, path = "/api/v1/policy-proposals/{proposal_id}/approve", tag = "proposals",
    operation_id = "approve_policy_proposal",
    params(
        ("proposal_id" = Uuid, Path, description = "The proposal's `id`."),
        IfMatch
    ),
    request_body = ApprovalBody,
    security(("api_key" = ["approver"])),
    responses((status = 200, body = ApprovedView), ReviewProblems)
)]
pub(crate) async fn approve(
    State(state): State<AppState>,
    Allowed { tenant, principal, .. }: Allowed<Approving>,
    Path(id): Path<String>,
    _: Query<NoParams>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<ApprovalBody>,
) -> Result<Json<ApprovedView>, Problem> {
    let id = proposal_id(&id)?;
    fits("notes", &body.notes, 0, NOTES, true)?;
    let seen = seen(body.version, &headers)?;
    let approval = Approval { notes: body.notes, acknowledge: body.acknowledge };
    let decided = state.governance.approve(&tenant, &principal, id, seen, approval).await?;
    state.decisions.bundle_changed(&tenant);
    Ok(Json(ApprovedView {
        proposal: ProposalSummary::new(decided.proposal),
        bundle: decided.bundle.map(|bundle| bundle.digest),
    }))
}

/// Rejects a proposal; it is kept. Only a person who hasn't written it may.
#[utoipa::path(
    post, path = "/api/v1/policy-proposals/{proposal_id}/reject", tag = "proposals",
    operation_id = "reject_policy_proposal",
    params(
        ("proposal_id" = Uuid, Path, description = "The proposal's `id`."),
        IfMatch
    ),
    request_body = RejectionBody,
    security(("api_key" = ["approver"])),
    responses((status = 200, body = ProposalSummary), ReviewProblems)
)]
pub(crate) async fn reject(
    State(state): State<AppState>,
    Allowed { tenant, principal, .. }: Allowed<Approving>,
    Path(id): Path<String>,
    _: Query<NoParams>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<RejectionBody>,
) -> Result<Json<ProposalSummary>, Problem> {
    let id = proposal_id(&id)?;
    let seen = seen(body.version, &headers)?;
    fits("reason", &body.reason, 1, NOTES, true)?;
    let rejected = state.governance.reject(&tenant, &principal, id, seen, &body.reason).await?;
    Ok(Json(ProposalSummary::new(rejected)))
}

/// Retires a rule: it stays for the record and counts no more. Refused while others depend on it (GOV-POL-002).
#[utoipa::path(
    delete, path = "/api/v1/policies/rules/{rule_id}", tag = "policies", operation_id = "delete_policy_rule",
    params(("rule_id" = Uuid, Path, description = "The rule's `id`.")),
    security(("api_key" = ["approver"])),
    responses((status = 200, body = RetiredView), RetireProblems)
)]
pub(crate) async fn retire(
    State(state): State<AppState>,
    Allowed { tenant, principal, .. }: Allowed<Approving>,
    Path(rule_id): Path<String>,
    _: Query<NoParams>,
) -> Result<Json<RetiredView>, Problem> {
    let id = policy_id(&rule_id)?;
    let bundle = state.governance.retire(&tenant, &principal, id).await?;
    state.decisions.bundle_changed(&tenant);
    Ok(Json(RetiredView { rule_id: id.0, status: "RETIRED", bundle: bundle.digest }))
}

/// Accepts a WARNING, with a reason, for as long as analyses find it. Only a person may.
#[utoipa::path(
    post, path = "/api/v1/policies/conflicts/{conflict_id}/acknowledge", tag = "policies",
    operation_id = "acknowledge_conflict",
    params(("conflict_id" = String, Path, description = "The conflict's `id`.")),
    request_body = AcknowledgementBody,
    security(("api_key" = ["approver"])),
    responses((status = 200, body = ConflictItem), ConflictProblems)
)]
pub(crate) async fn acknowledge(
    State(state): State<AppState>,
    Allowed { tenant, principal, .. }: Allowed<Approving>,
    Path(conflict_id): Path<String>,
    _: Query<NoParams>,
    JsonBody(body): JsonBody<AcknowledgementBody>,
) -> Result<Json<ConflictItem>, Problem> {
    let missing = || {
        let shown: String = conflict_id.chars().take(80).collect();
        Problem::new(ErrorCode::ConflictNotFound, format!("there is no conflict with the id `{shown}`"))
    };
    // No fingerprint has such a character, and not every database could look for it.
    if conflict_id.contains('\0') {
        return Err(missing());
    }
    if body.reason.trim().is_empty() && !state.governance.has_conflict(&tenant, &conflict_id).await? {
        return Err(missing());
    }
    fits("reason", &body.reason, 1, NOTES, true)?;
    let found = state.governance.acknowledge(&tenant, &principal, &conflict_id, &body.reason).await;
    let record = found.map_err(|error| match error {
        GovernanceError::Refused(Refusal::NotFound) => missing(),
        other => other.into(),
    })?;
    ConflictItem::new(record).map(Json).ok_or_else(|| Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR))
}
