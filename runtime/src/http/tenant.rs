//! Whose request it is.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use ordain_store::TenantId;

use super::app::AppState;

/// The tenant of a request. The one place that decides: no route takes it from a path, a query or a body.
/// There is no credential yet, so every request has the tenant that the server was started with.
pub(crate) struct Tenant(pub(crate) TenantId);

impl FromRequestParts<AppState> for Tenant {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self(state.tenant.clone()))
    }
}
