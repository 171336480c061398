//! Conditions as SMT-LIB scripts with native strings, for a solver that shares nothing with the product: no boxes, no
//! automata, not even the parser of regular expressions.
//!
//! A set is as many elements as there are tests of it, each in the set or not: for a choice of which tests some
//! element passes, one element for each is enough.

pub mod cvc5;
pub mod generate;
pub mod pattern;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use ordain_ir::glob::GlobPart;
use ordain_ir::{CompareOp, Condition, ElementTest, Fact, FactName, TextTest, Type, Value};

use pattern::Patterns;

/// Writes scripts about some declared facts and regular expressions.
#[derive(Clone, Copy, Debug)]
pub struct Encoder<'a> {
    /// The facts.
    pub facts: &'a BTreeMap<FactName, Fact>,
    /// What each regular expression means.
    pub patterns: &'a Patterns,
}

impl Encoder<'_> {
    /// Declarations of all facts that the condition reads, and the condition: `check-sat` then tells whether it can
    /// hold. With values, whether it holds for these; an optional fact without one is absent.
    ///
    /// # Panics
    /// On facts and patterns that it doesn't know, and on values of another type than declared.
    pub fn script(&self, condition: &Condition, values: Option<&BTreeMap<FactName, Value>>) -> String {
        let mut out = "(set-logic ALL)\n".to_owned();
        let mut tests = BTreeMap::new();
        collect_tests(condition, &mut tests);
        let mut slots: Slots = tests.into_iter().map(|(name, tests)| (name, tests.len())).collect();
        let mut read = BTreeSet::new();
        condition.collect_facts(&mut read);
        for name in &read {
            let fact = &self.facts[name];
            let value = values.map(|values| values.get(name));
            if fact.optional {
                let _ = writeln!(out, "(declare-const |has {name}| Bool)");
                if let Some(value) = value {
                    let _ = writeln!(out, "(assert (= |has {name}| {}))", value.is_some());
                }
            }
            let value = value.flatten();
            assert!(values.is_none() || fact.optional || value.is_some(), "`{name}` lacks a value");
            match (&fact.ty, value) {
                (Type::Set { of }, value) => {
                    let elements = match value {
                        Some(Value::Set(elements)) => Some(elements),
                        Some(other) => panic!("`{name}` is no set: {other:?}"),
                        None => None,
                    };
                    let slots = slots.entry(name.clone()).or_default();
                    *slots = elements.map_or(*slots, BTreeSet::len);
                    for slot in 0..*slots {
                        let _ = writeln!(out, "(declare-const |in {name} {slot}| Bool)");
                        declare(&mut out, &format!("|of {name} {slot}|"), of, fact.bounds());
                    }
                    for (slot, element) in elements.into_iter().flatten().enumerate() {
                        let element = literal(of, element);
                        let _ = writeln!(
                            out,
                            "(assert (and |in {name} {slot}| (= |of {name} {slot}| {element})))"
                        );
                    }
                }
                (ty, value) => {
                    declare(&mut out, &format!("|{name}|"), ty, fact.bounds());
                    if let Some(value) = value {
                        let _ = writeln!(out, "(assert (= |{name}| {}))", literal(ty, value));
                    }
                }
            }
        }
        let _ = writeln!(out, "(assert {})", self.condition(condition, &slots));
        out
    }

    fn condition(&self, condition: &Condition, slots: &Slots) -> String {
        let all = |word: &str, parts: &[Condition]| {
            let parts: Vec<String> = parts.iter().map(|part| self.condition(part, slots)).collect();
            format!("({word} {} {})", word == "and", parts.join(" "))
        };
        let guarded = |names: &[&FactName], atom: String| {
            let optional = names.iter().filter(|name| self.facts[**name].optional);
            let has: Vec<String> = optional.map(|name| format!("|has {name}|")).collect();
            format!("(and true {} {atom})", has.join(" "))
        };
        match condition {
            Condition::True => "true".to_owned(),
            Condition::False => "false".to_owned(),
            Condition::Not(inner) => format!("(not {})", self.condition(inner, slots)),
            Condition::And(parts) => all("and", parts),
            Condition::Or(parts) => all("or", parts),
            Condition::Has(name) => guarded(&[name], "true".to_owned()),
            Condition::Fact(name) => guarded(&[name], format!("|{name}|")),
            Condition::OneOf { fact, words } => {
                guarded(&[fact], one_of(&self.facts[fact].ty, &format!("|{fact}|"), words))
            }
            Condition::Text { fact, test } => guarded(&[fact], self.text(test, &format!("|{fact}|"))),
            Condition::Compare { terms, op, bound } => {
                let products = terms.iter().map(|(name, c)| format!("(* {} |{name}|)", integer(*c)));
                let sum = format!("(+ 0 {})", products.collect::<Vec<_>>().join(" "));
                guarded(
                    &terms.iter().map(|(name, _)| name).collect::<Vec<_>>(),
                    compare(*op, &sum, &integer(*bound)),
                )
            }
            Condition::Any { fact, test } => {
                let of = self.facts[fact].ty.element();
                let some = (0..slots[fact]).map(|slot| {
                    let element = format!("|of {fact} {slot}|");
                    format!("(and |in {fact} {slot}| {})", self.element(test, of, &element))
                });
                guarded(&[fact], format!("(or false {})", some.collect::<Vec<_>>().join(" ")))
            }
        }
    }

    fn element(&self, test: &ElementTest, of: &Type, element: &str) -> String {
        match test {
            ElementTest::Not(inner) => format!("(not {})", self.element(inner, of, element)),
            ElementTest::AnyOf(tests) => {
                let parts = tests.iter().map(|test| self.element(test, of, element));
                format!("(or false {})", parts.collect::<Vec<_>>().join(" "))
            }
            ElementTest::OneOf(words) => one_of(of, element, words),
            ElementTest::Text(test) => self.text(test, element),
            ElementTest::Compare { op, bound } => compare(*op, element, &integer(*bound)),
        }
    }

    /// One test of a text.
    ///
    /// # Panics
    /// On a pattern that it doesn't know.
    pub fn text(&self, test: &TextTest, text: &str) -> String {
        match test {
            TextTest::Equals(other) => format!("(= {text} {})", quoted(other)),
            TextTest::Contains(part) => format!("(str.contains {text} {})", quoted(part)),
            TextTest::StartsWith(part) => format!("(str.prefixof {} {text})", quoted(part)),
            TextTest::EndsWith(part) => format!("(str.suffixof {} {text})", quoted(part)),
            TextTest::Like(glob) => {
                let parts = glob.parts().iter().map(|part| match part {
                    GlobPart::Text(text) => format!("(str.to_re {})", quoted(text)),
                    GlobPart::Any => "re.all".to_owned(),
                    GlobPart::One => "re.allchar".to_owned(),
                });
                let parts: Vec<String> = parts.collect();
                format!("(str.in_re {text} (re.++ (str.to_re \"\") (str.to_re \"\") {}))", parts.join(" "))
            }
            TextTest::Matches(pattern) => format!("(str.in_re {text} {})", self.patterns.script(pattern)),
        }
    }
}

