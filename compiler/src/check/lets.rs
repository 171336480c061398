//! `let` declarations: what they stand for, and cycles among them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ordain_grammar::ast::{Expr, ExprKind, Let, LetValue, Scope};
use ordain_ir::codes;

use super::Checker;
use super::condition::{Guards, Typed};
use super::declare::declaration;
use crate::packages::Origin;
use crate::resolve::Meaning;
use crate::view::View;

/// A `let`: package, name, and where it stands.
type LetKey<'a> = (&'a str, &'a str, Origin);

impl<'a> Checker<'a> {
    /// Reads a `let` for its errors.
    pub(super) fn check_let(&mut self, it: &Let, repeated: bool) {
        self.prepare(&it.value);
        self.let_value(&it.value);
        let package = self.view.package();
        let own = (package, it.name.text.as_str());
        if repeated || !self.cyclic.contains(&own) {
            return;
        }
        if let Some(cycle) = self.cycle_through(package, &it.name.text) {
            // Each member finds the same cycle; the one whose name sorts first tells.
            if cycle.iter().map(|(package, name, _)| (*package, *name)).min() != Some(own) {
                return;
            }
            let mut path: Vec<String> = cycle.iter().map(|(_, name, _)| format!("`{name}`")).collect();
            path.extend(path.first().cloned());
            let message = match cycle.as_slice() {
                [(_, name, _)] => format!("`{name}` refers to itself"),
                _ => format!("`let` declarations refer to each other in a cycle: {}", path.join(" -> ")),
            };
            let mut error = self.error(codes::DECLARATION_CYCLE, it.name.span, message);
            for (_, name, origin) in cycle.iter().skip(1) {
                if let Some(span) = declaration(self.db, *origin, name) {
                    error = error.and_at(origin.path(self.db), span, "part of the cycle");
                }
            }
            self.report(error.help("take one of these references out"));
        }
    }

    fn let_value(&mut self, value: &LetValue) -> Typed {
        match value {
            LetValue::Condition(expr) => self.infer(expr, &mut Guards::before(expr)),
            LetValue::Scope(scope) => self.scope(scope).map_or(Typed::Poison, Typed::Scope),
            LetValue::Set(entries) => self.list(entries),
        }
    }

    /// What a `let` stands for. It must have been prepared; within a cycle it stands for nothing.
    pub(super) fn expand(&self, package: &str, name: &str) -> Typed {
        self.lets.get(&(package, name)).cloned().unwrap_or(Typed::Poison)
    }

    pub(super) fn prepare_condition(&mut self, expr: &Expr) {
        let mut found = vec![];
        expression(self.view, expr, &mut found);
        self.prepare_all(found);
    }

    pub(super) fn prepare_scope(&mut self, scope: &Scope) {
        let mut found = vec![];
        entries(self.view, scope, &mut found);
        self.prepare_all(found);
    }

    fn prepare(&mut self, value: &LetValue) {
        match value {
            LetValue::Condition(expr) => self.prepare_condition(expr),
            LetValue::Scope(scope) => self.prepare_scope(scope),
            LetValue::Set(_) => {}
        }
    }

