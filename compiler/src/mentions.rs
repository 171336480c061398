//! The names that items mention, and what is wanted of each by its place.

use std::collections::BTreeSet;

use ordain_grammar::ast::{
    Apply, ArgumentValue, AssignedValue, ClauseKind, Expr, ExprKind, File, Item, Let, LetValue, Name, Policy,
    Scope, Template, Test, TestClauseKind,
};
use ordain_ir::Span;

use crate::{Db, SourceFile, parse};

/// What a name must stand for, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wanted {
    /// A fact or a `let`.
    Value,
    /// A rule or a limit.
    Policy,
    /// A template.
    Template,
    /// A meter.
    Meter,
    /// Whatever; asked of names that nothing else may have.
    Anything,
}

/// Names with what is wanted of them, each once.
pub(crate) type Mentions = BTreeSet<(Wanted, String)>;

/// What a visitor is told: the name, where it stands, and what it must stand for.
type Visit<'v, 'a> = &'v mut dyn FnMut(&'a str, Span, Wanted);

/// The names that a file mentions.
#[salsa::tracked]
pub(crate) fn mentions(db: &dyn Db, file: SourceFile) -> Mentions {
    mentions_of(&parse(db, file).file)
}

pub(crate) fn mentions_of(file: &File) -> Mentions {
    collect(|visit| file.items.iter().for_each(|item| each_mention(item, visit)))
}

pub(crate) fn mentions_of_let(value: &LetValue) -> Mentions {
    collect(|visit| in_let(value, visit))
}

pub(crate) fn mentions_of_template(template: &Template) -> Mentions {
    collect(|visit| in_template(template, visit))
}

fn collect<'a>(walk: impl FnOnce(Visit<'_, 'a>)) -> Mentions {
    let mut found: BTreeSet<(Wanted, &str)> = BTreeSet::new();
    walk(&mut |text, _, wanted| {
        found.insert((wanted, text));
    });
    found.into_iter().filter(|(_, text)| !text.is_empty()).map(|(it, text)| (it, text.to_owned())).collect()
}

/// Visits every name that an item mentions, apart from those that it declares. Parameters of templates are among
/// them, and words of enumerations, which read like names.
pub fn each_mention<'a>(item: &'a Item, visit: &mut dyn FnMut(&'a str, Span, Wanted)) {
    match item {
        Item::Package(_) | Item::Use(_) | Item::Broken(_) => {}
        // Whoever declares a fact or a meter shares it with others of its name.
        Item::Fact(it) => visit(&it.name.text, it.name.span, Wanted::Value),
        Item::Meter(it) => visit(&it.name.text, it.name.span, Wanted::Meter),
        Item::Let(Let { value, .. }) => in_let(value, visit),
        Item::Policy(it) => in_policy(it, visit),
        Item::Template(it) => in_template(it, visit),
        Item::Apply(it) => in_apply(it, visit),
        Item::Require(it) => {
            it.condition.iter().for_each(|condition| in_expr(condition, visit));
            it.scope.iter().for_each(|scope| in_scope(scope, visit));
        }
        Item::Allow(it) => names(&it.policies, Wanted::Policy, visit),
        Item::Test(it) => in_test(it, visit),
    }
}

fn names<'a>(names: &'a [Name], wanted: Wanted, visit: Visit<'_, 'a>) {
    for name in names {
        visit(&name.text, name.span, wanted);
    }
}

fn in_let<'a>(value: &'a LetValue, visit: Visit<'_, 'a>) {
    match value {
        LetValue::Condition(expr) => in_expr(expr, visit),
        LetValue::Scope(scope) => in_scope(scope, visit),
        LetValue::Set(entries) => entries.iter().for_each(|entry| in_expr(entry, visit)),
    }
}

fn in_policy<'a>(policy: &'a Policy, visit: Visit<'_, 'a>) {
    for clause in &policy.clauses {
        match &clause.kind {
            ClauseKind::Scope(scope) => in_scope(scope, visit),
            ClauseKind::When(expr)
            | ClauseKind::Priority(expr)
            | ClauseKind::Bound(_, expr)
            | ClauseKind::WarnAt(expr) => in_expr(expr, visit),
            ClauseKind::WhenRule(name) => visit(&name.text, name.span, Wanted::Policy),
            ClauseKind::DependsOn(list) | ClauseKind::Overrides(list, _) => {
                names(list, Wanted::Policy, visit);
            }
            ClauseKind::Type(_)
            | ClauseKind::Enforce(_)
            | ClauseKind::Active(_)
            | ClauseKind::Per(_)
            | ClauseKind::Status(_)
            | ClauseKind::Source(_)
            | ClauseKind::Broken => {}
        }
    }
}

