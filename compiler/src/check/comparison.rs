//! Tests of values in conditions: comparisons, sets, and tests of texts.

use std::collections::BTreeSet;

use ordain_grammar::ast::{Expr, ExprKind, LiteralKind, TextOp};
use ordain_grammar::suggest::nearest;
use ordain_ir::{CompareOp, Condition, Fact, Span, TextTest, Type, codes};

use super::condition::{Guards, Truth, Typed};
use super::linear::Linear;
use super::{Checker, literal, pattern};
use crate::resolve::Meaning;

impl Checker<'_> {
    /// The type of the fact that an expression names, if it does.
    fn type_named(&self, expr: &Expr) -> Option<&Type> {
        let ExprKind::Name(name) = &expr.kind else { return None };
        match self.view.value(name) {
            Ok(Meaning::Fact(_, entry)) => entry.fact.as_ref().map(|fact| &fact.ty),
            _ => None,
        }
    }

    fn enum_named(&self, expr: &Expr) -> bool {
        matches!(self.type_named(expr), Some(Type::Enum { .. }))
    }

    fn text_named(&self, expr: &Expr) -> bool {
        matches!(self.type_named(expr), Some(Type::String))
    }

    pub(super) fn compare(
        &mut self,
        left: &Expr,
        op: CompareOp,
        op_span: Span,
        right: &Expr,
        whole: Span,
        guards: &Guards,
    ) -> Option<Truth> {
        // A word stands beside the fact that it belongs to, and need not be a name.
        for (fact, word) in [(left, right), (right, left)] {
            let is_word = matches!(word.kind, ExprKind::Name(_) | ExprKind::Literal(LiteralKind::Text(_)));
            if self.enum_named(fact) && is_word && !self.enum_named(word) {
                let Typed::Word(fact) = self.infer(fact, guards) else { return None };
                let word = self.word(&fact, word)?;
                let is = Condition::OneOf { fact: fact.name, words: BTreeSet::from([word]) };
                return self.equality(op, op_span, "words of an enumeration", Truth::atom(is));
            }
        }
        // A text is compared with a literal only, so an unknown name beside it lacks its quotation marks.
        for (fact, word) in [(left, right), (right, left)] {
            if let ExprKind::Name(text) = &word.kind
                && self.text_named(fact)
                && self.view.anything(text).is_none()
            {
                let error = self.error(codes::UNKNOWN_NAME, word.span, format!("unknown fact `{text}`"));
                let quoted = format!("\"{text}\"");
                self.report(
                    error.help("write texts in quotation marks").fix(format!("write `{quoted}`"), quoted),
                );
                return None;
            }
        }
        let (left_type, right_type) = (self.infer(left, guards), self.infer(right, guards));
        match (left_type, right_type) {
            (Typed::Poison, _) | (_, Typed::Poison) => None,
            (Typed::Number(a), Typed::Number(b)) => {
                self.compare_numbers((a, left), op, (b, right), whole).map(Truth::atom)
            }
            (Typed::Text(fact), Typed::Literal(text)) | (Typed::Literal(text), Typed::Text(fact)) => {
                let is = Condition::Text { fact, test: TextTest::Equals(text) };
                self.equality(op, op_span, "texts", Truth::atom(is))
            }
            (Typed::Truth(truth), Typed::Truth(constant)) | (Typed::Truth(constant), Typed::Truth(truth))
                if matches!(constant.condition, Condition::True | Condition::False) =>
            {
                let truth = if constant.condition == Condition::False { truth.negated() } else { truth };
                self.equality(op, op_span, "conditions", truth)
            }
            (a @ (Typed::Text(_) | Typed::Literal(_)), b @ (Typed::Text(_) | Typed::Literal(_))) => {
                let both = if matches!((a, b), (Typed::Literal(_), _)) { "literals" } else { "facts" };
                let error = self.error(
                    codes::TYPE_MISMATCH,
                    whole,
                    format!("two {both} that are texts cannot be compared"),
                );
                self.report(error.help("compare one fact with one text in quotation marks"));
                None
            }
            (Typed::Word(a), Typed::Word(b)) => self.compare_words(&a, &b, op, op_span, whole),
            (Typed::Truth(_), Typed::Truth(_)) => {
                let error = self.error(codes::TYPE_MISMATCH, whole, "two conditions cannot be compared");
                self.report(error.help("write it with `and`, `or` and `not`"));
                None
            }
            (a, b) => {
                let message = format!("{} cannot be compared with {}", a.description(), b.description());
                let error = self.error(codes::TYPE_MISMATCH, whole, message);
                self.report(error);
                None
            }
        }
    }

    /// Two facts over the same words.
    fn compare_words(
        &mut self,
        a: &Fact,
        b: &Fact,
        op: CompareOp,
        op_span: Span,
        whole: Span,
    ) -> Option<Truth> {
        let (Type::Enum { variants }, true) = (&a.ty, a.ty == b.ty) else {
            let message = format!("`{}` and `{}` have different words", a.name, b.name);
            let error = self.error(codes::TYPE_MISMATCH, whole, message);
            self.report(error);
            return None;
        };
        let is = |fact: &Fact, word: &String| Condition::OneOf {
            fact: fact.name.clone(),
            words: BTreeSet::from([word.clone()]),
        };
        let both = variants.iter().map(|word| Condition::and([is(a, word), is(b, word)]));
        let truth = Truth { atoms: 2 * variants.len(), depth: 3, ..Truth::atom(Condition::or(both)) };
        self.equality(op, op_span, "words of an enumeration", truth)
    }

    /// `==` and `!=` of something that has no order.
    fn equality(&mut self, op: CompareOp, op_span: Span, what: &str, is: Truth) -> Option<Truth> {
        match op {
            CompareOp::Equal => Some(is),
            CompareOp::NotEqual => Some(is.negated()),
            _ => {
                let error = self.error(codes::TYPE_MISMATCH, op_span, format!("{what} have no order"));
                self.report(error.help("they can be compared with `==` and `!=`"));
                None
            }
        }
    }

    fn compare_numbers(
        &mut self,
        (left, left_expr): (Linear, &Expr),
        op: CompareOp,
        (right, right_expr): (Linear, &Expr),
        whole: Span,
    ) -> Option<Condition> {
        if left.unit != right.unit {
            let message =
                format!("{} cannot be compared with {}", left.unit.description(), right.unit.description());
            let mut error = self.error(codes::UNIT_MISMATCH, whole, message);
            // A bare number beside something with a unit: the unit is most likely what is missing.
            for (bare, other) in [((&left, left_expr), &right), ((&right, right_expr), &left)] {
                let (literal::Unit::Plain, ExprKind::Literal(LiteralKind::Number(text))) =
                    (&bare.0.unit, &bare.1.kind)
                else {
                    continue;
                };
                match &other.unit {
                    literal::Unit::Money(currency) => {
                        error.primary.iter_mut().for_each(|label| label.span = bare.1.span);
                        let text = format!("{text} {currency}");
                        error = error.help(format!("write `{text}`")).fix(format!("write `{text}`"), text);
                    }
                    literal::Unit::Duration => {
                        error.primary.iter_mut().for_each(|label| label.span = bare.1.span);
                        error = error.help(format!("a length of time has a unit, such as `{text}s`"));
                    }
                    literal::Unit::Plain => {}
                }
                break;
            }
            self.report(error);
            return None;
        }
        let out_of_range = self.out_of_range(&left, &right, left_expr, right_expr);
        if out_of_range {
            return None;
        }
        let condition =
            right.negated().and_then(|right| left.plus(right)).and_then(|sum| sum.compared_to_zero(op));
        if condition.is_none() {
            self.overflow(whole);
        }
        condition
    }

    /// A fact compared with a number that it never reaches.
    fn out_of_range(&mut self, left: &Linear, right: &Linear, left_expr: &Expr, right_expr: &Expr) -> bool {
        for (fact, number, span) in [(left, right, right_expr.span), (right, left, left_expr.span)] {
            let mut terms = fact.terms.iter();
            let (Some((name, 1)), None, 0, true) =
                (terms.next(), terms.next(), fact.constant, number.is_constant())
            else {
                continue;
            };
            let declared = self.names.facts.get(name).and_then(|entry| entry.fact.as_ref());
            let Some(declared) = declared.filter(|fact| fact.range.is_some()) else { continue };
            let (least, greatest) = declared.bounds();
            // In the finer of both scales; what overflows there is out of every range.
            let scale = fact.scale.max(number.scale);
            let scaled =
                |value: i128, from: u8| value.checked_mul(10_i128.checked_pow(u32::from(scale - from))?);
            let value = scaled(number.constant, number.scale);
            let inside = value.is_some_and(|value| {
                scaled(least.into(), fact.scale).is_some_and(|least| least <= value)
                    && scaled(greatest.into(), fact.scale).is_some_and(|greatest| value <= greatest)
            });
            if !inside {
                let write = |value| {
                    let json = ordain_ir::Value::Number(value).to_json(&declared.ty);
                    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
                };
                let message = format!("`{name}` never reaches this value");
                let error = self.error(codes::OUT_OF_RANGE, span, message);
                self.report(error.help(format!("it lies between {} and {}", write(least), write(greatest))));
                return true;
            }
        }
        false
    }

    /// `in { … }`
    pub(super) fn membership(&mut self, left: &Expr, set: &[Expr], guards: &Guards) -> Option<Truth> {
        let subject = self.infer(left, guards);
        let mut failed = false;
        let mut seen: Vec<&ExprKind> = vec![];
        for entry in set {
            if seen.contains(&&entry.kind) {
                let error = self.error(codes::DUPLICATE_NAME, entry.span, "this stands twice in the set");
                self.report(error);
                failed = true;
            }
            seen.push(&entry.kind);
        }
        let conditions: Vec<Condition> = match subject {
            Typed::Poison => return None,
            Typed::Word(fact) => {
                let words: Vec<_> = set.iter().map(|entry| self.word(&fact, entry)).collect();
                let words: Option<BTreeSet<String>> = words.into_iter().collect();
                vec![Condition::OneOf { fact: fact.name, words: words? }]
            }
            Typed::Text(fact) => {
                let mut tests = vec![];
                for entry in set {
                    if let ExprKind::Literal(LiteralKind::Text(text)) = &entry.kind {
                        tests.push(Condition::Text {
                            fact: fact.clone(),
                            test: TextTest::Equals(text.clone()),
                        });
                    } else {
                        let error =
                            self.error(codes::TYPE_MISMATCH, entry.span, format!("`{fact}` is a text"));
                        self.report(match &entry.kind {
                            ExprKind::Name(word) => error
                                .help("write texts in quotation marks")
                                .fix(format!("write `\"{word}\"`"), format!("\"{word}\"")),
                            _ => error,
                        });
                        failed = true;
                    }
                }
                tests
            }
            Typed::Number(number) => {
                let mut tests = vec![];
                for entry in set {
                    let Some(value) = self.number(entry, guards) else {
                        failed = true;
                        continue;
                    };
                    let span = left.span.cover(entry.span);
                    match self.compare_numbers((number.clone(), left), CompareOp::Equal, (value, entry), span)
                    {
                        Some(test) => tests.push(test),
                        None => failed = true,
                    }
                }
                tests
            }
            other => {
                let message = format!("{} is in no set", other.description());
                let error = self.error(codes::TYPE_MISMATCH, left.span, message);
                self.report(error.help("sets are for words, texts and numbers"));
                return None;
            }
        };
        if failed {
            return None;
        }
        let atoms = conditions.len();
        Some(Truth { atoms, depth: 2, ..Truth::atom(Condition::or(conditions)) })
    }

    /// A word of an enumeration.
    fn word(&mut self, fact: &Fact, expr: &Expr) -> Option<String> {
        let Type::Enum { variants } = &fact.ty else { return None };
        let (ExprKind::Name(word) | ExprKind::Literal(LiteralKind::Text(word))) = &expr.kind else {
            let message = format!("expected a word of `{}`", fact.name);
            let error = self.error(codes::TYPE_MISMATCH, expr.span, message);
            self.report(error.help(format!("its words are {}", variants.join(", "))));
            return None;
        };
        if variants.contains(word) {
            return Some(word.clone());
        }
        let error =
            self.error(codes::UNKNOWN_WORD, expr.span, format!("`{word}` is no word of `{}`", fact.name));
        self.report(match nearest(word, variants.iter().map(String::as_str)) {
            Some(near) => error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near),
            None => error.help(format!("its words are {}", variants.join(", "))),
        });
        None
    }

    pub(super) fn text_test(
        &mut self,
        left: &Expr,
        op: TextOp,
        op_span: Span,
        right: &Expr,
        guards: &Guards,
    ) -> Option<Condition> {
        let subject = self.infer(left, guards);
        let ExprKind::Literal(LiteralKind::Text(text)) = &right.kind else {
            if !matches!(right.kind, ExprKind::Missing) {
                let message = format!("expected a text in quotation marks after `{}`", op.as_str());
                let error = self.error(codes::TYPE_MISMATCH, right.span, message);
                self.report(error);
            }
            return None;
        };
        let fact = match subject {
            Typed::Text(fact) => fact,
            Typed::Poison => return None,
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
        let test = match op {
            TextOp::Like => pattern::glob(text).map(TextTest::Like),
            TextOp::Matches => pattern::regex(text).map(|()| TextTest::Matches(text.clone())),
            TextOp::Contains => Ok(TextTest::Contains(text.clone())),
            TextOp::StartsWith => Ok(TextTest::StartsWith(text.clone())),
            TextOp::EndsWith => Ok(TextTest::EndsWith(text.clone())),
        };
        match test {
            Ok(test) => Some(Condition::Text { fact, test }),
            Err(message) => {
                let error = self.error(codes::BAD_PATTERN, right.span, message);
                self.report(error);
                None
            }
        }
    }
}
