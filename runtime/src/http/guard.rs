//! What stands before every route: identities of requests, limits, and one shape for every error.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
#[cfg(feature = "traces")]
use axum::extract::MatchedPath;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tower::ServiceBuilder;
use tower::util::option_layer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tracing::Span;
use tracing::field::Empty;

use super::problem::{ErrorCode, Problem};
use crate::{Limits, telemetry};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Under which names a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hosts {
    /// Those of this machine.
    ThisMachine,
    /// Any: who asks shows who they are.
    Any,
}

/// Puts the guards before a router, the outermost first.
pub(crate) fn guarded(router: Router, limits: Limits, hosts: Hosts) -> Router {
    let permits = Arc::new(Semaphore::new(limits.requests));
    let concurrency = middleware::from_fn(move |request: Request, next: Next| {
        let permits = Arc::clone(&permits);
        async move {
            // Health must be seen just when everything else is full.
            if matches!(request.uri().path(), "/healthz" | "/readyz" | "/metrics") {
                return next.run(request).await;
            }
            match permits.try_acquire() {
                Ok(_permit) => next.run(request).await,
                Err(_) => {
                    Problem::new(ErrorCode::Overloaded, "too many requests at once; try again in a moment")
                        .into_response()
                }
            }
        }
    });
    let trace = TraceLayer::new_for_http()
        .make_span_with(|request: &Request| {
            let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
            spanned(request, id)
        })
        .on_response(answered);
    router.layer(RequestBodyLimitLayer::new(limits.body.max(limits.bundle))).layer(
        ServiceBuilder::new()
            .layer(middleware::from_fn(keep_only_a_plain_id))
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(trace)
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer(middleware::from_fn(telemetry::measured))
            .layer(middleware::from_fn(only_problems))
            .layer(CatchPanicLayer::custom(|panic: Box<dyn Any + Send>| panicked(&*panic)))
            .layer(option_layer(
                (hosts == Hosts::ThisMachine).then(|| middleware::from_fn(only_this_machine)),
            ))
            .layer(concurrency)
            .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, limits.time)),
    )
}

/// What everything that a request leaves in the log has in common, and a span of a trace.
fn spanned(request: &Request, id: &str) -> Span {
    let span = tracing::info_span!(
        "request",
        request_id = id,
        method = %request.method(),
        path = request.uri().path(),
        "otel.name" = Empty,
        "otel.kind" = Empty,
        "otel.status_code" = Empty,
        "http.route" = Empty,
        "http.request.method" = Empty,
        "http.response.status_code" = Empty,
    );
    #[cfg(feature = "traces")]
    if crate::traces::follow(&span, request.headers()) {
        let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
        span.record("otel.name", format!("{} {route}", request.method()));
        span.record("otel.kind", "server");
        span.record("http.route", route);
        span.record("http.request.method", request.method().as_str());
    }
    span
}

/// The line of a request's answer in the log.
#[cfg_attr(not(feature = "traces"), expect(unused_variables, reason = "the span is a trace's"))]
fn answered(response: &Response, latency: Duration, span: &Span) {
    let status = response.status().as_u16();
    #[cfg(feature = "traces")]
    if crate::traces::is_traced(span) {
        span.record("http.response.status_code", i64::from(status));
        if response.status().is_server_error() {
            span.record("otel.status_code", "ERROR");
        }
    }
    tracing::info!(latency = format!("{} ms", latency.as_millis()), status, "finished processing request");
}

/// A client may name its request, with up to 64 characters that can't break a log.
async fn keep_only_a_plain_id(mut request: Request, next: Next) -> Response {
    let plain = |id: &HeaderValue| {
        let id = id.as_bytes();
        (1..=64).contains(&id.len()) && id.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
    };
    if request.headers().get(REQUEST_ID).is_some_and(|id| !plain(id)) {
        request.headers_mut().remove(REQUEST_ID);
    }
    next.run(request).await
}

/// Turns whatever error comes from below into a problem that names the request.
async fn only_problems(request: Request, next: Next) -> Response {
    let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).map(Into::into);
    let response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let mut problem =
        response.extensions().get::<Problem>().cloned().unwrap_or_else(|| Problem::of_status(status));
    problem.instance = id;
    let mut whole = problem.into_response();
    if let Some(allow) = response.headers().get(header::ALLOW) {
        whole.headers_mut().insert(header::ALLOW, allow.clone());
    }
    whole
}

