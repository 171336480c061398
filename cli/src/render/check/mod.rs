//! What a check found, in the formats that people and programs ask for. Each is written as it is made, since there may
//! be a hundred thousand findings.

mod concise;
pub(crate) mod full;
mod github;
mod gitlab;
mod json_lines;
mod junit;
mod markdown;
mod rdjson;
mod sarif;
pub(crate) mod statistics;
pub(crate) mod summary;

use std::borrow::Cow;
use std::io::{self, Write};

use ordain_ir::{Diagnostic, Label};

use crate::args::CheckFormat;
use crate::findings::{Finding, Findings, label};
use crate::render::json;
use crate::texts::Position;

/// How the form for people looks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    /// With colours.
    pub(crate) color: bool,
    /// Every finding, however many there are.
    pub(crate) all: bool,
    /// With what to ask next, for those who sit at a terminal.
    pub(crate) hint: bool,
    /// Columns; those of the terminal if `None`.
    pub(crate) width: Option<usize>,
}

/// Writes findings.
pub(crate) fn write(
    format: CheckFormat,
    findings: &Findings<'_>,
    look: Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        CheckFormat::Full => full::write(findings, look, out),
        CheckFormat::Concise => concise::write(findings, out),
        CheckFormat::Json => json::write(findings, out),
        CheckFormat::JsonLines => json_lines::write(findings, out),
        CheckFormat::Sarif => sarif::write(findings, out),
        CheckFormat::Github => github::write(findings, out),
        CheckFormat::Gitlab => gitlab::write(findings, out),
        CheckFormat::Junit => junit::write(findings, out),
        CheckFormat::Rdjson => rdjson::write(findings, out),
        CheckFormat::Markdown => markdown::write(findings, out),
    }
}

/// A finding with its place in the repository.
struct Placed<'a> {
    /// The finding.
    diagnostic: Cow<'a, Diagnostic>,
    /// Its file.
    path: String,
    /// Beginning and end, columns in Unicode scalar values.
    span: [Position; 2],
}

impl<'a> Placed<'a> {
    fn of(findings: &Findings<'a>, finding: &Finding<'a>) -> Self {
        let diagnostic = finding.diagnostic(findings.checked);
        let label = label(&diagnostic);
        let (path, span) = located(findings, &label);
        Self { diagnostic, path, span }
    }

    /// Message, notes and advice, a line each or more.
    fn explained(&self) -> String {
        let Diagnostic { message, notes, help, .. } = &*self.diagnostic;
        let help = help.iter().map(|help| format!("help: {help}"));
        let notes = notes.iter().map(|note| format!("note: {note}"));
        [message.clone()].into_iter().chain(notes).chain(help).collect::<Vec<_>>().join("\n")
    }
}

/// File and positions of a label.
fn located(findings: &Findings<'_>, label: &Label) -> (String, [Position; 2]) {
    let text = findings.texts.get(&label.file);
    let first = Position { line: 1, column: 1 };
    (findings.paths.shown(&label.file), text.map_or([first; 2], |text| text.positions(label.span)))
}

/// Where the page of a code is to be read.
fn page(code: &ordain_ir::Code) -> String {
    format!("{}/blob/main/docs/src/codes/{code}.md", env!("CARGO_PKG_REPOSITORY"))
}

/// JSON with this at its end. Every key is a string and every number is finite, so only writing can fail.
fn json(value: &impl serde::Serialize, end: &str, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(end.as_bytes())
}
