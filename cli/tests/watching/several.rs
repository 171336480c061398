//! Several servers that look at one place, on one database.

use std::str::FromStr as _;
use std::thread;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};

use crate::{Scene, activate, active, becomes_active, looks, plainly, soon};

/// A database for this run of the tests, where there is a server for it.
fn postgres() -> Option<String> {
    let url = std::env::var("ORDAIN_TEST_POSTGRES_URL").ok()?;
    let server = PgConnectOptions::from_str(&url).expect("ORDAIN_TEST_POSTGRES_URL is a URL");
    let name = format!("ordain_test_watching_{}", std::process::id());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut connection = server.connect().await.expect("ORDAIN_TEST_POSTGRES_URL can be reached");
        for statement in
            [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")]
        {
            connection.execute(AssertSqlSafe(statement)).await.expect("databases may be created");
        }
    });
    Some(server.database(&name).to_url_lossy().to_string())
}

#[test]
fn several_servers_take_each_bundle_once_and_leave_people_their_way() {
    take_each_once(&Scene::new());
    if let Some(database) = postgres() {
        take_each_once(&Scene::on(tempfile::tempdir().expect("a temporary folder"), database));
    }
}

fn take_each_once(scene: &Scene) {
    let tools = ["one", "two", "three", "four"];
    let digests = tools.map(|tool| scene.build(tool, None));
    let servers: Vec<_> = (0..3).map(|_| scene.serve(&scene.text("drop"), plainly)).collect();
    for (number, (tool, digest)) in tools.iter().zip(&digests).enumerate() {
        scene.put(&scene.read(tool), &format!("{number}.ordain-bundle"));
        for server in &servers {
            becomes_active(server, digest);
        }
    }
    let took: u64 = servers.iter().map(|server| looks(server, "taken")).sum();
    assert_eq!(took, 4, "each was taken by one of them");
    assert_eq!(servers[0].get("/api/v1/audit-log").1["total"], 4);

    // People go back and forth while all of them look.
    for digest in digests.iter().cycle().take(8) {
        activate(&servers[0], digest);
        let before: Vec<_> = servers.iter().map(|server| looks(server, "unchanged")).collect();
        soon("all have looked", || {
            servers.iter().zip(&before).all(|(server, before)| looks(server, "unchanged") > before + 1)
        });
        assert!(servers.iter().all(|server| active(server) == digest.as_str()));
    }
    thread::sleep(Duration::from_millis(100));
    assert_eq!(servers[0].get("/api/v1/audit-log").1["total"], 12, "nobody but they has done anything");
    for server in servers {
        server.stopped();
    }
}
