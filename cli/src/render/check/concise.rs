//! Each finding on one line, as compilers do: `a.ordain:8:22: error ORD0112: …`.

use std::io::{self, Write};

use crate::findings::Findings;
use crate::render::check::{Placed, summary};

/// Writes findings, errors first, and one line that sums up.
pub(super) fn write(findings: &Findings<'_>, out: &mut dyn Write) -> io::Result<()> {
    for finding in findings.open() {
        let placed = Placed::of(findings, finding);
        let (code, severity, [start, _]) = (finding.code(), finding.severity(), placed.span);
        let message = placed.diagnostic.message.replace('\n', " ");
        writeln!(out, "{}:{}:{}: {severity} {code}: {message}", placed.path, start.line, start.column)?;
    }
    writeln!(out, "{}", summary::line(findings))
}
