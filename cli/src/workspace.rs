//! From a path to checked policies and what the analysis found.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use ordain_analyzer::{Found, Memo, Options, Stage};
use ordain_compiler::workspace::LoadedWorkspace;
use ordain_compiler::{Compiled, Database, Workspace, bundle, library, workspace};
use ordain_ir::{Bundle, DependencyGraph, Diagnostic, Place, Policies, Report, Severity, SourceMap, Span};

use ordain_runtime::Clock as _;

use crate::clock::SystemClock;
use crate::commands::check;
use crate::failure::Failure;
use crate::files;
use crate::progress::Progress;

/// A workspace with everything that was found in it.
pub(crate) struct Checked {
    /// Name of the workspace.
    pub(crate) name: String,
    /// Its folder.
    pub(crate) root: PathBuf,
    /// Texts by path.
    pub(crate) files: BTreeMap<String, String>,
    /// Texts of the workspaces that it depends on, by path.
    pub(crate) others: BTreeMap<String, String>,
    /// The policies without errors.
    pub(crate) policies: Arc<Policies>,
    /// Where they stand.
    pub(crate) sources: SourceMap,
    /// How they depend on each other.
    pub(crate) dependencies: DependencyGraph,
    /// What is wrong with the sources.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// How many warnings an `allow` accepts; they are not among the diagnostics.
    pub(crate) accepted: usize,
    /// How the policies contradict each other.
    pub(crate) report: Arc<Report>,
    /// The bundle that they make.
    pub(crate) bundle: Bundle,
}

impl Checked {
    /// Every text by path: of the workspace, of those that it depends on, and of the standard library.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = self.files.iter().chain(&self.others).map(|(path, text)| (path.as_str(), text.as_str()));
        own.chain(library().iter().map(|it| (it.path.as_str(), it.text)))
    }

    /// How many errors the sources have.
    pub(crate) fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count()
    }
}

/// A span of a file with its line and column; the beginning of the file where its text is not known.
pub(crate) fn place(text: Option<&str>, span: Span) -> Place {
    let before = text.and_then(|text| text.get(..span.start as usize)).unwrap_or_default();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).saturating_add(1);
    let last_line = before.rsplit('\n').next().unwrap_or_default();
    Place { span, line: count(before.matches('\n').count()), column: count(last_line.chars().count()) }
}

/// Reads the workspace that `path` is or lies in.
pub(crate) fn load(path: &Path) -> Result<LoadedWorkspace, Failure> {
    workspace::load(path).map_err(|problems| {
        let lines = problems.iter().map(|problem| {
            let help = problem.help.as_ref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
            format!("{} ({}){help}", problem.message, problem.code)
        });
        Failure::Other(lines.collect::<Vec<_>>().join("\nerror: "))
    })
}

/// What a run begins with.
pub(crate) const READING: &str = "reading";

/// Reads, compiles and analyses the workspace that `path` is or lies in, with what is allowed at the instant `now`.
pub(crate) fn check(path: &Path, threads: Option<NonZeroUsize>, now: Timestamp) -> Result<Checked, Failure> {
    let progress = Progress::begin();
    progress.enter(READING);
    Session::load(path)?.check(threads, now, &progress)
}

/// A workspace whose texts may change.
pub(crate) struct Session {
    loaded: LoadedWorkspace,
    db: Database,
    workspace: Workspace,
    memory: Arc<Memo>,
    /// What the last analysis found, where another is to follow.
    kept: Option<RefCell<ordain_analyzer::Session>>,
}

