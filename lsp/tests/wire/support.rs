//! A server in memory, with a client at the other end, and a folder for the two to talk about.

use std::io::{self, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use ordain_lsp::{Ending, Options, serve};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;

/// A running server, its client and a workspace.
pub(crate) struct Session {
    pub(crate) client: Client,
    server: Option<JoinHandle<Ending>>,
    folder: TempDir,
}

/// Options under which tests don't wait long.
pub(crate) fn quick() -> Options {
    Options { analysis_delay: Duration::from_millis(20), ..Options::default() }
}

/// The writing half of a stream: dropping it ends the stream.
struct Writing(UnixStream);

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        // The server may have closed it before.
        let _ = self.0.shutdown(Shutdown::Write);
    }
}

impl Session {
    /// A server that has not been spoken to yet, over a workspace of these files.
    pub(crate) fn silent(options: Options, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        let server = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
            runtime.unwrap().block_on(async {
                let (reader, writer) = tokio::net::UnixStream::from_std(theirs).unwrap().into_split();
                serve(reader, writer, options).await.unwrap()
            })
        });
        let client = Client::new(ours.try_clone().unwrap(), Writing(ours));
        let session = Self { client, server: Some(server), folder };
        session.write("ordain.yaml", "name: test\n");
        for (name, text) in files {
            session.write(name, text);
        }
        session
    }

    /// A server after `initialize` and `initialized`.
    pub(crate) fn start(options: Options, capabilities: Value, files: &[(&str, &str)]) -> Self {
        let mut session = Self::silent(options, files);
        let root = session.root().to_owned();
        session.client.initialize(&root, capabilities);
        session
    }

    /// The workspace's folder.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// A file in the workspace.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Writes a file to disk.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Takes leave properly; the server must end by itself, and orderly.
    pub(crate) fn finish(mut self) {
        self.client.leave();
        assert_eq!(self.ending(), Ending::Orderly);
    }

    /// Waits for the server's end.
    pub(crate) fn ending(&mut self) -> Ending {
        self.server.take().expect("the server ends once").join().expect("the server ends without a panic")
    }
}

/// A client that shows related places, and is pushed.
pub(crate) fn pushed() -> Value {
    json!({ "textDocument": { "publishDiagnostics": { "relatedInformation": true } } })
}

/// A client that pulls.
pub(crate) fn pulling() -> Value {
    json!({
        "textDocument": { "publishDiagnostics": { "relatedInformation": true }, "diagnostic": {} },
        "workspace": { "diagnostics": { "refreshSupport": true } },
    })
}

/// A rule of the package `acme`.
pub(crate) fn rule(name: &str, mode: &str) -> String {
    format!(
        "package acme\n\nrule {name} {{\n  type safety\n  enforce {mode}\n  scope project acme/support\n}}\n"
    )
}
