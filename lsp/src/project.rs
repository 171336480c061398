//! One workspace on its way from edits to findings.
//!
//! Every write starts a new *generation*. Each generation is checked (syntax, names, types) at once; when its
//! policies differ from those whose conflicts are known, a search for conflicts follows after a rest. A check
//! counts only for the generation that it was started in; a search counts for the policies that it was given,
//! so edits of white space and comments don't disturb it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ordain_ide::{Analysed, Analysis, Checked, Interrupted, Running, Snapshot, Workspace};
use ordain_ir::{Diagnostic, Policies};

use crate::event::{Pulled, Reply};
use crate::publisher::{Shown, bug};

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
    Checked(Box<Checked>),
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
    pub(crate) fn is_checked(&self) -> bool {
        matches!(self.progress, Progress::Checked(_))
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
                self.progress = Progress::Checked(Box::new(checked));
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
        let known = self.analysed.as_ref().map(Analysed::policies);
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

    /// Takes in the end of the search in these policies.
    pub(crate) fn analysed(
        &mut self,
        policies: Arc<Policies>,
        result: Result<Analysed, Interrupted>,
    ) -> News {
        if self.running.as_ref().is_some_and(|running| Arc::ptr_eq(running.policies(), &policies)) {
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

    /// The current findings per file, with the check that they rest on; `None` while there are none.
    pub(crate) fn findings(&self) -> Option<(&Checked, BTreeMap<String, Vec<Diagnostic>>)> {
        match &self.progress {
            Progress::Checked(checked) => Some((checked, checked.findings(self.analysed.as_ref()))),
            _ => None,
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
