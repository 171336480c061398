//! A server that looks for new bundles, through the built program: in a folder, and in a store that speaks S3.

mod files;
mod objects;
mod several;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ordain_ir::Bundle;
use serde_json::{Value, json};
use support::{Server, example, run, workspace};

/// How soon something is noticed, on a machine that is busy.
const SOON: Duration = Duration::from_mins(1);

/// Bundles, a database, and where bundles are looked for.
struct Scene {
    folder: tempfile::TempDir,
    database: String,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = format!("sqlite://{}", folder.path().join("ordain.db").display());
        Self::on(folder, database)
    }

    fn on(folder: tempfile::TempDir, database: String) -> Self {
        let scene = Self { folder, database };
        for key in ["ours", "theirs"] {
            run(["keygen".into(), "-o".into(), scene.path(key)]).expect_code(0);
        }
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Builds a bundle that forbids one tool, signs it if somebody is named, and tells its name.
    fn build(&self, tool: &str, signer: Option<&str>) -> String {
        let source = format!(
            "package shop\n\nuse std.facts.*\n\nrule no-{tool} {{\n  type safety\n  enforce block\n  scope tenant shop\n  \
             when tool.name == \"{tool}\"\n}}\n"
        );
        let folder = workspace(&[("rules.ordain", &source)]);
        let mut arguments = vec!["build".into(), folder.path().to_owned(), "-o".into(), self.path(tool)];
        if let Some(signer) = signer {
            arguments.extend(["--sign".into(), self.path(signer)]);
        }
        run(arguments).expect_code(0);
        digest(&self.read(tool))
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("was built")
    }

    /// A bundle whose policies contradict each other, and which says that they don't.
    fn contradictory() -> Vec<u8> {
        let loaded = ordain_compiler::workspace::load(&example("conflicts")).expect("loads");
        let mut db = ordain_compiler::Database::default();
        let workspace = loaded.open(&mut db);
        ordain_compiler::bundle::assemble(&db, workspace, &ordain_ir::Report::default()).to_bytes().0
    }

    /// Puts a file where it is looked for, at once and whole.
    fn put(&self, bytes: &[u8], name: &str) {
        fs::create_dir_all(self.path("drop")).expect("a folder");
        fs::write(self.path("coming"), bytes).expect("a file");
        fs::rename(self.path("coming"), self.path("drop").join(name)).expect("in one step");
    }

    /// A server that looks there.
    fn serve(&self, place: &str, say: impl Fn(&mut Command) -> &mut Command) -> Server {
        let watch = format!("bundles.watch={place}");
        let server = Server::start_by(|server| {
            let server = server.args(["--dev", "--database", &self.database, "--set", &watch]);
            say(server.args(["--set", "bundles.interval=50ms"]))
        });
        // It listens before it has opened its database, and answers afterwards.
        assert_eq!(server.get("/healthz").0, 200);
        server
    }
}

fn digest(bytes: &[u8]) -> String {
    Bundle::from_bytes(bytes).expect("a bundle").1
}

fn plainly(server: &mut Command) -> &mut Command {
    server
}

/// Waits until this holds.
fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < SOON, "{what} within {SOON:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn active(server: &Server) -> Value {
    server.get("/readyz").1["bundle"].clone()
}

fn becomes_active(server: &Server, digest: &str) {
    soon(&format!("{digest} is active"), || active(server) == digest);
}

/// How often the place was looked at with this outcome.
fn looks(server: &Server, outcome: &str) -> u64 {
    let metrics = server.text("/metrics");
    let name = format!("ordain_bundle_watch_looks_total{{outcome=\"{outcome}\"}} ");
    metrics
        .lines()
        .find_map(|line| line.strip_prefix(&name))
        .map_or(0, |count| count.parse().expect("a number"))
}

/// Waits until it was looked again several times with this outcome, and expects that the same bundle is active.
fn stays(server: &Server, outcome: &str, digest: &str) {
    let before = looks(server, outcome);
    soon(&format!("several looks are {outcome}"), || looks(server, outcome) >= before + 3);
    assert_eq!(active(server), digest);
}

/// What is decided about a tool.
fn decided(server: &Server, tool: &str) -> Value {
    let request = json!({ "path": "shop/p/a", "facts": { "tool.name": tool } });
    let (status, answer) = server.send("POST", "/api/v1/decisions", "ada", &request);
    assert_eq!(status, 200, "{answer}");
    answer["outcome"].clone()
}

fn activate(server: &Server, digest: &str) {
    let (status, answer) =
        server.send("POST", &format!("/api/v1/bundles/{digest}/activate"), "ada", &json!({}));
    assert_eq!(status, 200, "{answer}");
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("a file");
}
