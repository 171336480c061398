//! What the client has been told, and the queue of what it is to be told.

use tokio::sync::mpsc::UnboundedSender;

use crate::transport::types::{Diagnostic, Uri};

/// A message for the client.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// The diagnostics of a file, in place of those it had.
    Publish { uri: Uri, version: Option<i32>, items: Vec<Diagnostic> },
    /// Something for the client's log.
    LogError(String),
    /// Please report changes of our files.
    Watch,
    /// Please pull diagnostics again.
    Refresh,
}

/// The last known diagnostics of a file that has some, or had.
#[derive(Debug)]
pub(crate) struct Shown {
    /// They.
    pub(crate) items: Vec<Diagnostic>,
    /// Their name in pulls. Never given twice.
    pub(crate) id: String,
    /// Whether the client has some of this file by push.
    pub(crate) pushed: bool,
    /// Whether the client has pulled these.
    pub(crate) pulled: bool,
}

/// What is said of a panic.
pub(crate) fn bug(what: &str, message: &str) -> String {
    format!("ordain has a bug: {what} panicked: {message}")
}

/// The name of "no diagnostics" in pulls, for files of which there never were any.
const NOTHING: &str = "0";

impl Default for Shown {
    fn default() -> Self {
        Self { items: vec![], id: NOTHING.to_owned(), pushed: false, pulled: true }
    }
}

/// The way out to the client. Never waits: a task of the transport delivers.
pub(crate) struct Publisher {
    outbox: UnboundedSender<Outgoing>,
    /// How many sets of diagnostics there were.
    count: u64,
    /// A request to pull again is under way.
    refreshing: bool,
    /// Another one is wanted after it.
    refresh_again: bool,
}

impl Publisher {
    /// A publisher that puts its messages there.
    pub(crate) fn new(outbox: UnboundedSender<Outgoing>) -> Self {
        Self { outbox, count: 0, refreshing: false, refresh_again: false }
    }

    /// Replaces what is known of a file; tells whether that is something else.
    pub(crate) fn update(&mut self, shown: &mut Shown, items: Vec<Diagnostic>) -> bool {
        if shown.items == items {
            return false;
        }
        self.count += 1;
        shown.id = self.count.to_string();
        shown.items = items;
        shown.pulled = false;
        true
    }

    /// Pushes what is known of a file.
    pub(crate) fn push(&self, shown: &mut Shown, uri: Uri, version: Option<i32>) {
        shown.pushed = !shown.items.is_empty();
        self.send(Outgoing::Publish { uri, version, items: shown.items.clone() });
    }

    /// Takes back what was pushed of a file.
    pub(crate) fn retract(&self, shown: &mut Shown, uri: Uri) {
        if std::mem::take(&mut shown.pushed) {
            self.send(Outgoing::Publish { uri, version: None, items: vec![] });
        }
    }

    /// Asks the client to pull again; one request at a time.
    pub(crate) fn refresh(&mut self) {
        if self.refreshing {
            self.refresh_again = true;
        } else {
            self.refreshing = true;
            self.send(Outgoing::Refresh);
        }
    }

    /// The client has answered the request to pull again.
    pub(crate) fn refreshed(&mut self) {
        self.refreshing = false;
        if std::mem::take(&mut self.refresh_again) {
            self.refresh();
        }
    }

    /// Asks the client to report changes of our files.
    pub(crate) fn watch(&self) {
        self.send(Outgoing::Watch);
    }

    /// Tells the client's log, and ours, of trouble.
    pub(crate) fn report(&self, message: String) {
        tracing::error!("{message}");
        self.send(Outgoing::LogError(message));
    }

    fn send(&self, message: Outgoing) {
        // The other end is gone once the client is.
        let _ = self.outbox.send(message);
    }
}
