//! Drives the built binary as a user would.

#![expect(dead_code, reason = "each test binary uses its part")]

pub(crate) mod junit;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace").to_owned()
}

/// A folder under `examples/`.
pub(crate) fn example(name: &str) -> PathBuf {
    root().join("examples").join(name)
}

/// What a run of the binary left.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Panics unless the run ended with this code.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// The binary, without colours, in a neutral folder.
pub(crate) fn ordain() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ordain"));
    command.env("NO_COLOR", "1").env_remove("ORDAIN_LOG").env_remove("ORDAIN_CONFIG").stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub(crate) fn run<I, S>(args: I) -> Run
where
    I: IntoIterator<Item = S>,
    S: AsRef<std::ffi::OsStr>,
{
    Run::of(ordain().args(args).output().expect("the binary starts"))
}

/// Runs the binary with this on its standard input.
pub(crate) fn run_with_input(args: &[&str], input: &str) -> Run {
    let mut child = ordain()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    Run::of(child.wait_with_output().expect("it ends"))
}

/// A folder with these files.
pub(crate) fn workspace(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("inside the folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    folder
}

/// A running `ordain serve`, ended when dropped.
pub(crate) struct Server {
    child: Child,
    port: u16,
    /// What it logs, read all the time: a full pipe would hold it up.
    log: Option<JoinHandle<String>>,
}

impl Server {
    /// Serves a bundle or folder on a free port and waits until it answers.
    pub(crate) fn start(bundle: &Path, database: &str) -> Self {
        Self::start_with(bundle, database, &[])
    }

    /// The same with further arguments.
    pub(crate) fn start_with(bundle: &Path, database: &str, more: &[&str]) -> Self {
        Self::start_plainly(bundle, &[&["--dev", "--database", database], more].concat())
    }

    /// The same without `--dev` and a database.
    pub(crate) fn start_plainly(bundle: &Path, more: &[&str]) -> Self {
        Self::start_by(|server| server.arg("--bundle").arg(bundle).args(more))
    }

    /// With these arguments, and with what else is said of the process.
    pub(crate) fn start_by(say: impl Fn(&mut Command) -> &mut Command) -> Self {
        Self::start_as(ordain, say)
    }

    /// The same by a command of one's own, which becomes the binary.
    pub(crate) fn start_as(by: impl Fn() -> Command, say: impl Fn(&mut Command) -> &mut Command) -> Self {
        for _ in 0..5 {
            // The port may be taken between our look and the server's; then it says so and we look again.
            let port = std::net::TcpListener::bind("127.0.0.1:0")
                .and_then(|l| l.local_addr())
                .expect("a free port")
                .port();
            let mut server = by();
            let server = say(server.args(["serve", "--listen", &format!("127.0.0.1:{port}")]))
                .stdout(Stdio::null())
                .stderr(Stdio::piped());
            let mut child = server.spawn().expect("the binary starts");
            let mut stderr = child.stderr.take().expect("piped");
            let log = std::thread::spawn(move || {
                let mut log = String::new();
                stderr.read_to_string(&mut log).expect("UTF-8");
                log
            });
            let mut server = Self { child, port, log: Some(log) };
            let deadline = Instant::now() + Duration::from_mins(1);
            while Instant::now() < deadline {
                if server.child.try_wait().expect("a child").is_some() {
                    let text = server.log();
                    assert!(text.contains("is in use"), "the server ended: {text}");
                    break;
                }
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return server;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        panic!("the server doesn't answer");
    }

    /// Its process.
    pub(crate) fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// The address as `host:port`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Tells it to stop as a service manager does, waits for that, and returns what it logged.
    pub(crate) fn stopped(mut self) -> String {
        rustix::process::kill_process(self.pid(), rustix::process::Signal::TERM).expect("it runs");
        let log = self.log();
        assert!(self.child.wait().expect("it ends").success(), "{log}");
        log
    }

    /// What it has logged, once it has ended.
    fn log(&mut self) -> String {
        self.log.take().expect("is asked once").join().expect("reads")
    }

    /// Kills it as it stands, with whatever it is about to write.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// GETs a path and returns status and JSON body.
    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
    }

    /// GETs a path with further header lines.
    pub(crate) fn get_with_headers(&self, path: &str, lines: &str) -> (u16, Value) {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}\r\n"))
    }

    /// GETs a path with a bearer token.
    pub(crate) fn get_with(&self, path: &str, token: &str) -> (u16, Value) {
        self.get_with_headers(path, &format!("Authorization: Bearer {token}\r\n"))
    }

    /// Sends a body as somebody, and returns status and JSON body.
    pub(crate) fn send(&self, method: &str, path: &str, who: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        self.exchange(&format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Ordain-Dev-User: {who}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    /// Sends a body with a bearer token.
    pub(crate) fn send_with(&self, method: &str, path: &str, token: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        self.exchange(&format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    /// Puts bytes, with further header lines.
    pub(crate) fn put(&self, path: &str, lines: &str, body: &str) -> (u16, Value) {
        self.exchange(&format!(
            "PUT {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    /// GETs a path, and returns the body as it is.
    pub(crate) fn text(&self, path: &str) -> String {
        self.exchanged(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).1
    }

    fn exchange(&self, request: &str) -> (u16, Value) {
        let (status, body) = self.exchanged(request);
        (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}")))
    }

    fn exchanged(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        (status, body.to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
