//! The wire: JSON-RPC over a pair of byte streams. The only file that names the library underneath, so that
//! another can take its place.
//!
//! `tower-lsp` runs handlers concurrently and in one task. Left alone, that reorders edits, lets computation
//! block cancellation, and lets a panic end the server. Here [`InOrder`] polls each handler once on arrival,
//! when it sends its event to the actor, and turns panics into error answers; handlers compute nothing. It also
//! ends at the first message that it doesn't understand; so [`frames`] keeps those from it.

use std::future::{Future, ready};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tower::Service;
use tower_lsp::jsonrpc::{self, ErrorCode, Id, Request, Response};
use tower_lsp::ls_types::{
    CodeActionOrCommand, CodeActionParams, CodeActionResponse, DidChangeTextDocumentParams,
    DidChangeWatchedFilesParams, DidChangeWatchedFilesRegistrationOptions, DidChangeWorkspaceFoldersParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams,
    DocumentDiagnosticParams, DocumentDiagnosticReport, DocumentDiagnosticReportResult,
    DocumentFormattingParams, FileSystemWatcher, FullDocumentDiagnosticReport, GlobPattern,
    GotoDefinitionParams, GotoDefinitionResponse, Hover, HoverParams, InitializeParams, InitializeResult,
    InitializedParams, MessageType, Registration, RelatedFullDocumentDiagnosticReport,
    RelatedUnchangedDocumentDiagnosticReport, ServerInfo, TextEdit, UnchangedDocumentDiagnosticReport,
};
use tower_lsp::{Client, LanguageServer, LspService, Server};

use crate::actor::{Actor, file_path};
use crate::event::{Event, Failure, Pulled, Reply, question};
use crate::features::Features;
use crate::publisher::Outgoing;
use crate::{Ending, Options, frames};

/// The protocol's data types.
pub(crate) use tower_lsp::ls_types as types;

/// So many requests may wait for their answers before the next message is read.
const CONCURRENT_REQUESTS: usize = 256;

/// So many bytes may wait between the filter and the reader of messages.
const BUFFER: usize = 64 << 10;

/// Serves one client over a pair of byte streams until it leaves.
///
/// # Errors
/// If the server's threads can't be started.
pub async fn serve<R, W>(input: R, writer: W, options: Options) -> io::Result<Ending>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite,
{
    let (events, inbox) = std::sync::mpsc::channel();
    let (outbox, outgoing) = unbounded_channel();
    Actor::start(inbox, events.clone(), outbox, options)?;
    let shut_down = Arc::new(AtomicBool::new(false));
    let (service, socket) = LspService::new(|client| {
        tokio::spawn(deliver(client, outgoing, events.clone()));
        Backend { events: events.clone(), shut_down: shut_down.clone() }
    });
    let (reader, sound) = tokio::io::duplex(BUFFER);
    let filter = tokio::spawn(frames::forward_sound(input, sound, is_message));
    Server::new(reader, writer, socket).concurrency_level(CONCURRENT_REQUESTS).serve(InOrder(service)).await;
    filter.abort();
    let _ = events.send(Event::Stop);
    Ok(if shut_down.load(Ordering::SeqCst) { Ending::Orderly } else { Ending::Abrupt })
}

/// Whether the library underneath understands a message.
fn is_message(body: &[u8]) -> bool {
    serde_json::from_slice::<Request>(body).is_ok() || serde_json::from_slice::<Response>(body).is_ok()
}

/// The handlers: each makes an event of its message.
struct Backend {
    events: Sender<Event>,
    shut_down: Arc<AtomicBool>,
}

impl Backend {
    /// Tells the actor. It listens until the client has left.
    fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// Asks the actor. The question is sent before this first waits.
    async fn ask<T>(&self, make: impl FnOnce(Reply<T>) -> Event) -> jsonrpc::Result<T> {
        let (reply, waiting) = question();
        self.tell(make(reply));
        waiting.answer().await.map_err(error)
    }
}

