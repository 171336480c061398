//! Each finding as one line of JSON, as in the object of `--format json`, with a last line that sums up. `kind` tells
//! which is which.

use std::io::{self, Write};

use serde::Serialize;

use crate::findings::{Findings, What};
use crate::render::check::json;
use crate::render::json::{ConflictOut, DiagnosticOut, Summary, conflict, diagnostic, shown};

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line<'a> {
    Diagnostic(DiagnosticOut<'a>),
    Conflict(ConflictOut<'a>),
    Summary(Summary),
}

/// Writes findings in the order of the analysis.
pub(super) fn write(findings: &Findings<'_>, out: &mut dyn Write) -> io::Result<()> {
    for finding in shown(findings) {
        let line = match finding.what {
            What::Source(found) => Line::Diagnostic(diagnostic(found, Some(&finding.id), &findings.texts)),
            What::Conflict(found) => Line::Conflict(conflict(found, &findings.checked.sources)),
        };
        json(&line, "\n", out)?;
    }
    json(&Line::Summary(Summary::of(findings)), "\n", out)
}
