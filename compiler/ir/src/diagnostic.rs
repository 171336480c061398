//! One diagnostic type for every output: terminal, editor, JSON and the rest.

use serde::{Deserialize, Serialize};

pub use crate::fix::Fix;
use crate::{Code, Span, wire_enum};

wire_enum! {
    /// How bad a diagnostic is. Conflicts map BLOCKING to error and WARNING to warning.
    pub enum Severity {
        /// Nothing can be compiled from this.
        Error = "error",
        /// Probably not what is meant.
        Warning = "warning",
        /// Good to know.
        Info = "info",
    }
}

/// A place with a remark.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Label {
    /// Path of the file, as the source map has it.
    pub file: String,
    /// The bytes.
    pub span: Span,
    /// The remark; may be empty for a primary label.
    pub text: String,
}

/// Something to tell the author. The message is one lower-case phrase with the user's words in backticks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Where it is, first of all; `None` for what has no place in a file.
    pub primary: Option<Label>,
    /// Its code.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Other places that take part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secondary: Vec<Label>,
    /// More to know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// What a program could do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixes: Vec<Fix>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: Code, file: &str, span: Span, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, Some((file, span)), message)
    }

    /// A warning at a place.
    pub fn warning(code: Code, file: &str, span: Span, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, Some((file, span)), message)
    }

    /// An error without a place in a file.
    pub fn placeless(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, None, message)
    }

    fn new(code: Code, severity: Severity, at: Option<(&str, Span)>, message: impl Into<String>) -> Self {
        let primary = at.map(|(file, span)| Label { file: file.to_owned(), span, text: String::new() });
        let message = message.into();
        Self { primary, code, severity, message, secondary: vec![], notes: vec![], help: None, fixes: vec![] }
    }

    /// With a remark at the primary place.
    #[must_use]
    pub fn labelled(mut self, text: impl Into<String>) -> Self {
        if let Some(label) = &mut self.primary {
            label.text = text.into();
        }
        self
    }

    /// With another place.
    #[must_use]
    pub fn and_at(mut self, file: &str, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label { file: file.to_owned(), span, text: text.into() });
        self
    }

    /// With a note.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// With advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With a replacement of the primary place, which guesses what is meant.
    #[must_use]
    pub fn fix(mut self, title: impl Into<String>, replacement: impl Into<String>) -> Self {
        if let Some(Label { file, span, .. }) = self.primary.clone() {
            let (title, replacement) = (title.into(), replacement.into());
            self.fixes.push(Fix { title, file, span, replacement, certain: false });
        }
        self
    }

    /// Says of its replacements that they are beyond doubt.
    #[must_use]
    pub fn certain(mut self) -> Self {
        self.fixes.iter_mut().for_each(|fix| fix.certain = true);
        self
    }
}
