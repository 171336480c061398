//! Diagnostics as a reader would note them down.

use std::fmt::Write as _;

use ordain_compiler::library;
use ordain_ir::{Diagnostic, Label};

/// A diagnostic with the text at each of its places.
pub(crate) fn render(files: &[(&str, &str)], diagnostic: &Diagnostic) -> String {
    let mut out = String::new();
    let text = |file: &str| {
        let own = files.iter().find(|(path, _)| *path == file).map(|(_, text)| *text);
        own.or_else(|| library().iter().find(|it| it.path == file).map(|it| it.text)).unwrap_or_default()
    };
    let place = |label: &Label| {
        let quoted = text(&label.file).get(label.span.range()).unwrap_or("?");
        let quoted: Vec<&str> = quoted.split_whitespace().collect();
        let remark = if label.text.is_empty() { String::new() } else { format!(" ({})", label.text) };
        format!("{} ‹{}›{remark}", label.file, quoted.join(" "))
    };
    let _ = write!(out, "{} {}", diagnostic.code, diagnostic.message);
    if let Some(label) = &diagnostic.primary {
        let _ = write!(out, "\n    at {}", place(label));
    }
    for label in &diagnostic.secondary {
        let _ = write!(out, "\n    and {}", place(label));
    }
    for note in &diagnostic.notes {
        let _ = write!(out, "\n    note: {note}");
    }
    if let Some(help) = &diagnostic.help {
        let _ = write!(out, "\n    help: {help}");
    }
    for fix in &diagnostic.fixes {
        let before = text(&fix.file).get(fix.span.range()).unwrap_or("?");
        let _ = write!(out, "\n    fix: {} ({before:?} -> {:?})", fix.title, fix.replacement);
    }
    out
}

/// All of them.
pub(crate) fn render_all(files: &[(&str, &str)], diagnostics: &[Diagnostic]) -> String {
    let all: Vec<String> = diagnostics.iter().map(|diagnostic| render(files, diagnostic)).collect();
    all.join("\n")
}