fn error(failure: Failure) -> jsonrpc::Error {
    match failure {
        Failure::Cancelled => jsonrpc::Error::request_cancelled(),
        Failure::Superseded => jsonrpc::Error::new(ErrorCode::ContentModified),
        Failure::Internal(message) => {
            jsonrpc::Error { message: message.into(), ..jsonrpc::Error::internal_error() }
        }
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> jsonrpc::Result<InitializeResult> {
        let features = Features::of(&params.capabilities);
        self.tell(Event::Initialize { features, folders: folders(&params) });
        Ok(InitializeResult {
            capabilities: features.server_capabilities(),
            server_info: Some(ServerInfo {
                name: "ordain".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
            offset_encoding: None,
        })
    }

    async fn initialized(&self, _: InitializedParams) {
        self.tell(Event::Initialized);
    }

    async fn shutdown(&self) -> jsonrpc::Result<()> {
        self.shut_down.store(true, Ordering::SeqCst);
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        self.tell(Event::Open { uri: document.uri, version: document.version, text: document.text });
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let document = params.text_document;
        let (uri, version) = (document.uri, document.version);
        self.tell(Event::Change { uri, version, changes: params.content_changes });
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        self.tell(Event::Save { uri: params.text_document.uri });
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        self.tell(Event::Close { uri: params.text_document.uri });
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        self.tell(Event::FilesChanged {
            uris: params.changes.into_iter().map(|change| change.uri).collect(),
        });
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        let folders = params.event.added.iter().filter_map(|folder| file_path(&folder.uri)).collect();
        self.tell(Event::FoldersAdded { folders });
    }

    async fn diagnostic(
        &self,
        params: DocumentDiagnosticParams,
    ) -> jsonrpc::Result<DocumentDiagnosticReportResult> {
        let (uri, previous) = (params.text_document.uri, params.previous_result_id);
        let report = match self.ask(|reply| Event::Pull { uri, previous, reply }).await? {
            Pulled::Unchanged { id } => {
                DocumentDiagnosticReport::Unchanged(RelatedUnchangedDocumentDiagnosticReport {
                    related_documents: None,
                    unchanged_document_diagnostic_report: UnchangedDocumentDiagnosticReport { result_id: id },
                })
            }
            Pulled::Full { id, items } => {
                DocumentDiagnosticReport::Full(RelatedFullDocumentDiagnosticReport {
                    related_documents: None,
                    full_document_diagnostic_report: FullDocumentDiagnosticReport {
                        result_id: Some(id),
                        items,
                    },
                })
            }
        };
        Ok(DocumentDiagnosticReportResult::Report(report))
    }

    async fn hover(&self, params: HoverParams) -> jsonrpc::Result<Option<Hover>> {
        let at = params.text_document_position_params;
        let (uri, position) = (at.text_document.uri, at.position);
        self.ask(|reply| Event::Hover { uri, position, reply }).await
    }

    async fn goto_definition(
        &self,
        params: GotoDefinitionParams,
    ) -> jsonrpc::Result<Option<GotoDefinitionResponse>> {
        let at = params.text_document_position_params;
        let (uri, position) = (at.text_document.uri, at.position);
        let location = self.ask(|reply| Event::Definition { uri, position, reply }).await?;
        Ok(location.map(GotoDefinitionResponse::Scalar))
    }

    async fn formatting(&self, params: DocumentFormattingParams) -> jsonrpc::Result<Option<Vec<TextEdit>>> {
        let uri = params.text_document.uri;
        self.ask(|reply| Event::Format { uri, reply }).await
    }

    async fn code_action(&self, params: CodeActionParams) -> jsonrpc::Result<Option<CodeActionResponse>> {
        let (uri, range, only) = (params.text_document.uri, params.range, params.context.only);
        let actions = self.ask(|reply| Event::Actions { uri, range, only, reply }).await?;
        Ok(actions.map(|actions| actions.into_iter().map(CodeActionOrCommand::CodeAction).collect()))
    }
}

/// The folders that the editor has open.
fn folders(params: &InitializeParams) -> Vec<PathBuf> {
    match &params.workspace_folders {
        Some(folders) => folders.iter().filter_map(|folder| file_path(&folder.uri)).collect(),
        #[expect(deprecated, reason = "older clients name their one folder so")]
        None => params.root_uri.iter().filter_map(file_path).collect(),
    }
}

/// Sends messages to the client, in order. What needs the client's answer waits for it elsewhere.
async fn deliver(client: Client, mut outgoing: UnboundedReceiver<Outgoing>, events: Sender<Event>) {
    while let Some(message) = outgoing.recv().await {
        match message {
            Outgoing::Publish { uri, version, items } => {
                client.publish_diagnostics(uri, items, version).await;
            }
            Outgoing::LogError(message) => client.log_message(MessageType::ERROR, message).await,
            Outgoing::Watch => {
                let client = client.clone();
                tokio::spawn(async move {
                    if let Err(error) = client.register_capability(vec![watchers()]).await {
                        tracing::warn!(%error, "the client won't report changes of files");
                    }
                });
            }
            Outgoing::Refresh => {
                let (client, events) = (client.clone(), events.clone());
                tokio::spawn(async move {
                    if let Err(error) = client.workspace_diagnostic_refresh().await {
                        tracing::warn!(%error, "the client won't pull diagnostics again");
                    }
                    let _ = events.send(Event::Refreshed);
                });
            }
        }
    }
}

fn watchers() -> Registration {
    let globs = ["**/*.ordain", &format!("**/{}", ordain_ide::WORKSPACE_FILE)].map(str::to_owned);
    let watchers =
        globs.map(|glob| FileSystemWatcher { glob_pattern: GlobPattern::String(glob), kind: None }).to_vec();
    let options = DidChangeWatchedFilesRegistrationOptions { watchers };
    Registration {
        id: "ordain-files".to_owned(),
        method: "workspace/didChangeWatchedFiles".to_owned(),
        register_options: serde_json::to_value(options).ok(),
    }
}

/// Polls every handler once when its message arrives. Up to their first wait, handlers therefore run in the
/// order of the messages, whatever the executor does later. A panic in a handler becomes an error answer.
struct InOrder<S>(S);

type Handling<E> = Pin<Box<dyn Future<Output = Result<Option<Response>, E>> + Send>>;

impl<S> Service<Request> for InOrder<S>
where
    S: Service<Request, Response = Option<Response>>,
    S::Future: Send + Unpin + 'static,
    S::Error: Send + 'static,
{
    type Response = Option<Response>;
    type Error = S::Error;
    type Future = Handling<S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let mut handling = Guarded { id: request.id().cloned(), handler: self.0.call(request) };
        match Pin::new(&mut handling).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Box::pin(ready(answer)),
            // Nothing is lost with the first waker: the executor polls again with its own.
            Poll::Pending => Box::pin(handling),
        }
    }
}

/// A handler whose panic becomes an error answer.
struct Guarded<F> {
    id: Option<Id>,
    handler: F,
}

impl<F, E> Future for Guarded<F>
where
    F: Future<Output = Result<Option<Response>, E>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.handler).poll(cx))) {
            Ok(progress) => progress,
            Err(payload) => {
                let message = ordain_ide::panic_message(&*payload);
                tracing::error!(%message, "a handler panicked");
                let failure = error(Failure::Internal(message));
                Poll::Ready(Ok(self.id.take().map(|id| Response::from_error(id, failure))))
            }
        }
    }
}
