//! Where policies stand.

use ordain_grammar::ast::Item;
use ordain_ir::{Clause, PolicyId, PolicyName, PolicySource, SourceMap};

use crate::check::clause_of;
use crate::lines::LineIndex;
use crate::{Db, SourceFile, Workspace, file_policies, outline, parse, policies};

/// Where each policy of a file stands, also those with errors; of two with one name the first.
#[salsa::tracked]
pub(crate) fn file_sources(db: &dyn Db, file: SourceFile) -> SourceMap {
    let (text, path) = (file.text(db), file.path(db));
    let index = LineIndex::new(text);
    let package = &outline(db, file).package;
    let mut map = SourceMap::new();
    for item in &parse(db, file).file.items {
        let Item::Policy(policy) = item else { continue };
        let place = |span| index.place(text, span);
        let mut clauses = std::collections::BTreeMap::from([(Clause::Name, place(policy.name.span))]);
        for clause in &policy.clauses {
            if let Some(kind) = clause_of(&clause.kind) {
                clauses.entry(kind).or_insert_with(|| place(clause.span));
            }
        }
        let id = PolicyId::of(&PolicyName::new(package, &policy.name.text));
        map.entry(id).or_insert_with(|| PolicySource {
            kind: policy.kind,
            file: path.to_owned(),
            item: place(policy.span),
            clauses,
            application: None,
        });
    }
    map
}

/// Where every policy of [`policies`] stands.
#[salsa::tracked]
pub fn source_map(db: &dyn Db, workspace: Workspace) -> SourceMap {
    let policies = policies(db, workspace);
    let mut map = SourceMap::new();
    for file in workspace.files(db) {
        let own = file_policies(db, workspace, *file);
        let sources = file_sources(db, *file);
        for name in own.rules.keys().chain(own.limits.keys()) {
            let id = PolicyId::of(name);
            let kept = policies.rules.contains_key(name) || policies.limits.contains_key(name);
            if let Some(source) = sources.get(&id).filter(|_| kept) {
                map.insert(id, source.clone());
            }
        }
    }
    map
}
