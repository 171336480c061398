//! Routes put together, with their documentation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::DefaultBodyLimit;
use axum::{Extension, Router, middleware};
use ordain_store::{Clock, Random, Store, TenantId};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::access::{AccessMode, SecuritySchemes, authenticate};
use super::examples::Examples;
use super::guard::{Hosts, guarded};
use super::problem::{ErrorCode, Problem, ProblemDetail};
use super::routes::{
    audit, budgets, bundles, capabilities, conflicts, decisions, dependencies, evidence, ingest, lessons,
    limits, metrics, operations, panels, proposals, reviews, rules, state, violations,
};
use crate::panels::{Answers, PanelMonitor, PanelOptions, PanelService};
use crate::service::{
    ApiKeyService, BundleService, CapabilityService, DecisionService, GovernanceService, LessonService,
    Trust, ViolationService,
};
use crate::watching::Watch;
use crate::{Gate, Limits, Oidc, PoliciesFacade, WatchError, WatchOptions, telemetry};

/// What handlers share.
#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) policies: PoliciesFacade,
    pub(crate) violations: ViolationService,
    pub(crate) lessons: LessonService,
    pub(crate) bundles: BundleService,
    pub(crate) governance: GovernanceService,
    pub(crate) decisions: DecisionService,
    pub(crate) panels: PanelService,
    pub(crate) capabilities: CapabilityService,
    pub(crate) keys: ApiKeyService,
    pub(crate) access: AccessMode,
    pub(crate) people: Option<Oidc>,
    pub(crate) document: Arc<str>,
    stopping: Arc<AtomicBool>,
}

impl AppState {
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// What an API stands on.
pub struct AppOptions {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Who compiles and judges policies.
    pub gate: Arc<dyn Gate>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// Whom it lets in.
    pub access: AccessMode,
    /// Who says which people there are, beside API keys; nobody is asked in the mode without credentials.
    pub people: Option<Oidc>,
    /// What it bears.
    pub limits: Limits,
    /// Whose signatures bundles need.
    pub trust: Trust,
    /// How panels are watched.
    pub panels: PanelOptions,
}

/// The API over a store.
#[derive(Clone)]
pub struct App {
    state: AppState,
    limits: Limits,
}

impl App {
    /// The API, for whomever the mode lets in.
    pub fn new(options: AppOptions) -> Self {
        telemetry::start();
        let AppOptions { store, gate, clock, random, access, people, limits, trust, panels } = options;
        let parts = || (Arc::clone(&store), Arc::clone(&gate), Arc::clone(&clock), Arc::clone(&random));
        let bundles = {
            let (store, gate, clock, random) = parts();
            BundleService::new(store, gate, clock, random, trust.clone())
        };
        let governance = {
            let (store, gate, clock, random) = parts();
            GovernanceService::new(store, gate, clock, random, trust)
        };
        let lessons = {
            let (store, _, clock, random) = parts();
            LessonService::new(store, clock, random, governance.clone())
        };
        let state = AppState {
            bundles,
            governance,
            lessons,
            decisions: DecisionService::new(Arc::clone(&store), Arc::clone(&clock), Arc::clone(&random)),
            panels: PanelService::new(Arc::clone(&store), Arc::clone(&clock), panels),
            capabilities: CapabilityService::new(Arc::clone(&store), Arc::clone(&clock), Arc::clone(&random)),
            policies: PoliciesFacade::new(Arc::clone(&store), Arc::clone(&clock)),
            violations: ViolationService::new(Arc::clone(&store), Arc::clone(&clock), Arc::clone(&random)),
            keys: ApiKeyService::new(store, clock, random),
            access,
            people,
            document: openapi().into(),
            stopping: Arc::new(AtomicBool::new(false)),
        };
        Self { state, limits }
    }

    /// From now on `/readyz` says that the server is not ready, so that nobody sends new requests.
    pub fn stop(&self) {
        self.state.stopping.store(true, Ordering::Relaxed);
    }

    /// Writes what decisions have left for the panels so far; for the end of a server.
    pub async fn flush(&self) {
        self.state.decisions.flush().await;
    }

    /// What takes bundles from a place that is watched.
    pub(crate) fn watch(&self, options: WatchOptions, tenant: TenantId) -> Result<Arc<Watch>, WatchError> {
        let (bundles, decisions) = (self.state.bundles.clone(), self.state.decisions.clone());
        Watch::new(options, self.limits.bundle, tenant, bundles, decisions).map(Arc::new)
    }

