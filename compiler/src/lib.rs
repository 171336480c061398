//! From source text to checked, span-free policies, their dependencies and bundles.
//!
//! Everything is a query over a salsa database: [`Workspace`] and [`SourceFile`] go in; [`policies`],
//! [`source_map`], [`dependencies`] and [`diagnostics`] come out. Policies have no spans, so an edit that
//! changes only white space, comments or places leaves them equal, and nothing downstream runs again.

pub mod bundle;
mod config;
mod db;
mod graph;
mod syntax;
pub mod workspace;

use std::sync::Arc;

use ordain_ir::{DependencyGraph, Diagnostic, Policies, SourceMap};

pub use config::{Config, LANGUAGE};
pub use db::{Database, Db, SourceFile, Workspace};
pub use graph::{dependencies_of, dependents_of};
pub use syntax::parse;

/// The checked policies of a workspace, without spans. A policy with an error is not in it.
#[salsa::tracked]
pub fn policies(db: &dyn Db, workspace: Workspace) -> Arc<Policies> {
    Arc::new(Policies { settings: workspace.config(db).settings.clone(), ..Policies::default() })
}

/// Where every policy stands.
#[salsa::tracked]
pub fn source_map(_db: &dyn Db, _workspace: Workspace) -> SourceMap {
    SourceMap::new()
}

/// The dependencies between the policies.
#[salsa::tracked]
pub fn dependencies(db: &dyn Db, workspace: Workspace) -> DependencyGraph {
    dependencies_of(policies(db, workspace))
}

/// What is wrong in one file.
#[salsa::tracked]
pub fn file_diagnostics(db: &dyn Db, _workspace: Workspace, file: SourceFile) -> Vec<Diagnostic> {
    parse(db, file).errors.iter().map(|error| syntax::diagnostic(file.path(db), error)).collect()
}

/// What is wrong in the workspace, sorted by place.
#[salsa::tracked]
pub fn diagnostics(db: &dyn Db, workspace: Workspace) -> Vec<Diagnostic> {
    let mut all = workspace.problems(db).to_vec();
    for file in workspace.files(db) {
        all.extend_from_slice(file_diagnostics(db, workspace, *file));
    }
    all.sort();
    all.dedup();
    all
}

/// A workspace that was compiled at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    /// See [`policies`].
    pub policies: Arc<Policies>,
    /// See [`source_map`].
    pub source_map: SourceMap,
    /// See [`dependencies`].
    pub dependencies: DependencyGraph,
    /// See [`diagnostics`].
    pub diagnostics: Vec<Diagnostic>,
}

/// Compiles texts by their paths, with the default settings: for tests, and for callers without a database.
pub fn compile_str(files: &[(&str, &str)]) -> Compiled {
    let db = Database::default();
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    let workspace = Workspace::of(&db, Config::named("workspace"), files);
    compile(&db, workspace)
}

/// Asks every question at once.
pub fn compile(db: &dyn Db, workspace: Workspace) -> Compiled {
    Compiled {
        policies: policies(db, workspace).clone(),
        source_map: source_map(db, workspace).clone(),
        dependencies: dependencies(db, workspace).clone(),
        diagnostics: diagnostics(db, workspace).clone(),
    }
}
