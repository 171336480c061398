//! `ordain test`

#![expect(
    clippy::print_stderr,
    reason = "where standard output is for programs, errors in the sources go there"
)]

use crate::Verdict;
use crate::args::{CoverageFormat, TestArgs, TestFormat};
use crate::commands::print;
use crate::failure::Failure;
use crate::render::terminal::Terminal;
use crate::render::test::text::Text;
use crate::render::test::{json, junit};
use crate::render::{count, coverage};
use crate::testing::discover;
use crate::testing::filter::Filter;
use crate::testing::session::{Suite, Totals};

/// Runs the tests of the policies, and writes what came of them.
pub(crate) fn run(args: &TestArgs, color: bool) -> Result<Verdict, Failure> {
    let within = results_hold_coverage(args)?;
    let suites = discover::select(&args.paths)?
        .into_iter()
        .map(|selection| selection.run(&args.filter, args.coverage.is_some()))
        .collect::<Result<Vec<Suite>, Failure>>()?;
    let broken = suites.iter().any(|suite| suite.errors() > 0);
    let totals = Totals::of(&suites);
    if totals.tests == 0 && totals.skipped > 0 && !args.filter.is_empty() && !broken {
        return Err(nothing_fits(&args.filter, totals.skipped));
    }
    match args.format {
        TestFormat::Text => print(&text(&suites, within, color, args.verbose))?,
        TestFormat::Json => print(&json::render(&suites, within))?,
        TestFormat::Junit if broken => eprint!("{}", findings(&suites, false)),
        TestFormat::Junit => print(&junit::render(&suites))?,
    }
    if let (Some(format), Some(path)) = (args.coverage, &args.coverage_output) {
        let text = match format {
            CoverageFormat::Text => coverage::text::render(&suites),
            CoverageFormat::Json => coverage::json::render(&suites),
            CoverageFormat::Lcov => coverage::lcov::render(&suites),
        };
        std::fs::write(path, text).map_err(|reason| Failure::Write { path: path.clone(), reason })?;
    }
    if broken {
        return Err(not_run(&suites));
    }
    Ok(if totals.failed > 0 { Verdict::Findings } else { Verdict::Clean })
}

/// Whether coverage goes where the results go; refuses what would mix two formats there.
fn results_hold_coverage(args: &TestArgs) -> Result<bool, Failure> {
    match (args.coverage, args.format) {
        (None, _) => Ok(false),
        (Some(_), _) if args.coverage_output.is_some() => Ok(false),
        (Some(CoverageFormat::Text), TestFormat::Text)
        | (Some(CoverageFormat::Text | CoverageFormat::Json), TestFormat::Json) => Ok(true),
        (Some(format), _) => Err(Failure::Other(format!(
            "`--coverage={format}` needs `--coverage-output FILE`: standard output holds the results"
        ))),
    }
}

fn text(suites: &[Suite], within: bool, color: bool, verbose: bool) -> String {
    let mut out = findings(suites, color);
    if suites.iter().any(|suite| suite.errors() == 0) {
        out.push_str(&Text::new(color, verbose).results(suites));
    }
    if within {
        out.push_str(&coverage::text::render(suites));
    }
    out
}

/// What keeps tests from being run; other findings are for `check`.
fn findings(suites: &[Suite], color: bool) -> String {
    let terminal = Terminal::new(color);
    let mut out = String::new();
    for suite in suites.iter().filter(|suite| suite.errors() > 0) {
        let texts = suite.texts.iter().collect();
        for found in suite.diagnostics.iter().filter(|found| found.severity == ordain_ir::Severity::Error) {
            out.push_str(&terminal.draw(found, &texts));
            out.push('\n');
        }
    }
    out
}

fn nothing_fits(filters: &[Filter], tests: usize) -> Failure {
    let filters: Vec<String> = filters.iter().map(|filter| format!("`--filter {filter}`")).collect();
    let fit = if filters.len() == 1 { "fits" } else { "fit" };
    Failure::Other(format!("{} {fit} none of {}", filters.join(" and "), count(tests, "test")))
}

fn not_run(suites: &[Suite]) -> Failure {
    let broken = suites.iter().filter(|suite| suite.errors() > 0);
    let broken: Vec<String> = match suites {
        [one] => vec![format!("the policies have {}", count(one.errors(), "error"))],
        _ => broken.map(|it| format!("`{}` has {}", it.workspace, count(it.errors(), "error"))).collect(),
    };
    let which = if suites.len() == 1 { "no test was run" } else { "some tests were not run" };
    Failure::Other(format!("{which}, since {}", broken.join(" and ")))
}
