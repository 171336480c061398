//! Conditions.

use ordain_ir::{CompareOp, Span, codes};

use super::Builder;
use crate::ast::{Expr, ExprKind, LiteralKind, Name, TextOp};
use crate::parser::{Pair, Rule, span};
use crate::{SyntaxError, recover, source};

impl Builder<'_> {
    pub(super) fn condition(&mut self, pair: Pair<'_>) -> Expr {
        let whole = span(&pair);
        match pair.into_inner().next() {
            Some(inner) => self.or_expr(inner),
            None => Expr { span: whole, kind: ExprKind::Missing },
        }
    }

    fn or_expr(&mut self, pair: Pair<'_>) -> Expr {
        self.chain(pair, Rule::or_op, "or", Self::and_expr, ExprKind::Or)
    }

    fn and_expr(&mut self, pair: Pair<'_>) -> Expr {
        self.chain(pair, Rule::and_op, "and", Self::not_expr, ExprKind::And)
    }

    fn chain(
        &mut self,
        pair: Pair<'_>,
        operator: Rule,
        word: &str,
        part: fn(&mut Self, Pair<'_>) -> Expr,
        join: fn(Vec<Expr>) -> ExprKind,
    ) -> Expr {
        let mut parts = vec![];
        for inner in pair.into_inner() {
            if inner.as_rule() == operator {
                self.check_spelling(&inner, word);
            } else {
                parts.push(part(self, inner));
            }
        }
        joined(parts, join)
    }

    /// Operators of other languages are understood, and refused.
    fn check_spelling(&mut self, operator: &Pair<'_>, word: &str) {
        if operator.as_str() != word {
            let message = format!("`{}` is written `{word}` here", operator.as_str());
            let title = format!("write `{word}`");
            let text = if operator.as_str() == "!" { format!("{word} ") } else { word.to_owned() };
            self.report(SyntaxError::new(codes::SYNTAX, span(operator), message).fix(title, text));
        }
    }

    fn not_expr(&mut self, pair: Pair<'_>) -> Expr {
        let whole = span(&pair);
        let mut negations = 0;
        let mut inner = Expr { span: whole, kind: ExprKind::Missing };
        for part in pair.into_inner() {
            if part.as_rule() == Rule::not_op {
                self.check_spelling(&part, "not");
                negations += 1;
            } else {
                inner = self.comparison(part);
            }
        }
        // Pairs of negations cancel out, so that no chain of them makes the tree deep.
        match negations % 2 {
            0 => Expr { span: if negations == 0 { inner.span } else { whole }, ..inner },
            _ => {
                Expr { span: source::trimmed(self.source.text, whole), kind: ExprKind::Not(Box::new(inner)) }
            }
        }
    }

    fn comparison(&mut self, pair: Pair<'_>) -> Expr {
        let whole = source::trimmed(self.source.text, span(&pair));
        match pair.into_inner().next() {
            Some(inner) if inner.as_rule() == Rule::quantified => self.quantified(inner),
            Some(inner) => self.tested(inner),
            None => Expr { span: whole, kind: ExprKind::Missing },
        }
    }

    /// `any` or `all` and what they say it of.
    fn quantified(&mut self, pair: Pair<'_>) -> Expr {
        let before = self.errors.len();
        let whole = source::trimmed(self.source.text, span(&pair));
        let (mut all, mut keyword, mut test) = (false, whole, None);
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::tested => test = Some(self.tested(inner)),
                rule => (all, keyword) = (rule == Rule::kw_all, span(&inner)),
            }
        }
        let is_test = |kind: &ExprKind| {
            matches!(
                kind,
                ExprKind::Compare { .. }
                    | ExprKind::In { .. }
                    | ExprKind::InNamed { .. }
                    | ExprKind::Text { .. }
            )
        };
        match test {
            Some(test) if is_test(&test.kind) => {
                Expr { span: whole, kind: ExprKind::Quantified { all, keyword, test: Box::new(test) } }
            }
            test => {
                if self.errors.len() == before {
                    let word = if all { "all" } else { "any" };
                    let message = format!("`{word}` takes one comparison, without parentheses");
                    let place = test.map_or(keyword, |test| keyword.cover(test.span));
                    let help = format!("for example `{word} labels like \"pii.*\"`");
                    self.report(SyntaxError::new(codes::SYNTAX, place, message).help(help));
                }
                Expr { span: whole, kind: ExprKind::Missing }
            }
        }
    }

    fn tested(&mut self, pair: Pair<'_>) -> Expr {
        let mut parts = pair.into_inner();
        let Some(first) = parts.next() else {
            return Expr { span: Span::default(), kind: ExprKind::Missing };
        };
        let before = self.errors.len();
        let mut left = self.sum(first);
        let mut tested: Option<Span> = None;
        for test in parts {
            // What stands behind a mistake is most likely a part of it.
            if self.errors.len() > before && (tested.is_some() || left.kind == ExprKind::Missing) {
                break;
            }
            let place = span(&test);
            if let Some(first) = tested {
                let error = SyntaxError::new(codes::SYNTAX, place, "comparisons cannot be chained")
                    .and_at(first, "the first comparison")
                    .help("compare twice: `a < b and b < c`");
                self.report(error);
                break;
            }
            tested = Some(place);
            left = self.applied(left, &test);
        }
        left
    }

    fn applied(&mut self, left: Expr, pair: &Pair<'_>) -> Expr {
        let rule = pair.as_rule();
        let parts: Vec<Pair<'_>> = pair.clone().into_inner().collect();
        let op_span = parts.first().map_or(left.span, span);
        let whole = left.span.cover(source::trimmed(self.source.text, span(pair)));
        let left = Box::new(left);
        let kind = match (rule, parts.last()) {
            (Rule::in_test, Some(list)) if list.as_rule() == Rule::name => {
                ExprKind::InNamed { left, list: self.name(list) }
            }
            (Rule::in_test, _) => {
                if parts.iter().any(|part| part.as_rule() == Rule::missing_set) {
                    let error = SyntaxError::new(codes::SYNTAX, op_span, "expected `{` after `in`");
                    self.report(error.help("list the words in braces: `in { pii, phi }`"));
                }
                ExprKind::In { left, set: self.entries(parts) }
            }
            (Rule::text_test, Some(right)) => {
                let op = match parts[0].clone().into_inner().next().map(|word| word.as_rule()) {
                    Some(Rule::kw_like) => TextOp::Like,
                    Some(Rule::kw_matches) => TextOp::Matches,
                    Some(Rule::kw_contains) => TextOp::Contains,
                    Some(Rule::kw_starts) => TextOp::StartsWith,
                    _ => TextOp::EndsWith,
                };
                let right = Box::new(self.right_side(right));
                ExprKind::Text { left, op, op_span, right }
            }
            (Rule::compare_test, Some(right)) => {
                let op = self.compare_op(&parts[0]);
                let right = Box::new(self.right_side(right));
                ExprKind::Compare { left, op, op_span, right }
            }
            _ => ExprKind::Missing,
        };
        Expr { span: whole, kind }
    }

    /// A sum, or a keyword in place of a word of an enumeration.
    fn right_side(&mut self, pair: &Pair<'_>) -> Expr {
        if pair.as_rule() == Rule::enum_word {
            return Expr { span: span(pair), kind: ExprKind::Name(pair.as_str().to_owned()) };
        }
        self.sum(pair.clone())
    }

    /// What stands between braces.
    pub(super) fn list(&mut self, pair: Pair<'_>) -> Vec<Expr> {
        self.entries(pair.into_inner())
    }

    /// The literals and words among the parts of a list.
    fn entries<'a>(&mut self, parts: impl IntoIterator<Item = Pair<'a>>) -> Vec<Expr> {
        let mut entries = vec![];
        for part in parts {
            match part.as_rule() {
                Rule::any_word => entries.push(word(&part)),
                Rule::literal => entries.push(self.literal_expr(part)),
                _ => {}
            }
        }
        entries
    }

    /// A literal as an expression.
    pub(super) fn literal_expr(&mut self, pair: Pair<'_>) -> Expr {
        let literal = self.literal(pair);
        Expr { span: literal.span, kind: ExprKind::Literal(literal.kind) }
    }

    fn compare_op(&mut self, pair: &Pair<'_>) -> CompareOp {
        match pair.as_str() {
            "!=" => CompareOp::NotEqual,
            "<=" => CompareOp::LessEqual,
            ">=" => CompareOp::GreaterEqual,
            "<" => CompareOp::Less,
            ">" => CompareOp::Greater,
            "=" => {
                let error = SyntaxError::new(codes::SYNTAX, span(pair), "`=` compares nothing")
                    .help("write `==` to compare")
                    .fix("write `==`", "==");
                self.report(error);
                CompareOp::Equal
            }
            _ => CompareOp::Equal,
        }
    }

    pub(super) fn sum(&mut self, pair: Pair<'_>) -> Expr {
        let mut minus = false;
        let mut parts: Vec<(bool, Expr)> = vec![];
        for inner in pair.into_inner() {
            if inner.as_rule() == Rule::sum_op {
                minus = inner.as_str() == "-";
            } else {
                let part = self.product(inner);
                parts.push((minus, part));
            }
        }
        if parts.len() == 1 {
            return parts.swap_remove(0).1;
        }
        let span = covering(parts.iter().map(|(_, part)| part.span));
        Expr { span, kind: ExprKind::Sum(parts) }
    }

    fn product(&mut self, pair: Pair<'_>) -> Expr {
        let mut parts = vec![];
        for inner in pair.into_inner().filter(|inner| inner.as_rule() == Rule::unary) {
            parts.push(self.unary(inner));
        }
        joined(parts, ExprKind::Product)
    }

    fn unary(&mut self, pair: Pair<'_>) -> Expr {
        let whole = source::trimmed(self.source.text, span(&pair));
        let mut negative = false;
        let mut operand = Expr { span: whole, kind: ExprKind::Missing };
        for inner in pair.into_inner() {
            if inner.as_rule() == Rule::minus {
                negative = true;
            } else {
                operand = self.operand(inner);
            }
        }
        if !negative {
            return operand;
        }
        // A sign before a number is a part of it, so that the least number of 64 bits can be written.
        let kind = match operand.kind {
            ExprKind::Literal(LiteralKind::Number(text)) => {
                ExprKind::Literal(LiteralKind::Number(format!("-{text}")))
            }
            ExprKind::Literal(LiteralKind::Money(text, unit)) => {
                ExprKind::Literal(LiteralKind::Money(format!("-{text}"), unit))
            }
            ExprKind::Literal(LiteralKind::Duration(text)) => {
                ExprKind::Literal(LiteralKind::Duration(format!("-{text}")))
            }
            ExprKind::Literal(LiteralKind::Percent(text)) => {
                ExprKind::Literal(LiteralKind::Percent(format!("-{text}")))
            }
            kind => ExprKind::Negative(Box::new(Expr { span: operand.span, kind })),
        };
        Expr { span: whole, kind }
    }

    fn operand(&mut self, pair: Pair<'_>) -> Expr {
        let place = span(&pair);
        let kind = match pair.as_rule() {
            Rule::paren => return self.paren(pair),
            Rule::name => ExprKind::Name(pair.as_str().to_owned()),
            Rule::bool => ExprKind::Bool(pair.as_str() == "true"),
            Rule::has => {
                let mut parts = pair.into_inner().skip(1);
                let name = match parts.next() {
                    Some(name) if name.as_rule() == Rule::name => self.name(&name),
                    _ => {
                        self.report(SyntaxError::new(
                            codes::SYNTAX,
                            source::trimmed(self.source.text, place),
                            "expected the name of an optional fact after `has`",
                        ));
                        Name { text: String::new(), span: place }
                    }
                };
                ExprKind::Has(name)
            }
            Rule::missing_operand => {
                self.missing_operand(place);
                ExprKind::Missing
            }
            _ => ExprKind::Literal(self.quantity(&pair)),
        };
        Expr { span: place, kind }
    }

    /// Of operators in a row only the first is told to lack its operand.
    fn missing_operand(&mut self, place: Span) {
        let Some(lacking) = self.source.before(place.start) else {
            self.report(SyntaxError::new(codes::SYNTAX, place, "expected a condition"));
            return;
        };
        let before = self.source.before(lacking.span.start).map(|token| token.span);
        if before.is_none() || before != self.lacking {
            self.report(recover::missing_operand(&self.source, lacking));
        }
        self.lacking = Some(lacking.span);
    }

    fn paren(&mut self, pair: Pair<'_>) -> Expr {
        let before = self.errors.len();
        let mut whole = span(&pair);
        let mut kind = ExprKind::Missing;
        let mut open = whole;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::open_paren => open = span(&part),
                Rule::or_expr => kind = self.or_expr(part).kind,
                Rule::missing_paren => {
                    whole = source::trimmed(self.source.text, whole);
                    if self.errors.len() == before {
                        let last = self.source.before(whole.end).map_or(open, |token| token.span);
                        self.report(
                            SyntaxError::new(codes::UNCLOSED, open, "this `(` is not closed")
                                .and_at(last, "expected `)` after this"),
                        );
                    }
                }
                _ => {}
            }
        }
        Expr { span: whole, kind }
    }
}

fn covering(spans: impl Iterator<Item = Span>) -> Span {
    spans.reduce(Span::cover).unwrap_or_default()
}

fn joined(mut parts: Vec<Expr>, join: fn(Vec<Expr>) -> ExprKind) -> Expr {
    if parts.len() == 1 {
        return parts.swap_remove(0);
    }
    Expr { span: covering(parts.iter().map(|part| part.span)), kind: join(parts) }
}

/// A word as the right side of a comparison or the entry of a list.
pub(super) fn word(pair: &Pair<'_>) -> Expr {
    let kind = match pair.as_str() {
        "true" => ExprKind::Bool(true),
        "false" => ExprKind::Bool(false),
        text => ExprKind::Name(text.to_owned()),
    };
    Expr { span: span(pair), kind }
}
