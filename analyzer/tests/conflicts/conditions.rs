//! Questions about conditions against plain enumeration of valuations, and the solver alone.

use ordain_analyzer::boxes::{Facts, Valuation};
use ordain_analyzer::conditions::Conditions;
use ordain_analyzer::strings::Strings;
use ordain_analyzer::{Answer, Memo, solver};
use ordain_ir::{CompareOp, Condition, Fact, TextTest, Type, Value};
use proptest::prelude::*;

use crate::strings::holds;

fn declared() -> Facts {
    let number = |name: &str, optional| Fact {
        range: Some((-3, 4)),
        optional,
        ..crate::common::fact(name, Type::Int)
    };
    let words = ["low", "mid", "high"].map(str::to_owned).to_vec();
    let facts = [
        number("x", false),
        number("y", true),
        crate::common::fact("flag", Type::Bool),
        Fact { optional: true, ..crate::common::fact("word", Type::Enum { variants: words }) },
        Fact { optional: true, ..crate::common::fact("name", Type::String) },
    ];
    facts.map(|fact| (fact.name.clone(), fact)).into()
}

fn atom() -> impl Strategy<Value = Condition> {
    let op = || prop::sample::select(CompareOp::ALL.to_vec());
    let coefficient = || prop::sample::select(vec![-3_i64, -1, 1, 2]);
    prop_oneof![
        Just(Condition::Fact("flag".into())),
        Just(Condition::Has("y".into())),
        Just(Condition::Has("word".into())),
        (prop::sample::select(vec!["x", "y"]), coefficient(), op(), -7..8_i64)
            .prop_map(|(name, c, op, bound)| crate::common::compare(&[(name, c)], op, bound)),
        (coefficient(), coefficient(), op(), -7..8_i64).prop_map(|(c, d, op, bound)| crate::common::compare(
            &[("x", c), ("y", d)],
            op,
            bound
        )),
        prop::sample::subsequence(vec!["low", "mid", "high"], 0..3)
            .prop_map(|words| crate::common::one_of("word", &words)),
        prop::sample::select(vec!["a", "ab"]).prop_map(|text| crate::common::equals("name", text)),
        Just(crate::common::text("name", TextTest::StartsWith("a".into()))),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    atom().prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::And),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::Or),
            inner.prop_map(|c| Condition::Not(Box::new(c))),
        ]
    })
}

fn evaluate(condition: &Condition, facts: &Valuation) -> bool {
    match condition {
        Condition::True => true,
        Condition::False => false,
        Condition::Not(inner) => !evaluate(inner, facts),
        Condition::And(parts) => parts.iter().all(|part| evaluate(part, facts)),
        Condition::Or(parts) => parts.iter().any(|part| evaluate(part, facts)),
        Condition::Has(name) => facts.contains_key(name),
        Condition::Fact(name) => facts.get(name) == Some(&Value::Bool(true)),
        Condition::OneOf { fact, words } => {
            matches!(facts.get(fact), Some(Value::Text(word)) if words.contains(word))
        }
        Condition::Text { fact, test } => {
            matches!(facts.get(fact), Some(Value::Text(text)) if holds(test, text))
        }
        Condition::Compare { terms, op, bound } => {
            let value = |name| match facts.get(name) {
                Some(Value::Number(n)) => Some(*n),
                _ => None,
            };
            let sum: Option<i64> = terms.iter().map(|(name, c)| Some(c * value(name)?)).sum();
            sum.is_some_and(|sum| op.holds(&sum, bound))
        }
        Condition::Any { .. } => unreachable!("sets have tests of their own"),
    }
}

