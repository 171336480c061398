//! `ordain check`

#![expect(clippy::print_stderr, reason = "what was fixed is told beside the findings")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::IsTerminal as _;

use jiff::tz::TimeZone;
use ordain_ir::{ConflictSeverity, Diagnostic, Severity};

use ordain_runtime::Clock as _;

use crate::Verdict;
use crate::args::{CheckArgs, CheckFormat, FailOn};
use crate::clock::SystemClock;
use crate::commands::{explain, print};
use crate::failure::Failure;
use crate::fixing::{self, Done, Fixed};
use crate::render::terminal::Terminal;
use crate::render::{count, json};
use crate::workspace::{self, Checked, Session};

/// Parses, types and proves, and writes what it found.
pub(crate) fn run(args: &CheckArgs, color: bool) -> Result<Verdict, Failure> {
    let today = args.today.and_then(|date| date.to_zoned(TimeZone::UTC).ok()).map(|day| day.timestamp());
    let now = today.unwrap_or_else(|| SystemClock.now());
    let checked = match args.fix {
        None => workspace::check(&args.path, args.threads, now)?,
        Some(which) => {
            let manifest = fixing::apply_to_manifest(&args.path, which)?;
            let mut session = Session::load(&args.path)?;
            let mut fixed = fixing::apply(&mut session, which, now)?;
            fixed.applied.splice(0..0, manifest);
            eprint!("{}", told(&fixed));
            session.check(args.threads, now)?
        }
    };
    print(&match args.format {
        CheckFormat::Json => json::render(&checked),
        // Who reads it in a terminal can ask on.
        CheckFormat::Full if std::io::stdout().is_terminal() => {
            full(&checked, color) + &explain::hint(open(&checked).iter().map(|found| &found.code))
        }
        CheckFormat::Full => full(&checked, color),
    })?;
    Ok(verdict(&checked, args.fail_on, args.require_decided))
}

/// What was fixed, line by line.
fn told(fixed: &Fixed) -> String {
    let line = |word: &str, done: &Done| {
        let Done { file, place, code, title } = done;
        format!("{word} {file}:{}:{}: {title} ({code})\n", place.line, place.column)
    };
    let mut out: String = fixed.applied.iter().map(|done| line("fixed", done)).collect();
    out.extend(fixed.refused.iter().map(|done| line("not fixed, since more errors would be left:", done)));
    let files: BTreeSet<&str> = fixed.applied.iter().map(|done| done.file.as_str()).collect();
    let fixes = count(fixed.applied.len(), "fix").replace("fixs", "fixes");
    let _ = writeln!(out, "{fixes} applied in {}", count(files.len(), "file"));
    if fixed.guesses > 0 {
        let [fixes, them] = if fixed.guesses == 1 { ["fix guesses", "it"] } else { ["fixes guess", "them"] };
        let _ = writeln!(out, "{} more {fixes} what is meant: `--fix=all` applies {them}", fixed.guesses);
    }
    out
}

fn verdict(checked: &Checked, fail_on: FailOn, require_decided: bool) -> Verdict {
    let errors = checked.errors() > 0 || checked.report.blocking().next().is_some();
    let warnings = checked.report.conflicts.iter().any(|conflict| !conflict.resolved)
        || checked.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Warning);
    let fails = match fail_on {
        FailOn::Never => false,
        FailOn::Blocking => errors,
        FailOn::Warning => errors || warnings,
    };
    let pairs = &checked.report.pairs;
    match (fails, require_decided && pairs.undecided + pairs.unexplored_groups > 0) {
        (true, _) => Verdict::Findings,
        (false, true) => Verdict::Undecided,
        (false, false) => Verdict::Clean,
    }
}

/// Findings with their source, then one line that sums up.
pub(crate) fn full(checked: &Checked, color: bool) -> String {
    let mut out = findings(checked, color);
    out.push_str(&summary(checked));
    out
}

/// Findings with their source, errors first.
pub(crate) fn findings(checked: &Checked, color: bool) -> String {
    let terminal = Terminal::new(color);
    let text_of = |file: &str| checked.text(file).map(ToOwned::to_owned);
    open(checked).iter().map(|diagnostic| terminal.draw(diagnostic, &text_of) + "\n").collect()
}

/// Everything that nobody has accepted, errors first.
fn open(checked: &Checked) -> Vec<Diagnostic> {
    let conflicts = ordain_analyzer::conflict_diagnostics(&checked.report, &checked.sources);
    let conflicts = checked.report.conflicts.iter().zip(conflicts).filter(|(conflict, _)| !conflict.resolved);
    let mut all = checked.diagnostics.clone();
    all.extend(conflicts.map(|(_, drawn)| drawn));
    // Stable: within a severity the order of the report stays.
    all.sort_by_key(|diagnostic| diagnostic.severity);
    all
}

fn summary(checked: &Checked) -> String {
    let errors = checked.errors();
    let warnings = checked.diagnostics.iter().filter(|d| d.severity == Severity::Warning).count();
    let open = || checked.report.conflicts.iter().filter(|conflict| !conflict.resolved);
    let conflicts = |severity| open().filter(|conflict| conflict.severity == severity).count();
    let (blocking, warning) = (conflicts(ConflictSeverity::Blocking), conflicts(ConflictSeverity::Warning));
    let mut found = vec![];
    if errors > 0 {
        found.push(count(errors, "error"));
    }
    if warnings > 0 {
        found.push(count(warnings, "warning"));
    }
    if blocking > 0 {
        found.push(count(blocking, "BLOCKING conflict"));
    }
    if warning > 0 {
        found.push(count(warning, "WARNING conflict"));
    }
    let allowed = checked.accepted + checked.report.conflicts.len() - open().count();
    let what =
        format!("{} in {}", count(checked.policies.len(), "policy"), count(checked.files.len(), "file"));
    let pairs = &checked.report.pairs;
    let left = |n: u64, one: &str, what: &str| match n {
        0 => String::new(),
        n => format!("; {} {what}", count(usize::try_from(n).unwrap_or(usize::MAX), one)),
    };
    let undecided = left(pairs.undecided, "pair", "left undecided")
        + &left(pairs.unexplored_groups, "group of limits", "not searched to the end")
        + &left(allowed as u64, "finding", "allowed");
    if found.is_empty() {
        format!("{what}: no contradictions{undecided}\n")
    } else {
        format!("{what}: {}{undecided}\n", found.join(", "))
    }
}
