//! From what was read to the database, and to changes of it.

use std::collections::BTreeMap;

use salsa::Setter as _;

use super::{LoadedDependency, LoadedWorkspace};
use crate::{Config, Db, Dependency, Workspace};

impl LoadedWorkspace {
    /// Puts the workspace into a database, with all that it depends on.
    pub fn open(&self, db: &mut dyn Db) -> Workspace {
        let workspace = Workspace::of(db, self.config.clone(), []);
        self.update(db, workspace);
        workspace
    }

    /// Brings a workspace in a database up to date with this one, touching only what differs.
    pub fn update(&self, db: &mut dyn Db, workspace: Workspace) {
        let known: BTreeMap<String, Workspace> = workspace
            .with_dependencies(db)
            .into_iter()
            .skip(1)
            .map(|library| (library.root(db).to_owned(), library))
            .collect();
        let mut libraries: Vec<Workspace> = vec![];
        for library in &self.libraries {
            let existing = known.get(&library.prefix).copied();
            let opened = existing.unwrap_or_else(|| {
                Workspace::rooted(db, Config::named(&library.config.name), &library.prefix, [])
            });
            bring(db, opened, &library.config, &library.files, &library.problems);
            depend(db, opened, &library.dependencies, &libraries);
            libraries.push(opened);
        }
        bring(db, workspace, &self.config, &self.files, &self.problems);
        depend(db, workspace, &self.dependencies, &libraries);
    }
}

fn bring(
    db: &mut dyn Db,
    workspace: Workspace,
    config: &Config,
    files: &BTreeMap<String, String>,
    problems: &[ordain_ir::Diagnostic],
) {
    workspace.set_texts(db, files);
    if workspace.config(db) != config {
        workspace.set_config(db).to(config.clone());
    }
    if *workspace.problems(db) != *problems {
        workspace.set_problems(db).to(problems.to_vec());
    }
}

fn depend(db: &mut dyn Db, workspace: Workspace, wanted: &[LoadedDependency], libraries: &[Workspace]) {
    let dependency = |it: &LoadedDependency| {
        let workspace = *libraries.get(it.library)?;
        Some(Dependency { written: it.written.clone(), span: it.span, workspace })
    };
    let wanted: Vec<Dependency> = wanted.iter().filter_map(dependency).collect();
    if workspace.dependencies(db) != wanted {
        workspace.set_dependencies(db).to(wanted);
    }
}
