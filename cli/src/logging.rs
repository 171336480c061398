//! The log of `ordain serve`, on standard error, and its traces.

use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt};

use crate::config::Config;
use crate::config::field::LogFormat;
use crate::failure::Failure;

/// What goes on until the server ends.
pub(crate) struct Logging {
    #[cfg(feature = "traces")]
    traces: Option<ordain_runtime::Traces>,
}

impl Logging {
    /// Begins to log. Every line that a request leaves has its identity (`request_id`).
    #[cfg_attr(not(feature = "traces"), expect(unused_variables, reason = "traces are sent by it"))]
    pub(crate) fn start(
        config: &Config,
        color: bool,
        runtime: &tokio::runtime::Runtime,
    ) -> Result<Self, Failure> {
        let filter = EnvFilter::new(&config.log_filter.0);
        let lines = fmt::layer::<Registry>().with_writer(std::io::stderr);
        let lines = match config.log_format {
            LogFormat::Text => lines.with_ansi(color).with_filter(filter).boxed(),
            LogFormat::Json => lines.json().with_span_list(false).with_filter(filter).boxed(),
        };
        let registry = tracing_subscriber::registry().with(lines);
        #[cfg(feature = "traces")]
        if let Some(options) = config.traces() {
            let traces =
                ordain_runtime::Traces::start(&options, env!("CARGO_PKG_VERSION"), runtime.handle().clone())
                    .map_err(Failure::other)?;
            // Spans alone: what is logged within them may name tenants.
            let spans = tracing_subscriber::filter::filter_fn(|metadata| {
                metadata.is_span() && metadata.target().starts_with("ordain_runtime")
            });
            let layer = tracing_opentelemetry::layer()
                .with_tracer(traces.tracer())
                .with_location(false)
                .with_target(false)
                .with_threads(false)
                .with_tracked_inactivity(false)
                .with_filter(spans);
            registry.with(layer).init();
            return Ok(Self { traces: Some(traces) });
        }
        #[cfg(not(feature = "traces"))]
        if config.traces_endpoint.is_some() {
            return Err(Failure::Other(crate::config::NO_TRACES.to_owned()));
        }
        registry.init();
        Ok(Self {
            #[cfg(feature = "traces")]
            traces: None,
        })
    }

    /// Sends what is left to be sent.
    #[cfg_attr(not(feature = "traces"), expect(clippy::unused_self, reason = "traces are sent by it"))]
    pub(crate) fn end(self) {
        #[cfg(feature = "traces")]
        if let Some(traces) = self.traces {
            traces.end();
        }
    }
}
