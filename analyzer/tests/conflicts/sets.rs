//! Tests of the elements of sets against plain enumeration of sets.

use std::collections::BTreeSet;

use ordain_analyzer::boxes::{Facts, Valuation};
use ordain_analyzer::conditions::Conditions;
use ordain_analyzer::strings::Strings;
use ordain_analyzer::{Answer, Memo, sets, solver};
use ordain_ir::{
    Certainty, CompareOp, Condition, Conflict, ElementTest, EnforcementMode, Fact, Rule, TextTest, Type,
    Value,
};
use proptest::prelude::*;

use crate::common::Build;
use crate::strings::{holds, text_test};

fn set_fact(name: &str, of: Type, optional: bool) -> Fact {
    let range = (of == Type::Int).then_some((-1, 2));
    Fact { range, optional, ..crate::common::fact(name, Type::Set { of: Box::new(of) }) }
}

fn levels() -> Type {
    Type::Enum { variants: ["low", "mid", "high"].map(str::to_owned).into() }
}

fn test(leaf: impl Strategy<Value = ElementTest> + 'static) -> impl Strategy<Value = ElementTest> {
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|test| ElementTest::Not(Box::new(test))),
            prop::collection::vec(inner, 2..4).prop_map(ElementTest::AnyOf),
        ]
    })
}

fn number_test() -> impl Strategy<Value = ElementTest> {
    let op = prop::sample::select(CompareOp::ALL.to_vec());
    test((op, -3..5_i64).prop_map(|(op, bound)| ElementTest::Compare { op, bound }))
}

fn word_test() -> impl Strategy<Value = ElementTest> {
    let words = prop::sample::subsequence(vec!["low", "mid", "high"], 0..=3);
    test(words.prop_map(|words| ElementTest::OneOf(words.into_iter().map(str::to_owned).collect())))
}

fn passes(test: &ElementTest, element: &Value) -> bool {
    match (test, element) {
        (ElementTest::Not(inner), _) => !passes(inner, element),
        (ElementTest::AnyOf(tests), _) => tests.iter().any(|test| passes(test, element)),
        (ElementTest::OneOf(words), Value::Text(word)) => words.contains(word),
        (ElementTest::Text(test), Value::Text(text)) => holds(test, text),
        (ElementTest::Compare { op, bound }, Value::Number(n)) => op.holds(n, bound),
        other => unreachable!("{other:?}"),
    }
}

/// Every set of some of the elements.
fn subsets(elements: &[Value]) -> Vec<BTreeSet<Value>> {
    let bits = |mask: usize| elements.iter().enumerate().filter(move |(at, _)| mask >> at & 1 == 1);
    (0..1_usize << elements.len()).map(|mask| bits(mask).map(|(_, e)| e.clone()).collect()).collect()
}

/// Whether the witness of the literals is right, if these are all the elements that can be told apart.
fn check(
    fact: &Fact,
    literals: &BTreeSet<(ElementTest, bool)>,
    elements: &[Value],
) -> Result<(), TestCaseError> {
    let fulfils = |set: &BTreeSet<Value>| {
        literals.iter().all(|(test, wanted)| set.iter().any(|element| passes(test, element)) == *wanted)
    };
    let fewest = subsets(elements).iter().filter(|set| fulfils(set)).map(BTreeSet::len).min();
    match sets::witness(fact, literals, &Strings::default()) {
        Answer::Yes(found) => {
            prop_assert!(fulfils(&found), "{found:?}");
            prop_assert_eq!(Some(found.len()), fewest, "{:?}", found);
        }
        answer => prop_assert_eq!((answer.is_no(), fewest), (true, None)),
    }
    Ok(())
}

fn literals(
    test: impl Strategy<Value = ElementTest>,
) -> impl Strategy<Value = BTreeSet<(ElementTest, bool)>> {
    prop::collection::btree_set((test, any::<bool>()), 0..5)
}

