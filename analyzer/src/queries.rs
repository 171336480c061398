//! The analysis as a query over the compiler's database.

use std::sync::{Arc, LazyLock};

use ordain_compiler::{Db, Workspace, policies};
use ordain_ir::Report;

use crate::{AnalyzerError, Memo, Options, analyze};

static MEMO: LazyLock<Arc<Memo>> = LazyLock::new(Arc::default);

/// What all [`report`] queries of the process remember. Answers are pure functions of their questions, so it
/// may outlive revisions and databases.
pub fn memo() -> &'static Arc<Memo> {
    &MEMO
}

/// The conflicts of a workspace. An edit that leaves the policies equal (white space, comments, order) does not
/// run it again, and any other edit asks only the questions that it makes new. Unwinds as salsa does when an
/// edit makes the answer obsolete.
#[salsa::tracked]
pub fn report(db: &dyn Db, workspace: Workspace) -> Result<Arc<Report>, AnalyzerError> {
    let interrupt = || db.unwind_if_revision_cancelled();
    let options =
        Options { memo: Some(Arc::clone(memo())), interrupt: Some(&interrupt), ..Options::default() };
    analyze(policies(db, workspace), &options).map(Arc::new)
}
