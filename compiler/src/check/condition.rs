//! The types of conditions. What passes here evaluates to true or false on every request that fits the
//! declarations: optional facts are read only where `has` has made sure of them, units match, nothing
//! overflows.

use std::collections::BTreeSet;

use ordain_grammar::ast::{Expr, ExprKind, LiteralKind};
use ordain_ir::diagnostic::Fix;
use ordain_ir::{Condition, Fact, FactName, Span, Type, codes};

use super::linear::Linear;
pub(super) use super::value::{Guards, Truth, Typed};
use super::{Checker, literal};
use crate::resolve::Meaning;

/// Atoms in one condition, with every `let` put in.
const MAX_ATOMS: usize = 4096;
/// Depth of one condition, with every `let` put in.
const MAX_CONDITION_DEPTH: usize = 64;

impl Checker<'_> {
    /// Reads the condition of a policy; `None` after an error.
    pub(super) fn condition(&mut self, expr: &Expr) -> Option<Condition> {
        self.prepare_condition(expr);
        self.truth(expr, &mut Guards::before(expr)).map(|truth| truth.condition)
    }

    /// Like [`condition`](Self::condition), with its tests: what stands between `and`, `or` and `not`, as
    /// written, each with its place.
    pub(super) fn condition_with_tests(
        &mut self,
        expr: &Expr,
    ) -> Option<(Condition, Vec<(Span, Condition)>)> {
        self.prepare_condition(expr);
        self.tests = Some(vec![]);
        let condition = self.condition(expr);
        let tests = self.tests.take().unwrap_or_default();
        Some((condition?, tests))
    }

    /// Reads an expression that must be a condition.
    pub(super) fn truth(&mut self, expr: &Expr, guards: &mut Guards) -> Option<Truth> {
        let joins = matches!(expr.kind, ExprKind::Or(_) | ExprKind::And(_) | ExprKind::Not(_));
        // What a test is made of is part of it.
        let mut recorded = if joins { None } else { self.tests.take() };
        let found = self.infer(expr, guards);
        let truth = match found {
            Typed::Truth(truth) => Some(truth),
            Typed::Poison => None,
            other => {
                self.no_condition(expr.span, &other);
                None
            }
        };
        if let (Some(tests), Some(truth)) = (&mut recorded, &truth) {
            tests.push((expr.span, truth.condition.clone()));
        }
        if !joins {
            self.tests = recorded;
        }
        truth
    }

    fn no_condition(&mut self, span: Span, found: &Typed) {
        let message = format!("expected a condition, found {}", found.description());
        let error = self.error(codes::TYPE_MISMATCH, span, message);
        self.report(match found {
            Typed::Number(_) | Typed::Text(_) | Typed::Word(_) => {
                error.help("compare it with something, such as `== …`")
            }
            Typed::Set(fact) => error.help(format!("test its elements, such as `any {fact} == …`")),
            Typed::Literal(_) => error.help("compare a fact with it, such as `… == \"…\"`"),
            Typed::List(_) => error.help("ask whether something is in it: `… in …`"),
            _ => error,
        });
    }

    pub(super) fn infer(&mut self, expr: &Expr, guards: &mut Guards) -> Typed {
        match &expr.kind {
            ExprKind::Missing => Typed::Poison,
            ExprKind::Or(parts) => self.junction(expr, parts, guards, false),
            ExprKind::And(parts) => self.junction(expr, parts, guards, true),
            ExprKind::Not(inner) => self
                .truth(inner, guards)
                .map_or(Typed::Poison, |truth| self.bounded(expr.span, truth.negated())),
            ExprKind::Compare { left, op, op_span, right } => {
                let found = self.compare(left, (*op, *op_span), right, expr.span, guards);
                found.map_or(Typed::Poison, Typed::Truth)
            }
            ExprKind::In { left, set } => self
                .membership(left, set, guards)
                .map_or(Typed::Poison, |truth| self.bounded(expr.span, truth)),
            ExprKind::InNamed { left, list } => self
                .named_membership(left, list, guards)
                .map_or(Typed::Poison, |truth| self.bounded(expr.span, truth)),
            ExprKind::Quantified { all, keyword, test } => self
                .quantified(*all, *keyword, test, guards)
                .map_or(Typed::Poison, |truth| self.bounded(expr.span, truth)),
            ExprKind::Text { left, op, op_span, right } => self
                .text_test(left, (*op, *op_span), right, guards)
                .map_or(Typed::Poison, |condition| Typed::Truth(Truth::atom(condition))),
            ExprKind::Has(name) => self.has(&name.text, name.span, expr.span),
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
    fn junction(&mut self, expr: &Expr, parts: &[Expr], guards: &mut Guards, all: bool) -> Typed {
        let outside = guards.enter();
        let mut read: Vec<Truth> = vec![];
        let mut failed = false;
        for part in parts {
            guards.operand = part.span.start;
            if let Some(truth) = self.truth(part, guards) {
                guards.add(if all { &truth.if_true } else { &truth.if_false });
                read.push(truth);
            } else {
                (failed, guards.unsure) = (true, true);
            }
        }
        guards.leave(outside);
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
            Ok(_) => Typed::Poison,
            Err(unresolved) => {
                if let Some(other) = self.view.anything(name) {
                    let message = format!("`{name}` is {}, not a fact", other.description());
                    let error = self.error(codes::WRONG_KIND, span, message);
                    self.report(match other {
                        Meaning::Policy(..) => {
                            error.help("a limit follows a rule with a clause of its own: `when rule …`")
                        }
                        _ => error,
                    });
                } else {
                    self.unknown_name(name, span, "fact", unresolved);
                }
                Typed::Poison
            }
        }
    }

    fn fact_value(&mut self, fact: &Fact, span: Span, guards: &Guards) -> Typed {
        if fact.optional && !guards.has(&fact.name) {
            if !guards.unsure {
                let name = &fact.name;
                let message = format!("`{name}` is optional and may be absent here");
                let mut error = self
                    .error(codes::UNGUARDED_OPTIONAL, span, message)
                    .help(format!("ask first: `has {name} and …`"));
                error.fixes.push(Fix {
                    title: format!("ask first: `has {name} and`"),
                    file: self.path.to_owned(),
                    span: Span { start: guards.operand, end: guards.operand },
                    replacement: format!("has {name} and "),
                    // That the policy be silent where the fact is absent is for its author to say.
                    certain: false,
                });
                self.report(error);
            }
            return Typed::Poison;
        }
        match &fact.ty {
            Type::Bool => Typed::Truth(Truth::atom(Condition::Fact(fact.name.clone()))),
            Type::String => Typed::Text(fact.name.clone()),
            Type::Enum { .. } => Typed::Word(fact.name.clone()),
            Type::Set { .. } => Typed::Set(fact.name.clone()),
            _ => Linear::fact(fact).map_or(Typed::Poison, Typed::Number),
        }
    }

    fn has(&mut self, name: &str, span: Span, whole: Span) -> Typed {
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
                        let message = format!("`{name}` is always present");
                        let error = self.error(codes::NEEDLESS_HAS, whole, message);
                        self.report(
                            error
                                .help("`has` is for facts that are declared `optional`")
                                .fix("write `true`", "true")
                                .certain(),
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
}