fn in_template<'a>(template: &'a Template, visit: Visit<'_, 'a>) {
    for default in template.parameters.iter().filter_map(|parameter| parameter.default.as_ref()) {
        in_argument(default, visit);
    }
    template.items.iter().for_each(|item| each_mention(item, visit));
}

fn in_apply<'a>(apply: &'a Apply, visit: Visit<'_, 'a>) {
    visit(&apply.template.text, apply.template.span, Wanted::Template);
    apply.arguments.iter().for_each(|argument| in_argument(&argument.value, visit));
}

fn in_argument<'a>(value: &'a ArgumentValue, visit: Visit<'_, 'a>) {
    match value {
        ArgumentValue::Expr(expr) => in_expr(expr, visit),
        ArgumentValue::Scope(scope) => in_scope(scope, visit),
        ArgumentValue::Set(entries) => entries.iter().for_each(|entry| in_expr(entry, visit)),
        ArgumentValue::Time(_) | ArgumentValue::Moment(_) => {}
    }
}

fn in_test<'a>(test: &'a Test, visit: Visit<'_, 'a>) {
    for clause in &test.clauses {
        match &clause.kind {
            TestClauseKind::Apply(apply) => {
                if let Some(name) = &apply.alias {
                    visit(&name.text, name.span, Wanted::Anything);
                }
                in_apply(apply, visit);
            }
            TestClauseKind::Given(given) => {
                for fact in &given.facts {
                    visit(&fact.name.text, fact.name.span, Wanted::Value);
                    in_assigned(&fact.value, visit);
                }
            }
            TestClauseKind::Uses(list) => {
                for used in list {
                    visit(&used.name.text, used.name.span, Wanted::Meter);
                    in_assigned(&used.value, visit);
                }
            }
            TestClauseKind::Used(list) => {
                for used in list {
                    visit(&used.name.text, used.name.span, Wanted::Policy);
                    in_assigned(&used.value, visit);
                }
            }
            TestClauseKind::Expect(expect) => {
                names(&expect.by, Wanted::Policy, visit);
                names(&expect.not_by, Wanted::Policy, visit);
            }
            TestClauseKind::Broken => {}
        }
    }
}

fn in_assigned<'a>(value: &'a AssignedValue, visit: Visit<'_, 'a>) {
    match value {
        AssignedValue::Expr(expr) => in_expr(expr, visit),
        AssignedValue::Set(_, entries) => entries.iter().for_each(|entry| in_expr(entry, visit)),
    }
}

fn in_scope<'a>(scope: &'a Scope, visit: Visit<'_, 'a>) {
    for entry in scope.include.iter().chain(&scope.except) {
        if let (None, [segment]) = (entry.level, entry.path.as_slice())
            && !segment.quoted
        {
            visit(&segment.text, segment.span, Wanted::Value);
        }
    }
}

fn in_expr<'a>(expr: &'a Expr, visit: Visit<'_, 'a>) {
    match &expr.kind {
        ExprKind::Missing | ExprKind::Literal(_) | ExprKind::Bool(_) => {}
        ExprKind::Name(text) => visit(text, expr.span, Wanted::Value),
        ExprKind::Has(name) => visit(&name.text, name.span, Wanted::Value),
        ExprKind::Or(parts) | ExprKind::And(parts) | ExprKind::Product(parts) => {
            for part in parts {
                in_expr(part, visit);
            }
        }
        ExprKind::Sum(parts) => parts.iter().for_each(|(_, part)| in_expr(part, visit)),
        ExprKind::Not(inner) | ExprKind::Negative(inner) | ExprKind::Quantified { test: inner, .. } => {
            in_expr(inner, visit);
        }
        ExprKind::Compare { left, right, .. } | ExprKind::Text { left, right, .. } => {
            in_expr(left, visit);
            in_expr(right, visit);
        }
        ExprKind::In { left, set } => {
            in_expr(left, visit);
            for entry in set {
                in_expr(entry, visit);
            }
        }
        ExprKind::InNamed { left, list } => {
            in_expr(left, visit);
            visit(&list.text, list.span, Wanted::Value);
        }
    }
}
