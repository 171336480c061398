//! The stretches that the language reads as one, though they look like several tokens: paths in scopes and
//! names of zones. White space in them would change what they mean.

use ordain_ir::Span;

use crate::ast::{
    Apply, ArgumentValue, ClauseKind, File, Item, LetValue, Scope, ScopeEntry, TestClauseKind, Window,
};

/// All of them in a file, in order.
pub(super) fn atoms(file: &File) -> Vec<Span> {
    let mut atoms = Atoms(vec![]);
    file.items.iter().for_each(|item| atoms.item(item));
    atoms.0.sort_unstable();
    atoms.0
}

struct Atoms(Vec<Span>);

impl Atoms {
    fn item(&mut self, item: &Item) {
        match item {
            Item::Let(item) => {
                if let LetValue::Scope(scope) = &item.value {
                    self.scope(scope);
                }
            }
            Item::Policy(policy) => policy.clauses.iter().for_each(|clause| self.clause(&clause.kind)),
            Item::Template(template) => {
                template
                    .parameters
                    .iter()
                    .filter_map(|it| it.default.as_ref())
                    .for_each(|it| self.argument(it));
                template.items.iter().for_each(|item| self.item(item));
            }
            Item::Apply(apply) => self.apply(apply),
            Item::Require(require) => require.scope.iter().for_each(|scope| self.scope(scope)),
            Item::Allow(allow) => self.0.extend(allow.until.iter().map(|instant| instant.span)),
            Item::Test(test) => test.clauses.iter().for_each(|clause| self.test_clause(&clause.kind)),
            Item::Package(_) | Item::Use(_) | Item::Fact(_) | Item::Meter(_) | Item::Broken(_) => {}
        }
    }

    fn clause(&mut self, clause: &ClauseKind) {
        match clause {
            ClauseKind::Scope(scope) => self.scope(scope),
            ClauseKind::Active(window) => self.window(window),
            ClauseKind::Type(it) => self.0.extend(it.zones.iter().map(|zone| zone.span)),
            _ => {}
        }
    }

    fn test_clause(&mut self, clause: &TestClauseKind) {
        match clause {
            TestClauseKind::Apply(apply) => self.apply(apply),
            TestClauseKind::Given(given) => {
                given.agent.iter().chain(&given.provider).for_each(|entry| self.entry(entry));
                self.0.extend(given.at.iter().map(|instant| instant.span));
            }
            _ => {}
        }
    }

    fn apply(&mut self, apply: &Apply) {
        apply.arguments.iter().for_each(|argument| self.argument(&argument.value));
    }

    fn argument(&mut self, value: &ArgumentValue) {
        match value {
            ArgumentValue::Scope(scope) => self.scope(scope),
            // One token each, whatever the lexer makes of their signs.
            ArgumentValue::Time(name) | ArgumentValue::Moment(name) => self.0.push(name.span),
            ArgumentValue::Expr(_) | ArgumentValue::Set(_) => {}
        }
    }

    fn scope(&mut self, scope: &Scope) {
        scope.include.iter().chain(&scope.except).for_each(|entry| self.entry(entry));
    }

    fn entry(&mut self, entry: &ScopeEntry) {
        let path = entry.path.iter().map(|segment| segment.span).reduce(Span::cover);
        self.0.extend(path);
    }

    fn window(&mut self, window: &Window) {
        self.0.extend(window.zones.iter().chain(&window.from).chain(&window.until).map(|name| name.span));
    }
}
