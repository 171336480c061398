//! One workspace on its way from edits to findings.
//!
//! Every write starts a new *generation*. Each generation is checked (syntax, names, types) at once; when its
//! policies differ from those whose conflicts are known, a search for conflicts follows after a rest. A check
//! counts only for the generation that it was started in; a search counts for the policies that it was given,
//! so edits of white space and comments don't disturb it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ordain_ide::{Analysed, Analysis, Checked, Interrupted, Running, Snapshot, Workspace};
use ordain_ir::Policies;

use crate::event::{Batch, Part, Pulled, Reply};
use crate::publisher::{Shown, bug};
use crate::show::{Known, Show};

/// A pull that waits for the check of the current generation.
pub(crate) struct Pull {
    /// The file.
    pub(crate) path: PathBuf,
    /// What the client has of it.
    pub(crate) previous: Option<String>,
    /// Where the answer goes.
    pub(crate) reply: Reply<Pulled>,
}

/// How far the current generation has come.
enum Progress {
    /// Nothing has been started.
    Stale,
    /// A check runs.
    Checking,
    /// It has ended.
    Checked(Arc<Checked>),
    /// It has failed, by a bug of ours.
    Failed(String),
}

/// What became of a check or search.
pub(crate) enum News {
    /// There is something new to show.
    Show,
    /// There isn't.
    Nothing,
    /// It failed; to be told to the client.
    Trouble(String),
}

/// Generations are numbered across all projects, so that a result never meets one that took its project's place.
fn next_generation() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// One workspace and what is known of it.
pub(crate) struct Project {
    workspace: Workspace,
    /// What the client has been told of its files.
    pub(crate) shown: BTreeMap<PathBuf, Shown>,
    /// Pulls that wait.
    pub(crate) waiting: Vec<Pull>,
    generation: u64,
    progress: Progress,
    must_reload: bool,
    analysed: Option<Analysed>,
    running: Option<Running>,
    due: Option<Instant>,
    /// The search in these policies has failed, by a bug of ours; the next edit of them starts another.
    given_up: Option<Arc<Policies>>,
    /// The latest state that was or is to be shown.
    state: Arc<AtomicU64>,
    shown_of: Displayed,
    /// What was shown of files that are not open.
    known: Known,
}

/// How much of a state has been shown, or is being made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Displayed {
    /// The last state of which open documents were shown.
    open: u64,
    /// The last one of which showing the others was begun.
    others: u64,
    /// The last one of which they were shown.
    all: u64,
}

impl Project {
    /// A project whose files are still to be checked.
    pub(crate) fn new(workspace: Workspace) -> Self {
        Self {
            workspace,
            shown: BTreeMap::new(),
            waiting: vec![],
            generation: next_generation(),
            progress: Progress::Stale,
            must_reload: false,
            analysed: None,
            running: None,
            due: None,
            given_up: None,
            state: Arc::default(),
            shown_of: Displayed::default(),
            known: Known::default(),
        }
    }

    /// The text of an open document has changed.
    pub(crate) fn set_buffer(&mut self, path: &Path, text: &str) {
        if self.workspace.set_buffer(path, text) {
            self.begin_generation();
        }
    }

    /// A document was closed; its file counts again.
    pub(crate) fn close_buffer(&mut self, path: &Path) {
        if self.workspace.close_buffer(path) {
            self.begin_generation();
        }
        self.must_reload = true;
    }

    /// Files on disk may have changed. They are read when the next check starts or the next question comes.
    pub(crate) fn must_reload(&mut self) {
        self.must_reload = true;
    }

    /// Takes in what happened on disk.
    pub(crate) fn settle(&mut self) {
        if std::mem::take(&mut self.must_reload) && self.workspace.reload() {
            self.begin_generation();
        }
    }

    /// Whether the current generation has findings.
    fn is_checked(&self) -> bool {
        matches!(self.progress, Progress::Checked(_))
    }

    /// Whether what is shown of open documents is the latest.
    pub(crate) fn is_shown(&self) -> bool {
        self.is_checked() && self.shown_of.open == self.state.load(Ordering::Relaxed)
    }

    /// Makes a new state of what there is to show now; what is to be made of it for these open documents. `None` while
    /// there is nothing to show.
    pub(crate) fn show(&mut self, open: BTreeSet<String>) -> Option<Show> {
        let Progress::Checked(checked) = &self.progress else { return None };
        let state = self.state.fetch_add(1, Ordering::Relaxed) + 1;
        Some(Show {
            checked: Arc::clone(checked),
            analysed: self.analysed.clone(),
            state,
            latest: Arc::clone(&self.state),
            part: Part::Open,
            open,
            known: Known::default(),
        })
    }

