//! `ordain scenario`

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use ordain_runtime::{ApiClient, Random as _};
use serde_json::{Value, json};

use crate::Verdict;
use crate::args::{ScenarioArgs, ScenarioCommand, ScenarioRunArgs, TextOrJson};
use crate::commands::print;
use crate::failure::Failure;
use crate::random::SystemRandom;
use crate::scenario::{Driver, Outcome, Scenario, read};

/// Who says what was seen.
const OPERATOR: &str = "operator";

/// Drives a running server through scenarios.
pub(crate) fn run(args: &ScenarioArgs) -> Result<Verdict, Failure> {
    let ScenarioCommand::Run(args) = &args.command;
    // All of them before the first request: a mistake in the last would leave half of the work done.
    let scenarios: Vec<_> = args.files.iter().map(|file| read(file)).collect::<Result<_, _>>()?;
    let client = ApiClient::new(&args.server, args.authorities.as_deref()).map_err(Failure::other)?;
    let driver = Driver::new(client, keys(args)?)?;
    let mut done = vec![];
    for scenario in &scenarios {
        let outcome = driver.run(scenario, &word())?;
        if args.promote && outcome.passed && !scenario.capabilities.is_empty() {
            driver.promote(scenario, OPERATOR)?;
        }
        if args.format == TextOrJson::Text {
            print(&told(scenario, &outcome, args.promote))?;
        }
        done.push((scenario, outcome));
    }
    let passed = done.iter().filter(|(_, outcome)| outcome.passed).count();
    match args.format {
        TextOrJson::Text => {
            let (all, s) = (done.len(), if done.len() == 1 { "" } else { "s" });
            let failed = if passed == all { String::new() } else { format!(", {} failed", all - passed) };
            print(&format!("{all} scenario{s}: {passed} passed{failed}\n"))?;
        }
        TextOrJson::Json => {
            let items: Vec<_> =
                done.iter().map(|(scenario, outcome)| listed(scenario, outcome, args.promote)).collect();
            let summary = json!({ "scenarios": items, "passed": passed, "failed": done.len() - passed });
            print(&format!("{summary:#}\n"))?;
        }
    }
    Ok(if passed == done.len() { Verdict::Clean } else { Verdict::Findings })
}

/// A word that no other run has.
fn word() -> String {
    let mut bytes = [0; 8];
    SystemRandom.fill(&mut bytes);
    bytes.iter().fold(String::new(), |mut word, byte| {
        let _ = write!(word, "{byte:02x}");
        word
    })
}

/// The keys, by the names of those who ask.
fn keys(args: &ScenarioRunArgs) -> Result<BTreeMap<Option<String>, String>, Failure> {
    let mut keys = BTreeMap::new();
    for said in &args.key {
        let (name, file) = match said.split_once('=') {
            Some((name, file)) => (Some(name.to_owned()), Path::new(file)),
            None => (None, Path::new(said)),
        };
        let key = std::fs::read_to_string(file)
            .map_err(|reason| Failure::Read { path: file.to_owned(), reason })?;
        if keys.insert(name, key.trim().to_owned()).is_some() {
            return Err(Failure::Other(format!("`--key {said}`: there is another key for the same name")));
        }
    }
    Ok(keys)
}

fn told(scenario: &Scenario, outcome: &Outcome, promote: bool) -> String {
    let mut text = scenario.name.clone();
    if let Some(title) = &scenario.title {
        let _ = write!(text, ": {title}");
    }
    text.push('\n');
    for (step, outcome) in scenario.steps.iter().zip(&outcome.steps) {
        let mark = if outcome.wrong.is_empty() { "ok  " } else { "FAIL" };
        let _ = writeln!(text, "  {mark}  {}", step.name());
        for wrong in &outcome.wrong {
            let _ = writeln!(text, "        {}\n        {wrong}", outcome.request);
        }
    }
    let left = scenario.steps.len() - outcome.steps.len();
    if left > 0 {
        let _ = writeln!(text, "  {left} more step{} not asked", if left == 1 { "" } else { "s" });
    }
    if promote && outcome.passed && !scenario.capabilities.is_empty() {
        let _ = writeln!(text, "  observed  {}", scenario.capabilities.join(", "));
    }
    text
}

fn listed(scenario: &Scenario, outcome: &Outcome, promote: bool) -> Value {
    let steps = scenario.steps.iter().zip(&outcome.steps).map(|(step, outcome)| {
        json!({
            "name": step.name(), "request": outcome.request, "status": outcome.status,
            "wrong": outcome.wrong.iter().map(|it| json!({ "place": it.place, "said": it.said })).collect::<Vec<_>>(),
        })
    });
    json!({
        "scenario": scenario.name, "passed": outcome.passed, "steps": steps.collect::<Vec<_>>(),
        "observed": if promote && outcome.passed { &scenario.capabilities[..] } else { &[] },
    })
}
