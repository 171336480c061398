//! Metrics, for whoever runs the server. Labels come from closed lists: a route, a status, a word of the wire, never a
//! tenant, an identity or anything that a client chooses.

use std::sync::OnceLock;
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use ordain_engine::Outcome;
use ordain_engine::ledger::Band;
use ordain_store::PanelAlertType;
use tokio::time::Instant;

const REQUESTS: &str = "ordain_http_requests_total";
const DURATION: &str = "ordain_http_request_duration_seconds";
const IN_FLIGHT: &str = "ordain_http_requests_in_flight";
const VIOLATIONS: &str = "ordain_violations_recorded_total";
const DUPLICATES: &str = "ordain_violations_duplicate_total";
const ACTIVATIONS: &str = "ordain_activations_total";
const WATCHED: &str = "ordain_bundle_watch_looks_total";
const WATCHED_AT: &str = "ordain_bundle_watch_last_success_timestamp_seconds";
const UNTRUSTED: &str = "ordain_bundles_untrusted_total";
const DECISIONS: &str = "ordain_proposals_decided_total";
const DECIDED: &str = "ordain_decisions_total";
const DEGRADED: &str = "ordain_decisions_degraded_total";
const NEARING: &str = "ordain_limit_events_total";
const COUNTED: &str = "ordain_counting_steps_total";
const COMMITS: &str = "ordain_counting_transactions_total";
const DROPPED: &str = "ordain_violations_dropped_total";
const LESSONS_FAILED: &str = "lessons_creation_failed_total";

// Of the health of panels, by names of their own (GOV-POL-003).
const PANEL_EMPTY: &str = "panel_empty_total";
const PANEL_STALE: &str = "panel_stale_total";
const PANEL_BROKEN: &str = "panel_filter_break_total";
const PANEL_HEALTH: &str = "panel_health_status";
const PANEL_ERRORS: &str = "panel_check_errors_total";

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
        describe_counter!(WATCHED, "Looks at the place that is watched for bundles, by what came of them.");
        describe_gauge!(WATCHED_AT, "When what is there was last known to have been taken.");
        describe_counter!(UNTRUSTED, "Bundles for which nobody vouched who is trusted.");
        describe_counter!(DECISIONS, "Proposals that people decided about, by decision.");
        describe_counter!(DECIDED, "Decisions, by outcome.");
        describe_counter!(DEGRADED, "Decisions without counters, or by a bundle that nobody confirmed.");
        describe_counter!(NEARING, "Limits that came near their bounds or beyond, by band.");
        describe_counter!(COUNTED, "Claims, settlements and releases that stood in line for counters.");
        describe_counter!(COMMITS, "Transactions that took them.");
        describe_counter!(DROPPED, "Violations of decisions for which there was no room to wait.");
        describe_counter!(PANEL_EMPTY, "Times that a panel of a tenant came to be empty for too long.");
        describe_counter!(PANEL_STALE, "Times that what a panel of a tenant shows came to be too old.");
        describe_counter!(
            PANEL_BROKEN,
            "Times that a panel of a tenant was no longer answered as it should be."
        );
        describe_gauge!(PANEL_HEALTH, "1 if a panel is healthy for all tenants, 0 otherwise.");
        describe_counter!(PANEL_ERRORS, "Looks at panels that came to nothing.");
        describe_counter!(LESSONS_FAILED, "Lessons that could not be kept, by type.");
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

/// What came of a look at the place that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watched {
    /// A bundle was taken.
    Taken,
    /// What is there was taken before.
    Unchanged,
    /// What is there is refused.
    Refused,
    /// There is nothing.
    Missing,
    /// The place or the database doesn't answer.
    Failed,
}

/// Somebody looked.
pub(crate) fn watched(outcome: Watched, now: Timestamp) {
    let (word, fine) = match outcome {
        Watched::Taken => ("taken", true),
        Watched::Unchanged => ("unchanged", true),
        Watched::Refused => ("refused", false),
        Watched::Missing => ("missing", false),
        Watched::Failed => ("failed", false),
    };
    counter!(WATCHED, "outcome" => word).increment(1);
    if fine {
        // A gauge is a floating-point number; seconds fit into it for longer than there are instants.
        gauge!(WATCHED_AT).set(f64::from(u32::try_from(now.as_second()).unwrap_or(u32::MAX)));
    }
}

/// Nobody who is trusted vouched for a bundle.
pub(crate) fn untrusted() {
    counter!(UNTRUSTED).increment(1);
}

/// A person decided about a proposal.
pub(crate) fn decided(decision: &'static str) {
    counter!(DECISIONS, "decision" => decision).increment(1);
}

/// A request was decided.
pub(crate) fn requests_decided(outcome: Outcome, degraded: bool, bands: &[Band]) {
    counter!(DECIDED, "outcome" => outcome.as_str()).increment(1);
    if degraded {
        counter!(DEGRADED).increment(1);
    }
    for band in bands {
        counter!(NEARING, "band" => band.as_str()).increment(1);
    }
}

/// So many steps go to the store together.
pub(crate) fn counted(steps: usize) {
    counter!(COUNTED).increment(steps as u64);
    counter!(COMMITS).increment(1);
}

/// There was no room for some violations.
pub(crate) fn violations_dropped(dropped: u64) {
    counter!(DROPPED).increment(dropped);
}

/// These panels are looked at from now on; whoever watches a counter sees it from its beginning.
pub(crate) fn panels_known(panels: impl Iterator<Item = &'static str>) {
    counter!(PANEL_ERRORS).increment(0);
    for panel in panels {
        for name in [PANEL_EMPTY, PANEL_STALE, PANEL_BROKEN] {
            counter!(name, "panel_id" => panel).increment(0);
        }
    }
}

/// An alert has come on.
pub(crate) fn panel_alert(panel: &'static str, alert: PanelAlertType) {
    let name = match alert {
        PanelAlertType::EmptyPanel => PANEL_EMPTY,
        PanelAlertType::StalePanel => PANEL_STALE,
        PanelAlertType::FilterBreak => PANEL_BROKEN,
    };
    counter!(name, "panel_id" => panel).increment(1);
}

/// Whether a panel is healthy for all tenants.
pub(crate) fn panel_health(panel: &'static str, healthy: bool) {
    gauge!(PANEL_HEALTH, "panel_id" => panel).set(if healthy { 1.0 } else { 0.0 });
}

/// A look at panels came to nothing.
pub(crate) fn panel_check_failed() {
    counter!(PANEL_ERRORS).increment(1);
}

/// So many lessons of a type could not be kept.
pub(crate) fn lessons_failed(lesson_type: &'static str, failed: u64) {
    counter!(LESSONS_FAILED, "lesson_type" => lesson_type).increment(failed);
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
