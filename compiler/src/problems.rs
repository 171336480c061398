//! What is wrong between policies, and with libraries.

use ordain_ir::{Clause, Diagnostic, PolicyId, PolicyName, Severity, Span, codes};

use crate::link::{RoundTrip, gathered, round_trips};
use crate::packages::{Home, Origin, names};
use crate::{Db, Dependency, Workspace, diagnostics, library};

/// What is wrong between policies.
#[salsa::tracked]
pub(crate) fn link_diagnostics(db: &dyn Db, workspace: Workspace) -> Vec<Diagnostic> {
    let cycles = round_trips(db, workspace).iter().filter_map(|trip| describe(db, workspace, trip));
    let clashes = gathered(db, workspace).clashes.iter();
    cycles
        .chain(clashes.filter_map(|(name, first, second)| clash(db, workspace, name, *first, *second)))
        .collect()
}

fn place(
    db: &dyn Db,
    workspace: Workspace,
    origin: Origin,
    name: &PolicyName,
    clause: Clause,
) -> Option<(String, Span)> {
    let source = origin.sources(db).get(&PolicyId::of(name))?;
    // The author of the workspace can change the application, and the template if it is one of theirs.
    Some(match &source.application {
        Some(site) if workspace.file(db, &source.file).is_none() => (site.file.clone(), site.place.span),
        _ => (source.file.clone(), source.clause(clause).span),
    })
}

fn describe(db: &dyn Db, workspace: Workspace, trip: &RoundTrip) -> Option<Diagnostic> {
    let (code, relation) = match trip.clause {
        Clause::Overrides => (codes::OVERRIDE_CYCLE, "overrides"),
        _ => (codes::DEPENDENCY_CYCLE, "depends on"),
    };
    let all = gathered(db, workspace);
    let find = |name: &PolicyName| {
        let rule = all.rules.get(name).map(|(rule, origin)| (rule.label().to_owned(), *origin));
        rule.or_else(|| all.limits.get(name).map(|(limit, origin)| (limit.label().to_owned(), *origin)))
    };
    let at = |name: &PolicyName| place(db, workspace, find(name)?.1, name, trip.clause);
    let label = |name: &PolicyName| find(name).map_or_else(|| name.to_string(), |(label, _)| label);
    let first = trip.members.first()?;
    let (file, span) = at(first)?;
    if trip.members.len() == 1 {
        let message = format!("`{}` {relation} itself", label(first));
        return Some(Diagnostic::error(code, &file, span, message).fix("remove the clause", ""));
    }
    let path: Vec<String> =
        trip.members.iter().chain([first]).map(|name| format!("`{}`", label(name))).collect();
    let message = format!("`{relation}` goes round in a cycle: {}", path.join(" -> "));
    let mut error = Diagnostic::error(code, &file, span, message);
    for (name, next) in trip.members.iter().zip(trip.members.iter().cycle().skip(1)).skip(1) {
        if let Some((file, span)) = at(name) {
            error = error.and_at(&file, span, format!("`{}` {relation} `{}`", label(name), label(next)));
        }
    }
    Some(error.help("take one of these clauses out"))
}

/// Two policies of different packages with one full name: `a.b` in package `c` and `b` in package `c.a`.
fn clash(
    db: &dyn Db,
    workspace: Workspace,
    name: &PolicyName,
    first: Origin,
    second: Origin,
) -> Option<Diagnostic> {
    let (file, span) = place(db, workspace, second, name, Clause::Name)?;
    let message = format!("the full name `{name}` is given twice");
    let error = Diagnostic::error(codes::DUPLICATE_NAME, &file, span, message);
    let error = match place(db, workspace, first, name, Clause::Name) {
        Some((file, span)) => error.and_at(&file, span, "first given here"),
        None => error,
    };
    Some(error.help("a full name is the package and the name, joined by a dot; rename one of both"))
}

