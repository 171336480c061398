//! Sums, products, and units that don't fit together.

use ordain_grammar::ast::{Expr, ExprKind, LiteralKind};
use ordain_ir::{Diagnostic, Span, codes};

use super::Checker;
use super::condition::{Guards, Typed};
use super::linear::Linear;
use super::literal::Unit;

/// A number with the place where it is written.
pub(super) type Operand<'e> = (&'e Linear, &'e Expr);

impl Checker<'_> {
    /// Reads an expression that must be a number.
    pub(super) fn number(&mut self, expr: &Expr, guards: &mut Guards) -> Option<Linear> {
        match self.infer(expr, guards) {
            Typed::Number(number) => Some(number),
            Typed::Poison => None,
            other => {
                let message = format!("expected a number, found {}", other.description());
                let error = self.error(codes::TYPE_MISMATCH, expr.span, message);
                self.report(match other {
                    Typed::Set(fact) => {
                        error.help(format!("test its elements as they are: `any {fact} > …`"))
                    }
                    _ => error,
                });
                None
            }
        }
    }

    pub(super) fn exact(&mut self, span: Span, number: Option<Linear>) -> Typed {
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

    pub(super) fn sum(&mut self, expr: &Expr, parts: &[(bool, Expr)], guards: &mut Guards) -> Typed {
        let mut total: Option<(Linear, &Expr)> = None;
        let mut failed = false;
        for (minus, part) in parts {
            let Some(number) = self.number(part, guards) else {
                failed = true;
                continue;
            };
            if let Some((total, first)) = &total
                && total.unit != number.unit
            {
                let message =
                    format!("{} cannot be added to {}", number.unit.description(), total.unit.description());
                self.units(message, part.span, (total, first), (&number, part));
                return Typed::Poison;
            }
            let number = if *minus { number.negated() } else { Some(number) };
            let sum = number.and_then(|number| match total.take() {
                None => Some((number, part)),
                Some((total, first)) => Some((total.plus(number)?, first)),
            });
            let Some(sum) = sum else {
                self.overflow(expr.span);
                return Typed::Poison;
            };
            total = Some(sum);
        }
        match total {
            Some((total, _)) if !failed => Typed::Number(total),
            _ => Typed::Poison,
        }
    }

    pub(super) fn product(&mut self, expr: &Expr, parts: &[Expr], guards: &mut Guards) -> Typed {
        let mut total: Option<Linear> = None;
        for part in parts {
            let Some(number) = self.number(part, guards) else { return Typed::Poison };
            let Some(before) = total.take() else {
                total = Some(number);
                continue;
            };
            if !before.is_constant() && !number.is_constant() {
                let error = self.error(codes::NONLINEAR, expr.span, "two facts cannot be multiplied");
                self.report(error.help("one factor must be a number; declare a fact that holds the product"));
                return Typed::Poison;
            }
            let is_factor = |number: &Linear| number.is_constant() && number.unit.is_factor();
            // A percentage gives way to the unit of what it is a part of: `40% * 2` is 0.8.
            let (value, factor) = if before.unit == Unit::Percent || !is_factor(&number) {
                (number, before)
            } else {
                (before, number)
            };
            if !is_factor(&factor) {
                let message = format!("{} is no factor", factor.unit.description());
                let error = self.error(codes::UNIT_MISMATCH, expr.span, message);
                self.report(error.help("multiply with a plain number or a percentage"));
                return Typed::Poison;
            }
            let Some(product) = value.times(&factor) else {
                self.overflow(expr.span);
                return Typed::Poison;
            };
            total = Some(product);
        }
        total.map_or(Typed::Poison, Typed::Number)
    }

    /// Says that two numbers with different units meet. Where one of them is a literal and most likely lacks its
    /// unit, the error stands there; else at `span`.
    pub(super) fn units(&mut self, message: String, span: Span, left: Operand<'_>, right: Operand<'_>) {
        for (bare, other) in [(left, right), (right, left)] {
            if let Some(error) = self.bare(bare, &other.0.unit) {
                self.report(error);
                return;
            }
        }
        let error = match (&left.0.unit, &right.0.unit) {
            (Unit::Money(a), Unit::Money(_)) => self
                .error(codes::CURRENCY_MISMATCH, span, message)
                .help(format!("currencies are never converted; write both amounts in {a}, or two tests")),
            (Unit::Percent, _) | (_, Unit::Percent) => self
                .error(codes::BAD_PERCENT, span, message)
                .help("a percentage is a part of something: write of what, such as `… * 80%`"),
            _ => self.error(codes::UNIT_MISMATCH, span, message),
        };
        self.report(error);
    }

    /// The error about a literal that lacks the unit which is wanted, or is a percentage.
    pub(super) fn bare(&self, (number, expr): Operand<'_>, wanted: &Unit) -> Option<Diagnostic> {
        let text = |expr: &Expr| match &expr.kind {
            ExprKind::Literal(LiteralKind::Number(text)) => Some(text.clone()),
            ExprKind::Negative(inner) => match &inner.kind {
                ExprKind::Literal(LiteralKind::Number(text)) => Some(format!("-{text}")),
                _ => None,
            },
            _ => None,
        };
        match (&number.unit, wanted) {
            (Unit::Plain, Unit::Money(currency)) => {
                let text = text(expr)?;
                let message = format!("an amount of {currency} is wanted here; `{text}` has no currency");
                let fixed = format!("{text} {currency}");
                let error = self.error(codes::MISSING_CURRENCY, expr.span, message);
                Some(error.help(format!("write `{fixed}`")).fix(format!("write `{fixed}`"), fixed).certain())
            }
            (Unit::Plain, Unit::Duration) => {
                let text = text(expr)?;
                let message = format!("a length of time is wanted here; `{text}` has no unit");
                let error = self.error(codes::MISSING_UNIT, expr.span, message);
                Some(error.help(format!(
                    "write for example `{text}s`; the units are `w`, `d`, `h`, `m`, `s` and `ms`"
                )))
            }
            (Unit::Percent, Unit::Plain) if number.is_constant() => {
                let fixed = Unit::Plain.written(number.constant, number.scale);
                let message = format!("a plain number is wanted here, not {}", number.unit.description());
                let error = self.error(codes::BAD_PERCENT, expr.span, message);
                Some(error.help(format!("write `{fixed}`")).fix(format!("write `{fixed}`"), fixed).certain())
            }
            _ => None,
        }
    }
}