impl Session {
    /// Reads the workspace that `path` is or lies in.
    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        let loaded = load(path)?;
        let mut db = Database::default();
        let workspace = loaded.open(&mut db);
        Ok(Self { loaded, db, workspace, memory: Arc::default(), kept: None })
    }

    /// Answers by this memory.
    pub(crate) fn remembering(self, memory: Arc<Memo>) -> Self {
        Self { memory, ..self }
    }

    /// Keeps what an analysis finds for the next one.
    pub(crate) fn keeping(self) -> Self {
        let kept = ordain_analyzer::Session::new(Arc::clone(&self.memory));
        Self { kept: Some(RefCell::new(kept)), ..self }
    }

    /// The folder.
    pub(crate) fn root(&self) -> &Path {
        &self.loaded.root
    }

    /// The workspace's own texts by path.
    pub(crate) fn files(&self) -> &BTreeMap<String, String> {
        &self.loaded.files
    }

    /// Puts these texts in place of the workspace's own.
    pub(crate) fn set_files(&mut self, files: BTreeMap<String, String>) {
        self.loaded.files = files;
        self.loaded.update(&mut self.db, self.workspace);
    }

    /// The folders that its texts come from: its own, and those of the workspaces that it depends on.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        let libraries = self.loaded.libraries.iter().map(|library| library.folder.clone());
        [self.loaded.root.clone()].into_iter().chain(libraries).collect()
    }

    /// Reads again what may have changed: these files if all of them are known and can be read, everything otherwise.
    /// Says whether anything did change.
    pub(crate) fn refresh(&mut self, path: &Path, changed: &BTreeSet<PathBuf>) -> Result<bool, Failure> {
        if let Some(texts) = self.reread(changed) {
            let mut different = false;
            for (file, text) in texts {
                different |= self.loaded.files.insert(file, text.clone()).as_ref() != Some(&text);
            }
            if different {
                self.loaded.update(&mut self.db, self.workspace);
            }
            return Ok(different);
        }
        let loaded = load(path)?;
        if loaded == self.loaded {
            return Ok(false);
        }
        self.loaded = loaded;
        self.loaded.update(&mut self.db, self.workspace);
        Ok(true)
    }

    /// The texts of files of the workspace that can be read as before; `None` if any of them can't.
    fn reread(&self, changed: &BTreeSet<PathBuf>) -> Option<Vec<(String, String)>> {
        let read = |path: &PathBuf| {
            let file = path.strip_prefix(&self.loaded.root).ok()?.to_str()?;
            let file = file.replace(std::path::MAIN_SEPARATOR, "/");
            self.loaded.files.get(&file)?;
            let text = workspace::decode(&file, files::read(path).ok()?).ok()?;
            Some((file, text))
        };
        // Whoever tells of no file knows none.
        if changed.is_empty() { None } else { changed.iter().map(read).collect() }
    }

    /// What the compiler has to say.
    pub(crate) fn diagnostics(&self) -> Vec<Diagnostic> {
        ordain_compiler::diagnostics(&self.db, self.workspace).clone()
    }

    /// The conflicts alone, and keeps them for the next analysis; `None` if the sources have errors.
    pub(crate) fn analyse(
        &mut self,
        threads: Option<NonZeroUsize>,
        progress: &Progress,
    ) -> Result<Option<Arc<Found>>, Failure> {
        progress.enter("trying repairs");
        let Compiled { policies, diagnostics, .. } = ordain_compiler::compile(&self.db, self.workspace);
        if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
            return Ok(None);
        }
        let memory = Arc::clone(&self.memory);
        let kept = self.kept.get_or_insert_with(|| RefCell::new(ordain_analyzer::Session::new(memory)));
        let options = Options { threads, ..Options::default() };
        kept.get_mut().analyze(&policies, &options).map(Some).map_err(Failure::from)
    }

    /// Compiles and analyses.
    pub(crate) fn check(
        &self,
        threads: Option<NonZeroUsize>,
        now: Timestamp,
        progress: &Progress,
    ) -> Result<Checked, Failure> {
        progress.enter("compiling");
        let (db, workspace) = (&self.db, self.workspace);
        let Compiled { policies, source_map, dependencies, mut diagnostics } =
            ordain_compiler::compile(db, workspace);
        let stage = |stage: Stage| progress.enter(stage.describe());
        let options = Options {
            threads,
            memo: Some(self.memory.clone()),
            progress: Some(&stage),
            ..Options::default()
        };
        let report = match &self.kept {
            Some(kept) => kept.borrow_mut().analyze(&policies, &options).map(|found| found.report()),
            None => ordain_analyzer::analyze(&policies, &options),
        };
        let mut report = report.map_err(Failure::from)?;
        progress.enter("putting the bundle together");
        // The bundle's bytes follow from the sources alone, whatever day it is.
        let bundle = bundle::assemble(db, workspace, &report);
        report.expire(now);
        let obligations = ordain_compiler::obligation_places(db, workspace);
        diagnostics.extend(ordain_analyzer::gap_diagnostics(&report, obligations));
        // Policies with errors are left out, and what is left may seem idle without them.
        if !diagnostics.iter().any(|it| it.severity == Severity::Error) {
            progress.enter("looking for what is needless");
            diagnostics.extend(ordain_compiler::unused(db, workspace));
            let lints = match &self.kept {
                Some(kept) => kept.borrow_mut().lint(&policies, &options, Some(now)),
                None => ordain_analyzer::lint(&policies, &options, Some(now))
                    .map(|lints| lints.into_iter().map(Arc::new).collect()),
            };
            let lints = lints.map_err(Failure::from)?;
            let own = |file: &str| self.loaded.files.contains_key(file);
            diagnostics.extend(ordain_analyzer::lint_diagnostics(
                &lints,
                &report,
                &policies,
                &source_map,
                &own,
            ));
        }
        let allowances = ordain_compiler::allowance_places(db, workspace);
        let ruling =
            ordain_analyzer::ruling(&policies, &report, &diagnostics, &source_map, allowances, Some(now));
        let mut at = 0..;
        diagnostics.retain(|_| at.next().is_none_or(|at| !ruling.accepted.contains(&at)));
        diagnostics.extend(ruling.diagnostics);
        diagnostics.sort();
        Ok(Checked {
            name: self.loaded.config.name.clone(),
            root: self.loaded.root.clone(),
            files: self.loaded.files.clone(),
            others: self.loaded.libraries.iter().flat_map(|library| library.files.clone()).collect(),
            bundle,
            policies,
            sources: source_map,
            dependencies,
            diagnostics,
            accepted: ruling.accepted.len(),
            report: Arc::new(report),
        })
    }
}

