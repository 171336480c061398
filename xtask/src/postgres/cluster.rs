//! A cluster of our own: made in a temporary folder, reachable from this machine only, gone afterwards.

use std::{
    env, fs,
    fs::File,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{account::Account, binaries};
use crate::{
    failure::{Context, Failure, Outcome},
    loopback, process,
    repository::Repository,
    temporary::Folder,
};

/// How long a start may take; a machine busy with a build is slow.
const PATIENCE: Duration = Duration::from_mins(1);

/// The longest name of a socket that every system takes, less PostgreSQL's own file name.
const SOCKET_FOLDER: usize = 80;

/// Room for many connections.
const SETTINGS: [&str; 5] = [
    "listen_addresses=127.0.0.1",
    "max_connections=200",
    "shared_buffers=64MB",
    "timezone=UTC",
    "log_timezone=UTC",
];

/// What tests want besides: no care for a power cut.
const HASTY: [&str; 3] = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

/// Whether what is committed is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// As PostgreSQL is delivered, so that figures are those of a server that keeps its word.
    Real,
    /// Not, since it makes tests slow and shows nothing.
    None,
}

/// A cluster; dropping it stops the server and removes the data.
#[derive(Debug)]
pub(crate) struct Cluster {
    server: Option<Child>,
    port: u16,
    programs: PathBuf,
    account: Account,
    folder: Folder,
    durability: Durability,
}

impl Cluster {
    /// Makes and starts a cluster.
    pub(crate) fn start(repository: &Repository, durability: Durability) -> Outcome<Self> {
        let (folder, account) = prepare()?;
        let programs = binaries::locate(repository, &account, folder.path())?;
        for name in ["data", "socket"] {
            let path = folder.path().join(name);
            fs::create_dir(&path).context("create the folder", &path)?;
            account.give(&path)?;
        }
        let mut cluster = Self { server: None, port: 0, programs, account, folder, durability };
        cluster.initialize()?;
        // Another program may take the port between our look for a free one and the server's start.
        for _ in 0..5 {
            cluster.launch(loopback::free_port()?)?;
            if cluster.wait_until_ready()? {
                let (port, folder) = (cluster.port, cluster.folder.path().display());
                println!("PostgreSQL listens on 127.0.0.1:{port}, with its data in `{folder}`");
                return Ok(cluster);
            }
        }
        Err(Failure::new("PostgreSQL found five ports taken in a row: try again"))
    }

    /// How clients reach it.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: &str) -> Command {
        self.account.command(&self.programs.join(program), self.folder.path())
    }

    fn initialize(&self) -> Outcome {
        let output =
            process::capture(
                self.command("initdb")
                    .args(["--pgdata", "data", "--username=postgres", "--auth=trust"])
                    .args(["-E", "UTF8", "--locale=C", "--no-sync"]),
            )?;
        if output.status.success() {
            return Ok(());
        }
        let said = process::tail(&output.stderr);
        Err(Failure::new(format!("`initdb` could not make a cluster for tests:{said}")))
    }

    fn launch(&mut self, port: u16) -> Outcome {
        let log = self.path("log");
        let file = File::create(&log).context("create", &log)?;
        let socket = self.path("socket");
        let socket =
            if socket.as_os_str().len() < SOCKET_FOLDER { socket.into_os_string() } else { "".into() };
        let mut command = self.command("postgres");
        command.args(["-D", "data", "-p", &port.to_string(), "-k"]).arg(socket);
        let hasty = HASTY.iter().filter(|_| self.durability == Durability::None);
        command.args(SETTINGS.iter().chain(hasty).flat_map(|setting| ["-c", setting]));
        // A group of its own: a Ctrl-C of the terminal must not stop it before the tests have ended.
        command.process_group(0).stdin(Stdio::null());
        command.stdout(file.try_clone().context("open", &log)?).stderr(file);
        self.port = port;
        let server = command.spawn();
        self.server =
            Some(server.map_err(|error| Failure::new(format!("could not start `postgres`: {error}")))?);
        Ok(())
    }

    /// Whether it serves; `false` if the port was taken.
    fn wait_until_ready(&mut self) -> Outcome<bool> {
        let started = Instant::now();
        let ready = |file: &Path| {
            let text = fs::read_to_string(file).unwrap_or_default();
            text.lines().nth(7).is_some_and(|status| status.trim() == "ready")
        };
        loop {
            process::check_interrupted()?;
            if ready(&self.path("data/postmaster.pid")) {
                return Ok(true);
            }
            let ended = self.server.as_mut().is_none_or(|server| !matches!(server.try_wait(), Ok(None)));
            if !ended && started.elapsed() < PATIENCE {
                thread::sleep(Duration::from_millis(20));
                continue;
            }
            let log = fs::read_to_string(self.path("log")).unwrap_or_default();
            if ended && log.contains("Address already in use") {
                self.server = None;
                return Ok(false);
            }
            let what = if ended { "ended at once" } else { "did not get ready in time" };
            return Err(Failure::new(format!("PostgreSQL {what}:{}", process::tail(log.as_bytes()))));
        }
    }

    fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        // Not through `process`, which refuses to start anything after a Ctrl-C.
        let mut stop = self.command("pg_ctl");
        stop.args(["stop", "--pgdata", "data", "--mode=immediate", "--silent", "--timeout=20"]);
        let stopped = stop.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !stopped.is_ok_and(|status| status.success()) {
            // Its other processes notice the loss of their parent and end too.
            let _ = server.kill();
        }
        let _ = server.wait();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A temporary folder, and the account that can work in it.
fn prepare() -> Outcome<(Folder, Account)> {
    let mut barriers = Vec::new();
    // `TMPDIR` may lead into a home that is closed to the account that root lends.
    for parent in [env::temp_dir(), "/tmp".into(), "/var/tmp".into()] {
        let Ok(folder) = Folder::new_in(&parent, "postgres", 0o755) else { continue };
        let account = Account::choose(folder.path())?;
        match account.barred_from(folder.path()) {
            None => return Ok((folder, account)),
            Some(barrier) => barriers.push(format!("`{}`", barrier.display())),
        }
    }
    Err(Failure::new(format!(
        "there is no temporary folder for PostgreSQL: set `TMPDIR` to one that every user may enter{}{}",
        if barriers.is_empty() { "" } else { "; closed to others: " },
        barriers.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_temporary_folder_is_open_to_the_account_and_goes() {
        let (folder, account) = prepare().unwrap();
        assert_eq!(account.barred_from(folder.path()), None);
        let path = folder.path().to_owned();
        drop(folder);
        assert!(!path.exists());
    }
}
