//! A PostgreSQL whose processes end and start again.

use std::time::Duration;

use crate::cluster::Cluster;
use crate::{policies, soon, start, under_load};

#[test]
fn a_postgres_that_is_restarted_or_killed_loses_nothing() {
    let Some(cluster) = Cluster::make() else { return };
    cluster.start();
    let folder = policies();
    let server = start(&folder, &cluster.url());
    let ends: [&dyn Fn(); 3] = [&|| cluster.stop("fast"), &|| cluster.stop("immediate"), &|| cluster.kill()];
    let mut all = under_load(&server, || {
        for end in ends {
            std::thread::sleep(Duration::from_millis(300));
            end();
            std::thread::sleep(Duration::from_millis(500));
            cluster.start();
            std::thread::sleep(Duration::from_millis(1_500));
        }
    });
    soon("decisions count again", || all.decide(&server));
    soon("violations are taken again", || all.hand_in(&server));
    all.check(server, &cluster.url());
}
