//! Conditions, compiled once and evaluated in three values.

use std::collections::BTreeMap;

use ordain_ir::{CompareOp, Condition, ElementTest, Fact, FactName, Glob, Request, TextTest, Value};
use regex_automata::meta::Regex;

use crate::{ConditionError, Mismatch};

/// The largest program of one regular expression, in bytes; the `regex` crate's own default.
const PATTERN_LIMIT: usize = 10 << 20;

/// A truth value, or the first required fact on which it depends and that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth<'a> {
    False,
    Unknown(&'a FactName),
    True,
}

impl Truth<'_> {
    fn of(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }

    fn negated(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::True => Self::False,
            unknown @ Self::Unknown(_) => unknown,
        }
    }

    /// Conjunction: a false part decides, whatever is unknown beside it.
    pub(crate) fn and(self, other: impl FnOnce() -> Result<Self, Mismatch>) -> Result<Self, Mismatch> {
        Ok(match self {
            Self::False => Self::False,
            Self::True => other()?,
            Self::Unknown(_) => match other()? {
                Self::False => Self::False,
                _ => self,
            },
        })
    }
}

/// A condition with its facts resolved and its patterns compiled.
#[derive(Debug)]
pub(crate) enum Test {
    Constant(bool),
    Not(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
    Has(Operand),
    Flag(Operand),
    Compare { terms: Vec<(Operand, i128)>, op: CompareOp, bound: i128 },
    Text { operand: Operand, test: TextMatcher },
    Any { operand: Operand, test: ElementMatcher },
}

/// A test of one element of a set.
#[derive(Debug)]
pub(crate) enum ElementMatcher {
    Not(Box<Self>),
    AnyOf(Vec<Self>),
    Text(TextMatcher),
    Compare(CompareOp, i64),
}

/// A fact as a condition reads it.
#[derive(Debug)]
pub(crate) struct Operand {
    name: FactName,
    optional: bool,
}

#[derive(Debug)]
pub(crate) enum TextMatcher {
    OneOf(Vec<String>),
    Like(Glob),
    Matches(Box<Regex>),
    Contains(String),
    StartsWith(String),
    EndsWith(String),
}

/// A fact's value in a request.
enum Read<'q, 'a> {
    Value(&'q Value),
    /// Optional and left out: tests of it are false.
    Absent,
    /// Required and left out.
    Missing(&'a FactName),
}

impl Test {
    /// Compiles a condition over these declared facts.
    pub(crate) fn new(
        condition: &Condition,
        facts: &BTreeMap<FactName, Fact>,
    ) -> Result<Self, ConditionError> {
        let operand = |name: &FactName| {
            let fact = facts.get(name).ok_or_else(|| ConditionError::UnknownFact(name.clone()))?;
            Ok(Operand { name: name.clone(), optional: fact.optional })
        };
        let all = |parts: &[Condition]| {
            parts.iter().map(|part| Self::new(part, facts)).collect::<Result<Vec<_>, _>>()
        };
        Ok(match condition {
            Condition::True => Self::Constant(true),
            Condition::False => Self::Constant(false),
            Condition::Not(inner) => Self::Not(Box::new(Self::new(inner, facts)?)),
            Condition::And(parts) => Self::And(all(parts)?),
            Condition::Or(parts) => Self::Or(all(parts)?),
            Condition::Has(fact) => Self::Has(operand(fact)?),
            Condition::Fact(fact) => Self::Flag(operand(fact)?),
            Condition::Compare { terms, op, bound } => Self::Compare {
                terms: terms
                    .iter()
                    .map(|(fact, factor)| Ok((operand(fact)?, i128::from(*factor))))
                    .collect::<Result<_, ConditionError>>()?,
                op: *op,
                bound: i128::from(*bound),
            },
            Condition::OneOf { fact, words } => Self::Text {
                operand: operand(fact)?,
                test: TextMatcher::OneOf(words.iter().cloned().collect()),
            },
            Condition::Text { fact, test } => {
                Self::Text { operand: operand(fact)?, test: TextMatcher::new(test)? }
            }
            Condition::Any { fact, test } => {
                Self::Any { operand: operand(fact)?, test: ElementMatcher::new(test)? }
            }
        })
    }

    /// The condition's truth on the request.
    pub(crate) fn evaluate<'a>(&'a self, request: &Request) -> Result<Truth<'a>, Mismatch> {
        match self {
            Self::Constant(holds) => Ok(Truth::of(*holds)),
            Self::Not(inner) => Ok(inner.evaluate(request)?.negated()),
            Self::And(parts) => Self::conjunction(parts.iter().map(|part| part.evaluate(request))),
            // De Morgan, so that both connectives share one definition.
            Self::Or(parts) => {
                let parts = parts.iter().map(|part| part.evaluate(request).map(Truth::negated));
                Ok(Self::conjunction(parts)?.negated())
            }
            Self::Has(operand) => Ok(match operand.read(request) {
                Read::Value(_) => Truth::True,
                Read::Absent => Truth::False,
                Read::Missing(fact) => Truth::Unknown(fact),
            }),
            Self::Flag(operand) => operand.test(request, "bool", |value| match value {
                Value::Bool(flag) => Some(*flag),
                _ => None,
            }),
            Self::Compare { terms, op, bound } => Self::compare(terms, *op, *bound, request),
            Self::Text { operand, test } => operand.test(request, "text", |value| match value {
                Value::Text(text) => Some(test.matches(text)),
                _ => None,
            }),
            Self::Any { operand, test } => operand.test(request, "set", |value| match value {
                Value::Set(items) => {
                    items.iter().try_fold(false, |any, item| Some(any | test.matches(item)?))
                }
                _ => None,
            }),
        }
    }

