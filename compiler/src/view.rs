//! The names that one item or file mentions, resolved.
//!
//! Checking a file asks a [`Table`] of its own, not all names of the workspace. The table is made anew when any
//! declaration changes, which is cheap, and is mostly equal then, so that the file isn't checked again.

#![expect(clippy::needless_pass_by_value, reason = "a query owns what it is asked by")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_grammar::ast::{Item, LetValue, Template};
use ordain_ir::{Fact, FactName, PolicyKind, PolicyName, Span};

use crate::library::units;
use crate::mentions::{Mentions, Wanted, mentions, mentions_of_let, mentions_of_template};
use crate::packages::{FactEntry, Member, MeterEntry, Origin, Package};
use crate::resolve::{Lens, Meaning, Suggestion, Unresolved, Used};
use crate::{Db, SourceFile, Workspace, parse};

/// What a name stands for, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Fact(Arc<FactEntry>),
    Meter(Arc<MeterEntry>),
    Let(String, String, Member),
    Policy(PolicyName, PolicyKind, Member),
    Template(String, String, Member),
    Apply(String, String, Member),
}

impl Found {
    fn meaning(&self) -> Meaning<'_> {
        match self {
            Self::Fact(entry) => Meaning::Fact(&entry.name, entry),
            Self::Meter(entry) => Meaning::Meter(entry),
            Self::Let(package, name, member) => Meaning::Let(package, name, member),
            Self::Policy(name, kind, member) => Meaning::Policy(name.clone(), *kind, member),
            Self::Template(package, name, member) => Meaning::Template(package, name, member),
            Self::Apply(package, name, member) => Meaning::Apply(package, name, member),
        }
    }

    fn of(lens: &Lens<'_>, meaning: &Meaning<'_>) -> Self {
        let names = lens.names();
        match meaning {
            Meaning::Fact(name, entry) => Self::Fact(
                names.shared.facts.get(*name).cloned().unwrap_or_else(|| Arc::new((*entry).clone())),
            ),
            Meaning::Meter(entry) => {
                let kept = names.shared.meters.get(&entry.name).cloned();
                Self::Meter(kept.unwrap_or_else(|| Arc::new((*entry).clone())))
            }
            Meaning::Let(package, name, member) => {
                Self::Let((*package).to_owned(), (*name).to_owned(), (*member).clone())
            }
            Meaning::Policy(name, kind, member) => Self::Policy(name.clone(), *kind, (*member).clone()),
            Meaning::Template(package, name, member) => {
                Self::Template((*package).to_owned(), (*name).to_owned(), (*member).clone())
            }
            Meaning::Apply(package, name, member) => {
                Self::Apply((*package).to_owned(), (*name).to_owned(), (*member).clone())
            }
        }
    }
}

/// The names that an item or a file mentions, resolved, without spans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    /// The package.
    package: String,
    found: BTreeMap<Wanted, BTreeMap<String, Result<Found, Unresolved>>>,
    /// The meters that can be seen, by the names that they have here.
    meters: Vec<(String, Arc<MeterEntry>)>,
}

impl Table {
    fn new(lens: &Lens<'_>, mentions: &Mentions) -> Self {
        let mut found: BTreeMap<Wanted, BTreeMap<String, _>> = BTreeMap::new();
        for (wanted, name) in mentions {
            let meaning = lens.find(name, *wanted).map(|meaning| Found::of(lens, &meaning));
            found.entry(*wanted).or_default().insert(name.clone(), meaning);
        }
        Self { package: lens.package().to_owned(), found, meters: lens.meters() }
    }

    /// The facts among them.
    pub(crate) fn facts(&self) -> impl Iterator<Item = (&FactName, &Fact)> {
        let found = self.found.get(&Wanted::Value).into_iter().flat_map(BTreeMap::values);
        found.filter_map(|found| match found {
            Ok(Found::Fact(entry)) => entry.fact.as_ref().map(|fact| (&entry.name, fact)),
            _ => None,
        })
    }

    pub(crate) fn of(db: &dyn Db, origin: Origin, mentions: &Mentions) -> Self {
        Self::new(&Lens::of(db, origin), mentions)
    }
}

/// What else checking a file wants to know of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileTable {
    pub(crate) table: Table,
    /// What each `use` stands for, and whether its alias is taken.
    pub(crate) uses: Vec<(Used, bool)>,
    /// The names that the file declares and that are declared elsewhere or again, with where they stand first.
    pub(crate) repeated: BTreeMap<String, Origin>,
    /// The same of templates.
    pub(crate) repeated_templates: BTreeMap<String, Origin>,
}

