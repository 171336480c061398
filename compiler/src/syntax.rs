//! Parsing, one file at a time.

use ordain_grammar::{Parse, SyntaxError};
use ordain_ir::Diagnostic;
use ordain_ir::diagnostic::Fix;

use crate::{Db, SourceFile};

/// The tree of a file and what is wrong with its syntax.
#[salsa::tracked]
pub fn parse(db: &dyn Db, file: SourceFile) -> Parse {
    ordain_grammar::parse(file.text(db))
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
