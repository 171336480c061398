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
    failure::{Context, Failure, Outcome},
    loopback, process,
    repository::Repository,
    setup,
    temporary::Folder,
};

/// Where the server answers about conflicts.
const CONFLICTS: &str = "/api/v1/policies/conflicts";

/// Shows the main job from policy text to a running service.
pub(crate) fn run(repository: &Repository) -> Outcome {
    setup::run(repository)?;
    step("build `ordain` (a debug build: the shortest way to a first result, not the fastest program)");
    process::run(&mut repository.cargo(&["build", "--package", "ordain", "--bin", "ordain"]))?;
    let folder = Folder::new("demo")?;
    let demo = Demo { program: repository.target()?.join("debug/ordain"), repository, folder };

    step("policies that contradict each other: exit code 1, each conflict with a request that shows it");
    demo.expect(1, &["check", "examples/conflicts"])?;
    step("the policies of the audit, section 14.7");
    demo.check("examples/audit-14-7")?;
    step("a whole organisation's policies");
    demo.expect(0, &["check", "examples/acme"])?;

    step("a conflict's witness is a request: deciding it meets the policies that contradict each other");
    let request = demo.witness("examples/conflicts")?;
    demo.check_eval("examples/conflicts", &request)?;

    step("a bundle: what the runtime loads");
    let bundle = demo.path("acme.ordain-bundle");
    demo.expect(0, &["build", "examples/acme", "-o", &bundle])?;
    step("the runtime, and its list of conflicts");
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

    /// Checks policies that may or may not have findings.
    fn check(&self, folder: &str) -> Outcome {
        let mut command = self.ordain(&["check", folder]);
        match process::status(&mut command)?.code() {
            Some(0 | 1) => Ok(()),
            _ => Err(Failure::new(format!("`{}` could not check", process::shown(&command)))),
        }
    }

    /// The request that shows the first conflict with a witness, in a file.
    fn witness(&self, folder: &str) -> Outcome<String> {
        let report = process::capture(&mut self.ordain(&["check", folder, "--format", "json"]))?;
        let report: Value = serde_json::from_slice(&report.stdout).map_err(|error| {
            Failure::new(format!("`ordain check --format json` printed no JSON: {error}"))
        })?;
        let conflicts = report["conflicts"].as_array().into_iter().flatten();
        let witness = conflicts.map(|conflict| &conflict["witness"]).find(|witness| !witness.is_null());
        let missing = || Failure::new(format!("no conflict of `{folder}` has a witness"));
        let file = self.folder.path().join("witness.json");
        fs::write(&file, pretty(witness.ok_or_else(missing)?)).context("write", &file)?;
        Ok(file.display().to_string())
    }

    /// Decides a request; what the decision is doesn't matter here.
    fn check_eval(&self, policies: &str, request: &str) -> Outcome {
        let mut command = self.ordain(&["eval", policies, request]);
        match process::status(&mut command)?.code() {
            Some(0 | 1) => Ok(()),
            _ => Err(Failure::new(format!("`{}` could not decide", process::shown(&command)))),
        }
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
