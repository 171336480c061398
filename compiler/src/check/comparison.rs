//! Comparisons.

use std::collections::BTreeSet;

use ordain_grammar::KEYWORDS;
use ordain_grammar::ast::{Expr, ExprKind, LiteralKind};
use ordain_grammar::suggest::nearest;
use ordain_ir::{CompareOp, Condition, Fact, FactName, Span, TextTest, Type, codes};

use super::Checker;
use super::arithmetic::Operand;
use super::condition::{Guards, Truth, Typed};
use crate::resolve::Meaning;

/// A comparison, and where it is written.
pub(super) type Operator = (CompareOp, Span);

impl<'a> Checker<'a> {
    /// The type of the fact that an expression names, if it does.
    fn type_named(&self, expr: &Expr) -> Option<&'a Type> {
        let ExprKind::Name(name) = &expr.kind else { return None };
        if self.is_parameter(name) {
            return None;
        }
        match self.view.value(name) {
            Ok(Meaning::Fact(_, entry)) => entry.fact.as_ref().map(|fact| &fact.ty),
            _ => None,
        }
    }

    fn enum_named(&self, expr: &Expr) -> bool {
        matches!(self.type_named(expr), Some(Type::Enum { .. }))
    }

    pub(super) fn compare(
        &mut self,
        left: &Expr,
        op: Operator,
        right: &Expr,
        whole: Span,
        guards: &mut Guards,
    ) -> Option<Truth> {
        for (fact, word) in [(left, right), (right, left)] {
            let is_word = matches!(word.kind, ExprKind::Name(_) | ExprKind::Literal(LiteralKind::Text(_)));
            match self.type_named(fact) {
                // A word stands beside the fact that it belongs to, and need not be a name.
                Some(Type::Enum { .. }) if is_word && !self.enum_named(word) => {
                    let Typed::Word(fact) = self.infer(fact, guards) else { return None };
                    let word = self.word(&fact, word)?;
                    let is = Condition::OneOf { fact, words: BTreeSet::from([word]) };
                    return self.equality(op, "words of an enumeration", Truth::atom(is));
                }
                // A text is compared with a literal only, so an unknown name beside it lacks its quotation marks.
                Some(Type::String) if self.unquoted(word) => return None,
                Some(Type::Set { .. }) => {
                    self.set_compared(fact, op, word, (left, right), whole, guards);
                    return None;
                }
                _ => {}
            }
        }
        let (left_type, right_type) = (self.infer(left, guards), self.infer(right, guards));
        match (left_type, right_type) {
            (Typed::Poison, _) | (_, Typed::Poison) => None,
            (Typed::Number(a), Typed::Number(b)) => {
                self.compare_numbers((&a, left), op.0, (&b, right), whole).map(Truth::atom)
            }
            (Typed::Text(fact), Typed::Literal(text)) | (Typed::Literal(text), Typed::Text(fact)) => {
                let is = Condition::Text { fact, test: TextTest::Equals(text) };
                self.equality(op, "texts", Truth::atom(is))
            }
            (Typed::Truth(truth), Typed::Truth(constant)) | (Typed::Truth(constant), Typed::Truth(truth))
                if matches!(constant.condition, Condition::True | Condition::False) =>
            {
                let truth = if constant.condition == Condition::False { truth.negated() } else { truth };
                self.equality(op, "conditions", truth)
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
            (Typed::Word(a), Typed::Word(b)) => self.compare_words(&a, &b, op, whole),
            (Typed::Truth(_), Typed::Truth(_)) => {
                let error = self.error(codes::TYPE_MISMATCH, whole, "two conditions cannot be compared");
                self.report(error.help("write it with `and`, `or` and `not`"));
                None
            }
            (a, b) => {
                let message = format!("{} cannot be compared with {}", a.description(), b.description());
                let error = self.error(codes::TYPE_MISMATCH, whole, message);
                self.report(match (&a, &b) {
                    (Typed::Word(fact), _) | (_, Typed::Word(fact)) => error.help(self.words_of(fact)),
                    _ => error,
                });
                None
            }
        }
    }

    /// Two facts over the same words.
    fn compare_words(&mut self, a: &FactName, b: &FactName, op: Operator, whole: Span) -> Option<Truth> {
        let (first, second) = (self.declared(a)?, self.declared(b)?);
        let (Type::Enum { variants }, true) = (&first.ty, first.ty == second.ty) else {
            let message = format!("`{a}` and `{b}` have different words");
            let error = self.error(codes::TYPE_MISMATCH, whole, message);
            self.report(error.help("two facts can be compared where both are declared with the same words"));
            return None;
        };
        let is = |fact: &FactName, word: &String| Condition::OneOf {
            fact: fact.clone(),
            words: BTreeSet::from([word.clone()]),
        };
        let both = variants.iter().map(|word| Condition::and([is(a, word), is(b, word)]));
        let truth = Truth { atoms: 2 * variants.len(), depth: 3, ..Truth::atom(Condition::or(both)) };
        self.equality(op, "words of an enumeration", truth)
    }

    /// `==` and `!=` of something that has no order.
    fn equality(&mut self, (op, span): Operator, what: &str, is: Truth) -> Option<Truth> {
        match op {
            CompareOp::Equal => Some(is),
            CompareOp::NotEqual => Some(is.negated()),
            _ => {
                let error = self.error(codes::NO_ORDER, span, format!("{what} have no order"));
                self.report(error.help("they can be compared with `==` and `!=`"));
                None
            }
        }
    }

    pub(super) fn compare_numbers(
        &mut self,
        left: Operand<'_>,
        op: CompareOp,
        right: Operand<'_>,
        whole: Span,
    ) -> Option<Condition> {
        if left.0.unit != right.0.unit {
            let message = format!(
                "{} cannot be compared with {}",
                left.0.unit.description(),
                right.0.unit.description()
            );
            self.units(message, whole, left, right);
            return None;
        }
        if self.too_precise(left, op, right) || self.out_of_range(left, op, right) {
            return None;
        }
        let difference = right.0.clone().negated().and_then(|right| left.0.clone().plus(right));
        let condition = difference.and_then(|difference| difference.compared_to_zero(op));
        if condition.is_none() {
            self.overflow(whole);
        }
        condition
    }

    /// A fact that has fewer digits than the number that it is to equal.
    fn too_precise(&mut self, left: Operand<'_>, op: CompareOp, right: Operand<'_>) -> bool {
        if !matches!(op, CompareOp::Equal | CompareOp::NotEqual) {
            return false;
        }
        for ((fact, _), (number, expr)) in [(left, right), (right, left)] {
            let Some(name) = fact.lone_fact().filter(|_| number.is_constant()) else { continue };
            let Some(declared) = self.declared(name) else { continue };
            let scale = declared.ty.element().scale().filter(|scale| *scale == fact.scale);
            let Some(scale) = scale else { continue };
            if number.nearest(scale).is_some_and(|(below, above)| below != above) {
                let holds = if op == CompareOp::Equal { "never" } else { "always" };
                let subject = subject(declared);
                let message =
                    format!("{subject} is never exactly {}, so this {holds} holds", number.constant_text());
                let error = self.error(codes::TOO_PRECISE, expr.span, message);
                self.report(error.help(match scale {
                    0 => format!("{subject} is a whole number"),
                    1 => format!("{subject} has one digit after the point"),
                    _ => format!("{subject} has {scale} digits after the point"),
                }));
                return true;
            }
        }
        false
    }

    /// Facts compared with a number that they never reach, so that the outcome is always the same.
    fn out_of_range(&mut self, left: Operand<'_>, op: CompareOp, right: Operand<'_>) -> bool {
        let ranges = |name: &FactName| self.declared(name).and_then(|fact| fact.range);
        for ((facts, facts_expr), (number, expr), op) in [(left, right, op), (right, left, op.mirrored())] {
            if facts.is_constant() || !number.is_constant() {
                continue;
            }
            let Some((least, greatest)) = facts.range(ranges) else { continue };
            let scale = facts.scale.max(number.scale);
            let scaled =
                |value: i128, from: u8| value.checked_mul(10_i128.checked_pow((scale - from).into())?);
            let (Some(low), Some(high), Some(value)) = (
                scaled(least, facts.scale),
                scaled(greatest, facts.scale),
                scaled(number.constant, number.scale),
            ) else {
                continue;
            };
            if (low..=high).contains(&value) {
                continue;
            }
            let holds = if op.holds(&low, &value) { "always" } else { "never" };
            let write = |value: i128| facts.unit.written(value, facts.scale);
            let subject = match facts.lone_fact().and_then(|name| self.declared(name)) {
                Some(declared) => subject(declared),
                None => "the other side".to_owned(),
            };
            let message =
                format!("{subject} never reaches {}, so this {holds} holds", number.constant_text());
            let error = self.error(codes::OUT_OF_RANGE, expr.span, message);
            let error = error.help(format!("it lies between {} and {}", write(least), write(greatest)));
            let told = facts_expr.span == expr.span || facts.lone_fact().is_some();
            self.report(if told {
                error
            } else {
                error.and_at(self.path, facts_expr.span, "the other side")
            });
            return true;
        }
        false
    }

    /// What the words of an enumeration are.
    pub(super) fn words_of(&self, fact: &FactName) -> String {
        match self.declared(fact).map(|fact| fact.ty.element()) {
            Some(Type::Enum { variants }) => format!("its words are {}", listed(variants)),
            _ => format!("`{fact}` has no words"),
        }
    }

    /// A word of an enumeration, or of one in a set.
    pub(super) fn word(&mut self, fact: &FactName, expr: &Expr) -> Option<String> {
        match self.declared(fact).map(|fact| fact.ty.element()) {
            Some(Type::Enum { variants }) => self.variant(fact, variants, expr),
            _ => None,
        }
    }

    /// One of these words, which `fact` or its elements may be.
    pub(super) fn variant(&mut self, fact: &FactName, variants: &[String], expr: &Expr) -> Option<String> {
        if matches!(expr.kind, ExprKind::Missing) {
            return None;
        }
        let words = || format!("its words are {}", listed(variants));
        let (word, quoted) = match &expr.kind {
            ExprKind::Name(word) => (self.word_bound(word), false),
            ExprKind::Literal(LiteralKind::Text(word)) => (word.clone(), true),
            _ => {
                let error =
                    self.error(codes::TYPE_MISMATCH, expr.span, format!("expected a word of `{fact}`"));
                self.report(error.help(words()));
                return None;
            }
        };
        if variants.contains(&word) {
            // What means something else in the language can't always stand without them.
            if quoted && !KEYWORDS.contains(&word.as_str()) {
                let message = format!("the words of `{fact}` stand without quotation marks");
                let error = self.error(codes::QUOTED_WORD, expr.span, message);
                self.report(
                    error
                        .help(format!("write `{word}`"))
                        .fix(format!("write `{word}`"), word.as_str())
                        .certain(),
                );
                return None;
            }
            return Some(word);
        }
        let error = self.error(codes::UNKNOWN_WORD, expr.span, format!("`{word}` is no word of `{fact}`"));
        self.report(match nearest(&word, variants.iter().map(String::as_str)) {
            Some(near) => error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near),
            None => error.help(words()),
        });
        None
    }

    /// Whether a word is no name and so lacks its quotation marks, and says so.
    pub(super) fn unquoted(&mut self, expr: &Expr) -> bool {
        let ExprKind::Name(text) = &expr.kind else { return false };
        if self.is_parameter(text) || self.view.anything(text).is_some() {
            return false;
        }
        let quoted = format!("\"{text}\"");
        let message = format!("`{text}` is no fact, and a text stands in quotation marks");
        let error = self.error(codes::UNQUOTED_TEXT, expr.span, message);
        self.report(
            error.help(format!("write `{quoted}`")).fix(format!("write `{quoted}`"), quoted).certain(),
        );
        true
    }
}

/// What a comparison speaks of.
fn subject(fact: &Fact) -> String {
    match fact.ty {
        Type::Set { .. } => format!("an element of `{}`", fact.name),
        _ => format!("`{}`", fact.name),
    }
}

/// Words for a message; of many only the first.
pub(super) fn listed(words: &[String]) -> String {
    const SHOWN: usize = 12;
    let list: Vec<String> = words.iter().take(SHOWN).map(|word| format!("`{word}`")).collect();
    let more = if words.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", list.join(", "))
}
