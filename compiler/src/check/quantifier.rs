//! `any` and `all`: tests of the elements of sets.
//!
//! Every test becomes [`Condition::Any`]: that all elements pass is that none fails. On the empty set `any` is
//! false and `all` is true.

use std::collections::BTreeSet;

use ordain_grammar::ast::{Expr, ExprKind};
use ordain_ir::diagnostic::Fix;
use ordain_ir::{CompareOp, Condition, ElementTest, FactName, Span, TextTest, Type, codes};

use super::Checker;
use super::comparison::Operator;
use super::condition::{Guards, Truth, Typed};
use super::linear::Linear;
use super::literal::Unit;
use crate::resolve::Meaning;

impl Checker<'_> {
    /// `any` or `all`, with the test behind it.
    pub(super) fn quantified(
        &mut self,
        all: bool,
        keyword: Span,
        test: &Expr,
        guards: &mut Guards,
    ) -> Option<Truth> {
        let word = if all { "all" } else { "any" };
        let left = match &test.kind {
            ExprKind::Compare { left, .. }
            | ExprKind::In { left, .. }
            | ExprKind::InNamed { left, .. }
            | ExprKind::Text { left, .. } => left,
            ExprKind::Missing => return None,
            _ => {
                let error =
                    self.error(codes::NOT_A_SET, test.span, format!("`{word}` wants a test of a set"));
                self.report(error.help(format!("write for example `{word} labels == \"pii\"`")));
                return None;
            }
        };
        let fact = match self.infer(left, guards) {
            Typed::Set(fact) => fact,
            Typed::Poison => return None,
            other => {
                let message =
                    format!("`{word}` tests the elements of a set, and this is {}", other.description());
                let mut error = self.error(codes::NOT_A_SET, left.span, message);
                if self.set_on_the_right(test) {
                    error = error.help("write the set on the left side of the test");
                } else {
                    let span = Span { start: keyword.start, end: test.span.start };
                    error = error.help(format!("leave `{word}` out"));
                    error.fixes.push(Fix {
                        title: format!("remove `{word}`"),
                        file: self.path.to_owned(),
                        span,
                        replacement: String::new(),
                        certain: true,
                    });
                }
                self.report(error);
                return None;
            }
        };
        let test = self.element_test(&fact, test)?;
        let atoms = if let ElementTest::AnyOf(tests) = &test { tests.len() } else { 1 };
        let condition = if all {
            Condition::Any { fact, test: test.negate() }.negate()
        } else {
            Condition::Any { fact, test }
        };
        Some(Truth { atoms, ..Truth::atom(condition) })
    }

    fn set_on_the_right(&self, test: &Expr) -> bool {
        let ExprKind::Compare { right, .. } = &test.kind else { return false };
        let ExprKind::Name(name) = &right.kind else { return false };
        let fact: FactName = name.as_str().into();
        self.declared(&fact).is_some_and(|fact| matches!(fact.ty, Type::Set { .. }))
    }

    /// What the test says of one element.
    fn element_test(&mut self, fact: &FactName, test: &Expr) -> Option<ElementTest> {
        match &test.kind {
            ExprKind::Compare { left, op, op_span, right } => {
                self.element_comparison(fact, left, (*op, *op_span), right)
            }
            ExprKind::In { set, .. } => self.element_in(fact, set),
            ExprKind::InNamed { list, .. } => {
                let entries = self.list_named(list, Some(fact))?;
                self.with_list(list, |this| this.element_in(fact, &entries))
            }
            ExprKind::Text { op, op_span, right, .. } => {
                let element = self.declared(fact)?.ty.element();
                if *element != Type::String {
                    let message =
                        format!("`{}` tests texts, and `{fact}` is a set of `{element}`", op.as_str());
                    let error = self.error(codes::TYPE_MISMATCH, *op_span, message);
                    self.report(error.help("write `==`, another comparison, or `in { … }`"));
                    return None;
                }
                let text = self.text_literal(*op, right)?;
                self.text_pattern(*op, text, right.span).map(ElementTest::Text)
            }
            _ => None,
        }
    }

    fn element_in(&mut self, fact: &FactName, set: &[Expr]) -> Option<ElementTest> {
        let repeated = self.repeated_entries(set);
        let tests: Vec<_> = set.iter().map(|entry| self.element_equals(fact, entry)).collect();
        let tests: Vec<ElementTest> = tests.into_iter().collect::<Option<_>>()?;
        if repeated {
            return None;
        }
        let mut words = BTreeSet::new();
        let mut others = vec![];
        for test in tests {
            match test {
                ElementTest::OneOf(more) => words.extend(more),
                other => others.push(other),
            }
        }
        match others.len() {
            0 => Some(ElementTest::OneOf(words)),
            1 => others.pop(),
            _ => Some(ElementTest::AnyOf(others)),
        }
    }

    /// That an element is what an expression says.
    pub(super) fn element_equals(&mut self, fact: &FactName, expr: &Expr) -> Option<ElementTest> {
        let op = (CompareOp::Equal, expr.span);
        self.element_comparison(fact, expr, op, expr)
    }

    fn element_comparison(
        &mut self,
        fact: &FactName,
        left: &Expr,
        (op, op_span): Operator,
        right: &Expr,
    ) -> Option<ElementTest> {
        if matches!(right.kind, ExprKind::Missing) {
            return None;
        }
        let declared = self.declared(fact)?;
        let element = declared.ty.element();
        if let ExprKind::Name(name) = &right.kind
            && !matches!(element, Type::Enum { variants } if variants.contains(name))
            && let Ok(Meaning::Fact(_, other)) = self.view.value(name)
        {
            match other.fact.as_ref().map(|other| &other.ty) {
                Some(Type::Set { .. }) => self.two_sets(right.span),
                Some(_) => self.not_constant(right),
                None => {}
            }
            return None;
        }
        let (test, what) = match element {
            Type::Enum { .. } => {
                (ElementTest::OneOf(BTreeSet::from([self.word(fact, right)?])), "words of an enumeration")
            }
            Type::String => {
                if self.unquoted(right) {
                    return None;
                }
                let text = match self.infer(right, &mut Guards::before(right)) {
                    Typed::Literal(text) => text,
                    Typed::Poison => return None,
                    other => {
                        self.element_mismatch(fact, element, &other, right);
                        return None;
                    }
                };
                (ElementTest::Text(TextTest::Equals(text)), "texts")
            }
            _ => {
                let value = match self.infer(right, &mut Guards::before(right)) {
                    Typed::Number(value) => value,
                    Typed::Poison => return None,
                    other => {
                        self.element_mismatch(fact, element, &other, right);
                        return None;
                    }
                };
                return self.element_number(fact, element, left, op, (&value, right));
            }
        };
        match op {
            CompareOp::Equal => Some(test),
            CompareOp::NotEqual => Some(test.negate()),
            _ => {
                let error = self.error(codes::NO_ORDER, op_span, format!("{what} have no order"));
                self.report(error.help("they can be compared with `==` and `!=`"));
                None
            }
        }
    }

    fn element_mismatch(&mut self, fact: &FactName, element: &Type, found: &Typed, expr: &Expr) {
        let message = format!("`{fact}` is a set of `{element}`, and this is {}", found.description());
        let error = self.error(codes::TYPE_MISMATCH, expr.span, message);
        self.report(error);
    }

    fn two_sets(&mut self, span: Span) {
        let error = self.error(codes::TYPE_MISMATCH, span, "two sets cannot be compared");
        self.report(
            error.help(
                "test the elements of one against values that are written here, such as `all … in { … }`",
            ),
        );
    }

    fn element_number(
        &mut self,
        fact: &FactName,
        element: &Type,
        left: &Expr,
        op: CompareOp,
        (value, right): (&Linear, &Expr),
    ) -> Option<ElementTest> {
        if !value.is_constant() {
            self.not_constant(right);
            return None;
        }
        let (unit, scale) = (Unit::of(element)?, element.scale()?);
        // An element as a number of its own, for the checks that every comparison of numbers goes through.
        let own = Linear { unit, terms: [(fact.clone(), 1)].into(), constant: 0, scale };
        self.compare_numbers((&own, left), op, (value, right), right.span)?;
        let Some((below, above)) = value.nearest(scale) else {
            self.overflow(right.span);
            return None;
        };
        // Between two elements that can be, the side of the bound decides.
        Some(match op {
            CompareOp::Less if below != above => {
                ElementTest::Compare { op: CompareOp::LessEqual, bound: below }
            }
            CompareOp::Greater if below != above => {
                ElementTest::Compare { op: CompareOp::GreaterEqual, bound: above }
            }
            CompareOp::Less | CompareOp::LessEqual | CompareOp::Equal | CompareOp::NotEqual => {
                ElementTest::Compare { op, bound: below }
            }
            CompareOp::GreaterEqual | CompareOp::Greater => ElementTest::Compare { op, bound: above },
        })
    }

    fn not_constant(&mut self, expr: &Expr) {
        let error = self.error(
            codes::NOT_CONSTANT,
            expr.span,
            "the elements of a set are tested against values that are written here, not against facts",
        );
        self.report(error.help("write a literal"));
    }

    /// Says that a set is compared as if it were one value.
    pub(super) fn set_compared(
        &mut self,
        set: &Expr,
        (op, op_span): Operator,
        other: &Expr,
        (left, right): (&Expr, &Expr),
        whole: Span,
        guards: &mut Guards,
    ) {
        let Typed::Set(fact) = self.infer(set, guards) else { return };
        if !self.is_literal_or_word(other) {
            match self.infer(other, guards) {
                Typed::Poison => return,
                Typed::Set(_) => {
                    self.two_sets(whole);
                    return;
                }
                _ => {}
            }
        }
        let message = format!("`{fact}` is a set: ask for any or for all of its elements");
        let mut error = self.error(codes::MISSING_QUANTIFIER, whole, message);
        let fix = |title: String, span: Span, replacement: String| Fix {
            title,
            file: self.path.to_owned(),
            span,
            replacement,
            certain: false,
        };
        if set.span != left.span || right.span == left.span {
            error = error.help(format!("write `any {fact} …`, with the set on the left side"));
        } else if op == CompareOp::Equal {
            error = error.help(format!("write `{fact} contains …`"));
            error.fixes.push(fix("write `contains`".to_owned(), op_span, "contains".to_owned()));
        } else {
            error = error.help(format!("write `any {fact} …` or `all {fact} …`"));
            let start = Span { start: left.span.start, end: left.span.start };
            error.fixes.push(fix(format!("write `any {fact}`"), start, "any ".to_owned()));
        }
        self.report(error);
    }

    /// Whether an expression is a literal, or a name that means nothing by itself.
    fn is_literal_or_word(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Literal(_) => true,
            ExprKind::Name(name) => !self.is_parameter(name) && self.view.anything(name).is_none(),
            _ => false,
        }
    }
}
