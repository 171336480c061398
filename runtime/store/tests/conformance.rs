//! The model passes the suite.

use std::sync::Arc;

use ordain_store::{MemoryStore, conformance};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_model_conforms() {
    let store = Arc::new(MemoryStore::default());
    conformance::run_all(|| async { Arc::clone(&store) }).await;
}