    /// What looks at panels, whether or not anybody asks anything.
    pub fn panel_monitor(&self) -> PanelMonitor {
        self.state.panels.monitor(self.answers())
    }

    /// What panels are answered by.
    fn answers(&self) -> Answers {
        let routes = data_routes().split_for_parts().0.with_state(self.state.clone());
        Answers::new(routes, self.limits.time)
    }

    /// Keeps what is known elsewhere. Never ends.
    pub(crate) async fn keep(&self) {
        match &self.state.people {
            Some(people) => people.keep().await,
            None => std::future::pending().await,
        }
    }

    /// Whom it lets in.
    pub fn access(&self) -> &AccessMode {
        &self.state.access
    }

    /// The routes, with the guards before them.
    pub fn router(&self) -> Router {
        let (router, _) = documented(self.limits).split_for_parts();
        let router = router
            .layer(Extension(self.answers()))
            .layer(middleware::from_fn_with_state(self.state.clone(), authenticate));
        let hosts = match self.state.access {
            AccessMode::Dev(_) => Hosts::ThisMachine,
            AccessMode::Keys => Hosts::Any,
        };
        guarded(router.with_state(self.state.clone()), self.limits, hosts)
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Ordain",
        description = "Decisions by the active bundle, and the panel API: policies, limits, conflicts, dependencies.",
    ),
    components(schemas(Problem, ProblemDetail, ErrorCode)),
    modifiers(&SecuritySchemes),
    tags(
        (name = "policies", description = "The active policies."),
        (name = "decisions", description = "What agents may do."),
        (name = "proposals", description = "Proposals, and what people decide about them."),
        (name = "lessons", description = "What was learned from events, and what people make of it."),
        (name = "panels", description = "The panels, and what answers them."),
        (name = "bundles", description = "What can become active."),
        (name = "ingest", description = "What others have seen."),
        (name = "operations", description = "For whoever runs the server."),
    )
)]
struct Document;

/// What panels are answered from.
fn data_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(rules::list))
        .routes(routes!(rules::detail, reviews::retire))
        .routes(routes!(evidence::rule))
        .routes(routes!(limits::list))
        .routes(routes!(limits::detail))
        .routes(routes!(evidence::limit))
        .routes(routes!(budgets::list))
        .routes(routes!(conflicts::list))
        .routes(routes!(reviews::acknowledge))
        .routes(routes!(dependencies::graph))
        .routes(routes!(violations::list))
        .routes(routes!(metrics::metrics))
        .routes(routes!(state::state))
        .routes(routes!(proposals::requests))
        .routes(routes!(proposals::list, reviews::create))
        .routes(routes!(proposals::stats))
        .routes(routes!(proposals::all_versions))
        .routes(routes!(proposals::detail))
        .routes(routes!(proposals::versions, reviews::revise))
        .routes(routes!(reviews::approve))
        .routes(routes!(reviews::reject))
        .merge(lessons::router())
}

fn documented(limits: Limits) -> OpenApiRouter<AppState> {
    let bundles = OpenApiRouter::new()
        .routes(routes!(bundles::list, bundles::upload))
        .routes(routes!(bundles::activate))
        .layer(DefaultBodyLimit::max(limits.bundle));
    let others = data_routes()
        .routes(routes!(audit::list))
        .routes(routes!(panels::list))
        .routes(routes!(panels::health))
        .routes(routes!(panels::panel))
        .routes(routes!(capabilities::list))
        .routes(routes!(capabilities::observe))
        .routes(routes!(ingest::violations::record))
        .routes(routes!(ingest::incidents::record))
        .routes(routes!(ingest::runs::record))
        .routes(routes!(decisions::decide))
        .routes(routes!(decisions::settle))
        .routes(routes!(decisions::release))
        .routes(routes!(operations::health))
        .routes(routes!(operations::readiness))
        .routes(routes!(operations::metrics))
        .routes(routes!(operations::document))
        .layer(DefaultBodyLimit::max(limits.body));
    OpenApiRouter::with_openapi(Document::openapi()).merge(others).merge(bundles)
}

/// The OpenAPI document of the API, as it is served and committed.
pub fn openapi() -> String {
    let (_, mut document) = documented(Limits::default()).split_for_parts();
    Examples.modify(&mut document);
    let mut text = document.to_pretty_json().expect("text and numbers become JSON");
    text.push('\n');
    text
}
