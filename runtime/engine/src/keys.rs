//! Which values of a fact a condition needs: what an index finds its policy by.

use ordain_ir::glob::GlobPart;
use ordain_ir::{CompareOp, Condition, ElementTest, TextTest};

use crate::schema::Schema;

/// A value of a fact, of an element of a set, or an end of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// This value: a number, a flag, or a text by its number.
    Value(u64),
    /// Texts with this beginning: its number, and its length in bytes.
    Begins(u32, u32),
    /// Texts with this end, likewise.
    Ends(u32, u32),
}

impl Key {
    /// As one number. Those of texts differ from each other; numbers and flags don't stand beside them.
    pub(crate) const fn code(self) -> u64 {
        match self {
            Self::Value(value) => value,
            Self::Begins(symbol, _) => 1 << 32 | symbol as u64,
            Self::Ends(symbol, _) => 2 << 32 | symbol as u64,
        }
    }
}

/// Keys of a fact of which a condition needs one: it can hold only where the fact, or an element of it, has one of them,
/// or where the request doesn't say it.
pub(crate) type Keys = (u32, Vec<Key>);

/// The facts of which the condition needs one of a few keys; each alternative is enough to find the policy by. Facts are
/// known to the schema.
pub(crate) fn keys(condition: &Condition, schema: &mut Schema) -> Vec<Keys> {
    let (fact, alternatives) = match condition {
        Condition::And(parts) => return parts.iter().flat_map(|part| keys(part, schema)).collect(),
        Condition::Or(parts) => return keys_of_any(parts, schema),
        Condition::Fact(fact) => (fact, vec![vec![Key::Value(1)]]),
        Condition::OneOf { fact, words } => {
            (fact, vec![words.iter().map(|word| value(word, schema)).collect()])
        }
        Condition::Text { fact, test } => {
            (fact, of_text(test, schema).into_iter().map(|it| vec![it]).collect())
        }
        Condition::Compare { terms, op: CompareOp::Equal, bound } => match &**terms {
            [(fact, 1)] => (fact, vec![vec![Key::Value(bound.cast_unsigned())]]),
            _ => return vec![],
        },
        Condition::Any { fact, test } => (fact, of_element(test, schema).into_iter().collect()),
        _ => return vec![],
    };
    let Some(slot) = schema.slot(fact) else { return vec![] };
    alternatives.into_iter().map(|keys| (slot, keys)).collect()
}

/// What all parts need keys of.
fn keys_of_any(parts: &[Condition], schema: &mut Schema) -> Vec<Keys> {
    let mut parts = parts.iter().map(|part| keys(part, schema));
    let first = parts.next().unwrap_or_default();
    parts.fold(first, |common, part| {
        let both = |(slot, mut keys): Keys| {
            let (_, more) = part.iter().find(|(other, _)| *other == slot)?;
            keys.extend_from_slice(more);
            keys.sort_unstable();
            keys.dedup();
            Some((slot, keys))
        };
        common.into_iter().filter_map(both).collect()
    })
}

fn value(text: &str, schema: &mut Schema) -> Key {
    Key::Value(schema.intern(text).into())
}

/// Each of them is enough.
fn of_text(test: &TextTest, schema: &mut Schema) -> Vec<Key> {
    let (begin, end) = match test {
        TextTest::Equals(text) => return vec![value(text, schema)],
        TextTest::StartsWith(text) => (Some(text), None),
        TextTest::EndsWith(text) => (None, Some(text)),
        TextTest::Like(glob) => {
            if let Some(text) = glob.as_literal() {
                return vec![value(text, schema)];
            }
            let text = |part: Option<&'_ GlobPart>| match part {
                Some(GlobPart::Text(text)) => Some(text.clone()),
                _ => None,
            };
            return affixes(text(glob.parts().first()).as_ref(), text(glob.parts().last()).as_ref(), schema);
        }
        TextTest::Contains(_) | TextTest::Matches(_) => return vec![],
    };
    affixes(begin, end, schema)
}

fn affixes(begin: Option<&String>, end: Option<&String>, schema: &mut Schema) -> Vec<Key> {
    let mut one = |text: Option<&String>, key: fn(u32, u32) -> Key| {
        let text = text.filter(|text| !text.is_empty())?;
        Some(key(schema.intern(text), u32::try_from(text.len()).ok()?))
    };
    [one(begin, Key::Begins), one(end, Key::Ends)].into_iter().flatten().collect()
}

