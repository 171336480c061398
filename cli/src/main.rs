//! `ordain`: checks, builds and serves policies for AI agents.

#![expect(clippy::print_stderr, reason = "this is the program that talks to the terminal")]

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Color, Command};

mod args;
mod clock;
mod commands;
mod config;
mod failure;
mod files;
mod findings;
mod fixing;
mod gate;
mod interrupt;
mod logging;
mod progress;
mod random;
mod render;
mod repairs;
mod scenario;
mod signing;
mod simulation;
mod testing;
mod texts;
mod workspace;

/// An analysis makes and drops millions of small things, at which the usual allocator is slower.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a command found, as an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing that fails.
    Clean,
    /// Findings, an unexpected outcome.
    Findings,
    /// Something is undecided, and that was to fail.
    Undecided,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        Self::from(match verdict {
            Verdict::Clean => 0,
            Verdict::Findings => 1,
            Verdict::Undecided => 3,
        })
    }
}

fn main() -> ExitCode {
    report_bugs();
    let args = Args::parse();
    let color = match args.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()) && std::io::stdout().is_terminal()
        }
    };
    // Those that serve end in order.
    let serves = matches!(args.command, Command::Serve(_) | Command::Lsp(_));
    // Being ended is what a watch waits for.
    let watches = matches!(&args.command, Command::Check(check) if check.watch);
    let ended = if watches { interrupt::as_wanted } else { interrupt::as_shells_do };
    if !serves && let Err(reason) = interrupt::listen(ended) {
        eprintln!("error: signals can't be received: {reason}");
        return ExitCode::from(2);
    }
    let result = match &args.command {
        Command::Init(args) => commands::init::run(args),
        Command::Check(args) => commands::check::run(args, color),
        Command::Fmt(args) => commands::fmt::run(args, color),
        Command::Test(args) => commands::test::run(args, color),
        Command::Explain(args) => commands::explain::run(args, color),
        Command::Build(args) => commands::build::run(args, color),
        Command::Keygen(args) => commands::keygen::run(args),
        Command::Inspect(args) => commands::inspect::run(args),
        Command::Verify(args) => commands::verify::run(args),
        Command::Eval(args) => commands::eval::run(args, color),
        Command::Simulate(args) => commands::simulate::run(args, color),
        Command::Diff(args) => commands::diff::run(args),
        Command::Graph(args) => commands::graph::run(args, color),
        Command::Lsp(args) => return commands::lsp::run(args),
        Command::Serve(args) => commands::serve::run(args, color),
        Command::Config(args) => commands::config::run(args),
        Command::Healthcheck(args) => commands::healthcheck::run(args),
        Command::Scenario(args) => commands::scenario::run(args),
        Command::Apikey(args) => commands::apikey::run(args),
        Command::Completions(args) => commands::install::completions(args),
        Command::Man(args) => commands::install::man(args),
        Command::Doctor(args) => commands::doctor::run(args),
    };
    match result {
        Ok(verdict) => verdict.into(),
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

/// A panic is a bug of ours: say so, and how to report it. The exit code is then 101.
fn report_bugs() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        default(info);
        eprintln!(
            "\nthis is a bug in ordain {}, not in your policies. Please report it with the lines above at {}/issues",
            env!("CARGO_PKG_VERSION"),
            env!("CARGO_PKG_REPOSITORY"),
        );
    }));
}
