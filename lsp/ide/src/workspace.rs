//! The mutable side: files on disk, and the editor's buffers over them.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use ordain_compiler::workspace::{LoadedWorkspace, MANIFEST, load};
use ordain_compiler::{Config, Database};
use ordain_ir::{Diagnostic, Policies};

use crate::analysis::Memory;
use crate::{Analysis, Running, Snapshot, names};

/// The name of the file that makes a folder a workspace.
pub const WORKSPACE_FILE: &str = MANIFEST;

/// The root of the workspace that a file belongs to: the nearest folder above it with a workspace file, or
/// the file's own folder if there is none.
pub fn workspace_root(file: &Path) -> PathBuf {
    let folder = file.parent().unwrap_or(file);
    let root = folder.ancestors().find(|folder| folder.join(WORKSPACE_FILE).is_file());
    root.unwrap_or(folder).to_owned()
}

/// Files that are compiled together. Every change waits until the [`Snapshot`]s made before are gone, and makes
/// what is computed on them unwind.
pub struct Workspace {
    root: PathBuf,
    db: Database,
    input: ordain_compiler::Workspace,
    /// What was read last.
    disk: LoadedWorkspace,
    /// What the editor has open, by name.
    buffers: BTreeMap<String, String>,
    /// What the database holds.
    current: LoadedWorkspace,
    memory: Memory,
}

impl Workspace {
    /// Reads a workspace. A folder without a workspace file is read as empty: only what the editor opens in it
    /// counts, since it may be anybody's home.
    pub fn load(root: &Path) -> Self {
        let name = root.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let empty = LoadedWorkspace::empty(root, Config::named(name));
        let mut db = Database::default();
        let input = empty.open(&mut db);
        let mut workspace = Self {
            root: root.to_owned(),
            db,
            input,
            disk: empty.clone(),
            buffers: BTreeMap::new(),
            current: empty,
            memory: Memory::new(),
        };
        workspace.reload();
        workspace
    }

    /// Reads the files on disk again; tells whether anything that counts has changed. While the workspace file
    /// is wrong, the files stay as they were.
    pub fn reload(&mut self) -> bool {
        if self.root.join(WORKSPACE_FILE).is_file() {
            match load(&self.root) {
                Ok(loaded) => self.disk = loaded,
                Err(problems) => self.disk.problems = problems,
            }
        } else {
            self.disk = LoadedWorkspace::empty(&self.root, self.disk.config.clone());
        }
        self.merge()
    }

    /// The editor has this text for a file; tells whether that changes anything. Buffers outside the
    /// workspace's source folders don't count.
    pub fn set_buffer(&mut self, path: &Path, text: &str) -> bool {
        let Some(file) = file_name(&self.root, path) else { return false };
        // The usual edit: of a file that counts already. Nothing else can change.
        if let Some(known) = self.current.files.get_mut(&file) {
            let changed = known != text;
            if changed {
                text.clone_into(known);
                self.input.set_file(&mut self.db, &file, text);
            }
            self.buffers.insert(file, text.to_owned());
            return changed;
        }
        self.buffers.insert(file, text.to_owned());
        self.merge()
    }

    /// The editor has closed a file, so what is on disk counts again. [`Self::reload`] should follow.
    pub fn close_buffer(&mut self, path: &Path) -> bool {
        let closed = file_name(&self.root, path).and_then(|file| self.buffers.remove(&file));
        closed.is_some() && self.merge()
    }

    /// The state as it is.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { db: self.db.clone(), input: self.input, root: self.root.clone() }
    }

    /// A search for conflicts in policies of this workspace. Searches remember what earlier ones decided.
    pub fn analysis(&self, policies: &Arc<Policies>) -> (Analysis, Running) {
        Analysis::new(policies, &self.memory)
    }

    /// The name of a file in diagnostics, if it lies in the workspace's folder.
    pub fn file_of(&self, path: &Path) -> Option<String> {
        file_name(&self.root, path)
    }

    /// Where a file that a diagnostic names is on disk, or would be once it is saved; `None` for files that
    /// aren't the workspace's own, such as the standard library.
    pub fn path_of(&self, file: &str) -> Option<PathBuf> {
        let path = names::plain(&self.root.join(file));
        (self.current.files.contains_key(file) || path.is_file()).then_some(path)
    }

    /// Lays the buffers over the files and tells the database; tells whether anything has changed.
    fn merge(&mut self) -> bool {
        let mut merged = self.disk.clone();
        for (file, text) in self.buffers.iter().filter(|(file, _)| belongs(&merged.config, file)) {
            // The buffer can be read, whatever is on disk.
            let concerns = |problem: &Diagnostic| problem.primary.as_ref().is_some_and(|at| at.file == *file);
            merged.problems.retain(|problem| !concerns(problem));
            merged.files.insert(file.clone(), text.clone());
        }
        if merged == self.current {
            return false;
        }
        merged.update(&mut self.db, self.input);
        self.current = merged;
        true
    }
}

/// Whether a file lies in one of the source folders, where the compiler would read it.
fn belongs(config: &Config, file: &str) -> bool {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    config.sources.iter().any(|source| {
        let inside = match source.trim_end_matches('/') {
            "." => Some(folder),
            source => folder.strip_prefix(source).filter(|rest| rest.is_empty() || rest.starts_with('/')),
        };
        inside.is_some_and(|inside| inside.split('/').all(|part| !part.starts_with('.')))
    })
}

/// A file's name in diagnostics: its path from the root, with `/` on every system.
pub(crate) fn file_name(root: &Path, path: &Path) -> Option<String> {
    let parts = path.strip_prefix(root).ok()?.components().map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    Some(parts.collect::<Option<Vec<_>>>()?.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_count_where_the_compiler_would_read_them() {
        let config = |sources: &[&str]| Config {
            sources: sources.iter().map(|source| (*source).to_owned()).collect(),
            ..Config::named("test")
        };
        assert!(belongs(&config(&["."]), "a.ordain"));
        assert!(belongs(&config(&["."]), "deep/down/a.ordain"));
        assert!(!belongs(&config(&["."]), ".git/a.ordain"));
        assert!(belongs(&config(&["policies/"]), "policies/a.ordain"));
        assert!(belongs(&config(&["x", "policies"]), "policies/deep/a.ordain"));
        assert!(!belongs(&config(&["policies"]), "a.ordain"));
        assert!(!belongs(&config(&["policies"]), "policies-old/a.ordain"));
    }

    #[test]
    fn names_are_relative() {
        let root = Path::new("/w");
        assert_eq!(file_name(root, Path::new("/w/a/b.ordain")), Some("a/b.ordain".to_owned()));
        assert_eq!(file_name(root, Path::new("/elsewhere/b.ordain")), None);
    }
}
