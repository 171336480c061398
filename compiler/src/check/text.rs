//! Tests of texts, and `contains`, which asks sets too.

use ordain_grammar::ast::{Expr, ExprKind, LiteralKind, TextOp};
use ordain_ir::{Condition, Span, TextTest, codes};

use super::condition::{Guards, Typed};
use super::{Checker, pattern};

impl Checker<'_> {
    pub(super) fn text_test(
        &mut self,
        left: &Expr,
        (op, op_span): (TextOp, Span),
        right: &Expr,
        guards: &mut Guards,
    ) -> Option<Condition> {
        let fact = match self.infer(left, guards) {
            Typed::Text(fact) => fact,
            Typed::Set(fact) if op == TextOp::Contains => {
                let test = self.element_equals(&fact, right)?;
                return Some(Condition::Any { fact, test });
            }
            Typed::Set(fact) => {
                let message = format!("`{fact}` is a set: ask for any or for all of its elements");
                let error = self.error(codes::MISSING_QUANTIFIER, left.span, message);
                let error = error.help(format!("write `any {fact} {} …`", op.as_str()));
                self.report(error.fix(format!("write `any {fact}`"), format!("any {fact}")));
                return None;
            }
            Typed::Poison => {
                // Read for its own errors.
                self.text_literal(op, right);
                return None;
            }
            other => {
                let message = format!("`{}` tests texts, not {}", op.as_str(), other.description());
                let error = self.error(codes::TYPE_MISMATCH, op_span, message);
                self.report(match other {
                    Typed::Word(_) => error.help("list the words: `in { … }`"),
                    _ => error,
                });
                return None;
            }
        };
        let text = self.text_literal(op, right)?;
        self.text_pattern(op, text, right.span).map(|test| Condition::Text { fact, test })
    }

    /// The text behind a test.
    pub(super) fn text_literal<'e>(&mut self, op: TextOp, expr: &'e Expr) -> Option<&'e str> {
        if let ExprKind::Literal(LiteralKind::Text(text)) = &expr.kind {
            return Some(text);
        }
        if !matches!(expr.kind, ExprKind::Missing) && !self.unquoted(expr) {
            let message = format!("expected a text in quotation marks after `{}`", op.as_str());
            let error = self.error(codes::TYPE_MISMATCH, expr.span, message);
            self.report(
                error.help("a fact is tested against a text that is written here, not against another fact"),
            );
        }
        None
    }

    /// The test that a text stands for.
    pub(super) fn text_pattern(&mut self, op: TextOp, text: &str, span: Span) -> Option<TextTest> {
        let test = match op {
            TextOp::Like => pattern::glob(text).map(TextTest::Like),
            TextOp::Matches => pattern::regex(text).map(|()| TextTest::Matches(text.to_owned())),
            TextOp::Contains => Ok(TextTest::Contains(text.to_owned())),
            TextOp::StartsWith => Ok(TextTest::StartsWith(text.to_owned())),
            TextOp::EndsWith => Ok(TextTest::EndsWith(text.to_owned())),
        };
        match test {
            Ok(test) => Some(test),
            Err(message) => {
                let error = self.error(codes::BAD_PATTERN, span, message);
                self.report(error);
                None
            }
        }
    }
}
