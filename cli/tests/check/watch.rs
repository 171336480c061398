//! `check --watch`, with real files that change while it runs.

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::support::{ordain, workspace};

/// No step takes as long, however busy the machine is.
const PATIENCE: Duration = Duration::from_mins(1);

/// Sends a signal to a program.
pub(super) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

/// The lines of a stream as they come.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        BufReader::new(stream).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    receiver
}

struct Watching {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

impl Watching {
    fn start(folder: &Path) -> Self {
        let mut command = ordain();
        let command = command.args(["check", "--watch", "--format=concise"]).arg(folder);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (lines(child.stdout.take().unwrap()), lines(child.stderr.take().unwrap()));
        Self { child, out, err }
    }

    /// What the next round sums up.
    #[track_caller]
    fn sum(&self) -> String {
        loop {
            let line = self.out.recv_timeout(PATIENCE).unwrap();
            assert!(!line.contains('\u{1b}'), "no terminal is there to clear: {line:?}");
            if line.contains(" in ") && line.contains(" file") {
                return line;
            }
        }
    }

    /// Waits for a round that sums up like this: a change may be seen in parts, if the machine is busy.
    #[track_caller]
    fn until(&self, wanted: &str) {
        let mut seen = vec![];
        while seen.last().is_none_or(|last: &String| !last.contains(wanted)) {
            assert!(seen.len() < 5, "no {wanted:?} in {seen:?}");
            seen.push(self.sum());
        }
    }

    fn interrupt(mut self) {
        signal(&self.child, "INT");
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "being ended is what it waits for");
        assert_eq!(self.out.recv_timeout(PATIENCE).ok(), None, "nothing more was shown");
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn rule(name: &str, mode: &str) -> String {
    format!("rule {name} {{\n  type safety\n  enforce {mode}\n  scope global\n}}\n")
}

#[test]
fn changes_of_files_are_checked_as_they_come() {
    let folder = workspace(&[
        ("ordain.yaml", "name: w\n"),
        ("a.ordain", &format!("package a\n\n{}", rule("one", "block"))),
    ]);
    let path = |name: &str| folder.path().join(name);
    let watching = Watching::start(folder.path());
    watching.until("1 policy in 1 file: no contradictions");

    // In place.
    fs::write(path("a.ordain"), format!("package a\n\n{}{}", rule("one", "block"), rule("two", "audit")))
        .unwrap();
    watching.until("2 policies in 1 file: 1 WARNING conflict");
    // As editors do it: beside, then renamed.
    fs::write(path(".a.ordain.swp"), "package a\n\nrule {").unwrap();
    fs::rename(path(".a.ordain.swp"), path("a.ordain")).unwrap();
    watching.until("0 policies in 1 file: ");
    fs::write(path("new"), format!("package a\n\n{}", rule("one", "warn"))).unwrap();
    fs::rename(path("new"), path("a.ordain")).unwrap();
    watching.until("1 policy in 1 file: no contradictions");
    // A new file, a new folder with one, and what is no policy between.
    fs::write(path("b.ordain"), "package b\n").unwrap();
    watching.until("1 policy in 2 files: no contradictions");
    fs::write(path("notes.txt"), "nothing").unwrap();
    fs::create_dir_all(path(".git/objects")).unwrap();
    fs::write(path(".git/objects/x.ordain"), "rule {").unwrap();
    fs::create_dir_all(path("deep/er")).unwrap();
    fs::write(path("deep/er/c.ordain"), format!("package c\n\n{}", rule("three", "block"))).unwrap();
    watching.until("2 policies in 3 files: 1 WARNING conflict");
    // Files and folders that go, and one that moves.
    fs::remove_file(path("b.ordain")).unwrap();
    watching.until("2 policies in 2 files: 1 WARNING conflict");
    fs::rename(path("deep"), path("moved")).unwrap();
    fs::write(path("moved/er/d.ordain"), format!("package d\n\n{}", rule("four", "audit"))).unwrap();
    watching.until("3 policies in 3 files: ");
    fs::remove_dir_all(path("moved")).unwrap();
    watching.until("1 policy in 1 file: no contradictions");
    // Written without a change of its text.
    let text = fs::read(path("a.ordain")).unwrap();
    fs::write(path("a.ordain"), &text).unwrap();
    // A workspace file that can't be read is told, and what comes after it is seen.
    fs::write(path("ordain.yaml"), "nam: w\n").unwrap();
    let mut told = String::new();
    while !told.ends_with("watching; Ctrl-C ends it\n") {
        told += &(watching.err.recv_timeout(PATIENCE).unwrap() + "\n");
    }
    assert!(told.contains("error: ") && told.contains("`nam`"), "{told}");
    fs::write(path("ordain.yaml"), "name: v\n").unwrap();
    watching.until("1 policy in 1 file: no contradictions");
    watching.interrupt();
}

#[test]
fn workspaces_that_it_depends_on_are_watched_too() {
    let folder = workspace(&[
        ("here/ordain.yaml", "name: here\n"),
        ("here/a.ordain", &format!("package a\n\n{}", rule("one", "block"))),
        ("there/ordain.yaml", "name: there\n"),
        ("there/b.ordain", "package b\n"),
    ]);
    let path = |name: &str| folder.path().join(name);
    let watching = Watching::start(&path("here"));
    watching.sum();
    fs::write(path("here/ordain.yaml"), "name: here\ndependencies: [../there]\n").unwrap();
    watching.sum();
    fs::write(path("there/b.ordain"), "package b\n\nrule {").unwrap();
    watching.until(" error");
    fs::write(path("there/b.ordain"), "package b\n").unwrap();
    watching.until("1 policy in 1 file: no contradictions");
    watching.interrupt();
}

#[test]
fn a_workspace_that_is_gone_ends_it() {
    let folder = workspace(&[("w/a.ordain", "package a\n")]);
    let mut watching = Watching::start(&folder.path().join("w"));
    watching.sum();
    fs::remove_dir_all(folder.path().join("w")).unwrap();
    assert_eq!(watching.child.wait().unwrap().code(), Some(2));
}
