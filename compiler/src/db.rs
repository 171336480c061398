//! The database: what goes in, and who may ask.

use std::collections::BTreeMap;

use ordain_ir::Span;
use salsa::Setter as _;

use crate::Config;

/// What every query is asked of.
#[salsa::db]
pub trait Db: salsa::Database {}

/// The database of one process. Cloning gives another handle to the same answers, for another thread; a
/// change waits until every other handle is gone.
#[salsa::db]
#[derive(Clone, Default)]
pub struct Database {
    storage: salsa::Storage<Self>,
}

#[salsa::db]
impl salsa::Database for Database {}

#[salsa::db]
impl Db for Database {}

impl Database {
    /// A database that tells `observe` of everything it does, so that tests can count what was computed.
    pub fn observed(observe: impl Fn(salsa::Event) + Send + Sync + 'static) -> Self {
        Self { storage: salsa::Storage::new(Some(Box::new(observe))) }
    }
}

mod inputs {
    #![expect(missing_docs, reason = "salsa's macro generates undocumented constructors and setters")]

    use ordain_ir::Diagnostic;

    use crate::{Config, Dependency};

    /// A source file.
    #[salsa::input(debug)]
    pub struct SourceFile {
        /// Its path relative to the workspace that is compiled, with `/` between folders; files of a workspace
        /// that it depends on lie outside: `../platform/base.ordain`.
        #[returns(deref)]
        pub path: String,
        /// What the path begins with, up to the folder of the file's own workspace: empty, or `../platform/`.
        #[returns(deref)]
        pub root: String,
        /// Its text.
        #[returns(deref)]
        pub text: String,
    }

    /// Everything that is compiled together, or a workspace that such a one depends on.
    #[salsa::input(debug)]
    pub struct Workspace {
        /// The files, sorted by path.
        #[returns(deref)]
        pub files: Vec<SourceFile>,
        /// What `ordain.yaml` says.
        pub config: Config,
        /// What the paths of its files begin with: empty, or `../platform/` for one that another depends on.
        #[returns(deref)]
        pub root: String,
        /// The workspaces whose packages it may use. Never in a cycle.
        #[returns(deref)]
        pub dependencies: Vec<Dependency>,
        /// What went wrong while the files were read; part of [`diagnostics`](crate::diagnostics).
        #[returns(deref)]
        pub problems: Vec<Diagnostic>,
    }
}
pub use inputs::{SourceFile, Workspace};

/// A workspace that another depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dependency {
    /// Its folder as `ordain.yaml` has it: `../platform`.
    pub written: String,
    /// Where `ordain.yaml` has it.
    pub span: Span,
    /// The workspace.
    pub workspace: Workspace,
}

impl Workspace {
    /// A workspace of these files, in any order. Of two with one path the last stands.
    pub fn of(db: &dyn Db, config: Config, files: impl IntoIterator<Item = (String, String)>) -> Self {
        Self::rooted(db, config, "", files)
    }

    /// A workspace that lies elsewhere: the paths of its files begin with `root`, such as `../platform/`.
    pub(crate) fn rooted(
        db: &dyn Db,
        config: Config,
        root: &str,
        files: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let files: BTreeMap<String, String> = files.into_iter().collect();
        let files =
            files.into_iter().map(|(path, text)| SourceFile::new(db, path, root.to_owned(), text)).collect();
        Self::new(db, files, config, root.to_owned(), vec![], vec![])
    }

    /// The path of its `ordain.yaml`, as diagnostics have it.
    pub fn manifest(self, db: &dyn Db) -> String {
        format!("{}{}", self.root(db), crate::workspace::MANIFEST)
    }

    /// This workspace and all that it depends on, directly or not, each once, itself first.
    pub fn with_dependencies(self, db: &dyn Db) -> Vec<Self> {
        let mut all = vec![self];
        let mut at = 0;
        while let Some(workspace) = all.get(at).copied() {
            for dependency in workspace.dependencies(db) {
                if !all.contains(&dependency.workspace) {
                    all.push(dependency.workspace);
                }
            }
            at += 1;
        }
        all
    }

    /// The file with this path.
    pub fn file(self, db: &dyn Db, path: &str) -> Option<SourceFile> {
        let files = self.files(db);
        let at = files.binary_search_by(|file| file.path(db).cmp(path)).ok()?;
        files.get(at).copied()
    }

    /// Adds a file or replaces its text. Nothing happens where the text is the same.
    pub fn set_file(self, db: &mut dyn Db, path: &str, text: impl Into<String>) -> SourceFile {
        let text = text.into();
        if let Some(file) = self.file(db, path) {
            if file.text(db) != text {
                file.set_text(db).to(text);
            }
            return file;
        }
        let file = SourceFile::new(db, path.to_owned(), self.root(db).to_owned(), text);
        let mut files = self.files(db).to_vec();
        let at = files.partition_point(|other| other.path(db) < path);
        files.insert(at, file);
        self.set_files(db).to(files);
        file
    }

    /// Makes these the files, touching only what differs.
    pub fn set_texts(self, db: &mut dyn Db, texts: &BTreeMap<String, String>) {
        let known: BTreeMap<String, SourceFile> =
            self.files(db).iter().map(|file| (file.path(db).to_owned(), *file)).collect();
        let mut files = vec![];
        for (path, text) in texts {
            files.push(match known.get(path).copied() {
                Some(file) => {
                    if file.text(db) != text {
                        file.set_text(db).to(text.clone());
                    }
                    file
                }
                None => SourceFile::new(db, path.clone(), self.root(db).to_owned(), text.clone()),
            });
        }
        if self.files(db) != files {
            self.set_files(db).to(files);
        }
    }

    /// Takes a file out; tells whether it was there.
    pub fn remove_file(self, db: &mut dyn Db, path: &str) -> bool {
        let Some(file) = self.file(db, path) else { return false };
        let files = self.files(db).iter().copied().filter(|other| *other != file).collect();
        self.set_files(db).to(files);
        true
    }
}
