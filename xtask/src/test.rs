//! `test`: everything that tests need, then the tests.

use std::{env, ffi::OsString, path::PathBuf};

use crate::{
    failure::{Failure, Outcome},
    postgres::{self, Durability},
    process,
    repository::Repository,
    setup,
};

/// Runs the tests of the workspace, documentation tests included; `arguments` go to `cargo test`.
pub(crate) fn run(repository: &Repository, arguments: &[String]) -> Outcome {
    setup::all(repository)?;
    postgres::with_database(repository, Durability::None, |database| {
        // End-to-end tests run the program itself, which `cargo test` alone doesn't build for them.
        process::run(&mut repository.cargo(&["build", "--workspace", "--bin", "ordain"]))?;
        let picks = |argument: &String| {
            argument.starts_with("-p") || argument == "--package" || argument.starts_with("--package=")
        };
        let cargo_side = arguments.iter().take_while(|argument| *argument != "--");
        let scope: &[&str] = if cargo_side.into_iter().any(picks) { &[] } else { &["--workspace"] };
        let mut test = repository.cargo(&["test"]);
        test.args(scope).args(arguments).envs(database);
        // Documentation tests run from a temporary folder, where the programs' own search path for Z3
        // leads nowhere.
        test.env("LD_LIBRARY_PATH", library_path(repository)?);
        process::run(&mut test)
    })
}

/// The folder of Z3 before whatever the user has set.
pub(crate) fn library_path(repository: &Repository) -> Outcome<OsString> {
    let set = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    // What `cargo run` put there for us, `cargo test` puts there anew; the rest is the user's.
    let mut of_cargo = vec![repository.target()?];
    of_cargo.extend(env::var_os("RUSTUP_HOME").map(PathBuf::from));
    let mut folders = vec![repository.z3_library()];
    folders.extend(env::split_paths(&set).filter(|folder| {
        !folder.as_os_str().is_empty() && !of_cargo.iter().any(|known| folder.starts_with(known))
    }));
    env::join_paths(folders).map_err(|_| {
        let root = repository.root().display();
        Failure::new(format!("`{root}` has a colon in its name, which a search path cannot hold: move it"))
    })
}
