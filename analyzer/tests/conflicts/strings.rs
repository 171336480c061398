//! Products of automata against plain enumeration of texts.

use std::collections::BTreeSet;

use ordain_analyzer::Answer;
use ordain_analyzer::strings::Strings;
use ordain_ir::{Glob, TextTest};
use proptest::prelude::*;

pub(crate) fn text_test() -> impl Strategy<Value = TextTest> {
    let part = "[ab]{0,2}";
    prop_oneof![
        part.prop_map(TextTest::Equals),
        part.prop_map(TextTest::Contains),
        part.prop_map(TextTest::StartsWith),
        part.prop_map(TextTest::EndsWith),
        "[ab*?]{0,3}".prop_map(|text| TextTest::Like(Glob::parse(&text).unwrap())),
        prop::sample::select(vec!["^a", "b$", "a+b", "^(a|b)?$", "(?i)A", "^.$", "a|", "^[^a]*$"])
            .prop_map(|text| TextTest::Matches(text.into())),
    ]
}

/// The meaning of the tests above.
pub(crate) fn holds(test: &TextTest, text: &str) -> bool {
    match test {
        TextTest::Equals(other) => text == other,
        TextTest::Contains(part) => text.contains(part.as_str()),
        TextTest::StartsWith(part) => text.starts_with(part.as_str()),
        TextTest::EndsWith(part) => text.ends_with(part.as_str()),
        TextTest::Like(glob) => glob.matches(text),
        // By hand, so that no automaton checks an automaton.
        TextTest::Matches(pattern) => match pattern.as_str() {
            "^a" => text.starts_with('a'),
            "b$" => text.ends_with('b'),
            "a+b" => text.contains("ab"),
            "^(a|b)?$" => matches!(text, "" | "a" | "b"),
            "(?i)A" => text.contains(['a', 'A']),
            "^.$" => text.chars().count() == 1 && text != "\n",
            "a|" => true,
            "^[^a]*$" => !text.contains('a'),
            other => unreachable!("{other}"),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn vectors_agree_with_enumeration(tests in prop::collection::btree_set(text_test(), 1..5)) {
        let tests: Vec<TextTest> = tests.into_iter().collect();
        let strings = Strings::default();
        let vector = |text: &str| tests.iter().enumerate().fold(0, |v, (i, t)| v | u64::from(holds(t, text)) << i);
        // All texts of up to six of the letters that matter, one that doesn't, and an accent.
        let mut texts = vec![String::new()];
        let mut last = texts.clone();
        for _ in 0..6 {
            last = last.iter().flat_map(|t| ["a", "b", "A", "é"].map(|c| format!("{t}{c}"))).collect();
            texts.extend(last.iter().cloned());
            if texts.len() > 2_000 { break }
        }
        let expected: BTreeSet<u64> = texts.iter().map(|text| vector(text)).collect();
        let found = strings.realisable(&tests, false).unwrap();
        for (set, text) in &*found {
            prop_assert_eq!(vector(text), *set, "{:?}", text);
            // The shortest: no enumerated text but the empty one is shorter.
            let shorter = texts.iter().find(|t| !t.is_empty() && t.len() < text.len() && vector(t) == *set);
            prop_assert_eq!(shorter, None);
        }
        for set in &expected {
            prop_assert!(found.contains_key(set), "{set:b} of {tests:?}");
        }
        let wanted: Vec<(TextTest, bool)> = tests.iter().cloned().map(|t| (t, true)).collect();
        let all = (1 << tests.len()) - 1;
        match strings.witness(&wanted) {
            Answer::Yes(text) => prop_assert_eq!(vector(&text), all),
            answer => prop_assert_eq!((answer.is_no(), found.contains_key(&all)), (true, false)),
        }
    }
}

#[test]
fn what_automata_cannot_decide_stays_undecided() {
    let strings = Strings::default();
    let test = |pattern: &str| TextTest::Matches(pattern.into());
    assert_eq!(strings.realisable(&[test(r"\bword\b")], false), None);
    assert_eq!(strings.realisable(&[test(r"\B")], false), None);
    assert_eq!(strings.realisable(&[test(r"(\w{40}){40}")], false), None, "too large");
    assert_eq!(strings.witness(&[(test(r"\bword\b"), true)]), Answer::Undecided);
    let unicode = TextTest::Like(Glob::parse("ß?").unwrap());
    assert_eq!(strings.witness(&[(unicode, true)]), Answer::Yes("ßa".into()));
}
