//! Whether an answer is what is expected.

use std::cmp::Ordering;

use serde_json::{Map, Value};

/// What isn't as expected, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// A JSON pointer into the body; empty for all of it.
    pub(crate) place: String,
    /// What was expected there, and what is.
    pub(crate) said: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.place.is_empty() {
            f.write_str(&self.said)
        } else {
            write!(f, "{}: {}", self.place, self.said)
        }
    }
}

/// Tests that an object with one name beginning with `$` stands for.
const TESTS: [&str; 4] = ["$at_least", "$at_most", "$exists", "$not"];

fn test(fields: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, value) = fields.iter().next()?;
    (fields.len() == 1 && name.starts_with('$')).then_some((name.as_str(), value))
}

/// Whether what is expected can be compared with at all.
pub(crate) fn check(expected: &Value) -> Result<(), String> {
    match expected {
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(fields) => match test(fields) {
            Some(("$not", value)) => check(value),
            Some(("$at_least" | "$at_most", value)) if !value.is_number() => {
                Err(format!("`{value}` is no number"))
            }
            Some(("$exists", value)) if !value.is_boolean() => Err(format!("`{value}` is not true or false")),
            Some((name, _)) if !TESTS.contains(&name) => {
                Err(format!("`{name}` is no test; there are {}", TESTS.join(", ")))
            }
            Some(_) => Ok(()),
            None => fields.values().try_for_each(check),
        },
        _ => Ok(()),
    }
}

/// What is not as expected. An object must have at least the fields that are named, a list at least the items, in their order;
/// everything else must be equal.
pub(crate) fn difference(expected: &Value, found: Option<&Value>) -> Option<Difference> {
    at(String::new(), expected, found)
}

fn at(place: String, expected: &Value, found: Option<&Value>) -> Option<Difference> {
    if let Value::Object(fields) = expected
        && let Some((name, wanted)) = test(fields)
    {
        return tested(place, name, wanted, found);
    }
    let Some(found) = found else {
        return Some(Difference {
            said: format!("expected {}, and there is nothing", short(expected)),
            place,
        });
    };
    match (expected, found) {
        (Value::Object(wanted), Value::Object(fields)) => wanted.iter().find_map(|(name, value)| {
            let name_in_pointer = name.replace('~', "~0").replace('/', "~1");
            at(format!("{place}/{name_in_pointer}"), value, fields.get(name))
        }),
        (Value::Array(wanted), Value::Array(items)) => listed(&place, wanted, items),
        (Value::Number(_), Value::Number(_)) if compared(expected, found) == Some(Ordering::Equal) => None,
        _ if expected == found => None,
        _ => {
            Some(Difference { said: format!("expected {}, found {}", short(expected), short(found)), place })
        }
    }
}

/// Each item that is wanted must be there, behind those before it. Where the lists are of one length, the first difference is
/// told in the item where it is.
fn listed(place: &str, wanted: &[Value], items: &[Value]) -> Option<Difference> {
    let mut next = 0;
    for (i, value) in wanted.iter().enumerate() {
        match items[next..].iter().position(|item| difference(value, Some(item)).is_none()) {
            Some(position) => next += position + 1,
            None if wanted.len() == items.len() => return at(format!("{place}/{i}"), value, items.get(i)),
            None => {
                let said = format!("expected an item like {} among {}", short(value), items.len());
                return Some(Difference { place: place.to_owned(), said });
            }
        }
    }
    if wanted.is_empty() && !items.is_empty() {
        let said = format!("expected nothing, found {} items", items.len());
        return Some(Difference { place: place.to_owned(), said });
    }
    None
}

fn tested(place: String, name: &str, wanted: &Value, found: Option<&Value>) -> Option<Difference> {
    let shown = found.map_or_else(|| "nothing".to_owned(), short);
    let holds = match name {
        "$exists" => wanted.as_bool() == Some(found.is_some_and(|found| !found.is_null())),
        "$not" => at(String::new(), wanted, found).is_some(),
        "$at_least" => found.and_then(|found| compared(found, wanted)).is_some_and(Ordering::is_ge),
        _ => found.and_then(|found| compared(found, wanted)).is_some_and(Ordering::is_le),
    };
    let said = match name {
        "$exists" if wanted == &Value::Bool(true) => "expected something, and there is nothing".to_owned(),
        "$exists" => format!("expected nothing, found {shown}"),
        "$not" => format!("expected anything but {}, found {shown}", short(wanted)),
        "$at_least" => format!("expected at least {wanted}, found {shown}"),
        _ => format!("expected at most {wanted}, found {shown}"),
    };
    (!holds).then_some(Difference { place, said })
}

/// Two numbers, exactly where both are whole.
fn compared(a: &Value, b: &Value) -> Option<Ordering> {
    let whole = |value: &Value| value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

/// A value in few characters.
fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 200 { text } else { text.chars().take(199).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn at_least_what_is_named_must_be_there() {
        let found =
            json!({ "total": 3, "rate": 1.0, "items": [{ "id": 1, "a": "x" }, { "id": 2 }, { "id": 3 }] });
        for fine in [
            json!({}),
            json!({ "total": 3, "rate": 1 }),
            json!({ "items": [{ "id": 1 }, { "id": 3 }] }),
            json!({ "total": { "$at_least": 3 }, "rate": { "$at_most": 1.5 } }),
            json!({ "total": { "$exists": true }, "nothing": { "$exists": false } }),
            json!({ "items": { "$not": [] }, "total": { "$not": 4 } }),
        ] {
            assert_eq!(check(&fine), Ok(()));
            assert_eq!(difference(&fine, Some(&found)), None, "{fine}");
        }
        for (wrong, said) in [
            (json!({ "total": 4 }), "/total: expected 4, found 3"),
            (json!({ "missing": 1 }), "/missing: expected 1, and there is nothing"),
            (
                json!({ "items": [{ "id": 3 }, { "id": 1 }] }),
                "/items: expected an item like {\"id\":1} among 3",
            ),
            (json!({ "items": [{ "id": 1, "a": "y" }, {}, {}] }), "/items/0/a: expected \"y\", found \"x\""),
            (json!({ "items": [] }), "/items: expected nothing, found 3 items"),
            (json!({ "total": { "$at_least": 4 } }), "/total: expected at least 4, found 3"),
            (json!({ "total": { "$exists": false } }), "/total: expected nothing, found 3"),
            (
                json!({ "items": { "$not": [{ "id": 2 }] } }),
                "/items: expected anything but [{\"id\":2}], found [{\"id\":1,\"a\":\"x\"},{\"id\":2},{\"id\":3}]",
            ),
            (
                json!([1]),
                "expected [1], found {\"total\":3,\"rate\":1.0,\"items\":[{\"id\":1,\"a\":\"x\"},{\"id\":2},{\"id\":3}]}",
            ),
        ] {
            let difference = difference(&wrong, Some(&found)).map(|it| it.to_string());
            let sorted = |text: &str| {
                let mut all: Vec<_> = text.chars().collect();
                all.sort_unstable();
                all
            };
            assert_eq!(difference.as_deref().map(sorted), Some(sorted(said)), "{difference:?}");
        }
    }

    #[test]
    fn what_is_no_test_is_refused() {
        assert!(check(&json!({ "a": [{ "$least": 1 }] })).unwrap_err().starts_with("`$least` is no test"));
        assert!(check(&json!({ "$at_least": "1" })).is_err());
        assert!(check(&json!({ "$exists": 1 })).is_err());
    }
}
