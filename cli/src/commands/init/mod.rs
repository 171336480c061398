//! `ordain init`

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::Verdict;
use crate::args::{InitArgs, Template};
use crate::commands::print;
use crate::failure::Failure;
use crate::files::write_whole;

type Files = &'static [(&'static str, &'static str)];

/// The files of a small workspace; `NAME` stands for its name.
const MINIMAL: Files = &[
    ("ordain.yaml", include_str!("minimal/ordain.yaml")),
    ("policies/support.ordain", include_str!("minimal/support.ordain")),
    ("request.json", include_str!("minimal/request.json")),
];

/// Those of one that several teams share.
const TEAM: Files = &[
    ("ordain.yaml", include_str!("team/ordain.yaml")),
    ("platform/facts.ordain", include_str!("team/facts.ordain")),
    ("platform/platform.ordain", include_str!("team/platform.ordain")),
    ("support/support.ordain", include_str!("team/support.ordain")),
    ("billing/billing.ordain", include_str!("team/billing.ordain")),
    ("CODEOWNERS", include_str!("team/CODEOWNERS")),
    ("request.json", include_str!("team/request.json")),
];

/// The gate.
const CI: Files = &[
    (".github/workflows/policies.yml", include_str!("ci/policies.yml")),
    (".gitlab-ci.yml", include_str!("ci/gitlab-ci.yml")),
];

/// The files of a template, and what they are.
fn files(template: Template) -> (Vec<(&'static str, &'static str)>, &'static str) {
    match template {
        Template::Minimal => (MINIMAL.to_vec(), "a workspace with a rule, a limit and two tests"),
        Template::Team => (TEAM.to_vec(), "a workspace of three teams"),
        Template::Ci => ([MINIMAL, CI].concat(), "a workspace with a rule, a limit, two tests and the gate"),
    }
}

/// Writes a workspace that passes `check` and `test`. Replaces no file unless it is told to.
pub(crate) fn run(args: &InitArgs) -> Result<Verdict, Failure> {
    let here = args.folder == Path::new(".");
    let folder = if here { Path::new("") } else { &*args.folder };
    let (files, what) = files(args.template);
    // Before anything is written, so that no half of a workspace is left.
    for (name, _) in &files {
        let path = folder.join(name);
        let Ok(there) = path.symlink_metadata() else { continue };
        if !args.force {
            return Err(Failure::Other(format!(
                "`{}` is there already, and is not replaced; name another folder, move it away, or say --force",
                path.display()
            )));
        }
        if !there.is_file() {
            return Err(Failure::Other(format!(
                "`{}` is no file, and is not replaced; name another folder, or move it away",
                path.display()
            )));
        }
    }
    let name = name_of(&args.folder);
    let mut written: Vec<PathBuf> = vec![];
    for (file, text) in &files {
        let path = folder.join(file);
        let new = !path.exists();
        if let Err(failure) = write(&path, &text.replace("NAME", &name), args.force) {
            for path in written {
                let _ = fs::remove_file(path);
            }
            return Err(failure);
        }
        // What was there before is not taken away.
        written.extend(new.then_some(path));
    }
    let files: Vec<_> = files.iter().map(|(file, _)| format!("  {}", folder.join(file).display())).collect();
    let files = files.join(
        "
",
    );
    let enter =
        if here { String::new() } else { format!("  cd {}\n", quoted(&folder.display().to_string())) };
    print(&format!(
        "{what}:\n{files}\n\nnext:\n{enter}  ordain check               proves that \
         nothing contradicts itself\n  ordain test                runs the tests\n  ordain eval . request.json decides a \
         request, and says why\n"
    ))?;
    Ok(Verdict::Clean)
}

/// The folder's name as that of the workspace: in YAML, in quotation marks where it is more than letters.
fn name_of(folder: &Path) -> String {
    let whole = fs::canonicalize(folder).or_else(|_| std::path::absolute(folder)).unwrap_or_default();
    let name =
        whole.file_name().map_or_else(|| "policies".into(), |name| name.to_string_lossy().into_owned());
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(plain) {
        name
    } else {
        serde_json::Value::from(name).to_string()
    }
}

/// A word of a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

fn write(path: &Path, text: &str, replace: bool) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(path);
    if replace {
        fs::create_dir_all(folder).map_err(|reason| Failure::Write { path: path.to_owned(), reason })?;
        return write_whole(path, text.as_bytes());
    }
    let file =
        fs::create_dir_all(folder).and_then(|()| OpenOptions::new().write(true).create_new(true).open(path));
    let written = file.and_then(|mut file| {
        let written = file.write_all(text.as_bytes());
        if written.is_err() {
            let _ = fs::remove_file(path);
        }
        written
    });
    written.map_err(|reason| Failure::Write { path: path.to_owned(), reason })
}
