//! Conditions. Operands and operators come one after the other; here they are put together by how tightly they
//! bind: `or`, `and`, `not`, comparisons, `+` and `-`, `*`, the sign.

use ordain_ir::{CompareOp, Span, codes};

use super::literal::negate;
use super::{Builder, Parts, inner};
use crate::ast::{Expr, ExprKind, Literal, LiteralKind, Name, TextOp};
use crate::parser::{Pair, Rule, span};
use crate::{SyntaxError, recover};

impl Builder<'_> {
    pub(super) fn condition(&mut self, pair: Pair<'_>) -> Expr {
        self.or_expr(&mut inner(pair))
    }

    /// A value that is computed at compile time.
    pub(super) fn constant(&mut self, pair: Pair<'_>) -> Expr {
        self.sum(&mut inner(pair))
    }

    fn or_expr(&mut self, parts: &mut Parts<'_>) -> Expr {
        let first = self.and_expr(parts);
        let mut terms = vec![];
        while let Some(operator) = parts.next_if(|part| part.as_rule() == Rule::or_op_t) {
            self.check_spelling(&operator, "or");
            let next = self.and_expr(parts);
            terms.push(next);
        }
        joined(first, terms, ExprKind::Or)
    }

    fn and_expr(&mut self, parts: &mut Parts<'_>) -> Expr {
        let first = self.not_expr(parts);
        let mut terms = vec![];
        while let Some(operator) = parts.next_if(|part| part.as_rule() == Rule::and_op_t) {
            self.check_spelling(&operator, "and");
            let next = self.not_expr(parts);
            terms.push(next);
        }
        joined(first, terms, ExprKind::And)
    }

    /// Operators of other languages are understood, and refused.
    fn check_spelling(&mut self, operator: &Pair<'_>, word: &str) {
        if operator.as_str() != word {
            let message = format!("`{}` is written `{word}` here", operator.as_str());
            let title = format!("write `{word}`");
            let text = if operator.as_str() == "!" { format!("{word} ") } else { word.to_owned() };
            self.report(SyntaxError::new(codes::SYNTAX, span(operator), message).fix(title, text).certain());
        }
    }

    fn not_expr(&mut self, parts: &mut Parts<'_>) -> Expr {
        let mut first = None;
        let mut negations = 0;
        while let Some(operator) = parts.next_if(|part| part.as_rule() == Rule::not_op_t) {
            self.check_spelling(&operator, "not");
            first.get_or_insert(span(&operator));
            negations += 1;
        }
        let expr = self.comparison(parts);
        let Some(first) = first else { return expr };
        let span = first.cover(expr.span);
        // Pairs of negations cancel out, so that no chain of them makes the tree deep.
        match negations % 2 {
            0 => Expr { span, ..expr },
            _ => Expr { span, kind: ExprKind::Not(Box::new(expr)) },
        }
    }

    fn comparison(&mut self, parts: &mut Parts<'_>) -> Expr {
        match parts.next_if(|part| part.as_rule() == Rule::any_or_all) {
            Some(quantifier) => self.quantified(&quantifier, parts),
            None => self.tested(parts),
        }
    }

    /// `any` or `all` and what they say it of.
    fn quantified(&mut self, quantifier: &Pair<'_>, parts: &mut Parts<'_>) -> Expr {
        let before = self.errors.len();
        let keyword = span(quantifier);
        let all = quantifier.as_str() == "all";
        let test = self.tested(parts);
        let span = keyword.cover(test.span);
        let is_test = matches!(
            test.kind,
            ExprKind::Compare { .. } | ExprKind::In { .. } | ExprKind::InNamed { .. } | ExprKind::Text { .. }
        );
        if is_test {
            return Expr { span, kind: ExprKind::Quantified { all, keyword, test: Box::new(test) } };
        }
        if self.errors.len() == before {
            let word = quantifier.as_str();
            let message = format!("`{word}` takes one comparison, without parentheses");
            let help = format!("for example `{word} labels like \"pii.*\"`");
            self.report(SyntaxError::new(codes::SYNTAX, span, message).help(help));
        }
        Expr { span, kind: ExprKind::Missing }
    }

    fn tested(&mut self, parts: &mut Parts<'_>) -> Expr {
        let before = self.errors.len();
        let mut left = self.sum(parts);
        let mut tested: Option<Span> = None;
        while let Some(operator) = parts.next_if(|part| is_test_op(part)) {
            let start = span(&operator).start;
            // What stands behind a mistake is most likely a part of it.
            let rest = self.errors.len() > before && (tested.is_some() || left.kind == ExprKind::Missing);
            let first = match tested {
                None if !rest => {
                    left = self.applied(left, operator, parts);
                    tested = Some(Span { start, end: left.span.end });
                    continue;
                }
                first => first.unwrap_or(left.span),
            };
            let errors = self.errors.len();
            let nothing = Expr { span: left.span, kind: ExprKind::Missing };
            let test = self.applied(nothing, operator, parts);
            self.errors.truncate(errors);
            if !rest {
                let place = Span { start, end: test.span.end };
                let error = SyntaxError::new(codes::SYNTAX, place, "comparisons cannot be chained")
                    .and_at(first, "the first comparison")
                    .help("compare twice: `a < b and b < c`");
                self.report(error);
            }
        }
        left
    }

    /// An expression compared by an operator with what follows.
    fn applied(&mut self, left: Expr, operator: Pair<'_>, parts: &mut Parts<'_>) -> Expr {
        let op_span = span(&operator);
        let start = left.span;
        let left = Box::new(left);
        match operator.as_rule() {
            Rule::in_test => {
                let span = start.cover(self.whole(&operator));
                Expr { span, kind: self.in_test(left, operator) }
            }
            Rule::text_op => {
                let op = match operator.as_str().as_bytes() {
                    [b'l', ..] => TextOp::Like,
                    [b'm', ..] => TextOp::Matches,
                    [b'c', ..] => TextOp::Contains,
                    [b's', ..] => TextOp::StartsWith,
                    _ => TextOp::EndsWith,
                };
                let right = Box::new(self.sum(parts));
                Expr { span: start.cover(right.span), kind: ExprKind::Text { left, op, op_span, right } }
            }
            _ => {
                let before = self.errors.len();
                let right = Box::new(self.sum(parts));
                if operator.as_str() == "=" && self.errors.len() == before {
                    let error = SyntaxError::new(codes::SINGLE_EQUALS, op_span, "`=` compares nothing")
                        .help("write `==` to compare")
                        .fix("write `==`", "==")
                        .certain();
                    self.report(error);
                }
                let op = compare_op(operator.as_str());
                Expr { span: start.cover(right.span), kind: ExprKind::Compare { left, op, op_span, right } }
            }
        }
    }

    fn in_test(&mut self, left: Box<Expr>, pair: Pair<'_>) -> ExprKind {
        let keyword = self.keyword(span(&pair));
        let mut parts = inner(pair);
        if let Some(list) = parts.next_if(|part| part.as_rule() == Rule::name_t) {
            return ExprKind::InNamed { left, list: self.name(&list) };
        }
        if parts.next_if(|part| part.as_rule() == Rule::missing_set).is_some() {
            let error = SyntaxError::new(codes::SYNTAX, keyword, "expected `{` after `in`");
            self.report(error.help("list the words in braces: `in { pii, phi }`"));
        }
        ExprKind::In { left, set: self.entries(parts) }
    }

    /// What stands between braces.
    pub(super) fn list(&mut self, pair: Pair<'_>) -> Vec<Expr> {
        self.entries(inner(pair))
    }

    /// All literals and words among some parts.
    pub(super) fn entries(&mut self, mut parts: Parts<'_>) -> Vec<Expr> {
        let mut entries = vec![];
        loop {
            if let Some(end) = parts.next_if(|part| part.as_rule() == Rule::missing_list_end) {
                self.missing_list_end(span(&end));
                continue;
            }
            if let Some(name) = parts.next_if(|part| part.as_rule() == Rule::word_t) {
                entries.push(word(self.name(&name)));
                continue;
            }
            let Some(literal) = self.literal(&mut parts) else { return entries };
            entries.push(Expr { span: literal.span, kind: ExprKind::Literal(literal.kind) });
        }
    }

    fn missing_list_end(&mut self, place: Span) {
        let last = self.source.before(place.start).map_or(place, |token| token.span);
        let message = format!("expected `}}` after `{}`", &self.source.text[last.range()]);
        let behind = Span { start: last.end, end: last.end };
        self.report(SyntaxError::new(codes::UNCLOSED, last, message).fix_at(behind, "write `}`", " }"));
    }

    fn sum(&mut self, parts: &mut Parts<'_>) -> Expr {
        let first = self.product(parts);
        if !parts.peek().is_some_and(|part| is_sum_op(part)) {
            return first;
        }
        let mut terms = vec![(false, first)];
        while let Some(operator) = parts.next_if(|part| is_sum_op(part)) {
            let term = self.product(parts);
            terms.push((operator.as_str() == "-", term));
        }
        Expr { span: covering(terms.iter().map(|(_, term)| term.span)), kind: ExprKind::Sum(terms) }
    }

    fn product(&mut self, parts: &mut Parts<'_>) -> Expr {
        let first = self.unary(parts);
        let mut factors = vec![];
        while parts.next_if(|part| part.as_rule() == Rule::times_t).is_some() {
            let factor = self.unary(parts);
            factors.push(factor);
        }
        joined(first, factors, ExprKind::Product)
    }

    fn unary(&mut self, parts: &mut Parts<'_>) -> Expr {
        let sign = parts.next_if(|part| part.as_rule() == Rule::minus_t).map(|sign| span(&sign));
        let operand = self.operand(parts);
        let Some(sign) = sign else { return operand };
        let kind = match operand.kind {
            ExprKind::Literal(mut kind) if !matches!(kind, LiteralKind::Text(_)) => {
                negate(&mut kind);
                ExprKind::Literal(kind)
            }
            kind => ExprKind::Negative(Box::new(Expr { span: operand.span, kind })),
        };
        Expr { span: sign.cover(operand.span), kind }
    }

    fn operand(&mut self, parts: &mut Parts<'_>) -> Expr {
        // The grammar has an operand wherever one is asked for; should it ever not, one is missing.
        let Some(pair) = parts.next() else {
            return Expr { span: Span::default(), kind: ExprKind::Missing };
        };
        let place = span(&pair);
        match pair.as_rule() {
            Rule::name_t | Rule::enum_word => {
                let name = self.name(&pair);
                Expr { span: name.span, kind: ExprKind::Name(name.text) }
            }
            Rule::bool => Expr { span: place, kind: ExprKind::Bool(pair.as_str() == "true") },
            Rule::paren => self.paren(pair),
            Rule::has_t => self.has(place, parts),
            Rule::missing_operand => Expr { span: self.missing_operand(place), kind: ExprKind::Missing },
            _ => {
                let Literal { span, kind } = self.quantity(&pair, parts);
                Expr { span, kind: ExprKind::Literal(kind) }
            }
        }
    }

    fn has(&mut self, keyword: Span, parts: &mut Parts<'_>) -> Expr {
        if let Some(name) = parts.next_if(|part| part.as_rule() == Rule::name_t) {
            let name = self.name(&name);
            return Expr { span: keyword.cover(name.span), kind: ExprKind::Has(name) };
        }
        parts.next_if(|part| part.as_rule() == Rule::missing_operand);
        let message = "expected the name of an optional fact after `has`";
        self.report(SyntaxError::new(codes::SYNTAX, keyword, message));
        Expr { span: keyword, kind: ExprKind::Has(Name { text: String::new(), span: keyword }) }
    }

    /// Of operators in a row only the first is told to lack its operand. Gives the place behind it.
    fn missing_operand(&mut self, place: Span) -> Span {
        let Some(lacking) = self.source.before(place.start) else {
            self.report(SyntaxError::new(codes::SYNTAX, place, "expected a condition"));
            return place;
        };
        let before = self.source.before(lacking.span.start).map(|token| token.span);
        if before.is_none() || before != self.lacking {
            self.report(recover::missing_operand(&self.source, lacking));
        }
        self.pass(lacking.span);
        self.lacking = Some(lacking.span);
        Span { start: lacking.span.end, end: lacking.span.end }
    }

    fn paren(&mut self, pair: Pair<'_>) -> Expr {
        let before = self.errors.len();
        let whole = self.whole(&pair);
        let mut parts = inner(pair);
        let kind = self.or_expr(&mut parts).kind;
        if parts.next().is_some_and(|part| part.as_rule() == Rule::missing_paren)
            && self.errors.len() == before
        {
            let open = Span { start: whole.start, end: whole.start + 1 };
            let last = self.source.before(whole.end).map_or(open, |token| token.span);
            let error = SyntaxError::new(codes::UNCLOSED, open, "this `(` is not closed")
                .and_at(last, "expected `)` after this");
            self.report_within(whole, error);
        }
        Expr { span: whole, kind }
    }
}

