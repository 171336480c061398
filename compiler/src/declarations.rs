//! What a file declares, without spans: equal after every edit that leaves the declarations alone.

use std::collections::BTreeMap;

use ordain_grammar::ast::{self, Declares, Item, LetValue};
use ordain_ir::{Fact, PolicyKind};

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

/// `use path` or `use path.*`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Use {
    /// The path without `.*`.
    pub path: String,
    /// Whether `.*` follows.
    pub all: bool,
}

/// A name with what it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Declaration {
    /// The name within the package.
    pub name: String,
    /// The rest.
    pub kind: DeclarationKind,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DeclarationKind {
    /// A fact; `None` if its type is not understood.
    Fact(Option<Fact>),
    /// A `let`; its body is in [`let_bodies`].
    Let,
    /// A rule or a limit.
    Policy(PolicyKind),
}

/// The body of a `let`, without spans; `None` if an error in it has been reported.
pub type LetBody = Option<LetValue>;

/// The declarations of a file.
#[salsa::tracked]
pub fn outline(db: &dyn Db, file: SourceFile) -> Outline {
    outline_of(file.path(db), &parse(db, file).file)
}

/// The bodies of a file's `let` declarations by name; of two with one name the first.
#[salsa::tracked]
pub fn let_bodies(db: &dyn Db, file: SourceFile) -> BTreeMap<String, LetBody> {
    let_bodies_of(&parse(db, file).file)
}

pub(crate) fn outline_of(path: &str, file: &ast::File) -> Outline {
    let mut outline = Outline { package: package_of_path(path), ..Outline::default() };
    let mut named = false;
    for item in &file.items {
        let declaration = match item {
            Item::Package(package) => {
                if !std::mem::replace(&mut named, true) {
                    outline.package.clone_from(&package.name.text);
                }
                None
            }
            Item::Use(it) => {
                outline.uses.push(Use { path: it.path.text.clone(), all: it.all });
                None
            }
            Item::Fact(it) => Some((&it.name, DeclarationKind::Fact(fact::lower(it, &mut |_| {})))),
            Item::Let(it) => Some((&it.name, DeclarationKind::Let)),
            Item::Policy(it) => Some((&it.name, DeclarationKind::Policy(it.kind))),
            Item::Broken(broken) => broken.declares.as_ref().and_then(|(declares, name)| {
                let kind = match declares {
                    Declares::Package => return None,
                    Declares::Fact => DeclarationKind::Fact(None),
                    Declares::Let => DeclarationKind::Let,
                    Declares::Rule => DeclarationKind::Policy(PolicyKind::Rule),
                    Declares::Limit => DeclarationKind::Policy(PolicyKind::Limit),
                    Declares::Meter | Declares::Template | Declares::Apply => return None,
                };
                Some((name, kind))
            }),
            Item::Meter(_)
            | Item::Template(_)
            | Item::Apply(_)
            | Item::Require(_)
            | Item::Allow(_)
            | Item::Test(_) => None,
        };
        if let Some((name, kind)) = declaration.filter(|(name, _)| !name.text.is_empty()) {
            outline.declarations.push(Declaration { name: name.text.clone(), kind });
        }
    }
    outline
}

pub(crate) fn let_bodies_of(file: &ast::File) -> BTreeMap<String, LetBody> {
    let mut bodies = BTreeMap::new();
    for item in &file.items {
        if let Item::Let(it) = item {
            let value = match it.value.clone() {
                LetValue::Condition(expr) => LetValue::Condition(expr.without_spans()),
                LetValue::Scope(scope) => LetValue::Scope(scope.without_spans()),
                LetValue::Set(entries) => {
                    LetValue::Set(entries.into_iter().map(ast::Expr::without_spans).collect())
                }
            };
            bodies.entry(it.name.text.clone()).or_insert((!it.broken).then_some(value));
        }
    }
    bodies
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
