//! Conditions as flat code, evaluated in three values.

use std::collections::BTreeMap;

use ordain_ir::{CompareOp, Condition, Fact, FactName};

use crate::ConditionError;
use crate::pattern::{ElementMatcher, TextMatcher};
use crate::prepared::{Prepared, Slotted};
use crate::schema::{Kind, Schema};

/// A truth value, or the first required fact on which it depends and that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    False,
    Unknown(u32),
    True,
}

impl Truth {
    const fn of(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }

    const fn negated(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::True => Self::False,
            unknown @ Self::Unknown(_) => unknown,
        }
    }

    /// Conjunction: a false part decides, whatever is unknown beside it.
    pub(crate) fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::False => Self::False,
            Self::True => other(),
            Self::Unknown(_) => match other() {
                Self::False => Self::False,
                _ => self,
            },
        }
    }
}

/// What an operation does; numbers lead into the tables of [`Code`]. Kept to twelve bytes, since the conditions of many
/// policies don't fit into the fastest memory otherwise.
#[derive(Clone, Copy, Debug)]
enum Op {
    Constant(bool),
    Not,
    And,
    Or,
    Has(u32),
    Flag(u32),
    /// The fact itself against a bound.
    Compare {
        slot: u32,
        op: CompareOp,
        bound: i32,
    },
    /// A sum, or the fact itself, against a bound of any size.
    Sum(u32),
    Word {
        slot: u32,
        symbol: u32,
    },
    Words {
        slot: u32,
        list: u32,
    },
    Text {
        slot: u32,
        test: u32,
    },
    Any {
        slot: u32,
        test: u32,
    },
}

#[derive(Clone, Copy, Debug)]
struct Instruction {
    op: Op,
    /// One past the last of its parts, which follow it.
    end: u32,
}

/// `Σ factor · fact  op  bound`
#[derive(Debug)]
struct Sum {
    terms: Box<[(u32, i64)]>,
    op: CompareOp,
    bound: i64,
}

/// The conditions of an engine, each an operation before its parts, all in one piece of memory.
#[derive(Debug, Default)]
pub(crate) struct Code {
    instructions: Vec<Instruction>,
    sums: Vec<Sum>,
    /// Words by number, ascending.
    lists: Vec<Box<[u32]>>,
    texts: Vec<TextMatcher>,
    elements: Vec<ElementMatcher>,
}

/// Where a condition begins in a [`Code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start(u32);

/// A part of a conjunction, where it is asked for beside the others: most compare one fact with a bound, which then
/// costs no look into the [`Code`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Test {
    Compare { slot: u32, op: CompareOp, bound: i32 },
    Part(Start),
}

impl Start {
    /// No condition begins here.
    pub(crate) const NONE: Self = Self(u32::MAX);

    /// Where the first part of a connective begins.
    pub(crate) const fn first_part(self) -> Self {
        Self(self.0 + 1)
    }
}

fn number(length: usize) -> u32 {
    u32::try_from(length).expect("a bundle of at most 1 GiB has fewer than 2^32 tests")
}