fn compare_op(text: &str) -> CompareOp {
    match text {
        "!=" => CompareOp::NotEqual,
        "<=" => CompareOp::LessEqual,
        ">=" => CompareOp::GreaterEqual,
        "<" => CompareOp::Less,
        ">" => CompareOp::Greater,
        _ => CompareOp::Equal,
    }
}

fn is_test_op(pair: &Pair<'_>) -> bool {
    matches!(pair.as_rule(), Rule::compare_op | Rule::text_op | Rule::in_test)
}

fn is_sum_op(pair: &Pair<'_>) -> bool {
    pair.as_rule() == Rule::sum_op_t
}

fn covering(spans: impl Iterator<Item = Span>) -> Span {
    spans.reduce(Span::cover).unwrap_or_default()
}

fn joined(first: Expr, mut rest: Vec<Expr>, join: fn(Vec<Expr>) -> ExprKind) -> Expr {
    if rest.is_empty() {
        return first;
    }
    rest.insert(0, first);
    Expr { span: covering(rest.iter().map(|part| part.span)), kind: join(rest) }
}

/// A word as the right side of a comparison or the entry of a list.
pub(super) fn word(name: Name) -> Expr {
    let kind = match name.text.as_str() {
        "true" => ExprKind::Bool(true),
        "false" => ExprKind::Bool(false),
        _ => ExprKind::Name(name.text),
    };
    Expr { span: name.span, kind }
}
