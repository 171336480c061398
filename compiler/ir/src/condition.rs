//! Conditions over facts: checked, total, without spans, with every `let` expanded.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{FactName, Glob, wire_enum};

wire_enum! {
    /// A comparison of numbers.
    pub enum CompareOp {
        /// `<`
        Less = "<",
        /// `<=`
        LessEqual = "<=",
        /// `==`
        Equal = "==",
        /// `!=`
        NotEqual = "!=",
        /// `>=`
        GreaterEqual = ">=",
        /// `>`
        Greater = ">",
    }
}

impl CompareOp {
    /// Whether `left op right` holds.
    pub fn holds<T: Ord>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessEqual => left <= right,
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::GreaterEqual => left >= right,
            Self::Greater => left > right,
        }
    }

    /// The comparison that means the same with its sides exchanged.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessEqual => Self::GreaterEqual,
            Self::Equal | Self::NotEqual => self,
            Self::GreaterEqual => Self::LessEqual,
            Self::Greater => Self::Less,
        }
    }

    /// The comparison that holds exactly where this one doesn't.
    #[must_use]
    pub const fn negated(self) -> Self {
        match self {
            Self::Less => Self::GreaterEqual,
            Self::LessEqual => Self::Greater,
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::GreaterEqual => Self::Less,
            Self::Greater => Self::LessEqual,
        }
    }
}

/// A test of one string fact. Characters are Unicode scalar values; nothing is normalised or case-folded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextTest {
    /// Equal to this text.
    Equals(String),
    /// The whole text matches the glob.
    Like(Glob),
    /// The regular expression matches somewhere in the text (syntax of the `regex` crate, Unicode on).
    Matches(String),
    /// This text occurs.
    Contains(String),
    /// Begins with this text.
    StartsWith(String),
    /// Ends with this text.
    EndsWith(String),
}

/// A test of one element of a set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ElementTest {
    /// The contrary.
    Not(Box<Self>),
    /// At least one of these passes, at least two; says what `in { … }` says of texts and numbers.
    AnyOf(Vec<Self>),
    /// The word is one of these; for sets of an `enum`.
    OneOf(BTreeSet<String>),
    /// The text passes the test; for sets of `string`.
    Text(TextTest),
    /// `element op bound`, in units of the element type's scale; for sets of numbers.
    Compare {
        /// The comparison.
        op: CompareOp,
        /// The right-hand side.
        bound: i64,
    },
}

impl ElementTest {
    /// The test that passes exactly where this one doesn't.
    #[must_use]
    pub fn negate(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }
}

/// A boolean condition. Evaluating it never fails: an atom that reads an absent optional fact is false, and
/// the type checker lets such an atom stand only where a `has` guard makes that case irrelevant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Always.
    True,
    /// Never.
    False,
    /// The contrary.
    Not(Box<Self>),
    /// All of them; true if there is none.
    And(Vec<Self>),
    /// At least one of them; false if there is none.
    Or(Vec<Self>),
    /// The optional fact is present.
    Has(FactName),
    /// The `bool` fact is true.
    Fact(FactName),
    /// `Σ coefficient · fact  op  bound`, everything in units of one common scale. The compiler guarantees
    /// that the coefficients' magnitudes add up to less than 2^62, so 128 bits hold the sum.
    Compare {
        /// Number facts with their coefficients, sorted by name, none zero, none twice, at least one.
        terms: Vec<(FactName, i64)>,
        /// The comparison.
        op: CompareOp,
        /// The right-hand side.
        bound: i64,
    },
    /// The `enum` fact is one of these words.
    OneOf {
        /// The fact.
        fact: FactName,
        /// Declared words of it.
        words: BTreeSet<String>,
    },
    /// The `string` fact passes the test.
    Text {
        /// The fact.
        fact: FactName,
        /// The test.
        test: TextTest,
    },
    /// Some element of the `set` fact passes the test; never in an empty set. "Every element passes" is "not
    /// any element fails".
    Any {
        /// The fact.
        fact: FactName,
        /// The test.
        test: ElementTest,
    },
}

impl Condition {
    /// Conjunction, flattened, without trivial parts.
    pub fn and(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::join(parts, Self::True, Self::False, Self::And, |c| match c {
            Self::And(inner) => Ok(inner),
            other => Err(other),
        })
    }

    /// Disjunction, flattened, without trivial parts.
    pub fn or(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::join(parts, Self::False, Self::True, Self::Or, |c| match c {
            Self::Or(inner) => Ok(inner),
            other => Err(other),
        })
    }

    fn join(
        parts: impl IntoIterator<Item = Self>,
        neutral: Self,
        absorbing: Self,
        make: fn(Vec<Self>) -> Self,
        open: fn(Self) -> Result<Vec<Self>, Self>,
    ) -> Self {
        let mut out: Vec<Self> = vec![];
        for part in parts {
            if part == absorbing {
                return absorbing;
            }
            match open(part) {
                Ok(inner) => out.extend(inner),
                Err(part) if part == neutral => {}
                Err(part) => out.push(part),
            }
        }
        match out.len() {
            0 => neutral,
            1 => out.remove(0),
            _ => make(out),
        }
    }

    /// Negation; double negation and constants vanish.
    #[must_use]
    pub fn negate(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Adds every fact that the condition reads to `into`.
    pub fn collect_facts(&self, into: &mut BTreeSet<FactName>) {
        match self {
            Self::True | Self::False => {}
            Self::Not(inner) => inner.collect_facts(into),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.collect_facts(into)),
            Self::Has(fact)
            | Self::Fact(fact)
            | Self::OneOf { fact, .. }
            | Self::Text { fact, .. }
            | Self::Any { fact, .. } => {
                if !into.contains(fact) {
                    into.insert(fact.clone());
                }
            }
            Self::Compare { terms, .. } => {
                for (fact, _) in terms {
                    if !into.contains(fact) {
                        into.insert(fact.clone());
                    }
                }
            }
        }
    }
}
