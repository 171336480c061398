//! The store on PostgreSQL passes the suite.

use std::sync::Arc;

use ordain_store::conformance;
use ordain_store_postgres::PostgresStore;

use crate::database::TestDatabase;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_conforms() {
    let database = TestDatabase::create().await;
    let store = Arc::new(PostgresStore::open(&database.url(None)).await.unwrap());
    conformance::run_all(|| async { Arc::clone(&store) }).await;
    store.close().await;
    database.drop().await;
}
