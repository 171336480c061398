//! What a verb ends with when it cannot go on: one message for a person, and the exit code.

use std::{
    fmt::{self, Display, Write},
    io,
    path::Path,
};

/// Why a verb stopped.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Lower case, says what to do next; words of the user stand in backticks.
    pub(crate) message: String,
    /// The exit code of the process.
    pub(crate) code: u8,
}

/// What every step returns.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// A failure of our own, exit code 1.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 1 }
    }

    /// Someone pressed Ctrl-C, or asked us to end by signal `signal`.
    pub(crate) fn interrupted(signal: usize) -> Self {
        Self { message: "interrupted".into(), code: u8::try_from(128 + signal).unwrap_or(1) }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Lines to stand under a message, each indented on a line of its own.
pub(crate) fn indented(lines: impl IntoIterator<Item = impl Display>) -> String {
    lines.into_iter().fold(String::new(), |mut text, line| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "\n  {line}");
        text
    })
}

/// Adds what was tried, and on which path, to an error of the file system.
pub(crate) trait Context<T> {
    /// `what` reads as in "could not `what` `path`: …".
    fn context(self, what: &str, path: &Path) -> Outcome<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: &str, path: &Path) -> Outcome<T> {
        self.map_err(|error| Failure::new(format!("could not {what} `{}`: {error}", path.display())))
    }
}
