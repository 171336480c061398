//! What `ordain check` shows of what it finds, and how: through the built binary.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

mod cache;
mod formats;
mod groups;
mod junit;
mod selection;
#[path = "../support/mod.rs"]
mod support;
mod terminal;
mod watch;

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;
use support::{Run, run, workspace};

/// Checks a folder.
fn check(folder: &Path, args: &[&str]) -> Run {
    let args = args.iter().map(OsStr::new);
    run([OsStr::new("check"), folder.as_os_str()].into_iter().chain(args))
}

/// What a check finds, by the JSON that has a schema of its own.
fn found(folder: &Path) -> Value {
    check(folder, &["--format=json"]).json()
}

/// A rule that audits everything, so many that block something of it, a pair of limits that contradict each other, a
/// template whose rules overlap with others, and a `let` that nobody uses.
fn crowded(rules: usize) -> tempfile::TempDir {
    let mut teams = "package acme.teams\nuse std.facts.*\nuse acme.base.*\n\n".to_owned();
    for number in 0..rules {
        let _ = write!(
            teams,
            "rule team-{number} {{\n  type safety\n  enforce block\n  scope project acme/team-{number}\n  \
             when tool.name == \"export\"\n}}\n\n"
        );
    }
    for number in 0..5 {
        let _ = writeln!(teams, "apply note(team = acme/team-{number}) as note-{number}");
    }
    workspace(&[
        ("ordain.yaml", "name: crowded\n"),
        (
            "base.ordain",
            "package acme.base\nuse std.facts.*\n\nlet idle = run.attended\n\n\
             rule hub {\n  type safety\n  enforce audit\n  scope tenant acme\n}\n\n\
             template note(team: project) {\n  rule warn {\n    type safety\n    enforce warn\n    scope team\n  \
             when tool.name == \"export\"\n  }\n}\n",
        ),
        (
            "limits.ordain",
            "package acme.limits\n\nlimit floor {\n  type runs_daily\n  at least 500\n  enforce reject\n  scope tenant acme\n}\n\n\
             limit cap {\n  type runs_hourly\n  at most 20\n  enforce block\n  scope tenant acme\n}\n",
        ),
        ("teams.ordain", &teams),
    ])
}
