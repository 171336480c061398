//! Which policies of libraries take part in a workspace: those that some file of it uses, and those that are
//! needed by others that do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_ir::{FileSources, PolicyName};

use crate::check::FilePolicies;
use crate::link::{references_of_limit, references_of_rule};
use crate::made::WARN;
use crate::packages::{Origin, is_library, names};
use crate::resolve::Used;
use crate::sources::file_sources;
use crate::view::file_table;
use crate::{Db, SourceFile, Workspace, file_policies, library};

impl Origin {
    /// The policies of the file that have no error.
    pub(crate) fn policies(self, db: &dyn Db) -> &FilePolicies {
        match self {
            Self::File(workspace, file) => file_policies(db, workspace, file),
            Self::Library(at) => &library::checked(db)[at].policies,
        }
    }

    /// Where the policies of the file stand.
    pub(crate) fn sources(self, db: &dyn Db) -> &Arc<FileSources> {
        match self {
            Self::File(workspace, file) => file_sources(db, workspace, file),
            Self::Library(at) => &library::sources(db)[at],
        }
    }
}

/// The files of all libraries that a workspace reaches.
fn library_files(db: &dyn Db, workspace: Workspace) -> Vec<Origin> {
    let mut files = vec![];
    if !is_library(db, workspace) {
        files.extend((0..library().len()).map(Origin::Library));
    }
    for dependency in workspace.with_dependencies(db).into_iter().skip(1) {
        files.extend(dependency.files(db).iter().map(|file| Origin::File(dependency, *file)));
    }
    files
}

/// What libraries offer.
#[salsa::tracked]
fn offered(db: &dyn Db, workspace: Workspace) -> BTreeMap<PolicyName, Origin> {
    let mut offered = BTreeMap::new();
    for origin in library_files(db, workspace) {
        let policies = origin.policies(db);
        for name in policies.rules.keys().chain(policies.limits.keys()) {
            offered.entry(name.clone()).or_insert(origin);
        }
    }
    offered
}

/// What the files of a workspace use of libraries: names, and beginnings of names.
#[salsa::tracked]
fn used(db: &dyn Db, workspace: Workspace) -> BTreeSet<(String, Option<String>)> {
    let mut used = BTreeSet::new();
    for file in workspace.files(db) {
        for (it, _) in &file_table(db, workspace, *file).uses {
            let (package, name) = match it {
                Used::All(package) => (package, None),
                Used::One { package, name, .. } => (package, Some(name)),
                Used::Package { .. } | Used::Nothing => continue,
            };
            if names(db, workspace).is_of_library(package, workspace) {
                used.insert((package.clone(), name.cloned()));
            }
        }
    }
    used
}

/// The policies that those of a file depend on or override.
#[salsa::tracked]
fn references_of(db: &dyn Db, workspace: Workspace, file: SourceFile) -> BTreeSet<PolicyName> {
    let own = file_policies(db, workspace, file);
    let references = own.rules.values().flat_map(|rule| references_of_rule(rule));
    references.chain(own.limits.values().flat_map(|limit| references_of_limit(limit))).cloned().collect()
}

/// The policies of libraries that take part, with the files in which they are written or applied.
#[salsa::tracked]
pub(crate) fn adopted(db: &dyn Db, workspace: Workspace) -> BTreeMap<PolicyName, Origin> {
    let offered = offered(db, workspace);
    let mut open: Vec<PolicyName> = vec![];
    for (package, name) in used(db, workspace) {
        match name {
            None => {
                let of_package = |(name, origin): &(&PolicyName, &Origin)| {
                    origin.outline(db).package == *package && name.as_str().len() > package.len()
                };
                open.extend(offered.iter().filter(of_package).map(|(name, _)| name.clone()));
            }
            Some(name) => {
                let full = PolicyName::new(package, name);
                let made = format!("{full}.");
                let from = offered.range(PolicyName::from(made.as_str())..);
                let within = from.take_while(|(name, _)| name.as_str().starts_with(&made));
                open.extend(within.map(|(name, _)| name.clone()));
                open.push(full);
            }
        }
    }
    for file in workspace.files(db) {
        let references = references_of(db, workspace, *file).iter();
        open.extend(references.filter(|name| offered.contains_key(*name)).cloned());
    }
    let mut adopted = BTreeMap::new();
    while let Some(name) = open.pop() {
        let Some(origin) = offered.get(&name).copied() else { continue };
        if adopted.insert(name.clone(), origin).is_some() {
            continue;
        }
        let policies = origin.policies(db);
        open.extend(policies.rules.get(&name).into_iter().flat_map(|it| references_of_rule(it)).cloned());
        open.extend(policies.limits.get(&name).into_iter().flat_map(|it| references_of_limit(it)).cloned());
        // A limit and its warning are one declaration.
        let warning = PolicyName::from(format!("{name}.{WARN}").as_str());
        open.push(warning);
        if let Some(base) = name.as_str().strip_suffix(WARN).and_then(|base| base.strip_suffix('.')) {
            open.push(base.into());
        }
    }
    adopted
}