impl FileTable {
    pub(crate) fn of(db: &dyn Db, origin: Origin, mentions: &Mentions) -> Self {
        let lens = Lens::of(db, origin);
        let (names, outline) = (lens.names(), origin.outline(db));
        let own = names.package(&outline.package).map(|(_, package)| package);
        let repeated = |pick: fn(&Package) -> &BTreeMap<String, Member>| {
            let found = outline.declarations.iter().filter_map(|it| {
                let member = pick(own?).get(&it.name).filter(|member| member.repeated)?;
                Some((it.name.clone(), member.origin))
            });
            found.collect()
        };
        let mut known: BTreeSet<&str> = BTreeSet::new();
        let uses = lens.uses().iter().zip(&outline.uses).map(|(used, it)| {
            let alias = it.alias.as_deref();
            let taken = alias.is_some_and(|alias| lens.is_taken(alias, used));
            let name = match (alias, used) {
                (Some(alias), _) => Some(alias),
                (None, Used::One { known, .. }) => Some(known.as_str()),
                _ => None,
            };
            let again = name.is_some_and(|name| !known.insert(name)) && alias.is_some();
            (used.clone(), taken || again)
        });
        let uses = uses.collect();
        Self {
            uses,
            repeated: repeated(|package| &package.members),
            repeated_templates: repeated(|package| &package.templates),
            table: Table::new(&lens, mentions),
        }
    }
}

/// The names that a file of the workspace mentions.
#[salsa::tracked]
pub(crate) fn file_table(db: &dyn Db, workspace: Workspace, file: SourceFile) -> FileTable {
    FileTable::of(db, Origin::File(workspace, file), mentions(db, file))
}

/// A `let`: what it stands for, and what the names in it do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LetUnit {
    /// Without spans; `None` if an error in it has been reported.
    pub(crate) value: Option<LetValue>,
    pub(crate) table: Table,
}

/// The `let` with this name in a file; of two the first. `None` if there is none that can be read.
#[salsa::tracked]
pub(crate) fn let_body(db: &dyn Db, file: SourceFile, name: String) -> Option<LetValue> {
    let_body_of(&parse(db, file).file.items, &name)
}

pub(crate) fn let_body_of(items: &[Item], name: &str) -> Option<LetValue> {
    let found = items.iter().find_map(|item| match item {
        Item::Let(it) if it.name.text == name => Some(it),
        _ => None,
    })?;
    let value = match found.value.clone() {
        LetValue::Condition(expr) => LetValue::Condition(expr.without_spans()),
        LetValue::Scope(scope) => LetValue::Scope(scope.without_spans()),
        LetValue::Set(entries) => {
            LetValue::Set(entries.into_iter().map(ordain_grammar::ast::Expr::without_spans).collect())
        }
    };
    (!found.broken).then_some(value)
}

#[salsa::tracked]
fn let_unit(db: &dyn Db, workspace: Workspace, file: SourceFile, name: String) -> LetUnit {
    LetUnit::of(db, Origin::File(workspace, file), let_body(db, file, name).clone())
}

impl LetUnit {
    pub(crate) fn of(db: &dyn Db, origin: Origin, value: Option<LetValue>) -> Self {
        let mentions = value.as_ref().map(mentions_of_let).unwrap_or_default();
        Self { table: Table::of(db, origin, &mentions), value }
    }
}

/// A template, with places counted from its own beginning, and what the names in it stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateUnit {
    pub(crate) template: Template,
    /// Whether there is a syntax error in it outside of its rules, limits and applications.
    pub(crate) is_header_broken: bool,
    pub(crate) table: Table,
}

/// The text of the template with this name in a file, without its documentation, and that; of two the first.
#[salsa::tracked]
pub(crate) fn template_text(db: &dyn Db, file: SourceFile, name: String) -> Option<(String, String)> {
    template_text_of(file.text(db), &parse(db, file).file.items, &name)
}

pub(crate) fn template_text_of(text: &str, items: &[Item], name: &str) -> Option<(String, String)> {
    items.iter().find_map(|item| match item {
        Item::Template(it) if it.name.text == name => {
            Some((text.get(it.span.range())?.to_owned(), it.doc.clone()))
        }
        _ => None,
    })
}

#[salsa::tracked]
fn template_unit(
    db: &dyn Db,
    workspace: Workspace,
    file: SourceFile,
    name: String,
) -> Option<Arc<TemplateUnit>> {
    let (text, doc) = template_text(db, file, name).as_ref()?;
    TemplateUnit::of(db, Origin::File(workspace, file), text, doc).map(Arc::new)
}

impl TemplateUnit {
    /// Reads the text of one template alone, so that it stays equal wherever it stands.
    pub(crate) fn of(db: &dyn Db, origin: Origin, text: &str, doc: &str) -> Option<Self> {
        let parse = ordain_grammar::parse(text);
        let Item::Template(mut template) = parse.file.items.into_iter().next()? else { return None };
        doc.clone_into(&mut template.doc);
        let inside = |span: Span| {
            template.items.iter().any(|item| {
                let item = item.span();
                item.start <= span.start && span.end <= item.end
            })
        };
        let is_header_broken = parse.errors.iter().any(|error| !inside(error.span));
        let mentions = mentions_of_template(&template);
        Some(Self { table: Table::of(db, origin, &mentions), is_header_broken, template })
    }
}

