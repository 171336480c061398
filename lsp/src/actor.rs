//! The one thread that owns all state. It takes events in the order of their arrival, never computes anything
//! lengthy and never waits for anybody.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Instant;

use ordain_ide::{FormatError, Interrupted, LineIndex, Snapshot, Workspace, workspace_root};
use ordain_ir::Span;
use tokio::sync::mpsc::UnboundedSender;

use crate::document::{Document, position};
use crate::event::{Batch, Event, Failure, Part, Pulled, Reply};
use crate::features::Features;
use crate::project::{News, Project, Pull};
use crate::publisher::{Outgoing, Publisher, Shown, bug};
use crate::show::Show;
use crate::transport::types::{
    CodeAction, CodeActionKind, Hover, Location, Position, Range, TextDocumentContentChangeEvent, TextEdit,
    Uri,
};
use crate::workers::Workers;
use crate::{Options, convert};

/// All state of a server.
pub(crate) struct Actor {
    inbox: Receiver<Event>,
    events: Sender<Event>,
    publisher: Publisher,
    workers: Workers,
    options: Options,
    features: Features,
    /// Folders of the editor's workspace that wait for the client to be ready.
    folders: Vec<PathBuf>,
    documents: BTreeMap<PathBuf, Document>,
    /// By their root folder.
    projects: BTreeMap<PathBuf, Project>,
}

impl Actor {
    /// Starts the thread. It ends with [`Event::Stop`].
    pub(crate) fn start(
        inbox: Receiver<Event>,
        events: Sender<Event>,
        outbox: UnboundedSender<Outgoing>,
        options: Options,
    ) -> io::Result<()> {
        let workers = Workers::start(events.clone(), options.probe.clone())?;
        let actor = Self {
            inbox,
            events,
            publisher: Publisher::new(outbox),
            workers,
            options,
            features: Features::default(),
            folders: vec![],
            documents: BTreeMap::new(),
            projects: BTreeMap::new(),
        };
        std::thread::Builder::new().name("ordain-lsp".to_owned()).spawn(move || actor.run())?;
        Ok(())
    }

    fn run(mut self) {
        loop {
            let mut next = match self.projects.values().filter_map(Project::due).min() {
                None => match self.inbox.recv() {
                    Ok(event) => Some(event),
                    Err(_) => return,
                },
                Some(due) => match self.inbox.recv_timeout(due.saturating_duration_since(Instant::now())) {
                    Ok(event) => Some(event),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return,
                },
            };
            // Everything that has arrived, before anything is computed: a burst of edits gives one check.
            while let Some(event) = next {
                if matches!(event, Event::Stop) {
                    return;
                }
                self.guarded(|actor| actor.handle(event));
                next = self.inbox.try_recv().ok();
            }
            self.guarded(Self::proceed);
        }
    }

