//! A workspace that counts, requests that count, and what a database says was counted.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ordain_store::{CounterStore, TenantId};
use ordain_store_postgres::PostgresStore;
use ordain_store_sqlite::SqliteStore;
use serde_json::Value;

use crate::support::run;

/// Two limits that are never reached.
pub(crate) const POLICIES: &str = "package acme

limit tokens {
  type     tokens_daily
  at most  1_000_000_000
  enforce  block
  scope    global
  per      agent
}

limit runs { type runs_monthly  at most 1_000_000_000  enforce block  scope global }
";

/// One exchange; `None` if the server went away meanwhile.
pub(crate) fn post(address: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, serde_json::from_str(body).ok()?))
}

/// What is counted of the tokens, and whether every counter is what the ledger says.
async fn audited(store: &dyn CounterStore, tenant: &TenantId) -> (i64, u64) {
    let audit = store.audit_counters(tenant).await.expect("adds up");
    assert_eq!(audit.wrong, [], "counters are the sums of their entries");
    let counters = store.counters(tenant, &"acme.tokens".into(), 1_000).await.expect("lists");
    (counters.iter().map(|it| it.counter.used + it.counter.held).sum(), audit.entries)
}

/// The same, in a database that no store has open here.
pub(crate) fn look(database: &str, tenant: &str) -> (i64, u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let tenant = TenantId::new(tenant).expect("is a tenant");
    runtime.block_on(async {
        match database.strip_prefix("sqlite://") {
            Some(file) => {
                let store = SqliteStore::open(Path::new(file)).await.expect("opens");
                audited(&store, &tenant).await
            }
            None => audited(&PostgresStore::open(database).await.expect("opens"), &tenant).await,
        }
    })
}

/// The bundle of a workspace.
pub(crate) fn built(folder: &tempfile::TempDir) -> PathBuf {
    let bundle = folder.path().join("policies.ordain-bundle");
    let output = bundle.to_str().expect("is text");
    run(["build", folder.path().to_str().expect("is text"), "-o", output]).expect_code(0);
    bundle
}