    fn conjunction<'a>(
        mut parts: impl Iterator<Item = Result<Truth<'a>, Mismatch>>,
    ) -> Result<Truth<'a>, Mismatch> {
        let mut sum = Truth::True;
        while sum != Truth::False {
            let Some(part) = parts.next() else { break };
            sum = sum.and(|| part)?;
        }
        Ok(sum)
    }

    fn compare<'a>(
        terms: &'a [(Operand, i128)],
        op: CompareOp,
        bound: i128,
        request: &Request,
    ) -> Result<Truth<'a>, Mismatch> {
        let (mut sum, mut unknown, mut absent) = (0_i128, None, false);
        for (operand, factor) in terms {
            match operand.read(request) {
                // A factor and a value have 64 bits each, and a condition holds fewer than 2^63 terms.
                Read::Value(Value::Number(number)) => sum += factor * i128::from(*number),
                Read::Value(_) => return Err(operand.mismatch("number")),
                Read::Absent => absent = true,
                Read::Missing(fact) => unknown = unknown.or(Some(fact)),
            }
        }
        Ok(match unknown {
            // One absent operand makes the test false, whatever the missing ones are.
            _ if absent => Truth::False,
            Some(fact) => Truth::Unknown(fact),
            None => Truth::of(op.holds(&sum, &bound)),
        })
    }
}

impl Operand {
    fn read<'q, 'a>(&'a self, request: &'q Request) -> Read<'q, 'a> {
        match request.facts.get(&self.name) {
            Some(value) => Read::Value(value),
            None if self.optional => Read::Absent,
            None => Read::Missing(&self.name),
        }
    }

    fn test<'a>(
        &'a self,
        request: &Request,
        wanted: &'static str,
        holds: impl FnOnce(&Value) -> Option<bool>,
    ) -> Result<Truth<'a>, Mismatch> {
        match self.read(request) {
            Read::Value(value) => holds(value).map(Truth::of).ok_or_else(|| self.mismatch(wanted)),
            Read::Absent => Ok(Truth::False),
            Read::Missing(fact) => Ok(Truth::Unknown(fact)),
        }
    }

    fn mismatch(&self, wanted: &'static str) -> Mismatch {
        Mismatch { fact: self.name.clone(), wanted }
    }
}

impl ElementMatcher {
    fn new(test: &ElementTest) -> Result<Self, ConditionError> {
        Ok(match test {
            ElementTest::Not(inner) => Self::Not(Box::new(Self::new(inner)?)),
            ElementTest::AnyOf(tests) => Self::AnyOf(tests.iter().map(Self::new).collect::<Result<_, _>>()?),
            ElementTest::OneOf(words) => Self::Text(TextMatcher::OneOf(words.iter().cloned().collect())),
            ElementTest::Text(test) => Self::Text(TextMatcher::new(test)?),
            ElementTest::Compare { op, bound } => Self::Compare(*op, *bound),
        })
    }

    /// Whether an element passes; `None` for one of another kind than declared.
    fn matches(&self, element: &Value) -> Option<bool> {
        match (self, element) {
            (Self::Not(inner), element) => inner.matches(element).map(|passes| !passes),
            (Self::AnyOf(tests), element) => {
                tests.iter().try_fold(false, |any, test| Some(any | test.matches(element)?))
            }
            (Self::Text(test), Value::Text(text)) => Some(test.matches(text)),
            (Self::Compare(op, bound), Value::Number(number)) => Some(op.holds(number, bound)),
            (Self::Text(_) | Self::Compare(..), _) => None,
        }
    }
}

/// The library's outer errors only say which of its stages failed.
fn innermost(mut error: &dyn std::error::Error) -> String {
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

impl TextMatcher {
    fn new(test: &TextTest) -> Result<Self, ConditionError> {
        Ok(match test {
            TextTest::Equals(text) => Self::OneOf(vec![text.clone()]),
            TextTest::Like(glob) => Self::Like(glob.clone()),
            TextTest::Contains(text) => Self::Contains(text.clone()),
            TextTest::StartsWith(text) => Self::StartsWith(text.clone()),
            TextTest::EndsWith(text) => Self::EndsWith(text.clone()),
            TextTest::Matches(pattern) => {
                let config = Regex::config().nfa_size_limit(Some(PATTERN_LIMIT));
                let regex = Regex::builder().configure(config).build(pattern);
                Self::Matches(Box::new(regex.map_err(|error| ConditionError::Pattern {
                    pattern: pattern.clone(),
                    reason: innermost(&error),
                })?))
            }
        })
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            // Sorted, since the words come from an ordered set.
            Self::OneOf(words) => words.binary_search_by(|word| word.as_str().cmp(text)).is_ok(),
            Self::Like(glob) => glob.matches(text),
            Self::Matches(regex) => regex.is_match(text),
            Self::Contains(part) => text.contains(part),
            Self::StartsWith(part) => text.starts_with(part),
            Self::EndsWith(part) => text.ends_with(part),
        }
    }
}
