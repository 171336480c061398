//! One state of a workspace, immutable, for any thread.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ordain_compiler::{Database, Db, SourceFile};
use ordain_grammar::ast;
use salsa::Database as _;

use crate::findings::Said;
use crate::{CancelHandle, Checked, LineIndex, names, workspace};

/// One state of a workspace. The workspace can't change while it lives, so drop it soon: a change makes
/// whatever is computed on it unwind, to be caught by [`guard`](crate::guard).
pub struct Snapshot {
    pub(crate) db: Database,
    pub(crate) input: ordain_compiler::Workspace,
    pub(crate) root: PathBuf,
}

/// The lines of a file.
#[salsa::tracked]
fn line_index(db: &dyn Db, file: SourceFile) -> Arc<LineIndex> {
    Arc::new(LineIndex::new(file.text(db)))
}

impl Snapshot {
    /// Checks syntax, names and types of everything.
    pub fn check(&self) -> Checked {
        let (db, input) = (&self.db, self.input);
        let mut diagnostics = ordain_compiler::diagnostics(db, input).clone();
        diagnostics.extend(ordain_compiler::unused(db, input));
        let lines = |file: &SourceFile| (file.path(db).to_owned(), line_index(db, *file).clone());
        Checked {
            policies: ordain_compiler::policies(db, input).clone(),
            source_map: ordain_compiler::source_map(db, input).clone(),
            diagnostics,
            obligations: ordain_compiler::obligation_places(db, input).clone(),
            allowances: ordain_compiler::allowance_places(db, input).clone(),
            lines: self.all_files().map(|file| lines(&file)).collect(),
            said: Said::default(),
        }
    }

    /// The files of the workspace, and those of the workspaces that it depends on.
    fn all_files(&self) -> impl Iterator<Item = SourceFile> {
        let all = self.input.with_dependencies(&self.db);
        all.into_iter().flat_map(|workspace| workspace.files(&self.db).to_vec())
    }

    /// The file with this name, also of a workspace that this one depends on.
    fn any_file(&self, file: &str) -> Option<SourceFile> {
        let all = self.input.with_dependencies(&self.db);
        all.into_iter().find_map(|workspace| workspace.file(&self.db, file))
    }

    /// The syntax tree of a file.
    pub(crate) fn tree(&self, file: &str) -> Option<&ast::File> {
        let file = self.input.file(&self.db, file)?;
        Some(&ordain_compiler::parse(&self.db, file).file)
    }

    /// The lines of a file.
    pub fn line_index(&self, file: &str) -> Option<Arc<LineIndex>> {
        self.any_file(file).map(|file| line_index(&self.db, file).clone())
    }

    /// The name of a file in diagnostics, if it belongs to the workspace.
    pub fn file_of(&self, path: &Path) -> Option<String> {
        workspace::file_name(&self.root, path).filter(|file| self.input.file(&self.db, file).is_some())
    }

    /// Where a file of the workspace is on disk, or of one that it depends on.
    pub fn path_of(&self, file: &str) -> Option<PathBuf> {
        self.any_file(file).map(|_| names::plain(&self.root.join(file)))
    }

    /// A handle that stops what is computed on this snapshot.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle(self.db.cancellation_token())
    }

    /// Unwinds, to be caught by [`guard`](crate::guard), if the computation is no longer wanted.
    pub fn checkpoint(&self) {
        self.db.unwind_if_revision_cancelled();
    }
}
