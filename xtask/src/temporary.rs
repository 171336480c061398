//! Temporary folders that go when their owner goes.

use std::{
    env, fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::failure::{Context, Outcome};

/// A folder that is removed, with all that is in it, when this value is dropped.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A new folder in the system's place for temporary files, closed to other users.
    pub(crate) fn new(purpose: &str) -> Outcome<Self> {
        Self::new_in(&env::temp_dir(), purpose, 0o700)
    }

    /// A new folder in `parent` with the permissions `mode`.
    pub(crate) fn new_in(parent: &Path, purpose: &str, mode: u32) -> Outcome<Self> {
        // The number tells apart the folders of one process, as parallel tests make them.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("ordain-{purpose}-{}-{number}", process::id()));
        // A leftover of a killed process that had our id; if it isn't ours to remove, creation says so.
        let _ = fs::remove_dir_all(&path);
        fs::DirBuilder::new().mode(mode).create(&path).context("create the folder", &path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Best effort: a leftover in the temporary folder harms nobody, and there is no one to tell.
        let _ = fs::remove_dir_all(&self.0);
    }
}