    /// A bug in the handling of one event must not end the server.
    fn guarded(&mut self, work: impl FnOnce(&mut Self)) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| work(self))) {
            self.publisher.report(bug("handling a message", &ordain_ide::panic_message(&*payload)));
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Initialize { features, folders } => {
                self.features = features;
                self.folders = folders;
            }
            Event::Initialized => {
                if self.features.watch {
                    self.publisher.watch();
                }
                let folders = std::mem::take(&mut self.folders);
                self.add_folders(folders);
            }
            Event::FoldersAdded { folders } => self.add_folders(folders),
            Event::Open { uri, version, text } => self.open(uri, version, text),
            Event::Change { uri, version, changes } => self.change(&uri, version, changes),
            Event::Save { uri } => self.files_changed(&[uri]),
            Event::Close { uri } => self.close(&uri),
            Event::FilesChanged { uris } => self.files_changed(&uris),
            Event::Pull { uri, previous, reply } => self.pull(&uri, previous, reply),
            Event::Hover { uri, position, reply } => self.hover(&uri, position, reply),
            Event::Definition { uri, position, reply } => self.definition(&uri, position, reply),
            Event::Format { uri, reply } => self.format(&uri, reply),
            Event::Actions { uri, range, only, reply } => {
                self.actions(&uri, range, convert::Wanted::of(only.as_deref()), reply);
            }
            Event::Checked { root, generation, result } => {
                let Some(project) = self.projects.get_mut(&root) else { return };
                let news = project.checked(generation, *result, Instant::now(), self.options.analysis_delay);
                self.take(&root, news);
            }
            Event::Analysed { root, policies, result } => {
                let Some(project) = self.projects.get_mut(&root) else { return };
                let news = project.analysed(policies, result);
                self.take(&root, news);
            }
            Event::Found { root, state, result } => self.take_found(&root, state, result),
            Event::Refreshed => self.publisher.refreshed(),
            Event::Stop => {}
        }
    }

    /// Starts what is to be computed, once there is nothing left to hear.
    fn proceed(&mut self) {
        let now = Instant::now();
        for (root, project) in &mut self.projects {
            project.settle();
            if let Some((generation, snapshot)) = project.next_check() {
                let (events, root) = (self.events.clone(), root.clone());
                self.workers.query("check", snapshot, Snapshot::check, move |result| {
                    // The actor is gone once the client is.
                    let _ = events.send(Event::Checked { root, generation, result: Box::new(result) });
                });
            }
            if let Some(analysis) = project.next_analysis(now) {
                self.workers.analyse(root.clone(), analysis);
            }
            if project.has_others_to_show() {
                let open = open_files(&self.documents, root, project);
                if let Some(show) = project.show_others(open) {
                    start(&self.workers, &self.events, root, show);
                }
            }
        }
    }

    fn add_folders(&mut self, folders: Vec<PathBuf>) {
        for folder in folders {
            if folder.join(ordain_ide::WORKSPACE_FILE).is_file() {
                self.project(&folder);
            }
        }
    }

    /// The project with this root, loaded if need be.
    fn project(&mut self, root: &Path) -> &mut Project {
        self.projects.entry(root.to_owned()).or_insert_with(|| Project::new(Workspace::load(root)))
    }

    fn open(&mut self, uri: Uri, version: i32, text: String) {
        let Some(path) = file_path(&uri) else {
            tracing::info!(uri = uri.as_str(), "not a file, so it belongs to no workspace");
            return;
        };
        let root = workspace_root(&path);
        self.project(&root).set_buffer(&path, &text);
        self.documents.insert(path, Document::new(uri, version, text, root.clone()));
        // What is pulled from now on must not stay pushed, even if the text is the one on disk.
        self.show(&root);
    }

    fn change(&mut self, uri: &Uri, version: i32, changes: Vec<TextDocumentContentChangeEvent>) {
        let Some((path, document)) =
            file_path(uri).and_then(|path| self.documents.get_mut(&path).map(|document| (path, document)))
        else {
            tracing::warn!(uri = uri.as_str(), "edit of a document that isn't open");
            return;
        };
        if version <= document.version {
            tracing::warn!(uri = uri.as_str(), version, "edits don't come in order");
        }
        if document.apply(version, changes, self.features.encoding).is_err() {
            tracing::warn!(uri = uri.as_str(), version, "an edit ends before it starts; it is left out");
        }
        if let Some(project) = self.projects.get_mut(&document.root) {
            project.set_buffer(&path, &document.text);
        }
    }

    fn close(&mut self, uri: &Uri) {
        let Some(path) = file_path(uri) else { return };
        let Some(document) = self.documents.remove(&path) else { return };
        if let Some(project) = self.projects.get_mut(&document.root) {
            project.close_buffer(&path);
        }
        self.show(&document.root);
    }

    fn files_changed(&mut self, uris: &[Uri]) {
        let paths: Vec<_> = uris.iter().filter_map(file_path).collect();
        if paths.iter().any(|path| path.ends_with(ordain_ide::WORKSPACE_FILE)) {
            self.rehome();
        }
        for path in paths {
            for (_, project) in self.projects.iter_mut().filter(|(root, _)| path.starts_with(root)) {
                project.must_reload();
            }
        }
    }

    /// Workspaces may have come or gone: a document belongs to the nearest one above it.
    fn rehome(&mut self) {
        let mut moved = vec![];
        for (path, document) in &mut self.documents {
            let root = workspace_root(path);
            if document.root != root {
                let left = std::mem::replace(&mut document.root, root.clone());
                moved.push((left, root, path.clone(), document.text.clone()));
            }
        }
        for (left, root, path, text) in moved {
            let shown = self.projects.get_mut(&left).and_then(|project| {
                project.close_buffer(&path);
                project.shown.remove(&path)
            });
            let project = self.project(&root);
            project.set_buffer(&path, &text);
            project.shown.extend(shown.map(|shown| (path, shown)));
        }
        let is_wanted = |root: &Path| {
            root.join(ordain_ide::WORKSPACE_FILE).is_file()
                || self.documents.values().any(|document| document.root == root)
        };
        let gone: Vec<_> = self.projects.keys().filter(|root| !is_wanted(root)).cloned().collect();
        for root in gone {
            let Some(mut project) = self.projects.remove(&root) else { continue };
            for (path, shown) in &mut project.shown {
                if let Some(uri) = uri_of(&self.documents, path) {
                    self.publisher.retract(shown, uri);
                }
            }
        }
    }

    fn pull(&mut self, uri: &Uri, previous: Option<String>, reply: Reply<Pulled>) {
        let Some((path, project)) = file_path(uri).and_then(|path| {
            let document = self.documents.get(&path)?;
            Some((path, self.projects.get_mut(&document.root)?))
        }) else {
            return answer_pull(&mut Shown::default(), previous.as_deref(), reply);
        };
        project.settle();
        if project.is_shown() {
            answer_pull(project.shown.entry(path).or_default(), previous.as_deref(), reply);
        } else if let Some(message) = project.failure() {
            reply.send(Err(Failure::Internal(message.to_owned())));
        } else {
            project.waiting.retain(|pull| !pull.reply.is_withdrawn());
            project.waiting.push(Pull { path, previous, reply });
        }
    }

    fn hover(&mut self, uri: &Uri, at: Position, reply: Reply<Option<Hover>>) {
        let Features { encoding, markdown, .. } = self.features;
        let analysed = file_path(uri)
            .and_then(|path| self.projects.get(&self.documents.get(&path)?.root)?.last_analysed());
        self.ask("hover", uri, reply, move |snapshot, path| {
            let file = snapshot.file_of(path)?;
            let lines = snapshot.line_index(&file)?;
            let hover = snapshot.hover(&file, lines.offset(position(at), encoding), analysed.as_ref())?;
            Some(convert::hover(&hover, &lines, encoding, markdown))
        });
    }

    fn definition(&mut self, uri: &Uri, at: Position, reply: Reply<Option<Location>>) {
        let encoding = self.features.encoding;
        let open = self.addresses();
        self.ask("definition", uri, reply, move |snapshot, path| {
            let file = snapshot.file_of(path)?;
            let lines = snapshot.line_index(&file)?;
            let target = snapshot.definition(&file, lines.offset(position(at), encoding))?;
            let path = snapshot.path_of(&target.file)?;
            let uri = open.get(&path).cloned().or_else(|| Uri::from_file_path(&path))?;
            let lines = snapshot.line_index(&target.file)?;
            Some(Location { uri, range: convert::range(&lines, target.span, encoding) })
        });
    }

    /// How the client spells what it has open.
    fn addresses(&self) -> BTreeMap<PathBuf, Uri> {
        self.documents.iter().map(|(path, document)| (path.clone(), document.uri.clone())).collect()
    }

    fn format(&mut self, uri: &Uri, reply: Reply<Option<Vec<TextEdit>>>) {
        let encoding = self.features.encoding;
        self.ask("format", uri, reply, move |snapshot, path| {
            let file = snapshot.file_of(path)?;
            let lines = snapshot.line_index(&file)?;
            match snapshot.format(&file)? {
                Ok(edits) => Some(edits.iter().map(|edit| convert::edit(edit, &lines, encoding)).collect()),
                // The mistakes are on show already.
                Err(FormatError::Syntax(_)) => None,
                Err(error @ FormatError::Changed) => {
                    tracing::error!(%error, file, "the text is left as it is");
                    None
                }
            }
        });
    }

    fn actions(
        &mut self,
        uri: &Uri,
        range: Range,
        wanted: convert::Wanted,
        reply: Reply<Option<Vec<CodeAction>>>,
    ) {
        let features = self.features;
        let analysed = file_path(uri)
            .and_then(|path| self.projects.get(&self.documents.get(&path)?.root)?.last_analysed());
        let address = uri.clone();
        let open = self.addresses();
        self.ask("actions", uri, reply, move |snapshot, path| {
            let file = snapshot.file_of(path)?;
            let lines = snapshot.line_index(&file)?;
            let [start, end] =
                [range.start, range.end].map(|at| lines.offset(position(at), features.encoding));
            let mut actions = vec![];
            if wanted.fixes {
                let within = Span { start: start.min(end), end: start.max(end) };
                let fixes = snapshot.fixes(&file, within, analysed.as_ref());
                actions.extend(fixes.into_iter().map(|action| (action, CodeActionKind::QUICKFIX)));
            }
            if wanted.all {
                let all = snapshot.fix_all(&file, analysed.as_ref());
                actions.extend(all.map(|action| (action, CodeActionKind::SOURCE_FIX_ALL)));
            }
            let place = |file: &str| {
                let path = snapshot.path_of(file)?;
                let uri = open.get(&path).cloned().or_else(|| Uri::from_file_path(&path))?;
                Some((uri, snapshot.line_index(file)?))
            };
            let made = |(action, kind): &(_, CodeActionKind)| {
                convert::action(action, kind.clone(), &address, &lines, features, place)
            };
            Some(actions.iter().map(made).collect())
        });
    }

    /// Computes the answer to a question about a document, on a snapshot of its project.
    fn ask<T: Send + 'static>(
        &mut self,
        name: &'static str,
        uri: &Uri,
        reply: Reply<Option<T>>,
        work: impl FnOnce(&Snapshot, &Path) -> Option<T> + Send + 'static,
    ) {
        let Some((path, project)) = file_path(uri).and_then(|path| {
            let document = self.documents.get(&path)?;
            Some((path, self.projects.get_mut(&document.root)?))
        }) else {
            return reply.send(Ok(None));
        };
        project.settle();
        let snapshot = project.snapshot();
        reply.stops(snapshot.cancel_handle());
        if reply.is_withdrawn() {
            return;
        }
        self.workers.query(
            name,
            snapshot,
            move |snapshot| work(snapshot, &path),
            move |result| {
                if let Err(Interrupted::Panicked(message)) = &result {
                    tracing::error!(%message, "{name} panicked");
                }
                reply.send(result.map_err(Failure::from));
            },
        );
    }

    fn take(&mut self, root: &Path, news: News) {
        match news {
            News::Nothing => {}
            News::Show => self.show(root),
            News::Trouble(message) => {
                self.publisher.report(message.clone());
                if let Some(project) = self.projects.get_mut(root)
                    && project.failure().is_some()
                {
                    for pull in project.waiting.drain(..) {
                        pull.reply.send(Err(Failure::Internal(message.clone())));
                    }
                }
            }
        }
    }

    /// Lets the current findings of a project be made, for open documents first.
    fn show(&mut self, root: &Path) {
        let Some(project) = self.projects.get_mut(root) else { return };
        let open = open_files(&self.documents, root, project);
        if let Some(show) = project.show(open) {
            start(&self.workers, &self.events, root, show);
        }
    }

    /// Tells the client findings of a project, as far as it doesn't know them.
    fn take_found(&mut self, root: &Path, state: u64, result: Result<Batch, Interrupted>) {
        let Self { projects, documents, features, publisher, .. } = self;
        let Some(project) = projects.get_mut(root) else { return };
        let found = match result {
            Ok(found) => found,
            Err(Interrupted::Superseded | Interrupted::Cancelled) => return,
            Err(Interrupted::Failed(message) | Interrupted::Panicked(message)) => {
                let message = bug("showing what is found", &message);
                if project.cannot_show(state, &message) {
                    return self.take(root, News::Trouble(message));
                }
                return;
            }
        };
        let Some(checked) = project.found(state, &found) else { return };
        // Of few files there is much to say.
        let places: RefCell<BTreeMap<String, Option<Located>>> = RefCell::default();
        let place = |project: &Project, file: &str| {
            if let Some(known) = places.borrow().get(file) {
                return known.clone();
            }
            let path = project.path_of(file);
            let lines = checked.line_index(file).cloned().unwrap_or_else(|| LineIndex::new("").into());
            let new = path.and_then(|path| Some((path.clone(), uri_of(documents, &path)?, lines)));
            places.borrow_mut().insert(file.to_owned(), new.clone());
            new
        };
        let mut items: BTreeMap<PathBuf, Vec<_>> = BTreeMap::new();
        for (file, diagnostics) in &found.files {
            let Some((path, _, lines)) = place(project, file) else { continue };
            let converted = diagnostics.iter().map(|diagnostic| {
                convert::diagnostic(diagnostic, &lines, *features, |file| {
                    place(project, file).map(|(_, uri, lines)| (uri, lines))
                })
            });
            items.insert(path, converted.collect());
        }
        match found.part {
            Part::Open => {
                let open = documents.iter().filter(|(_, document)| document.root == root);
                for (path, _) in open {
                    items.entry(path.clone()).or_default();
                }
            }
            Part::Others => {}
            // Files that are gone, or that nothing is said of any more.
            Part::Last => {
                let others = project.shown.keys().filter(|path| !documents.contains_key(*path));
                let silent = others.filter(|path| project.is_silent(path));
                items.extend(silent.map(|path| (path.clone(), vec![])));
            }
        }
        // A document may have moved to a nearer workspace.
        items.retain(|path, _| documents.get(path).is_none_or(|document| document.root == root));
        let mut must_pull_again = false;
        for (path, items) in items {
            let Some(uri) = uri_of(documents, &path) else { continue };
            let mut shown = project.shown.remove(&path).unwrap_or_default();
            let changed = publisher.update(&mut shown, items);
            match documents.get_mut(&path) {
                Some(document) => {
                    let edited = document.published.replace(document.version) != Some(document.version);
                    if features.pull {
                        publisher.retract(&mut shown, uri);
                        // After an edit the client pulls by itself.
                        must_pull_again |= changed && !edited;
                    } else if changed || edited {
                        publisher.push(&mut shown, uri, Some(document.version));
                    }
                }
                None => {
                    if changed || shown.pushed == shown.items.is_empty() {
                        publisher.push(&mut shown, uri, None);
                    }
                }
            }
            if !shown.items.is_empty() || shown.id != Shown::default().id {
                project.shown.insert(path, shown);
            }
        }
        if found.part == Part::Open {
            for Pull { path, previous, reply } in project.waiting.drain(..) {
                answer_pull(project.shown.entry(path).or_default(), previous.as_deref(), reply);
            }
        }
        if must_pull_again && project.shown.values().any(|shown| !shown.pulled) {
            publisher.refresh();
        }
    }
}

