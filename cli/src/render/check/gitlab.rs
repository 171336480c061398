//! GitLab's report of code quality: an array of findings, each with a fingerprint by which GitLab knows what is new.

use std::io::{self, Write};

use ordain_ir::Severity;
use serde_json::json;

use crate::findings::{Finding, Findings, What};
use crate::render::check::{Placed, json};

/// Writes findings, errors first.
pub(super) fn write(findings: &Findings<'_>, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "[")?;
    for (at, finding) in findings.open().into_iter().enumerate() {
        write!(out, "{}", if at == 0 { "\n" } else { ",\n" })?;
        let placed = Placed::of(findings, finding);
        let [start, end] = placed.span.map(|at| json!({ "line": at.line, "column": at.column }));
        let value = json!({
            "description": placed.diagnostic.message,
            "check_name": finding.code(),
            "fingerprint": finding.id,
            "severity": severity(finding),
            "location": { "path": placed.path, "positions": { "begin": start, "end": end } },
        });
        json(&value, "", out)?;
    }
    writeln!(out, "\n]")
}

/// One of GitLab's five.
fn severity(finding: &Finding<'_>) -> &'static str {
    match (finding.what, finding.severity()) {
        (What::Conflict(_), Severity::Error) => "blocker",
        (What::Source(_), Severity::Error) => "critical",
        (What::Conflict(_), _) => "major",
        (What::Source(_), Severity::Warning) => "minor",
        (What::Source(_), Severity::Info) => "info",
    }
}
