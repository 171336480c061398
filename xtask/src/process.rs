//! Running other programs. Each is shown as a person would type it, and a Ctrl-C ends it before us, so
//! that whatever we hold (a database, a half-written folder) is cleaned up on the way out.

use std::{
    ffi::OsStr,
    io::{self, BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::failure::{Failure, Outcome, indented};

/// The signal that asked us to end, or 0.
static SIGNAL: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// How long a child may take to end by itself after a Ctrl-C that it received too.
const GRACE: Duration = Duration::from_secs(5);

/// From now on a request to end is noted instead of ending us at once.
pub(crate) fn listen_for_signals() -> Outcome {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let number = usize::try_from(signal).unwrap_or_default();
        signal_hook::flag::register_usize(signal, Arc::clone(&SIGNAL), number)
            .map_err(|error| Failure::new(format!("could not listen for signals: {error}")))?;
    }
    Ok(())
}

/// Fails once someone asked us to end.
pub(crate) fn check_interrupted() -> Outcome {
    match SIGNAL.load(Ordering::Relaxed) {
        0 => Ok(()),
        signal => Err(Failure::interrupted(signal)),
    }
}

/// The command as one would type it, with the variables that we add.
pub(crate) fn shown(command: &Command) -> String {
    let mut words: Vec<String> = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.to_string_lossy(), quoted(value?))))
        .collect();
    let program = Path::new(command.get_program());
    // `$CARGO` is the full path of the cargo that runs us; a person types `cargo`.
    let cargo = program.file_name().filter(|name| *name == "cargo");
    words.push(quoted(cargo.unwrap_or(command.get_program())));
    words.extend(command.get_args().map(quoted));
    words.join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Shows and runs a command that must succeed.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = status(command)?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("`{}` failed ({status})", shown(command))))
}

/// Shows and runs a command, whatever its exit code.
pub(crate) fn status(command: &mut Command) -> Outcome<ExitStatus> {
    println!("$ {}", shown(command));
    let mut child = command.spawn().map_err(|error| not_started(command, &error))?;
    wait(&mut child)
}

/// Shows and runs a command that must succeed, and keeps what it prints while it is shown.
pub(crate) fn tee(command: &mut Command) -> Outcome<String> {
    println!("$ {}", shown(command));
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| not_started(command, &error))?;
    let mut printed = String::new();
    for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
        let line =
            line.map_err(|error| Failure::new(format!("could not read what a program says: {error}")))?;
        println!("{line}");
        printed.extend([&line, "\n"]);
    }
    let status = wait(&mut child)?;
    if status.success() {
        return Ok(printed);
    }
    Err(Failure::new(format!("`{}` failed ({status})", shown(command))))
}

/// Runs a command quietly and keeps what it prints.
pub(crate) fn capture(command: &mut Command) -> Outcome<Output> {
    check_interrupted()?;
    let output = command.stdin(Stdio::null()).output().map_err(|error| not_started(command, &error))?;
    check_interrupted()?;
    Ok(output)
}

/// The last lines of what a failed program said, indented under our own message.
pub(crate) fn tail(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    indented(&lines[lines.len().saturating_sub(8)..])
}

fn not_started(command: &Command, error: &io::Error) -> Failure {
    Failure::new(format!("could not start `{}`: {error}", command.get_program().to_string_lossy()))
}

/// Waits for a child, or ends it when we are asked to end.
fn wait(child: &mut Child) -> Outcome<ExitStatus> {
    let failed = |error: io::Error| Failure::new(format!("could not wait for a program: {error}"));
    let mut asked_at = None;
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            check_interrupted()?;
            return Ok(status);
        }
        if check_interrupted().is_err() && asked_at.get_or_insert_with(Instant::now).elapsed() > GRACE {
            child.kill().map_err(failed)?;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("/opt/rust/bin/cargo");
        command.args(["test", "it's here", ""]).env("RUSTDOCFLAGS", "-D warnings").env_remove("HOME");
        assert_eq!(shown(&command), r"RUSTDOCFLAGS='-D warnings' cargo test 'it'\''s here' ''");
    }

    #[test]
    fn a_failed_command_is_named() {
        let failure = run(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        assert!(failure.message.contains("`sh -c 'exit 3'` failed"), "{failure}");
        let failure = run(&mut Command::new("no-such-program")).unwrap_err();
        assert!(failure.message.starts_with("could not start `no-such-program`"), "{failure}");
    }

    #[test]
    fn what_is_shown_is_kept() {
        assert_eq!(tee(Command::new("sh").args(["-c", "echo a; echo b"])).unwrap(), "a\nb\n");
        let failure = tee(Command::new("sh").args(["-c", "echo a; exit 3"])).unwrap_err();
        assert!(failure.message.contains("exit 3"), "{failure}");
    }

    #[test]
    fn the_tail_is_short() {
        let text = "line\n\n".repeat(20);
        assert_eq!(tail(text.as_bytes()).lines().count(), 9);
        assert_eq!(tail(b""), "");
    }
}
