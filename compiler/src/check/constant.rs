//! Constant expressions: bounds, priorities, percentages, and values of facts that are written out.

use std::collections::BTreeSet;

use ordain_grammar::ast::{Expr, ExprKind, LiteralKind};
use ordain_ir::{Code, Fact, FactName, Span, Type, Value, codes};

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

    /// Reads the value of a fact that is written out.
    pub(super) fn value(&mut self, fact: &Fact, expr: &Expr) -> Option<Value> {
        let wanted = Wanted { name: &fact.name, what: format!("`{}`", fact.name), range: fact.bounds() };
        self.value_of(&fact.ty, &wanted, expr)
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
        let what = format!("an element of `{}`", fact.name);
        let wanted = Wanted { name: &fact.name, what, range: fact.bounds() };
        let values: Vec<_> = entries.iter().map(|entry| self.value_of(of, &wanted, entry)).collect();
        let values: Option<BTreeSet<Value>> = values.into_iter().collect();
        values.filter(|_| !repeated).map(Value::Set)
    }

    fn value_of(&mut self, ty: &Type, wanted: &Wanted<'_>, expr: &Expr) -> Option<Value> {
        let refuse = |this: &mut Self, what: &str| {
            let message = format!("{} wants {what}", wanted.what);
            let error = this.error(codes::TYPE_MISMATCH, expr.span, message);
            this.report(error);
            None
        };
        match (ty, &expr.kind) {
            (_, ExprKind::Missing) => None,
            (Type::Set { .. }, _) => {
                let message = format!("{} is a set", wanted.what);
                let error = self.error(codes::TYPE_MISMATCH, expr.span, message);
                self.report(error.help("write its elements in braces: `{ … }`"));
                None
            }
            (Type::Bool, ExprKind::Bool(value)) => Some(Value::Bool(*value)),
            (Type::Bool, _) => refuse(self, "`true` or `false`"),
            (Type::String, ExprKind::Literal(LiteralKind::Text(text))) => Some(Value::Text(text.clone())),
            (Type::String, ExprKind::Name(_)) => self.text_entry(wanted.name, expr).map(Value::Text),
            (Type::String, _) => refuse(self, "a text in quotation marks"),
            (Type::Enum { variants }, _) => self.variant(wanted.name, variants, expr).map(Value::Text),
            (ty, ExprKind::Literal(LiteralKind::Text(_)) | ExprKind::Bool(_)) => {
                refuse(self, &format!("a number, such as {}", sample(ty)))
            }
            (ty, _) => self.number_value(ty, wanted, expr).map(Value::Number),
        }
    }

    fn number_value(&mut self, ty: &Type, wanted: &Wanted<'_>, expr: &Expr) -> Option<i64> {
        let value = self.constant(expr, "a value")?;
        let (unit, scale, what) = (Unit::of(ty)?, ty.scale()?, &wanted.what);
        if value.unit != unit {
            let error = self.bare((&value, expr), &unit).unwrap_or_else(|| {
                let message =
                    format!("{what} wants {}, not {}", unit.description(), value.unit.description());
                let error = self.error(unit_code(&value.unit, &unit), expr.span, message);
                error.help(format!("write for example {}", sample(ty)))
            });
            self.report(error);
            return None;
        }
        let holder = match scale {
            0 => format!("{what} is a whole number"),
            _ => format!("{what} has at most {scale} digits after the point"),
        };
        let value = self.exactly(&value, scale, expr, &holder)?;
        let (least, greatest) = wanted.range;
        if value < least || value > greatest {
            let write = |value: i64| unit.written(value.into(), scale);
            let message = format!("{what} is never {}", write(value));
            let error = self.error(codes::OUT_OF_RANGE, expr.span, message);
            self.report(error.help(format!("it lies between {} and {}", write(least), write(greatest))));
            return None;
        }
        Some(value)
    }
}

/// What a value is for.
struct Wanted<'f> {
    /// The fact.
    name: &'f FactName,
    /// The same for people, or one of its elements.
    what: String,
    range: (i64, i64),
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
