//! Facts: the typed inputs that conditions read, and their values.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::decimal;

/// Digits kept after the point of an amount of money, of a risk, and of a duration in seconds.
pub const MONEY_SCALE: u8 = 6;
/// Digits after the point of a risk value.
pub const RISK_SCALE: u8 = 6;
/// Durations are whole milliseconds.
pub const DURATION_SCALE: u8 = 3;

/// A fact's dotted name, `tool.name`. One name means one fact in the whole workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FactName(Arc<str>);

impl FactName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for FactName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl Borrow<str> for FactName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FactName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The type of a fact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Type {
    /// True or false.
    Bool,
    /// A whole number of 64 bits.
    Int,
    /// A number with a fixed count of digits after the point, 1 to 9.
    Decimal {
        /// Digits after the point.
        scale: u8,
    },
    /// An amount of one currency, in millionths.
    Money {
        /// ISO 4217 code.
        currency: String,
    },
    /// A length of time, in milliseconds.
    Duration,
    /// Unicode text.
    String,
    /// One of a closed list of words.
    Enum {
        /// The words, in declaration order.
        variants: Vec<String>,
    },
    /// Any number of different values of one type, none twice, in no order.
    Set {
        /// Their type; not a set, nor `bool`.
        of: Box<Type>,
    },
}

impl Type {
    /// Digits after the point of a number's unit: a value `v` stands for `v * 10^-scale`. `None` for what is
    /// no number. Durations count in seconds with three digits.
    pub const fn scale(&self) -> Option<u8> {
        match self {
            Self::Int => Some(0),
            Self::Decimal { scale } => Some(*scale),
            Self::Money { .. } => Some(MONEY_SCALE),
            Self::Duration => Some(DURATION_SCALE),
            Self::Bool | Self::String | Self::Enum { .. } | Self::Set { .. } => None,
        }
    }

    /// The type of the elements of a set; of anything else its own.
    pub fn element(&self) -> &Self {
        match self {
            Self::Set { of } => of,
            other => other,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Decimal { scale } => write!(f, "decimal({scale})"),
            Self::Money { currency } => write!(f, "money {currency}"),
            Self::Duration => f.write_str("duration"),
            Self::String => f.write_str("string"),
            Self::Enum { variants } => write!(f, "enum {{ {} }}", variants.join(", ")),
            Self::Set { of } => write!(f, "set of {of}"),
        }
    }
}

/// A declared fact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fact {
    /// Its name.
    pub name: FactName,
    /// Its type.
    #[serde(flatten)]
    pub ty: Type,
    /// Least and greatest value of a number, or of each element of a set of numbers, inclusive, in units of the
    /// type's scale. Without it a number may be any of 64 bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(i64, i64)>,
    /// Whether a request may leave it out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Whether it is a function of things that this language can't see, so that an overlap which rests on it
    /// is suspected, not proved.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opaque: bool,
    /// Documentation in Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub doc: String,
}

impl Fact {
    /// Least and greatest value of a number, inclusive; all of 64 bits where none is declared.
    pub fn bounds(&self) -> (i64, i64) {
        self.range.unwrap_or((i64::MIN, i64::MAX))
    }
}

/// A fact's value in a request. On the wire: JSON booleans, integers for `int`, and text for the rest
/// (`"0.75"`, `"12.50 USD"`, `"30s"`, `"export"`); [`Value::from_json`] reads it by the fact's type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Of a `bool`.
    Bool(bool),
    /// Of an `int`, `decimal`, `money` or `duration`, in units of the type's scale.
    Number(i64),
    /// Of a `string`, or the word of an `enum`.
    Text(String),
    /// Of a `set`: an array on the wire, sorted when written.
    Set(BTreeSet<Value>),
}

/// Why a JSON value doesn't fit a fact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fact `{fact}` wants {wanted}, not `{found}`")]
pub struct ValueError {
    /// The fact.
    pub fact: FactName,
    /// What would fit.
    pub wanted: String,
    /// The JSON that was given.
    pub found: String,
}

