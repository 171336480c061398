//! Texts as tools and labels have them, in place of the few short ones of the finite [world](crate::world): what finds
//! policies by the ends of texts has to get along with ends of every length, and with characters of several bytes.

use std::sync::Arc;

use ordain_ir::{Condition, ElementTest, Glob, Policies, Request, TextTest, Type, Value};

use crate::random::Random;

const PARTS: [&str; 10] =
    ["a", "db", "é", "日本", "mail", "export", "deploy", "customer-records", "prod", "\0"];
const BETWEEN: [&str; 4] = [".", "_", "/", ""];

/// The texts that one set of policies and its requests are about, a few.
#[derive(Clone, Debug)]
pub struct Names(Vec<String>);

impl Names {
    /// Names of one to five parts, the empty one among them at times.
    pub fn new(random: &mut Random) -> Self {
        let mut name = || {
            let mut name = String::new();
            for part in 0..random.below(6) {
                if part > 0 {
                    name.push_str(random.pick(&BETWEEN));
                }
                name.push_str(random.pick(&PARTS));
            }
            name
        };
        Self((0..5).map(|_| name()).collect())
    }

    /// One of them, or the beginning of one with the end of another.
    pub fn text(&self, random: &mut Random) -> String {
        let name = random.pick(&self.0);
        if random.chance(70) {
            return name;
        }
        let cut = cut(random, &name);
        name[..cut].to_owned() + &self.end(random)
    }

    fn begin(&self, random: &mut Random) -> String {
        let name = random.pick(&self.0);
        name[..cut(random, &name)].to_owned()
    }

    fn end(&self, random: &mut Random) -> String {
        let name = random.pick(&self.0);
        name[cut(random, &name)..].to_owned()
    }

    /// A test that some of them pass.
    fn test(&self, random: &mut Random) -> TextTest {
        match random.below(10) {
            0 => TextTest::Equals(self.text(random)),
            1 => TextTest::StartsWith(self.begin(random)),
            2 => TextTest::EndsWith(self.end(random)),
            3 => TextTest::Contains(self.part(random)),
            kind => {
                let (begin, part, end) = (self.begin(random), self.part(random), self.end(random));
                let pattern = match kind {
                    4 => format!("{begin}*"),
                    5 => format!("*{end}"),
                    6 => format!("*{part}*"),
                    7 => format!("?*{part}*{end}*"),
                    8 => format!("{begin}*{end}"),
                    _ => format!("{begin}?*{end}"),
                };
                TextTest::Like(Glob::parse(&pattern).expect("names have no backslash in them"))
            }
        }
    }

    fn part(&self, random: &mut Random) -> String {
        let begin = self.begin(random);
        begin[cut(random, &begin)..].to_owned()
    }

    /// Lets the policies ask for these names wherever they ask for texts of any kind, but by regular expressions.
    pub fn respell(&self, random: &mut Random, policies: &mut Policies) {
        let Policies { facts, rules, limits, .. } = policies;
        let free = |fact: &ordain_ir::FactName| facts.get(fact).is_some_and(|fact| fact.ty == Type::String);
        for rule in rules.values_mut() {
            self.reword(random, &mut Arc::make_mut(rule).condition, &free);
        }
        for limit in limits.values_mut() {
            self.reword(random, &mut Arc::make_mut(limit).condition, &free);
        }
    }

    fn reword(
        &self,
        random: &mut Random,
        condition: &mut Condition,
        free: &dyn Fn(&ordain_ir::FactName) -> bool,
    ) {
        match condition {
            Condition::And(parts) | Condition::Or(parts) => {
                for part in parts {
                    self.reword(random, part, free);
                }
            }
            Condition::Not(inner) => self.reword(random, inner, free),
            Condition::Text { test, .. } => self.replace(random, test),
            Condition::OneOf { fact, words } if free(fact) => {
                *words = words.iter().map(|_| self.text(random)).collect();
            }
            Condition::Any { test, .. } => self.reword_element(random, test),
            _ => {}
        }
    }

    fn reword_element(&self, random: &mut Random, test: &mut ElementTest) {
        match test {
            ElementTest::Not(inner) => self.reword_element(random, inner),
            ElementTest::AnyOf(tests) => {
                for test in tests {
                    self.reword_element(random, test);
                }
            }
            ElementTest::Text(test) => self.replace(random, test),
            ElementTest::OneOf(_) | ElementTest::Compare { .. } => {}
        }
    }

    fn replace(&self, random: &mut Random, test: &mut TextTest) {
        if !matches!(test, TextTest::Matches(_)) {
            *test = self.test(random);
        }
    }

    /// Lets a request have such names as texts.
    pub fn rename(&self, random: &mut Random, policies: &Policies, request: &mut Request) {
        for (name, value) in &mut request.facts {
            match (&policies.facts[name].ty, value) {
                (Type::String, Value::Text(text)) => *text = self.text(random),
                (Type::Set { of }, Value::Set(elements)) if **of == Type::String => {
                    *elements = elements.iter().map(|_| Value::Text(self.text(random))).collect();
                }
                _ => {}
            }
        }
    }
}

/// A place between two characters, or at an end.
fn cut(random: &mut Random, text: &str) -> usize {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    random.pick(&places)
}
