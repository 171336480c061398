//! `ordain fmt`
//!
//! Standard output holds the formatted text, the diff, or the names of files; all else goes to standard error.

#![expect(clippy::print_stderr, reason = "what can't be formatted is told beside the output")]

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use ordain_compiler::workspace::decode;
use ordain_grammar::{FormatError, format};
use ordain_ir::Diagnostic;
use similar::{ChangeTag, TextDiff};

use crate::Verdict;
use crate::args::FmtArgs;
use crate::commands::print;
use crate::failure::Failure;
use crate::files;
use crate::render::count;
use crate::render::terminal::Terminal;

/// The name of standard input in messages.
const STDIN: &str = "<stdin>";

/// What formatting comes to.
enum Outcome {
    /// The text is formatted.
    Same,
    /// It isn't: from, to.
    Changed(String, String),
    /// It can't be: the text as far as there is one, and what is wrong with it.
    Refused(String, Vec<Diagnostic>),
}

/// Formats files in place, or tells which aren't formatted.
pub(crate) fn run(args: &FmtArgs, color: bool) -> Result<Verdict, Failure> {
    match args.paths.as_slice() {
        [path] if path.as_os_str() == "-" => return run_stdin(args, color),
        paths if paths.iter().any(|path| path.as_os_str() == "-") => {
            return Err(Failure::other("`-` stands alone: standard input is formatted by itself"));
        }
        _ => {}
    }
    let paths = files::policy_files(&args.paths)?;
    let (mut changed, mut refused, mut failures) = (0, 0, vec![]);
    for path in &paths {
        match run_file(path, args, color) {
            Ok(Outcome::Same) => {}
            Ok(Outcome::Changed(..)) => changed += 1,
            Ok(Outcome::Refused(..)) => refused += 1,
            Err(failure) => failures.push(failure),
        }
    }
    eprintln!("{}", summary(paths.len(), changed, refused, args.check || args.diff));
    // The gravest last: it gives the exit code.
    failures.sort_by_key(Failure::code);
    if let Some(last) = failures.pop() {
        for failure in &failures {
            eprintln!("error: {failure}");
        }
        return Err(last);
    }
    let differs = changed > 0 && (args.check || args.diff);
    Ok(if differs || refused > 0 { Verdict::Findings } else { Verdict::Clean })
}

fn run_file(path: &Path, args: &FmtArgs, color: bool) -> Result<Outcome, Failure> {
    let name = path.display().to_string();
    let outcome = outcome(&name, files::read(path)?)?;
    match &outcome {
        Outcome::Same => {}
        Outcome::Changed(old, new) if args.diff => print(&diff(&name, old, new, color))?,
        Outcome::Changed(..) if args.check => print(&format!("{name}\n"))?,
        Outcome::Changed(old, new) => {
            files::replace(path, old, new)?;
            print(&format!("{name}\n"))?;
        }
        Outcome::Refused(text, found) => tell(&name, text, found, color),
    }
    Ok(outcome)
}

fn run_stdin(args: &FmtArgs, color: bool) -> Result<Verdict, Failure> {
    let mut bytes = vec![];
    let read = std::io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|reason| Failure::Read { path: "standard input".into(), reason })?;
    // A pipe is read to its end in any case, so that its writer meets no closed end.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let outcome = outcome(STDIN, bytes)?;
    let looks_only = args.check || args.diff;
    match &outcome {
        Outcome::Same if looks_only => {}
        Outcome::Same => print(&text)?,
        Outcome::Changed(old, new) if args.diff => print(&diff(STDIN, old, new, color))?,
        Outcome::Changed(..) if args.check => print(&format!("{STDIN}\n"))?,
        Outcome::Changed(_, new) => print(new)?,
        Outcome::Refused(text, found) => tell(STDIN, text, found, color),
    }
    Ok(match outcome {
        Outcome::Same => Verdict::Clean,
        Outcome::Changed(..) if !looks_only => Verdict::Clean,
        _ => Verdict::Findings,
    })
}

fn outcome(name: &str, bytes: Vec<u8>) -> Result<Outcome, Failure> {
    let text = match decode(name, bytes) {
        Ok(text) => text,
        Err(problem) => return Ok(Outcome::Refused(String::new(), vec![*problem])),
    };
    match format(&text) {
        Ok(formatted) if formatted == text => Ok(Outcome::Same),
        Ok(formatted) => Ok(Outcome::Changed(text, formatted)),
        Err(FormatError::Syntax(errors)) => {
            let found = errors.iter().map(|error| error.diagnostic(name)).collect();
            Ok(Outcome::Refused(text, found))
        }
        Err(error @ FormatError::Changed) => {
            Err(Failure::Bug(format!("`{name}` is left as it is: {error}; please report it with the file")))
        }
    }
}

fn tell(name: &str, text: &str, found: &[Diagnostic], color: bool) {
    let terminal = Terminal::new(color);
    let texts = [(name, text)].into_iter().filter(|(_, text)| !text.is_empty()).collect();
    for diagnostic in found {
        eprintln!("{}", terminal.draw(diagnostic, &texts));
    }
}

/// A unified diff that `patch -p0` and `git apply -p0` take.
fn diff(name: &str, old: &str, new: &str, color: bool) -> String {
    let diff = TextDiff::from_lines(old, new);
    let mut unified = diff.unified_diff();
    let unified = unified.header(name, name);
    if !color {
        return unified.to_string();
    }
    let mut out = format!("\u{1b}[1m--- {name}\n+++ {name}\u{1b}[0m\n");
    for hunk in unified.iter_hunks() {
        let _ = writeln!(out, "\u{1b}[36m{}\u{1b}[0m", hunk.header());
        for change in hunk.iter_changes() {
            let line = change.to_string_lossy();
            let (text, end) = line.split_at(line.trim_end_matches(['\r', '\n']).len());
            let (style, sign) = match change.tag() {
                ChangeTag::Delete => ("31", '-'),
                ChangeTag::Insert => ("32", '+'),
                ChangeTag::Equal => ("0", ' '),
            };
            let _ = write!(out, "\u{1b}[{style}m{sign}{text}\u{1b}[0m{end}");
            if change.missing_newline() {
                out.push_str("\n\\ No newline at end of file\n");
            }
        }
    }
    out
}

fn summary(all: usize, changed: usize, refused: usize, looks_only: bool) -> String {
    let mistaken = match refused {
        0 => String::new(),
        1 => "; 1 can't be, since it has errors".to_owned(),
        n => format!("; {n} can't be, since they have errors"),
    };
    let said = match (all, changed) {
        (0, _) => "there are no policy files here".to_owned(),
        (_, 0) if refused > 0 => format!("{} of {} formatted", all - refused, count(all, "file")),
        (1, 0) => "1 file is formatted".to_owned(),
        (_, 0) => format!("{all} files are formatted"),
        _ if looks_only => {
            let verb = if changed == 1 { "is" } else { "are" };
            format!("{changed} of {} {verb} not formatted", count(all, "file"))
        }
        _ => format!("{} formatted, {} unchanged", count(changed, "file"), all - changed - refused),
    };
    said + &mistaken
}
