//! The types of conditions. What passes here evaluates to true or false on every request that fits the
//! declarations: optional facts are read only where `has` has made sure of them, units match, nothing
//! overflows.

use std::collections::BTreeSet;

use ordain_grammar::ast::{Expr, ExprKind, LiteralKind};
use ordain_ir::{Condition, Fact, FactName, ScopeSelector, Span, Type, codes};

use super::linear::Linear;
use super::{Checker, literal};
use crate::resolve::Meaning;

/// Atoms in one condition, with every `let` put in.
const MAX_ATOMS: usize = 4096;
/// Depth of one condition, with every `let` put in.
const MAX_CONDITION_DEPTH: usize = 64;

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
    Word(Fact),
    /// A scope.
    Scope(ScopeSelector),
    /// A list of literals and words, without places.
    List(Vec<Expr>),
}

impl Typed {
    pub(super) fn description(&self) -> String {
        match self {
            Self::Poison => "nothing".to_owned(),
            Self::Truth(_) => "a condition".to_owned(),
            Self::Number(number) => number.unit.description(),
            Self::Text(_) | Self::Literal(_) => "a text".to_owned(),
            Self::Word(fact) => format!("a word of `{}`", fact.name),
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
#[derive(Clone, Debug, Default)]
pub(super) struct Guards {
    present: BTreeSet<FactName>,
    /// Something before was wrong and might have been a guard, so that a missing one is no news.
    unsure: bool,
}

impl Checker<'_> {
    /// Reads the condition of a policy; `None` after an error.
    pub(super) fn condition(&mut self, expr: &Expr) -> Option<Condition> {
        self.prepare_condition(expr);
        self.truth(expr, &Guards::default()).map(|truth| truth.condition)
    }

    /// Reads an expression that must be a condition.
    fn truth(&mut self, expr: &Expr, guards: &Guards) -> Option<Truth> {
        match self.infer(expr, guards) {
            Typed::Truth(truth) => Some(truth),
            Typed::Poison => None,
            other => {
                let message = format!("expected a condition, found {}", other.description());
                let error = self.error(codes::TYPE_MISMATCH, expr.span, message);
                self.report(match &other {
                    Typed::Number(_) | Typed::Text(_) | Typed::Word(_) => {
                        error.help("compare it with something, such as `== …`")
                    }
                    _ => error,
                });
                None
            }
        }
    }

    pub(super) fn infer(&mut self, expr: &Expr, guards: &Guards) -> Typed {
        match &expr.kind {
            ExprKind::Missing => Typed::Poison,
            ExprKind::Or(parts) => self.junction(expr, parts, guards, false),
            ExprKind::And(parts) => self.junction(expr, parts, guards, true),
            ExprKind::Not(inner) => self
                .truth(inner, guards)
                .map_or(Typed::Poison, |truth| self.bounded(expr.span, truth.negated())),
            ExprKind::Compare { left, op, op_span, right } => {
                let found = self.compare(left, *op, *op_span, right, expr.span, guards);
                found.map_or(Typed::Poison, Typed::Truth)
            }
            ExprKind::In { left, set } => self
                .membership(left, set, guards)
                .map_or(Typed::Poison, |truth| self.bounded(expr.span, truth)),
            ExprKind::Text { left, op, op_span, right } => self
                .text_test(left, *op, *op_span, right, guards)
                .map_or(Typed::Poison, |condition| Typed::Truth(Truth::atom(condition))),
            ExprKind::InNamed { .. } | ExprKind::Quantified { .. } => Typed::Poison,
            ExprKind::Has(name) => self.has(&name.text, name.span),
            ExprKind::Sum(parts) => self.sum(expr, parts, guards),
            ExprKind::Product(parts) => self.product(expr, parts, guards),
            ExprKind::Negative(inner) => match self.number(inner, guards) {
                Some(number) => self.exact(expr.span, number.negated()),
                None => Typed::Poison,
            },
            ExprKind::Name(name) => self.name(name, expr.span, guards),
            ExprKind::Literal(LiteralKind::Text(text)) => Typed::Literal(text.clone()),
            ExprKind::Literal(literal) => match literal::number(literal) {
                Ok(number) => Typed::Number(Linear::constant(number)),
                Err(error) => {
                    self.report(error.at(self.path, expr.span));
                    Typed::Poison
                }
            },
            ExprKind::Bool(value) => {
                Typed::Truth(Truth::atom(if *value { Condition::True } else { Condition::False }))
            }
        }
    }

    /// `and` and `or`. What a part says of optional facts holds in the parts behind it.
    fn junction(&mut self, expr: &Expr, parts: &[Expr], guards: &Guards, all: bool) -> Typed {
        let mut guards = guards.clone();
        let mut read: Vec<Truth> = vec![];
        let mut failed = false;
        for part in parts {
            if let Some(truth) = self.truth(part, &guards) {
                guards.present.extend(if all { &truth.if_true } else { &truth.if_false }.iter().cloned());
                read.push(truth);
            } else {
                (failed, guards.unsure) = (true, true);
            }
        }
        if failed {
            return Typed::Poison;
        }
        // Where all hold, everything that any of them says holds; where only some do, what all say.
        let union = |pick: fn(&Truth) -> &BTreeSet<FactName>| {
            read.iter().flat_map(|truth| pick(truth).iter().cloned()).collect::<BTreeSet<_>>()
        };
        let common = |pick: fn(&Truth) -> &BTreeSet<FactName>| {
            let mut sets = read.iter().map(pick);
            let first = sets.next().cloned().unwrap_or_default();
            sets.fold(first, |common, set| common.intersection(set).cloned().collect())
        };
        let (if_true, if_false) = if all {
            (union(|truth| &truth.if_true), common(|truth| &truth.if_false))
        } else {
            (common(|truth| &truth.if_true), union(|truth| &truth.if_false))
        };
        let atoms = read.iter().map(|truth| truth.atoms).fold(0, usize::saturating_add);
        let depth = 1 + read.iter().map(|truth| truth.depth).max().unwrap_or(0);
        if let Some(error) = self.too_large(expr.span, atoms, depth) {
            return error;
        }
        let conditions = read.into_iter().map(|truth| truth.condition);
        let condition = if all { Condition::and(conditions) } else { Condition::or(conditions) };
        Typed::Truth(Truth { condition, if_true, if_false, atoms, depth })
    }

    fn bounded(&mut self, span: Span, truth: Truth) -> Typed {
        self.too_large(span, truth.atoms, truth.depth).unwrap_or(Typed::Truth(truth))
    }

    fn too_large(&mut self, span: Span, atoms: usize, depth: usize) -> Option<Typed> {
        let message = if atoms > MAX_ATOMS {
            format!("the condition has more than {MAX_ATOMS} parts once its `let`s are put in")
        } else if depth > MAX_CONDITION_DEPTH {
            format!("the condition is more than {MAX_CONDITION_DEPTH} deep once its `let`s are put in")
        } else {
            return None;
        };
        let error = self.error(codes::TOO_LARGE, span, message);
        self.report(error.help("write several policies instead"));
        Some(Typed::Poison)
    }

    fn name(&mut self, name: &str, span: Span, guards: &Guards) -> Typed {
        if let Some(value) = self.parameter(name, span) {
            return value;
        }
        match self.view.value(name) {
            Ok(Meaning::Fact(_, entry)) => {
                let Some(fact) = &entry.fact else { return Typed::Poison };
                self.fact_value(fact, span, guards)
            }
            Ok(Meaning::Let(package, name, _)) => self.expand(package, name),
            Ok(Meaning::Policy(..)) => Typed::Poison,
            Err(unresolved) => {
                if let Some(Meaning::Policy(_, kind, _)) = self.view.anything(name) {
                    let message = format!("`{name}` is a {kind}, not a fact");
                    let error = self.error(codes::WRONG_KIND, span, message);
                    self.report(error.help("a limit follows a rule with a clause of its own: `when rule …`"));
                } else {
                    self.unknown_name(name, span, "fact", unresolved);
                }
                Typed::Poison
            }
        }
    }

    fn fact_value(&mut self, fact: &Fact, span: Span, guards: &Guards) -> Typed {
        if fact.optional && !guards.present.contains(&fact.name) {
            if !guards.unsure {
                let name = &fact.name;
                let message = format!("`{name}` is optional and may be absent here");
                let error = self.error(codes::UNGUARDED_OPTIONAL, span, message);
                self.report(error.help(format!("ask first: `has {name} and …`")));
            }
            return Typed::Poison;
        }
        match &fact.ty {
            Type::Bool => Typed::Truth(Truth::atom(Condition::Fact(fact.name.clone()))),
            Type::String => Typed::Text(fact.name.clone()),
            Type::Enum { .. } => Typed::Word(fact.clone()),
            _ => Linear::fact(fact).map_or(Typed::Poison, Typed::Number),
        }
    }

    fn has(&mut self, name: &str, span: Span) -> Typed {
        if name.is_empty() {
            return Typed::Poison;
        }
        if self.is_parameter(name) {
            let error = self.error(codes::WRONG_KIND, span, format!("`{name}` is a parameter, not a fact"));
            self.report(error);
            return Typed::Poison;
        }
        match self.view.value(name) {
            Ok(Meaning::Fact(fact, entry)) => {
                match &entry.fact {
                    Some(declared) if !declared.optional => {
                        let error =
                            self.error(codes::TYPE_MISMATCH, span, format!("`{name}` is always present"));
                        self.report(
                            error.help("`has` is for facts that are declared `optional`; leave it out"),
                        );
                        return Typed::Poison;
                    }
                    Some(_) => {}
                    None => return Typed::Poison,
                }
                let mut truth = Truth::atom(Condition::Has(fact.clone()));
                truth.if_true.insert(fact.clone());
                Typed::Truth(truth)
            }
            Ok(_) => {
                let error = self.error(codes::WRONG_KIND, span, format!("`{name}` is a `let`, not a fact"));
                self.report(error);
                Typed::Poison
            }
            Err(unresolved) => {
                self.unknown_name(name, span, "fact", unresolved);
                Typed::Poison
            }
        }
    }

    /// Reads an expression that must be a number.
    pub(super) fn number(&mut self, expr: &Expr, guards: &Guards) -> Option<Linear> {
        match self.infer(expr, guards) {
            Typed::Number(number) => Some(number),
            Typed::Poison => None,
            other => {
                let message = format!("expected a number, found {}", other.description());
                let error = self.error(codes::TYPE_MISMATCH, expr.span, message);
                self.report(error);
                None
            }
        }
    }

    fn exact(&mut self, span: Span, number: Option<Linear>) -> Typed {
        if let Some(number) = number {
            return Typed::Number(number);
        }
        self.overflow(span);
        Typed::Poison
    }

    pub(super) fn overflow(&mut self, span: Span) {
        let error = self.error(codes::OVERFLOW, span, "the numbers in this are too large");
        self.report(
            error.help("factors and bounds have 64 bits, counted in the finest unit that takes part"),
        );
    }

    fn sum(&mut self, expr: &Expr, parts: &[(bool, Expr)], guards: &Guards) -> Typed {
        let mut total: Option<Linear> = None;
        let mut failed = false;
        for (minus, part) in parts {
            let Some(number) = self.number(part, guards) else {
                failed = true;
                continue;
            };
            let Some(number) = (if *minus { number.negated() } else { Some(number) }) else {
                self.overflow(part.span);
                return Typed::Poison;
            };
            total = match total {
                None => Some(number),
                Some(total) if total.unit != number.unit => {
                    let message = format!(
                        "{} cannot be added to {}",
                        number.unit.description(),
                        total.unit.description()
                    );
                    let error = self.error(codes::UNIT_MISMATCH, part.span, message);
                    self.report(error);
                    return Typed::Poison;
                }
                Some(total) => {
                    let Some(total) = total.plus(number) else {
                        self.overflow(expr.span);
                        return Typed::Poison;
                    };
                    Some(total)
                }
            };
        }
        match total {
            Some(total) if !failed => Typed::Number(total),
            _ => Typed::Poison,
        }
    }

    fn product(&mut self, expr: &Expr, parts: &[Expr], guards: &Guards) -> Typed {
        let mut total: Option<Linear> = None;
        for part in parts {
            let Some(number) = self.number(part, guards) else { return Typed::Poison };
            total = Some(match total {
                None => number,
                Some(total) => {
                    if !total.is_constant() && !number.is_constant() {
                        let error = self.error(codes::NONLINEAR, expr.span, "two facts cannot be multiplied");
                        self.report(
                            error.help("one factor must be a number; declare a fact that holds the product"),
                        );
                        return Typed::Poison;
                    }
                    let plain = literal::Unit::Plain;
                    let (factor, value) = if number.is_constant() && number.unit == plain {
                        (number, total)
                    } else {
                        (total, number)
                    };
                    if !factor.is_constant() || factor.unit != plain {
                        let message = format!("{} is no factor", factor.unit.description());
                        let error = self.error(codes::UNIT_MISMATCH, expr.span, message);
                        self.report(error.help("multiply with a plain number"));
                        return Typed::Poison;
                    }
                    let Some(product) = value.times(&factor) else {
                        self.overflow(expr.span);
                        return Typed::Poison;
                    };
                    product
                }
            });
        }
        total.map_or(Typed::Poison, Typed::Number)
    }
}