/// Every valuation that the atoms above can tell apart.
fn valuations() -> Vec<Valuation> {
    let numbers: Vec<Option<Value>> = (-3..5).map(|n| Some(Value::Number(n))).collect();
    let with_absent = |values: &[Option<Value>]| [&[None], values].concat();
    let text = |text: &str| Some(Value::Text(text.into()));
    let columns: [(&str, Vec<Option<Value>>); 5] = [
        ("x", numbers.clone()),
        ("y", with_absent(&numbers)),
        ("flag", vec![Some(Value::Bool(false)), Some(Value::Bool(true))]),
        ("word", with_absent(&[text("low"), text("mid"), text("high")])),
        ("name", with_absent(&[text("b"), text("a"), text("ab"), text("ac")])),
    ];
    let mut out = vec![Valuation::new()];
    for (name, values) in columns {
        out = out
            .iter()
            .flat_map(|facts| {
                values.iter().map(|value| {
                    let mut facts = facts.clone();
                    facts.extend(value.clone().map(|value| (name.into(), value)));
                    facts
                })
            })
            .collect();
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn conditions_agree_with_enumeration(a in condition(), b in condition()) {
        let (facts, memo, all) = (declared(), Memo::default(), valuations());
        let conditions = Conditions { facts: &facts, bound: 2_000_000, memo: &memo };
        let (p, q) = (conditions.prepare(&a), conditions.prepare(&b));
        let both = all.iter().any(|v| evaluate(&a, v) && evaluate(&b, v));
        let verdict = conditions.find(&[&p, &q], &[]);
        match &verdict.answer {
            Answer::Yes(v) => {
                prop_assert!(evaluate(&a, v) && evaluate(&b, v), "{v:?}");
                prop_assert!(both);
            }
            answer => prop_assert_eq!((answer.is_no(), both), (true, false)),
        }
        let follows = all.iter().all(|v| !evaluate(&a, v) || evaluate(&b, v));
        prop_assert_eq!(conditions.implies(&[&p], &[&q]).answer.is_yes(), follows);
        // The solver alone says the same, with the first valuation in its order.
        let joint = Condition::And(vec![a.clone(), b.clone()]);
        match solver::satisfiable(&joint, &facts, &Strings::default(), 2_000_000) {
            Answer::Yes(v) => prop_assert!(both && evaluate(&joint, &v), "{v:?}"),
            answer => prop_assert_eq!((answer.is_no(), both), (true, false)),
        }
    }
}

#[test]
fn witnesses_are_the_smallest_values() {
    let number = |name: &str| (name.into(), crate::common::fact(name, Type::Int));
    let facts: Facts = [number("x"), number("y")].into();
    let smallest = |condition: &Condition| match solver::satisfiable(
        condition,
        &facts,
        &Strings::default(),
        2_000_000,
    ) {
        Answer::Yes(v) => v.into_values().collect::<Vec<_>>(),
        answer => panic!("{answer:?}"),
    };
    let sum = |bound| crate::common::compare(&[("x", 1), ("y", 1)], CompareOp::GreaterEqual, bound);
    assert_eq!(smallest(&sum(10)), [Value::Number(0), Value::Number(10)]);
    assert_eq!(smallest(&sum(i64::MAX)), [Value::Number(0), Value::Number(i64::MAX)]);
    let even = crate::common::compare(&[("x", 2), ("y", -2)], CompareOp::Equal, 7);
    assert_eq!(solver::satisfiable(&even, &facts, &Strings::default(), 2_000_000), Answer::No);
    let extreme = Condition::And(vec![
        crate::common::compare(&[("x", 1), ("y", 1)], CompareOp::LessEqual, i64::MIN),
        crate::common::compare(&[("y", 1)], CompareOp::GreaterEqual, 0),
    ]);
    assert_eq!(smallest(&extreme), [Value::Number(i64::MIN), Value::Number(0)]);
}

#[test]
fn the_solver_is_the_expected_one() {
    assert_eq!(solver::check(), Ok(()));
}

#[test]
fn a_question_beyond_the_bound_stays_undecided() {
    // Nine pigeons in eight holes, as sums of numbers between 0 and 1.
    let name = |p: usize, h: usize| format!("p{p}h{h}");
    let facts: Facts = (0..9)
        .flat_map(|p| (0..8).map(move |h| (p, h)))
        .map(|(p, h)| Fact { range: Some((0, 1)), ..crate::common::fact(&name(p, h), Type::Int) })
        .map(|fact| (fact.name.clone(), fact))
        .collect();
    let sum = |names: Vec<String>, op| {
        let terms: Vec<(&str, i64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
        crate::common::compare(&terms, op, 1)
    };
    let mut parts: Vec<Condition> =
        (0..9).map(|p| sum((0..8).map(|h| name(p, h)).collect(), CompareOp::GreaterEqual)).collect();
    for h in 0..8 {
        for p in 0..9 {
            parts.extend((0..p).map(|q| sum(vec![name(p, h), name(q, h)], CompareOp::LessEqual)));
        }
    }
    let pigeons = Condition::And(parts);
    let ask = |bound| solver::satisfiable(&pigeons, &facts, &Strings::default(), bound);
    assert_eq!(ask(1_000), Answer::Undecided);
    // A hopeless question doesn't spoil the next one on the same thread.
    let easy = crate::common::compare(&[("p0h0", 1), ("p0h1", 1)], CompareOp::Equal, 2);
    assert!(solver::satisfiable(&easy, &facts, &Strings::default(), 1_000_000).is_yes());
}
