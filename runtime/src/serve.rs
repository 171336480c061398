//! The server as a whole: address, database, bundle, requests, and an orderly end.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ordain_store::{Clock, Random, TenantId, TenantIdError};
use tokio::net::TcpListener;

use crate::database::{Database, DatabaseError};
use crate::tls::Tls;
use crate::watching::Watch;
use crate::{
    AccessMode, App, AppOptions, BundleFile, BundleService, Gate, Limits, LoadError, Oidc, OidcError,
    OidcOptions, PanelOptions, Shutdown, TlsError, TlsOptions, Trust, WatchError, WatchOptions, connections,
    telemetry,
};

/// How long the database may take to close.
const CLOSE: Duration = Duration::from_secs(3);

/// What to serve, and how.
pub struct ServeOptions {
    /// The address; under `dev` only one of this machine.
    pub listen: SocketAddr,
    /// `sqlite://FILE` or `postgres://…`.
    pub database_url: String,
    /// The bundle that becomes active; what is active already, if none.
    pub bundle: Option<BundleFile>,
    /// Whose signatures bundles need.
    pub trust: Trust,
    /// Whose bundle it is; `demo-tenant` where nobody says otherwise.
    pub tenant: String,
    /// Whether everybody on this machine may do everything on behalf of that tenant; else API keys are asked.
    pub dev: bool,
    /// Where new bundles of that tenant are looked for, if anywhere.
    pub watch: Option<WatchOptions>,
    /// Who judges the bundle.
    pub gate: Arc<dyn Gate>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// How TLS is spoken; plain HTTP, if nothing is said.
    pub tls: Option<TlsOptions>,
    /// Who says which people there are, beside API keys.
    pub people: Option<OidcOptions>,
    /// What it bears.
    pub limits: Limits,
    /// How panels are watched.
    pub panels: PanelOptions,
    /// How it ends.
    pub shutdown: Shutdown,
    /// Ends when the server shall.
    pub stop: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Other machines could reach the address.
    #[error(
        "other machines could reach {0}, and under --dev no credential is asked; listen on this machine only, for \
         example with --listen 127.0.0.1:{port}, or leave --dev out", port = .0.port()
    )]
    NotLoopback(SocketAddr),
    /// Somebody else has the port.
    #[error("port {port} on {ip} is in use; choose another with --listen", port = .0.port(), ip = .0.ip())]
    PortInUse(SocketAddr),
    /// The address can't be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The tenant's name is none.
    #[error(transparent)]
    Tenant(#[from] TenantIdError),
    /// The database can't be opened.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// No TLS can be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The issuer of tokens can't be believed.
    #[error(transparent)]
    People(#[from] OidcError),
    /// The bundle was refused.
    #[error(transparent)]
    Bundle(#[from] LoadError),
    /// The place for new bundles can't be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// The server ended by itself.
    #[error("the server failed: {0}")]
    Failed(#[source] io::Error),
}

/// A server that listens and has its bundle, but answers nothing yet.
pub struct Server {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    database: Database,
    app: App,
    watch: Option<Arc<Watch>>,
    limits: Limits,
    shutdown: Shutdown,
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Serves until the shutdown is asked for.
pub async fn serve(options: ServeOptions) -> Result<(), ServeError> {
    Server::bind(options).await?.run().await
}

/// What must hold before anything is answered.
async fn prepare(
    database: &Database,
    access: &AccessMode,
    tenant: &TenantId,
    bundle: Option<BundleFile>,
    bundles: &BundleService,
) -> Result<(), ServeError> {
    if *access == AccessMode::Keys {
        database.keeps_tenants_apart().await?;
    }
    if let Some(bundle) = bundle {
        bundles.start_with(tenant, bundle).await?;
    }
    bundles.doubt_active(tenant).await.map_err(LoadError::from)?;
    Ok(())
}

/// Looks after a certificate, where there is one. Never ends.
async fn kept(tls: Option<&Tls>) {
    match tls {
        Some(tls) => tls.keep().await,
        None => std::future::pending().await,
    }
}

/// Looks for new bundles, where somebody asked for it. Never ends.
async fn watched(watch: Option<Arc<Watch>>) {
    match watch {
        Some(watch) => watch.keep().await,
        None => std::future::pending().await,
    }
}

impl Server {
    /// Takes the address, opens the database and activates the bundle, in this order: whoever finds the port
    /// taken has changed nothing.
    pub async fn bind(options: ServeOptions) -> Result<Self, ServeError> {
        let ServeOptions {
            listen, database_url, bundle, tenant, dev, limits, panels, shutdown, stop, ..
        } = options;
        let (gate, clock, random, trust) = (options.gate, options.clock, options.random, options.trust);
        if dev && !listen.ip().is_loopback() {
            return Err(ServeError::NotLoopback(listen));
        }
        let tenant = TenantId::new(&tenant)?;
        let tls = options.tls.map(Tls::new).transpose()?.map(Arc::new);
        let people = match options.people {
            Some(_) if dev => None,
            Some(people) => Some(Oidc::new(people, Arc::clone(&clock))?),
            None => None,
        };
        let listener = TcpListener::bind(listen).await.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => ServeError::PortInUse(listen),
            _ => ServeError::Listen(listen, error),
        })?;
        let database = Database::open(&database_url).await?;
        let access = if dev { AccessMode::Dev(tenant.clone()) } else { AccessMode::Keys };
        let bundles = BundleService::new(
            database.store(),
            Arc::clone(&gate),
            Arc::clone(&clock),
            Arc::clone(&random),
            trust.clone(),
        );
        if let Err(error) = prepare(&database, &access, &tenant, bundle, &bundles).await {
            database.close().await;
            return Err(error);
        }
        let store = database.store();
        let app = App::new(AppOptions { store, gate, clock, random, access, people, limits, trust, panels });
        let watch = options.watch.map(|watch| app.watch(watch, tenant)).transpose()?;
        Ok(Self { listener, tls, database, app, watch, limits, shutdown, stop })
    }

    /// The address, with the real port where port 0 was asked for.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers requests until the shutdown is asked for, then lets those under way end.
    pub async fn run(self) -> Result<(), ServeError> {
        let Self { listener, tls, database, app, watch, limits, shutdown, stop } = self;
        let address = listener.local_addr().map_err(ServeError::Failed)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        tracing::info!("listening on {scheme}://{address}");
        match app.access() {
            AccessMode::Dev(tenant) => tracing::warn!(
                "NO CREDENTIAL IS ASKED (--dev): every program on this machine can read and change what tenant \
                 `{tenant}` has"
            ),
            AccessMode::Keys if tls.is_none() && !address.ip().is_loopback() => tracing::warn!(
                "other machines reach this server without encryption; give it a certificate (`tls.certificate`), or put something in front of it that speaks TLS"
            ),
            AccessMode::Keys => {}
        }
        let router = app.router();
        let monitor = Arc::new(app.panel_monitor());
        let ending = app.clone();
        let told = async move {
            stop.await;
            ending.stop();
            let (delay, deadline) = (shutdown.delay.as_secs(), shutdown.deadline.as_secs());
            if delay > 0 {
                tracing::info!("shutting down; connections are taken for {delay} seconds more");
                tokio::time::sleep(shutdown.delay).await;
            }
            tracing::info!("shutting down; requests under way have {deadline} seconds");
        };
        tokio::select! {
            all_ended = connections::serve(listener, tls.clone(), router, limits, told, shutdown.deadline) => if !all_ended {
                tracing::warn!("some requests did not end in time and are cut off");
            },
            () = telemetry::upkeep() => {}
            () = app.keep() => {}
            () = monitor.keep() => {}
            () = kept(tls.as_deref()) => {}
            () = watched(watch) => {}
        }
        let _ = tokio::time::timeout(CLOSE, app.flush()).await;
        // A request that was cut off may still hold a connection.
        let _ = tokio::time::timeout(CLOSE, database.close()).await;
        tracing::info!("stopped");
        Ok(())
    }
}
