//! A proxy between store and server that lets connections fall silent: nothing comes through, and nobody hangs up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ordain_store::conformance::race;
use ordain_store::{BundleStore, TenantId};
use ordain_store_postgres::PostgresStore;
use sqlx::Executor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use crate::database::TestDatabase;

/// Forwards what comes, but for connections from before the last silence.
struct Proxy {
    port: u16,
    silences: Arc<AtomicU64>,
}

impl Proxy {
    async fn to(host: String, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let own = listener.local_addr().expect("listens").port();
        let silences = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&silences);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect((host.as_str(), port)).await.expect("is there");
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let born = seen.load(Ordering::SeqCst);
                tokio::spawn(forward(from_client, to_server, born, Arc::clone(&seen)));
                tokio::spawn(forward(from_server, to_client, born, Arc::clone(&seen)));
            }
        });
        Self { port: own, silences }
    }

    /// Whoever is connected hears nothing any more.
    fn silence(&self) {
        self.silences.fetch_add(1, Ordering::SeqCst);
    }
}

async fn forward(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    born: u64,
    silences: Arc<AtomicU64>,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read) = from.read(&mut buffer).await {
        if read == 0 {
            return;
        }
        if silences.load(Ordering::SeqCst) != born {
            // Without a word, and without an end.
            std::future::pending::<()>().await;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_connections_are_replaced() {
    let database = TestDatabase::create().await;
    let (host, port) = database.address();
    let proxy = Proxy::to(host, port).await;
    let store = Arc::new(PostgresStore::open(&database.url_by_port(proxy.port)).await.unwrap());
    let tenant = TenantId::new("a").unwrap();
    // Askers as servers have them: each gives up after a while. Every connection has a question under way when the
    // silence begins.
    let last = Arc::new(Mutex::new(Instant::now()));
    let askers: Vec<_> = (0..20)
        .map(|_| {
            let (store, tenant, last) = (Arc::clone(&store), tenant.clone(), Arc::clone(&last));
            tokio::spawn(async move {
                loop {
                    let asked = timeout(Duration::from_millis(500), store.active_bundle(&tenant)).await;
                    if matches!(asked, Ok(Ok(_))) {
                        *last.lock().await = Instant::now();
                    }
                }
            })
        })
        .collect();
    sleep(Duration::from_millis(200)).await;
    let mut raw = database.connect(None).await;
    raw.execute("BEGIN").await.unwrap();
    raw.execute("LOCK TABLE bundles IN ACCESS EXCLUSIVE MODE").await.unwrap();
    sleep(Duration::from_millis(300)).await;
    proxy.silence();
    raw.execute("COMMIT").await.unwrap();
    let begun = Instant::now();
    sleep(Duration::from_secs(2)).await;
    assert!(*last.lock().await < begun, "all connections are silent");
    while *last.lock().await < begun {
        assert!(begun.elapsed() < Duration::from_secs(40), "silent connections are never replaced");
        sleep(Duration::from_millis(100)).await;
    }
    for asker in askers {
        asker.abort();
    }
    race(&[Arc::clone(&store)], 12, 1, &TenantId::new("b").unwrap()).await;
    drop((store, raw));
    database.drop().await;
}