/// A file on disk, its address, and its lines.
type Located = (PathBuf, Uri, Arc<LineIndex>);

/// The files of open documents of a project.
fn open_files(documents: &BTreeMap<PathBuf, Document>, root: &Path, project: &Project) -> BTreeSet<String> {
    let open = documents.iter().filter(|(_, document)| document.root == root);
    open.filter_map(|(path, _)| project.file_of(path)).collect()
}

/// Lets findings be made.
fn start(workers: &Workers, events: &Sender<Event>, root: &Path, show: Show) {
    let (events, root, state) = (events.clone(), root.to_owned(), show.state);
    workers.show(show, move |result| {
        // The actor is gone once the client is.
        let _ = events.send(Event::Found { root: root.clone(), state, result });
    });
}

fn answer_pull(shown: &mut Shown, previous: Option<&str>, reply: Reply<Pulled>) {
    if reply.is_withdrawn() {
        return;
    }
    shown.pulled = true;
    let id = shown.id.clone();
    reply.send(Ok(if previous == Some(&id) {
        Pulled::Unchanged { id }
    } else {
        Pulled::Full { id, items: shown.items.clone() }
    }));
}

/// The file that a document's address names, if it names one.
pub(crate) fn file_path(uri: &Uri) -> Option<PathBuf> {
    let is_file = uri.scheme().as_str().eq_ignore_ascii_case("file");
    is_file.then(|| uri.to_file_path()).flatten().map(Cow::into_owned)
}

/// The address of a file, as the client spells it where it has opened the file.
fn uri_of(documents: &BTreeMap<PathBuf, Document>, path: &Path) -> Option<Uri> {
    documents.get(path).map_or_else(|| Uri::from_file_path(path), |document| Some(document.uri.clone()))
}
