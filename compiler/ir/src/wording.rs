//! Conditions in the words of the language, for reasons that people read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::{CompareOp, Condition, ElementTest, Fact, FactName, TextTest, Type, Value, decimal};

impl Condition {
    /// The condition as one would write it, without the names that its parts had in source.
    pub fn words(&self, facts: &BTreeMap<FactName, Fact>) -> String {
        let join = |parts: &[Self], word: &str| {
            let parts: Vec<String> = parts.iter().map(|part| part.nested(facts)).collect();
            parts.join(word)
        };
        match self {
            Self::True => "always".to_owned(),
            Self::False => "never".to_owned(),
            Self::Not(inner) => match &**inner {
                Self::Has(_) | Self::Fact(_) => format!("not {}", inner.words(facts)),
                inner => format!("not ({})", inner.words(facts)),
            },
            Self::And(parts) => join(parts, " and "),
            Self::Or(parts) => join(parts, " or "),
            Self::Has(fact) => format!("has {fact}"),
            Self::Fact(fact) => fact.to_string(),
            Self::Compare { terms, op, bound } => comparison(terms, *op, *bound, facts),
            Self::OneOf { fact, words } => format!("{fact} {}", listed(words.iter().cloned())),
            Self::Text { fact, test } => format!("{fact} {}", test.words()),
            Self::Any { fact, test } => {
                let element = facts.get(fact).map_or(&Type::Int, |fact| fact.ty.element());
                format!("any {fact} {}", test.words(element))
            }
        }
    }

    fn nested(&self, facts: &BTreeMap<FactName, Fact>) -> String {
        match self {
            Self::And(_) | Self::Or(_) => format!("({})", self.words(facts)),
            other => other.words(facts),
        }
    }
}

/// `== a` of one word, `in { a, b }` of several.
fn listed(words: impl ExactSizeIterator<Item = String>) -> String {
    let one = words.len() == 1;
    let words: Vec<String> = words.collect();
    if one { format!("== {}", words[0]) } else { format!("in {{ {} }}", words.join(", ")) }
}

/// A value as it stands in a condition.
fn value(value: &Value, ty: &Type) -> String {
    match value.to_json(ty) {
        serde_json::Value::String(text) if *ty != Type::String => text,
        other => other.to_string(),
    }
}

/// Terms count in the finest of their facts' units: a coarser fact's coefficient has the difference in it.
fn comparison(
    terms: &[(FactName, i64)],
    op: CompareOp,
    bound: i64,
    facts: &BTreeMap<FactName, Fact>,
) -> String {
    let ty = |name: &FactName| facts.get(name).map_or(&Type::Int, |fact| &fact.ty);
    if let [(fact, 1)] = terms {
        return format!("{fact} {op} {}", value(&Value::Number(bound), ty(fact)));
    }
    let scale = |name: &FactName| ty(name).scale().unwrap_or(0);
    let finest = terms.iter().map(|(name, _)| scale(name)).max().unwrap_or(0);
    let mut sum = String::new();
    for (place, (name, coefficient)) in terms.iter().enumerate() {
        let coarser = i128::from(finest - scale(name));
        let unit = (0..coarser).fold(1_i128, |unit, _| unit * 10);
        let factor = i128::from(*coefficient);
        let size = factor.abs();
        sum.push_str(match (place, factor < 0) {
            (0, true) => "-",
            (0, false) => "",
            (_, true) => " - ",
            (_, false) => " + ",
        });
        if size % unit != 0 {
            let _ = write!(sum, "{size}/{unit} * ");
        } else if size / unit != 1 {
            let _ = write!(sum, "{} * ", size / unit);
        }
        sum.push_str(name.as_str());
    }
    let bound = match terms.first().map(|(name, _)| ty(name)) {
        Some(ty @ (Type::Money { .. } | Type::Duration)) => value(&Value::Number(bound), ty),
        _ => decimal::format(bound, finest, 0),
    };
    format!("{sum} {op} {bound}")
}

impl TextTest {
    fn words(&self) -> String {
        let quote = |text: &str| serde_json::Value::from(text).to_string();
        match self {
            Self::Equals(text) => format!("== {}", quote(text)),
            Self::Like(glob) => format!("like {}", quote(&glob.to_string())),
            Self::Matches(pattern) => format!("matches {}", quote(pattern)),
            Self::Contains(text) => format!("contains {}", quote(text)),
            Self::StartsWith(text) => format!("starts with {}", quote(text)),
            Self::EndsWith(text) => format!("ends with {}", quote(text)),
        }
    }
}

impl ElementTest {
    fn words(&self, element: &Type) -> String {
        match self {
            Self::Not(inner) => format!("not {}", inner.words(element)),
            Self::AnyOf(tests) => {
                let tests: Vec<String> = tests.iter().map(|test| test.words(element)).collect();
                format!("({})", tests.join(" or "))
            }
            Self::OneOf(words) => listed(words.iter().cloned()),
            Self::Text(test) => test.words(),
            Self::Compare { op, bound } => format!("{op} {}", value(&Value::Number(*bound), element)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> BTreeMap<FactName, Fact> {
        let set = Type::Set { of: Box::new(Type::String) };
        let money = Type::Money { currency: "USD".into() };
        [("n", Type::Int), ("risk", Type::Decimal { scale: 2 }), ("amount", money), ("labels", set)]
            .map(|(name, ty)| {
                let name = FactName::from(name);
                (
                    name.clone(),
                    Fact { name, ty, range: None, optional: false, opaque: false, doc: String::new() },
                )
            })
            .into()
    }

    #[test]
    fn conditions_read_as_in_source() {
        let compare = |terms: &[(&str, i64)], bound| Condition::Compare {
            terms: terms.iter().map(|(name, factor)| ((*name).into(), *factor)).collect(),
            op: CompareOp::LessEqual,
            bound,
        };
        let words = |condition: Condition| condition.words(&facts());
        assert_eq!(words(compare(&[("amount", 1)], 12_500_000)), "amount <= 12.50 USD");
        assert_eq!(words(compare(&[("risk", 1)], 70)), "risk <= 0.7");
        assert_eq!(words(compare(&[("n", -200), ("risk", 3)], 50)), "-2 * n + 3 * risk <= 0.5");
        assert_eq!(words(compare(&[("n", 100), ("risk", -1)], 0)), "n - risk <= 0");
        let label = |text: &str| ElementTest::Text(TextTest::Equals(text.into()));
        let any = |test| Condition::Any { fact: "labels".into(), test };
        let either = any(ElementTest::AnyOf(vec![label("a"), label("b").negate()]));
        assert_eq!(
            words(Condition::And(vec![
                either,
                Condition::Or(vec![Condition::Has("x".into()), any(label("c"))])
            ])),
            r#"any labels (== "a" or not == "b") and (has x or any labels == "c")"#
        );
        let word = |words: &[&str]| Condition::OneOf {
            fact: "class".into(),
            words: words.iter().map(|word| (*word).to_owned()).collect(),
        };
        assert_eq!(words(word(&["pii", "phi"]).negate()), "not (class in { phi, pii })");
        assert_eq!(words(word(&["pii"])), "class == pii");
    }
}
