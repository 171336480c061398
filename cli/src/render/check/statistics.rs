//! `--statistics`: what took how long, and how much there was to do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use ordain_ir::{Code, codes};

use crate::findings::{Findings, State};

/// A table of the parts with their times, one of counts, and one of findings by code.
pub(crate) fn text(findings: &Findings<'_>, took: &[(&'static str, Duration)]) -> String {
    let mut out = String::from("\ntime\n");
    let total: Duration = took.iter().map(|(_, took)| *took).sum();
    for (part, time) in took.iter().chain([&("in all", total)]) {
        let _ = writeln!(out, "  {:>12}  {part}", format!("{:.1} ms", time.as_secs_f64() * 1e3));
    }
    let checked = findings.checked;
    let lines: usize = checked.files.values().map(|text| text.lines().count()).sum();
    let pairs = &checked.report.pairs;
    let counts = [
        (checked.files.len() as u64, "files"),
        (lines as u64, "lines"),
        (checked.policies.rules.len() as u64, "rules"),
        (checked.policies.limits.len() as u64, "limits"),
        (pairs.considered, "pairs compared"),
        (pairs.by_algebra, "of them decided by algebra"),
        (pairs.by_solver, "sent to the solver"),
        (pairs.undecided, "left undecided"),
        (pairs.unexplored_groups, "groups of limits not searched to the end"),
    ];
    out.push_str("counts\n");
    for (n, what) in counts {
        let _ = writeln!(out, "  {n:>12}  {what}");
    }
    let mut by_code: BTreeMap<&Code, usize> = BTreeMap::new();
    for finding in findings.all.iter().filter(|finding| finding.state == State::Open) {
        *by_code.entry(finding.code()).or_default() += 1;
    }
    if !by_code.is_empty() {
        out.push_str("findings\n");
    }
    for (code, n) in by_code {
        let _ = writeln!(out, "  {n:>12}  {code}: {}", codes::title(code).unwrap_or_default());
    }
    out
}
