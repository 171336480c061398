//! How far a long run is, on standard error, if that is a terminal; and how long each part of it took.

use std::cell::RefCell;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long a run may take before it tells what it is busy with.
const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(100);

/// A run in parts.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// Waits until there is something to show. Ends when the sender is gone.
    patience: Option<(Sender<()>, JoinHandle<()>)>,
    marks: RefCell<Vec<(&'static str, Instant)>>,
}

impl Progress {
    /// Begins.
    pub(crate) fn begin() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        let (sender, receiver) = channel::<()>();
        let shown = bar.clone();
        let wait = move || {
            // The sender never sends; it goes when the run ends.
            if receiver
                .recv_timeout(PATIENCE)
                .is_err_and(|it| it == std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(TICK);
            }
        };
        let thread = std::thread::Builder::new().spawn(wait).ok();
        Self { bar, patience: thread.map(|thread| (sender, thread)), marks: RefCell::default() }
    }

    /// Turns to this part now; it may come back to one.
    pub(crate) fn enter(&self, part: &'static str) {
        self.marks.borrow_mut().push((part, Instant::now()));
        self.bar.set_message(part);
    }

    /// Shows nothing more.
    pub(crate) fn clear(&mut self) {
        if let Some((sender, thread)) = self.patience.take() {
            drop(sender);
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }

    /// How long each part took until now, in the order in which they began.
    pub(crate) fn took(&self) -> Vec<(&'static str, Duration)> {
        let marks = self.marks.borrow();
        let ends = marks.iter().skip(1).map(|(_, at)| *at).chain([Instant::now()]);
        let mut sums: Vec<(&'static str, Duration)> = vec![];
        for ((part, from), to) in marks.iter().zip(ends) {
            let more = to.duration_since(*from);
            match sums.iter_mut().find(|(known, _)| known == part) {
                Some((_, sum)) => *sum += more,
                None => sums.push((part, more)),
            }
        }
        sums
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
