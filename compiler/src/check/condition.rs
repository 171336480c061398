//! The types of conditions. What passes here evaluates to true or false on every request that fits the
//! declarations: optional facts are read only where `has` has made sure of them, units match, nothing
//! overflows.

use std::collections::BTreeSet;

use ordain_grammar::ast::{Expr, ExprKind, LiteralKind, TextOp};
use ordain_grammar::suggest::nearest;
use ordain_ir::{CompareOp, Condition, Fact, FactName, ScopeSelector, Span, TextTest, Type, codes};

use super::linear::Linear;
use super::{Checker, literal, pattern};
use crate::resolve::Meaning;

/// Atoms in one condition, with every `let` put in.
const MAX_ATOMS: usize = 4096;
/// Depth of one condition, with every `let` put in.
const MAX_CONDITION_DEPTH: usize = 64;

/// What an expression is.
#[derive(Clone, Debug)]
pub(super) enum Typed {
    /// Something wrong that has been reported.
    Poison,
    /// A condition.
    Truth(Truth),
    /// A number.
    Number(Linear),
    /// A fact of type `string`.
    Text(FactName),
    /// A text literal.
    Literal(String),
    /// A fact of an `enum` type.
    Word(Fact),
    /// A scope.
    Scope(ScopeSelector),
}

impl Typed {
    fn description(&self) -> String {
        match self {
            Self::Poison => "nothing".to_owned(),
            Self::Truth(_) => "a condition".to_owned(),
            Self::Number(number) => number.unit.description(),
            Self::Text(_) | Self::Literal(_) => "a text".to_owned(),
            Self::Word(fact) => format!("a word of `{}`", fact.name),
            Self::Scope(_) => "a scope".to_owned(),
        }
    }
}

/// A condition, with the optional facts that are present wherever it is true, and wherever it is false.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    pub(super) condition: Condition,
    if_true: BTreeSet<FactName>,
    if_false: BTreeSet<FactName>,
    atoms: usize,
    depth: usize,
}

impl Truth {
    fn atom(condition: Condition) -> Self {
        Self { condition, if_true: BTreeSet::new(), if_false: BTreeSet::new(), atoms: 1, depth: 1 }
    }

    fn negated(self) -> Self {
        Self {
            condition: self.condition.negate(),
            if_true: self.if_false,
            if_false: self.if_true,
            atoms: self.atoms,
            depth: self.depth + 1,
        }
    }
}

/// The optional facts that are known to be present at some place in a condition.
#[derive(Clone, Debug, Default)]
pub(super) struct Guards {
    present: BTreeSet<FactName>,
    /// Something before was wrong and might have been a guard, so that a missing one is no news.
    unsure: bool,
}

