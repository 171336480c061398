//! cvc5, as another process.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Scripts that one process answers: it doesn't give all of its memory back.
const SCRIPTS: usize = 500;

/// A solver that answers one script after the other.
#[derive(Debug)]
pub struct Cvc5 {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    asked: usize,
}

impl Cvc5 {
    /// Starts the one that `cargo xtask setup` has placed.
    ///
    /// # Panics
    /// If it isn't there or can't be started, with what to do.
    pub fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let libraries: PathBuf = root.join("third_party/cvc5");
        assert!(
            libraries.is_dir(),
            "the second solver is not in `third_party/cvc5`: run `cargo xtask setup`, which fetches it"
        );
        let mut child = Command::new("python3")
            .arg(root.join("tests/src/smt/answer.py"))
            .arg(libraries)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`python3` runs: the set-up needs it as well");
        let questions = child.stdin.take().expect("it is piped");
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, questions, answers, asked: 0 }
    }

    /// What the script's commands print: `sat`, `unsat`, `unknown`, or `error: …`. A script that takes too long is
    /// `unknown` too.
    ///
    /// # Panics
    /// If the solver can't be started again.
    pub fn ask(&mut self, script: &str) -> String {
        if self.asked == SCRIPTS {
            *self = Self::start();
        }
        self.asked += 1;
        assert!(!script.lines().any(|line| line == ";;;"), "the end of a script within a script");
        writeln!(self.questions, "{script}\n;;;").expect("the second solver listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the second solver answers");
        if !answer.ends_with('\n') {
            *self = Self::start();
            return "unknown".to_owned();
        }
        answer.trim().to_owned()
    }
}

impl Drop for Cvc5 {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
