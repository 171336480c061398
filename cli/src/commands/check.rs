//! `ordain check`

#![expect(clippy::print_stderr, reason = "what was fixed and what is left out is told beside the findings")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ordain_analyzer::{Cache, Memo};

use ordain_runtime::Clock as _;

use crate::Verdict;
use crate::args::CheckArgs;
use crate::clock::SystemClock;
use crate::commands::{stream, watch};
use crate::failure::Failure;
use crate::files;
use crate::findings::baseline::Baseline;
use crate::findings::select::Selection;
use crate::findings::{Choice, Findings};
use crate::fixing::{self, Done, Fixed};
use crate::progress::Progress;
use crate::render::check::{Look, full, statistics, write};
use crate::render::count;
use crate::repairs;
use crate::workspace::{Checked, READING, Session};

/// Parses, types and proves, and writes what it found.
pub(crate) fn run(args: &CheckArgs, color: bool) -> Result<Verdict, Failure> {
    if args.watch {
        return watch::run(args, color);
    }
    let now = today(args);
    let mut progress = Progress::begin();
    progress.enter(READING);
    let memory = args.cache.as_ref().map(|path| cached(path, args.trust_cache)).unwrap_or_default();
    let load = || Ok::<_, Failure>(Session::load(&args.path)?.remembering(Arc::clone(&memory)));
    let mut session;
    match args.fix {
        None => session = load()?,
        Some(which) => {
            let manifest = fixing::apply_to_manifest(&args.path, which)?;
            session = load()?;
            let mut fixed = fixing::apply(&mut session, which, now, &progress)?;
            fixed.applied.splice(0..0, manifest);
            eprint!("{}", told(&fixed));
        }
    }
    let mut checked = session.check(args.threads, now, &progress)?;
    repairs::verify(&mut session, &mut checked, args.threads, &progress)?;
    progress.clear();
    let verdict = report(args, color, &checked, &progress)?;
    if let Some(path) = &args.cache {
        if args.statistics {
            eprintln!("cache\n  {:>12}  answers of the solver taken", memory.recalled());
        }
        // What was found is found.
        if let Err(error) = files::write_whole(path, &memory.cache(&checked.policies.facts)) {
            eprintln!("note: the cache stays as it was: {error}");
        }
    }
    Ok(verdict)
}

/// A memory that has what earlier runs have left in this file. One that holds nothing of the kind costs time alone.
fn cached(path: &Path, trust: bool) -> Arc<Memo> {
    let cache = match files::read(path) {
        Ok(bytes) => Cache::read(&bytes).map_err(|error| error.to_string()),
        Err(Failure::Read { reason, .. }) if reason.kind() == io::ErrorKind::NotFound => Ok(Cache::default()),
        Err(Failure::Read { reason, .. }) => Err(reason.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let cache = cache.unwrap_or_else(|error| {
        eprintln!("note: nothing is taken from the cache `{}`: {error}", path.display());
        Cache::default()
    });
    Arc::new(Memo::with_cache(if trust { cache.trusted() } else { cache }))
}

/// The instant at which every `allow` is judged.
pub(super) fn today(args: &CheckArgs) -> Timestamp {
    let today = args.today.and_then(|date| date.to_zoned(TimeZone::UTC).ok()).map(|day| day.timestamp());
    today.unwrap_or_else(|| SystemClock.now())
}

/// Writes what was found wherever it is asked for.
pub(super) fn report(
    args: &CheckArgs,
    color: bool,
    checked: &Checked,
    progress: &Progress,
) -> Result<Verdict, Failure> {
    progress.enter("writing findings");
    let selection = Selection { select: args.select.clone(), ignore: args.ignore.clone() };
    let mut choice = Choice { selection, baseline: None };
    if let Some(path) = &args.baseline {
        let baseline = if args.write_baseline {
            // All warnings, also those that aren't shown.
            let baseline = Baseline::of(&Findings::of(checked));
            baseline.write(path)?;
            eprintln!("{} written to `{}`", count(baseline.len(), "finding"), path.display());
            baseline
        } else {
            Baseline::read(path)?
        };
        choice.baseline = Some(baseline);
    }
    let mut findings = Findings::chosen(checked, &choice, args.fail_on);
    if args.statistics {
        findings.took = progress.took();
    }
    for file in &args.output_file {
        // What is kept in files doesn't depend on the terminal.
        let look = Look { color: false, all: args.all, hint: false, width: Some(full::WIDTH) };
        files::stream_whole(&file.path, |out| write(file.format, &findings, look, out))?;
    }
    let look = Look { color, all: args.all, hint: io::stdout().is_terminal(), width: None };
    stream(|out| write(args.format, &findings, look, out))?;
    eprint!("{}", left_out(args, &findings));
    if args.statistics {
        eprint!("{}", statistics::text(&findings, &progress.took()));
    }
    Ok(verdict(&findings, args.require_decided))
}

/// What `--ignore` and the baseline could not do, or do no more.
fn left_out(args: &CheckArgs, findings: &Findings<'_>) -> String {
    /// Entries that are named.
    const NAMED: usize = 10;
    let mut out = String::new();
    if findings.kept > 0 {
        let kept = count(findings.kept, "finding");
        let _ = writeln!(
            out,
            "note: {kept} shown although not selected: errors and BLOCKING conflicts are never left out"
        );
    }
    if let Some(path) = args.baseline.as_ref().filter(|_| !findings.stale.is_empty()) {
        let _ = writeln!(
            out,
            "note: {} of the baseline `{}` found no more; `--write-baseline` takes what is gone out",
            count(findings.stale.len(), "finding"),
            path.display()
        );
        for entry in findings.stale.iter().take(NAMED) {
            let _ = writeln!(out, "  {}: {}", entry.code, entry.about);
        }
        if findings.stale.len() > NAMED {
            let _ = writeln!(out, "  … and {} more", findings.stale.len() - NAMED);
        }
    }
    out
}

/// What was fixed, line by line.
fn told(fixed: &Fixed) -> String {
    let line = |word: &str, done: &Done| {
        let Done { file, place, code, title } = done;
        format!("{word} {file}:{}:{}: {title} ({code})\n", place.line, place.column)
    };
    let mut out: String = fixed.applied.iter().map(|done| line("fixed", done)).collect();
    out.extend(
        fixed
            .refused
            .iter()
            .map(|done| line("not fixed, since more errors or conflicts would be left:", done)),
    );
    let files: BTreeSet<&str> = fixed.applied.iter().map(|done| done.file.as_str()).collect();
    let fixes = count(fixed.applied.len(), "fix").replace("fixs", "fixes");
    let _ = writeln!(out, "{fixes} applied in {}", count(files.len(), "file"));
    if fixed.guesses > 0 {
        let [fixes, them] = if fixed.guesses == 1 { ["fix guesses", "it"] } else { ["fixes guess", "them"] };
        let _ = writeln!(out, "{} more {fixes} what is meant: `--fix=all` applies {them}", fixed.guesses);
    }
    out
}

fn verdict(findings: &Findings<'_>, require_decided: bool) -> Verdict {
    let pairs = &findings.checked.report.pairs;
    match (findings.fail(), require_decided && pairs.undecided + pairs.unexplored_groups > 0) {
        (true, _) => Verdict::Findings,
        (false, true) => Verdict::Undecided,
        (false, false) => Verdict::Clean,
    }
}

/// Writes everything that was found to standard output, for people.
pub(crate) fn show(checked: &Checked, color: bool) -> Result<(), Failure> {
    let look = Look { color, ..Look::default() };
    stream(|out| full::write(&Findings::of(checked), look, out))
}