    /// Reads these and everything that they refer to, the innermost first, so that no chain of `let`s, be it
    /// ever so long, nests calls.
    fn prepare_all(&mut self, wanted: Vec<LetKey<'a>>) {
        let mut open: Vec<(LetKey<'a>, bool)> = wanted.into_iter().map(|key| (key, false)).collect();
        let mut entered = BTreeSet::new();
        while let Some((key, ready)) = open.pop() {
            let (package, name, origin) = key;
            if self.lets.contains_key(&(package, name)) {
                continue;
            }
            let unit = origin.let_unit(self.db, name);
            let Some(body) = &unit.value else {
                self.lets.insert((package, name), Typed::Poison);
                continue;
            };
            if ready {
                let (view, muted) = (self.view, self.muted);
                let bindings = std::mem::take(&mut self.bindings);
                self.view = View::new(self.db, origin, &unit.table);
                self.facts.extend(unit.table.facts());
                self.muted = true;
                let value = self.let_value(body);
                (self.view, self.muted, self.bindings) = (view, muted, bindings);
                // Of what it refers to only that is not read yet which waits for it in turn.
                let leads_round =
                    |key: &(&'a str, &'a str)| !self.lets.contains_key(key) || self.cyclic.contains(key);
                if self.references(key).iter().any(|(package, name, _)| leads_round(&(*package, *name))) {
                    self.cyclic.insert((package, name));
                }
                self.lets.insert((package, name), value);
            } else if entered.insert((package, name)) {
                open.push((key, true));
                open.extend(self.references(key).into_iter().map(|key| (key, false)));
            }
        }
    }

    /// The `let`s that one refers to.
    fn references(&self, (_, name, origin): LetKey<'a>) -> Vec<LetKey<'a>> {
        let unit = origin.let_unit(self.db, name);
        let view = View::new(self.db, origin, &unit.table);
        let mut found = vec![];
        match &unit.value {
            Some(LetValue::Condition(expr)) => expression(view, expr, &mut found),
            Some(LetValue::Scope(scope)) => entries(view, scope, &mut found),
            Some(LetValue::Set(_)) | None => {}
        }
        found
    }

    /// The shortest cycle of references from a `let` of this file back to itself.
    fn cycle_through(&self, package: &'a str, name: &'a str) -> Option<Vec<LetKey<'a>>> {
        let start: LetKey<'a> = (package, name, self.view.origin());
        let mut before: BTreeMap<(&str, &str), LetKey<'a>> = BTreeMap::new();
        let mut open = VecDeque::from([start]);
        while let Some(key) = open.pop_front() {
            for next in self.references(key) {
                if (next.0, next.1) == (start.0, start.1) {
                    let mut path = vec![key];
                    let mut at = key;
                    while (at.0, at.1) != (start.0, start.1) {
                        at = *before.get(&(at.0, at.1))?;
                        path.push(at);
                    }
                    path.reverse();
                    return Some(path);
                }
                before.entry((next.0, next.1)).or_insert_with(|| {
                    open.push_back(next);
                    key
                });
            }
        }
        None
    }
}

fn name<'a>(view: View<'a>, name: &str, found: &mut Vec<LetKey<'a>>) {
    if let Ok(Meaning::Let(package, name, member)) = view.value(name) {
        found.push((package, name, member.origin));
    }
}

fn entries<'a>(view: View<'a>, scope: &Scope, found: &mut Vec<LetKey<'a>>) {
    for entry in scope.include.iter().chain(&scope.except) {
        if let (None, [segment]) = (entry.level, entry.path.as_slice()) {
            name(view, &segment.text, found);
        }
    }
}

fn expression<'a>(view: View<'a>, expr: &Expr, found: &mut Vec<LetKey<'a>>) {
    match &expr.kind {
        ExprKind::Missing | ExprKind::Literal(_) | ExprKind::Bool(_) | ExprKind::Has(_) => {}
        ExprKind::Name(text) => name(view, text, found),
        ExprKind::Or(parts) | ExprKind::And(parts) | ExprKind::Product(parts) => {
            for part in parts {
                expression(view, part, found);
            }
        }
        ExprKind::Sum(parts) => parts.iter().for_each(|(_, part)| expression(view, part, found)),
        ExprKind::Not(inner) | ExprKind::Negative(inner) => expression(view, inner, found),
        ExprKind::Compare { left, right, .. } | ExprKind::Text { left, right, .. } => {
            expression(view, left, found);
            expression(view, right, found);
        }
        ExprKind::In { left, .. } => expression(view, left, found),
        ExprKind::InNamed { left, list } => {
            expression(view, left, found);
            name(view, &list.text, found);
        }
        ExprKind::Quantified { test, .. } => expression(view, test, found),
    }
}
