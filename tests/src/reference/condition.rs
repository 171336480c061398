//! Conditions, evaluated by their definition.

use std::collections::BTreeMap;

use ordain_ir::{Condition, Fact, FactName, TextTest, Value};

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
            let bound = i128::from(*bound);
            match op.as_str() {
                "<" => sum < bound,
                "<=" => sum <= bound,
                "==" => sum == bound,
                "!=" => sum != bound,
                ">=" => sum >= bound,
                ">" => sum > bound,
                other => panic!("unknown comparison {other}"),
            }
        }
        Condition::OneOf { fact, words } => match read(fact) {
            Some(Value::Text(word)) => words.contains(word),
            None => false,
            other => panic!("`{fact}` is no word: {other:?}"),
        },
        Condition::Text { fact, test } => match read(fact) {
            Some(Value::Text(text)) => match test {
                TextTest::Equals(wanted) => text == wanted,
                TextTest::Like(glob) => pattern::glob(glob, text),
                TextTest::Matches(regex) => pattern::regex(regex, text),
                TextTest::Contains(part) => text.contains(part.as_str()),
                TextTest::StartsWith(part) => text.starts_with(part.as_str()),
                TextTest::EndsWith(part) => text.ends_with(part.as_str()),
            },
            None => false,
            other => panic!("`{fact}` is no text: {other:?}"),
        },
    }
}
