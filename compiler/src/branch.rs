//! Where the tests of conditions stand, for the coverage of policy tests.

use std::collections::BTreeMap;

use ordain_ir::{Condition, PolicyId, PolicyName, Site, Span};

use crate::check::{Branches, check_file};
use crate::link::participants;
use crate::packages::Origin;
use crate::{Db, Workspace, library};

/// A part of a condition that is no `and`, `or` or `not`, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Where it stands; in a template for a policy that comes from one.
    pub site: Site,
    /// What it says, with every `let` put in.
    pub condition: Condition,
}

/// The parts of the `when` clause of every policy of [`policies`](crate::policies), in the order of the text; none
/// where a policy has no such clause. What a `warn at` adds has those of its limit, and isn't listed.
#[salsa::tracked]
pub fn branches(db: &dyn Db, workspace: Workspace) -> BTreeMap<PolicyName, Vec<Branch>> {
    let mut all = BTreeMap::new();
    for (name, origin) in participants(db, workspace) {
        let Some(source) = origin.sources(db).get(&PolicyId::of(name)) else { continue };
        let Some(tests) = origin.branches(db).get(name) else { continue };
        // A policy of a template stands in the template's file.
        let Some(home) = Origin::of_path(db, workspace, &source.file) else { continue };
        let start = source.item.span.start;
        let site = |span: Span| {
            let span = Span { start: span.start + start, end: span.end + start };
            Site { file: source.file.clone(), place: home.place(db, span) }
        };
        let branches = tests.iter().map(|(span, condition)| Branch { site: site(*span), condition: condition.clone() });
        all.insert(name.clone(), branches.collect());
    }
    all
}

impl Origin {
    /// The tests of the conditions in the file.
    fn branches(self, db: &dyn Db) -> &Branches {
        match self {
            Self::File(workspace, file) => &check_file(db, workspace, file).branches,
            Self::Library(at) => &library::checked(db)[at].branches,
        }
    }

    /// The file with this path, of the workspace, of those that it depends on, or of the standard library.
    fn of_path(db: &dyn Db, workspace: Workspace, path: &str) -> Option<Self> {
        let workspaces = workspace.with_dependencies(db).into_iter();
        let mut found = workspaces.filter_map(|it| Some(Self::File(it, it.file(db, path)?)));
        let library = || library().iter().position(|file| file.path == path).map(Self::Library);
        found.next().or_else(library)
    }
}
