//! `ordain init`

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::Verdict;
use crate::args::InitArgs;
use crate::commands::print;
use crate::failure::Failure;

/// The files of a new workspace; `NAME` stands for its name.
const FILES: [(&str, &str); 3] = [
    ("ordain.yaml", include_str!("ordain.yaml")),
    ("policies/support.ordain", include_str!("support.ordain")),
    ("request.json", include_str!("request.json")),
];

/// Writes a small workspace that passes `check` and `test`. Never replaces a file.
pub(crate) fn run(args: &InitArgs) -> Result<Verdict, Failure> {
    let here = args.folder == Path::new(".");
    let folder = if here { Path::new("") } else { &*args.folder };
    // Before anything is written, so that no half of a workspace is left.
    for (name, _) in FILES {
        let path = folder.join(name);
        if path.symlink_metadata().is_ok() {
            return Err(Failure::Other(format!(
                "`{}` is there already, and is not replaced; name another folder, or move it away",
                path.display()
            )));
        }
    }
    let name = name_of(&args.folder);
    let mut written: Vec<PathBuf> = vec![];
    for (file, text) in FILES {
        let path = folder.join(file);
        if let Err(failure) = write(&path, &text.replace("NAME", &name)) {
            for path in written {
                let _ = fs::remove_file(path);
            }
            return Err(failure);
        }
        written.push(path);
    }
    let files = FILES.map(|(file, _)| format!("  {}\n", folder.join(file).display())).concat();
    let enter =
        if here { String::new() } else { format!("  cd {}\n", quoted(&folder.display().to_string())) };
    print(&format!(
        "a workspace with a rule, a limit and two tests:\n{files}\nnext:\n{enter}  ordain check               proves that \
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

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(path);
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