fn panicked(panic: &(dyn Any + Send)) -> Response {
    let message = panic.downcast_ref::<&str>().map(ToString::to_string);
    let message = message.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    tracing::error!(panic = message, "a request ended with a panic");
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

/// No credential is asked, so a page in somebody's browser must not get here under a name of its own that
/// it has let point to this machine (DNS rebinding).
async fn only_this_machine(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).map(HeaderValue::as_bytes);
    let host = host.or_else(|| request.uri().host().map(str::as_bytes));
    let local = host.is_none_or(|host| {
        let host = String::from_utf8_lossy(host);
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        let name = name.trim_end_matches('.');
        name.eq_ignore_ascii_case("localhost")
            || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
    });
    if local {
        return next.run(request).await;
    }
    Problem::new(
        ErrorCode::MisdirectedRequest,
        "this server answers as `localhost`, `127.0.0.1` and `[::1]` only",
    )
    .into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::routing::{get, post};
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;

    fn router(limits: Limits) -> Router {
        let router = Router::new()
            .route("/fast", get(async || "fine"))
            .route("/slow", get(async || tokio::time::sleep(Duration::from_hours(1)).await))
            .route("/panic", get(async || -> &str { panic!("secret detail") }))
            .route("/echo", post(async |body: String| body));
        guarded(router, limits, Hosts::ThisMachine)
    }

    async fn problem(router: &Router, request: Request) -> Value {
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()[header::CONTENT_TYPE], super::super::problem::MEDIA_TYPE);
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["status"], status);
        problem
    }

    fn get_request(path: &str) -> Request {
        Request::get(path).body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_without_its_message() {
        let found = problem(&router(Limits::default()), get_request("/panic")).await;
        assert_eq!(found["code"], "internal");
        assert!(!found.to_string().contains("secret"));
    }

    #[tokio::test]
    async fn what_takes_too_long_is_ended() {
        let router = router(Limits { time: Duration::from_millis(10), ..Limits::default() });
        let found = problem(&router, get_request("/slow")).await;
        assert_eq!((&found["code"], &found["status"]), (&"timeout".into(), &504.into()));
    }

    #[tokio::test]
    async fn bodies_are_bounded_announced_or_not() {
        let router = router(Limits { body: 10, bundle: 0, ..Limits::default() });
        let announced =
            Request::post("/echo").header("content-length", "11").body("x".repeat(11).into()).unwrap();
        assert_eq!(problem(&router, announced).await["code"], "payload_too_large");
        let streamed = Request::post("/echo").body("x".repeat(11).into()).unwrap();
        assert_eq!(problem(&router, streamed).await["code"], "payload_too_large");
    }

    #[tokio::test]
    async fn more_than_the_bound_at_once_are_turned_away() {
        let router = router(Limits { requests: 1, ..Limits::default() });
        let slow = tokio::spawn(router.clone().oneshot(get_request("/slow")));
        tokio::task::yield_now().await;
        let response = router.clone().oneshot(get_request("/fast")).await.unwrap();
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(problem(&router, get_request("/fast")).await["code"], "overloaded");
        let health = router.clone().oneshot(get_request("/healthz")).await.unwrap();
        assert_eq!(health.status(), StatusCode::NOT_FOUND, "passed by, though there is no such route here");
        slow.abort();
        let _ = slow.await;
        let response = router.oneshot(get_request("/fast")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "the permit came back");
    }

    #[tokio::test]
    async fn requests_have_identities() {
        let router = router(Limits::default());
        let id = async |given: Option<&str>| {
            let mut request = get_request("/nowhere");
            if let Some(given) = given {
                request.headers_mut().insert(REQUEST_ID, given.parse().unwrap());
            }
            let response = router.clone().oneshot(request).await.unwrap();
            let id = response.headers()[REQUEST_ID].to_str().unwrap().to_owned();
            let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
            let problem: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem["instance"], id.as_str());
            id
        };
        assert_eq!(id(Some("my-request.1_a")).await, "my-request.1_a");
        for bad in ["a b", "", &"x".repeat(65), "a\"b"] {
            assert!(uuid::Uuid::parse_str(&id(Some(bad)).await).is_ok(), "{bad:?} is replaced");
        }
        assert_ne!(id(None).await, id(None).await);
    }

    #[tokio::test]
    async fn other_hosts_are_refused() {
        let router = router(Limits::default());
        for (host, local) in [
            ("localhost", true),
            ("LOCALHOST:8642", true),
            ("127.0.0.1:8642", true),
            ("127.3.2.1", true),
            ("[::1]:8642", true),
            ("evil.example:8642", false),
            ("localhost.evil.example", false),
            ("10.0.0.1", false),
            ("", false),
        ] {
            let request = Request::get("/fast").header(header::HOST, host).body(Body::empty()).unwrap();
            let status = router.clone().oneshot(request).await.unwrap().status();
            assert_eq!(status == StatusCode::OK, local, "{host}");
            assert!(local || status == StatusCode::MISDIRECTED_REQUEST, "{host}");
        }
    }
}
