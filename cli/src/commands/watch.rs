//! `ordain check --watch`

#![expect(clippy::print_stderr, reason = "what it waits for is told beside the findings")]

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use notify::event::{ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use ordain_compiler::workspace::{EXTENSION, MANIFEST};

use crate::Verdict;
use crate::args::CheckArgs;
use crate::commands::{check, print};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::render::count;
use crate::repairs;
use crate::workspace::{READING, Session};

/// Editors write a file in several steps, and other programs many files: what changes within this time after
/// another change belongs to it.
const QUIET: Duration = Duration::from_millis(100);

/// Checks, and again whenever something has changed.
pub(super) fn run(args: &CheckArgs, color: bool) -> Result<Verdict, Failure> {
    // A folder above may be renamed meanwhile; the workspace stays the one that is meant now.
    let path =
        args.path.canonicalize().map_err(|reason| Failure::Read { path: args.path.clone(), reason })?;
    let mut session: Option<Session> = None;
    let mut watch = Watch::new()?;
    let mut changed = Some(BTreeSet::new());
    // Before reading, so that no change is missed.
    watch.follow(vec![home(&path)])?;
    loop {
        let mut more = false;
        if let Some(paths) = changed {
            let outcome = round(args, color, &path, &mut session, &paths);
            // Of what it depends on it may know only now; that may have changed since it was read.
            more = watch.follow(session.as_ref().map_or_else(|| vec![home(&path)], Session::folders))?;
            match outcome {
                Ok(false) => {}
                Ok(true) => {
                    let files = session.as_ref().map_or(0, |session| session.files().len());
                    eprintln!("watching {}; Ctrl-C ends it", count(files, "file"));
                }
                Err(failure @ Failure::Bug(_)) => return Err(failure),
                Err(failure) => {
                    clear()?;
                    eprintln!("error: {failure}\nwatching; Ctrl-C ends it");
                }
            }
        }
        if !path.exists() {
            let reason = std::io::ErrorKind::NotFound.into();
            return Err(Failure::Read { path, reason });
        }
        changed = if more { Some(BTreeSet::new()) } else { watch.next()? };
    }
}

/// The folder that a path is or lies in.
fn home(path: &Path) -> PathBuf {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let root = folder.ancestors().find(|folder| folder.join(MANIFEST).is_file());
    root.unwrap_or(folder).to_owned()
}

/// Reads what has changed and checks, unless nothing has.
fn round(
    args: &CheckArgs,
    color: bool,
    path: &Path,
    session: &mut Option<Session>,
    changed: &BTreeSet<PathBuf>,
) -> Result<bool, Failure> {
    let mut progress = Progress::begin();
    progress.enter(READING);
    let session = match session {
        Some(known) => {
            if !known.refresh(path, changed)? {
                return Ok(false);
            }
            known
        }
        None => session.insert(Session::load(path)?.keeping()),
    };
    let mut checked = session.check(args.threads, check::today(args), &progress)?;
    repairs::verify(session, &mut checked, args.threads, &progress)?;
    progress.clear();
    clear()?;
    check::report(args, color, &checked, &progress)?;
    Ok(true)
}

/// Makes room, if somebody looks at a terminal.
fn clear() -> Result<(), Failure> {
    if std::io::stdout().is_terminal() { print("\u{1b}[2J\u{1b}[3J\u{1b}[H") } else { Ok(()) }
}

/// Tells of changes below some folders.
struct Watch {
    watcher: RecommendedWatcher,
    events: Receiver<notify::Result<Event>>,
    folders: BTreeSet<PathBuf>,
}

fn failed(reason: &notify::Error) -> Failure {
    Failure::Other(format!("changes can't be watched: {reason}"))
}

impl Watch {
    fn new() -> Result<Self, Failure> {
        let (sender, events) = channel();
        let watcher = notify::recommended_watcher(sender).map_err(|reason| failed(&reason))?;
        Ok(Self { watcher, events, folders: BTreeSet::new() })
    }

    /// Watches these folders, and no others. Says whether there is one among them that it didn't watch before.
    fn follow(&mut self, folders: Vec<PathBuf>) -> Result<bool, Failure> {
        let wanted: BTreeSet<PathBuf> = folders.into_iter().collect();
        for folder in wanted.difference(&self.folders) {
            match self.watcher.watch(folder, RecursiveMode::Recursive) {
                // It may be gone again; then its parent tells when it comes back, or nobody needs it.
                Err(reason) if folder.exists() => return Err(failed(&reason)),
                _ => {}
            }
        }
        for folder in self.folders.difference(&wanted) {
            let _ = self.watcher.unwatch(folder);
        }
        let more = !wanted.is_subset(&self.folders);
        self.folders = wanted;
        Ok(more)
    }

    /// Waits until something has changed and then nothing more. Gives the files, none if it could be anything; `None`
    /// if it doesn't concern policies.
    fn next(&self) -> Result<Option<BTreeSet<PathBuf>>, Failure> {
        let gone = || Failure::Other("changes can't be watched any more".to_owned());
        let mut change = Change::default();
        change.add(self.events.recv().map_err(|_| gone())?, &self.folders);
        loop {
            match self.events.recv_timeout(QUIET) {
                Ok(event) => change.add(event, &self.folders),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return Err(gone()),
            }
        }
        Ok(match (change.anything, change.files) {
            (true, _) => Some(BTreeSet::new()),
            (false, files) if files.is_empty() => None,
            (false, files) => Some(files),
        })
    }
}

/// What has changed.
#[derive(Default)]
struct Change {
    /// Files with another text.
    files: BTreeSet<PathBuf>,
    /// Files or folders that have come or gone, or nobody knows what.
    anything: bool,
}

impl Change {
    fn add(&mut self, event: notify::Result<Event>, folders: &BTreeSet<PathBuf>) {
        let Ok(event) = event else {
            self.anything = true;
            return;
        };
        if event.need_rescan() {
            self.anything = true;
        }
        if matches!(event.kind, EventKind::Access(_)) {
            return;
        }
        let text = matches!(event.kind, EventKind::Modify(ModifyKind::Data(_)));
        for path in event.paths.into_iter().filter(|path| concerns(path, folders)) {
            let known = path.extension().is_some_and(|extension| extension == EXTENSION);
            // A file that is renamed onto another brings another text, and its own name goes.
            let renamed = matches!(event.kind, EventKind::Modify(ModifyKind::Name(RenameMode::To)));
            if known && (text || renamed) {
                self.files.insert(path);
            } else {
                self.anything = true;
            }
        }
    }
}

/// Whether a path may matter: that of a policy file or workspace file, or of a folder, and none that is hidden.
fn concerns(path: &Path, folders: &BTreeSet<PathBuf>) -> bool {
    let inner = folders.iter().find_map(|folder| path.strip_prefix(folder).ok()).unwrap_or(path);
    let hidden = inner.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'));
    let policies = path.extension().is_some_and(|extension| extension == EXTENSION);
    let manifest = path.file_name().is_some_and(|name| name == MANIFEST);
    !hidden && (policies || manifest || !path.is_file())
}
