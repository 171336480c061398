//! Trying texts in a process of its own, with a bound on its memory, and noticing how that ends.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::Target;
use crate::mutate::Corpus;

/// So many bytes of address space may a process have, in KiB.
const MEMORY_KIB: u32 = 2 << 20;
/// So much of what a process says at its end is kept.
const LAST_WORDS: usize = 2_000;

/// How to start the process that tries texts.
#[derive(Clone, Copy, Debug)]
pub struct Driver<'a> {
    /// The program, which gives its arguments to [`try_texts`] or [`try_file`].
    pub program: &'a Path,
    /// What texts are given to.
    pub target: Target,
    /// How long one text may take before it counts as a hang.
    pub patience: Duration,
}

/// What came of some texts.
#[derive(Debug)]
pub struct Tried {
    /// How many.
    pub texts: u64,
    /// The number of the last one, if it failed, and why.
    pub failure: Option<(u64, String)>,
}

impl Driver<'_> {
    /// Tries the texts with these numbers, until one fails or time is up.
    ///
    /// # Errors
    /// If the process can't be started.
    pub fn try_all(&self, seed: u64, numbers: Range<u64>, until: Option<Instant>) -> io::Result<Tried> {
        let [first, end, seed] = [numbers.start, numbers.end, seed].map(|number| number.to_string());
        let (mut child, last_words) = self.start(&["child", self.target.name(), &seed, &first, &end])?;
        let (sender, receiver) = channel();
        let said = child.stdout.take().map(BufReader::new);
        thread::spawn(move || {
            for line in said.into_iter().flat_map(|said| said.lines().map_while(Result::ok)) {
                if sender.send(line.parse::<u64>().ok()).is_err() {
                    return;
                }
            }
        });
        let mut tried = Tried { texts: 0, failure: None };
        let mut last = numbers.start;
        loop {
            match receiver.recv_timeout(self.patience) {
                Ok(number) => {
                    last = number.unwrap_or(last);
                    tried.texts += 1;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let failure = why(child.wait()?, last_words);
                    tried.failure = failure.map(|why| (last, why));
                    return Ok(tried);
                }
                Err(RecvTimeoutError::Timeout) => {
                    end_of(&mut child)?;
                    tried.failure = Some((last, self.hang()));
                    return Ok(tried);
                }
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                end_of(&mut child)?;
                return Ok(tried);
            }
        }
    }

    /// Why a text fails; `None` if it doesn't.
    ///
    /// # Errors
    /// If the process can't be started.
    pub fn try_one(&self, file: &Path) -> io::Result<Option<String>> {
        let (mut child, last_words) = self.start(&["check", self.target.name(), &file.to_string_lossy()])?;
        let end = Instant::now() + self.patience;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(why(status, last_words));
            }
            if Instant::now() >= end {
                end_of(&mut child)?;
                return Ok(Some(self.hang()));
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn hang(&self) -> String {
        format!("it takes more than {} seconds", self.patience.as_secs())
    }

    fn start(&self, arguments: &[&str]) -> io::Result<(Child, JoinHandle<String>)> {
        // A shell can bound what it becomes, without code of ours that asks the system.
        let bound = format!("ulimit -v {MEMORY_KIB} 2>/dev/null; exec \"$@\"");
        let mut child = Command::new("sh")
            .args(["-c", &bound, "sh"])
            .arg(self.program)
            .args(arguments)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let said = child.stderr.take();
        Ok((child, thread::spawn(move || read(said))))
    }
}

fn read(said: Option<ChildStderr>) -> String {
    let mut bytes = vec![];
    // Whatever could be read is better than nothing.
    let _ = said.map(|mut said| said.read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes).into_owned();
    text[text.ceil_char_boundary(text.len().saturating_sub(LAST_WORDS))..].trim().to_owned()
}

fn end_of(child: &mut Child) -> io::Result<ExitStatus> {
    child.kill()?;
    child.wait()
}

fn why(status: ExitStatus, last_words: JoinHandle<String>) -> Option<String> {
    let said = last_words.join().unwrap_or_default();
    (!status.success()).then(|| format!("{status}: {said}"))
}

/// Tries texts, and names each before.
///
/// # Errors
/// What doesn't hold of one.
pub fn try_texts(corpus: &Corpus, target: Target, seed: u64, numbers: Range<u64>) -> Result<(), String> {
    let mut out = io::stdout();
    for number in numbers {
        let text = corpus.text(seed, number);
        writeln!(out, "{number}").and_then(|()| out.flush()).map_err(|error| error.to_string())?;
        target.check(&text)?;
    }
    Ok(())
}

/// Tries the text in a file.
///
/// # Errors
/// What doesn't hold of it, or why it can't be read.
pub fn try_file(target: Target, file: &Path) -> Result<(), String> {
    let bytes = fs::read(file).map_err(|error| format!("cannot read `{}`: {error}", file.display()))?;
    target.check(&String::from_utf8_lossy(&bytes))
}
