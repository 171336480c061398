//! `ordain serve`

use std::sync::Arc;

use ordain_runtime::{BundleFile, LoadError, ServeError, ServeOptions, serve};

use crate::Verdict;
use crate::args::ServeArgs;
use crate::clock::SystemClock;
use crate::config::{NOT_SIGNED, Problems, environment, resolve};
use crate::failure::Failure;
use crate::gate::AnalyzerGate;
use crate::logging::Logging;
use crate::random::SystemRandom;
use crate::signing;
use crate::workspace::{self, Refuse};

/// Serves a bundle until it is told to stop.
pub(crate) fn run(args: &ServeArgs, color: bool) -> Result<Verdict, Failure> {
    let effective = resolve(&args.settings.flags(), &environment())?.map_err(Problems::into_failure)?;
    let config = effective.config;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::other)?;
    let logging = Logging::start(&config, color, &runtime)?;
    for note in &effective.notes {
        tracing::warn!("{note}");
    }
    if args.dev && config.issuer.is_some() {
        tracing::warn!("`oidc.issuer` counts for nothing: under --dev no credential is asked");
    }
    survive_large_files();
    // From here on, so that a request to stop while things are being set up is heard.
    let stop = {
        let _context = runtime.enter();
        stop_requested()
    };
    // A bundle file goes to the runtime as it is: checking it is the runtime's business.
    let bundle = match &config.bundle {
        None => None,
        Some(folder) if folder.is_dir() => {
            match workspace::bundle_or_folder(folder, Refuse::ErrorsAndBlocking, color)? {
                Some(_) if config.bundle_keys.is_some() => {
                    return Err(Failure::Other(NOT_SIGNED.to_owned()));
                }
                Some(bundle) => Some(BundleFile::unsigned(bundle.to_bytes().0)),
                None => return Ok(Verdict::Findings),
            }
        }
        Some(file) => {
            let bytes = std::fs::read(file).map_err(|reason| Failure::Read { path: file.clone(), reason })?;
            Some(BundleFile { bytes, signature: signing::signature(&signing::beside(file))? })
        }
    };
    let options = ServeOptions {
        listen: config.listen,
        database_url: config.database()?,
        bundle,
        trust: config.trust()?,
        watch: config.watch(),
        tenant: config.tenant.as_str().to_owned(),
        dev: args.dev,
        gate: Arc::new(AnalyzerGate),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        people: config.people(),
        tls: config.tls(),
        limits: config.limits(),
        panels: config.panels()?,
        shutdown: config.shutdown(),
        stop: Box::pin(stop),
    };
    let outcome = runtime.block_on(serve(options));
    logging.end();
    match outcome {
        Ok(()) => Ok(Verdict::Clean),
        Err(ServeError::Bundle(LoadError::Blocked(blocked))) => {
            eprintln!("error: {blocked}");
            Ok(Verdict::Findings)
        }
        Err(error) => Err(Failure::other(error)),
    }
}

/// A bound on the size of files is an error of the write that exceeds it, as a full disk is, and not the end.
fn survive_large_files() {
    #[cfg(unix)]
    if let Err(reason) = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default()) {
        tracing::warn!(%reason, "a bound on the size of files would end the server");
    }
}

/// Ctrl-C, or the service manager's request, from the call on.
#[cfg(unix)]
fn stop_requested() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind, name| {
        let heard = signal(kind);
        heard.inspect_err(|reason| tracing::warn!(%reason, "cannot listen for {name}")).ok()
    };
    let signals = [(SignalKind::interrupt(), "SIGINT"), (SignalKind::terminate(), "SIGTERM")]
        .map(|(kind, name)| listen(kind, name));
    async move {
        let [interrupt, terminate] = signals.map(|heard| async move {
            match heard {
                Some(mut heard) => drop(heard.recv().await),
                None => std::future::pending().await,
            }
        });
        tokio::select! { () = interrupt => {}, () = terminate => {} }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
fn stop_requested() -> impl Future<Output = ()> {
    async { drop(tokio::signal::ctrl_c().await) }
}