    /// Whether the files that are not open are still to be shown. Nobody may wait for the others then; and while more is
    /// to be found soon, what is there stays.
    pub(crate) fn has_others_to_show(&self) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        let soon = (self.due.is_some() || self.running.is_some()) && self.shown_of.all > 0;
        !soon && self.is_shown() && self.shown_of.others != state
    }

    /// What is to be made for them.
    pub(crate) fn show_others(&mut self, open: BTreeSet<String>) -> Option<Show> {
        let Progress::Checked(checked) = &self.progress else { return None };
        let state = self.state.load(Ordering::Relaxed);
        self.shown_of.others = state;
        Some(Show {
            checked: Arc::clone(checked),
            analysed: self.analysed.clone(),
            state,
            latest: Arc::clone(&self.state),
            part: Part::Others,
            open,
            known: self.known.clone(),
        })
    }

    /// Takes note of findings that are about to be shown; the check that they rest on, unless they are outdated.
    pub(crate) fn found(&mut self, state: u64, found: &Batch) -> Option<Arc<Checked>> {
        let Progress::Checked(checked) = &self.progress else { return None };
        if state != self.state.load(Ordering::Relaxed) {
            return None;
        }
        match found.part {
            Part::Open => {
                self.shown_of.open = state;
                for file in found.files.keys() {
                    self.known.files.remove(file);
                }
            }
            Part::Others => {
                // Until all are shown, some stand on the lines of before.
                self.known.lines.clear();
                let files = found.files.iter().map(|(file, found)| (file.clone(), Arc::new(found.clone())));
                self.known.files.extend(files);
            }
            Part::Last => {
                self.shown_of.all = state;
                self.known.lines.clone_from(checked.lines());
            }
        }
        Some(Arc::clone(checked))
    }

    /// The findings of a state can't be made, by a bug of ours; whether anybody still waits for them.
    pub(crate) fn cannot_show(&mut self, state: u64, message: &str) -> bool {
        let wanted = self.is_checked() && state == self.state.load(Ordering::Relaxed);
        if wanted && !self.is_shown() {
            self.progress = Progress::Failed(message.to_owned());
        }
        wanted
    }

    /// Whether nothing is said of a file that is not open.
    pub(crate) fn is_silent(&self, path: &Path) -> bool {
        let found = self.file_of(path).and_then(|file| self.known.files.get(&file));
        found.is_none_or(|found| found.is_empty())
    }

    fn begin_generation(&mut self) {
        self.generation = next_generation();
        self.progress = Progress::Stale;
        self.due = None;
    }

    /// The state as it is, for a question.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.workspace.snapshot()
    }

    /// The check that is to be started now.
    pub(crate) fn next_check(&mut self) -> Option<(u64, Snapshot)> {
        if !matches!(self.progress, Progress::Stale) {
            return None;
        }
        self.progress = Progress::Checking;
        Some((self.generation, self.workspace.snapshot()))
    }

    /// Takes in the end of a check.
    pub(crate) fn checked(
        &mut self,
        generation: u64,
        result: Result<Checked, Interrupted>,
        now: Instant,
        delay: Duration,
    ) -> News {
        if generation != self.generation {
            return News::Nothing;
        }
        match result {
            Ok(checked) => {
                self.plan_analysis(checked.policies(), now + delay);
                self.progress = Progress::Checked(Arc::new(checked));
                News::Show
            }
            // Only a write supersedes a check, and a write begins a generation; so this is for safety.
            Err(Interrupted::Superseded | Interrupted::Cancelled) => {
                self.progress = Progress::Stale;
                News::Nothing
            }
            Err(Interrupted::Failed(message) | Interrupted::Panicked(message)) => {
                let message = bug("a check", &message);
                self.progress = Progress::Failed(message.clone());
                News::Trouble(message)
            }
        }
    }

    /// Decides whether conflicts must be searched for in these policies, and when.
    fn plan_analysis(&mut self, policies: &Arc<Policies>, at: Instant) {
        if let Some(running) = &self.running {
            if running.policies() == policies {
                return;
            }
            running.stop();
            self.running = None;
        }
        let complete = self.analysed.as_ref().filter(|analysed| analysed.lints().is_some());
        let known = complete.map(Analysed::policies);
        let settled = [known, self.given_up.as_ref()].into_iter().flatten().any(|done| done == policies);
        self.due = (!settled).then_some(at);
    }

    /// When the search for conflicts is to start.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The search that is to be started now.
    pub(crate) fn next_analysis(&mut self, now: Instant) -> Option<Analysis> {
        let Progress::Checked(checked) = &self.progress else { return None };
        if self.due.is_none_or(|due| now < due) {
            return None;
        }
        self.due = None;
        let (analysis, running) = self.workspace.analysis(checked.policies());
        self.running = Some(running);
        Some(analysis)
    }

    /// Takes in the end of the search in these policies, or of its first part.
    pub(crate) fn analysed(
        &mut self,
        policies: Arc<Policies>,
        result: Result<Analysed, Interrupted>,
    ) -> News {
        let goes_on = result.as_ref().is_ok_and(|analysed| analysed.lints().is_none());
        if !goes_on && self.running.as_ref().is_some_and(|running| Arc::ptr_eq(running.policies(), &policies))
        {
            self.running = None;
        }
        match result {
            Ok(analysed) => {
                self.analysed = Some(analysed);
                if self.is_checked() { News::Show } else { News::Nothing }
            }
            // Stopped since the policies changed; the search in the new ones is planned or runs.
            Err(Interrupted::Superseded | Interrupted::Cancelled) => News::Nothing,
            Err(Interrupted::Failed(message)) => {
                self.given_up = Some(policies);
                News::Trouble(format!("conflicts can't be searched for: {message}"))
            }
            Err(Interrupted::Panicked(message)) => {
                self.given_up = Some(policies);
                News::Trouble(bug("a search for conflicts", &message))
            }
        }
    }

    /// The conflicts that were found last, perhaps in older policies.
    pub(crate) fn last_analysed(&self) -> Option<Analysed> {
        self.analysed.clone()
    }

    /// Why the current generation has no findings, if that is our fault.
    pub(crate) fn failure(&self) -> Option<&str> {
        match &self.progress {
            Progress::Failed(message) => Some(message),
            _ => None,
        }
    }

    /// The name of a file in diagnostics.
    pub(crate) fn file_of(&self, path: &Path) -> Option<String> {
        self.workspace.file_of(path)
    }

    /// The file on disk behind a name in a diagnostic, if there is one.
    pub(crate) fn path_of(&self, file: &str) -> Option<PathBuf> {
        self.workspace.path_of(file)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.stop();
        }
    }
}