/// Reads a bundle and its digest.
pub(crate) fn read_bundle(path: &Path) -> Result<(Bundle, String), Failure> {
    parse_bundle(
        path,
        &std::fs::read(path).map_err(|reason| Failure::Read { path: path.to_owned(), reason })?,
    )
}

/// A bundle and its digest from the bytes of a file.
pub(crate) fn parse_bundle(path: &Path, bytes: &[u8]) -> Result<(Bundle, String), Failure> {
    Bundle::from_bytes(bytes).map_err(|reason| Failure::Bundle { path: path.to_owned(), reason })
}

/// What makes a folder's policies unfit for a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refuse {
    /// Errors in the sources.
    Errors,
    /// Errors, and BLOCKING conflicts.
    ErrorsAndBlocking,
}

/// The bundle in a file, or that of a folder, compiled now. `None` if the folder's sources don't make one; why
/// is then on standard output.
pub(crate) fn bundle_or_folder(path: &Path, refuse: Refuse, color: bool) -> Result<Option<Bundle>, Failure> {
    if !path.is_dir() {
        return read_bundle(path).map(|(bundle, _)| Some(bundle));
    }
    let checked = check(path, None, SystemClock.now())?;
    let blocked = refuse == Refuse::ErrorsAndBlocking && checked.report.blocking().next().is_some();
    if checked.errors() > 0 || blocked {
        check::show(&checked, color)?;
        return Ok(None);
    }
    Ok(Some(checked.bundle))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_what_is_told_of_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let write = |name: &str, text: &str| fs::write(root.join(name), text).unwrap();
        write("a.ordain", "package a\n");
        write("b.ordain", "package b\n");
        let mut session = Session::load(&root).unwrap();
        write("a.ordain", "package a\n\n");
        write("b.ordain", "package b\n\n");
        let told = |names: &[&str]| names.iter().map(|name| root.join(name)).collect::<BTreeSet<_>>();
        assert!(session.refresh(&root, &told(&["a.ordain"])).unwrap());
        assert_eq!(session.files()["a.ordain"], "package a\n\n");
        assert_eq!(session.files()["b.ordain"], "package b\n", "nobody told of it");
        assert!(!session.refresh(&root, &told(&["a.ordain"])).unwrap(), "it is as it was");
        // A file that isn't known, or none, may be anything.
        assert!(session.refresh(&root, &told(&["a.ordain", "c.ordain"])).unwrap());
        assert_eq!(session.files()["b.ordain"], "package b\n\n");
        fs::remove_file(root.join("b.ordain")).unwrap();
        assert!(session.refresh(&root, &told(&["b.ordain"])).unwrap(), "it can't be read any more");
        assert_eq!(session.files().len(), 1);
    }
}
