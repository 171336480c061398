//! Random questions about conditions, far beyond the finite world: numbers of any size, sums, texts of any length,
//! regular expressions.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use ordain_ir::{CompareOp, Condition, ElementTest, Fact, FactName, Glob, TextTest, Type};

use super::pattern::{LETTERS, Patterns};
use crate::random::Random;

/// The facts that questions are about.
pub static FACTS: LazyLock<BTreeMap<FactName, Fact>> = LazyLock::new(|| {
    let words = ["low", "mid", "high", "top"].map(str::to_owned).to_vec();
    let set = |of| Type::Set { of: Box::new(of) };
    let fact = |name: &str, ty: Type, range: Option<(i64, i64)>, optional: bool| Fact {
        name: name.into(),
        ty,
        range,
        optional,
        opaque: false,
        doc: String::new(),
    };
    [
        fact("attended", Type::Bool, None, false),
        fact("approved", Type::Bool, None, true),
        fact("class", Type::Enum { variants: words.clone() }, None, true),
        fact("count", Type::Int, None, false),
        fact("spare", Type::Int, Some((-40, 60)), true),
        fact("tokens.in", Type::Int, Some((0, 2_000_000)), false),
        fact("tokens.out", Type::Int, Some((0, 2_000_000)), false),
        fact("price", Type::Money { currency: "USD".to_owned() }, Some((0, 5_000_000_000)), false),
        fact("tool", Type::String, None, false),
        fact("note", Type::String, None, true),
        fact("labels", set(Type::String), None, false),
        fact("levels", set(Type::Enum { variants: words }), None, true),
        fact("ports", set(Type::Int), Some((0, 65_535)), false),
    ]
    .map(|fact| (fact.name.clone(), fact))
    .into()
});

/// Whether all of the first can hold while none of the others does.
#[derive(Clone, Debug)]
pub struct Question {
    /// Those that hold.
    pub inside: Vec<Condition>,
    /// Those that don't.
    pub outside: Vec<Condition>,
    /// The meaning of the regular expressions in them.
    pub patterns: Patterns,
}

impl Question {
    /// The same for the same seed.
    pub fn random(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let names: Vec<FactName> = FACTS.keys().cloned().collect();
        // Few facts, so that the conditions have something to do with each other.
        let facts = (0..3 + random.below(3)).map(|_| random.pick(&names)).collect();
        let mut writer = Writer { random: &mut random, facts, patterns: Patterns::default() };
        let inside = (0..=writer.random.below(3)).map(|_| writer.condition(2)).collect();
        let outside = (0..writer.random.below(2)).map(|_| writer.condition(2)).collect();
        Self { inside, outside, patterns: writer.patterns }
    }

    /// The question as one condition.
    pub fn whole(&self) -> Condition {
        let not = self.outside.iter().map(|condition| Condition::Not(Box::new(condition.clone())));
        Condition::And(self.inside.iter().cloned().chain(not).collect())
    }
}

/// Tests of one text, each with the outcome that is asked for.
pub fn text_tests(seed: u64) -> (Vec<(TextTest, bool)>, Patterns) {
    let mut random = Random::new(seed);
    let mut writer = Writer { random: &mut random, facts: vec![], patterns: Patterns::default() };
    let count = 1 + writer.random.below(4);
    let mut tests: Vec<(TextTest, bool)> = vec![];
    while tests.len() < count {
        let test = writer.text_test();
        if tests.iter().all(|(known, _)| *known != test) {
            tests.push((test, writer.random.chance(60)));
        }
    }
    (tests, writer.patterns)
}

struct Writer<'r> {
    random: &'r mut Random,
    facts: Vec<FactName>,
    patterns: Patterns,
}

impl Writer<'_> {
    fn condition(&mut self, depth: usize) -> Condition {
        let parts = |writer: &mut Self| {
            (0..2 + writer.random.below(2)).map(|_| writer.condition(depth - 1)).collect()
        };
        match if depth == 0 { 9 } else { self.random.below(8) } {
            0..=2 => Condition::And(parts(self)),
            3 => Condition::Or(parts(self)),
            4 => Condition::Not(Box::new(self.condition(depth - 1))),
            _ => self.atom(),
        }
    }

    fn atom(&mut self) -> Condition {
        let fact = self.random.pick(&self.facts.clone());
        let declared = &FACTS[&fact];
        if declared.optional && self.random.chance(25) {
            return Condition::Has(fact);
        }
        match &declared.ty {
            Type::Bool => Condition::Fact(fact),
            Type::Enum { variants } => {
                let words = variants.iter().filter(|_| self.random.chance(50)).cloned().collect();
                Condition::OneOf { fact, words }
            }
            Type::String => Condition::Text { fact, test: self.text_test() },
            Type::Set { of } => Condition::Any { test: self.element_test(of, 2), fact },
            _ => self.comparison(fact),
        }
    }

    /// Of one fact, or of a sum of up to three.
    fn comparison(&mut self, fact: FactName) -> Condition {
        let number = |name: &FactName| FACTS[name].ty.scale().is_some();
        let mut terms = BTreeMap::from([(fact, self.random.pick(&[1, 1, 1, 2, -1, -3]))]);
        for _ in 0..self.random.below(3) {
            let other = self.random.pick(&self.facts.clone());
            if number(&other) {
                terms.insert(other, self.random.pick(&[1, 1, -1, 2, -5]));
            }
        }
        let bound = match self.random.below(4) {
            0 => self.random.between(-3, 3),
            1 => self.random.between(-60, 100),
            2 => self.random.between(0, 4_000_000),
            _ => self.random.pick(&[i64::MIN, i64::MAX, 0, 1_999_999, 4_000_000]),
        };
        let op = self.random.pick(CompareOp::ALL);
        Condition::Compare { terms: terms.into_iter().collect(), op, bound }
    }

    fn word(&mut self) -> String {
        (0..self.random.below(4)).map(|_| self.random.pick(&LETTERS)).collect()
    }

    fn text_test(&mut self) -> TextTest {
        match self.random.below(8) {
            0 => TextTest::Equals(self.word()),
            1 => TextTest::Contains(self.word()),
            2 => TextTest::StartsWith(self.word()),
            3 => TextTest::EndsWith(self.word()),
            4 | 5 => {
                let piece = |writer: &mut Self| match writer.random.below(4) {
                    0 => "*".to_owned(),
                    1 => "?".to_owned(),
                    _ => writer.random.pick(&LETTERS).to_string(),
                };
                let text: String = (0..=self.random.below(5)).map(|_| piece(self)).collect();
                TextTest::Like(Glob::parse(&text).expect("no backslash"))
            }
            _ => TextTest::Matches(self.patterns.random(self.random)),
        }
    }

    fn element_test(&mut self, of: &Type, depth: usize) -> ElementTest {
        match if depth == 0 { 9 } else { self.random.below(6) } {
            0 => self.element_test(of, depth - 1).negate(),
            1 => ElementTest::AnyOf(vec![self.element_test(of, depth - 1), self.element_test(of, depth - 1)]),
            _ => match of {
                Type::String => ElementTest::Text(self.text_test()),
                Type::Enum { variants } => {
                    ElementTest::OneOf(variants.iter().filter(|_| self.random.chance(40)).cloned().collect())
                }
                _ => ElementTest::Compare {
                    op: self.random.pick(CompareOp::ALL),
                    bound: self.random.pick(&[-1, 0, 22, 80, 443, 1_024, 65_535]),
                },
            },
        }
    }
}
