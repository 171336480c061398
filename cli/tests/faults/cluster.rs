//! A PostgreSQL of one's own, to be stopped and filled.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, query_scalar};

use crate::soon;

/// A cluster of its own, of the programs and the account of the one that there is.
pub(crate) struct Cluster {
    programs: PathBuf,
    account: (u32, u32),
    folder: tempfile::TempDir,
    port: u16,
    /// Its first process, where that is ours.
    first: Option<Child>,
}

impl Cluster {
    /// None where there is no PostgreSQL, or not on this machine.
    #[expect(clippy::print_stdout, reason = "says why nothing is tested")]
    pub(crate) fn make() -> Option<Self> {
        let url = std::env::var("ORDAIN_TEST_POSTGRES_URL").ok()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (programs, data): (String, String) = runtime.block_on(async {
            let mut server = PgConnection::connect(&url).await.expect("can be reached");
            let programs = query_scalar("SELECT setting FROM pg_config WHERE name = 'BINDIR'");
            let programs = programs.fetch_one(&mut server).await.expect("a superuser may ask");
            let data = query_scalar("SHOW data_directory").fetch_one(&mut server).await;
            (programs, data.expect("a superuser may ask"))
        });
        let Ok(data) = fs::metadata(data) else {
            println!("the PostgreSQL of the tests runs on another machine, so none is restarted");
            return None;
        };
        let folder = tempfile::tempdir_in("/tmp").expect("a temporary folder");
        chown(folder.path(), Some(data.uid()), Some(data.gid())).expect("ours to give");
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port").port();
        let cluster =
            Self { programs: programs.into(), account: (data.uid(), data.gid()), folder, port, first: None };
        let made = cluster
            .command("initdb")
            .args(["--pgdata", "data", "--username=postgres", "--auth=trust", "-E", "UTF8", "--locale=C"])
            .status();
        assert!(made.expect("it runs").success());
        Some(cluster)
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let own = fs::metadata("/proc/self").map_or(0, |it| it.uid());
        if own != self.account.0 {
            command.uid(self.account.0).gid(self.account.1);
        }
        command
    }

    /// As it is delivered: what is committed is on the disk.
    pub(crate) fn start(&self) {
        let options =
            format!("-p {} -k {} -c listen_addresses=127.0.0.1", self.port, self.folder.path().display());
        let mut command = self.command("pg_ctl");
        command.args(["start", "-w", "-D", "data", "-l", "log", "-o", &options]);
        assert!(command.status().expect("it runs").success(), "{}", self.log());
    }

    /// Starts it with a file system of this size at a place in its folder, which only it sees. Whether that can be done.
    pub(crate) fn start_with_disk(&mut self, place: &str, size: &str) -> bool {
        let (user, group) = self.account;
        let (path, programs) = (self.path(place), self.programs.display());
        fs::create_dir(&path).expect("may be made");
        let script = format!(
            "mount -t tmpfs -o size={size},uid={user},gid={group},mode=700 none '{}' || exit 9
             exec setpriv --reuid {user} --regid {group} --clear-groups '{programs}/postgres' -D data -p {} \\
               -k '{}' -c listen_addresses=127.0.0.1",
            path.display(),
            self.port,
            self.folder.path().display()
        );
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &script]).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(mut first) = command.spawn() else { return false };
        let mut ended = false;
        soon("it answers", || {
            ended = first.try_wait().expect("a child").is_some();
            ended || self.answers()
        });
        self.first = Some(first);
        !ended
    }

    fn answers(&self) -> bool {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(PgConnection::connect(&self.url())).is_ok()
    }

    /// A place in its folder, as it sees it.
    pub(crate) fn seen(&self, place: &str) -> PathBuf {
        let first = self.first.as_ref().expect("is started with a disk").id();
        PathBuf::from(format!("/proc/{first}/root{}", self.path(place).display()))
    }

    pub(crate) fn stop(&self, mode: &str) {
        let stopped = self.command("pg_ctl").args(["stop", "-w", "-D", "data", "-m", mode]).status();
        assert!(stopped.expect("it runs").success(), "{}", self.log());
    }

    /// Kills its first process as it stands; the others notice and end.
    pub(crate) fn kill(&self) {
        let file = fs::read_to_string(self.path("data/postmaster.pid")).expect("it runs");
        let pid = file.lines().next().and_then(|line| line.parse().ok()).expect("a number");
        let pid = rustix::process::Pid::from_raw(pid).expect("a process");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it runs");
        soon("nobody is left", || rustix::process::test_kill_process(pid).is_err());
        // A new one doesn't start while processes of the old one hold the memory that they share.
        std::thread::sleep(Duration::from_secs(1));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    pub(crate) fn url(&self) -> String {
        self.url_of("postgres")
    }

    pub(crate) fn url_of(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.command("pg_ctl").args(["stop", "-w", "-D", "data", "-m", "immediate"]).status();
        if let Some(first) = &mut self.first {
            let _ = first.wait();
        }
    }
}
