//! Traces for OpenTelemetry: each request is a span, sent in batches over HTTP. Attributes name the route, the status
//! and the request's identity; never a tenant, a principal or what was asked.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_http::{Bytes, HeaderExtractor, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::client::{Client, ClientError};

/// How long the last spans may take to be sent.
const LAST: Duration = Duration::from_secs(3);

/// The largest answer of a collector, in bytes.
const LARGEST: usize = 1 << 20;

/// Where traces go, and how many.
#[derive(Clone, Debug)]
pub struct TraceOptions {
    /// The collector's address for traces, whole: `http://collector:4318/v1/traces`.
    pub endpoint: String,
    /// Of a thousand traces that begin here, how many are sent. What the client has begun goes by what it says.
    pub per_mille: u16,
}

/// Why no traces are sent.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The client can't be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The exporter can't be made.
    #[error("traces can't be sent to `{0}`: {1}")]
    Exporter(String, String),
}

/// What makes spans and sends them.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins. Spans are sent by tasks of this runtime.
    pub fn start(options: &TraceOptions, version: &'static str, runtime: Handle) -> Result<Self, TraceError> {
        let client = Sending { client: Client::new(None::<&Path>)?, runtime };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(&options.endpoint)
            .with_http_client(client)
            .build()
            .map_err(|error| TraceError::Exporter(options.endpoint.clone(), error.to_string()))?;
        let ratio = Sampler::TraceIdRatioBased(f64::from(options.per_mille) / 1000.0);
        let resource = Resource::builder()
            .with_service_name("ordain")
            .with_attribute(opentelemetry::KeyValue::new("service.version", version))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::ParentBased(Box::new(ratio)))
            .with_resource(resource)
            .build();
        Ok(Self(provider))
    }

    /// For the layer that turns `tracing`'s spans into these.
    pub fn tracer(&self) -> SdkTracer {
        self.0.tracer("ordain")
    }

    /// Sends what is left.
    pub fn end(self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST) {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// Hangs a request's span below what its client says (`traceparent`, W3C Trace Context). Whether anybody makes traces.
pub(crate) fn follow(span: &Span, headers: &HeaderMap) -> bool {
    span.set_parent(TraceContextPropagator::new().extract(&HeaderExtractor(headers))).is_ok()
}

/// Whether the span is a trace's.
pub(crate) fn is_traced(span: &Span) -> bool {
    span.context().span().span_context().is_valid()
}

/// Sends on the server's runtime, whatever thread asks for it.
#[derive(Debug)]
struct Sending {
    client: Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Sending {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move { client.send(request.map(Body::from)).await });
        let (parts, body) = sent.await??.into_parts();
        Ok(Response::from_parts(parts, to_bytes(body, LARGEST).await?))
    }
}