/// How many elements of each set there may be.
type Slots = BTreeMap<FactName, usize>;

fn collect_tests(condition: &Condition, into: &mut BTreeMap<FactName, BTreeSet<ElementTest>>) {
    match condition {
        Condition::Not(inner) => collect_tests(inner, into),
        Condition::And(parts) | Condition::Or(parts) => parts.iter().for_each(|it| collect_tests(it, into)),
        Condition::Any { fact, test } => drop(into.entry(fact.clone()).or_default().insert(test.clone())),
        _ => {}
    }
}

fn declare(out: &mut String, name: &str, ty: &Type, (least, greatest): (i64, i64)) {
    let (sort, bounds) = match ty {
        Type::Bool => ("Bool", None),
        Type::String => ("String", None),
        Type::Enum { variants } => ("Int", Some((0, i64::try_from(variants.len()).expect("few words") - 1))),
        _ => ("Int", Some((least, greatest))),
    };
    let _ = writeln!(out, "(declare-const {name} {sort})");
    if let Some((least, greatest)) = bounds {
        let _ = writeln!(out, "(assert (<= {} {name} {}))", integer(least), integer(greatest));
    }
}

fn one_of(ty: &Type, value: &str, words: &BTreeSet<String>) -> String {
    let Type::Enum { variants } = ty else { panic!("`{value}` has no words") };
    let chosen = variants.iter().enumerate().filter(|(_, word)| words.contains(*word));
    let equal = chosen.map(|(at, _)| format!("(= {value} {at})"));
    format!("(or false {})", equal.collect::<Vec<_>>().join(" "))
}

fn compare(op: CompareOp, left: &str, right: &str) -> String {
    match op.as_str() {
        "==" => format!("(= {left} {right})"),
        "!=" => format!("(not (= {left} {right}))"),
        other => format!("({other} {left} {right})"),
    }
}

fn literal(ty: &Type, value: &Value) -> String {
    match (ty, value) {
        (Type::Enum { variants }, Value::Text(word)) => {
            variants.iter().position(|variant| variant == word).expect("a declared word").to_string()
        }
        (_, Value::Text(text)) => quoted(text),
        (_, Value::Number(number)) => integer(*number),
        (_, Value::Bool(value)) => value.to_string(),
        (_, Value::Set(_)) => panic!("a set is no single value"),
    }
}

fn integer(value: i64) -> String {
    if value < 0 { format!("(- {})", value.unsigned_abs()) } else { value.to_string() }
}

/// A string literal; whatever might be special is written by number.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " .-_*?".contains(c);
    let write = |c: char| if plain(c) { c.to_string() } else { format!("\\u{{{:x}}}", u32::from(c)) };
    format!("\"{}\"", text.chars().map(write).collect::<String>())
}
