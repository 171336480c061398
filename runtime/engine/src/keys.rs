//! Which values of a fact a condition needs: what an index finds its policy by.

use ordain_ir::glob::GlobPart;
use ordain_ir::{CompareOp, Condition, ElementTest, TextTest};

use crate::schema::Schema;

/// A value of a fact, of an element of a set, or an end of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// This value: a number, a flag, or a text by its number.
    Value(u64),
    /// Texts with this beginning.
    Begins(Affix),
    /// Texts with this end.
    Ends(Affix),
    /// Texts with this part, by its number.
    Contains(u32),
}

/// A beginning or an end of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Affix {
    /// Its number.
    symbol: u32,
    /// In bytes.
    pub(crate) length: u32,
    /// The byte of it that borders on the rest of the text.
    pub(crate) border: u8,
}

impl Key {
    /// As one number. Those of texts differ from each other; numbers and flags don't stand beside them.
    pub(crate) const fn code(self) -> u64 {
        match self {
            Self::Value(value) => value,
            Self::Begins(affix) => Self::begins(affix.symbol),
            Self::Ends(affix) => Self::ends(affix.symbol),
            Self::Contains(symbol) => 3 << 32 | symbol as u64,
        }
    }

    /// The code of texts with this beginning.
    pub(crate) const fn begins(symbol: u32) -> u64 {
        1 << 32 | symbol as u64
    }

    /// The code of texts with this end.
    pub(crate) const fn ends(symbol: u32) -> u64 {
        2 << 32 | symbol as u64
    }
}

/// Keys of a fact of which a condition needs one: it can hold only where the fact, or an element of it, has one of them,
/// or where the request doesn't say it.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) slot: u32,
    pub(crate) any: Vec<Key>,
    /// Whether one of them is also enough, for the whole condition or for one part of a conjunction.
    pub(crate) proves: Option<Proved>,
}

impl Keys {
    /// Whether texts have to be searched for one of them.
    pub(crate) fn need_search(&self) -> bool {
        self.any.iter().any(|key| matches!(key, Key::Contains(_)))
    }
}

/// What holds where a fact has one of some keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proved {
    Whole,
    /// The part of the conjunction that has this place among its parts.
    Part(usize),
}

/// The facts of which the condition needs one of a few keys; each alternative is enough to find the policy by. Facts are
/// known to the schema.
pub(crate) fn keys(condition: &Condition, schema: &mut Schema) -> Vec<Keys> {
    let (fact, alternatives) = match condition {
        Condition::And(parts) => {
            let of_part = |(place, part): (usize, &Condition)| {
                let mut found = keys(part, schema);
                for keys in &mut found {
                    keys.proves = keys.proves.filter(|it| *it == Proved::Whole).map(|_| Proved::Part(place));
                }
                found
            };
            return parts.iter().enumerate().flat_map(of_part).collect();
        }
        Condition::Or(parts) => return keys_of_any(parts, schema),
        Condition::Fact(fact) => (fact, vec![one((Key::Value(1), true))]),
        Condition::OneOf { fact, words } => {
            (fact, vec![(words.iter().map(|word| value(word, schema)).collect(), true)])
        }
        Condition::Text { fact, test } => (fact, of_text(test, schema).into_iter().map(one).collect()),
        Condition::Compare { terms, op: CompareOp::Equal, bound } => match &**terms {
            [(fact, 1)] => (fact, vec![one((Key::Value(bound.cast_unsigned()), true))]),
            _ => return vec![],
        },
        Condition::Any { fact, test } => (fact, of_element(test, schema).into_iter().collect()),
        _ => return vec![],
    };
    let Some(slot) = schema.slot(fact) else { return vec![] };
    let of = |(any, exact): (Vec<Key>, bool)| Keys { slot, any, proves: exact.then_some(Proved::Whole) };
    alternatives.into_iter().map(of).collect()
}

fn one((key, exact): (Key, bool)) -> (Vec<Key>, bool) {
    (vec![key], exact)
}

