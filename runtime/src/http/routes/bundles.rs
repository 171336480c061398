//! `PUT /api/v1/bundles`, `GET /api/v1/bundles`, `POST /api/v1/bundles/{digest}/activate`

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use ordain_ir::signature::{Signature, SignatureError};
use ordain_store::{BundleOrigin, BundleRecord, Order};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::http::access::{Allowed, Operating};
use crate::http::app::AppState;
use crate::http::problem::{BundleProblems, CommonProblems, ErrorCode, Problem};
use crate::http::query::{Documented, NoParams, Param, Query, QueryParams, Values};
use crate::http::schema;
use crate::service::{BundleFile, GovernanceError, LoadError, Untrusted};

/// Where a signature stands that comes with a bundle.
const SIGNATURE: &str = "bundle-signature";

/// What the list can be asked for.
pub(crate) struct BundlesAsked;

impl QueryParams for BundlesAsked {
    const PARAMS: &'static [Param] = &[Param::cursor(Order::Bundle), Param::limit(20), Param::OFFSET];

    fn read(_: &mut Values) -> Self {
        Self
    }
}

/// A bundle.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BundleView {
    /// Its name: the hash of its content.
    digest: String,
    /// Name of the workspace.
    workspace: String,
    /// Version of the language.
    language: String,
    /// The compiler that made it.
    compiler: String,
    /// Length in bytes.
    size: u64,
    /// Whether it is the active one.
    active: bool,
    /// How often it became the active one.
    activations: u64,
    /// How it came to be the active one the last time; before the first, how it came.
    #[schema(schema_with = schema::bundle_origin)]
    origin: BundleOrigin,
    /// The public keys of those who have signed it, as far as it came with signatures: `ed25519:` and base64.
    signers: Vec<String>,
    /// When it first came.
    uploaded_at: Timestamp,
    /// When it last became the active one; null if it never did.
    activated_at: Option<Timestamp>,
    /// When its policies were last analysed.
    analysed_at: Timestamp,
}

impl BundleView {
    fn new(record: BundleRecord) -> Self {
        Self {
            activated_at: (record.activations > 0).then_some(record.activated_at),
            digest: record.digest,
            workspace: record.workspace,
            language: record.language,
            compiler: record.compiler,
            size: record.size,
            active: record.active,
            activations: record.activations,
            origin: record.origin,
            signers: record.signers,
            uploaded_at: record.uploaded_at,
            analysed_at: record.analysed_at,
        }
    }
}

/// A page of bundles, the last uploaded first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BundleList {
    /// The bundles.
    items: Vec<BundleView>,
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

impl From<LoadError> for Problem {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Unreadable(_) | LoadError::Malformed(_) => {
                Self::new(ErrorCode::BundleInvalid, error.to_string())
            }
            LoadError::Untrusted(_) => Self::new(ErrorCode::BundleUntrusted, error.to_string()),
            other => GovernanceError::from(other).into(),
        }
    }
}

/// What an upload's head may say, for the document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it is read by hand, since a signature that is none has an error of its own")]
struct UploadHeaders {
    /// The text of the bundle's signature, with single spaces for its ends of lines.
    #[param(
        rename = "Bundle-Signature",
        required = false,
        pattern = "^ORDAIN-SIGNATURE 1 key [A-Za-z0-9+/]{43}= signature [A-Za-z0-9+/]{86}==$"
    )]
    signature: String,
}

/// The signature that came with a bundle, if one did.
fn signature(headers: &HeaderMap) -> Result<Option<Signature>, Untrusted> {
    let mut said = headers.get_all(SIGNATURE).iter();
    let Some(first) = said.next() else { return Ok(None) };
    let text = first.to_str().ok().filter(|_| said.next().is_none()).unwrap_or_default();
    Signature::from_line(text)
        .map(Some)
        .map_err(|_: SignatureError| Untrusted::Worthless(SignatureError::NotALine))
}

/// Keeps a bundle that could become active: signed, where the server asks for it, intact, and without BLOCKING
/// conflicts. Nothing becomes active.
#[utoipa::path(
    put, path = "/api/v1/bundles", tag = "bundles", operation_id = "upload_bundle",
    params(UploadHeaders),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The bundle's bytes."),
    security(("api_key" = ["operator"])),
    responses((status = 200, body = BundleView), BundleProblems)
)]
pub(crate) async fn upload(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Operating>,
    _: Query<NoParams>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<BundleView>, Problem> {
    let bytes = body.map_err(|rejection| Problem::of_status(rejection.status()))?;
    let signature = signature(&headers).map_err(LoadError::from)?;
    let record = state.bundles.upload(&tenant, BundleFile { bytes: bytes.to_vec(), signature }).await?;
    Ok(Json(BundleView::new(record)))
}

/// Bundles, active and not.
#[utoipa::path(
    get, path = "/api/v1/bundles", tag = "bundles", operation_id = "list_bundles",
    params(Documented<BundlesAsked>),
    security(("api_key" = ["operator"])),
    responses((status = 200, body = BundleList), CommonProblems)
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    Allowed { tenant, .. }: Allowed<Operating>,
    query: Query<BundlesAsked>,
) -> Result<Json<BundleList>, Problem> {
    let found = state.bundles.list(&tenant, query.page.request()).await?;
    Ok(Json(BundleList {
        has_more: found.next.is_some(),
        next_cursor: found.next.as_ref().map(ToString::to_string),
        items: found.items.into_iter().map(BundleView::new).collect(),
        total: found.total,
        filters_applied: query.applied,
        limit: query.page.limit,
        offset: query.page.offset,
    }))
}

/// Makes a bundle the active one: the next, or, to roll back, one that was before.
#[utoipa::path(
    post, path = "/api/v1/bundles/{digest}/activate", tag = "bundles", operation_id = "activate_bundle",
    params(("digest" = String, Path, description = "The bundle's `digest`: `blake3:` and 64 hexadecimal digits.")),
    security(("api_key" = ["operator"])),
    responses((status = 200, body = BundleView), BundleProblems)
)]
pub(crate) async fn activate(
    State(state): State<AppState>,
    Allowed { tenant, principal, .. }: Allowed<Operating>,
    Path(digest): Path<String>,
    _: Query<NoParams>,
) -> Result<(StatusCode, Json<BundleView>), Problem> {
    let missing = || {
        let shown: String = digest.chars().take(80).collect();
        Problem::new(ErrorCode::BundleNotFound, format!("there is no bundle with the digest `{shown}`"))
    };
    let printable = digest.chars().all(|c| c.is_ascii_graphic());
    if !printable {
        return Err(missing());
    }
    let record = state.bundles.activate(&tenant, &principal, &digest).await?.ok_or_else(missing)?;
    state.decisions.bundle_changed(&tenant);
    Ok((StatusCode::OK, Json(BundleView::new(record))))
}
