//! One file per verb.

pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod eval;
pub(crate) mod explain;
pub(crate) mod graph;
pub(crate) mod inspect;
pub(crate) mod lsp;
pub(crate) mod request_schema;
pub(crate) mod serve;
pub(crate) mod simulate;
pub(crate) mod state;
pub(crate) mod test;

use std::io::Write as _;
use std::path::Path;

use crate::failure::Failure;

/// Writes to standard output. A reader that has seen enough and closes it is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(reason) if reason.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Write { path: "standard output".into(), reason })
        }
        _ => Ok(()),
    }
}

/// Writes beside the target and renames, so that a reader sees the old bundle or the new one.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failure = |reason| Failure::Write { path: path.to_owned(), reason };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failure)?;
    file.write_all(bytes).map_err(failure)?;
    file.as_file().sync_all().map_err(failure)?;
    file.persist(path).map_err(|error| failure(error.error))?;
    Ok(())
}
