//! A PostgreSQL whose disk is full.

use std::io::Write as _;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use crate::cluster::Cluster;
use crate::{Known, policies, soon, start, violations};

/// The tables lie on a disk of their own, so that only they have no room: without room for its log, the database ends, and
/// that is a [restart](crate::restart).
#[test]
fn a_postgres_without_room_is_waited_for() {
    let Some(mut cluster) = Cluster::make() else { return };
    if !cluster.start_with_disk("small", "32m") {
        println!("no file system can be mounted here for another account");
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let within = cluster.seen("small");
    runtime.block_on(async {
        let mut root = PgConnection::connect(&cluster.url()).await.expect("answers");
        let place = cluster.path("small").display().to_string();
        for statement in [
            format!("CREATE TABLESPACE small LOCATION '{place}'"),
            "CREATE DATABASE faults TABLESPACE small".to_owned(),
        ] {
            root.execute(AssertSqlSafe(statement)).await.expect("a superuser may");
        }
    });
    let (folder, url) = (policies(), cluster.url_of("faults"));
    let server = start(&folder, &url);
    let mut known = Known::default();
    for _ in 0..20 {
        assert!(known.decide(&server) && known.hand_in(&server));
    }
    for _ in 0..2 {
        let mut fill = std::fs::File::create(within.join("fill")).expect("may be made");
        while fill.write(&[1; 4_096]).is_ok_and(|written| written > 0) {}
        drop(fill);
        // What fits still fits.
        soon("the disk is full", || !known.decide(&server));
        soon("the disk is full", || !known.hand_in(&server));
        assert!(violations(&server).is_some(), "what is there can be read");
        std::fs::remove_file(within.join("fill")).expect("may be removed");
        soon("decisions count again", || known.decide(&server));
        soon("violations are taken again", || known.hand_in(&server));
    }
    known.check(server, &url);
}
