//! Tests of texts and of the elements of sets.

use ordain_ir::{CompareOp, ElementTest, Glob, TextTest};
use regex_automata::meta::Regex;

use crate::ConditionError;
use crate::prepared::{Element, Prepared};
use crate::schema::{Kind, Schema};

/// The largest program of one regular expression, in bytes; the `regex` crate's own default.
const PATTERN_LIMIT: usize = 10 << 20;

#[derive(Debug)]
pub(crate) enum TextMatcher {
    /// By number.
    Equals(u32),
    Like(Glob),
    Matches(Box<Regex>),
    Contains(Box<str>),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
}

/// A test of one element of a set.
#[derive(Debug)]
pub(crate) enum ElementMatcher {
    Not(Box<Self>),
    AnyOf(Box<[Self]>),
    /// By number, ascending.
    OneOf(Box<[u32]>),
    Text(TextMatcher),
    Compare(CompareOp, i64),
}

/// The library's outer errors only say which of its stages failed.
fn innermost(mut error: &dyn std::error::Error) -> String {
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

impl TextMatcher {
    pub(crate) fn new(test: &TextTest, schema: &mut Schema) -> Result<Self, ConditionError> {
        Ok(match test {
            TextTest::Equals(text) => Self::Equals(schema.symbols.intern(text)),
            TextTest::Like(glob) => Self::Like(glob.clone()),
            TextTest::Contains(text) => Self::Contains(text.as_str().into()),
            TextTest::StartsWith(text) => Self::StartsWith(text.as_str().into()),
            TextTest::EndsWith(text) => Self::EndsWith(text.as_str().into()),
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

    pub(crate) fn matches(&self, symbol: u32, text: &str) -> bool {
        match self {
            Self::Equals(wanted) => symbol == *wanted,
            Self::Like(glob) => glob.matches(text),
            Self::Matches(regex) => regex.is_match(text),
            Self::Contains(part) => text.contains(&**part),
            Self::StartsWith(part) => text.starts_with(&**part),
            Self::EndsWith(part) => text.ends_with(&**part),
        }
    }
}

impl ElementMatcher {
    pub(crate) fn new(test: &ElementTest, schema: &mut Schema) -> Result<Self, ConditionError> {
        Ok(match test {
            ElementTest::Not(inner) => Self::Not(Box::new(Self::new(inner, schema)?)),
            ElementTest::AnyOf(tests) => {
                Self::AnyOf(tests.iter().map(|test| Self::new(test, schema)).collect::<Result<_, _>>()?)
            }
            ElementTest::OneOf(words) => {
                let mut words: Box<[u32]> = words.iter().map(|word| schema.symbols.intern(word)).collect();
                words.sort_unstable();
                Self::OneOf(words)
            }
            ElementTest::Text(test) => Self::Text(TextMatcher::new(test, schema)?),
            ElementTest::Compare { op, bound } => Self::Compare(*op, *bound),
        })
    }

    /// The kind of set whose elements it tests; `None` if it tests nothing.
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Not(inner) => inner.kind(),
            Self::AnyOf(tests) => tests.iter().find_map(Self::kind),
            Self::OneOf(_) | Self::Text(_) => Some(Kind::SetOfTexts),
            Self::Compare(..) => Some(Kind::SetOfNumbers),
        }
    }

    /// Whether an element passes; one of another kind than declared never gets into a prepared request.
    pub(crate) fn matches(&self, element: Element, request: &Prepared) -> bool {
        match (self, element) {
            (Self::Not(inner), element) => !inner.matches(element, request),
            (Self::AnyOf(tests), element) => tests.iter().any(|test| test.matches(element, request)),
            (Self::OneOf(words), Element::Text(symbol, _)) => words.binary_search(&symbol).is_ok(),
            (Self::Text(test), Element::Text(symbol, piece)) => test.matches(symbol, request.text(piece)),
            (Self::Compare(op, bound), Element::Number(number)) => op.holds(&number, bound),
            (Self::OneOf(_) | Self::Text(_), Element::Number(_)) | (Self::Compare(..), Element::Text(..)) => {
                false
            }
        }
    }
}
