//! Declarations that nothing uses, and `use`s that bring nothing that is used.
//!
//! What is public may be used by other workspaces. So in a package that only declares things (no rule, limit, `apply`
//! or `require`), which is a vocabulary for others, only `private` names are judged. A test uses what it names.

use std::collections::BTreeSet;

use ordain_grammar::ast::{ClauseKind, Item};
use ordain_ir::{Diagnostic, Severity, Span, codes};

use crate::check::meter;
use crate::made::behind;
use crate::mentions::{Wanted, each_mention};
use crate::packages::{Home, Origin};
use crate::resolve::{Lens, Meaning, Used};
use crate::{Db, SourceFile, Workspace, diagnostics};

/// What somebody uses: a kind, a package (none for what is shared by all), a name.
type Key = (&'static str, String, String);

/// What one file uses, and its package if it has something that acts on requests.
#[salsa::tracked]
fn used_by(db: &dyn Db, workspace: Workspace, file: SourceFile) -> (BTreeSet<Key>, Option<String>) {
    let origin = Origin::File(workspace, file);
    let lens = Lens::of(db, origin);
    let mut used: BTreeSet<Key> = BTreeSet::new();
    for (name, wanted) in mentioned(db, file) {
        used.extend(lens.find(name, wanted).ok().and_then(|meaning| key(&meaning)));
    }
    let types = limit_types(db, file);
    let meters = lens.meters();
    let counted = meters.iter().filter(|(known, _)| types.iter().any(|ty| is_of(ty, known)));
    used.extend(counted.map(|(_, entry)| ("meter", String::new(), entry.name.clone())));
    let acts = |item: &Item| matches!(item, Item::Policy(_) | Item::Apply(_) | Item::Require(_));
    let acts = origin.parse(db).file.items.iter().any(acts);
    (used, acts.then(|| origin.outline(db).package.clone()))
}

/// What the files use together, and the packages that act on requests.
#[salsa::tracked]
fn used(db: &dyn Db, workspace: Workspace) -> (BTreeSet<Key>, BTreeSet<String>) {
    let (mut all, mut acting) = (BTreeSet::new(), BTreeSet::new());
    for file in workspace.files(db) {
        let (used, package) = used_by(db, workspace, *file);
        all.extend(used.iter().cloned());
        acting.extend(package.clone());
    }
    (all, acting)
}

/// Warnings about what one file declares or brings in vain.
#[salsa::tracked]
fn file_unused(db: &dyn Db, workspace: Workspace, file: SourceFile) -> Vec<Diagnostic> {
    let (used, acting) = used(db, workspace);
    let origin = Origin::File(workspace, file);
    let package = &origin.outline(db).package;
    let mut found = vec![];
    for item in &origin.parse(db).file.items {
        let (kind, home, name, private) = match item {
            Item::Fact(it) => ("fact", "", &it.name, it.private),
            Item::Meter(it) => ("meter", "", &it.name, it.private),
            Item::Let(it) => ("let", package.as_str(), &it.name, it.private),
            Item::Template(it) => ("template", package.as_str(), &it.name, it.private),
            _ => continue,
        };
        let judged = private.is_some() || acting.contains(package);
        if judged && !used.contains(&(kind, home.to_owned(), name.text.clone())) {
            let message = format!("nothing uses the {} `{}`", said(kind), name.text);
            let warning = Diagnostic::warning(codes::UNUSED, origin.path(db), name.span, message);
            found.push(taken_out(warning, origin.path(db), item.span()));
        }
    }
    found.extend(unused_uses(db, workspace, file));
    found
}

/// Warnings about what the workspace's own files declare or bring in vain, sorted by place. Nothing is said of a
/// workspace with errors: they may hide uses.
pub fn unused(db: &dyn Db, workspace: Workspace) -> Vec<Diagnostic> {
    if diagnostics(db, workspace).iter().any(|it| it.severity == Severity::Error) {
        return vec![];
    }
    let mut found: Vec<Diagnostic> =
        workspace.files(db).iter().flat_map(|file| file_unused(db, workspace, *file).clone()).collect();
    found.sort();
    found
}

fn said(kind: &str) -> String {
    if kind == "let" { "`let`".to_owned() } else { kind.to_owned() }
}

/// With the fix that takes the whole item out.
fn taken_out(warning: Diagnostic, file: &str, item: Span) -> Diagnostic {
    let mut out = warning.help("take it out");
    out.fixes.push(ordain_ir::diagnostic::Fix {
        title: "take it out".to_owned(),
        file: file.to_owned(),
        span: item,
        replacement: String::new(),
        certain: false,
    });
    out
}

fn key(meaning: &Meaning<'_>) -> Option<Key> {
    Some(match meaning {
        Meaning::Fact(name, _) => ("fact", String::new(), name.to_string()),
        Meaning::Meter(entry) => ("meter", String::new(), entry.name.clone()),
        Meaning::Let(package, name, _) => ("let", (*package).to_owned(), (*name).to_owned()),
        Meaning::Template(package, name, _) => ("template", (*package).to_owned(), (*name).to_owned()),
        Meaning::Policy(..) | Meaning::Apply(..) => return None,
    })
}

/// The names that a file mentions; that something is declared is no mention of it.
fn mentioned(db: &dyn Db, file: SourceFile) -> BTreeSet<(&str, Wanted)> {
    let mut found = BTreeSet::new();
    let items = &crate::parse(db, file).file.items;
    for item in items.iter().filter(|item| !matches!(item, Item::Fact(_) | Item::Meter(_))) {
        each_mention(item, &mut |name, _, wanted| {
            found.insert((name, wanted));
        });
    }
    found
}

/// The types of the limits of a file, in lower case.
fn limit_types(db: &dyn Db, file: SourceFile) -> BTreeSet<String> {
    fn collect(items: &[Item], into: &mut BTreeSet<String>) {
        for item in items {
            match item {
                Item::Template(it) => collect(&it.items, into),
                Item::Policy(it) => into.extend(it.clauses.iter().filter_map(|clause| match &clause.kind {
                    ClauseKind::Type(ty) => Some(ty.word.text.to_ascii_lowercase()),
                    _ => None,
                })),
                _ => {}
            }
        }
    }
    let mut found = BTreeSet::new();
    collect(&crate::parse(db, file).file.items, &mut found);
    found
}

/// Whether a type of limits counts a meter of this name.
fn is_of(limit_type: &str, meter: &str) -> bool {
    limit_type.strip_prefix(meter::word(meter).as_str()).is_some_and(|rest| rest.starts_with('_'))
}

fn unused_uses(db: &dyn Db, workspace: Workspace, file: SourceFile) -> Vec<Diagnostic> {
    let origin = Origin::File(workspace, file);
    let lens = Lens::of(db, origin);
    let (mentioned, types) = (mentioned(db, file), limit_types(db, file));
    let meters = |package: &str| {
        let all = lens.names().shared.meters.values();
        let here: Vec<_> = all.filter(|entry| entry.packages.contains_key(package)).cloned().collect();
        here
    };
    let is_named = |known: &str| {
        let named = |(name, _): &(&str, Wanted)| *name == known || behind(name, known).is_some();
        mentioned.iter().any(named) || types.iter().any(|ty| is_of(ty, known))
    };
    let is_used = |used: &Used| match used {
        Used::Nothing => true,
        Used::Package { alias, .. } => is_named(alias),
        // To use a policy of a library is to let it take part.
        Used::One { known, package, name } => {
            is_named(known)
                || lens
                    .every(package, name)
                    .any(|it| matches!(it.meaning, Meaning::Policy(..) | Meaning::Apply(..)))
        }
        Used::All(package) => {
            let adopts = lens
                .names()
                .shared
                .packages
                .get(package)
                .is_some_and(|home| *home != Home::Workspace(workspace))
                && lens.offered(package).iter().any(|name| {
                    lens.every(package, name)
                        .any(|it| matches!(it.meaning, Meaning::Policy(..) | Meaning::Apply(..)))
                });
            adopts
                || mentioned.iter().any(|(name, _)| lens.every(package, name).next().is_some())
                || meters(package).iter().any(|entry| types.iter().any(|ty| is_of(ty, &entry.name)))
        }
    };
    let items = origin.parse(db).file.items.iter().filter_map(|item| match item {
        Item::Use(it) if !it.path.text.is_empty() => Some(it),
        _ => None,
    });
    let idle = items.zip(lens.uses()).filter(|(_, used)| !is_used(used));
    idle.map(|(it, _)| {
        let what = if it.all { format!("{}.*", it.path.text) } else { it.path.text.clone() };
        let message = format!("nothing here uses `{what}`");
        taken_out(
            Diagnostic::warning(codes::UNUSED_USE, origin.path(db), it.span, message),
            origin.path(db),
            it.span,
        )
    })
    .collect()
}
