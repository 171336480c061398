//! Coverage for programs; part of what `docs/test.schema.json` describes.

use std::collections::BTreeMap;

use ordain_ir::{Place, PolicyKind};
use serde::Serialize;

use super::percent;
use crate::testing::coverage::{Coverage, Covered, Reached, Share};
use crate::testing::session::Suite;

/// What the tests of all workspaces reach.
#[derive(Serialize)]
pub(crate) struct CoverageOut<'a> {
    summary: Summary,
    policies: Vec<PolicyOut<'a>>,
    files: BTreeMap<String, FileOut>,
}

#[derive(Serialize)]
struct Summary {
    rules: ShareOut,
    limits: ShareOut,
    branches: ShareOut,
    lines: ShareOut,
    covered: ShareOut,
}

/// A share with its percentage, `85.71%`; `-` of nothing.
#[derive(Serialize)]
struct ShareOut {
    #[serde(flatten)]
    share: Share,
    percent: String,
}

impl From<Share> for ShareOut {
    fn from(share: Share) -> Self {
        Self { share, percent: percent(share) }
    }
}

#[derive(Serialize)]
struct PolicyOut<'a> {
    workspace: &'a str,
    kind: PolicyKind,
    name: &'a str,
    file: &'a str,
    #[serde(flatten)]
    place: Place,
    reached: Reached,
    guarantee: bool,
    in_scope: u64,
    in_window: u64,
    in_domain: u64,
    decided: u64,
    branches: Vec<LeafOut<'a>>,
}

#[derive(Serialize)]
struct LeafOut<'a> {
    text: &'a str,
    file: &'a str,
    #[serde(flatten)]
    place: Place,
    #[serde(rename = "true")]
    yes: u64,
    #[serde(rename = "false")]
    no: u64,
}

/// Lines with policies, first to last of each stretch, as `opa test --coverage` has them.
#[derive(Serialize)]
struct FileOut {
    covered: Vec<[u32; 2]>,
    not_covered: Vec<[u32; 2]>,
    lines: ShareOut,
}

/// Gathers what the tests of these workspaces reach; `None` if none was asked.
pub(crate) fn gather(suites: &[Suite]) -> Option<CoverageOut<'_>> {
    let all: Vec<(&Suite, &Coverage)> =
        suites.iter().filter_map(|suite| Some((suite, suite.coverage.as_ref()?))).collect();
    if all.is_empty() {
        return None;
    }
    let sum = |of: &dyn Fn(&Coverage) -> Share| {
        all.iter().map(|(_, coverage)| of(coverage)).fold(Share::default(), std::ops::Add::add)
    };
    let mut files = BTreeMap::new();
    let mut lines = Share::default();
    for (suite, coverage) in &all {
        // Those of libraries lie elsewhere, or nowhere.
        for (file, counts) in coverage.lines().into_iter().filter(|(file, _)| suite.files.contains(*file)) {
            let share =
                Share { covered: counts.values().filter(|count| **count > 0).count(), total: counts.len() };
            lines = lines + share;
            let stretches_where = |covered: bool| {
                stretches(counts.iter().filter(|(_, count)| (**count > 0) == covered).map(|(line, _)| *line))
            };
            let (covered, not_covered) = (stretches_where(true), stretches_where(false));
            let path = suite.root.join(file).to_string_lossy().into_owned();
            files.insert(path, FileOut { covered, not_covered, lines: share.into() });
        }
    }
    Some(CoverageOut {
        summary: Summary {
            rules: sum(&|coverage| coverage.decided(PolicyKind::Rule)).into(),
            limits: sum(&|coverage| coverage.decided(PolicyKind::Limit)).into(),
            branches: sum(&Coverage::branches).into(),
            lines: lines.into(),
            covered: sum(&Coverage::total).into(),
        },
        policies: all
            .iter()
            .flat_map(|(suite, coverage)| coverage.policies.iter().map(|policy| self::policy(suite, policy)))
            .collect(),
        files,
    })
}

/// Writes coverage alone.
pub(crate) fn render(suites: &[Suite]) -> String {
    serde_json::to_string_pretty(&gather(suites)).expect("every key is a string and every number is finite")
        + "\n"
}

fn policy<'a>(suite: &'a Suite, covered: &'a Covered) -> PolicyOut<'a> {
    let Covered { written, counts } = covered;
    let leaves = written.leaves.iter().zip(&counts.leaves).map(|(leaf, [yes, no])| LeafOut {
        text: &leaf.text,
        file: &leaf.site.file,
        place: leaf.site.place,
        yes: *yes,
        no: *no,
    });
    PolicyOut {
        workspace: &suite.workspace,
        kind: written.kind,
        name: &written.name,
        file: &written.site.file,
        place: written.site.place,
        reached: covered.reached(),
        guarantee: written.guarantee,
        in_scope: counts.in_scope,
        in_window: counts.in_window,
        in_domain: counts.in_domain,
        decided: counts.decided,
        branches: leaves.collect(),
    }
}

/// First and last of each run of neighbours among ascending lines.
fn stretches(lines: impl Iterator<Item = u32>) -> Vec<[u32; 2]> {
    let mut found: Vec<[u32; 2]> = vec![];
    for line in lines {
        match found.last_mut() {
            Some([_, last]) if *last + 1 == line => *last = line,
            _ => found.push([line, line]),
        }
    }
    found
}
