//! `postgres`: a private PostgreSQL for as long as a command runs. Tests use the same.

mod account;
mod binaries;
mod cluster;

use std::{env, process::Command};

use crate::{
    failure::{Failure, Outcome},
    process,
    repository::Repository,
};
use cluster::Cluster;
pub(crate) use cluster::Durability;

/// The variable that tells tests which database is theirs.
const VARIABLE: &str = "ORDAIN_TEST_POSTGRES_URL";

/// Runs the given command with a database, and ends with its exit code.
pub(crate) fn run(repository: &Repository, arguments: &[String]) -> Outcome {
    let arguments = arguments.strip_prefix(&["--".to_owned()]).unwrap_or(arguments);
    let Some((program, arguments)) = arguments.split_first() else {
        return Err(Failure::new(
            "name the command to run, as in `cargo xtask postgres -- cargo test -p ordain-store-postgres`",
        ));
    };
    with_database(repository, Durability::None, |database| {
        let status = process::status(Command::new(program).args(arguments).envs(database))?;
        if status.success() {
            return Ok(());
        }
        let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
        Err(Failure { message: format!("`{program}` failed ({status})"), code })
    })
}

/// What to add to the environment of a program that needs the database; nothing, if it is there already.
pub(crate) type Variable = Option<(&'static str, String)>;

/// Starts a database, tells how to reach it, and stops it whatever happens.
pub(crate) fn with_database(
    repository: &Repository,
    durability: Durability,
    work: impl FnOnce(Variable) -> Outcome,
) -> Outcome {
    // Whoever has a server already, as some build services do, saves us the start. Its URL may hold a
    // password, so it isn't repeated in the commands that we show.
    if env::var_os(VARIABLE).is_some_and(|url| !url.is_empty()) {
        println!("using the PostgreSQL that `{VARIABLE}` names");
        return work(None);
    }
    let cluster = Cluster::start(repository, durability)?;
    work(Some((VARIABLE, cluster.url())))
}
