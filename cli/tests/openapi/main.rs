//! The OpenAPI document against the server: what it answers is what the document says, and Schemathesis, which makes
//! requests out of the document alone, finds nothing that one of the two has wrong.
//!
//! `cargo xtask oracle http` fetches Schemathesis and runs it; without it only the answers are looked at.

mod answers;
mod schemathesis;
mod seed;
#[path = "../support/mod.rs"]
mod support;

use std::str::FromStr as _;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};

/// Each database there is, empty; `what` tells those of tests apart that run side by side.
fn databases(folder: &std::path::Path, what: &str) -> Vec<String> {
    let file = format!("sqlite://{}", folder.join("openapi.db").display());
    let server = std::env::var("ORDAIN_TEST_POSTGRES_URL").ok();
    [Some(file), server.map(|url| database_of_a_plain_role(&url, what))].into_iter().flatten().collect()
}

/// A server with credentials wants a role that row level security holds for.
fn database_of_a_plain_role(server: &str, what: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let name = format!("ordain_test_{what}_{}", std::process::id());
    runtime.block_on(async {
        let server = PgConnectOptions::from_str(server).expect("ORDAIN_TEST_POSTGRES_URL is a URL");
        let mut connection = server.connect().await.expect("ORDAIN_TEST_POSTGRES_URL can be reached");
        for statement in [
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            format!("DROP ROLE IF EXISTS {name}"),
            format!("CREATE ROLE {name} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{name}'"),
            format!("CREATE DATABASE {name} OWNER {name}"),
        ] {
            connection.execute(AssertSqlSafe(statement)).await.expect("roles and databases may be created");
        }
        server.username(&name).password(&name).database(&name).to_url_lossy().to_string()
    })
}