impl Code {
    /// Adds a condition over these declared facts.
    pub(crate) fn add(
        &mut self,
        condition: &Condition,
        facts: &BTreeMap<FactName, Fact>,
        schema: &mut Schema,
    ) -> Result<Start, ConditionError> {
        let start = self.instructions.len();
        self.instructions.push(Instruction { op: Op::Constant(false), end: 0 });
        let mut parts: &[Condition] = &[];
        let op = match condition {
            Condition::True => Op::Constant(true),
            Condition::False => Op::Constant(false),
            Condition::Not(inner) => {
                parts = std::slice::from_ref(inner);
                Op::Not
            }
            Condition::And(all) => {
                parts = all;
                Op::And
            }
            Condition::Or(any) => {
                parts = any;
                Op::Or
            }
            Condition::Has(fact) => Op::Has(schema.intern_fact(fact, facts)?),
            Condition::Fact(fact) => Op::Flag(schema.intern_fact_of(Kind::Bool, fact, facts)?),
            Condition::Compare { terms, op, bound } => {
                if let ([(fact, 1)], Ok(bound)) = (&**terms, i32::try_from(*bound)) {
                    Op::Compare { slot: schema.intern_fact_of(Kind::Number, fact, facts)?, op: *op, bound }
                } else {
                    let term = |(fact, factor): &(FactName, i64)| {
                        Ok((schema.intern_fact_of(Kind::Number, fact, facts)?, *factor))
                    };
                    let terms = terms.iter().map(term).collect::<Result<_, ConditionError>>()?;
                    self.sums.push(Sum { terms, op: *op, bound: *bound });
                    Op::Sum(number(self.sums.len() - 1))
                }
            }
            Condition::OneOf { fact, words } => {
                let mut list: Box<[u32]> = words.iter().map(|word| schema.symbols.intern(word)).collect();
                list.sort_unstable();
                self.lists.push(list);
                let slot = schema.intern_fact_of(Kind::Text, fact, facts)?;
                Op::Words { slot, list: number(self.lists.len() - 1) }
            }
            Condition::Text { fact, test } => {
                let slot = schema.intern_fact_of(Kind::Text, fact, facts)?;
                match TextMatcher::new(test, schema)? {
                    TextMatcher::Equals(symbol) => Op::Word { slot, symbol },
                    matcher => {
                        self.texts.push(matcher);
                        Op::Text { slot, test: number(self.texts.len() - 1) }
                    }
                }
            }
            Condition::Any { fact, test } => {
                let matcher = ElementMatcher::new(test, schema)?;
                let slot = match matcher.kind() {
                    Some(kind) => schema.intern_fact_of(kind, fact, facts)?,
                    None => schema.intern_fact(fact, facts)?,
                };
                self.elements.push(matcher);
                Op::Any { slot, test: number(self.elements.len() - 1) }
            }
        };
        for part in parts {
            self.add(part, facts, schema)?;
        }
        self.instructions[start] = Instruction { op, end: number(self.instructions.len()) };
        Ok(Start(number(start)))
    }

    /// The parts of a condition, itself if it is no conjunction, but for one of which it is known that it holds, or
    /// for none if that is [`Start::NONE`].
    pub(crate) fn tests(&self, start: Start, known: Start) -> impl Iterator<Item = Test> {
        let Instruction { op, end } = self.instructions[start.0 as usize];
        let apart = matches!(op, Op::And) && start != known;
        let first = if apart { start.first_part() } else { start };
        let within = move |part: &Start| part.0 < end;
        let next = move |part: &Start| Some(self.next(*part)).filter(within);
        let parts = std::iter::successors(Some(first).filter(within), next).filter(move |it| *it != known);
        parts.map(|part| match self.instructions[part.0 as usize].op {
            Op::Compare { slot, op, bound } => Test::Compare { slot, op, bound },
            _ => Test::Part(part),
        })
    }

    /// The conjunction of tests of this code.
    #[inline]
    pub(crate) fn all_hold(
        &self,
        tests: impl IntoIterator<Item = Test>,
        schema: &Schema,
        request: &Prepared,
    ) -> Truth {
        let evaluation = Evaluation { code: self, schema, request };
        let mut all = Truth::True;
        for test in tests {
            let truth = match test {
                Test::Compare { slot, op, bound } => evaluation.compare(slot, op, bound),
                Test::Part(part) => evaluation.truth(part.0),
            };
            match truth {
                Truth::False => return Truth::False,
                Truth::Unknown(_) if all == Truth::True => all = truth,
                Truth::True | Truth::Unknown(_) => {}
            }
        }
        all
    }

    /// The condition's truth on the request.
    pub(crate) fn evaluate(&self, start: Start, schema: &Schema, request: &Prepared) -> Truth {
        Evaluation { code: self, schema, request }.truth(start.0)
    }

    /// Where the part after this one begins.
    pub(crate) fn next(&self, part: Start) -> Start {
        Start(self.instructions[part.0 as usize].end)
    }

    /// Where a part of a conjunction begins, by its place among the parts.
    pub(crate) fn part(&self, conjunction: Start, place: usize) -> Start {
        (0..place).fold(conjunction.first_part(), |part, _| self.next(part))
    }

    /// Gives back memory that was set aside for more conditions.
    pub(crate) fn shrink(&mut self) {
        self.instructions.shrink_to_fit();
        self.sums.shrink_to_fit();
        self.lists.shrink_to_fit();
        self.texts.shrink_to_fit();
        self.elements.shrink_to_fit();
    }
}

