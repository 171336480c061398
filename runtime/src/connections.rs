//! Connections: taken up to a bound, ended where they are silent, and let go in order.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::Limits;
use crate::tls::Tls;

/// How long to wait where the system has no room for another connection.
const NO_ROOM: Duration = Duration::from_secs(1);

/// Of how many requests an HTTP/2 connection may wait at once.
const STREAMS: u32 = 100;

/// How often the other end of an HTTP/2 connection is asked whether it still lives, and how long it may take to say so.
const PING: Duration = Duration::from_secs(30);

/// Serves whoever connects until `stop` ends, then lets requests under way end within the deadline. Whether all did.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
    deadline: Duration,
) -> bool {
    let (http, open) = (protocol(limits), GracefulShutdown::new());
    let room = Arc::new(Semaphore::new(limits.connections));
    // Dropped at the end: whoever is still answered then is cut off.
    let (_going_on, going_on) = watch::channel(());
    // Dropped before: whoever hasn't said anything yet by then is let go.
    let (taking, taken) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await.expect("nobody closes it");
            (permit, accepted(&listener).await)
        };
        let (permit, stream) = tokio::select! {
            () = &mut stop => break,
            next = next => next,
        };
        let (http, tls, router, watcher) = (http.clone(), tls.clone(), router.clone(), open.watcher());
        let mut taken = taken.clone();
        let served = async move {
            match tls {
                None => one(http, stream, router, watcher, limits.idle, taken).await,
                Some(tls) => {
                    let agreed = tokio::select! {
                        agreed = tls.agreed(stream) => agreed,
                        _ = taken.changed() => None,
                    };
                    if let Some(stream) = agreed {
                        one(http, stream, router, watcher, limits.idle, taken).await;
                    }
                }
            }
        };
        let mut going_on = going_on.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = served => {}
                _ = going_on.changed() => {}
            }
            drop(permit);
        });
    }
    drop((listener, taking));
    timeout(deadline, open.shutdown()).await.is_ok()
}

fn protocol(limits: Limits) -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(limits.idle);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    http
}

/// The next connection.
async fn accepted(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are written whole, so nothing is gained by waiting for more.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            // The other end was gone again; the next one may be well.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionRefused
                        | io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::ConnectionReset
                ) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be taken; trying again in a second");
                sleep(NO_ROOM).await;
            }
        }
    }
}

async fn one(
    http: Builder<TokioExecutor>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    watcher: Watcher,
    idle: Duration,
    mut taken: watch::Receiver<()>,
) {
    // Which version of HTTP it is shows in the first bytes, and for these the library would wait without end.
    let mut stream = BufReader::new(stream);
    let begun = tokio::select! {
        biased;
        begun = timeout(idle, stream.fill_buf()) => matches!(begun, Ok(Ok(bytes)) if !bytes.is_empty()),
        _ = taken.changed() => false,
    };
    if !begun {
        return;
    }
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = watcher.watch(connection).await {
        // Clients that go away, or send what isn't HTTP.
        tracing::debug!(%error, "a connection ended early");
    }
}
