//! Where the tests of conditions stand, for the coverage of policy tests.

use std::collections::BTreeMap;

use ordain_grammar::ast::{Item, TestClauseKind};
use ordain_ir::{Condition, PolicyId, PolicyName, PolicySource, Site, SourceMap, Span};

use crate::cases::file_cases;
use crate::check::{Branches, check_file};
use crate::link::participants;
use crate::packages::Origin;
use crate::sources::apply_sources;
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
    for (id, (name, origin)) in participants(db, workspace) {
        let Some(source) = origin.sources(db).get(id) else { continue };
        let Some(tests) = origin.branches(db).get(name) else { continue };
        all.insert(name.clone(), placed(db, workspace, source, tests));
    }
    all
}

/// Tests that are counted from the beginning of a policy, at their places.
fn placed(
    db: &dyn Db,
    workspace: Workspace,
    source: &PolicySource,
    tests: &[(Span, Condition)],
) -> Vec<Branch> {
    // A policy of a template stands in the template's file.
    let Some(home) = Origin::of_path(db, workspace, &source.file) else { return vec![] };
    let start = source.item.span.start;
    let site = |span: Span| {
        let span = Span { start: span.start + start, end: span.end + start };
        Site { file: source.file.clone(), place: home.place(db, span) }
    };
    tests.iter().map(|(span, test)| Branch { site: site(*span), condition: test.clone() }).collect()
}

/// What is written of the policies that exist in one test only, from an `apply` in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnPolicies {
    /// Where they stand: in the template.
    pub sources: SourceMap,
    /// The parts of their conditions, as in [`branches`].
    pub branches: BTreeMap<PolicyName, Vec<Branch>>,
}

/// What is written of the policies of each of the [`tests`](crate::tests) that has some of its own, by the test's
/// place.
#[salsa::tracked]
pub fn own_policies(db: &dyn Db, workspace: Workspace) -> BTreeMap<Site, OwnPolicies> {
    let mut all = BTreeMap::new();
    for file in workspace.files(db) {
        let checked = file_cases(db, workspace, *file);
        let origin = Origin::File(workspace, *file);
        let items = &origin.parse(db).file.items;
        for (case, tests) in checked.cases.iter().zip(&checked.branches) {
            let written = items.iter().find_map(|item| match item {
                Item::Test(test) if test.span.start == case.site.place.span.start => Some(test),
                _ => None,
            });
            let mut sources = BTreeMap::new();
            for clause in written.into_iter().flat_map(|test| &test.clauses) {
                let TestClauseKind::Apply(apply) = &clause.kind else { continue };
                let name = PolicyName::new(&case.package, &apply.name().text);
                let site = Site { file: origin.path(db).to_owned(), place: origin.place(db, apply.span) };
                apply_sources(db, origin, apply, &name, &site, 0, &mut sources);
            }
            let mut branches = BTreeMap::new();
            for (name, tests) in tests {
                if let Some(source) = sources.get(&PolicyId::of(name)) {
                    branches.insert(name.clone(), placed(db, workspace, source, tests));
                }
            }
            if !sources.is_empty() {
                let sources = sources.into_iter().collect();
                all.insert(case.site.clone(), OwnPolicies { sources, branches });
            }
        }
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