#[derive(Clone, Copy)]
struct Evaluation<'a> {
    code: &'a Code,
    schema: &'a Schema,
    request: &'a Prepared,
}

impl Evaluation<'_> {
    fn truth(self, at: u32) -> Truth {
        let Instruction { op, end } = self.code.instructions[at as usize];
        match op {
            Op::Constant(holds) => Truth::of(holds),
            Op::Not => self.truth(at + 1).negated(),
            Op::And => self.conjunction(at + 1, end, Truth::of),
            // De Morgan, so that both connectives share one definition.
            Op::Or => self.conjunction(at + 1, end, |holds| Truth::of(!holds)).negated(),
            Op::Has(slot) => match self.request.slot(slot) {
                Slotted::Missing => self.missing(slot),
                _ => Truth::True,
            },
            Op::Flag(slot) => self.test(slot, |value| value == Slotted::Bool(true)),
            Op::Compare { slot, op, bound } => self.compare(slot, op, bound),
            Op::Sum(sum) => self.sum(&self.code.sums[sum as usize]),
            Op::Word { slot, symbol } => self.test(slot, |value| match value {
                Slotted::Text(word, _) => word == symbol,
                _ => false,
            }),
            Op::Words { slot, list } => self.test(slot, |value| match value {
                Slotted::Text(word, _) => self.code.lists[list as usize].binary_search(&word).is_ok(),
                _ => false,
            }),
            Op::Text { slot, test } => self.test(slot, |value| match value {
                Slotted::Text(symbol, piece) => {
                    self.code.texts[test as usize].matches(symbol, self.request.text(piece))
                }
                _ => false,
            }),
            Op::Any { slot, test } => self.test(slot, |value| match value {
                Slotted::Set(from, to) => {
                    let matcher = &self.code.elements[test as usize];
                    let elements = self.request.elements(from, to);
                    elements.iter().any(|element| matcher.matches(*element, self.request))
                }
                _ => false,
            }),
        }
    }

    #[inline]
    fn compare(self, slot: u32, op: CompareOp, bound: i32) -> Truth {
        self.test(slot, |value| match value {
            Slotted::Number(number) => op.holds(&number, &i64::from(bound)),
            _ => false,
        })
    }

    /// The conjunction of parts; `as_is` keeps their truth, or negates it.
    fn conjunction(self, mut at: u32, end: u32, as_is: fn(bool) -> Truth) -> Truth {
        let mut sum = Truth::True;
        while at < end && sum != Truth::False {
            sum = sum.and(|| match self.truth(at) {
                Truth::True => as_is(true),
                Truth::False => as_is(false),
                unknown @ Truth::Unknown(_) => unknown,
            });
            at = self.code.instructions[at as usize].end;
        }
        sum
    }

    /// What a test of a fact without value comes to: false where it may be absent.
    fn missing(self, slot: u32) -> Truth {
        if self.schema.slots[slot as usize].optional { Truth::False } else { Truth::Unknown(slot) }
    }

    /// A value of another kind than declared never gets into a prepared request, so what `holds` says of one doesn't
    /// matter.
    fn test(self, slot: u32, holds: impl FnOnce(Slotted) -> bool) -> Truth {
        match self.request.slot(slot) {
            Slotted::Missing => self.missing(slot),
            value => Truth::of(holds(value)),
        }
    }

    fn sum(self, Sum { terms, op, bound }: &Sum) -> Truth {
        let (mut sum, mut unknown) = (0_i128, None);
        for (slot, factor) in terms {
            match self.request.slot(*slot) {
                // A factor and a value have 64 bits each, and a condition holds fewer than 2^63 terms.
                Slotted::Number(number) => sum += i128::from(*factor) * i128::from(number),
                _ => match self.missing(*slot) {
                    // One absent operand makes the test false, whatever the missing ones are.
                    Truth::Unknown(slot) => unknown = unknown.or(Some(slot)),
                    _ => return Truth::False,
                },
            }
        }
        unknown.map_or_else(|| Truth::of(op.holds(&sum, &i128::from(*bound))), Truth::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_stay_small() {
        assert_eq!(size_of::<Instruction>(), 16);
    }
}
