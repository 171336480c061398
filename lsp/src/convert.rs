//! From our plain data to the protocol's.

use std::sync::Arc;

use ordain_ide::{Encoding, LineIndex};
use ordain_ir::{Diagnostic, Label, Severity, Span};

use crate::features::Features;
use crate::transport::types::{
    self, CodeAction, CodeActionKind, DiagnosticRelatedInformation, DiagnosticSeverity, HoverContents,
    Location, MarkupContent, MarkupKind, NumberOrString, TextEdit, Uri, WorkspaceEdit,
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

/// What a client asks for among the changes that a person may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Fixes of single diagnostics.
    pub(crate) fixes: bool,
    /// All of a file at once.
    pub(crate) all: bool,
}

impl Wanted {
    /// Of these kinds and those below them. Who asks for none in particular gets fixes: what changes a whole file is
    /// for those who ask for it.
    pub(crate) fn of(only: Option<&[CodeActionKind]>) -> Self {
        let asked = |kind: &CodeActionKind| {
            only.is_some_and(|only| {
                let below = |wanted: &str| {
                    kind.as_str()
                        .strip_prefix(wanted)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                };
                only.iter().any(|wanted| wanted.as_str().is_empty() || below(wanted.as_str()))
            })
        };
        Self {
            fixes: only.is_none() || asked(&CodeActionKind::QUICKFIX),
            all: asked(&CodeActionKind::SOURCE_FIX_ALL),
        }
    }
}

/// An edit of the file with these lines.
pub(crate) fn edit(edit: &ordain_ide::Edit, lines: &LineIndex, encoding: Encoding) -> TextEdit {
    TextEdit { range: range(lines, edit.span, encoding), new_text: edit.text.clone() }
}

/// A change of the document with this address and these lines.
pub(crate) fn action(
    action: &ordain_ide::Action,
    kind: CodeActionKind,
    uri: &Uri,
    lines: &LineIndex,
    features: Features,
    place: impl Fn(&str) -> Option<(Uri, Arc<LineIndex>)>,
) -> CodeAction {
    let edits = action.edits.iter().map(|it| edit(it, lines, features.encoding)).collect();
    let mends = action.mends.iter().map(|it| diagnostic(it, lines, features, &place)).collect();
    CodeAction {
        title: action.title.clone(),
        kind: Some(kind),
        diagnostics: Some(mends),
        edit: Some(WorkspaceEdit {
            changes: Some([(uri.clone(), edits)].into()),
            ..WorkspaceEdit::default()
        }),
        is_preferred: Some(action.certain),
        ..CodeAction::default()
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
