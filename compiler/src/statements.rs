//! Where obligations and allowances stand, and meters that get in each other's way.

use std::collections::BTreeMap;

use ordain_ir::{Allowance, Diagnostic, Obligation, Span, codes};

use crate::check::{check_file, declaration, meter};
use crate::packages::{MeterEntry, Origin};
use crate::{Db, Workspace, names};

/// Where each obligation of the workspace stands; of two that say the same the first.
#[salsa::tracked]
pub fn obligation_places(db: &dyn Db, workspace: Workspace) -> BTreeMap<Obligation, (String, Span)> {
    let mut all = BTreeMap::new();
    for file in workspace.files(db) {
        for (obligation, span) in &check_file(db, workspace, *file).places.obligations {
            all.entry(obligation.clone()).or_insert_with(|| (file.path(db).to_owned(), *span));
        }
    }
    all
}

/// Where each allowance of the workspace stands; of two that say the same the first.
#[salsa::tracked]
pub fn allowance_places(db: &dyn Db, workspace: Workspace) -> BTreeMap<Allowance, (String, Span)> {
    let mut all = BTreeMap::new();
    for file in workspace.files(db) {
        for (allowance, span) in &check_file(db, workspace, *file).places.allowances {
            all.entry(allowance.clone()).or_insert_with(|| (file.path(db).to_owned(), *span));
        }
    }
    all
}

/// Meters with different names that give types of limits of one name.
#[salsa::tracked]
pub(crate) fn meter_clashes(db: &dyn Db, workspace: Workspace) -> Vec<Diagnostic> {
    let mut first: BTreeMap<String, &MeterEntry> = BTreeMap::new();
    let mut problems = vec![];
    for entry in names(db, workspace).meters.values() {
        let word = meter::word(&entry.name);
        let Some(other) = first.get(&word) else {
            first.insert(word, entry);
            continue;
        };
        // Libraries can't be changed here.
        let own = |entry: &MeterEntry| matches!(entry.origin, Origin::File(of, _) if of == workspace);
        let (at, other) = if own(entry) { (&**entry, *other) } else { (*other, &**entry) };
        let Some(span) = declaration(db, at.origin, &at.name) else { continue };
        let message = format!("`{}` and `{}` would give the same types of limits", at.name, other.name);
        let mut error = Diagnostic::error(codes::METER_CLASH, at.origin.path(db), span, message);
        if let Some(span) = declaration(db, other.origin, &other.name) {
            error = error.and_at(
                other.origin.path(db),
                span,
                format!("this one gives `{word}_daily` and so on, too"),
            );
        }
        problems.push(error.help("rename one of both: `-`, `_` and `.` are one sign in the types of limits"));
    }
    problems
}
