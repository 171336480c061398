//! What is shown on a terminal and nowhere else, and what a Ctrl-C leaves behind.

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::check;
use super::crowded;
use super::support::{ordain, workspace};
use super::watch::signal;

/// No step takes as long, however busy the machine is.
const PATIENCE: Duration = Duration::from_mins(1);

/// A terminal: what a program writes to, and what comes of it.
fn terminal() -> (File, Receiver<Vec<u8>>) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut ours = File::from(ours);
        let mut bytes = [0; 4096];
        while let Ok(n) = ours.read(&mut bytes)
            && n > 0
            && sender.send(bytes[..n].to_vec()).is_ok()
        {}
    });
    (theirs, receiver)
}

/// Reads until this has come.
#[track_caller]
fn wait_for(terminal: &Receiver<Vec<u8>>, wanted: &str) -> String {
    let mut seen = vec![];
    loop {
        let text = String::from_utf8_lossy(&seen).into_owned();
        if text.contains(wanted) {
            return text;
        }
        let more = terminal.recv_timeout(PATIENCE);
        seen.extend(more.unwrap_or_else(|_| panic!("no {wanted:?} in {text:?}")));
    }
}

/// A workspace that can't be read to its end: nobody writes into the pipe that is one of its files.
fn endless() -> tempfile::TempDir {
    let folder = workspace(&[("a.ordain", "package a\n")]);
    let made = Command::new("mkfifo").arg(folder.path().join("b.ordain")).status();
    assert!(made.unwrap().success());
    folder
}

fn spawn(folder: &Path, stderr: Stdio) -> Child {
    let mut command = ordain();
    command.arg("check").arg(folder).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap()
}

#[test]
fn what_takes_long_says_so_on_a_terminal_and_ends_at_once() {
    let folder = endless();
    let (theirs, seen) = terminal();
    let mut child = spawn(folder.path(), theirs.into());
    wait_for(&seen, "reading");
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(wait_for(&seen, "\r\u{1b}[2K").contains("\r\u{1b}[2K"), "the line is cleared");
}

#[test]
fn elsewhere_nothing_is_said_until_there_is_something_to_say() {
    let folder = endless();
    let mut child = spawn(folder.path(), Stdio::piped());
    // Longer than it is patient where somebody looks.
    std::thread::sleep(Duration::from_millis(1500));
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "");
}

#[test]
fn a_watch_clears_the_terminal_before_it_shows_what_it_found() {
    let folder = workspace(&[("a.ordain", "package a\n")]);
    let (theirs, seen) = terminal();
    let mut command = ordain();
    let command = command.args(["check", "--watch"]).arg(folder.path());
    let mut child = command.stdout(theirs.try_clone().unwrap()).stderr(theirs).spawn().unwrap();
    let shown = wait_for(&seen, "watching 1 file; Ctrl-C ends it");
    assert!(shown.contains("\u{1b}[2J\u{1b}[3J\u{1b}[H0 policies in 1 file: no contradictions"), "{shown:?}");
    fs::write(folder.path().join("b.ordain"), "package b\n").unwrap();
    let shown = wait_for(&seen, "watching 2 files; Ctrl-C ends it");
    assert!(shown.contains("\u{1b}[2J\u{1b}[3J\u{1b}[H0 policies in 2 files"), "{shown:?}");
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_file_is_there_whole_or_not_at_all_whenever_it_is_interrupted() {
    let folder = crowded(60);
    let whole = check(folder.path(), &["--format=json"]).stdout;
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("found.json");
    let mut interrupted = 0;
    for delay in [0, 1, 2, 5, 10, 20, 40, 60, 80, 100, 120, 150, 200, 300] {
        let mut command = ordain();
        let command = command.arg("check").arg(folder.path());
        let command = command.arg(format!("--output-file=json={}", file.display()));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        // It may have ended by itself.
        if child.try_wait().unwrap().is_none() {
            signal(&child, "INT");
        }
        let code = child.wait().unwrap().code();
        interrupted += usize::from(code != Some(1));
        // Before it listens, the signal itself ends it.
        assert!([Some(1), Some(130), None].contains(&code), "{code:?}");
        let names: Vec<_> =
            fs::read_dir(out.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| name == "found.json"), "{names:?}");
        if code == Some(1) || file.exists() {
            assert_eq!(fs::read_to_string(&file).unwrap(), whole);
            fs::remove_file(&file).unwrap();
        }
    }
    assert!(interrupted > 0, "no run was interrupted");
}