impl Checker<'_> {
    /// Reads the condition of a policy; `None` after an error.
    pub(super) fn condition(&mut self, expr: &Expr) -> Option<Condition> {
        self.prepare_condition(expr);
        self.truth(expr, &Guards::default()).map(|truth| truth.condition)
    }

    /// Reads an expression that must be a condition.
    fn truth(&mut self, expr: &Expr, guards: &Guards) -> Option<Truth> {
        match self.infer(expr, guards) {
            Typed::Truth(truth) => Some(truth),
            Typed::Poison => None,
            other => {
                let message = format!("expected a condition, found {}", other.description());
                let error = self.error(codes::TYPE_MISMATCH, expr.span, message);
                self.report(match &other {
                    Typed::Number(_) | Typed::Text(_) | Typed::Word(_) => {
                        error.help("compare it with something, such as `== …`")
                    }
                    _ => error,
                });
                None
            }
        }
    }

    pub(super) fn infer(&mut self, expr: &Expr, guards: &Guards) -> Typed {
        match &expr.kind {
            ExprKind::Missing => Typed::Poison,
            ExprKind::Or(parts) => self.junction(expr, parts, guards, false),
            ExprKind::And(parts) => self.junction(expr, parts, guards, true),
            ExprKind::Not(inner) => self
                .truth(inner, guards)
                .map_or(Typed::Poison, |truth| self.bounded(expr.span, truth.negated())),
            ExprKind::Compare { left, op, op_span, right } => {
                let found = self.compare(left, *op, *op_span, right, expr.span, guards);
                found.map_or(Typed::Poison, Typed::Truth)
            }
            ExprKind::In { left, set } => self
                .membership(left, set, guards)
                .map_or(Typed::Poison, |truth| self.bounded(expr.span, truth)),
            ExprKind::Text { left, op, op_span, right } => self
                .text_test(left, *op, *op_span, right, guards)
                .map_or(Typed::Poison, |condition| Typed::Truth(Truth::atom(condition))),
            ExprKind::Has(name) => self.has(&name.text, name.span),
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
    fn junction(&mut self, expr: &Expr, parts: &[Expr], guards: &Guards, all: bool) -> Typed {
        let mut guards = guards.clone();
        let mut read: Vec<Truth> = vec![];
        let mut failed = false;
        for part in parts {
            if let Some(truth) = self.truth(part, &guards) {
                guards.present.extend(if all { &truth.if_true } else { &truth.if_false }.iter().cloned());
                read.push(truth);
            } else {
                (failed, guards.unsure) = (true, true);
            }
        }
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
        match self.view.value(name) {
            Ok(Meaning::Fact(_, entry)) => {
                let Some(fact) = &entry.fact else { return Typed::Poison };
                self.fact_value(fact, span, guards)
            }
            Ok(Meaning::Let(package, name, _)) => self.expand(package, name),
            Ok(Meaning::Policy(..)) => Typed::Poison,
            Err(unresolved) => {
                if let Some(Meaning::Policy(_, kind, _)) = self.view.anything(name) {
                    let message = format!("`{name}` is a {kind}, not a fact");
                    let error = self.error(codes::WRONG_KIND, span, message);
                    self.report(error.help("a limit follows a rule with a clause of its own: `when rule …`"));
                } else {
                    self.unknown_name(name, span, "fact", unresolved);
                }
                Typed::Poison
            }
        }
    }

    fn fact_value(&mut self, fact: &Fact, span: Span, guards: &Guards) -> Typed {
        if fact.optional && !guards.present.contains(&fact.name) {
            if !guards.unsure {
                let name = &fact.name;
                let message = format!("`{name}` is optional and may be absent here");
                let error = self.error(codes::UNGUARDED_OPTIONAL, span, message);
                self.report(error.help(format!("ask first: `has {name} and …`")));
            }
            return Typed::Poison;
        }
        match &fact.ty {
            Type::Bool => Typed::Truth(Truth::atom(Condition::Fact(fact.name.clone()))),
            Type::String => Typed::Text(fact.name.clone()),
            Type::Enum { .. } => Typed::Word(fact.clone()),
            _ => Linear::fact(fact).map_or(Typed::Poison, Typed::Number),
        }
    }

    fn has(&mut self, name: &str, span: Span) -> Typed {
        if name.is_empty() {
            return Typed::Poison;
        }
        match self.view.value(name) {
            Ok(Meaning::Fact(fact, entry)) => {
                match &entry.fact {
                    Some(declared) if !declared.optional => {
                        let error =
                            self.error(codes::TYPE_MISMATCH, span, format!("`{name}` is always present"));
                        self.report(
                            error.help("`has` is for facts that are declared `optional`; leave it out"),
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

    /// Reads an expression that must be a number.
    fn number(&mut self, expr: &Expr, guards: &Guards) -> Option<Linear> {
        match self.infer(expr, guards) {
            Typed::Number(number) => Some(number),
            Typed::Poison => None,
            other => {
                let message = format!("expected a number, found {}", other.description());
                let error = self.error(codes::TYPE_MISMATCH, expr.span, message);
                self.report(error);
                None
            }
        }
    }

    fn exact(&mut self, span: Span, number: Option<Linear>) -> Typed {
        if let Some(number) = number {
            return Typed::Number(number);
        }
        self.overflow(span);
        Typed::Poison
    }

    fn overflow(&mut self, span: Span) {
        let error = self.error(codes::OVERFLOW, span, "the numbers in this are too large");
        self.report(
            error.help("factors and bounds have 64 bits, counted in the finest unit that takes part"),
        );
    }

    fn sum(&mut self, expr: &Expr, parts: &[(bool, Expr)], guards: &Guards) -> Typed {
        let mut total: Option<Linear> = None;
        let mut failed = false;
        for (minus, part) in parts {
            let Some(number) = self.number(part, guards) else {
                failed = true;
                continue;
            };
            let Some(number) = (if *minus { number.negated() } else { Some(number) }) else {
                self.overflow(part.span);
                return Typed::Poison;
            };
            total = match total {
                None => Some(number),
                Some(total) if total.unit != number.unit => {
                    let message = format!(
                        "{} cannot be added to {}",
                        number.unit.description(),
                        total.unit.description()
                    );
                    let error = self.error(codes::UNIT_MISMATCH, part.span, message);
                    self.report(error);
                    return Typed::Poison;
                }
                Some(total) => {
                    let Some(total) = total.plus(number) else {
                        self.overflow(expr.span);
                        return Typed::Poison;
                    };
                    Some(total)
                }
            };
        }
        match total {
            Some(total) if !failed => Typed::Number(total),
            _ => Typed::Poison,
        }
    }

    fn product(&mut self, expr: &Expr, parts: &[Expr], guards: &Guards) -> Typed {
        let mut total: Option<Linear> = None;
        for part in parts {
            let Some(number) = self.number(part, guards) else { return Typed::Poison };
            total = Some(match total {
                None => number,
                Some(total) => {
                    if !total.is_constant() && !number.is_constant() {
                        let error = self.error(codes::NONLINEAR, expr.span, "two facts cannot be multiplied");
                        self.report(
                            error.help("one factor must be a number; declare a fact that holds the product"),
                        );
                        return Typed::Poison;
                    }
                    let plain = literal::Unit::Plain;
                    let (factor, value) = if number.is_constant() && number.unit == plain {
                        (number, total)
                    } else {
                        (total, number)
                    };
                    if !factor.is_constant() || factor.unit != plain {
                        let message = format!("{} is no factor", factor.unit.description());
                        let error = self.error(codes::UNIT_MISMATCH, expr.span, message);
                        self.report(error.help("multiply with a plain number"));
                        return Typed::Poison;
                    }
                    let Some(product) = value.times(&factor) else {
                        self.overflow(expr.span);
                        return Typed::Poison;
                    };
                    product
                }
            });
        }
        total.map_or(Typed::Poison, Typed::Number)
    }

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

    fn compare(
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
    fn membership(&mut self, left: &Expr, set: &[Expr], guards: &Guards) -> Option<Truth> {
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

    fn text_test(
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
