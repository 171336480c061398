//! Policy files on disk: found, read, and written whole.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ordain_compiler::workspace::{EXTENSION, MAX_FILE_BYTES};

use crate::failure::Failure;
use crate::interrupt::Unfinished;

/// The files at these paths, each once: a file as it is named, whatever its extension, and every policy file below
/// a folder. Hidden folders and links are left out, so that nothing outside of the folder is meant by it.
pub(crate) fn policy_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = vec![];
    for path in paths {
        let metadata = fs::metadata(path).map_err(|reason| Failure::Read { path: path.clone(), reason })?;
        if metadata.is_dir() {
            below(path, &mut found)?;
        } else {
            found.push(path.clone());
        }
    }
    let mut seen = BTreeSet::new();
    found.retain(|path| seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())));
    Ok(found)
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failure = |reason| Failure::Read { path: folder.to_owned(), reason };
    let entries = fs::read_dir(folder).map_err(failure)?.collect::<io::Result<Vec<_>>>().map_err(failure)?;
    let mut paths = vec![];
    for entry in entries {
        paths.push((entry.path(), entry.file_type().map_err(failure)?, entry.file_name()));
    }
    paths.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    for (path, kind, name) in paths {
        let path = path.strip_prefix(".").map(Path::to_owned).unwrap_or(path);
        if kind.is_dir() && !name.to_string_lossy().starts_with('.') {
            below(&path, found)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == EXTENSION) {
            found.push(path);
        }
    }
    Ok(())
}

/// The bytes of a file that is not larger than policies may be.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failure = |reason| Failure::Read { path: path.to_owned(), reason };
    if fs::metadata(path).map_err(failure)?.len() >= MAX_FILE_BYTES {
        return Err(failure(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 64 MiB")));
    }
    fs::read(path).map_err(failure)
}

/// Writes beside the target and renames, so that a reader sees the old file or the new one.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    stream_whole(path, |out| out.write_all(bytes))
}

/// Writes what comes piece by piece, as [`write_whole`] does.
pub(crate) fn stream_whole(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    beside(path, write, None).map_err(|reason| Failure::Write { path: path.to_owned(), reason })
}

/// Puts another text in place of a file's, as [`write_whole`] does, and keeps its permissions. A link stays one: what
/// it leads to is written. Refuses if the file may not be written, or no longer says `old`.
pub(crate) fn replace(path: &Path, old: &str, new: &str) -> Result<(), Failure> {
    let failure = |reason| Failure::Write { path: path.to_owned(), reason };
    let target = fs::canonicalize(path).map_err(failure)?;
    let permissions = fs::metadata(&target).map_err(failure)?.permissions();
    if permissions.readonly() {
        return Err(failure(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only")));
    }
    if fs::read(&target).map_err(failure)? != old.as_bytes() {
        return Err(failure(io::Error::other("the file has changed meanwhile; try again")));
    }
    beside(&target, |out| out.write_all(new.as_bytes()), Some(permissions)).map_err(failure)
}

fn beside(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    permissions: Option<fs::Permissions>,
) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut unfinished = Unfinished::in_folder(folder)?;
    let mut out = io::BufWriter::new(unfinished.file());
    write(&mut out)?;
    out.flush()?;
    drop(out);
    let file = unfinished.file();
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    file.sync_all()?;
    unfinished.become_file(path)
}
