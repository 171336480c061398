//! `ci`: all that a change has to pass, in one command.

use std::time::{Duration, Instant};

use crate::{
    dependencies,
    failure::{Failure, Outcome},
    fuzz, process,
    repository::Repository,
    test,
};

/// One thing to pass.
type Step = (&'static str, fn(&Repository) -> Outcome);

/// The tests first: they tell most, and what they build the others use.
const STEPS: [Step; 7] = [
    ("tests", |repository| test::run(repository, &[])),
    ("format", |repository| process::run(&mut repository.cargo(&["fmt", "--all", "--check"]))),
    ("lints", |repository| {
        let lints = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        process::run(&mut repository.cargo(&lints))
    }),
    // Behind a feature, since its libraries take long to build.
    ("traces", |repository| {
        let with = ["--workspace", "--features", "ordain/traces"];
        process::run(repository.cargo(&["test"]).args(with).args(["--test", "traces"]))?;
        let lints = ["--all-targets", "--", "-D", "warnings"];
        process::run(repository.cargo(&["clippy"]).args(with).args(lints))
    }),
    ("documentation", |repository| {
        let mut doc = repository.cargo(&["doc", "--workspace", "--no-deps"]);
        process::run(doc.env("RUSTDOCFLAGS", "-D warnings"))
    }),
    ("fuzz", fuzz::briefly),
    ("dependencies", dependencies::run),
];

/// Takes all steps, up to the first that fails.
pub(crate) fn run(repository: &Repository) -> Outcome {
    let outcome = take(&STEPS, repository);
    let (durations, result) = outcome;
    println!();
    for (name, duration) in durations {
        println!("{name:<14} {:>7.1} s", duration.as_secs_f64());
    }
    result
}

fn take(steps: &[Step], repository: &Repository) -> (Vec<(&'static str, Duration)>, Outcome) {
    let mut durations = Vec::new();
    for (index, (name, step)) in steps.iter().enumerate() {
        println!("\n== {name} ({} of {})", index + 1, steps.len());
        let started = Instant::now();
        let outcome = step(repository);
        durations.push((*name, started.elapsed()));
        if let Err(Failure { message, code }) = outcome {
            let failure = Failure { message: format!("the step `{name}` failed: {message}"), code };
            return (durations, Err(failure));
        }
    }
    (durations, Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_at_the_first_failure_and_names_it() {
        let steps: [Step; 3] = [
            ("one", |_| Ok(())),
            ("two", |_| Err(Failure::new("too bad"))),
            ("three", |_| panic!("not after a failure")),
        ];
        let (durations, outcome) = take(&steps, &Repository::find().unwrap());
        assert_eq!(durations.len(), 2);
        assert_eq!(outcome.unwrap_err().message, "the step `two` failed: too bad");
    }
}
