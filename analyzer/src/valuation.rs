//! What conditions say of given facts.

use ordain_ir::{Condition, ElementTest, FactName, Value};

use crate::strings::Strings;

/// Whether a condition holds where facts have these values; those without one are absent. `None` outside the fragment
/// of texts that is decided.
pub(crate) fn holds<'v>(
    condition: &Condition,
    value: &dyn Fn(&FactName) -> Option<&'v Value>,
    strings: &Strings,
) -> Option<bool> {
    match condition {
        Condition::True => Some(true),
        Condition::False => Some(false),
        Condition::Not(inner) => holds(inner, value, strings).map(|it| !it),
        Condition::And(parts) => {
            any(parts.iter().map(|part| holds(part, value, strings)), false).map(|it| !it)
        }
        Condition::Or(parts) => any(parts.iter().map(|part| holds(part, value, strings)), true),
        Condition::Has(fact) => Some(value(fact).is_some()),
        Condition::Fact(fact) => Some(value(fact) == Some(&Value::Bool(true))),
        Condition::OneOf { fact, words } => {
            Some(matches!(value(fact), Some(Value::Text(word)) if words.contains(word)))
        }
        Condition::Text { fact, test } => match value(fact) {
            Some(Value::Text(text)) => strings.holds(test, text),
            _ => Some(false),
        },
        Condition::Any { fact, test } => match value(fact) {
            Some(Value::Set(elements)) => any(elements.iter().map(|it| passes(test, it, strings)), true),
            _ => Some(false),
        },
        Condition::Compare { terms, op, bound } => {
            let products = terms.iter().map(|(fact, coefficient)| match value(fact) {
                Some(Value::Number(number)) => Some(i128::from(*coefficient) * i128::from(*number)),
                _ => None,
            });
            let sum: Option<i128> = products.sum();
            Some(sum.is_some_and(|sum| op.holds(&sum, &i128::from(*bound))))
        }
    }
}

/// Whether an element of a set passes a test.
fn passes(test: &ElementTest, element: &Value, strings: &Strings) -> Option<bool> {
    match (test, element) {
        (ElementTest::Not(inner), _) => passes(inner, element, strings).map(|it| !it),
        (ElementTest::AnyOf(tests), _) => any(tests.iter().map(|test| passes(test, element, strings)), true),
        (ElementTest::OneOf(words), Value::Text(word)) => Some(words.contains(word)),
        (ElementTest::Text(test), Value::Text(text)) => strings.holds(test, text),
        (ElementTest::Compare { op, bound }, Value::Number(number)) => Some(op.holds(number, bound)),
        _ => Some(false),
    }
}

/// Whether some answer is the wanted one; unknown if none is surely and some is unknown.
fn any(mut answers: impl Iterator<Item = Option<bool>>, wanted: bool) -> Option<bool> {
    let mut known = true;
    let found = answers.any(|answer| {
        known &= answer.is_some();
        answer == Some(wanted)
    });
    (found || known).then_some(found)
}