/// What all parts need keys of.
fn keys_of_any(parts: &[Condition], schema: &mut Schema) -> Vec<Keys> {
    let mut parts = parts.iter().map(|part| keys(part, schema));
    let first = parts.next().unwrap_or_default();
    let mut common = parts.fold(first, |common, part| {
        let both = |mut keys: Keys| {
            let more = part.iter().find(|other| other.slot == keys.slot)?;
            keys.any.extend_from_slice(&more.any);
            // Enough for each of the parts is enough for the one that holds.
            let whole = |it: Option<Proved>| it == Some(Proved::Whole);
            keys.proves = keys.proves.filter(|_| whole(keys.proves) && whole(more.proves));
            Some(keys)
        };
        common.into_iter().filter_map(both).collect::<Vec<_>>()
    });
    for keys in &mut common {
        keys.any.sort_unstable();
        keys.any.dedup();
        keys.proves = keys.proves.filter(|it| *it == Proved::Whole);
    }
    common
}

fn value(text: &str, schema: &mut Schema) -> Key {
    Key::Value(schema.symbols.intern(text).into())
}

/// Each of them is enough to find a policy by; and whether it says as much as the test.
fn of_text(test: &TextTest, schema: &mut Schema) -> Vec<(Key, bool)> {
    let (begin, part, end, exact) = match test {
        TextTest::Equals(text) => return vec![(value(text, schema), true)],
        TextTest::StartsWith(text) => (Some(text), None, None, true),
        TextTest::Contains(text) => (None, Some(text), None, true),
        TextTest::EndsWith(text) => (None, None, Some(text), true),
        TextTest::Like(glob) => match glob.parts() {
            [] => return vec![(value("", schema), true)],
            [GlobPart::Text(text)] => return vec![(value(text, schema), true)],
            [GlobPart::Text(begin), GlobPart::Any] => (Some(begin), None, None, true),
            [GlobPart::Any, GlobPart::Text(part), GlobPart::Any] => (None, Some(part), None, true),
            [GlobPart::Any, GlobPart::Text(end)] => (None, None, Some(end), true),
            parts @ [first, .., last] => {
                let (begin, end) = (text_of(first), text_of(last));
                // The ends cost less to look for.
                let inner = || parts.iter().filter_map(text_of).max_by_key(|text| text.len());
                (begin, if begin.or(end).is_none() { inner() } else { None }, end, false)
            }
            [_] => return vec![],
        },
        TextTest::Matches(_) => return vec![],
    };
    let mut affix = |text: &String, border: u8| {
        let length = u32::try_from(text.len()).ok()?;
        Some(Affix { symbol: schema.symbols.intern(text), length, border })
    };
    let begin = begin.and_then(|text| Some(Key::Begins(affix(text, *text.as_bytes().last()?)?)));
    let end = end.and_then(|text| Some(Key::Ends(affix(text, *text.as_bytes().first()?)?)));
    let part = part.filter(|text| !text.is_empty());
    let part = part.map(|text| Key::Contains(schema.intern_part(text)));
    [begin, part, end].into_iter().flatten().map(|key| (key, exact)).collect()
}

fn text_of(part: &GlobPart) -> Option<&String> {
    match part {
        GlobPart::Text(text) => Some(text),
        GlobPart::Any | GlobPart::One => None,
    }
}

