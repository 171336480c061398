//! Conditions, evaluated by their definition.

use std::collections::BTreeMap;

use ordain_ir::{CompareOp, Condition, ElementTest, Fact, FactName, TextTest, Value};

use super::pattern;

/// Whether the condition holds. A test that reads an absent optional fact is false.
///
/// # Panics
/// If a required fact is missing or a value is of another kind than the condition wants: the reference only answers
/// for requests that fit the declarations.
pub fn holds(
    condition: &Condition,
    facts: &BTreeMap<FactName, Fact>,
    values: &BTreeMap<FactName, Value>,
) -> bool {
    let read = |name: &FactName| match values.get(name) {
        None => {
            assert!(facts[name].optional, "`{name}` is required");
            None
        }
        some => some,
    };
    match condition {
        Condition::True => true,
        Condition::False => false,
        Condition::Not(inner) => !holds(inner, facts, values),
        Condition::And(parts) => parts.iter().all(|part| holds(part, facts, values)),
        Condition::Or(parts) => parts.iter().any(|part| holds(part, facts, values)),
        Condition::Has(name) => read(name).is_some(),
        Condition::Fact(name) => match read(name) {
            Some(Value::Bool(value)) => *value,
            None => false,
            other => panic!("`{name}` is no bool: {other:?}"),
        },
        Condition::Compare { terms, op, bound } => {
            let mut sum = 0;
            for (name, coefficient) in terms {
                match read(name) {
                    Some(Value::Number(value)) => sum += i128::from(*coefficient) * i128::from(*value),
                    None => return false,
                    other => panic!("`{name}` is no number: {other:?}"),
                }
            }
            compares(*op, sum, (*bound).into())
        }
        Condition::OneOf { fact, words } => match read(fact) {
            Some(Value::Text(word)) => words.contains(word),
            None => false,
            other => panic!("`{fact}` is no word: {other:?}"),
        },
        Condition::Text { fact, test } => match read(fact) {
            Some(Value::Text(text)) => passes(test, text),
            None => false,
            other => panic!("`{fact}` is no text: {other:?}"),
        },
        Condition::Any { fact, test } => match read(fact) {
            Some(Value::Set(elements)) => elements.iter().any(|element| element_passes(test, element)),
            None => false,
            other => panic!("`{fact}` is no set: {other:?}"),
        },
    }
}

fn compares(op: CompareOp, left: i128, right: i128) -> bool {
    match op.as_str() {
        "<" => left < right,
        "<=" => left <= right,
        "==" => left == right,
        "!=" => left != right,
        ">=" => left >= right,
        ">" => left > right,
        other => panic!("unknown comparison {other}"),
    }
}

fn passes(test: &TextTest, text: &str) -> bool {
    match test {
        TextTest::Equals(wanted) => text == wanted,
        TextTest::Like(glob) => pattern::glob(glob, text),
        TextTest::Matches(regex) => pattern::regex(regex, text),
        TextTest::Contains(part) => text.contains(part.as_str()),
        TextTest::StartsWith(part) => text.starts_with(part.as_str()),
        TextTest::EndsWith(part) => text.ends_with(part.as_str()),
    }
}

fn element_passes(test: &ElementTest, element: &Value) -> bool {
    match (test, element) {
        (ElementTest::Not(inner), _) => !element_passes(inner, element),
        (ElementTest::AnyOf(tests), _) => tests.iter().any(|test| element_passes(test, element)),
        (ElementTest::OneOf(words), Value::Text(word)) => words.contains(word),
        (ElementTest::Text(test), Value::Text(text)) => passes(test, text),
        (ElementTest::Compare { op, bound }, Value::Number(number)) => {
            compares(*op, (*number).into(), (*bound).into())
        }
        other => panic!("an element of another type: {other:?}"),
    }
}
