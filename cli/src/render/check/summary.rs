//! One line that sums up what a check found.

use ordain_ir::{ConflictSeverity, Severity};

use crate::findings::{Findings, State, What};
use crate::render::count;

/// `48 policies in 6 files: 1 BLOCKING conflict; 2 findings allowed`, without an end of line.
pub(crate) fn line(findings: &Findings<'_>) -> String {
    let checked = findings.checked;
    let open = || findings.all.iter().filter(|finding| finding.state == State::Open).map(|it| it.what);
    let sources = |severity| {
        open().filter(|it| matches!(it, What::Source(found) if found.severity == severity)).count()
    };
    let conflicts = |severity| {
        open().filter(|it| matches!(it, What::Conflict(found) if found.severity == severity)).count()
    };
    let found: Vec<String> = [
        (sources(Severity::Error), "error"),
        (sources(Severity::Warning), "warning"),
        (conflicts(ConflictSeverity::Blocking), "BLOCKING conflict"),
        (conflicts(ConflictSeverity::Warning), "WARNING conflict"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, one)| count(n, one))
    .collect();
    let what =
        format!("{} in {}", count(checked.policies.len(), "policy"), count(checked.files.len(), "file"));
    let pairs = &checked.report.pairs;
    let left = |n: usize, one: &str, what: &str| match n {
        0 => String::new(),
        n => format!("; {} {what}", count(n, one)),
    };
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let rest = left(number(pairs.undecided), "pair", "left undecided")
        + &left(number(pairs.unexplored_groups), "group of limits", "not searched to the end")
        + &left(checked.accepted + findings.count(State::Allowed), "finding", "allowed")
        + &left(findings.count(State::Known), "finding", "known from the baseline")
        + &left(findings.count(State::Ignored), "finding", "not selected");
    if found.is_empty() {
        // What is left out may well be a contradiction.
        let hidden = findings.all.iter().filter(|it| matches!(it.state, State::Known | State::Ignored));
        let none = match hidden.filter(|it| matches!(it.what, What::Conflict(_))).count() {
            0 => "no contradictions",
            _ if findings.count(State::Ignored) == 0 => "nothing new",
            _ => "nothing that is selected",
        };
        format!("{what}: {none}{rest}")
    } else {
        format!("{what}: {}{rest}", found.join(", "))
    }
}
