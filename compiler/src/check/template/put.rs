//! Puts values in place of parameters, in a template's tree.

use std::collections::BTreeMap;

use ordain_grammar::ast::{
    Apply, ArgumentValue, ClauseKind, Expr, ExprKind, Name, Policy, Recurrence, Scope, Window,
};

/// What stands for a parameter in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// A literal or `true` or `false`, in expressions.
    Value(ExprKind),
    /// A word, in clauses of one word.
    Word(String),
    /// The name of a time zone.
    Zone(String),
    /// A time of day.
    Time(String),
    /// A date or an instant.
    Moment(String),
    /// The entries of a list, as an argument.
    List(Vec<Expr>),
}

/// The values of parameters by name.
pub(super) type Values = BTreeMap<String, Put>;

/// Puts values into a rule or a limit.
pub(super) fn into_policy(policy: &mut Policy, values: &Values) {
    for clause in &mut policy.clauses {
        match &mut clause.kind {
            ClauseKind::When(expr)
            | ClauseKind::Priority(expr)
            | ClauseKind::Bound(_, expr)
            | ClauseKind::WarnAt(expr) => into_expr(expr, values),
            ClauseKind::Active(window) => into_window(window, values),
            ClauseKind::Type(ty) => {
                into_name(&mut ty.word, values, word);
                ty.zones.iter_mut().for_each(|name| into_name(name, values, zone));
            }
            ClauseKind::Enforce(name)
            | ClauseKind::Per(name)
            | ClauseKind::Status(name)
            | ClauseKind::Source(name) => into_name(name, values, word),
            ClauseKind::Scope(_)
            | ClauseKind::WhenRule(_)
            | ClauseKind::DependsOn(_)
            | ClauseKind::Overrides(..)
            | ClauseKind::Broken => {}
        }
    }
}

/// Puts values into the arguments of an application.
pub(super) fn into_apply(apply: &mut Apply, values: &Values) {
    for argument in &mut apply.arguments {
        match &mut argument.value {
            ArgumentValue::Expr(expr) => {
                let put = match &expr.kind {
                    ExprKind::Name(name) => values.get(name),
                    _ => None,
                };
                let named = |text: &String| Name { text: text.clone(), span: expr.span };
                argument.value = match put {
                    Some(Put::Time(text)) => ArgumentValue::Time(named(text)),
                    Some(Put::Moment(text)) => ArgumentValue::Moment(named(text)),
                    Some(Put::List(entries)) => ArgumentValue::Set(at(entries, expr)),
                    Some(Put::Zone(text) | Put::Word(text)) => {
                        ArgumentValue::Expr(Expr { kind: ExprKind::Name(text.clone()), span: expr.span })
                    }
                    Some(Put::Value(_)) | None => {
                        into_expr(expr, values);
                        continue;
                    }
                };
            }
            ArgumentValue::Set(entries) => entries.iter_mut().for_each(|entry| into_expr(entry, values)),
            ArgumentValue::Scope(_) => {}
            ArgumentValue::Time(name) => into_name(name, values, time),
            ArgumentValue::Moment(name) => into_name(name, values, moment),
        }
    }
}

/// Entries as if they were written where an expression is.
fn at(entries: &[Expr], place: &Expr) -> Vec<Expr> {
    entries.iter().map(|entry| Expr { span: place.span, ..entry.clone() }).collect()
}

fn time(put: &Put) -> Option<&String> {
    match put {
        Put::Time(text) => Some(text),
        _ => None,
    }
}

fn moment(put: &Put) -> Option<&String> {
    match put {
        Put::Moment(text) => Some(text),
        _ => None,
    }
}

fn word(put: &Put) -> Option<&String> {
    match put {
        Put::Word(text) => Some(text),
        _ => None,
    }
}

fn zone(put: &Put) -> Option<&String> {
    match put {
        Put::Zone(text) => Some(text),
        _ => None,
    }
}

fn into_name(name: &mut Name, values: &Values, fitting: impl Fn(&Put) -> Option<&String>) {
    if let Some(text) = values.get(&name.text).and_then(fitting) {
        name.text.clone_from(text);
    }
}

fn into_window(window: &mut Window, values: &Values) {
    for name in &mut window.zones {
        into_name(name, values, zone);
    }
    for name in window.from.iter_mut().chain(&mut window.until) {
        into_name(name, values, moment);
    }
    match &mut window.recurrence {
        Some(
            Recurrence::Daily { times: Some((start, end)), .. } | Recurrence::Weekly([_, start, _, end]),
        ) => {
            into_name(start, values, time);
            into_name(end, values, time);
        }
        Some(Recurrence::Daily { times: None, .. }) | None => {}
    }
}

