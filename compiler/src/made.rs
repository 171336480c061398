//! The policies that templates and `warn at` make, by name: they aren't declared anywhere as such.

#![expect(clippy::needless_pass_by_value, reason = "a query owns what it is asked by")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ordain_ir::PolicyKind;

use crate::declarations::{Inner, InnerKind};
use crate::packages::{Member, MemberKind, Origin};
use crate::{Db, SourceFile, Workspace};

/// The name of the second limit that a `warn at` adds, behind that of the limit.
pub(crate) const WARN: &str = "warn";
/// How deep templates may apply each other.
pub(crate) const MAX_NESTING: usize = 16;
/// How many policies one application may make.
pub(crate) const MAX_MADE: usize = 1024;

/// A policy that an `apply` or a `warn at` makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) kind: PolicyKind,
    pub(crate) private: bool,
}

/// Something is wrong with the template or its application, so that not all of its policies are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unclear;

/// The ways to split a name at a dot, the longest beginning first.
pub(crate) fn splits(name: &str) -> impl Iterator<Item = (&str, &str)> {
    name.rmatch_indices('.').map(|(at, _)| (&name[..at], &name[at + 1..]))
}

/// What follows a beginning and a dot.
pub(crate) fn behind<'n>(name: &'n str, beginning: &str) -> Option<&'n str> {
    name.strip_prefix(beginning)?.strip_prefix('.')
}

/// The template that a name stands for in a file. Policies that others make take no part, so this ends.
pub(crate) fn template<'a>(
    db: &'a dyn Db,
    origin: Origin,
    name: &str,
) -> Option<(&'a str, &'a str, &'a Member)> {
    let (names, outline) = (origin.names(db), origin.outline(db));
    let member = |package: &str, name: &str| {
        let (package, home) = names.package(package)?;
        let (name, member) = home.templates.get_key_value(name)?;
        let seen = package == outline.package || !member.private;
        (seen && matches!(member.kind, MemberKind::Template { .. })).then_some((package, &**name, member))
    };
    let once = |found: Vec<_>| match found.as_slice() {
        [one] => Some(*one),
        _ => None,
    };
    let singly = || {
        let found = outline.uses.iter().filter(|it| !it.all).filter_map(|it| {
            if let Some(alias) = &it.alias
                && let Some(rest) = behind(name, alias)
            {
                return member(&it.path, rest);
            }
            let (package, own) =
                names.splits(&it.path).find(|(package, own)| member(package, own).is_some())?;
            (it.alias.as_deref().unwrap_or(own) == name).then(|| member(package, own))?
        });
        let mut found: Vec<_> = found.collect();
        found.dedup();
        once(found)
    };
    let starred = || {
        let packages: BTreeSet<&str> =
            outline.uses.iter().filter(|it| it.all).map(|it| it.path.as_str()).collect();
        once(packages.into_iter().filter_map(|package| member(package, name)).collect())
    };
    let full = || names.splits(name).find_map(|(package, own)| member(package, own));
    member(&outline.package, name).or_else(singly).or_else(starred).or_else(full)
}

/// The policy that a member makes under a name behind its own.
pub(crate) fn made(db: &dyn Db, member: &Member, rest: &str) -> Result<Option<Made>, Unclear> {
    match &member.kind {
        MemberKind::Policy { kind, warns } => {
            let warning = *warns && rest == WARN;
            Ok(warning.then_some(Made { kind: *kind, private: false }))
        }
        MemberKind::Apply { template } => made_inside(db, member.origin, template, rest, 0),
        MemberKind::Let | MemberKind::Template { .. } => Ok(None),
    }
}

fn made_inside(
    db: &dyn Db,
    origin: Origin,
    applied: &str,
    rest: &str,
    depth: usize,
) -> Result<Option<Made>, Unclear> {
    let (inner, broken, origin) = inside(db, origin, applied, depth)?;
    for it in inner {
        let made = match &it.kind {
            InnerKind::Policy(named) => {
                let own = it.name == rest || named.warns && behind(rest, &it.name) == Some(WARN);
                own.then_some(Made { kind: named.kind, private: it.private })
            }
            InnerKind::Apply { template } => match behind(rest, &it.name) {
                Some(rest) => made_inside(db, origin, template, rest, depth + 1)?,
                None => None,
            },
        };
        if made.is_some() {
            return Ok(made);
        }
    }
    if broken { Err(Unclear) } else { Ok(None) }
}

/// What a template makes that is applied in a file.
fn inside<'a>(
    db: &'a dyn Db,
    origin: Origin,
    applied: &str,
    depth: usize,
) -> Result<(&'a [Inner], bool, Origin), Unclear> {
    if depth > MAX_NESTING {
        return Err(Unclear);
    }
    let (.., member) = template(db, origin, applied).ok_or(Unclear)?;
    let MemberKind::Template { inner, broken } = &member.kind else { return Err(Unclear) };
    Ok((inner, *broken, member.origin))
}

