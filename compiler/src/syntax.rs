//! Parsing, one file at a time.

use ordain_grammar::{Parse, SyntaxError};
use ordain_ir::{Diagnostic, Severity};

use crate::{Db, SourceFile};

/// The tree of a file and what is wrong with its syntax.
#[salsa::tracked]
pub fn parse(db: &dyn Db, file: SourceFile) -> Parse {
    ordain_grammar::parse(file.text(db))
}

/// Something misleading in a text as everything else reports warnings.
pub(crate) fn warning(path: &str, warning: &SyntaxError) -> Diagnostic {
    Diagnostic { severity: Severity::Warning, ..warning.diagnostic(path) }
}
