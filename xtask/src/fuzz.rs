//! `fuzz`: random texts against the parser, the formatter and the compiler.

use crate::{failure::Outcome, process, repository::Repository};

/// Builds what tries texts, and runs it with these arguments.
pub(crate) fn run(repository: &Repository, arguments: &[String]) -> Outcome {
    let mut fuzz = repository.cargo(&["run", "--quiet", "--package", "ordain-fuzz", "--bin", "fuzz", "--"]);
    process::run(fuzz.args(arguments))
}

/// What every change has to pass: always the same texts.
pub(crate) fn briefly(repository: &Repository) -> Outcome {
    run(repository, &["--inputs".to_owned(), "2000".to_owned()])
}
