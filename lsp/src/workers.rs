//! The threads that compute: a small pool for questions and checks, one thread that searches for conflicts.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};

use ordain_ide::{Analysis, Interrupted, Snapshot, guard};

use crate::event::{Batch, Event};
use crate::show::Show;

/// Enough for a deeply nested condition, on every thread that parses or walks one.
const STACK: usize = 8 << 20;

/// Something that is about to be computed.
pub struct Job<'a> {
    /// `check`, `analyse`, `hover`, `definition`, `format` or `actions`.
    pub name: &'static str,
    checkpoint: &'a dyn Fn(),
}

impl Job<'_> {
    /// Stops the job here if it is no longer wanted, as a query would stop itself.
    pub fn checkpoint(&self) {
        (self.checkpoint)();
    }
}

/// An observer of jobs, called on the thread that computes them and under the same guard. Tests use it to make
/// a job slow, or to make it panic.
#[derive(Clone)]
pub struct Probe(Option<Arc<Observe>>);

type Observe = dyn Fn(&Job<'_>) + Send + Sync;

impl Probe {
    /// Sees nothing.
    pub fn none() -> Self {
        Self(None)
    }

    /// Calls this function.
    pub fn new(observe: impl Fn(&Job<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(observe)))
    }

    fn observe(&self, job: &Job<'_>) {
        if let Some(observe) = &self.0 {
            observe(job);
        }
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Probe(..)" } else { "Probe(none)" })
    }
}

/// The threads. They end when this is dropped and their work is done.
pub(crate) struct Workers {
    queries: rayon::ThreadPool,
    analyses: mpsc::Sender<(PathBuf, Analysis)>,
    probe: Probe,
}

impl Workers {
    /// Starts them. Results of searches go to `events`.
    pub(crate) fn start(events: mpsc::Sender<Event>, probe: Probe) -> io::Result<Self> {
        let queries = rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .stack_size(STACK)
            .thread_name(|n| format!("ordain-query-{n}"))
            .build()
            .map_err(io::Error::other)?;
        let (analyses, inbox) = mpsc::channel();
        let observer = probe.clone();
        let search = move || search(&inbox, &events, &observer);
        std::thread::Builder::new().name("ordain-analysis".to_owned()).stack_size(STACK).spawn(search)?;
        Ok(Self { queries, analyses, probe })
    }

    /// Computes on a snapshot, guarded, and hands over the outcome. The snapshot is gone by then, so that
    /// whoever gets the outcome can write.
    pub(crate) fn query<T: Send + 'static>(
        &self,
        name: &'static str,
        snapshot: Snapshot,
        work: impl FnOnce(&Snapshot) -> T + Send + 'static,
        done: impl FnOnce(Result<T, Interrupted>) + Send + 'static,
    ) {
        let probe = self.probe.clone();
        self.queries.spawn(move || {
            let result = guard(|| {
                probe.observe(&Job { name, checkpoint: &|| snapshot.checkpoint() });
                work(&snapshot)
            });
            drop(snapshot);
            done(result);
        });
    }

    /// Makes the findings of a state and hands them over by and by.
    pub(crate) fn show(&self, show: Show, done: impl Fn(Result<Batch, Interrupted>) + Send + 'static) {
        self.queries.spawn(move || {
            if let Err(failed) = guard(|| show.run(|batch| done(Ok(batch)))) {
                done(Err(failed));
            }
        });
    }

    /// Queues a search for conflicts.
    pub(crate) fn analyse(&self, root: PathBuf, analysis: Analysis) {
        // The thread lives as long as this sender: each search is guarded.
        let _ = self.analyses.send((root, analysis));
    }
}

fn search(inbox: &mpsc::Receiver<(PathBuf, Analysis)>, events: &mpsc::Sender<Event>, probe: &Probe) {
    while let Ok((root, analysis)) = inbox.recv() {
        let policies = analysis.policies().clone();
        let mut result = guard(|| {
            probe.observe(&Job { name: "analyse", checkpoint: &|| analysis.checkpoint() });
            analysis.run()
        })
        .flatten();
        let tell = |result| {
            let (root, policies) = (root.clone(), policies.clone());
            events.send(Event::Analysed { root, policies, result }).is_ok()
        };
        // Conflicts are told before what takes longer.
        if let Ok(analysed) = &result {
            if !tell(Ok(analysed.clone())) {
                return;
            }
            result = result.and_then(|analysed| analysis.complete(analysed));
        }
        if !tell(result) {
            return;
        }
    }
}