/// The keys of which an element needs one, if that is so.
fn of_element(test: &ElementTest, schema: &mut Schema) -> Option<Vec<Key>> {
    match test {
        ElementTest::OneOf(words) => Some(words.iter().map(|word| value(word, schema)).collect()),
        ElementTest::Text(test) => of_text(test, schema).first().map(|key| vec![*key]),
        ElementTest::Compare { op: CompareOp::Equal, bound } => Some(vec![Key::Value(bound.cast_unsigned())]),
        ElementTest::AnyOf(tests) => {
            let each: Option<Vec<Vec<Key>>> = tests.iter().map(|test| of_element(test, schema)).collect();
            each.map(|keys| keys.concat())
        }
        ElementTest::Not(_) | ElementTest::Compare { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ordain_ir::{Fact, Glob, Type};

    use super::*;

    fn schema() -> Schema {
        let fact = |ty| Fact {
            name: "tool".into(),
            ty,
            range: None,
            optional: false,
            opaque: false,
            doc: String::new(),
        };
        let mut schema = Schema::default();
        for (name, ty) in [("tool", Type::String), ("labels", Type::Set { of: Box::new(Type::String) })] {
            schema.intern_fact(&name.into(), &BTreeMap::from([(name.into(), fact(ty))])).unwrap();
        }
        schema
    }

    fn like(pattern: &str) -> TextTest {
        TextTest::Like(Glob::parse(pattern).unwrap())
    }

    fn tool(test: TextTest) -> Condition {
        Condition::Text { fact: "tool".into(), test }
    }

    /// Keys in words.
    fn said(condition: &Condition) -> Vec<String> {
        let schema = &mut schema();
        let found = keys(condition, schema);
        let word = |symbol: u32| schema.word(symbol);
        let one = |key: &Key| match key {
            Key::Value(symbol) => word(u32::try_from(*symbol).unwrap()),
            Key::Begins(symbol, length) => {
                assert_eq!(word(*symbol).len(), *length as usize);
                format!("{}*", word(*symbol))
            }
            Key::Ends(symbol, length) => {
                assert_eq!(word(*symbol).len(), *length as usize);
                format!("*{}", word(*symbol))
            }
        };
        found.iter().map(|(_, keys)| keys.iter().map(one).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn patterns_are_found_by_their_ends() {
        for (pattern, keys) in [
            ("deploy.*", vec!["deploy.*"]),
            ("*.prod", vec!["*.prod"]),
            ("deploy.*.prod", vec!["deploy.*", "*.prod"]),
            ("d?.x", vec!["d*", "*.x"]),
            ("deploy", vec!["deploy"]),
            ("*deploy*", vec![]),
            ("?", vec![]),
        ] {
            assert_eq!(said(&tool(like(pattern))), keys, "{pattern}");
        }
        assert_eq!(said(&tool(TextTest::StartsWith("dé".into()))), ["dé*"]);
        assert_eq!(said(&tool(TextTest::EndsWith(String::new()))), [""; 0]);
    }

    #[test]
    fn one_of_several_needs_a_key_of_each() {
        let list = |tests: Vec<TextTest>| Condition::Or(tests.into_iter().map(tool).collect());
        let equals = |text: &str| TextTest::Equals(text.to_owned());
        assert_eq!(said(&list(vec![equals("a"), equals("b"), like("c*")])), ["a b c*"]);
        assert_eq!(said(&list(vec![equals("a"), TextTest::Contains("b".into())])), [""; 0]);
    }

    #[test]
    fn sets_are_found_by_their_elements() {
        let any = |test| Condition::Any { fact: "labels".into(), test };
        let text = |test| ElementTest::Text(test);
        let equals = |word: &str| text(TextTest::Equals(word.to_owned()));
        assert_eq!(said(&any(equals("pii"))), ["pii"]);
        assert_eq!(said(&any(ElementTest::AnyOf(vec![equals("pii"), text(like("eu-*"))]))), ["pii eu-*"]);
        assert_eq!(said(&any(ElementTest::Not(Box::new(equals("pii"))))), [""; 0]);
    }
}
