//! Workspaces that others depend on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use ordain_ir::{Diagnostic, Span, codes};

use super::manifest::Written;
use super::{LoadedWorkspace, MANIFEST, Reader, folder_name, read_manifest};
use crate::Config;

/// A workspace that another depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedDependency {
    /// Its folder as `ordain.yaml` has it: `../platform`.
    pub written: String,
    /// Where `ordain.yaml` has it.
    pub span: Span,
    /// Which of [`LoadedWorkspace::libraries`] it is.
    pub library: usize,
}

/// A workspace that another depends on, as it is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedLibrary {
    /// The folder.
    pub folder: PathBuf,
    /// What the paths of its files begin with: `../platform/`.
    pub prefix: String,
    /// What its `ordain.yaml` says.
    pub config: Config,
    /// The texts of its files by path.
    pub files: BTreeMap<String, String>,
    /// What went wrong while files were read.
    pub problems: Vec<Diagnostic>,
    /// The workspaces that it depends on itself.
    pub dependencies: Vec<LoadedDependency>,
}

/// Reads everything that a workspace depends on.
pub(super) fn load(loaded: &mut LoadedWorkspace, written: &[Written]) {
    let root = fs::canonicalize(&loaded.root).unwrap_or_else(|_| loaded.root.clone());
    let name = loaded.config.name.clone();
    let mut search = Search { root: &root, libraries: vec![], way: vec![], cycles: vec![] };
    let mut problems = vec![];
    loaded.dependencies =
        search.follow(Step { folder: root.clone(), prefix: String::new(), name }, written, &mut problems);
    problems.extend(search.cycles.extract_if(.., |(folder, _)| *folder == root).map(|(_, problem)| problem));
    loaded.libraries = search.libraries;
    loaded.problems.extend(problems);
}

/// A workspace on the way from the first one to where the search is.
struct Step {
    folder: PathBuf,
    prefix: String,
    name: String,
}

struct Search<'a> {
    root: &'a Path,
    libraries: Vec<LoadedLibrary>,
    /// The workspaces on the way to here, each with the dependency that leads on.
    way: Vec<(Step, Written)>,
    /// Cycles, with the folder of the workspace that tells of each.
    cycles: Vec<(PathBuf, Diagnostic)>,
}

impl Search<'_> {
    /// Reads what one workspace depends on.
    fn follow(
        &mut self,
        from: Step,
        written: &[Written],
        problems: &mut Vec<Diagnostic>,
    ) -> Vec<LoadedDependency> {
        let mut found: Vec<LoadedDependency> = vec![];
        let mut from = Some(from);
        for it in written {
            let Some(step) = from.take() else { break };
            let manifest = format!("{}{MANIFEST}", step.prefix);
            let problem =
                |message: String| Diagnostic::error(codes::BAD_WORKSPACE, &manifest, it.span, message);
            let folder = match fs::canonicalize(step.folder.join(&it.folder)) {
                Ok(folder) if folder.join(MANIFEST).is_file() => folder,
                Ok(_) => {
                    let message = format!("the dependency `{}` has no `{MANIFEST}`", it.folder);
                    problems.push(
                        problem(message)
                            .help(format!("a dependency is a folder with an `{MANIFEST}` of its own")),
                    );
                    from = Some(step);
                    continue;
                }
                Err(_) => {
                    let message = format!("the dependency `{}` does not exist", it.folder);
                    problems.push(
                        problem(message)
                            .help(format!("create it, or take it out of `dependencies` in `{MANIFEST}`")),
                    );
                    from = Some(step);
                    continue;
                }
            };
            let twice = |known: &LoadedDependency| {
                self.libraries.get(known.library).is_some_and(|library| library.folder == folder)
            };
            if let Some(first) = found.iter().find(|known| twice(known)) {
                let message = format!("`{}` and `{}` are the same folder", first.written, it.folder);
                problems.push(problem(message).help("take one of both out"));
                from = Some(step);
                continue;
            }
            self.way.push((step, it.clone()));
            let library = self.library(&folder);
            from = self.way.pop().map(|(step, _)| step);
            found.extend(library.map(|library| LoadedDependency {
                written: it.folder.clone(),
                span: it.span,
                library,
            }));
        }
        found
    }

    /// Reads a workspace, once; `None` if it is on the way here.
    fn library(&mut self, folder: &Path) -> Option<usize> {
        if let Some(at) = self.way.iter().position(|(step, _)| step.folder == folder) {
            let problem = self.cycle(at);
            self.cycles.push((folder.to_owned(), problem));
            return None;
        }
        if let Some(at) = self.libraries.iter().position(|library| library.folder == folder) {
            return Some(at);
        }
        let prefix = format!("{}/", relative(self.root, folder));
        let mut library = LoadedLibrary {
            folder: folder.to_owned(),
            config: Config::named(folder_name(folder)),
            files: BTreeMap::new(),
            problems: vec![],
            dependencies: vec![],
            prefix,
        };
        match read_manifest(folder, &library.prefix) {
            Ok((text, config, written)) => {
                let mut reader = Reader::new(folder, &library.prefix);
                reader.read_sources(&config.sources, &text);
                (library.files, library.problems) = (reader.files, reader.problems);
                let (prefix, name) = (library.prefix.clone(), config.name.clone());
                let step = Step { folder: folder.to_owned(), prefix, name };
                library.dependencies = self.follow(step, &written, &mut library.problems);
                library.config = config;
            }
            Err(problems) => library.problems = problems,
        }
        let own = self.cycles.extract_if(.., |(of, _)| of == folder);
        library.problems.extend(own.map(|(_, problem)| problem));
        self.libraries.push(library);
        Some(self.libraries.len() - 1)
    }

    /// The cycle that leads back to a workspace on the way.
    fn cycle(&self, at: usize) -> Diagnostic {
        let steps = &self.way[at..];
        let manifest = |step: &Step| format!("{}{MANIFEST}", step.prefix);
        let (first, written) = &steps[0];
        if steps.len() == 1 {
            let message = format!("the workspace `{}` depends on itself", first.name);
            let problem = Diagnostic::error(codes::WORKSPACE_CYCLE, &manifest(first), written.span, message);
            return problem.help("take this dependency out");
        }
        let names: Vec<String> =
            steps.iter().chain([&steps[0]]).map(|(step, _)| format!("`{}`", step.name)).collect();
        let message = format!("workspaces depend on each other in a cycle: {}", names.join(" -> "));
        let mut problem = Diagnostic::error(codes::WORKSPACE_CYCLE, &manifest(first), written.span, message);
        let next = steps.iter().cycle().skip(1);
        for ((step, written), (next, _)) in steps.iter().zip(next).skip(1) {
            let text = format!("`{}` depends on `{}`", step.name, next.name);
            problem = problem.and_at(&manifest(step), written.span, text);
        }
        problem.help("put what both need into a third workspace")
    }
}

/// The way from one folder to another, with `/` on every system. Both are real paths.
fn relative(from: &Path, to: &Path) -> String {
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (from.components().collect(), to.components().collect());
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from.iter().skip(common).map(|_| "..".to_owned());
    let down = to.iter().skip(common).map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}
