//! `test --format json`: one object, described by `docs/test.schema.json`. It holds no time and no machine's path, so
//! the same input gives the same bytes.

use std::collections::{BTreeMap, BTreeSet};

use ordain_engine::Decision;
use ordain_ir::request::RequestJson;
use ordain_ir::{FactName, Outcome, Place, PolicyName};
use serde::Serialize;

use crate::render::coverage::json::{CoverageOut, gather};
use crate::render::json::{DiagnosticOut, diagnostic};
use crate::testing::run::{TestRun, Unmet};
use crate::testing::session::{Suite, Totals};
use crate::texts::Texts;

/// Version of the object's shape.
const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Output<'a> {
    schema_version: u32,
    summary: Totals,
    diagnostics: Vec<DiagnosticOut<'a>>,
    tests: Vec<TestOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<CoverageOut<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Passed,
    Failed,
}

#[derive(Serialize)]
struct TestOut<'a> {
    workspace: &'a str,
    package: &'a str,
    name: &'a str,
    file: &'a str,
    #[serde(flatten)]
    place: Place,
    status: Status,
    request: RequestJson,
    /// What counters held before, as in source.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    used: BTreeMap<&'a PolicyName, String>,
    expectations: Vec<ExpectationOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'a Decision>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct ExpectationOut<'a> {
    outcome: Outcome,
    by: &'a BTreeSet<PolicyName>,
    not_by: &'a BTreeSet<PolicyName>,
    #[serde(flatten)]
    place: Place,
    met: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<MissingOut<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    unwanted: &'a [PolicyName],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    not_given: BTreeMap<&'a FactName, serde_json::Value>,
}

#[derive(Serialize)]
struct MissingOut<'a> {
    policy: &'a PolicyName,
    reason: String,
}

/// Writes what came of the tests, and what they reach if that is to stand here.
pub(crate) fn render(suites: &[Suite], coverage: bool) -> String {
    let all = |suite| -> Vec<TestOut<'_>> { test_outs(suite) };
    let output = Output {
        schema_version: SCHEMA_VERSION,
        summary: Totals::of(suites),
        diagnostics: suites
            .iter()
            .flat_map(|suite| {
                let texts: Texts<'_> = suite.texts.iter().collect();
                suite.diagnostics.iter().map(move |found| diagnostic(found, None, &texts))
            })
            .collect(),
        tests: suites.iter().flat_map(all).collect(),
        coverage: coverage.then(|| gather(suites)).flatten(),
    };
    serde_json::to_string_pretty(&output).expect("every key is a string and every number is finite") + "\n"
}

fn test_outs(suite: &Suite) -> Vec<TestOut<'_>> {
    suite.runs.iter().map(|run| test(suite, run)).collect()
}

fn test<'a>(suite: &'a Suite, run: &'a TestRun) -> TestOut<'a> {
    let case = &run.case;
    let unmet = |index| run.unmet.iter().find(|unmet| unmet.index == index);
    let expectations =
        (0..case.expectations.len()).map(|index| expectation(run, index, unmet(index))).collect();
    let used = case
        .used
        .iter()
        .filter_map(|(name, value)| Some((name, run.policies.limits.get(name)?.quantity.format(*value))));
    TestOut {
        workspace: &suite.workspace,
        package: &case.package,
        name: &case.name,
        file: &case.site.file,
        place: case.site.place,
        status: if run.passed() { Status::Passed } else { Status::Failed },
        request: asked(run),
        used: used.collect(),
        expectations,
        decision: run.decision.as_ref().ok(),
        error: run.decision.as_ref().err().map(String::as_str),
    }
}

/// The request, so that `ordain eval` takes it: of the facts that the test leaves out only those that a policy reads, as
/// they are all that a bundle knows of.
fn asked(run: &TestRun) -> RequestJson {
    let policies = &run.policies;
    let mut read: BTreeSet<FactName> = run.case.given.clone();
    policies.rules.values().for_each(|rule| rule.condition.collect_facts(&mut read));
    policies.limits.values().for_each(|limit| limit.condition.collect_facts(&mut read));
    let mut request = run.case.request.clone();
    request.facts.retain(|name, _| read.contains(name));
    request.to_json(&policies.facts, &policies.meters)
}

fn expectation<'a>(run: &'a TestRun, index: usize, unmet: Option<&'a Unmet>) -> ExpectationOut<'a> {
    let expected = &run.case.expectations[index];
    let missing = unmet.into_iter().flat_map(|unmet| &unmet.missing);
    let facts = &run.policies.facts;
    let defaults = unmet.into_iter().flat_map(|unmet| &unmet.defaults);
    ExpectationOut {
        outcome: expected.outcome,
        by: &expected.by,
        not_by: &expected.not_by,
        place: expected.site.place,
        met: run.decision.is_ok() && unmet.is_none(),
        missing: missing.map(|(policy, silence)| MissingOut { policy, reason: silence.words() }).collect(),
        unwanted: unmet.map_or(&[], |unmet| &unmet.unwanted),
        not_given: defaults
            .filter_map(|(fact, value)| Some((fact, value.to_json(&facts.get(fact)?.ty))))
            .collect(),
    }
}
