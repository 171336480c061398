//! Where policies stand.

use std::collections::BTreeMap;
use std::sync::Arc;

use ordain_grammar::ast::{self, Apply, ClauseKind, Item};
use ordain_ir::{
    Clause, FileSources, Makers, Place, PolicyId, PolicyName, PolicySource, Site, SourceMap, Span,
};
use rustc_hash::FxHashMap;

use crate::check::clause_of;
use crate::lines::LineIndex;
use crate::made::{MAX_MADE, MAX_NESTING, WARN, template};
use crate::packages::Origin;
use crate::{Db, SourceFile, Workspace, library, participants};

/// Where each policy of a file stands, also those with errors; of two with one name the first.
#[salsa::tracked]
pub(crate) fn file_sources(db: &dyn Db, workspace: Workspace, file: SourceFile) -> Arc<FileSources> {
    sources_of(db, Origin::File(workspace, file)).into()
}

pub(crate) fn sources_of(db: &dyn Db, origin: Origin) -> FileSources {
    let mut map = BTreeMap::new();
    let package = &origin.outline(db).package;
    let name = |local: &str| PolicyName::new(package, local);
    for item in &origin.parse(db).file.items {
        match item {
            Item::Policy(policy) => add(db, origin, policy, &name(&policy.name.text), None, &mut map),
            Item::Apply(apply) => {
                let site = Site { file: origin.path(db).to_owned(), place: origin.place(db, apply.span) };
                let mut made = BTreeMap::new();
                apply_sources(db, origin, apply, &name(&apply.name().text), &site, 0, &mut made);
                for (id, source) in made {
                    map.entry(id).or_insert(source);
                }
            }
            _ => {}
        }
    }
    map.into_iter().collect()
}

/// Where the policies of an application stand: in the template.
pub(crate) fn apply_sources(
    db: &dyn Db,
    origin: Origin,
    apply: &Apply,
    name: &PolicyName,
    site: &Site,
    depth: usize,
    map: &mut BTreeMap<PolicyId, PolicySource>,
) {
    let Some((_, own, member)) = template(db, origin, &apply.template.text) else { return };
    let origin = member.origin;
    let items = &origin.parse(db).file.items;
    let found = items.iter().find_map(|item| match item {
        Item::Template(it) if it.name.text == own => Some(it),
        _ => None,
    });
    for item in found.into_iter().flat_map(|template| &template.items) {
        if depth > MAX_NESTING || map.len() > MAX_MADE {
            return;
        }
        let inside = |local: &str| PolicyName::from(format!("{name}.{local}").as_str());
        match item {
            Item::Policy(policy) => add(db, origin, policy, &inside(&policy.name.text), Some(site), map),
            Item::Apply(inner) => {
                apply_sources(db, origin, inner, &inside(&inner.name().text), site, depth + 1, map);
            }
            _ => {}
        }
    }
}

fn add(
    db: &dyn Db,
    origin: Origin,
    policy: &ast::Policy,
    name: &PolicyName,
    site: Option<&Site>,
    map: &mut BTreeMap<PolicyId, PolicySource>,
) {
    let place = |span| origin.place(db, span);
    let mut clauses = BTreeMap::from([(Clause::Name, place(policy.name.span))]);
    for clause in &policy.clauses {
        if let Some(kind) = clause_of(&clause.kind) {
            clauses.entry(kind).or_insert_with(|| place(clause.span));
        }
    }
    let source = PolicySource {
        kind: policy.kind,
        file: origin.path(db).to_owned(),
        item: place(policy.span),
        clauses,
        application: site.cloned(),
    };
    let warns = policy.clauses.iter().find(|clause| matches!(clause.kind, ClauseKind::WarnAt(_)));
    if let Some(warns) = warns {
        let mut warning = source.clone();
        // What the warning bounds, and that it warns, is said there.
        for clause in [Clause::Bound, Clause::Enforce] {
            warning.clauses.insert(clause, place(warns.span));
        }
        let name = PolicyName::from(format!("{name}.{WARN}").as_str());
        map.entry(PolicyId::of(&name)).or_insert(warning);
    }
    map.entry(PolicyId::of(name)).or_insert(source);
}

/// The lines of a file.
#[salsa::tracked]
fn line_index(db: &dyn Db, file: SourceFile) -> LineIndex {
    LineIndex::new(file.text(db))
}

impl Origin {
    /// A span of the file with its line and column.
    pub(crate) fn place(self, db: &dyn Db, span: Span) -> Place {
        let text = self.text(db);
        match self {
            Self::File(_, file) => line_index(db, file).place(text, span),
            Self::Library(at) => library()[at].lines.place(text, span),
        }
    }
}

/// The files that make the policies of [`policies`](crate::policies), and which of them makes which.
#[salsa::tracked]
fn makers(db: &dyn Db, workspace: Workspace) -> (Arc<Makers>, Vec<Origin>) {
    let (mut numbers, mut origins) = (FxHashMap::default(), vec![]);
    let mut number = |origin: Origin| {
        *numbers.entry(origin).or_insert_with(|| {
            origins.push(origin);
            origins.len() - 1
        })
    };
    let all = participants(db, workspace).iter();
    let makers = all.map(|(id, (_, origin))| (*id, number(*origin))).collect();
    (Arc::new(makers), origins)
}

/// Where every policy of [`policies`](crate::policies) stands.
// No query rests on it, so nobody asks whether it is as it was.
#[salsa::tracked(no_eq)]
pub fn source_map(db: &dyn Db, workspace: Workspace) -> SourceMap {
    let (makers, origins) = makers(db, workspace);
    SourceMap::new(Arc::clone(makers), origins.iter().map(|origin| Arc::clone(origin.sources(db))).collect())
}
