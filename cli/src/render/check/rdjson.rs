//! The diagnostic format of reviewdog, in which columns count bytes from 1.

use std::io::{self, Write};

use ordain_ir::{Label, Severity, Span};
use serde_json::{Value, json};

use crate::findings::{Finding, Findings, label};
use crate::render::check::{json, page};
use crate::texts::Position;

/// Writes findings, errors first.
pub(super) fn write(findings: &Findings<'_>, out: &mut dyn Write) -> io::Result<()> {
    let source = json!({ "name": "ordain", "url": env!("CARGO_PKG_REPOSITORY") });
    write!(out, "{{\n\"source\": {source},\n\"diagnostics\": [")?;
    for (at, finding) in findings.open().into_iter().enumerate() {
        write!(out, "{}", if at == 0 { "\n" } else { ",\n" })?;
        json(&diagnostic(findings, finding), "", out)?;
    }
    writeln!(out, "\n]\n}}")
}

fn diagnostic(findings: &Findings<'_>, finding: &Finding<'_>) -> Value {
    let diagnostic = finding.diagnostic(findings.checked);
    let primary = label(&diagnostic);
    let mut message = diagnostic.message.clone();
    for (word, line) in diagnostic
        .notes
        .iter()
        .map(|note| ("note", note))
        .chain(diagnostic.help.iter().map(|help| ("help", help)))
    {
        message = format!("{message}\n{word}: {line}");
    }
    let related = diagnostic
        .secondary
        .iter()
        .map(|label| json!({ "message": label.text, "location": location(findings, label) }));
    // A suggestion says nothing of files: it is for that of the finding.
    let fixes = diagnostic.fixes.iter().filter(|fix| fix.file == primary.file);
    let fixes =
        fixes.map(|fix| json!({ "range": range(findings, &fix.file, fix.span), "text": fix.replacement }));
    let severity = match finding.severity() {
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
        Severity::Info => "INFO",
    };
    json!({
        "message": message,
        "location": location(findings, &primary),
        "severity": severity,
        "code": { "value": finding.code(), "url": page(finding.code()) },
        "suggestions": fixes.collect::<Vec<_>>(),
        "related_locations": related.collect::<Vec<_>>(),
    })
}

fn location(findings: &Findings<'_>, label: &Label) -> Value {
    json!({ "path": findings.paths.shown(&label.file), "range": range(findings, &label.file, label.span) })
}

fn range(findings: &Findings<'_>, file: &str, span: Span) -> Value {
    let first = Position { line: 1, column: 1 };
    let span = findings.texts.get(file).map_or([first; 2], |text| text.byte_positions(span));
    let [start, end] = span.map(|at| json!({ "line": at.line, "column": at.column }));
    json!({ "start": start, "end": end })
}
