//! What the actor hears: the client's messages and the workers' results.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use ordain_ide::{Analysed, CancelHandle, Checked, Interrupted};
use ordain_ir::{Diagnostic, Policies};
use tokio::sync::oneshot;

use crate::features::Features;
use crate::transport::types::{
    CodeAction, CodeActionKind, Hover, Location, Position, Range,
    TextDocumentContentChangeEvent as ContentChange, TextEdit, Uri,
};

/// One thing that happened.
pub(crate) enum Event {
    /// The client introduced itself.
    Initialize { features: Features, folders: Vec<PathBuf> },
    /// The client is ready to hear from us.
    Initialized,
    /// A document was opened.
    Open { uri: Uri, version: i32, text: String },
    /// A document was edited.
    Change { uri: Uri, version: i32, changes: Vec<ContentChange> },
    /// A document was written to disk.
    Save { uri: Uri },
    /// A document was closed.
    Close { uri: Uri },
    /// Files were created, changed or deleted on disk.
    FilesChanged { uris: Vec<Uri> },
    /// Folders joined the editor's workspace.
    FoldersAdded { folders: Vec<PathBuf> },
    /// `textDocument/diagnostic`
    Pull { uri: Uri, previous: Option<String>, reply: Reply<Pulled> },
    /// `textDocument/hover`
    Hover { uri: Uri, position: Position, reply: Reply<Option<Hover>> },
    /// `textDocument/definition`
    Definition { uri: Uri, position: Position, reply: Reply<Option<Location>> },
    /// `textDocument/formatting`
    Format { uri: Uri, reply: Reply<Option<Vec<TextEdit>>> },
    /// `textDocument/codeAction`; `only` are the kinds that the client asks for, any if there is none.
    Actions {
        uri: Uri,
        range: Range,
        only: Option<Vec<CodeActionKind>>,
        reply: Reply<Option<Vec<CodeAction>>>,
    },
    /// A check of syntax, names and types ended.
    Checked { root: PathBuf, generation: u64, result: Box<Result<Checked, Interrupted>> },
    /// Findings of some files of a project are ready to be shown, of the state with this number.
    Found { root: PathBuf, state: u64, result: Result<Batch, Interrupted> },
    /// A search for conflicts ended, or the conflicts are there and what else may be wrong is looked for.
    Analysed { root: PathBuf, policies: Arc<Policies>, result: Result<Analysed, Interrupted> },
    /// The client answered `workspace/diagnostic/refresh`.
    Refreshed,
    /// The client has left.
    Stop,
}

/// Findings of some files.
pub(crate) struct Batch {
    /// Which part of the files it holds.
    pub(crate) part: Part,
    /// The findings of files of which they may have changed.
    pub(crate) files: BTreeMap<String, Vec<Diagnostic>>,
}

/// Files that are shown at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Those that are open, for which somebody waits.
    Open,
    /// Some others.
    Others,
    /// The last of the others.
    Last,
}

/// The answer to a pull of diagnostics.
#[derive(Clone, Debug)]
pub(crate) enum Pulled {
    /// The client has them already.
    Unchanged { id: String },
    /// Here they are.
    Full { id: String, items: Vec<crate::transport::types::Diagnostic> },
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The client withdrew it.
    Cancelled,
    /// An edit overtook it.
    Superseded,
    /// A bug of ours.
    Internal(String),
}

impl From<Interrupted> for Failure {
    fn from(interrupted: Interrupted) -> Self {
        match interrupted {
            Interrupted::Cancelled => Self::Cancelled,
            Interrupted::Superseded => Self::Superseded,
            Interrupted::Failed(message) | Interrupted::Panicked(message) => Self::Internal(message),
        }
    }
}

/// Where the answer to one question goes. The question is withdrawn by dropping the other end.
pub(crate) struct Reply<T> {
    sender: oneshot::Sender<Result<T, Failure>>,
    cancel: Arc<OnceLock<CancelHandle>>,
}

/// The other end of a [`Reply`]. Dropping it stops the computation that may be running.
pub(crate) struct Waiting<T> {
    receiver: oneshot::Receiver<Result<T, Failure>>,
    cancel: Arc<OnceLock<CancelHandle>>,
}

/// Both ends of a question.
pub(crate) fn question<T>() -> (Reply<T>, Waiting<T>) {
    let (sender, receiver) = oneshot::channel();
    let cancel = Arc::new(OnceLock::new());
    (Reply { sender, cancel: cancel.clone() }, Waiting { receiver, cancel })
}

impl<T> Reply<T> {
    /// Answers. Nobody may be listening any more, which is fine.
    pub(crate) fn send(self, answer: Result<T, Failure>) {
        let _ = self.sender.send(answer);
    }

    /// Whether the client has withdrawn the question.
    pub(crate) fn is_withdrawn(&self) -> bool {
        self.sender.is_closed()
    }

    /// Lets a withdrawal stop the computation that this handle stands for.
    pub(crate) fn stops(&self, computation: CancelHandle) {
        // Set once per question, since each is computed once.
        let _ = self.cancel.set(computation);
    }
}

impl<T> Waiting<T> {
    /// The answer.
    pub(crate) async fn answer(mut self) -> Result<T, Failure> {
        let lost = |_| Err(Failure::Internal("the answer got lost".to_owned()));
        (&mut self.receiver).await.unwrap_or_else(lost)
    }
}

impl<T> Drop for Waiting<T> {
    fn drop(&mut self) {
        if let Some(computation) = self.cancel.get() {
            computation.cancel();
        }
    }
}
