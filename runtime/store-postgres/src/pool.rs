//! The pool of connections, and somebody who looks after it.
//!
//! A connection whose other end goes away without a word (a failover behind a load balancer, a cable) waits for an answer
//! that never comes. Whoever asked gives up after a while, but the pool counts such connections as in use, so that
//! once all of them are silent nobody gets one, although new connections would work at once. So a probe runs all
//! the time, and where it gets no answer while nobody else does either, but a new connection does, the pool is replaced.
//!
//! Likewise where a connection may only read, but a new one may write: a session keeps what `default_transaction_read_only`
//! was when it began, which providers set while their disk is full.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgExecutor, PgPool, query_scalar};
use tokio::time::{sleep, timeout};

/// How long a question waits for a free connection.
const ACQUIRE: Duration = Duration::from_secs(10);
const CONNECTIONS: u32 = 10;
/// How often is probed, and how long an answer may take.
const EVERY: Duration = Duration::from_secs(1);
const ANSWER: Duration = Duration::from_secs(3);

/// The pool in use.
#[derive(Debug)]
pub(crate) struct Pool {
    options: PgConnectOptions,
    current: RwLock<PgPool>,
    /// How many transactions have begun.
    begun: AtomicU64,
}

impl Pool {
    /// A pool that is looked after for as long as it is in use.
    pub(crate) fn new(options: PgConnectOptions) -> Arc<Self> {
        let current = RwLock::new(fresh(&options));
        let pool = Arc::new(Self { options, current, begun: AtomicU64::new(0) });
        tokio::spawn(look_after(Arc::downgrade(&pool)));
        pool
    }

    /// The pool of now.
    pub(crate) fn get(&self) -> PgPool {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A transaction has begun, so connections answer.
    pub(crate) fn note(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    fn replace(&self) {
        let new = fresh(&self.options);
        let old = std::mem::replace(&mut *self.current.write().unwrap_or_else(PoisonError::into_inner), new);
        // It ends once its silent connections do, which may take a long time.
        tokio::spawn(async move { old.close().await });
    }
}

fn fresh(options: &PgConnectOptions) -> PgPool {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(ACQUIRE);
    pool.connect_lazy_with(options.clone())
}

/// Probes until nobody uses the pool any more.
async fn look_after(pool: Weak<Pool>) {
    loop {
        sleep(EVERY).await;
        let Some(pool) = pool.upgrade() else { return };
        let current = pool.get();
        if current.is_closed() {
            return;
        }
        let before = pool.begun.load(Ordering::Relaxed);
        // On a task of its own: one that is given up half way would be lost to the pool.
        let probe = tokio::spawn(async move { ask(&current).await });
        let probed = timeout(ANSWER, probe).await.ok().and_then(Result::ok).flatten();
        if probed == Some(Access::Writes) || probed.is_none() && pool.begun.load(Ordering::Relaxed) > before {
            continue;
        }
        let new = timeout(ANSWER, anew(&pool.options)).await.ok().flatten();
        let gain = match (probed, new) {
            (None, Some(_)) => "connections to the database do not answer, and new ones do",
            (Some(Access::Reads), Some(Access::Writes)) => {
                "connections to the database may only read, and new ones may write"
            }
            _ => continue,
        };
        tracing::warn!("{gain}: the old ones are replaced");
        pool.replace();
    }
}

/// What a connection that answers may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Reads,
    Writes,
}

/// What one that answers may do; none if it doesn't.
async fn ask(connection: impl PgExecutor<'_>) -> Option<Access> {
    let writes =
        query_scalar!(r#"SELECT NOT current_setting('transaction_read_only')::boolean AS "writes!""#);
    let writes = writes.fetch_one(connection).await.ok()?;
    Some(if writes { Access::Writes } else { Access::Reads })
}

/// The same of a new connection.
async fn anew(options: &PgConnectOptions) -> Option<Access> {
    let mut connection = options.connect().await.ok()?;
    let access = ask(&mut connection).await;
    let _ = connection.close().await;
    access
}