impl Value {
    /// Reads a value by the fact's type and range.
    pub fn from_json(fact: &Fact, json: &serde_json::Value) -> Result<Self, ValueError> {
        let text = || match json {
            serde_json::Value::String(text) => Some(text.clone()),
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let number = |strip: &dyn Fn(String) -> Option<String>, scale| {
            text().and_then(strip).and_then(|text| decimal::parse(&text, scale).ok())
        };
        let value = match &fact.ty {
            Type::Set { of } => {
                let element = Fact { ty: Type::clone(of), ..fact.clone() };
                let items = json.as_array();
                let read = |items: &Vec<_>| {
                    items.iter().map(|item| Self::from_json(&element, item).ok()).collect::<Option<_>>()
                };
                items.and_then(read).map(Self::Set)
            }
            Type::Bool => json.as_bool().map(Self::Bool),
            Type::Int => number(&Some, 0).map(Self::Number),
            Type::Decimal { scale } => number(&Some, *scale).map(Self::Number),
            Type::Money { currency } => {
                let strip = |text: String| match text.split_once(' ') {
                    Some((amount, unit)) => (unit == currency).then(|| amount.to_owned()),
                    None => Some(text),
                };
                number(&strip, MONEY_SCALE).map(Self::Number)
            }
            Type::Duration => text().and_then(|text| parse_duration(&text)).map(Self::Number),
            Type::String => json.as_str().map(|text| Self::Text(text.to_owned())),
            Type::Enum { variants } => json
                .as_str()
                .filter(|word| variants.iter().any(|variant| variant == word))
                .map(|word| Self::Text(word.to_owned())),
        };
        let (least, greatest) = fact.bounds();
        value.filter(|value| !matches!(value, Self::Number(n) if *n < least || *n > greatest)).ok_or_else(
            || {
                let range = fact.range.map(|_| {
                    let ty = if let Type::Set { of } = &fact.ty { of } else { &fact.ty };
                    let write = |n| Self::Number(n).to_json(ty).to_string().replace('"', "");
                    format!(" in {}..{}", write(least), write(greatest))
                });
                ValueError {
                    fact: fact.name.clone(),
                    wanted: format!("{}{}", fact.ty, range.unwrap_or_default()),
                    found: json.to_string(),
                }
            },
        )
    }

    /// Writes the value so that [`Value::from_json`] reads it back.
    pub fn to_json(&self, ty: &Type) -> serde_json::Value {
        match (self, ty) {
            (Self::Bool(value), _) => (*value).into(),
            (Self::Set(items), Type::Set { of }) => items.iter().map(|item| item.to_json(of)).collect(),
            (Self::Set(items), other) => items.iter().map(|item| item.to_json(other)).collect(),
            (Self::Text(text), _) => text.as_str().into(),
            (Self::Number(n), Type::Money { currency }) => {
                format!("{} {currency}", decimal::format(*n, MONEY_SCALE, 2)).into()
            }
            (Self::Number(n), Type::Duration) => format_duration(*n).into(),
            (Self::Number(n), Type::Decimal { scale }) => decimal::format(*n, *scale, 0).into(),
            (Self::Number(n), _) => (*n).into(),
        }
    }
}

/// Units of durations with their length in milliseconds, longest first.
pub const DURATION_UNITS: [(&str, i64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads `30s`, `1h30m`, `250ms`, `1.5h` as milliseconds; `None` if malformed, not whole or too large.
pub fn parse_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_'))?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let (_, length) = DURATION_UNITS.iter().find(|(name, _)| *name == unit)?;
        let places = number.split_once('.').map_or(0, |(_, fraction)| fraction.len()).min(9);
        let places = u8::try_from(places).ok()?;
        let scaled = i128::from(decimal::parse(number, places).ok()?) * i128::from(*length);
        let unit = 10_i128.pow(places.into());
        if scaled % unit != 0 {
            return None;
        }
        total = total.checked_add(i64::try_from(scaled / unit).ok()?)?;
        rest = tail;
    }
    (!text.is_empty() && text != "-").then_some(if negative { -total } else { total })
}

/// Writes milliseconds as [`parse_duration`] reads them: `90000` is `1m30s`.
pub fn format_duration(milliseconds: i64) -> String {
    let mut rest = i128::from(milliseconds).abs();
    let mut text = String::from(if milliseconds < 0 { "-" } else { "" });
    for (unit, length) in DURATION_UNITS {
        let count = rest / i128::from(length);
        rest %= i128::from(length);
        if count > 0 {
            let _ = write!(text, "{count}{unit}");
        }
    }
    if milliseconds == 0 { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fact(ty: Type, range: Option<(i64, i64)>) -> Fact {
        Fact { name: "f".into(), ty, range, optional: false, opaque: false, doc: String::new() }
    }

    #[test]
    fn reads_values_by_type() {
        let money = fact(Type::Money { currency: "USD".into() }, Some((0, 5_000_000)));
        assert_eq!(Value::from_json(&money, &"4.50 USD".into()), Ok(Value::Number(4_500_000)));
        assert_eq!(Value::from_json(&money, &"4.50".into()), Ok(Value::Number(4_500_000)));
        let wrong = Value::from_json(&money, &"4.50 EUR".into()).unwrap_err();
        assert_eq!(wrong.to_string(), "fact `f` wants money USD in 0.00 USD..5.00 USD, not `\"4.50 EUR\"`");
        assert!(Value::from_json(&money, &"5.01 USD".into()).is_err());
        let word = fact(Type::Enum { variants: vec!["a".into(), "b".into()] }, None);
        assert!(Value::from_json(&word, &"c".into()).is_err());
        assert_eq!(Value::from_json(&word, &"b".into()), Ok(Value::Text("b".into())));
    }

    #[test]
    fn durations() {
        assert_eq!(parse_duration("1h30m"), Some(5_400_000));
        assert_eq!(parse_duration("1.5s"), Some(1_500));
        assert_eq!(parse_duration("0.0001s"), None);
        for text in ["", "-", "5", "s", "5x", "5 s"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn sets_are_arrays_without_order() {
        let labels = fact(Type::Set { of: Box::new(Type::String) }, None);
        let read = Value::from_json(&labels, &serde_json::json!(["b", "a", "b"])).unwrap();
        assert_eq!(read.to_json(&labels.ty), serde_json::json!(["a", "b"]));
        assert!(Value::from_json(&labels, &serde_json::json!(["a", 1])).is_err());
        let ports = fact(Type::Set { of: Box::new(Type::Int) }, Some((1, 9)));
        let wrong = Value::from_json(&ports, &serde_json::json!([10])).unwrap_err();
        assert_eq!(wrong.to_string(), "fact `f` wants set of int in 1..9, not `[10]`");
    }

    proptest! {
        #[test]
        fn values_round_trip(n: i64, scale in 1u8..=9) {
            for ty in [Type::Int, Type::Decimal { scale }, Type::Money { currency: "EUR".into() }, Type::Duration] {
                if matches!(ty, Type::Duration) && n == i64::MIN { continue }
                let json = Value::Number(n).to_json(&ty);
                prop_assert_eq!(Value::from_json(&fact(ty, None), &json), Ok(Value::Number(n)));
            }
        }
    }
}
