//! SQLite on a disk that is full.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Resource, Rlimit, getrlimit, prlimit};

use crate::counting::{built, look};
use crate::support::Server;
use crate::{Known, TENANT, policies, soon, start, violations};

/// As a full disk does, a bound on the size of files makes writes fail half way.
#[test]
fn a_disk_that_is_full_is_survived() {
    let folder = policies();
    let file = folder.path().join("faults.db");
    let database = format!("sqlite://{}", file.display());
    let server = start(&folder, &database);
    let mut known = Known::default();
    for _ in 0..20 {
        assert!(known.decide(&server) && known.hand_in(&server));
    }
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let free = getrlimit(Resource::Fsize);
    for room in [0, 4_096, 50_000] {
        let wal = folder.path().join("faults.db-wal");
        let most = size(&file).max(size(&wal)) + room;
        prlimit(Some(server.pid()), Resource::Fsize, Rlimit { current: Some(most), ..free })
            .expect("may be set");
        // What fits still fits.
        soon("the disk is full", || !known.decide(&server));
        soon("the disk is full", || !known.hand_in(&server));
        assert!(violations(&server).is_some(), "what is there can be read");
        prlimit(Some(server.pid()), Resource::Fsize, free).expect("may be set");
        soon("decisions count again", || known.decide(&server));
        soon("violations are taken again", || known.hand_in(&server));
    }
    known.check(server, &database);
}

/// What runs a program with mounts of its own, where the system lets us.
fn apart() -> Option<Vec<&'static str>> {
    let ways = [vec!["--mount"], vec!["--user", "--map-root-user", "--mount"]];
    ways.into_iter().find(|way| {
        let mut attempt = Command::new("unshare");
        attempt.args(way).args(["sh", "-c", "mount -t tmpfs -o size=64k none /tmp"]).stderr(Stdio::null());
        attempt.status().is_ok_and(|status| status.success())
    })
}

/// A real file system that has no room left.
#[test]
fn a_file_system_without_room_is_survived() {
    let Some(way) = apart() else {
        println!("no file system can be mounted here");
        return;
    };
    let folder = policies();
    let bundle = built(&folder);
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).expect("may be made");
    let program = env!("CARGO_BIN_EXE_ordain");
    let script = format!("mount -t tmpfs -o size=12m none '{}' && exec '{program}' \"$@\"", disk.display());
    let database = format!("sqlite://{}", disk.join("faults.db").display());
    let server = Server::start_as(
        || {
            let mut command = Command::new("unshare");
            command.args(&way).args(["sh", "-c", &script, "ordain"]);
            command
        },
        |server| {
            server.args(["--dev", "--bundle"]).arg(&bundle).args([
                "--database",
                &database,
                "--tenant",
                TENANT,
            ])
        },
    );
    // What it sees, seen from here.
    let within = format!("/proc/{}/root{}", server.pid().as_raw_pid(), disk.display());
    let within = Path::new(&within);
    let mut known = Known::default();
    for _ in 0..20 {
        assert!(known.decide(&server) && known.hand_in(&server));
    }
    for left in [0, 4_096, 100_000] {
        let mut fill = std::fs::File::create(within.join("fill")).expect("may be made");
        while fill.write(&[1; 4_096]).is_ok_and(|written| written > 0) {}
        let size = fill.metadata().expect("is there").len();
        fill.set_len(size.saturating_sub(left)).expect("may be cut");
        // While it is open its room isn't free.
        drop(fill);
        // What fits still fits.
        soon("the disk is full", || !known.decide(&server));
        soon("the disk is full", || !known.hand_in(&server));
        assert!(violations(&server).is_some(), "what is there can be read");
        std::fs::remove_file(within.join("fill")).expect("may be removed");
        soon("decisions count again", || known.decide(&server));
        soon("violations are taken again", || known.hand_in(&server));
    }
    known.repeat(&server);
    // With the server's end the file system is gone, and SQLite would look for a file of this name outside of it.
    for file in ["faults.db", "faults.db-wal"] {
        std::fs::copy(within.join(file), folder.path().join(file)).expect("may be copied");
    }
    let copy = format!("sqlite://{}", folder.path().join("faults.db").display());
    assert_eq!(look(&copy, TENANT).0, known.counted());
}
