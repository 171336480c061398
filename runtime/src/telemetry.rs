//! Metrics, for whoever runs the server. Labels come from closed lists: a route, a status, a word of the wire, never a
//! tenant, an identity or anything that a client chooses.

use std::sync::OnceLock;
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use metrics::{counter, describe_counter, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::Instant;

const REQUESTS: &str = "ordain_http_requests_total";
const DURATION: &str = "ordain_http_request_duration_seconds";
const IN_FLIGHT: &str = "ordain_http_requests_in_flight";
const VIOLATIONS: &str = "ordain_violations_recorded_total";
const DUPLICATES: &str = "ordain_violations_duplicate_total";
const ACTIVATIONS: &str = "ordain_activations_total";
const DECISIONS: &str = "ordain_proposals_decided_total";

/// In seconds, around what panels and decisions are to take.
const BUCKETS: &[f64] = &[0.001, 0.002_5, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// How often samples that nobody has asked for are folded into buckets.
const UPKEEP: Duration = Duration::from_secs(5);

/// The one recorder of the process; none if something else records already.
fn recorder() -> Option<&'static PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let install = || {
        let builder = PrometheusBuilder::new();
        let builder = builder.set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), BUCKETS).ok()?;
        let handle = builder.install_recorder().ok()?;
        describe_counter!(REQUESTS, "Requests, by method, route and status.");
        describe_histogram!(DURATION, "How long requests took, by method and route.");
        describe_counter!(VIOLATIONS, "Violations that were new.");
        describe_counter!(DUPLICATES, "Violations that were there already.");
        describe_counter!(ACTIVATIONS, "Policies that were to become active, by what the gate said.");
        describe_counter!(DECISIONS, "Proposals that people decided about, by decision.");
        Some(handle)
    };
    RECORDER.get_or_init(install).as_ref()
}

/// Begins to record.
pub(crate) fn start() {
    recorder();
}

/// Everything recorded so far, in Prometheus' text format.
pub(crate) fn rendered() -> String {
    recorder().map(PrometheusHandle::render).unwrap_or_default()
}

/// Keeps what is recorded small while nobody asks for it. Never ends.
pub(crate) async fn upkeep() {
    let mut every = tokio::time::interval(UPKEEP);
    loop {
        every.tick().await;
        if let Some(handle) = recorder() {
            handle.run_upkeep();
        }
    }
}

/// Counts and times requests.
pub(crate) async fn measured(request: Request, next: Next) -> Response {
    let method = method_of(&request);
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "none".to_owned());
    let under_way = gauge!(IN_FLIGHT);
    under_way.increment(1.0);
    // A client that goes away drops the future; what it counted must go with it.
    let counted = scopeguard(move || under_way.decrement(1.0));
    let begun = Instant::now();
    let response = next.run(request).await;
    drop(counted);
    let status = response.status().as_u16().to_string();
    histogram!(DURATION, "method" => method, "route" => route.clone()).record(begun.elapsed());
    counter!(REQUESTS, "method" => method, "route" => route, "status" => status).increment(1);
    response
}

/// A method of the closed list; clients may invent others.
fn method_of(request: &Request) -> &'static str {
    match request.method().as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Violations were handed in.
pub(crate) fn violations_recorded(recorded: u64, duplicates: u64) {
    counter!(VIOLATIONS).increment(recorded);
    counter!(DUPLICATES).increment(duplicates);
}

/// Policies were judged: they may become active, or not.
pub(crate) fn judged(passed: bool) {
    counter!(ACTIVATIONS, "outcome" => if passed { "passed" } else { "blocked" }).increment(1);
}

/// A person decided about a proposal.
pub(crate) fn decided(decision: &'static str) {
    counter!(DECISIONS, "decision" => decision).increment(1);
}

/// Does something when it is dropped.
struct Guard<F: FnMut()>(F);

impl<F: FnMut()> Drop for Guard<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn scopeguard<F: FnMut()>(work: F) -> Guard<F> {
    Guard(work)
}
