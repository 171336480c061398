//! What expressions, `let`s and parameters stand for.

use std::collections::BTreeSet;

use ordain_grammar::ast::Expr;
use ordain_ir::{Condition, FactName, ScopeSelector};

use super::linear::Linear;

/// What an expression is.
#[derive(Clone, Debug)]
pub(super) enum Typed {
    /// Something wrong that has been reported.
    Poison,
    /// A condition.
    Truth(Truth),
    /// A number.
    Number(Linear),
    /// A fact of type `string`.
    Text(FactName),
    /// A text literal.
    Literal(String),
    /// A fact of an `enum` type.
    Word(FactName),
    /// A fact of a `set` type.
    Set(FactName),
    /// A scope.
    Scope(ScopeSelector),
    /// A list of literals and words, without places.
    List(Vec<Expr>),
}

impl Typed {
    /// What it is, with an article.
    pub(super) fn description(&self) -> String {
        match self {
            Self::Poison => "nothing".to_owned(),
            Self::Truth(_) => "a condition".to_owned(),
            Self::Number(number) => number.unit.description(),
            Self::Text(_) | Self::Literal(_) => "a text".to_owned(),
            Self::Word(fact) => format!("a word of `{fact}`"),
            Self::Set(_) => "a set".to_owned(),
            Self::Scope(_) => "a scope".to_owned(),
            Self::List(_) => "a list".to_owned(),
        }
    }
}

/// A condition, with the optional facts that are present wherever it is true, and wherever it is false.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    pub(super) condition: Condition,
    pub(super) if_true: BTreeSet<FactName>,
    pub(super) if_false: BTreeSet<FactName>,
    pub(super) atoms: usize,
    pub(super) depth: usize,
}

impl Truth {
    pub(super) fn atom(condition: Condition) -> Self {
        Self { condition, if_true: BTreeSet::new(), if_false: BTreeSet::new(), atoms: 1, depth: 1 }
    }

    /// One test of several alternatives.
    pub(super) fn alternatives(conditions: Vec<Condition>) -> Self {
        let atoms = conditions.len();
        Self { atoms, depth: 2, ..Self::atom(Condition::or(conditions)) }
    }

    pub(super) fn negated(self) -> Self {
        Self {
            condition: self.condition.negate(),
            if_true: self.if_false,
            if_false: self.if_true,
            atoms: self.atoms,
            depth: self.depth + 1,
        }
    }
}

/// The optional facts that are known to be present at some place in a condition.
#[derive(Debug, Default)]
pub(super) struct Guards {
    present: BTreeSet<FactName>,
    /// The same in the order in which they were found, so that leaving a junction costs what it added.
    trail: Vec<FactName>,
    /// Something before was wrong and might have been a guard, so that a missing one is no news.
    pub(super) unsure: bool,
    /// Where the operand of `and` and `or` that is being read begins: `has x and` may be put in front of it.
    pub(super) operand: u32,
}

impl Guards {
    /// None, at the start of an expression.
    pub(super) fn before(expr: &Expr) -> Self {
        Self { operand: expr.span.start, ..Self::default() }
    }

    pub(super) fn has(&self, fact: &FactName) -> bool {
        self.present.contains(fact)
    }

    pub(super) fn add(&mut self, facts: &BTreeSet<FactName>) {
        for fact in facts {
            if self.present.insert(fact.clone()) {
                self.trail.push(fact.clone());
            }
        }
    }

    /// What [`leave`](Self::leave) goes back to.
    pub(super) fn enter(&self) -> (usize, bool, u32) {
        (self.trail.len(), self.unsure, self.operand)
    }

    pub(super) fn leave(&mut self, (length, unsure, operand): (usize, bool, u32)) {
        for fact in self.trail.drain(length..) {
            self.present.remove(&fact);
        }
        (self.unsure, self.operand) = (unsure, operand);
    }
}