impl Origin {
    /// What the file's names stand for.
    pub(crate) fn table(self, db: &dyn Db) -> &FileTable {
        match self {
            Self::File(workspace, file) => file_table(db, workspace, file),
            Self::Library(at) => &units(db)[at].table,
        }
    }

    /// The `let` with this name in the file.
    pub(crate) fn let_unit<'a>(self, db: &'a dyn Db, name: &str) -> &'a LetUnit {
        match self {
            Self::File(workspace, file) => let_unit(db, workspace, file, name.to_owned()),
            Self::Library(at) => {
                let units = &units(db)[at];
                units.lets.get(name).unwrap_or(&units.no_let)
            }
        }
    }

    /// The template with this name in the file.
    pub(crate) fn template_unit<'a>(self, db: &'a dyn Db, name: &str) -> Option<&'a TemplateUnit> {
        match self {
            Self::File(workspace, file) => template_unit(db, workspace, file, name.to_owned()).as_deref(),
            Self::Library(at) => units(db)[at].templates.get(name),
        }
    }
}

/// What can be seen from a file, or from one item in it.
#[derive(Clone, Copy)]
pub struct View<'a> {
    db: &'a dyn Db,
    origin: Origin,
    table: &'a Table,
}

impl<'a> View<'a> {
    /// What can be seen from a file.
    pub fn of(db: &'a dyn Db, origin: Origin) -> Self {
        Self { db, origin, table: &origin.table(db).table }
    }

    pub(crate) fn new(db: &'a dyn Db, origin: Origin, table: &'a Table) -> Self {
        Self { db, origin, table }
    }

    /// The package.
    pub fn package(self) -> &'a str {
        &self.table.package
    }

    /// The file.
    pub fn origin(self) -> Origin {
        self.origin
    }

    /// What a name stands for that must be one of these.
    ///
    /// # Errors
    /// See [`Unresolved`].
    pub fn find(self, name: &str, wanted: Wanted) -> Result<Meaning<'a>, Unresolved> {
        match self.table.found.get(&wanted).and_then(|names| names.get(name)) {
            Some(Ok(found)) => Ok(found.meaning()),
            Some(Err(unresolved)) => Err(unresolved.clone()),
            // Nobody asks for this but those who explain mistakes.
            None => Lens::of(self.db, self.origin).find(name, wanted),
        }
    }

    /// A fact or a `let`, for a condition or a scope.
    ///
    /// # Errors
    /// See [`Unresolved`].
    pub fn value(self, name: &str) -> Result<Meaning<'a>, Unresolved> {
        self.find(name, Wanted::Value)
    }

    /// A rule or a limit.
    ///
    /// # Errors
    /// See [`Unresolved`].
    pub fn policy(self, name: &str) -> Result<Meaning<'a>, Unresolved> {
        self.find(name, Wanted::Policy)
    }

    /// A meter by its own name.
    ///
    /// # Errors
    /// See [`Unresolved`].
    pub fn meter(self, name: &str) -> Result<Meaning<'a>, Unresolved> {
        self.find(name, Wanted::Meter)
    }

    /// The meters that can be seen, by the names that they have here.
    pub fn meters(self) -> &'a [(String, Arc<MeterEntry>)] {
        &self.table.meters
    }

    /// Anything at all, to say what a name stands for where it is not what is wanted.
    pub fn anything(self, name: &str) -> Option<Meaning<'a>> {
        Lens::of(self.db, self.origin).find_any(name, |_| true)
    }

    /// Like [`anything`](Self::anything), apart from applications of templates.
    pub(crate) fn anything_but_applications(self, name: &str) -> Option<Meaning<'a>> {
        Lens::of(self.db, self.origin).find_any(name, |meaning| !matches!(meaning, Meaning::Apply(..)))
    }

    /// Like [`anything`](Self::anything), apart from templates.
    pub(crate) fn anything_but_templates(self, name: &str) -> Option<Meaning<'a>> {
        Lens::of(self.db, self.origin).find_any(name, |meaning| !matches!(meaning, Meaning::Template(..)))
    }

    /// What somebody may have meant with a name that stands for nothing that is wanted.
    pub fn suggest(self, name: &str, wanted: Wanted) -> Suggestion {
        Lens::of(self.db, self.origin).suggest(name, wanted)
    }

    /// Every name that can be written without its package here, sorted, with its meaning.
    pub fn visible(self) -> Vec<(String, Meaning<'a>)> {
        Lens::of(self.db, self.origin).visible()
    }

    /// The fact with this name, visible or not: a name means one fact.
    pub(crate) fn fact(self, name: &FactName) -> Option<&'a FactEntry> {
        let here = self.table.found.get(&Wanted::Value).and_then(|names| names.get(name.as_str()));
        match here {
            Some(Ok(Found::Fact(entry))) if entry.name == *name => Some(entry),
            _ => self.origin.names(self.db).shared.facts.get(name).map(|entry| &**entry),
        }
    }
}
