//! Counters in a file.

use std::path::Path;

use ordain_engine::Ledger;
use ordain_engine::ledger::LedgerState;

use crate::failure::Failure;
use crate::files;

/// The counters in a file; none where there is no file yet.
pub(crate) fn load(path: &Path) -> Result<Ledger, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let state: LedgerState = serde_json::from_str(&text).map_err(|reason| {
                let path = path.display();
                Failure::Other(format!(
                    "`{path}` holds no counters: {reason}; take another file, or none yet"
                ))
            })?;
            Ok(Ledger::restore(state))
        }
        Err(reason) if reason.kind() == std::io::ErrorKind::NotFound => Ok(Ledger::default()),
        Err(reason) => Err(Failure::Read { path: path.to_owned(), reason }),
    }
}

/// Writes the counters, whole or not at all.
pub(crate) fn save(path: &Path, ledger: &Ledger) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(&ledger.state()).map_err(Failure::other)?;
    files::write_whole(path, (json + "\n").as_bytes())
}
