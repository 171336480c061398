//! Errors: `application/problem+json` (RFC 9457) with a `code` from one closed list.

use std::collections::BTreeMap;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ordain_store::StoreError;
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

/// The media type of every error.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";
macro_rules! codes {
    ($($(#[$meta:meta])* $variant:ident = $text:literal, $status:ident, $title:literal;)+) => {
        /// What went wrong, for programs. A code never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub enum ErrorCode { $($(#[$meta])* #[serde(rename = $text)] $variant),+ }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code as text.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The status that goes with it.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),+ }
            }

            /// Where it is documented.
            const fn documentation(self) -> &'static str {
                match self { $(Self::$variant => {
                    concat!("https://github.com/ordain-policy/ordain/blob/main/docs/src/http.md#", $text)
                }),+ }
            }

            /// What it means, in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }
        }
    };
}

// By hand: the derived schema doesn't see names that come out of a macro.
impl PartialSchema for ErrorCode {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("What went wrong, for programs. A code never changes its meaning."))
            .enum_values(Some(Self::ALL.iter().map(|code| code.as_str())))
            .build()
            .into()
    }
}

impl ToSchema for ErrorCode {}

codes! {
    /// The request isn't HTTP as it should be.
    BadRequest = "bad_request", BAD_REQUEST, "the request is malformed";
    /// Plain HTTP where TLS is spoken.
    TlsRequired = "tls_required", BAD_REQUEST, "this port speaks TLS";
    /// A query parameter that the route doesn't have.
    UnknownParameter = "unknown_parameter", BAD_REQUEST, "a query parameter is unknown";
    /// A query parameter more than once.
    DuplicateParameter = "duplicate_parameter", BAD_REQUEST, "a query parameter stands twice";
    /// No credential, or none that counts.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "a valid credential is missing";
    /// The credential doesn't allow this.
    Forbidden = "forbidden", FORBIDDEN, "the credential does not allow this";
    /// Only people may do this, and the credential is a service's.
    HumanRequired = "human_required", FORBIDDEN, "only a person can do this";
    /// Somebody else must decide about the proposal.
    OwnProposal = "own_proposal", FORBIDDEN, "nobody decides about their own proposal";
    /// No such proposal of this tenant.
    ProposalNotFound = "proposal_not_found", NOT_FOUND, "there is no such proposal";
    /// No such lesson of this tenant.
    LessonNotFound = "lesson_not_found", NOT_FOUND, "there is no such lesson";
    /// No such conflict of this tenant.
    ConflictNotFound = "conflict_not_found", NOT_FOUND, "there is no such conflict";
    /// No such bundle of this tenant.
    BundleNotFound = "bundle_not_found", NOT_FOUND, "there is no such bundle";
    /// No such panel.
    PanelNotFound = "panel_not_found", NOT_FOUND, "there is no such panel";
    /// No such decision of this tenant, or one that counted nothing.
    DecisionNotFound = "decision_not_found", NOT_FOUND, "there is no such decision";
    /// Nothing to decide by.
    NoActiveBundle = "no_active_bundle", CONFLICT, "no bundle is active";
    /// The name of a request stands for another one.
    RequestIdTaken = "request_id_taken", CONFLICT, "another request was decided under this name";
    /// The usage of the decision can't be settled or released.
    DecisionClosed = "decision_closed", CONFLICT, "the usage of the decision cannot be changed any more";
    /// A person has decided about the proposal already.
    ProposalNotPending = "proposal_not_pending", CONFLICT, "the proposal was decided about already";
    /// A proposal was made of the lesson already.
    LessonConverted = "lesson_converted", CONFLICT, "a proposal was made of the lesson already";
    /// The lesson waits until an instant.
    LessonDeferred = "lesson_deferred", CONFLICT, "the lesson is deferred";
    /// The lesson was put aside for good.
    LessonDismissed = "lesson_dismissed", CONFLICT, "the lesson was dismissed already";
    /// The rule is retired already.
    RuleRetired = "rule_retired", CONFLICT, "the rule is retired already";
    /// GOV-POL-001.
    ActivationBlocked = "activation_blocked", CONFLICT, "BLOCKING conflicts forbid the activation (GOV-POL-001)";
    /// New WARNINGs that the reviewer hasn't accepted.
    AcknowledgementRequired = "acknowledgement_required", CONFLICT, "new WARNING conflicts must be acknowledged";
    /// GOV-POL-002.
    DeletionBlocked = "deletion_blocked", CONFLICT, "others depend on the policy (GOV-POL-002)";
    /// Other policies became active meanwhile.
    BaseChanged = "base_changed", CONFLICT, "other policies became active meanwhile";
    /// The conflict can't be accepted.
    ConflictNotAcknowledgeable = "conflict_not_acknowledgeable", CONFLICT, "the conflict cannot be acknowledged";
    /// The proposal has another version than the one that was seen.
    VersionChanged = "version_changed", PRECONDITION_FAILED, "the proposal has another version by now";
    /// It isn't said which version was seen.
    VersionRequired = "version_required", PRECONDITION_REQUIRED, "the request must say which version it is about";
    /// The text of a proposal has errors.
    ProposalInvalid = "proposal_invalid", UNPROCESSABLE_ENTITY, "the text does not compile with what is active";
    /// A bundle that can't be taken.
    BundleInvalid = "bundle_invalid", UNPROCESSABLE_ENTITY, "the bundle cannot be taken";
    /// A bundle for which nobody vouches who is trusted.
    BundleUntrusted = "bundle_untrusted", UNPROCESSABLE_ENTITY, "nobody who is trusted vouches for the bundle";
    /// No such route.
    RouteNotFound = "route_not_found", NOT_FOUND, "there is no such route";
    /// No such rule of this tenant.
    RuleNotFound = "rule_not_found", NOT_FOUND, "there is no such rule";
    /// No such limit of this tenant.
    LimitNotFound = "limit_not_found", NOT_FOUND, "there is no such limit";
    /// The route exists, with other methods.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "the route does not take this method";
    /// The body is too large.
    PayloadTooLarge = "payload_too_large", PAYLOAD_TOO_LARGE, "the request's body is too large";
    /// The request is for a host that this server isn't.
    MisdirectedRequest = "misdirected_request", MISDIRECTED_REQUEST, "the request is for another host";
    /// The body is of another kind than the route reads.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "the body is of another kind";
    /// A query parameter with a value that it doesn't take.
    InvalidParameter = "invalid_parameter", UNPROCESSABLE_ENTITY, "a query parameter has a value that it does not take";
    /// A body that says something that the route doesn't take.
    InvalidBody = "invalid_body", UNPROCESSABLE_ENTITY, "the body says something that the route does not take";
    /// An identity that is none.
    InvalidId = "invalid_id", UNPROCESSABLE_ENTITY, "the identity is no UUID";
    /// A bug of ours.
    Internal = "internal", INTERNAL_SERVER_ERROR, "the server failed";
    /// Too many requests at once.
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "the server is busy";
    /// The database doesn't answer.
    StoreUnavailable = "store_unavailable", SERVICE_UNAVAILABLE, "the database does not answer";
    /// Not serving yet, or no longer.
    NotReady = "not_ready", SERVICE_UNAVAILABLE, "the server is not ready";
    /// The answer took too long.
    Timeout = "timeout", GATEWAY_TIMEOUT, "the answer took too long";
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ProblemDetail {
    /// The query parameter, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parameter: Option<String>,
    /// The place in the body, if it is there: a JSON pointer (RFC 6901), empty for the whole body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pointer: Option<String>,
    /// What is wrong with it.
    pub(crate) detail: String,
    /// What would be right, where that is a list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowed: Vec<String>,
}

impl ProblemDetail {
    pub(crate) fn of_parameter(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { parameter: Some(name.into()), pointer: None, detail: detail.into(), allowed: vec![] }
    }

    pub(crate) fn in_body(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { parameter: None, pointer: Some(pointer.into()), detail: detail.into(), allowed: vec![] }
    }

    /// With what would be right.
    pub(crate) fn allowing(self, allowed: Vec<String>) -> Self {
        Self { allowed, ..self }
    }
}

/// An error (RFC 9457). It is handed up by value through every handler, so it is kept small.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Where the code is documented.
    #[serde(rename = "type")]
    kind: &'static str,
    /// What the code means.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What went wrong, for programs.
    pub(crate) code: ErrorCode,
    /// What went wrong, for people.
    #[schema(value_type = String)]
    detail: Box<str>,
    /// The request's identity, as in `X-Request-Id` and in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) instance: Option<Box<str>>,
    /// Everything that is wrong, one by one.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<ProblemDetail>)]
    errors: Box<[ProblemDetail]>,
    /// The conflicts that stand in the way, as in the list of conflicts.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<serde_json::Value>)]
    conflicts: Box<[Value]>,
    /// The policies that stand in the way: `id`, `kind`, `name`.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<serde_json::Value>)]
    dependents: Box<[Value]>,
}

