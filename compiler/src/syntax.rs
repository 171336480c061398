//! Parsing, one file at a time.

use ordain_grammar::{Parse, SyntaxError};
use ordain_ir::diagnostic::Fix;
use ordain_ir::{Diagnostic, Severity};

use crate::{Db, SourceFile};

/// The tree of a file and what is wrong with its syntax.
#[salsa::tracked]
pub fn parse(db: &dyn Db, file: SourceFile) -> Parse {
    ordain_grammar::parse(file.text(db))
}

/// Something misleading in a text as everything else reports warnings.
pub(crate) fn warning(path: &str, warning: &SyntaxError) -> Diagnostic {
    Diagnostic { severity: Severity::Warning, ..diagnostic(path, warning) }
}

/// A mistake in the syntax as everything else reports mistakes.
pub(crate) fn diagnostic(path: &str, error: &SyntaxError) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(error.code.clone(), path, error.span, &error.message);
    diagnostic.help.clone_from(&error.help);
    if let Some((span, text)) = &error.secondary {
        diagnostic = diagnostic.and_at(path, *span, text);
    }
    if let Some((title, span, replacement)) = error.fix.clone() {
        diagnostic.fixes.push(Fix { title, file: path.to_owned(), span, replacement });
    }
    diagnostic
}
