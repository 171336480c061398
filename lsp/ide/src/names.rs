//! The name under the cursor, and what it stands for.

use std::path::{Component, Path, PathBuf};

use ordain_compiler::{Meaning, Origin, View, Wanted, each_mention};
use ordain_grammar::ast::{File, Item, Name, Parameter};
use ordain_ir::Span;

use crate::Snapshot;

/// A place to go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The file.
    pub file: String,
    /// The name that is declared there.
    pub span: Span,
}

/// A name in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Occurrence<'a> {
    /// As it is written.
    pub(crate) text: &'a str,
    /// Where.
    pub(crate) span: Span,
    /// What may stand there.
    pub(crate) wanted: Wanted,
    /// The parameter of the template around it that it stands for.
    pub(crate) parameter: Option<&'a Parameter>,
}

/// The name at an offset; right behind it counts too, as a cursor does.
pub(crate) fn occurrence(file: &File, offset: u32) -> Option<Occurrence<'_>> {
    let item = file.items.iter().find(|item| item.span().start <= offset && offset <= item.span().end)?;
    let mut found = None;
    let mut see = |text, span: Span, wanted| {
        if span.start <= offset && offset <= span.end && found.is_none() {
            found = Some((text, span, wanted));
        }
    };
    each_declared(item, &mut see);
    each_mention(item, &mut see);
    let (text, span, wanted): (&str, _, _) = found.filter(|(text, ..): &(&str, _, _)| !text.is_empty())?;
    let parameters = match item {
        Item::Template(template) if matches!(wanted, Wanted::Value) => template.parameters.as_slice(),
        _ => &[],
    };
    let parameter = parameters.iter().find(|parameter| parameter.name.text == text);
    Some(Occurrence { text, span, wanted, parameter })
}

/// Visits the names that an item declares or uses as a whole.
fn each_declared<'a>(item: &'a Item, visit: &mut dyn FnMut(&'a str, Span, Wanted)) {
    let mut see = |name: &'a Name, wanted| visit(&name.text, name.span, wanted);
    match item {
        Item::Use(it) => {
            // Its name here stands for the same.
            see(&it.path, Wanted::Anything);
            if let Some(alias) = &it.alias {
                visit(&it.path.text, alias.span, Wanted::Anything);
            }
        }
        Item::Fact(it) => see(&it.name, Wanted::Value),
        Item::Let(it) => see(&it.name, Wanted::Value),
        Item::Meter(it) => see(&it.name, Wanted::Meter),
        Item::Policy(it) => see(&it.name, Wanted::Policy),
        Item::Template(it) => {
            see(&it.name, Wanted::Template);
            it.parameters.iter().for_each(|parameter| see(&parameter.name, Wanted::Value));
        }
        Item::Apply(it) => it.alias.iter().for_each(|alias| see(alias, Wanted::Anything)),
        Item::Package(_) | Item::Require(_) | Item::Allow(_) | Item::Test(_) | Item::Broken(_) => {}
    }
}

impl Snapshot {
    /// What a name in a file stands for.
    pub(crate) fn meaning(&self, file: &str, name: Occurrence<'_>) -> Option<Meaning<'_>> {
        let file = self.input.file(&self.db, file)?;
        let view = View::of(&self.db, Origin::File(self.input, file));
        view.find(name.text, name.wanted).ok()
    }

    /// Where the name at an offset is declared; `None` for what the standard library declares, since that is
    /// in no file.
    pub fn definition(&self, file: &str, offset: u32) -> Option<Target> {
        let name = occurrence(self.tree(file)?, offset)?;
        if let Some(parameter) = name.parameter {
            return Some(Target { file: file.to_owned(), span: parameter.name.span });
        }
        let meaning = self.meaning(file, name)?;
        let (origin, item) = self.declaration(&meaning)?;
        let Origin::File(_, file) = origin else { return None };
        Some(Target { file: file.path(&self.db).to_owned(), span: declared(item)? })
    }

    /// The item that gives a name its meaning: the `apply` of policies that come from a template, the limit of a
    /// warning.
    pub(crate) fn declaration(&self, meaning: &Meaning<'_>) -> Option<(Origin, &Item)> {
        let origin = meaning.origin();
        let items = &origin.parse(&self.db).file.items;
        let package = &origin.outline(&self.db).package;
        let local = |full: &str| match full.strip_prefix(package.as_str()) {
            Some(rest) if !package.is_empty() => rest.trim_start_matches('.').to_owned(),
            _ => full.to_owned(),
        };
        let made = |name: &str, full: &str| {
            local(full).strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let fits = |item: &&Item| match (meaning, item) {
            (Meaning::Fact(name, _), Item::Fact(it)) => it.name.text == name.as_str(),
            (Meaning::Meter(entry), Item::Meter(it)) => it.name.text == entry.name,
            (Meaning::Let(_, name, _), Item::Let(it)) => it.name.text == *name,
            (Meaning::Template(_, name, _), Item::Template(it)) => it.name.text == *name,
            (Meaning::Apply(_, name, _), Item::Apply(it)) => it.name().text == *name,
            (Meaning::Policy(name, ..), Item::Policy(it)) => made(&it.name.text, name.as_str()),
            (Meaning::Policy(name, ..), Item::Apply(it)) => made(&it.name().text, name.as_str()),
            _ => false,
        };
        // Of `a` and `a.b` the longer name is meant by `a.b.c`.
        let item = items.iter().filter(fits).max_by_key(|item| declared(item).map(Span::len))?;
        Some((origin, item))
    }
}

/// The place of the name that an item declares.
fn declared(item: &Item) -> Option<Span> {
    Some(match item {
        Item::Fact(it) => it.name.span,
        Item::Let(it) => it.name.span,
        Item::Meter(it) => it.name.span,
        Item::Policy(it) => it.name.span,
        Item::Template(it) => it.name.span,
        Item::Apply(it) => it.name().span,
        Item::Package(_)
        | Item::Use(_)
        | Item::Require(_)
        | Item::Allow(_)
        | Item::Test(_)
        | Item::Broken(_) => return None,
    })
}

/// A path without `..` in it, as far as that can be told without looking at the disk.
pub(crate) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if plain.file_name().is_some() => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_made_plain() {
        assert_eq!(plain(Path::new("/a/b/../c/./d")), Path::new("/a/c/d"));
        assert_eq!(plain(Path::new("/a/../../b")), Path::new("/../b"));
    }
}
