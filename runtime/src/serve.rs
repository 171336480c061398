//! The server as a whole: address, database, bundle, requests, and an orderly end.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ordain_store::{Clock, Random, TenantId, TenantIdError};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::database::{Database, DatabaseError};
use crate::telemetry;
use crate::{AccessMode, App, AppOptions, BundleService, Gate, LoadError};

/// How long requests under way may take to end after a shutdown was asked for.
const DRAIN: Duration = Duration::from_secs(10);

/// How long the database may take to close.
const CLOSE: Duration = Duration::from_secs(3);

/// What to serve, and how.
pub struct ServeOptions {
    /// The address; under `dev` only one of this machine.
    pub listen: SocketAddr,
    /// `sqlite://FILE` or `postgres://…`.
    pub database_url: String,
    /// The bundle that becomes active; what is active already, if none.
    pub bundle: Option<Vec<u8>>,
    /// Whose bundle it is; `demo-tenant` where nobody says otherwise.
    pub tenant: String,
    /// Whether everybody on this machine may do everything on behalf of that tenant; else API keys are asked.
    pub dev: bool,
    /// Who judges the bundle.
    pub gate: Arc<dyn Gate>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// Ends when the server shall.
    pub shutdown: Pin<Box<dyn Future<Output = ()> + Send>>,
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
    /// The bundle was refused.
    #[error(transparent)]
    Bundle(#[from] LoadError),
    /// The server ended by itself.
    #[error("the server failed: {0}")]
    Failed(#[source] io::Error),
}

/// A server that listens and has its bundle, but answers nothing yet.
pub struct Server {
    listener: TcpListener,
    database: Database,
    app: App,
    shutdown: Pin<Box<dyn Future<Output = ()> + Send>>,
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
    bundle: Option<Vec<u8>>,
    bundles: &BundleService,
) -> Result<(), ServeError> {
    if *access == AccessMode::Keys {
        database.keeps_tenants_apart().await?;
    }
    if let Some(bundle) = bundle {
        bundles.start_with(tenant, bundle).await?;
    }
    Ok(())
}

impl Server {
    /// Takes the address, opens the database and activates the bundle, in this order: whoever finds the port
    /// taken has changed nothing.
    pub async fn bind(options: ServeOptions) -> Result<Self, ServeError> {
        let ServeOptions { listen, database_url, bundle, tenant, dev, gate, clock, random, shutdown } =
            options;
        if dev && !listen.ip().is_loopback() {
            return Err(ServeError::NotLoopback(listen));
        }
        let tenant = TenantId::new(&tenant)?;
        let listener = TcpListener::bind(listen).await.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => ServeError::PortInUse(listen),
            _ => ServeError::Listen(listen, error),
        })?;
        let database = Database::open(&database_url).await?;
        let access = if dev { AccessMode::Dev(tenant.clone()) } else { AccessMode::Keys };
        let bundles =
            BundleService::new(database.store(), Arc::clone(&gate), Arc::clone(&clock), Arc::clone(&random));
        if let Err(error) = prepare(&database, &access, &tenant, bundle, &bundles).await {
            database.close().await;
            return Err(error);
        }
        let app = App::new(AppOptions { store: database.store(), gate, clock, random, access });
        Ok(Self { listener, database, app, shutdown })
    }

    /// The address, with the real port where port 0 was asked for.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers requests until the shutdown is asked for, then lets those under way end.
    pub async fn run(self) -> Result<(), ServeError> {
        let Self { listener, database, app, shutdown } = self;
        let address = listener.local_addr().map_err(ServeError::Failed)?;
        tracing::info!("listening on http://{address}");
        match app.access() {
            AccessMode::Dev(tenant) => tracing::warn!(
                "NO CREDENTIAL IS ASKED (--dev): every program on this machine can read and change what tenant \
                 `{tenant}` has"
            ),
            AccessMode::Keys if !address.ip().is_loopback() => tracing::warn!(
                "other machines reach this server without encryption; put something in front of it that speaks TLS"
            ),
            AccessMode::Keys => {}
        }
        let (stopped, stop) = oneshot::channel();
        let (router, recording) = (app.router(), app.clone());
        let signal = async move {
            shutdown.await;
            app.stop();
            tracing::info!("shutting down; requests under way have {} seconds", DRAIN.as_secs());
            let _ = stopped.send(());
        };
        let serving = axum::serve(listener, router).with_graceful_shutdown(signal).into_future();
        // The deadline runs from the request to stop on, which may never come.
        let deadline = async {
            if stop.await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(DRAIN).await;
        };
        let outcome = tokio::select! {
            outcome = serving => outcome.map_err(ServeError::Failed),
            () = telemetry::upkeep() => Ok(()),
            () = deadline => {
                tracing::warn!("some requests did not end in time and are cut off");
                Ok(())
            }
        };
        let _ = tokio::time::timeout(CLOSE, recording.flush()).await;
        // A request that was cut off may still hold a connection.
        let _ = tokio::time::timeout(CLOSE, database.close()).await;
        tracing::info!("stopped");
        outcome
    }
}