impl Problem {
    pub(crate) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            kind: code.documentation(),
            title: code.title(),
            status: code.status().as_u16(),
            code,
            detail: detail.into().into(),
            instance: None,
            errors: Box::default(),
            conflicts: Box::default(),
            dependents: Box::default(),
        }
    }

    /// Of several things that are wrong, at least one.
    pub(crate) fn of_details(code: ErrorCode, errors: Vec<ProblemDetail>) -> Self {
        let detail = errors.iter().map(|error| error.detail.as_str()).collect::<Vec<_>>().join("; ");
        Self { errors: errors.into(), ..Self::new(code, detail) }
    }

    /// With the conflicts that stand in the way.
    pub(crate) fn because_of(self, conflicts: Vec<Value>) -> Self {
        Self { conflicts: conflicts.into(), ..self }
    }

    /// With the policies that stand in the way.
    pub(crate) fn held_by(self, dependents: Vec<Value>) -> Self {
        Self { dependents: dependents.into(), ..self }
    }

    /// For an error without a problem of its own: what the frameworks below say with a bare status.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::NOT_FOUND => (ErrorCode::RouteNotFound, "no route has this path; see /openapi.json"),
            StatusCode::METHOD_NOT_ALLOWED => {
                (ErrorCode::MethodNotAllowed, "the header `Allow` lists the methods that this route takes")
            }
            StatusCode::PAYLOAD_TOO_LARGE => (ErrorCode::PayloadTooLarge, "send a smaller body"),
            StatusCode::GATEWAY_TIMEOUT => (ErrorCode::Timeout, "try again, or ask for less"),
            status if status.is_client_error() => {
                (ErrorCode::BadRequest, "the request could not be understood")
            }
            _ => (
                ErrorCode::Internal,
                "this is a bug of ours; the server's log has more under this request's identity",
            ),
        };
        Self::new(code, detail)
    }
}

