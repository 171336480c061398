//! What a Ctrl-C does: it ends the program at once, and no half-written file stays behind.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Files that are being written. Who holds the lock may make one; the one who ends the program never lets go.
static UNFINISHED: LazyLock<Mutex<Vec<PathBuf>>> = LazyLock::new(Mutex::default);

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on a request to end takes what is half-written along. `code` is the exit code for a signal.
pub(crate) fn listen(code: fn(i32) -> i32) -> io::Result<()> {
    // Not a hang-up: who starts this with `nohup` has it ignored, and listening would end that.
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            let unfinished = unfinished();
            for path in unfinished.iter() {
                let _ = std::fs::remove_file(path);
            }
            // The line of the progress.
            let mut err = io::stderr();
            if err.is_terminal() {
                let _ = err.write_all(b"\r\x1b[2K");
            }
            // Not by returning from `main`: other threads are in the middle of something.
            signal_hook::low_level::exit(code(signal));
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
    Ok(())
}

/// As shells report a program that a signal ended.
pub(crate) const fn as_shells_do(signal: i32) -> i32 {
    128 + signal
}

/// As [`as_shells_do`], but that a Ctrl-C is what the program waits for.
pub(crate) const fn as_wanted(signal: i32) -> i32 {
    if signal == SIGINT { 0 } else { as_shells_do(signal) }
}

/// A file beside the one that it is to become.
pub(crate) struct Unfinished(Option<tempfile::NamedTempFile>);

impl Unfinished {
    /// Makes one in this folder.
    pub(crate) fn in_folder(folder: &Path) -> io::Result<Self> {
        let mut all = unfinished();
        let file = tempfile::NamedTempFile::new_in(folder)?;
        all.push(file.path().to_owned());
        Ok(Self(Some(file)))
    }

    /// The file.
    pub(crate) fn file(&mut self) -> &mut std::fs::File {
        self.0.as_mut().expect("only `become_file` and `drop` take it").as_file_mut()
    }

    /// Puts it in the place of the file that it is to become.
    pub(crate) fn become_file(mut self, path: &Path) -> io::Result<()> {
        let mut all = unfinished();
        let Some(file) = self.0.take() else { return Ok(()) };
        all.retain(|known| known != file.path());
        file.persist(path)?;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(file) = self.0.take() {
            unfinished().retain(|known| known != file.path());
        }
    }
}
