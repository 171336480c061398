//! Schemathesis, which makes requests out of an OpenAPI document: installed by pip into `target/tools`, once.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    failure::{Failure, Outcome},
    process,
    repository::Repository,
};

/// Its version, the same for everybody; what it depends on is as new as pip finds it.
const VERSION: &str = "4.32.5";

/// The program, which only tests use, and only as another process.
pub(crate) fn program(repository: &Repository) -> Outcome<PathBuf> {
    let folder = repository.root().join("target/tools/schemathesis");
    let program = folder.join("bin/schemathesis");
    if is_pinned(&program) {
        return Ok(program);
    }
    println!("Schemathesis {VERSION} is installed once, into `target/tools/schemathesis`");
    let need = format!("schemathesis=={VERSION}");
    let quiet = ["--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
    // Anew: half an environment, or one of another Python, would stand in the way.
    process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
        .and_then(|()| {
            process::run(Command::new(folder.join("bin/python")).args(["-m", "pip", "install"]).args(quiet).arg(&need))
        })
        .map_err(|failure| Failure {
            message: format!(
                "{}\n  Schemathesis {VERSION} can't be installed; this needs Python 3.10 or newer with `venv` (on Debian \
                 `apt-get install python3-venv`), and PyPI or a mirror of it, once",
                failure.message
            ),
            ..failure
        })?;
    if is_pinned(&program) {
        return Ok(program);
    }
    Err(Failure::new(format!(
        "`{}` is not Schemathesis {VERSION} though pip installed it",
        program.display()
    )))
}

fn is_pinned(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| says_pinned(&String::from_utf8_lossy(&output.stdout)))
}

/// Whether this is what `schemathesis --version` prints in the pinned version.
fn says_pinned(text: &str) -> bool {
    text.trim().strip_prefix("schemathesis, version ") == Some(VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_pinned_version_will_do() {
        assert!(says_pinned(&format!("schemathesis, version {VERSION}\n")));
        assert!(!says_pinned(&format!("schemathesis, version {VERSION}1\n")));
        assert!(!says_pinned(""));
        assert!(!is_pinned(Path::new("no/such/schemathesis")));
    }
}
