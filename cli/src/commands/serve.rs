//! `ordain serve`

use std::sync::Arc;

use ordain_runtime::{LoadError, ServeError, ServeOptions, serve};
use tracing_subscriber::EnvFilter;

use crate::Verdict;
use crate::args::ServeArgs;
use crate::clock::SystemClock;
use crate::failure::Failure;
use crate::gate::AnalyzerGate;
use crate::random::SystemRandom;
use crate::workspace::{self, Refuse};

/// Serves a bundle until it is told to stop.
pub(crate) fn run(args: &ServeArgs, color: bool) -> Result<Verdict, Failure> {
    // What the compiler's database computes is of no interest to whoever runs a server.
    let filter = EnvFilter::try_from_env("ORDAIN_LOG").unwrap_or_else(|_| EnvFilter::new("info,salsa=warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(color).init();
    // A bundle file goes to the runtime as it is: checking it is the runtime's business.
    let bundle = match &args.bundle {
        None => None,
        Some(folder) if folder.is_dir() => {
            match workspace::bundle_or_folder(folder, Refuse::ErrorsAndBlocking, color)? {
                Some(bundle) => Some(bundle.to_bytes().0),
                None => return Ok(Verdict::Findings),
            }
        }
        Some(file) => {
            Some(std::fs::read(file).map_err(|reason| Failure::Read { path: file.clone(), reason })?)
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::other)?;
    let options = ServeOptions {
        listen: args.listen,
        database_url: args.database.clone(),
        bundle,
        tenant: args.tenant.clone(),
        dev: args.dev,
        gate: Arc::new(AnalyzerGate),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        shutdown: Box::pin(stop_requested()),
    };
    match runtime.block_on(serve(options)) {
        Ok(()) => Ok(Verdict::Clean),
        Err(ServeError::Bundle(LoadError::Blocked(blocked))) => {
            eprintln!("error: {blocked}");
            Ok(Verdict::Findings)
        }
        Err(error) => Err(Failure::other(error)),
    }
}

/// Ctrl-C, or the service manager's request.
async fn stop_requested() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! { _ = interrupt => {}, _ = terminate.recv() => {} }
        }
        Err(reason) => {
            tracing::warn!(%reason, "cannot listen for SIGTERM; Ctrl-C still works");
            let _ = interrupt.await;
        }
    }
    #[cfg(not(unix))]
    let _ = interrupt.await;
}
