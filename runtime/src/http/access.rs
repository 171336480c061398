//! Who asks, whose data it is, and what they may do. The one place that decides: no route takes a tenant from a path,
//! a query or a body.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::Response;
use ordain_store::{Principal, PrincipalKind, Role, TenantId};
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::app::AppState;
use super::problem::{ErrorCode, Problem};
use crate::oidc::Refusal;
use crate::service::{Access, ApiKeyService};

/// Under `--dev`, whose person the request is.
const DEV_USER: HeaderName = HeaderName::from_static("x-ordain-dev-user");

/// Whom a server lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessMode {
    /// Whoever can reach it, as a person with every role, on behalf of this tenant. For one machine only.
    Dev(TenantId),
    /// Whoever has an API key, or a token where an issuer is believed.
    Keys,
}

/// What a route asks for.
pub(crate) trait Requirement {
    /// One of these roles is enough.
    const ANY_OF: &'static [Role];
}

/// Whoever may see panels.
pub(crate) struct Viewing;
/// Whoever may hand in violations.
pub(crate) struct Ingesting;
/// Whoever may ask for decisions.
pub(crate) struct Deciding;
/// Whoever may propose policies.
pub(crate) struct Authoring;
/// Whoever may decide about proposals, rules and conflicts.
pub(crate) struct Approving;
/// Whoever runs the server.
pub(crate) struct Operating;

impl Requirement for Viewing {
    const ANY_OF: &'static [Role] = &[Role::Viewer];
}

impl Requirement for Ingesting {
    const ANY_OF: &'static [Role] = &[Role::Ingest];
}

impl Requirement for Deciding {
    const ANY_OF: &'static [Role] = &[Role::Decide];
}

impl Requirement for Authoring {
    const ANY_OF: &'static [Role] = &[Role::Author];
}

impl Requirement for Approving {
    const ANY_OF: &'static [Role] = &[Role::Approver];
}

impl Requirement for Operating {
    const ANY_OF: &'static [Role] = &[Role::Operator];
}

/// Who asks, once it is clear that they may.
pub(crate) struct Allowed<R> {
    pub(crate) tenant: TenantId,
    pub(crate) principal: Principal,
    requirement: PhantomData<R>,
}

/// What became of the credential of a request.
#[derive(Clone)]
pub(crate) struct Presented(Result<Access, Problem>);

impl Presented {
    /// Whoever looks at the panels of a tenant, and may do nothing else.
    pub(crate) fn by_monitor(tenant: &TenantId) -> Self {
        let principal = Principal { kind: PrincipalKind::Service, name: "panel-monitor".to_owned() };
        Self(Ok(Access { tenant: tenant.clone(), principal, roles: [Role::Viewer].into() }))
    }
}

/// Finds out who asks, before any route.
pub(crate) async fn authenticate(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let access = match &state.access {
        AccessMode::Dev(tenant) => developer(tenant, request.headers()),
        AccessMode::Keys => by_credential(&state, request.uri().path(), request.headers()).await,
    };
    request.extensions_mut().insert(Presented(access));
    next.run(request).await
}

fn developer(tenant: &TenantId, headers: &HeaderMap) -> Result<Access, Problem> {
    let name = headers.get(DEV_USER).map_or(Ok("developer"), |name| name.to_str());
    let principal =
        name.ok().and_then(|name| Principal::new(PrincipalKind::Human, name).ok()).ok_or_else(|| {
            Problem::new(ErrorCode::BadRequest, "the header `X-Ordain-Dev-User` is no name of a person")
        })?;
    let roles: BTreeSet<Role> = Role::ALL.iter().copied().collect();
    Ok(Access { tenant: tenant.clone(), principal, roles })
}

/// Decisions wait for no database.
const AT_ONCE: &str = "/api/v1/decisions";

async fn by_credential(state: &AppState, path: &str, headers: &HeaderMap) -> Result<Access, Problem> {
    let refused = |detail: &str| Problem::new(ErrorCode::Unauthenticated, detail);
    let header = headers.get(header::AUTHORIZATION).ok_or_else(|| {
        let people = if state.people.is_some() { ", or a token of your issuer" } else { "" };
        refused(&format!(
            "send an API key{people} in the header `Authorization: Bearer …`; `ordain apikey create` makes keys"
        ))
    })?;
    let text = header.to_str().unwrap_or_default();
    let key = text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let (_, key) =
        key.ok_or_else(|| refused("the header `Authorization` must be `Bearer` and an API key"))?;
    let key = key.trim();
    if let Some(people) = &state.people
        && !ApiKeyService::is_meant_as_key(key)
    {
        return people.authenticate(key).await.map_err(|refusal| match refusal {
            Refusal::Invalid(detail) => {
                tracing::info!(detail, "a token was presented that is not good");
                refused(&detail)
            }
            Refusal::Insufficient(detail) => {
                tracing::info!(detail, "a token was presented that does not say enough");
                Problem::new(ErrorCode::Forbidden, detail)
            }
            Refusal::NotReady => Problem::new(
                ErrorCode::NotReady,
                "the issuer of tokens has not said its keys yet; try again in a moment",
            ),
        });
    }
    let access = if path.starts_with(AT_ONCE) {
        state.keys.authenticate_at_once(key).await?
    } else {
        state.keys.authenticate(key).await?
    };
    access.ok_or_else(|| refused("the API key is unknown, has expired, or was revoked"))
}

impl<R: Requirement> FromRequestParts<AppState> for Allowed<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        let access = presented(parts)?;
        if !R::ANY_OF.iter().any(|role| access.roles.contains(role)) {
            let wanted: Vec<_> = R::ANY_OF.iter().map(|role| format!("`{role}`")).collect();
            let has: Vec<_> = access.roles.iter().map(|role| format!("`{role}`")).collect();
            let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
            return Err(Problem::new(
                ErrorCode::Forbidden,
                format!("this takes the role {}; the credential has {has}", wanted.join(" or ")),
            ));
        }
        Ok(Self { tenant: access.tenant, principal: access.principal, requirement: PhantomData })
    }
}

/// Who asks, whatever they may do.
pub(crate) fn presented(parts: &Parts) -> Result<Access, Problem> {
    let presented = parts.extensions.get::<Presented>().map(|presented| presented.0.clone());
    presented.unwrap_or_else(|| {
        Err(Problem::new(ErrorCode::Unauthenticated, "nobody has looked at the credential"))
    })
}

/// Says in the document how to show who one is.
pub(crate) struct SecuritySchemes;

impl utoipa::Modify for SecuritySchemes {
    fn modify(&self, document: &mut OpenApi) {
        let key = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("ordain_…")
            .description(Some(
                "An API key, made by `ordain apikey create`, or a token of the issuer that the server believes; the roles \
                 are those that it must give.",
            ))
            .build();
        if let Some(components) = document.components.as_mut() {
            components.add_security_scheme("api_key", SecurityScheme::Http(key));
        }
    }
}