/// The texts of up to a few letters, one for each combination of outcomes.
fn told_apart(literals: &BTreeSet<(ElementTest, bool)>) -> Vec<Value> {
    let mut texts = vec![String::new()];
    let mut last = texts.clone();
    while texts.len() < 1_000 {
        last = last.iter().flat_map(|t| ["a", "b", "A", "é"].map(|c| format!("{t}{c}"))).collect();
        texts.extend(last.iter().cloned());
    }
    let (mut seen, mut out) = (BTreeSet::new(), vec![]);
    for text in texts.into_iter().map(Value::Text) {
        if seen.insert(literals.iter().map(|(test, _)| passes(test, &text)).collect::<Vec<_>>()) {
            out.push(text);
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn sets_of_numbers_agree_with_enumeration(literals in literals(number_test())) {
        let all: Vec<Value> = (-1..=2).map(Value::Number).collect();
        check(&set_fact("ports", Type::Int, false), &literals, &all)?;
    }

    #[test]
    fn sets_of_words_agree_with_enumeration(literals in literals(word_test())) {
        let all = ["low", "mid", "high"].map(|word| Value::Text(word.into()));
        check(&set_fact("levels", levels(), false), &literals, &all)?;
    }

    #[test]
    fn sets_of_texts_agree_with_enumeration(
        literals in literals(test(text_test().prop_map(ElementTest::Text))),
    ) {
        let all = told_apart(&literals);
        prop_assume!(all.len() <= 12);
        check(&set_fact("labels", Type::String, false), &literals, &all)?;
    }
}

#[test]
fn witnesses_are_the_smallest_sets() {
    let smallest = |of: Type, literals: &[(ElementTest, bool)]| {
        let fact = set_fact("labels", of, false);
        match sets::witness(&fact, &literals.iter().cloned().collect(), &Strings::default()) {
            Answer::Yes(set) => Value::Set(set).to_json(&fact.ty).to_string(),
            answer => format!("{answer:?}"),
        }
    };
    let text = ElementTest::Text;
    let starts = |part: &str| text(TextTest::StartsWith(part.into()));
    let contains = |part: &str| text(TextTest::Contains(part.into()));
    let is = |part: &str| text(TextTest::Equals(part.into()));
    let of = |literals: &[(ElementTest, bool)]| smallest(Type::String, literals);
    assert_eq!(of(&[]), "[]");
    assert_eq!(of(&[(starts("pii"), false)]), "[]");
    assert_eq!(of(&[(starts("pii"), true), (contains("x"), true)]), r#"["piix"]"#, "one for both");
    assert_eq!(of(&[(starts("a"), true), (starts("b"), true)]), r#"["a","b"]"#, "none for both");
    assert_eq!(of(&[(starts("a"), true), (is("a"), false)]), r#"["aa"]"#);
    assert_eq!(of(&[(starts("pii"), true), (contains("p"), false)]), "No");
    let either = ElementTest::AnyOf(vec![is("a"), is("b")]);
    assert_eq!(of(&[(either.clone().negate(), false), (starts("b"), true)]), r#"["b"]"#, "all in a or b");
    assert_eq!(of(&[(either.negate(), false), (starts("c"), true)]), "No");
    assert_eq!(of(&[(text(TextTest::Matches(r"\bword\b".into())), true)]), "Undecided");
    let number = |op, bound| ElementTest::Compare { op, bound };
    let of = |literals: &[(ElementTest, bool)]| smallest(Type::Int, literals);
    assert_eq!(of(&[(number(CompareOp::NotEqual, 0), true)]), "[1]");
    assert_eq!(of(&[(number(CompareOp::Greater, 1), true), (number(CompareOp::Less, 1), true)]), "[0,2]");
    assert_eq!(of(&[(number(CompareOp::Greater, 2), true)]), "No", "the range of the elements ends at 2");
}

#[test]
fn long_lists_are_decided() {
    let fact = set_fact("labels", Type::String, false);
    let words: Vec<ElementTest> =
        (0..100).map(|n| ElementTest::Text(TextTest::Equals(format!("word-{n}")))).collect();
    let listed = ElementTest::AnyOf(words);
    let strings = Strings::default();
    let starts = |text: &str| ElementTest::Text(TextTest::StartsWith(text.into()));
    let ask = |literals: &[(ElementTest, bool)]| {
        sets::witness(&fact, &literals.iter().cloned().collect(), &strings)
    };
    let one = |text: &str| Answer::Yes([Value::Text(text.into())].into());
    assert_eq!(ask(&[(listed.clone(), false), (starts("word-9"), true)]), one("word-9a"));
    assert_eq!(ask(&[(listed.clone(), true), (starts("word-9"), true)]), one("word-9"));
    assert_eq!(ask(&[(listed.clone().negate(), false), (starts("word-9"), true)]), one("word-9"));
    assert_eq!(ask(&[(listed.negate(), false), (starts("x"), true)]), Answer::No);
}

fn declared() -> Facts {
    let number = |name: &str| Fact { range: Some((0, 1)), ..crate::common::fact(name, Type::Int) };
    let facts = [
        number("x"),
        number("y"),
        set_fact("labels", Type::String, true),
        set_fact("ports", Type::Int, false),
    ];
    facts.map(|fact| (fact.name.clone(), fact)).into()
}

fn condition() -> impl Strategy<Value = Condition> {
    let any = |fact: &str, test| Condition::Any { fact: fact.into(), test };
    let labels = prop::sample::select(vec![
        TextTest::Equals("a".into()),
        TextTest::StartsWith("a".into()),
        TextTest::Contains("b".into()),
    ]);
    let sums = (prop::sample::select(CompareOp::ALL.to_vec()), 0..3_i64);
    let atom = prop_oneof![
        1 => Just(Condition::Has("labels".into())),
        3 => labels.prop_map(ElementTest::Text).prop_map(move |test| any("labels", test)),
        3 => number_test().prop_map(move |test| any("ports", test)),
        2 => sums.prop_map(|(op, bound)| crate::common::compare(&[("x", 1), ("y", 1)], op, bound)),
    ];
    atom.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::And),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::Or),
            inner.prop_map(|c| Condition::Not(Box::new(c))),
        ]
    })
}

/// Numbers that a valuation doesn't name are zero: no condition that was asked about reads them.
fn evaluate(condition: &Condition, facts: &Valuation) -> bool {
    match condition {
        Condition::Not(inner) => !evaluate(inner, facts),
        Condition::And(parts) => parts.iter().all(|part| evaluate(part, facts)),
        Condition::Or(parts) => parts.iter().any(|part| evaluate(part, facts)),
        Condition::Has(name) => facts.contains_key(name),
        Condition::Any { fact, test } => match facts.get(fact) {
            Some(Value::Set(elements)) => elements.iter().any(|element| passes(test, element)),
            _ => false,
        },
        Condition::Compare { terms, op, bound } => {
            let value = |name| if let Some(Value::Number(n)) = facts.get(name) { *n } else { 0 };
            op.holds(&terms.iter().map(|(name, c)| c * value(name)).sum(), bound)
        }
        other => unreachable!("{other:?}"),
    }
}

/// Every valuation that the atoms above can tell apart.
fn valuations() -> Vec<Valuation> {
    let sets = |elements: &[Value]| subsets(elements).into_iter().map(|set| Some(Value::Set(set)));
    let texts = ["a", "ab", "aa", "b", "c"].map(|text| Value::Text(text.into()));
    let numbers: Vec<Value> = (-1..=2).map(Value::Number).collect();
    let bits = || vec![Some(Value::Number(0)), Some(Value::Number(1))];
    let columns: [(&str, Vec<Option<Value>>); 4] = [
        ("x", bits()),
        ("y", bits()),
        ("labels", sets(&texts).chain([None]).collect()),
        ("ports", sets(&numbers).collect()),
    ];
    let mut out = vec![Valuation::new()];
    for (name, values) in columns {
        let with = |facts: &Valuation, value: &Option<Value>| {
            let mut facts = facts.clone();
            facts.extend(value.clone().map(|value| (name.into(), value)));
            facts
        };
        out = out
            .iter()
            .flat_map(|facts| values.iter().map(|value| with(facts, value)).collect::<Vec<_>>())
            .collect();
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn conditions_over_sets_agree_with_enumeration(a in condition(), b in condition()) {
        let (facts, memo, all) = (declared(), Memo::default(), valuations());
        let conditions = Conditions { facts: &facts, bound: 2_000_000, memo: &memo };
        let (p, q) = (conditions.prepare(&a), conditions.prepare(&b));
        let both = all.iter().any(|v| evaluate(&a, v) && evaluate(&b, v));
        let agree = |answer: &Answer<Valuation>| {
            match answer {
                Answer::Yes(v) => prop_assert!(both && evaluate(&a, v) && evaluate(&b, v), "{v:?}"),
                answer => prop_assert_eq!((answer.is_no(), both), (true, false)),
            }
            Ok(())
        };
        agree(&conditions.find(&[&p, &q], &[]).answer)?;
        let follows = all.iter().all(|v| !evaluate(&a, v) || evaluate(&b, v));
        prop_assert_eq!(conditions.implies(&[&p], &[&q]).answer.is_yes(), follows);
        // The solver alone says the same.
        let joint = Condition::And(vec![a.clone(), b.clone()]);
        agree(&solver::satisfiable(&joint, &facts, &Strings::default(), 2_000_000))?;
    }

    #[test]
    fn the_solver_too_finds_the_smallest_set(literals in literals(number_test())) {
        let parts = literals.iter().map(|(test, wanted)| {
            let any = Condition::Any { fact: "ports".into(), test: test.clone() };
            if *wanted { any } else { any.negate() }
        });
        let parts: Vec<Condition> = parts.collect();
        let (facts, strings) = (declared(), Strings::default());
        let expected = sets::witness(&facts["ports"], &literals, &strings);
        let found = solver::satisfiable(&Condition::And(parts), &facts, &strings, 2_000_000);
        let found = found.map(|mut v| match v.remove("ports") {
            Some(Value::Set(set)) => set,
            None => BTreeSet::new(),
            other => unreachable!("{other:?}"),
        });
        prop_assert_eq!(found, expected);
    }
}

fn overlap(fact: Fact, stricter: Condition, milder: Condition) -> Conflict {
    let rule = |name: &str, mode, condition| Rule { condition, ..crate::common::rule(name, mode) };
    let rules =
        [rule("acme.a", EnforcementMode::Block, stricter), rule("acme.b", EnforcementMode::Warn, milder)];
    Build::default().facts([fact]).rules(rules).conflict()
}

#[test]
fn a_conflict_shows_the_smallest_set() {
    let labels = |test| Condition::Any { fact: "labels".into(), test: ElementTest::Text(test) };
    let conflict = overlap(
        set_fact("labels", Type::String, false),
        labels(TextTest::StartsWith("pii".into())),
        Condition::and([
            labels(TextTest::EndsWith("eu".into())),
            labels(TextTest::Contains("pii.eu".into())).negate(),
        ]),
    );
    assert_eq!(conflict.certainty, Certainty::Proved);
    let facts = conflict.witness.unwrap().request.facts;
    assert_eq!(facts[&"labels".into()], serde_json::json!(["piieu"]));
}

#[test]
fn what_rests_on_an_opaque_set_is_suspected() {
    let tags = Fact { opaque: true, ..set_fact("tags", levels(), false) };
    let any = |word: &str| Condition::Any {
        fact: "tags".into(),
        test: ElementTest::OneOf([word.to_owned()].into()),
    };
    let conflict = overlap(tags.clone(), any("low"), any("high"));
    assert_eq!(conflict.certainty, Certainty::Suspected);
    assert!(conflict.uncertainty.unwrap().contains("`tags`"));
    // Whatever the tags are.
    let either = Condition::or([any("low"), any("low").negate()]);
    assert_eq!(overlap(tags, either, Condition::True).certainty, Certainty::Proved);
}
