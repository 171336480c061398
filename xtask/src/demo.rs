//! `demo`: what `ordain` does with the examples, each step with the command that one would type.

use std::{
    ffi::OsStr,
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    editor,
    failure::{Context, Failure, Outcome},
    loopback, process,
    repository::Repository,
    setup,
    temporary::Folder,
};

/// Where the server answers about conflicts.
const CONFLICTS: &str = "/api/v1/policies/conflicts";

/// The workspace whose one conflict is a WARNING, so that it can be served.
const AUDIT: &str = "examples/audit-14-7";

/// Shows the main job from policy text to a running service.
pub(crate) fn run(repository: &Repository) -> Outcome {
    setup::run(repository)?;
    step("build `ordain` (a debug build: the shortest way to a first result, not the fastest program)");
    process::run(&mut repository.cargo(&["build", "--package", "ordain", "--bin", "ordain"]))?;
    let folder = Folder::new("demo")?;
    let demo = Demo { program: repository.target()?.join("debug/ordain"), repository, folder };

    step("three teams' policies contradict each other: proved, with both places and a request that shows it");
    demo.expect(1, &["check", "examples/conflicts"])?;

    step("that request, decided: the policies that contradict each other both speak");
    demo.replay("examples/conflicts")?;

    step("a company's policies without contradictions make a bundle");
    demo.expect(0, &["check", "examples/acme"])?;
    demo.expect(0, &["build", "examples/acme", "-o", &demo.path("acme.ordain-bundle")])?;

    step("a WARNING doesn't stop a bundle, but is seen everywhere: in the terminal …");
    demo.expect(0, &["check", AUDIT])?;
    step("… in the editor …");
    demo.edit(&format!("{AUDIT}/baseline.ordain"))?;
    step("… and on the panel");
    let bundle = demo.path("audit.ordain-bundle");
    demo.expect(0, &["build", AUDIT, "-o", &bundle])?;
    demo.serve(&bundle)
}

struct Demo<'a> {
    program: PathBuf,
    repository: &'a Repository,
    folder: Folder,
}

impl Demo<'_> {
    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn ordain<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(self.repository.root());
        command
    }

    /// Runs `ordain` and insists on its exit code.
    fn expect(&self, code: i32, arguments: &[&str]) -> Outcome {
        let mut command = self.ordain(arguments);
        let status = process::status(&mut command)?;
        if status.code() == Some(code) {
            return Ok(());
        }
        let command = process::shown(&command);
        Err(Failure::new(format!("`{command}` ended with {status}, expected exit code {code}")))
    }

    /// Decides the request that shows the first conflict with a witness, by the policies of that conflict.
    fn replay(&self, folder: &str) -> Outcome {
        let report = process::capture(&mut self.ordain(&["check", folder, "--format", "json"]))?;
        let report: Value = serde_json::from_slice(&report.stdout).map_err(|error| {
            Failure::new(format!("`ordain check --format json` printed no JSON: {error}"))
        })?;
        let mut conflicts = report["conflicts"].as_array().into_iter().flatten();
        let conflict = conflicts.find(|conflict| !conflict["witness"].is_null());
        let conflict =
            conflict.ok_or_else(|| Failure::new(format!("no conflict of `{folder}` has a witness")))?;
        let file = self.folder.path().join("witness.json");
        fs::write(&file, pretty(&conflict["witness"]["request"])).context("write", &file)?;
        let file = file.display().to_string();
        let mut arguments = vec!["eval", folder, &file];
        for policy in conflict["policies"].as_array().into_iter().flatten() {
            arguments.extend(["--only", policy["name"].as_str().unwrap_or_default()]);
        }
        self.expect(0, &arguments)
    }

    /// Opens a file as an editor does and prints what it would underline.
    fn edit(&self, file: &str) -> Outcome {
        let file = self.repository.root().join(file);
        let mut command = self.ordain(&["lsp"]);
        println!("$ {}     # with {} open", process::shown(&command), file.display());
        for found in editor::diagnostics(&mut command, &file, "ORD03")? {
            let (start, end) = (&found["range"]["start"], &found["range"]["end"]);
            let line = start["line"].as_u64().unwrap_or_default() + 1;
            let message = found["message"].as_str().unwrap_or_default();
            println!("line {line}, columns {} to {}: {message}", start["character"], end["character"]);
        }
        Ok(())
    }

    /// Runs the server, asks it once, and stops it.
    fn serve(&self, bundle: &str) -> Outcome {
        let address = SocketAddr::from(([127, 0, 0, 1], loopback::free_port()?));
        let database = format!("sqlite://{}", self.path("demo.db"));
        let mut command = self.ordain(&["serve", "--dev", "--bundle", bundle, "--database", &database]);
        command.args(["--listen", &address.to_string()]);
        println!("$ {} &", process::shown(&command));
        let log = self.folder.path().join("serve.log");
        let file = fs::File::create(&log).context("create", &log)?;
        command.stdin(Stdio::null()).stdout(file.try_clone().context("open", &log)?).stderr(file);
        let server = command.spawn();
        let mut server =
            Server(server.map_err(|error| Failure::new(format!("could not start `ordain serve`: {error}")))?);
        let started = Instant::now();
        while !loopback::get(address, "/readyz").is_ok_and(|(status, _)| status == 200) {
            process::check_interrupted()?;
            if server.0.try_wait().is_ok_and(|ended| ended.is_some()) || started.elapsed().as_secs() > 30 {
                let said = process::tail(&fs::read(&log).unwrap_or_default());
                return Err(Failure::new(format!("`ordain serve` did not get ready:{said}")));
            }
            thread::sleep(Duration::from_millis(50));
        }
        println!("$ curl http://{address}{CONFLICTS}");
        let (status, body) = loopback::get(address, CONFLICTS)
            .map_err(|error| Failure::new(format!("`GET {CONFLICTS}` failed: {error}")))?;
        println!("{}", serde_json::from_str(&body).map_or(body, |body: Value| pretty(&body)));
        if status == 200 { Ok(()) } else { Err(Failure::new(format!("`GET {CONFLICTS}` answered {status}"))) }
    }
}

/// A server that stops when we are done with it.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn step(what: &str) {
    println!("\n== {what}");
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}