/// What is wrong with the libraries of a workspace: at its `ordain.yaml`, or at its own files.
#[salsa::tracked]
pub(crate) fn library_diagnostics(db: &dyn Db, workspace: Workspace) -> Vec<Diagnostic> {
    let manifest = workspace.manifest(db);
    let mut problems = vec![];
    for dependency in workspace.dependencies(db) {
        problems.extend(broken(db, &manifest, dependency));
        problems.extend(different(db, workspace, &manifest, dependency));
    }
    let clashes = &names(db, workspace).clashes;
    for (package, (first, second)) in clashes {
        let own = files_of(db, Home::Workspace(workspace), package);
        let other = if *second == Home::Workspace(workspace) { *first } else { *second };
        let of = |home: Home| match home {
            Home::Library => "the standard library".to_owned(),
            Home::Workspace(other) => {
                let written = workspace.dependencies(db).iter().find(|it| it.workspace == other);
                format!("`{}`", written.map_or("", |it| &it.written))
            }
        };
        let theirs = |error: Diagnostic, home: Home| match files_of(db, home, package).first() {
            Some((origin, span)) => {
                error.and_at(origin.path(db), *span, format!("the package in {}", of(home)))
            }
            None => error,
        };
        let message = format!("package `{package}` belongs to {} already", of(*first));
        let help = "a package belongs to one workspace; give one of both another name";
        if *second == Home::Workspace(workspace) {
            if let Some((origin, span)) = own.first() {
                let error = Diagnostic::error(codes::DUPLICATE_NAME, origin.path(db), *span, message);
                problems.push(theirs(error, other).help(help));
            }
        } else if let Home::Workspace(second) = second
            && let Some(dependency) = workspace.dependencies(db).iter().find(|it| it.workspace == *second)
        {
            let error = Diagnostic::error(codes::DUPLICATE_NAME, &manifest, dependency.span, message);
            problems.push(theirs(theirs(error, *first), Home::Workspace(*second)).help(help));
        }
    }
    problems
}

/// The files of a package with the places that name it.
fn files_of(db: &dyn Db, home: Home, package: &str) -> Vec<(Origin, Span)> {
    let origins: Vec<Origin> = match home {
        Home::Library => (0..library().len()).map(Origin::Library).collect(),
        Home::Workspace(workspace) => {
            workspace.files(db).iter().map(|file| Origin::File(workspace, *file)).collect()
        }
    };
    let named = origins.into_iter().filter(|origin| origin.outline(db).package == package);
    let place = |origin: Origin| {
        let items = &origin.parse(db).file.items;
        let span = items.iter().find_map(|item| match item {
            ordain_grammar::ast::Item::Package(it) => Some(it.name.span),
            _ => None,
        });
        (origin, span.unwrap_or_default())
    };
    named.map(place).collect()
}

/// A dependency with errors, of which the first is shown.
fn broken(db: &dyn Db, manifest: &str, dependency: &Dependency) -> Option<Diagnostic> {
    let all = diagnostics(db, dependency.workspace);
    let mut errors = all.iter().filter(|it| it.severity == Severity::Error);
    let first = errors.next()?;
    let count = errors.count() + 1;
    let many = if count == 1 { "an error".to_owned() } else { format!("{count} errors") };
    let message = format!("the dependency `{}` has {many}", dependency.written);
    let error = Diagnostic::error(codes::BAD_WORKSPACE, manifest, dependency.span, message);
    let error = match &first.primary {
        Some(label) => error.and_at(&label.file, label.span, &first.message),
        None => error.note(&first.message),
    };
    Some(error.help(format!("check it by itself: `ordain check {}`", dependency.written)))
}

/// Facts and meters that a dependency declares otherwise than the libraries before it.
fn different(db: &dyn Db, workspace: Workspace, manifest: &str, dependency: &Dependency) -> Vec<Diagnostic> {
    let (all, theirs) = (names(db, workspace), names(db, dependency.workspace));
    let mut problems = vec![];
    let mut tell = |what: &str, code, name: &str, first: Origin, second: Origin| {
        let message = format!("{what} `{name}` means something else in `{}`", dependency.written);
        let mut error = Diagnostic::error(code, manifest, dependency.span, message);
        for (origin, text) in [(first, "declared here"), (second, "and otherwise here")] {
            if let Some(span) = crate::check::declaration(db, origin, name) {
                error = error.and_at(origin.path(db), span, text);
            }
        }
        problems.push(error.help(format!("a {what}'s name means the same in all workspaces that meet")));
    };
    for (name, entry) in &theirs.facts {
        let Some(first) = all.facts.get(name).filter(|first| is_before(db, workspace, first.origin)) else {
            continue;
        };
        if let (Some(a), Some(b)) = (&first.fact, &entry.fact)
            && (&a.ty, a.range, a.optional, a.opaque) != (&b.ty, b.range, b.optional, b.opaque)
        {
            tell("fact", codes::CONFLICTING_FACT, name.as_str(), first.origin, entry.origin);
        }
    }
    for (name, entry) in &theirs.meters {
        let Some(first) = all.meters.get(name).filter(|first| is_before(db, workspace, first.origin)) else {
            continue;
        };
        if let (Some(a), Some(b)) = (&first.unit, &entry.unit)
            && a != b
        {
            tell("meter", codes::CONFLICTING_METER, name, first.origin, entry.origin);
        }
    }
    problems
}

/// Whether something comes from a library; the workspace's own files tell of their differences themselves.
fn is_before(db: &dyn Db, workspace: Workspace, origin: Origin) -> bool {
    !matches!(origin, Origin::File(of, _) if of == workspace) && !origin.path(db).is_empty()
}
