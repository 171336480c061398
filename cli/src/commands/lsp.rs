//! `ordain lsp`

use std::process::ExitCode;

use crate::args::LspArgs;

/// Serves an editor until it says goodbye.
pub(crate) fn run(_args: &LspArgs) -> ExitCode {
    ordain_lsp::run_stdio()
}
