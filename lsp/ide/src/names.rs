//! The name under the cursor, and what it stands for.

use ordain_compiler::{Meaning, Origin, View};
use ordain_grammar::ast::{ClauseKind, Expr, ExprKind, File, Item, LetValue, Name, Scope};
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
    pub(crate) kind: Kind,
}

/// What a name may stand for, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A rule or a limit.
    Policy,
    /// A fact or a `let`.
    Value,
    /// Any of these.
    Any,
}

/// The name at an offset; right behind it counts too, as a cursor does.
pub(crate) fn occurrence(file: &File, offset: u32) -> Option<Occurrence<'_>> {
    let mut found = None;
    each_name(file, &mut |text, span, kind| {
        if span.start <= offset && offset <= span.end && !text.is_empty() {
            found = Some(Occurrence { text, span, kind });
        }
    });
    found
}

/// Visits every name in a file.
fn each_name<'a>(file: &'a File, visit: &mut impl FnMut(&'a str, Span, Kind)) {
    for item in &file.items {
        match item {
            Item::Use(item) => visit(&item.path.text, item.path.span, Kind::Any),
            Item::Fact(fact) => visit(&fact.name.text, fact.name.span, Kind::Value),
            Item::Let(item) => {
                visit(&item.name.text, item.name.span, Kind::Value);
                match &item.value {
                    LetValue::Condition(expr) => each_in_expr(expr, visit),
                    LetValue::Scope(scope) => each_in_scope(scope, visit),
                    LetValue::Set(entries) => entries.iter().for_each(|entry| each_in_expr(entry, visit)),
                }
            }
            Item::Policy(policy) => {
                visit(&policy.name.text, policy.name.span, Kind::Policy);
                for clause in &policy.clauses {
                    match &clause.kind {
                        ClauseKind::Scope(scope) => each_in_scope(scope, visit),
                        ClauseKind::When(expr) => each_in_expr(expr, visit),
                        ClauseKind::WhenRule(name) => visit(&name.text, name.span, Kind::Policy),
                        ClauseKind::DependsOn(names) | ClauseKind::Overrides(names, _) => {
                            for Name { text, span } in names {
                                visit(text, *span, Kind::Policy);
                            }
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

fn each_in_scope<'a>(scope: &'a Scope, visit: &mut impl FnMut(&'a str, Span, Kind)) {
    for entry in scope.include.iter().chain(&scope.except) {
        if let (None, [segment]) = (entry.level, entry.path.as_slice()) {
            visit(&segment.text, segment.span, Kind::Value);
        }
    }
}

fn each_in_expr<'a>(expr: &'a Expr, visit: &mut impl FnMut(&'a str, Span, Kind)) {
    match &expr.kind {
        ExprKind::Name(text) => visit(text, expr.span, Kind::Value),
        ExprKind::Has(name) => visit(&name.text, name.span, Kind::Value),
        ExprKind::Or(parts) | ExprKind::And(parts) | ExprKind::Product(parts) => {
            for part in parts {
                each_in_expr(part, visit);
            }
        }
        ExprKind::Sum(parts) => {
            for (_, part) in parts {
                each_in_expr(part, visit);
            }
        }
        ExprKind::Not(inner) | ExprKind::Negative(inner) => each_in_expr(inner, visit),
        ExprKind::Compare { left, right, .. } | ExprKind::Text { left, right, .. } => {
            each_in_expr(left, visit);
            each_in_expr(right, visit);
        }
        ExprKind::In { left, set } => {
            each_in_expr(left, visit);
            for entry in set {
                each_in_expr(entry, visit);
            }
        }
        ExprKind::InNamed { left, list } => {
            each_in_expr(left, visit);
            visit(&list.text, list.span, Kind::Value);
        }
        ExprKind::Quantified { test, .. } => each_in_expr(test, visit),
        ExprKind::Missing | ExprKind::Literal(_) | ExprKind::Bool(_) => {}
    }
}

impl Snapshot {
    /// What a name in a file stands for.
    pub(crate) fn meaning(&self, file: &str, name: Occurrence<'_>) -> Option<Meaning<'_>> {
        let file = self.input.file(&self.db, file)?;
        let outline = ordain_compiler::outline(&self.db, file);
        let view = View { names: ordain_compiler::names(&self.db, self.input), outline };
        match name.kind {
            Kind::Policy => view.policy(name.text).ok(),
            Kind::Value => view.value(name.text).ok(),
            Kind::Any => view.anything(name.text),
        }
    }

    /// Where the name at an offset is declared; `None` for what the standard library declares, since that is
    /// in no file.
    pub fn definition(&self, file: &str, offset: u32) -> Option<Target> {
        let meaning = self.meaning(file, occurrence(self.tree(file)?, offset)?)?;
        let (origin, item) = self.declaration(&meaning)?;
        let Origin::File(file) = origin else { return None };
        Some(Target { file: file.path(&self.db).to_owned(), span: declared(item)?.span })
    }

    /// The item that gives a name its meaning.
    pub(crate) fn declaration(&self, meaning: &Meaning<'_>) -> Option<(Origin, &Item)> {
        let (origin, name) = match meaning {
            Meaning::Fact(name, entry) => (entry.origin, name.as_str()),
            Meaning::Let(_, name, member) => (member.origin, *name),
            Meaning::Policy(name, _, member) => (member.origin, name.local()),
        };
        let fits = |item: &&Item| {
            let kind = match item {
                Item::Fact(_) => matches!(meaning, Meaning::Fact(..)),
                Item::Let(_) => matches!(meaning, Meaning::Let(..)),
                Item::Policy(_) => matches!(meaning, Meaning::Policy(..)),
                _ => false,
            };
            kind && declared(item).is_some_and(|declared| declared.text == name)
        };
        let item = origin.parse(&self.db).file.items.iter().find(fits)?;
        Some((origin, item))
    }
}

/// The name that an item declares.
fn declared(item: &Item) -> Option<&Name> {
    match item {
        Item::Fact(fact) => Some(&fact.name),
        Item::Let(item) => Some(&item.name),
        Item::Policy(policy) => Some(&policy.name),
        _ => None,
    }
}
