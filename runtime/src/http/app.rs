//! Routes put together, with their documentation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use ordain_store::{Clock, Random, Store, TenantId};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::guard::{Bounds, guarded};
use super::problem::{ErrorCode, Problem, ProblemDetail};
use super::routes::{
    budgets, conflicts, dependencies, evidence, ingest, limits, metrics, operations, rules, state, violations,
};
use crate::PoliciesFacade;
use crate::service::ViolationService;

/// What handlers share.
#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) policies: PoliciesFacade,
    pub(crate) violations: ViolationService,
    pub(crate) tenant: TenantId,
    pub(crate) document: Arc<str>,
    stopping: Arc<AtomicBool>,
}

impl AppState {
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// The API over a store.
#[derive(Clone)]
pub struct App {
    state: AppState,
}

impl App {
    /// The API for one tenant: there is no credential yet that could name another.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        tenant: TenantId,
    ) -> Self {
        let state = AppState {
            policies: PoliciesFacade::new(Arc::clone(&store), Arc::clone(&clock)),
            violations: ViolationService::new(store, clock, random),
            tenant,
            document: openapi().into(),
            stopping: Arc::new(AtomicBool::new(false)),
        };
        Self { state }
    }

    /// From now on `/readyz` says that the server is not ready, so that nobody sends new requests.
    pub fn stop(&self) {
        self.state.stopping.store(true, Ordering::Relaxed);
    }

    /// The tenant that it answers for.
    pub fn tenant(&self) -> &TenantId {
        &self.state.tenant
    }

    /// The routes, with the guards before them.
    pub fn router(&self) -> Router {
        let (router, _) = documented().split_for_parts();
        guarded(router.with_state(self.state.clone()), Bounds::default())
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Ordain",
        description = "The panel API: policies, limits, conflicts and dependencies of the active bundle.",
    ),
    components(schemas(Problem, ProblemDetail, ErrorCode)),
    tags(
        (name = "policies", description = "The active policies."),
        (name = "ingest", description = "What others have seen."),
        (name = "operations", description = "For whoever runs the server."),
    )
)]
struct Document;

fn documented() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(rules::list))
        .routes(routes!(rules::detail))
        .routes(routes!(evidence::rule))
        .routes(routes!(limits::list))
        .routes(routes!(limits::detail))
        .routes(routes!(evidence::limit))
        .routes(routes!(budgets::list))
        .routes(routes!(conflicts::list))
        .routes(routes!(dependencies::graph))
        .routes(routes!(violations::list))
        .routes(routes!(metrics::metrics))
        .routes(routes!(state::state))
        .routes(routes!(ingest::violations))
        .routes(routes!(operations::health))
        .routes(routes!(operations::readiness))
        .routes(routes!(operations::document))
}

/// The OpenAPI document of the API, as it is served and committed.
pub fn openapi() -> String {
    let (_, document) = documented().split_for_parts();
    let mut text = document.to_pretty_json().expect("text and numbers become JSON");
    text.push('\n');
    text
}
