//! Constant expressions: bounds, priorities, percentages, and values of facts that are written out.

use std::collections::BTreeSet;

use ordain_grammar::ast::{Expr, ExprKind, LiteralKind};
use ordain_ir::{Code, Fact, Span, Type, Value, codes};

use super::Checker;
use super::condition::Guards;
use super::limit::is_literal;
use super::linear::Linear;
use super::literal::Unit;
use crate::resolve::Meaning;

impl Checker<'_> {
    /// Reads a number that must be known when the policies are compiled; `what` names it: "a bound".
    pub(super) fn constant(&mut self, expr: &Expr, what: &str) -> Option<Linear> {
        if let Some((name, span)) = self.fact_in(expr) {
            self.varies(
                span,
                format!("`{name}` is a fact, and {what} must be known when policies are compiled"),
            );
            return None;
        }
        self.prepare_condition(expr);
        let value = self.number(expr, &mut Guards::before(expr))?;
        if !value.is_constant() {
            self.varies(
                expr.span,
                format!("this depends on facts, and {what} must be known when policies are compiled"),
            );
            return None;
        }
        Some(value)
    }

    fn varies(&mut self, span: Span, message: String) {
        let error = self.error(codes::NOT_CONSTANT, span, message);
        self.report(error.help("write a literal, or literals with `+`, `-` and `*`"));
    }

    /// The first fact that an expression names.
    fn fact_in<'e>(&self, expr: &'e Expr) -> Option<(&'e str, Span)> {
        match &expr.kind {
            ExprKind::Name(name) if !self.is_parameter(name) => {
                matches!(self.view.value(name), Ok(Meaning::Fact(..))).then_some((name.as_str(), expr.span))
            }
            ExprKind::Sum(parts) => parts.iter().find_map(|(_, part)| self.fact_in(part)),
            ExprKind::Product(parts) => parts.iter().find_map(|part| self.fact_in(part)),
            ExprKind::Negative(inner) => self.fact_in(inner),
            _ => None,
        }
    }

    /// A constant in units of 10^-`scale`. What it doesn't hit exactly is an error with the values next to it;
    /// `holder` is what it would be given to, with its digits: "`runs_daily` counts whole numbers".
    pub(super) fn exactly(&mut self, value: &Linear, scale: u8, expr: &Expr, holder: &str) -> Option<i64> {
        let span = expr.span;
        let Some((below, above)) = value.nearest(scale) else {
            let error = self.error(codes::OVERFLOW, span, format!("{} is too large", value.constant_text()));
            self.report(error.help("numbers have 64 bits, counted in the finest unit"));
            return None;
        };
        if below == above {
            return Some(below);
        }
        let write = |near: i64| value.unit.written(near.into(), scale);
        let written = value.constant_text();
        let error = if is_literal(expr) {
            self.error(codes::TOO_PRECISE, span, format!("`{written}` is too precise: {holder}"))
        } else {
            self.error(codes::INEXACT, span, format!("this comes out at {written}, and {holder}"))
        };
        self.report(error.help(format!("the nearest are `{}` and `{}`", write(below), write(above))));
        None
    }

    /// Reads the value of a fact, or of anything else of its type, that is written out.
    pub(super) fn value(&mut self, fact: &Fact, expr: &Expr) -> Option<Value> {
        match &fact.ty {
            Type::Set { .. } => {
                let message = format!("`{}` is a set", fact.name);
                let error = self.error(codes::TYPE_MISMATCH, expr.span, message);
                self.report(error.help("write its elements in braces: `{ … }`"));
                None
            }
            Type::Bool => match &expr.kind {
                ExprKind::Bool(value) => Some(Value::Bool(*value)),
                ExprKind::Missing => None,
                _ => self.no_value(fact, expr, "`true` or `false`"),
            },
            Type::String => match &expr.kind {
                ExprKind::Literal(LiteralKind::Text(text)) => Some(Value::Text(text.clone())),
                ExprKind::Missing => None,
                ExprKind::Name(_) => self.text_entry(&fact.name, expr).map(Value::Text),
                _ => self.no_value(fact, expr, "a text in quotation marks"),
            },
            Type::Enum { variants } => self.variant(&fact.name, variants, expr).map(Value::Text),
            ty => self.number_value(fact, ty, expr).map(Value::Number),
        }
    }

    /// Reads the elements of a set that are written out.
    pub(super) fn set_value(&mut self, fact: &Fact, span: Span, entries: &[Expr]) -> Option<Value> {
        let Type::Set { of } = &fact.ty else {
            let message = format!("`{}` is no set", fact.name);
            let error = self.error(codes::TYPE_MISMATCH, span, message);
            self.report(error.help(format!("write one value: {}", sample(&fact.ty))));
            return None;
        };
        let repeated = self.repeated_entries(entries);
        let element = Fact { ty: Type::clone(of), ..fact.clone() };
        let values: Vec<_> = entries.iter().map(|entry| self.value(&element, entry)).collect();
        let values: Option<BTreeSet<Value>> = values.into_iter().collect();
        values.filter(|_| !repeated).map(Value::Set)
    }

    fn number_value(&mut self, fact: &Fact, ty: &Type, expr: &Expr) -> Option<i64> {
        if matches!(expr.kind, ExprKind::Missing) {
            return None;
        }
        if matches!(expr.kind, ExprKind::Literal(LiteralKind::Text(_)) | ExprKind::Bool(_)) {
            return self.no_value(fact, expr, &format!("a number, such as {}", sample(ty)));
        }
        let value = self.constant(expr, "a value")?;
        let (unit, scale) = (Unit::of(ty)?, ty.scale()?);
        if value.unit != unit {
            let message =
                format!("`{}` is {}, not {}", fact.name, unit.description(), value.unit.description());
            match self.bare((&value, expr), &unit) {
                Some(error) => self.report(error),
                None => {
                    let error = self.error(unit_code(&value.unit, &unit), expr.span, message);
                    self.report(error.help(format!("write for example {}", sample(ty))));
                }
            }
            return None;
        }
        let holder = match scale {
            0 => format!("`{}` is a whole number", fact.name),
            _ => format!("`{}` has at most {scale} digits after the point", fact.name),
        };
        let value = self.exactly(&value, scale, expr, &holder)?;
        let (least, greatest) = fact.bounds();
        if value < least || value > greatest {
            let write = |value: i64| unit.written(value.into(), scale);
            let message = format!("`{}` is never {}", fact.name, write(value));
            let error = self.error(codes::OUT_OF_RANGE, expr.span, message);
            self.report(error.help(format!("it lies between {} and {}", write(least), write(greatest))));
            return None;
        }
        Some(value)
    }

    fn no_value<T>(&mut self, fact: &Fact, expr: &Expr, wanted: &str) -> Option<T> {
        let message = format!("`{}` wants {wanted}", fact.name);
        let error = self.error(codes::TYPE_MISMATCH, expr.span, message);
        self.report(error);
        None
    }
}

/// The code of the mistake that a number has the wrong unit.
pub(super) fn unit_code(found: &Unit, wanted: &Unit) -> Code {
    match (found, wanted) {
        (Unit::Money(_), Unit::Money(_)) => codes::CURRENCY_MISMATCH,
        (Unit::Percent, _) => codes::BAD_PERCENT,
        _ => codes::UNIT_MISMATCH,
    }
}

/// What a value of a type looks like.
fn sample(ty: &Type) -> String {
    match ty {
        Type::Int => "`5`".to_owned(),
        Type::Decimal { .. } => "`0.5`".to_owned(),
        Type::Money { currency } => format!("`5.00 {currency}`"),
        Type::Duration => "`30s`".to_owned(),
        Type::Bool => "`true`".to_owned(),
        Type::String => "`\"text\"`".to_owned(),
        Type::Enum { variants } => format!("`{}`", variants.first().map_or("word", String::as_str)),
        Type::Set { of } => format!("`{{ {} }}`", sample(of).trim_matches('`')),
    }
}
