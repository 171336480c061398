//! The runtime: it takes bundles in, re-checks them, and serves the panels over HTTP.
//!
//! Handlers ask services, services ask stores; no handler knows SQL, and the tenant comes from one extractor.
//! Conflicts are judged by whoever implements [`Gate`], never by what a bundle says about itself.

mod administration;
mod client;
mod connections;
mod database;
mod gate;
mod http;
mod limits;
mod oidc;
mod panels;
mod serve;
mod service;
mod telemetry;
mod tls;
#[cfg(feature = "traces")]
mod traces;
mod watching;

pub use administration::Administration;
pub use client::{ApiClient, ClientError, is_ready};
pub use database::DatabaseError;
pub use gate::{CompileError, Compiled, Gate, GateError, SourceProblem};
pub use http::{AccessMode, App, AppOptions, ErrorCode, openapi};
pub use limits::{Limits, Shutdown};
pub use oidc::{ALGORITHMS, Oidc, OidcError, OidcOptions, TenantSource};
pub use ordain_store::{
    ApiKeyRecord, Clock, Principal, PrincipalKind, PrincipalNameError, Random, Role, StoreError, TenantId,
    TenantIdError, redacted,
};
pub use panels::{
    Expectation, LESSON_PANELS, PANELS, Panel, PanelMonitor, PanelOptions, PanelRegistry, PanelRegistryError,
};
pub use serve::{ServeError, ServeOptions, Server, serve};
pub use service::{
    Access, ApiKey, ApiKeyService, Approval, BundleFile, BundleService, Closed, Converted, Decided,
    DecisionError, DecisionService, GovernanceError, GovernanceService, Ingested, LessonError, LessonService,
    LoadError, NewApiKey, NewDecision, NewIncident, NewProposal, NewRun, NewViolation, PoliciesFacade,
    PolicyActivationBlockedError, PolicyDeletionBlockedError, Rate, SourceEvent, Trust, Untrusted,
    ViolationService, Wording,
};
pub use tls::{TlsError, TlsOptions};
#[cfg(feature = "traces")]
pub use traces::{TraceError, TraceOptions, Traces};
pub use watching::{Place, PlaceError, WatchError, WatchOptions};