/// The policies that a template makes that is applied in a file, as far as they can be told, by their names within
/// the application.
pub(crate) fn all_made_by(db: &dyn Db, origin: Origin, applied: &str) -> Vec<(String, Made)> {
    match origin {
        Origin::File(workspace, file) => made_by(db, workspace, file, applied.to_owned()).clone(),
        Origin::Library(_) => all_inside_of(db, origin, applied),
    }
}

/// See [`all_made_by`]. A query, so that a declaration elsewhere has no file checked again that applies something.
#[salsa::tracked]
fn made_by(db: &dyn Db, workspace: Workspace, file: SourceFile, applied: String) -> Vec<(String, Made)> {
    all_inside_of(db, Origin::File(workspace, file), &applied)
}

fn all_inside_of(db: &dyn Db, origin: Origin, applied: &str) -> Vec<(String, Made)> {
    let mut all = vec![];
    all_inside(db, origin, applied, "", 0, &mut all);
    all
}

/// Whether a template applies itself, with others in between or not.
pub(crate) fn goes_round(db: &dyn Db, origin: Origin, package: &str, name: &str) -> bool {
    match origin {
        Origin::File(workspace, file) => *is_round(db, workspace, file, package.to_owned(), name.to_owned()),
        Origin::Library(_) => round_trip(db, origin, package, name).is_some(),
    }
}

/// See [`goes_round`]; a query for the same reason.
#[salsa::tracked]
fn is_round(db: &dyn Db, workspace: Workspace, file: SourceFile, package: String, name: String) -> bool {
    round_trip(db, Origin::File(workspace, file), &package, &name).is_some()
}

/// One template of several that apply each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'a> {
    pub(crate) package: &'a str,
    pub(crate) name: &'a str,
    pub(crate) origin: Origin,
    /// What it applies, as it is named there, to come to the next.
    pub(crate) applies: &'a str,
}

/// The shortest way on which a template applies itself.
pub(crate) fn round_trip<'a>(
    db: &'a dyn Db,
    origin: Origin,
    package: &'a str,
    name: &'a str,
) -> Option<Vec<Step<'a>>> {
    let mut before: BTreeMap<(&str, &str), Step<'a>> = BTreeMap::new();
    let mut open = VecDeque::from([(package, name, origin)]);
    while let Some((at_package, at_name, at)) = open.pop_front() {
        let (_, home) = at.names(db).package(at_package)?;
        let Some(MemberKind::Template { inner, .. }) = home.templates.get(at_name).map(|it| &it.kind) else {
            continue;
        };
        for it in inner.iter() {
            let InnerKind::Apply { template: applies } = &it.kind else { continue };
            let Some((next_package, next_name, member)) = template(db, at, applies) else { continue };
            let step = Step { package: at_package, name: at_name, origin: at, applies };
            if (next_package, next_name) == (package, name) {
                let mut path = vec![step];
                let mut key = (at_package, at_name);
                while key != (package, name) {
                    let step = *before.get(&key)?;
                    key = (step.package, step.name);
                    path.push(step);
                }
                path.reverse();
                return Some(path);
            }
            before.entry((next_package, next_name)).or_insert_with(|| {
                open.push_back((next_package, next_name, member.origin));
                step
            });
        }
    }
    None
}

/// The policies that a member makes, as far as they can be told, by their names behind its own.
pub(crate) fn all_made(db: &dyn Db, member: &Member) -> Vec<(String, Made)> {
    let mut all = vec![];
    match &member.kind {
        MemberKind::Policy { kind, warns: true } => {
            all.push((WARN.to_owned(), Made { kind: *kind, private: false }));
        }
        MemberKind::Apply { template } => all_inside(db, member.origin, template, "", 0, &mut all),
        _ => {}
    }
    all
}

fn all_inside(
    db: &dyn Db,
    origin: Origin,
    applied: &str,
    prefix: &str,
    depth: usize,
    all: &mut Vec<(String, Made)>,
) {
    let Ok((inner, _, origin)) = inside(db, origin, applied, depth) else { return };
    for it in inner {
        let name = format!("{prefix}{}", it.name);
        match &it.kind {
            _ if all.len() > MAX_MADE => return,
            InnerKind::Policy(named) => {
                let made = Made { kind: named.kind, private: it.private };
                if named.warns {
                    all.push((format!("{name}.{WARN}"), made));
                }
                all.push((name, made));
            }
            InnerKind::Apply { template } => {
                all_inside(db, origin, template, &format!("{name}."), depth + 1, all);
            }
        }
    }
}
