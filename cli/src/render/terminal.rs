//! Diagnostics in a terminal, drawn by miette: the source with carets, then notes and advice.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, ThemeCharacters, ThemeStyles};
use ordain_ir::{Diagnostic, Label, Severity};

use crate::texts::{Text, Texts};

/// Columns where there is no terminal.
const WIDTH: usize = 110;

/// Draws diagnostics.
pub(crate) struct Terminal {
    handler: GraphicalReportHandler,
    color: bool,
}

impl Terminal {
    /// With or without colours; as wide as the terminal, 110 columns where there is none.
    pub(crate) fn new(color: bool) -> Self {
        let width =
            terminal_size::terminal_size().map_or(WIDTH, |(terminal_size::Width(columns), _)| columns.into());
        Self::of_width(width, color)
    }

    /// For what is kept in files: without colours, the same whatever the terminal is.
    pub(crate) fn plain() -> Self {
        Self::of_width(WIDTH, false)
    }

    /// As wide as this, whatever the terminal is.
    pub(crate) fn of_width(width: usize, color: bool) -> Self {
        let styles = if color { ThemeStyles::ansi() } else { ThemeStyles::none() };
        let theme = GraphicalTheme { characters: ThemeCharacters::unicode(), styles };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(width)
            .with_context_lines(1)
            .with_links(false)
            .without_cause_chain();
        Self { handler, color }
    }

    /// Draws one diagnostic.
    pub(crate) fn draw(&self, diagnostic: &Diagnostic, texts: &Texts<'_>) -> String {
        let severity = match diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Info => miette::Severity::Advice,
        };
        let (primary, secondary) = (diagnostic.primary.as_ref(), diagnostic.secondary.as_slice());
        let head = Some(diagnostic.code.to_string());
        let view = View::new(head, severity, &diagnostic.message, primary, secondary, texts);
        let mut out = self.draw_view(&view);
        let mut footer = |word: &str, style: &str, text: &str| {
            let head = if self.color { format!("\u{1b}[{style}m{word}\u{1b}[0m") } else { word.to_owned() };
            let indent = " ".repeat(word.len() + 4);
            let body = text.lines().collect::<Vec<_>>().join(&format!("\n{indent}"));
            let _ = writeln!(out, "  {head}: {body}");
        };
        // A file without text (one that is no UTF-8) has no carets; it is named all the same.
        if let (None, Some(label)) = (&view.source, &diagnostic.primary) {
            footer("file", "36", &format!("`{}`", label.file));
        }
        for note in &diagnostic.notes {
            footer("note", "36", note);
        }
        if let Some(help) = &diagnostic.help {
            footer("help", "32", help);
        }
        out
    }

    /// Draws a message that is no diagnostic and has no code, such as a failed test's, in the same way.
    pub(crate) fn draw_message(
        &self,
        message: &str,
        primary: &Label,
        secondary: &[Label],
        texts: &Texts<'_>,
    ) -> String {
        let severity = miette::Severity::Error;
        self.draw_view(&View::new(None, severity, message, Some(primary), secondary, texts))
    }

    fn draw_view(&self, view: &View<'_>) -> String {
        let mut out = String::new();
        for part in [view].into_iter().chain(&view.others) {
            // A handler that writes to a string fails only where a label lies outside its file; the message
            // is then shown all the same.
            if self.handler.render_report(&mut out, part).is_err() {
                let head = view.head.as_ref().map(|head| format!("{head}: ")).unwrap_or_default();
                let _ = writeln!(out, "{head}{}", part.message);
            }
        }
        out
    }
}

/// What is drawn, as miette wants it, one source with its labels; other files are views of their own.
#[derive(Debug)]
struct View<'a> {
    head: Option<String>,
    message: String,
    severity: miette::Severity,
    source: Option<&'a Text<'a>>,
    labels: Vec<LabeledSpan>,
    others: Vec<Self>,
}

impl<'a> View<'a> {
    fn new(
        head: Option<String>,
        severity: miette::Severity,
        message: &str,
        primary: Option<&Label>,
        secondary: &[Label],
        texts: &'a Texts<'a>,
    ) -> Self {
        let mut files: BTreeMap<&str, Vec<&Label>> = BTreeMap::new();
        for label in primary.into_iter().chain(secondary) {
            files.entry(&label.file).or_default().push(label);
        }
        let mut source_of = |file: &str, first: Option<&Label>| {
            let labels = files.remove(file)?;
            let text = texts.get(file)?;
            let labels =
                labels.into_iter().map(|label| labelled(label, first == Some(label), text.content)).collect();
            Some((text, labels))
        };
        let (source, labels) = primary
            .and_then(|label| source_of(&label.file, Some(label)))
            .map_or((None, vec![]), |(source, labels): (_, Vec<_>)| (Some(source), labels));
        // In the order in which the diagnostic names them.
        let others = secondary.iter().filter_map(|label| {
            let (source, labels) = source_of(&label.file, Some(label))?;
            Some(Self {
                head: None,
                message: label.text.clone(),
                severity: miette::Severity::Advice,
                source: Some(source),
                labels,
                others: vec![],
            })
        });
        let others = others.collect();
        Self { head, message: message.to_owned(), severity, source, labels, others }
    }
}

/// A label clipped to the text, so that a stale span can't hide the message.
fn labelled(label: &Label, primary: bool, text: &str) -> LabeledSpan {
    let end = (label.span.end as usize).min(text.len());
    let start = (label.span.start as usize).min(end);
    let remark = (!label.text.is_empty()).then(|| label.text.clone());
    if primary {
        LabeledSpan::new_primary_with_span(remark, (start, end - start))
    } else {
        LabeledSpan::new_with_span(remark, (start, end - start))
    }
}

impl fmt::Display for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for View<'_> {}

impl miette::Diagnostic for View<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.head.as_ref().map(|code| Box::new(code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.source.map(|source| source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}
