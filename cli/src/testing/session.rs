//! The tests of one or several workspaces, run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use ordain_compiler::Branch;
use ordain_ir::{Diagnostic, PolicyName, Severity};

use super::coverage::Coverage;
use super::run::TestRun;

/// The tests of a workspace.
#[derive(Debug)]
pub(crate) struct Suite {
    /// Name of the workspace.
    pub(crate) workspace: String,
    /// Its folder, as seen from the working directory.
    pub(crate) root: PathBuf,
    /// The paths of its files.
    pub(crate) files: BTreeSet<String>,
    /// Texts by path within the workspace, also those of libraries.
    pub(crate) texts: BTreeMap<String, String>,
    /// What is wrong with its sources.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// The parts of its policies' conditions.
    pub(crate) branches: BTreeMap<PolicyName, Vec<Branch>>,
    /// What came of its tests, by package, file and place; of none if the sources have errors.
    pub(crate) runs: Vec<TestRun>,
    /// How many tests there are that were not asked for.
    pub(crate) skipped: usize,
    /// What the tests reach, if that was asked for.
    pub(crate) coverage: Option<Coverage>,
}

impl Suite {
    /// How many errors the sources have.
    pub(crate) fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count()
    }

    /// The parts of a policy's condition; the policy may be the test's own.
    pub(crate) fn branches<'a>(&'a self, run: &'a TestRun, policy: &PolicyName) -> &'a [Branch] {
        run.branches.get(policy).or_else(|| self.branches.get(policy)).map_or(&[], Vec::as_slice)
    }

    /// The runs of each package, in order.
    pub(crate) fn packages(&self) -> impl Iterator<Item = &[TestRun]> {
        self.runs.chunk_by(|a, b| a.case.package == b.case.package)
    }
}

/// How many tests there are, by what came of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Totals {
    /// That were run.
    pub(crate) tests: usize,
    /// Whose expectations are all met.
    pub(crate) passed: usize,
    /// That have an expectation that is not met, or could not be decided.
    pub(crate) failed: usize,
    /// That the filter, or the paths, left out.
    pub(crate) skipped: usize,
}

impl Totals {
    /// Of these suites.
    pub(crate) fn of(suites: &[Suite]) -> Self {
        let runs = || suites.iter().flat_map(|suite| &suite.runs);
        let (tests, passed) = (runs().count(), runs().filter(|run| run.passed()).count());
        let skipped = suites.iter().map(|suite| suite.skipped).sum();
        Self { tests, passed, failed: tests - passed, skipped }
    }
}
