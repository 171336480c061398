//! What is wrong with a text.

use ordain_ir::diagnostic::Fix;
use ordain_ir::{Code, Diagnostic, Span};

/// A mistake in the syntax. The message is one lower-case phrase with the user's words in backticks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SyntaxError {
    /// Its code.
    pub code: Code,
    /// Where: never empty unless the file is.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// Another place that takes part, with a remark.
    pub secondary: Option<(Span, String)>,
    /// What would mend it: a title, the bytes to replace, and by what.
    pub fix: Option<(String, Span, String)>,
    /// Whether that is beyond doubt, and no guess.
    pub certain: bool,
}

impl SyntaxError {
    pub(crate) fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { code, span, message: message.into(), help: None, secondary: None, fix: None, certain: false }
    }

    /// The mistake as everything else reports mistakes, in the file at this path.
    pub fn diagnostic(&self, path: &str) -> Diagnostic {
        let mut diagnostic = Diagnostic::error(self.code.clone(), path, self.span, &self.message);
        diagnostic.help.clone_from(&self.help);
        if let Some((span, text)) = &self.secondary {
            diagnostic = diagnostic.and_at(path, *span, text);
        }
        if let Some((title, span, replacement)) = self.fix.clone() {
            let (file, certain) = (path.to_owned(), self.certain);
            diagnostic.fixes.push(Fix { title, file, span, replacement, certain });
        }
        diagnostic
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn and_at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary = Some((span, text.into()));
        self
    }

    /// Says of the replacement that it is beyond doubt.
    pub(crate) fn certain(mut self) -> Self {
        self.certain = true;
        self
    }

    /// Replaces the error's own place; a guess.
    pub(crate) fn fix(self, title: impl Into<String>, replacement: impl Into<String>) -> Self {
        let span = self.span;
        self.fix_at(span, title, replacement)
    }

    pub(crate) fn fix_at(mut self, span: Span, title: impl Into<String>, text: impl Into<String>) -> Self {
        self.fix = Some((title.into(), span, text.into()));
        self
    }
}
