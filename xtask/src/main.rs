//! Set-up, test, demo, measurements and the checks of continuous integration: `cargo xtask <verb>`.
//!
//! It depends on nothing of the project and on little else, so that a fresh checkout gets here fast.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for developers talks to its terminal")]

mod bench;
mod book;
mod ci;
mod demo;
mod dependencies;
mod editor;
mod failure;
mod fuzz;
mod install;
mod loopback;
mod oracle;
mod postgres;
mod process;
mod repository;
mod schemathesis;
mod setup;
mod temporary;
mod test;
mod wheel;

use std::{env, ffi::OsString, process::ExitCode};

use failure::{Failure, Outcome};
use repository::Repository;

const USAGE: &str = "\
usage: cargo xtask <verb>

  setup              fetch Z3 and cvc5 into `third_party`; the other verbs do this first
  test [ARG…]        run all tests, with a PostgreSQL of their own; ARG goes to `cargo test`
  demo               build `ordain` and show what it does with the examples
  ci                 all that a change has to pass: tests, format, lints, documentation, dependencies
  bench [NAME…]      measure in release: `compiler`, `analyzer`, `runtime`, `engine`; all where none is named. `--quick`
                     takes seconds
  oracle [NAME…]     hold the product against second opinions, at length: `engine`, `analyzer`, `runtime`,
                     `http`; `--cases N`, `--seed S`, `--quick`
  book               make the documentation's HTML, with an mdBook that is built the first time
  fuzz [ARG…]        try random texts on parser, formatter and compiler; `--help` says what ARG may be
  dependencies       check licences, sources and deadlines against `deny.toml`
  postgres -- CMD…   run a command with a private PostgreSQL in `ORDAIN_TEST_POSTGRES_URL`
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.code)
        }
    }
}

fn run() -> Outcome {
    let arguments = env::args_os().skip(1).map(|argument| {
        let not_text =
            |argument: OsString| Failure::new(format!("the argument `{}` is not UTF-8", argument.display()));
        argument.into_string().map_err(not_text)
    });
    let arguments = arguments.collect::<Outcome<Vec<String>>>()?;
    let Some((verb, rest)) = arguments.split_first() else {
        return Err(Failure { message: format!("no verb given\n\n{USAGE}"), code: 2 });
    };
    if ["help", "--help", "-h"].contains(&verb.as_str()) {
        print!("{USAGE}");
        return Ok(());
    }
    process::listen_for_signals()?;
    let repository = Repository::find()?;
    let alone = |work: fn(&Repository) -> Outcome| match rest.first() {
        None => work(&repository),
        Some(extra) => {
            Err(Failure { message: format!("`{verb}` takes no argument such as `{extra}`"), code: 2 })
        }
    };
    match verb.as_str() {
        "setup" => alone(setup::all),
        "test" => test::run(&repository, rest),
        "demo" => alone(demo::run),
        "ci" => alone(ci::run),
        "bench" => bench::run(&repository, rest),
        "oracle" => oracle::run(&repository, rest),
        "book" => alone(book::run),
        "fuzz" => fuzz::run(&repository, rest),
        "dependencies" => alone(dependencies::run),
        "postgres" => postgres::run(&repository, rest),
        _ => Err(Failure { message: format!("there is no verb `{verb}`\n\n{USAGE}"), code: 2 }),
    }
}