/// The keys of which an element needs one, if that is so, and whether one is enough.
fn of_element(test: &ElementTest, schema: &mut Schema) -> Option<(Vec<Key>, bool)> {
    match test {
        ElementTest::OneOf(words) => Some((words.iter().map(|word| value(word, schema)).collect(), true)),
        ElementTest::Text(test) => of_text(test, schema).first().copied().map(one),
        ElementTest::Compare { op: CompareOp::Equal, bound } => {
            Some(one((Key::Value(bound.cast_unsigned()), true)))
        }
        ElementTest::AnyOf(tests) => {
            let mut all = (vec![], true);
            for test in tests {
                let (keys, exact) = of_element(test, schema)?;
                all.0.extend(keys);
                all.1 &= exact;
            }
            Some(all)
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
        let word = |symbol: u32| {
            let words = ["", "a", "b", "c", "d", "dé", ".x", ".prod", "deploy", "deploy.", "pii", "eu-"];
            words.into_iter().find(|word| schema.symbols.get(word) == symbol).unwrap()
        };
        let one = |key: &Key| match key {
            Key::Value(symbol) => word(u32::try_from(*symbol).unwrap()).to_owned(),
            Key::Begins(Affix { symbol, length, border }) => {
                let word = word(*symbol).as_bytes();
                assert_eq!((word.len(), word.last()), (*length as usize, Some(border)));
                format!("{}*", String::from_utf8_lossy(word))
            }
            Key::Ends(Affix { symbol, length, border }) => {
                let word = word(*symbol).as_bytes();
                assert_eq!((word.len(), word.first()), (*length as usize, Some(border)));
                format!("*{}", String::from_utf8_lossy(word))
            }
            Key::Contains(symbol) => format!("*{}*", word(*symbol)),
        };
        found.iter().map(|keys| keys.any.iter().map(one).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn patterns_are_found_by_their_ends_or_a_part() {
        for (pattern, keys) in [
            ("deploy.*", vec!["deploy.*"]),
            ("*.prod", vec!["*.prod"]),
            ("deploy.*.prod", vec!["deploy.*", "*.prod"]),
            ("d?.x", vec!["d*", "*.x"]),
            ("deploy", vec!["deploy"]),
            ("*deploy*", vec!["*deploy*"]),
            ("?a*deploy?", vec!["*deploy*"]),
            ("?*", vec![]),
            ("?", vec![]),
        ] {
            assert_eq!(said(&tool(like(pattern))), keys, "{pattern}");
        }
        assert_eq!(said(&tool(TextTest::StartsWith("dé".into()))), ["dé*"]);
        assert_eq!(said(&tool(TextTest::Contains("pii".into()))), ["*pii*"]);
        for anything in [TextTest::EndsWith(String::new()), TextTest::Contains(String::new())] {
            assert_eq!(said(&tool(anything)), [""; 0]);
        }
    }

    #[test]
    fn a_key_proves_what_says_no_more_than_it() {
        let proves = |condition: &Condition| -> Vec<Option<Proved>> {
            keys(condition, &mut schema()).iter().map(|keys| keys.proves).collect()
        };
        for (pattern, whole) in [
            ("deploy.*", true),
            ("*.prod", true),
            ("*deploy*", true),
            ("deploy", true),
            ("d?*", false),
            ("?deploy*", false),
        ] {
            assert_eq!(proves(&tool(like(pattern))), [whole.then_some(Proved::Whole)], "{pattern}");
        }
        assert_eq!(proves(&tool(like("deploy.*.prod"))), [None, None]);
        let risky = Condition::Compare { terms: vec![("risk".into(), 1)], op: CompareOp::Greater, bound: 1 };
        let both = Condition::And(vec![risky.clone(), tool(like("deploy.*"))]);
        assert_eq!(proves(&both), [Some(Proved::Part(1))]);
        let either = Condition::Or(vec![both.clone(), tool(like("x*"))]);
        assert_eq!(proves(&either), [None], "the key says nothing of the risk");
        let either = Condition::Or(vec![tool(like("x*")), both]);
        assert_eq!(proves(&either), [None]);
        let nested = Condition::And(vec![risky, Condition::Or(vec![tool(like("x*")), tool(like("*y"))])]);
        assert_eq!(proves(&nested), [Some(Proved::Part(1))]);
    }

    #[test]
    fn one_of_several_needs_a_key_of_each() {
        let list = |tests: Vec<TextTest>| Condition::Or(tests.into_iter().map(tool).collect());
        let equals = |text: &str| TextTest::Equals(text.to_owned());
        assert_eq!(said(&list(vec![equals("a"), equals("b"), like("c*")])), ["a b c*"]);
        assert_eq!(said(&list(vec![equals("a"), TextTest::Contains("b".into())])), ["a *b*"]);
        assert_eq!(said(&list(vec![equals("a"), TextTest::Matches("b".into())])), [""; 0]);
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
