//! The store on SQLite passes the suite.

use std::sync::Arc;

use ordain_store::conformance;
use ordain_store_sqlite::SqliteStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("ordain.db")).await.unwrap());
    conformance::run_all(|| async { Arc::clone(&store) }).await;
}
