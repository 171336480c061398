//! `ordain diff`

use std::path::{Path, PathBuf};
use std::process::Command;

use ordain_analyzer::{Options, Shift, diff};
use ordain_compiler::{Database, compile, workspace};
use ordain_ir::{Policies, Severity};

use crate::Verdict;
use crate::args::{DiffArgs, DiffFailOn, DiffFormat};
use crate::commands::print;
use crate::failure::Failure;
use crate::render::diff as render;
use crate::workspace::read_bundle;

/// Compares what two sets of policies decide.
pub(crate) fn run(args: &DiffArgs) -> Result<Verdict, Failure> {
    let sides = [&args.old, &args.new];
    // A commit holds the folder of the other side.
    let folder = |side: usize| match git_ref(sides[1 - side]) {
        None if Path::new(sides[1 - side]).is_dir() => PathBuf::from(sides[1 - side]),
        _ => PathBuf::from("."),
    };
    let (old, new) = (policies(sides[0], &folder(0))?, policies(sides[1], &folder(1))?);
    let difference = diff(&old, &new, &Options::default()).map_err(Failure::from)?;
    print(&match args.format {
        DiffFormat::Text => render::text(&difference),
        DiffFormat::Markdown => render::markdown(&difference),
        DiffFormat::Json => render::json(&difference),
    })?;
    let fails = match args.fail_on {
        DiffFailOn::Never => false,
        DiffFailOn::Loosened => difference.has(Shift::Loosened),
        DiffFailOn::Any => difference.has(Shift::Loosened) || difference.has(Shift::Tightened),
    };
    // What is undecided may be what was to fail.
    Ok(match (fails, args.fail_on != DiffFailOn::Never && difference.is_undecided()) {
        (true, _) => Verdict::Findings,
        (false, true) => Verdict::Undecided,
        (false, false) => Verdict::Clean,
    })
}

fn git_ref(side: &str) -> Option<&str> {
    side.strip_prefix("git:")
}

/// The policies of a folder, a bundle, or a commit's `folder`.
fn policies(side: &str, folder: &Path) -> Result<Policies, Failure> {
    if let Some(commit) = git_ref(side) {
        let copy = checked_out(commit, folder)?;
        return compiled(&copy.0.path().join(&copy.1), side);
    }
    let path = Path::new(side);
    if path.is_dir() || path.extension().is_some_and(|extension| extension == "ordain") {
        return compiled(path, side);
    }
    Ok(read_bundle(path)?.0.policies)
}

fn compiled(path: &Path, side: &str) -> Result<Policies, Failure> {
    let loaded = workspace::load(path).map_err(|problems| {
        let lines = problems.iter().map(|problem| format!("{} ({})", problem.message, problem.code));
        Failure::Other(format!("`{side}`: {}", lines.collect::<Vec<_>>().join("\nerror: ")))
    })?;
    let mut db = Database::default();
    let workspace = loaded.open(&mut db);
    let compiled = compile(&db, workspace);
    let mut errors = compiled.diagnostics.iter().filter(|it| it.severity == Severity::Error);
    if let Some(first) = errors.next() {
        let more = match errors.count() {
            0 => String::new(),
            n => format!(", and {n} more"),
        };
        return Err(Failure::Other(format!(
            "`{side}` has errors, so that it can't be compared: {} ({}){more}; see `ordain check`",
            first.message, first.code
        )));
    }
    Ok(std::sync::Arc::unwrap_or_clone(compiled.policies))
}

/// A copy of a commit's files, and where `folder` is in it. Nothing of the repository is touched.
fn checked_out(commit: &str, folder: &Path) -> Result<(tempfile::TempDir, PathBuf), Failure> {
    let copy = tempfile::tempdir().map_err(Failure::other)?;
    let git = |arguments: &[&str]| -> Result<String, Failure> {
        let output = Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(arguments)
            .env("GIT_INDEX_FILE", copy.path().join(".index"))
            .output()
            .map_err(|reason| Failure::Other(format!("cannot run git for `git:{commit}`: {reason}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Failure::Other(format!("`git:{commit}`: {}", said.trim())));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned())
    };
    // Not to be taken for an option.
    let tree = git(&["rev-parse", "--verify", "--end-of-options", &format!("{commit}^{{tree}}")])?;
    let prefix = git(&["rev-parse", "--show-prefix"])?;
    let top = git(&["rev-parse", "--show-toplevel"])?;
    git(&["-C", &top, "read-tree", &tree])?;
    let target = copy.path().join("tree");
    std::fs::create_dir(&target).map_err(Failure::other)?;
    let into = format!("--prefix={}/", target.display());
    git(&["-C", &top, "checkout-index", "--all", &into])?;
    let inside = target.join(prefix);
    if !inside.is_dir() {
        return Err(Failure::Other(format!("`git:{commit}` has no folder `{}`", folder.display())));
    }
    let relative = inside.strip_prefix(copy.path()).map(Path::to_path_buf).map_err(Failure::other)?;
    Ok((copy, relative))
}