impl From<StoreError> for Problem {
    /// The cause goes to the log, never to the client.
    fn from(error: StoreError) -> Self {
        if let StoreError::Inconsistent { .. } = error {
            tracing::error!(%error, "the store holds something unreadable");
            return Self::of_status(StatusCode::INTERNAL_SERVER_ERROR);
        }
        tracing::error!(%error, "the store does not answer");
        Self::new(ErrorCode::StoreUnavailable, "try again in a moment")
    }
}

impl Problem {
    /// As it stands in a body.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("text and numbers become JSON")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.to_json();
        let mut response = (self.code.status(), body).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if self.code.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.code == ErrorCode::Unauthenticated {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

fn documented(codes: &[ErrorCode]) -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
    let mut by_status: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for code in codes {
        let line = format!("`{}`: {}", code.as_str(), code.title());
        by_status.entry(code.status().as_u16().to_string()).or_default().push(line);
    }
    by_status
        .into_iter()
        .map(|(status, lines)| {
            let schema = Ref::from_schema_name("Problem");
            let content = ContentBuilder::new().schema(Some(schema)).build();
            let response = ResponseBuilder::new().description(lines.join("; ")).content(MEDIA_TYPE, content);
            (status, response.build().into())
        })
        .collect()
}

/// The codes that any route may answer with.
const COMMON: [ErrorCode; 12] = [
    ErrorCode::Unauthenticated,
    ErrorCode::Forbidden,
    ErrorCode::UnknownParameter,
    ErrorCode::DuplicateParameter,
    ErrorCode::PayloadTooLarge,
    ErrorCode::MisdirectedRequest,
    ErrorCode::InvalidParameter,
    ErrorCode::Internal,
    ErrorCode::Overloaded,
    ErrorCode::StoreUnavailable,
    ErrorCode::NotReady,
    ErrorCode::Timeout,
];

/// Declares what a route may answer with beside [`COMMON`].
macro_rules! problems {
    ($($(#[$meta:meta])* $name:ident: [$($code:ident),* $(,)?];)+) => {$(
        $(#[$meta])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
                let own: &[ErrorCode] = &[$(ErrorCode::$code),*];
                documented(&[&COMMON[..], own].concat())
            }
        }
    )+};
}

problems! {
    /// The errors of every route.
    CommonProblems: [];
    /// The errors of a route that reads a body.
    BodyProblems: [BadRequest, UnsupportedMediaType, InvalidBody];
    /// The errors of a route that looks one policy up.
    LookupProblems: [RuleNotFound, LimitNotFound, InvalidId];
    /// The errors of a route that looks one proposal up.
    ProposalProblems: [ProposalNotFound, InvalidId];
    /// The errors of a route that looks one lesson up.
    LessonProblems: [LessonNotFound, InvalidId];
    /// The errors of a route that does something about a lesson.
    LessonActionProblems: [
        BadRequest, UnsupportedMediaType, InvalidBody, LessonNotFound, InvalidId, HumanRequired, LessonConverted,
        LessonDeferred, LessonDismissed,
    ];
    /// The errors of a route that makes a proposal of a lesson.
    ConversionProblems: [
        BadRequest, UnsupportedMediaType, InvalidBody, LessonNotFound, InvalidId, HumanRequired, LessonConverted,
        LessonDeferred, LessonDismissed, ProposalInvalid, ActivationBlocked,
    ];
    /// The errors of a route that changes a proposal.
    ReviewProblems: [
        BadRequest, UnsupportedMediaType, InvalidBody, ProposalNotFound, InvalidId, HumanRequired, OwnProposal,
        ProposalNotPending, VersionChanged, VersionRequired, ProposalInvalid, ActivationBlocked,
        AcknowledgementRequired, BaseChanged, BundleUntrusted,
    ];
    /// The errors of a route that retires a rule.
    RetireProblems: [
        RuleNotFound, InvalidId, HumanRequired, RuleRetired, DeletionBlocked, ActivationBlocked, BaseChanged,
        BundleUntrusted,
    ];
    /// The errors of a route that accepts a conflict.
    ConflictProblems: [
        BadRequest, UnsupportedMediaType, InvalidBody, ConflictNotFound, HumanRequired, ConflictNotAcknowledgeable,
    ];
    /// The errors of a route that takes a bundle in.
    BundleProblems: [BundleInvalid, BundleUntrusted, BundleNotFound, ActivationBlocked];
    /// The errors of a route that decides.
    DecisionProblems: [BadRequest, UnsupportedMediaType, InvalidBody, NoActiveBundle, RequestIdTaken];
    /// The errors of a route that settles or releases.
    UsageProblems: [
        BadRequest, UnsupportedMediaType, InvalidBody, InvalidId, DecisionNotFound, DecisionClosed,
    ];
    /// The errors of a route that shows a panel.
    PanelProblems: [PanelNotFound];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_are_errors() {
        let mut codes: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert!(code.status().is_client_error() || code.status().is_server_error());
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
