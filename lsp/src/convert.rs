//! From our plain data to the protocol's.

use std::sync::Arc;

use ordain_ide::{Encoding, LineIndex};
use ordain_ir::{Diagnostic, Label, Severity, Span};

use crate::features::Features;
use crate::transport::types::{
    self, DiagnosticRelatedInformation, DiagnosticSeverity, HoverContents, Location, MarkupContent,
    MarkupKind, NumberOrString, Uri,
};

/// A stretch of bytes as the client counts.
pub(crate) fn range(lines: &LineIndex, span: Span, encoding: Encoding) -> types::Range {
    let range = lines.range(span, encoding);
    let [start, end] = [range.start, range.end]
        .map(|position| types::Position { line: position.line, character: position.column });
    types::Range { start, end }
}

/// A diagnostic of the file with these lines. `place` finds the address and the lines of other files; what has
/// no address (the standard library isn't on disk), and everything if the client can't show related places,
/// becomes a line of the message.
pub(crate) fn diagnostic(
    diagnostic: &Diagnostic,
    lines: &LineIndex,
    features: Features,
    place: impl Fn(&str) -> Option<(Uri, Arc<LineIndex>)>,
) -> types::Diagnostic {
    let mut message = diagnostic.message.clone();
    let mut add = |line: &str| {
        message.push('\n');
        message.push_str(line);
    };
    let mut related = vec![];
    let primary = diagnostic.primary.as_ref();
    if let Some(Label { text, .. }) = primary.filter(|label| !label.text.is_empty()) {
        add(text);
    }
    for label in &diagnostic.secondary {
        let remark = if label.text.is_empty() { "this takes part" } else { &label.text };
        match place(&label.file).filter(|_| features.related_information) {
            Some((uri, lines)) => related.push(DiagnosticRelatedInformation {
                location: Location { uri, range: range(&lines, label.span, features.encoding) },
                message: remark.to_owned(),
            }),
            None => add(&format!("{}: {remark}", label.file)),
        }
    }
    for note in &diagnostic.notes {
        add(&format!("note: {note}"));
    }
    if let Some(help) = &diagnostic.help {
        add(&format!("help: {help}"));
    }
    types::Diagnostic {
        range: primary.map(|label| range(lines, label.span, features.encoding)).unwrap_or_default(),
        severity: Some(match diagnostic.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
            Severity::Info => DiagnosticSeverity::INFORMATION,
        }),
        code: Some(NumberOrString::String(diagnostic.code.as_str().to_owned())),
        source: Some("ordain".to_owned()),
        message,
        related_information: (!related.is_empty()).then_some(related),
        ..types::Diagnostic::default()
    }
}

/// What to show over a name.
pub(crate) fn hover(
    hover: &ordain_ide::Hover,
    lines: &LineIndex,
    encoding: Encoding,
    markdown: bool,
) -> types::Hover {
    let kind = if markdown { MarkupKind::Markdown } else { MarkupKind::PlainText };
    types::Hover {
        contents: HoverContents::Markup(MarkupContent { kind, value: hover.markdown.clone() }),
        range: Some(range(lines, hover.span, encoding)),
    }
}
