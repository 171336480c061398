//! Declarations: what is declared twice, and facts.

use std::borrow::Cow;

use ordain_grammar::ast::{self, Item};
use ordain_ir::{Diagnostic, Span, codes};

use super::{Checker, fact};
use crate::Db;
use crate::packages::Origin;

impl Checker<'_> {
    /// The lines `package` of which a file has at most one.
    pub(super) fn packages(&mut self) {
        let mut packages = self.file.items.iter().filter_map(|item| match item {
            Item::Package(package) => Some(package),
            _ => None,
        });
        if let Some(first) = packages.next() {
            for again in packages {
                let error = self.error(codes::DUPLICATE_CLAUSE, again.span, "a file belongs to one package");
                self.report(error.and_at(self.path, first.span, "the first one"));
            }
        }
    }

    /// Whether an item's name is declared before, here or in another file, and says so. Facts may be declared
    /// again if nothing differs.
    pub(super) fn is_repeated(&mut self, item: &Item, first_here: bool) -> bool {
        match item {
            Item::Fact(fact) => {
                self.repeated_fact(fact);
                return false;
            }
            Item::Broken(_) => return false,
            _ => {}
        }
        let Some(name) = declared(item).filter(|name| !name.text.is_empty()) else { return false };
        let origin = self.view.origin();
        let table = origin.table(self.db);
        let template = matches!(item, Item::Template(_));
        let repeated = if template { &table.repeated_templates } else { &table.repeated };
        let Some(first) = repeated.get(&name.text).copied() else { return false };
        if first == origin && first_here {
            return false;
        }
        let error =
            self.error(codes::DUPLICATE_NAME, name.span, format!("`{}` is declared twice", name.text));
        let items = first.parse(self.db).file.items.iter();
        let before = items.filter(|it| matches!(it, Item::Template(_)) == template).filter_map(declared);
        let place = before.filter(|it| it.text == name.text).map(|it| it.span).next();
        self.report(match place {
            Some(span) => error.and_at(first.path(self.db), span, "first declared here"),
            None => error,
        });
        true
    }

    fn repeated_fact(&mut self, fact: &ast::Fact) {
        let Some(entry) = self.view.fact(&fact.name.text.as_str().into()) else { return };
        let own = fact::lower(fact, &mut |_| {});
        let (Some(first), Some(own)) = (&entry.fact, &own) else { return };
        let plain = |fact: &ordain_ir::Fact| ordain_ir::Fact { doc: String::new(), ..fact.clone() };
        if plain(first) == plain(own) {
            return;
        }
        let message = format!("fact `{}` is declared twice with different types", fact.name.text);
        let written = |fact: &ordain_ir::Fact| {
            let mut words = fact.ty.to_string();
            if fact.range.is_some() {
                words.push_str(" with a range");
            }
            words.push_str(if fact.optional { " optional" } else { "" });
            words.push_str(if fact.opaque { " opaque" } else { "" });
            words
        };
        let error = self.error(codes::CONFLICTING_FACT, fact.name.span, message);
        let error = match declaration(self.db, entry.origin, &fact.name.text) {
            Some(span) => error.and_at(
                entry.origin.path(self.db),
                span,
                format!("first declared here as {}", written(first)),
            ),
            None => error,
        };
        let help = if entry.origin == self.view.origin() {
            "keep one of both"
        } else {
            "a fact's name means the same everywhere; take the same type, or another name"
        };
        self.report(error.labelled(format!("here as {}", written(own))).help(help));
    }

    pub(super) fn fact(&mut self, fact: &ast::Fact) {
        let mut problems = vec![];
        fact::lower(fact, &mut |problem| problems.push(problem));
        self.placed(problems);
    }

    /// Reports problems that don't know their file.
    pub(super) fn placed(&mut self, problems: Vec<Diagnostic>) {
        for mut problem in problems {
            if let Some(label) = &mut problem.primary {
                self.path.clone_into(&mut label.file);
            }
            for fix in &mut problem.fixes {
                self.path.clone_into(&mut fix.file);
            }
            self.report(problem);
        }
    }
}

/// The name that an item declares. An `apply` without a name of its own has its template's.
pub(crate) fn declared(item: &Item) -> Option<Cow<'_, ast::Name>> {
    Some(Cow::Borrowed(match item {
        Item::Fact(it) => &it.name,
        Item::Meter(it) => &it.name,
        Item::Let(it) => &it.name,
        Item::Policy(it) => &it.name,
        Item::Template(it) => &it.name,
        Item::Apply(it) => return Some(Cow::Owned(it.name())),
        Item::Broken(it) => it.declares.as_ref().map(|(_, name)| name)?,
        Item::Package(_) | Item::Use(_) | Item::Require(_) | Item::Allow(_) | Item::Test(_) => return None,
    }))
}

/// Where a file first declares a name.
pub(crate) fn declaration(db: &dyn Db, origin: Origin, name: &str) -> Option<Span> {
    let declared = origin.parse(db).file.items.iter().filter_map(declared);
    declared.filter(|declared| declared.text == name).map(|declared| declared.span).next()
}
