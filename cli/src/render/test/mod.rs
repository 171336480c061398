//! What came of tests: for people, for programs, for continuous integration.

pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod text;

use ordain_ir::{Expectation, PolicyName};

use crate::testing::run::TestRun;
use crate::testing::words::{listed, name_in};

/// Policies by the names that the test's package gives them.
fn names<'a>(run: &'a TestRun, names: impl IntoIterator<Item = &'a PolicyName>) -> String {
    listed(names.into_iter().map(|name| name_in(&run.policies, name, &run.case.package)))
}

/// Outcome and policies of an expectation: BLOCK by `a`, not by `b`.
fn wanted(run: &TestRun, expected: &Expectation) -> String {
    let mut text = expected.outcome.to_string();
    if !expected.by.is_empty() {
        text = format!("{text} by {}", names(run, &expected.by));
    }
    if !expected.not_by.is_empty() {
        text = format!(
            "{text}{} not by {}",
            if expected.by.is_empty() { "" } else { "," },
            names(run, &expected.not_by)
        );
    }
    text
}

/// Outcome and policies of a decision: WARN by `a`, or ALLOW where nobody said a thing.
fn decided(run: &TestRun) -> String {
    match &run.decision {
        Ok(decision) => {
            let deciders: Vec<&PolicyName> = decision.deciders().collect();
            let by =
                if deciders.is_empty() { String::new() } else { format!(" by {}", names(run, deciders)) };
            format!("{}{by}", decision.outcome)
        }
        Err(reason) => reason.clone(),
    }
}
