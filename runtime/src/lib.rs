//! The runtime: it takes bundles in, re-checks them, and serves the panels over HTTP.
//!
//! Handlers ask services, services ask stores; no handler knows SQL, and the tenant comes from one extractor.
//! Conflicts are judged by whoever implements [`Gate`], never by what a bundle says about itself.

mod database;
mod gate;
mod http;
mod serve;
mod service;

pub use database::DatabaseError;
pub use gate::{Gate, GateError};
pub use http::{App, ErrorCode, openapi};
pub use ordain_store::{Clock, Random, StoreError, TenantId};
pub use serve::{ServeError, ServeOptions, Server, serve};
pub use service::{
    BundleService, LoadError, NewViolation, PoliciesFacade, PolicyActivationBlockedError, ViolationService,
};
