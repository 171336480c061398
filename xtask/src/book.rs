//! `book`: the documentation in `docs/` as HTML.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    failure::{Failure, Outcome},
    process,
    repository::Repository,
};

/// The version of mdBook that makes the HTML, the same for everybody.
const MDBOOK: &str = "0.5.4";

/// Makes the HTML in `target/book`, fetching mdBook the first time.
pub(crate) fn run(repository: &Repository) -> Outcome {
    let program = mdbook(repository)?;
    let html = repository.root().join("target/book");
    let mut build = Command::new(program);
    build.current_dir(repository.root()).args(["build", "docs", "--dest-dir"]).arg(&html);
    process::run(&mut build)?;
    println!("the book is in {}", html.join("index.html").display());
    Ok(())
}

/// mdBook in the pinned version, built into `target/tools` if it isn't there yet.
fn mdbook(repository: &Repository) -> Outcome<PathBuf> {
    let folder = repository.root().join("target/tools");
    let program = folder.join("bin/mdbook");
    if is_pinned(&program) {
        return Ok(program);
    }
    println!("mdBook {MDBOOK} is built once, into `target/tools`");
    // Searching is all that the pages need of its features; serving and watching would build a web server.
    let features = ["--no-default-features", "--features", "search"];
    let mut install = repository.cargo(&["install", "mdbook", "--version", MDBOOK, "--locked", "--force"]);
    install.args(features).arg("--root").arg(&folder);
    // Whatever is built elsewhere, this goes beside what it makes.
    install.env("CARGO_TARGET_DIR", folder.join("build"));
    process::run(&mut install).map_err(|failure| Failure {
        message: format!(
            "{}\n  mdBook {MDBOOK} can't be installed; this needs crates.io or a mirror of it, once",
            failure.message
        ),
        ..failure
    })?;
    if is_pinned(&program) {
        return Ok(program);
    }
    Err(Failure::new(format!("`{}` is not mdBook {MDBOOK} though cargo installed it", program.display())))
}

fn is_pinned(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| says_pinned(&String::from_utf8_lossy(&output.stdout)))
}

/// Whether this is what `mdbook --version` prints in the pinned version.
fn says_pinned(text: &str) -> bool {
    text.trim().strip_prefix("mdbook v") == Some(MDBOOK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_pinned_version_will_do() {
        assert!(says_pinned(&format!("mdbook v{MDBOOK}\n")));
        assert!(!says_pinned(&format!("mdbook v{MDBOOK}1\n")));
        assert!(!says_pinned(""));
        assert!(!is_pinned(Path::new("no/such/mdbook")));
    }
}
