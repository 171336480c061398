//! What a file declares, without spans: equal after every edit that leaves the declarations alone.

use ordain_grammar::ast::{self, ClauseKind, Declares, FactTypeKind, Item};
use ordain_ir::{Fact, MeterUnit, PolicyKind};

use crate::check::fact;
use crate::{Db, SourceFile, parse};

/// The declarations of a file. Broken ones count, so that nobody else is told that their names are unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Outline {
    /// The package; empty for files at the top of a workspace that name none.
    pub package: String,
    /// What the file uses of other packages.
    pub uses: Vec<Use>,
    /// Everything else, in order.
    pub declarations: Vec<Declaration>,
}

/// `use path`, `use path as alias` or `use path.*`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Use {
    /// The path without `.*`.
    pub path: String,
    /// Whether `.*` follows.
    pub all: bool,
    /// The name by which it is known in this file.
    pub alias: Option<String>,
}

/// A name with what it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Declaration {
    /// The name within the package.
    pub name: String,
    /// Whether other packages can't see it.
    pub private: bool,
    /// The rest.
    pub kind: DeclarationKind,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DeclarationKind {
    /// A fact; `None` if its type is not understood.
    Fact(Option<Fact>),
    /// A meter; `None` if its unit is not understood.
    Meter(Option<MeterUnit>),
    /// A `let`.
    Let,
    /// A rule or a limit.
    Policy(Named),
    /// A template.
    Template {
        /// What it makes, in order.
        inner: Vec<Inner>,
        /// Whether an error in it may hide more.
        broken: bool,
    },
    /// Policies of a template, under a name.
    Apply {
        /// The template, as it is named there.
        template: String,
    },
}

/// Which names a policy gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Named {
    /// Rule or limit.
    pub kind: PolicyKind,
    /// Whether a `warn at` adds a second limit, `<name>.warn`.
    pub warns: bool,
}

/// Something inside a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Inner {
    /// Whether other packages than that of the application can't see it.
    pub private: bool,
    /// Its name within the template.
    pub name: String,
    /// What it is.
    pub kind: InnerKind,
}

/// Something inside a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum InnerKind {
    /// A rule or a limit.
    Policy(Named),
    /// Policies of another template.
    Apply {
        /// The template, as it is named there.
        template: String,
    },
}

/// The declarations of a file.
#[salsa::tracked]
pub fn outline(db: &dyn Db, file: SourceFile) -> Outline {
    let path = file.path(db);
    outline_of(path.strip_prefix(file.root(db)).unwrap_or(path), &parse(db, file).file)
}

/// `path` is that from the folder of the file's workspace.
pub(crate) fn outline_of(path: &str, file: &ast::File) -> Outline {
    let mut outline = Outline { package: package_of_path(path), ..Outline::default() };
    let mut named = false;
    for item in &file.items {
        let (name, private, kind) = match item {
            Item::Package(package) => {
                if !std::mem::replace(&mut named, true) {
                    outline.package.clone_from(&package.name.text);
                }
                continue;
            }
            Item::Use(it) => {
                let alias = it.alias.as_ref().map(|alias| alias.text.clone());
                outline.uses.push(Use { path: it.path.text.clone(), all: it.all, alias });
                continue;
            }
            Item::Fact(it) => {
                (&it.name.text, it.private, DeclarationKind::Fact(fact::lower(it, &mut |_| {})))
            }
            Item::Meter(it) => (&it.name.text, it.private, DeclarationKind::Meter(unit_of(it))),
            Item::Let(it) => (&it.name.text, it.private, DeclarationKind::Let),
            Item::Policy(it) => (&it.name.text, it.private, DeclarationKind::Policy(named_by(it))),
            Item::Template(it) => {
                let inner = it.items.iter().filter_map(inner_of).collect();
                (&it.name.text, it.private, DeclarationKind::Template { inner, broken: it.broken })
            }
            Item::Apply(it) => {
                let kind = DeclarationKind::Apply { template: it.template.text.clone() };
                let name = it.name();
                outline.declare(&name.text, false, kind);
                continue;
            }
            Item::Broken(broken) => {
                let Some((kind, name)) = broken.declares.as_ref().and_then(declared_by) else { continue };
                (name, None, kind)
            }
            Item::Require(_) | Item::Allow(_) | Item::Test(_) => continue,
        };
        outline.declare(name, private.is_some(), kind);
    }
    outline
}

impl Outline {
    fn declare(&mut self, name: &str, private: bool, kind: DeclarationKind) {
        if !name.is_empty() {
            self.declarations.push(Declaration { name: name.to_owned(), private, kind });
        }
    }
}

/// What something that could not be read declares all the same.
fn declared_by((declares, name): &(Declares, ast::Name)) -> Option<(DeclarationKind, &String)> {
    let kind = match declares {
        Declares::Package => return None,
        Declares::Fact => DeclarationKind::Fact(None),
        Declares::Meter => DeclarationKind::Meter(None),
        Declares::Let => DeclarationKind::Let,
        Declares::Rule => DeclarationKind::Policy(Named { kind: PolicyKind::Rule, warns: false }),
        Declares::Limit => DeclarationKind::Policy(Named { kind: PolicyKind::Limit, warns: true }),
        Declares::Template => DeclarationKind::Template { inner: vec![], broken: true },
        Declares::Apply => DeclarationKind::Apply { template: String::new() },
    };
    Some((kind, &name.text))
}

/// The names that a policy gives; where an error may hide a `warn at`, it counts as written.
fn named_by(policy: &ast::Policy) -> Named {
    let warns = |clause: &ast::Clause| matches!(clause.kind, ClauseKind::WarnAt(_) | ClauseKind::Broken);
    Named {
        kind: policy.kind,
        warns: policy.kind == PolicyKind::Limit && (policy.broken || policy.clauses.iter().any(warns)),
    }
}

fn inner_of(item: &Item) -> Option<Inner> {
    let (name, private, kind) = match item {
        Item::Policy(it) => (it.name.text.clone(), it.private.is_some(), InnerKind::Policy(named_by(it))),
        Item::Apply(it) => (it.name().text, false, InnerKind::Apply { template: it.template.text.clone() }),
        Item::Broken(it) => {
            let (kind, name) = declared_by(it.declares.as_ref()?)?;
            let kind = match kind {
                DeclarationKind::Policy(named) => InnerKind::Policy(named),
                DeclarationKind::Apply { template } => InnerKind::Apply { template },
                _ => return None,
            };
            (name.clone(), false, kind)
        }
        _ => return None,
    };
    (!name.is_empty()).then_some(Inner { private, name, kind })
}

/// What a meter counts in, as far as it is understood.
fn unit_of(meter: &ast::Meter) -> Option<MeterUnit> {
    match &meter.unit.kind {
        FactTypeKind::Word(word) if word == "count" => Some(MeterUnit::Count),
        FactTypeKind::Word(word) if word == "duration" => Some(MeterUnit::Duration),
        FactTypeKind::Money(currency) => Some(MeterUnit::Money(currency.text.clone())),
        _ => None,
    }
}

/// The folders of a path joined by dots, with what can't stand in a name written as `-`.
fn package_of_path(path: &str) -> String {
    let Some((folders, _)) = path.rsplit_once('/') else { return String::new() };
    let word = |folder: &str| {
        let mut word: String = folder
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '-' })
            .collect();
        if !word.starts_with(|c: char| c.is_ascii_alphabetic()) {
            word.insert(0, 'p');
        }
        word
    };
    folders
        .split('/')
        .filter(|folder| !matches!(*folder, "" | "." | ".."))
        .map(word)
        .collect::<Vec<_>>()
        .join(".")
}
