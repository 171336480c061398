//! From source text to checked, span-free policies, their dependencies and bundles.
//!
//! Everything is a query over a salsa database: [`Workspace`] and [`SourceFile`] go in; [`policies`],
//! [`source_map`], [`dependencies`] and [`diagnostics`] come out. Policies have no spans, so an edit that
//! changes only white space, comments or places leaves them equal, and nothing downstream runs again.

mod adopt;
mod branch;
pub mod bundle;
mod cases;
mod check;
mod config;
mod db;
mod declarations;
mod graph;
mod library;
mod lines;
mod link;
mod made;
mod mentions;
mod needless;
mod packages;
mod problems;
mod resolve;
mod sources;
mod statements;
mod syntax;
mod view;
pub mod workspace;

use std::sync::Arc;

use ordain_ir::{DependencyGraph, Diagnostic, Policies, SourceMap};

pub use branch::{Branch, OwnPolicies, branches, own_policies};
pub use cases::tests;
pub use check::{FilePolicies, file_policies};
pub use config::{Config, LANGUAGE};
pub use db::{Database, Db, Dependency, SourceFile, Workspace};
pub use declarations::{Declaration, DeclarationKind, Inner, InnerKind, Named, Outline, Use, outline};
pub use graph::{dependencies_of, dependents_of};
pub use library::{LibraryFile, library};
pub use lines::LineIndex;
use link::participants;
pub use link::policies;
pub use mentions::{Wanted, each_mention};
pub use needless::unused;
pub use packages::{FactEntry, Home, Member, MemberKind, MeterEntry, Names, Origin, Package, names};
pub use resolve::{Meaning, Private, Suggestion, Unresolved};
pub use sources::source_map;
pub use statements::{allowance_places, obligation_places};
pub use syntax::parse;
pub use view::View;

/// The dependencies between the policies.
#[salsa::tracked]
pub fn dependencies(db: &dyn Db, workspace: Workspace) -> DependencyGraph {
    dependencies_of(&related(db, workspace).0)
}

/// What dependencies hang on.
#[salsa::tracked]
fn related(db: &dyn Db, workspace: Workspace) -> graph::Related {
    graph::Related(policies(db, workspace).clone())
}

/// What is wrong in one file, sorted by place.
#[salsa::tracked]
pub fn file_diagnostics(db: &dyn Db, workspace: Workspace, file: SourceFile) -> Vec<Diagnostic> {
    let path = file.path(db);
    let parse = parse(db, file);
    let hidden = parse.warnings.iter().map(|warning| syntax::warning(path, warning));
    let syntax = parse.errors.iter().map(|error| error.diagnostic(path)).chain(hidden);
    let meaning = check::check_file(db, workspace, file).diagnostics.iter().cloned();
    let here = |it: &&Diagnostic| it.primary.as_ref().is_some_and(|label| label.file == path);
    let cases = cases::file_cases(db, workspace, file).diagnostics.iter().cloned();
    let between = problems::link_diagnostics(db, workspace).iter();
    let between = between.chain(cases::repeated_cases(db, workspace));
    let between = between.chain(statements::meter_clashes(db, workspace)).filter(here).cloned();
    let mut all: Vec<Diagnostic> = syntax.chain(meaning).chain(cases).chain(between).collect();
    all.sort();
    all.dedup();
    all
}

/// What is wrong in the workspace, sorted by place.
#[salsa::tracked]
pub fn diagnostics(db: &dyn Db, workspace: Workspace) -> Vec<Diagnostic> {
    let mut all = workspace.problems(db).to_vec();
    all.extend_from_slice(problems::library_diagnostics(db, workspace));
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