fn into_expr(expr: &mut Expr, values: &Values) {
    match &mut expr.kind {
        ExprKind::Name(name) => {
            if let Some(Put::Value(value)) = values.get(name) {
                expr.kind = value.clone();
            }
        }
        ExprKind::Missing | ExprKind::Literal(_) | ExprKind::Bool(_) | ExprKind::Has(_) => {}
        ExprKind::Or(parts) | ExprKind::And(parts) | ExprKind::Product(parts) => {
            for part in parts {
                into_expr(part, values);
            }
        }
        ExprKind::Sum(parts) => parts.iter_mut().for_each(|(_, part)| into_expr(part, values)),
        ExprKind::Not(inner) | ExprKind::Negative(inner) | ExprKind::Quantified { test: inner, .. } => {
            into_expr(inner, values);
        }
        ExprKind::Compare { left, right, .. } | ExprKind::Text { left, right, .. } => {
            into_expr(left, values);
            into_expr(right, values);
        }
        ExprKind::In { left, set } => {
            into_expr(left, values);
            for entry in set {
                into_expr(entry, values);
            }
        }
        ExprKind::InNamed { left, .. } => into_expr(left, values),
    }
}

/// The names that a clause of a policy has in places for parameters.
pub(super) fn names_in_clause(kind: &ClauseKind, visit: &mut dyn FnMut(&str)) {
    match kind {
        ClauseKind::When(expr)
        | ClauseKind::Priority(expr)
        | ClauseKind::Bound(_, expr)
        | ClauseKind::WarnAt(expr) => names_in_expr(expr, visit),
        ClauseKind::Scope(scope) => names_in_scope(scope, visit),
        ClauseKind::Active(window) => {
            let times: Vec<&Name> = match &window.recurrence {
                Some(
                    Recurrence::Daily { times: Some((start, end)), .. }
                    | Recurrence::Weekly([_, start, _, end]),
                ) => vec![start, end],
                Some(Recurrence::Daily { times: None, .. }) | None => vec![],
            };
            let all = window.zones.iter().chain(&window.from).chain(&window.until).chain(times);
            all.for_each(|name| visit(&name.text));
        }
        ClauseKind::Type(ty) => {
            [&ty.word].into_iter().chain(&ty.zones).for_each(|name| visit(&name.text));
        }
        ClauseKind::Enforce(name)
        | ClauseKind::Per(name)
        | ClauseKind::Status(name)
        | ClauseKind::Source(name) => visit(&name.text),
        ClauseKind::WhenRule(_)
        | ClauseKind::DependsOn(_)
        | ClauseKind::Overrides(..)
        | ClauseKind::Broken => {}
    }
}

/// The names that the arguments of an application have in places for parameters.
pub(super) fn names_in_apply(apply: &Apply, visit: &mut dyn FnMut(&str)) {
    for argument in &apply.arguments {
        match &argument.value {
            ArgumentValue::Expr(expr) => names_in_expr(expr, visit),
            ArgumentValue::Scope(scope) => names_in_scope(scope, visit),
            ArgumentValue::Set(entries) => entries.iter().for_each(|entry| names_in_expr(entry, visit)),
            ArgumentValue::Time(name) | ArgumentValue::Moment(name) => visit(&name.text),
        }
    }
}

fn names_in_scope(scope: &Scope, visit: &mut dyn FnMut(&str)) {
    for entry in scope.include.iter().chain(&scope.except) {
        if let [segment] = entry.path.as_slice() {
            visit(&segment.text);
        }
    }
}

fn names_in_expr(expr: &Expr, visit: &mut dyn FnMut(&str)) {
    match &expr.kind {
        ExprKind::Name(name) => visit(name),
        ExprKind::Has(name) => visit(&name.text),
        ExprKind::Missing | ExprKind::Literal(_) | ExprKind::Bool(_) => {}
        ExprKind::Or(parts) | ExprKind::And(parts) | ExprKind::Product(parts) => {
            for part in parts {
                names_in_expr(part, visit);
            }
        }
        ExprKind::Sum(parts) => parts.iter().for_each(|(_, part)| names_in_expr(part, visit)),
        ExprKind::Not(inner) | ExprKind::Negative(inner) | ExprKind::Quantified { test: inner, .. } => {
            names_in_expr(inner, visit);
        }
        ExprKind::Compare { left, right, .. } | ExprKind::Text { left, right, .. } => {
            names_in_expr(left, visit);
            names_in_expr(right, visit);
        }
        ExprKind::In { left, set } => {
            names_in_expr(left, visit);
            for entry in set {
                names_in_expr(entry, visit);
            }
        }
        ExprKind::InNamed { left, list } => {
            names_in_expr(left, visit);
            visit(&list.text);
        }
    }
}
