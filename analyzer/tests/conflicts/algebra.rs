//! The algebras against plain enumeration.

use std::collections::BTreeSet;

use jiff::Timestamp;
use ordain_analyzer::boxes::{Facts, Valuation};
use ordain_analyzer::conditions::Conditions;
use ordain_analyzer::strings::Strings;
use ordain_analyzer::window::{Intervals, Windows};
use ordain_analyzer::{Answer, Memo, scope, solver};
use ordain_ir::{
    Active, CompareOp, Condition, DaySet, Fact, Glob, Path, Recurrence, ScopePattern, ScopeSelector,
    TextTest, TimeOfDay, Type, Value, Window, zone,
};
use proptest::prelude::*;

// ---- scopes ----

/// One segment of every kind that the patterns below tell apart.
const SEGMENTS: [&str; 9] = ["a", "b", "c", "aa", "ab", "ba", "bb", "aab", "aba"];

fn glob() -> impl Strategy<Value = Option<Glob>> {
    prop_oneof![
        3 => Just(None),
        5 => prop::sample::select(vec!["a", "b", "ab", "a*", "*b", "*", "?", "a?"]).prop_map(|t| Glob::parse(t).ok()),
    ]
}

fn pattern() -> impl Strategy<Value = ScopePattern> {
    (glob(), glob(), glob(), glob(), prop::bool::weighted(0.3)).prop_map(
        |(tenant, project, agent, provider, named)| ScopePattern {
            tenant,
            project,
            agent,
            provider: provider.filter(|_| named),
        },
    )
}

fn selector() -> impl Strategy<Value = ScopeSelector> {
    (prop::collection::vec(pattern(), 1..3), prop::collection::vec(pattern(), 0..2))
        .prop_map(|(include, except)| ScopeSelector::new(include, except))
}

fn subjects() -> Vec<(Path, Option<String>)> {
    let mut out = vec![];
    for tenant in SEGMENTS {
        for project in SEGMENTS {
            for agent in SEGMENTS {
                let path = Path { tenant: tenant.into(), project: project.into(), agent: agent.into() };
                out.push((path.clone(), None));
                out.extend(SEGMENTS.map(|provider| (path.clone(), Some(provider.to_owned()))));
            }
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn scopes_agree_with_enumeration(a in selector(), b in selector(), c in selector()) {
        let strings = Strings::default();
        let all = subjects();
        let within = |s: &ScopeSelector, (path, provider): &(Path, Option<String>)| s.contains(path, provider.as_deref());
        let exists = all.iter().any(|x| within(&a, x) && within(&b, x) && !within(&c, x));
        match scope::find(&[&a, &b], &[&c], &strings) {
            Answer::Yes(found) => {
                let found = (found.path, found.provider);
                prop_assert!(within(&a, &found) && within(&b, &found) && !within(&c, &found), "{found:?}");
                prop_assert!(exists);
            }
            answer => prop_assert_eq!((answer.is_no(), exists), (true, false)),
        }
        let included = all.iter().all(|x| !within(&a, x) || within(&b, x));
        prop_assert_eq!(scope::included(&[&a], &[&b], &strings).is_yes(), included);

        let sets: BTreeSet<u32> = all
            .iter()
            .map(|x| u32::from(within(&a, x)) | u32::from(within(&b, x) && within(&c, x)) << 1)
            .collect();
        let minterms = scope::minterms(&[vec![&a], vec![&b, &c]], &strings).unwrap();
        prop_assert_eq!(minterms.iter().map(|(set, _)| *set).collect::<BTreeSet<_>>(), sets);
        for (set, found) in minterms {
            let found = (found.path, found.provider);
            let of = u32::from(within(&a, &found)) | u32::from(within(&b, &found) && within(&c, &found)) << 1;
            prop_assert_eq!(of, set);
        }
    }
}

#[test]
fn witnesses_of_scopes_are_readable() {
    let strings = Strings::default();
    let find = |inside: &[&str], outside: &[&str]| {
        let inside: Vec<_> = inside.iter().map(|text| crate::common::scope(text)).collect();
        let outside: Vec<_> = outside.iter().map(|text| crate::common::scope(text)).collect();
        match scope::find(&inside.iter().collect::<Vec<_>>(), &outside.iter().collect::<Vec<_>>(), &strings) {
            Answer::Yes(subject) => subject.path.to_string(),
            answer => format!("{answer:?}"),
        }
    };
    assert_eq!(find(&["global"], &[]), "tenant/project/agent");
    assert_eq!(find(&["acme", "*/support"], &[]), "acme/support/agent");
    assert_eq!(find(&["global"], &["tenant"]), "tenant-2/project/agent");
    assert_eq!(find(&["eu-*", "*-prod"], &[]), "eu-prod/project/agent");
    assert_eq!(find(&["a?"], &["ab", "aa"]), "ac/project/agent");
    assert_eq!(find(&["acme, globex - acme", "acme/support"], &[]), "No");
}

// ---- windows ----

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    // Winter time is the negative one.
    "Europe/Dublin",
    // Half an hour of daylight saving.
    "Australia/Lord_Howe",
    "America/New_York",
    // Quarters of an hour.
    "Pacific/Chatham",
    // Moved its standard offset in 2018 and, by half an hour, in 2015.
    "Asia/Pyongyang",
    // Skipped a whole day in 2011.
    "Pacific/Apia",
];

fn time(range: std::ops::RangeInclusive<u16>) -> impl Strategy<Value = TimeOfDay> {
    // Half of them near the hours at which clocks change.
    prop_oneof![range.clone(), 30..=210_u16, Just(0), Just(*range.end())].prop_map(TimeOfDay)
}

fn recurrence() -> impl Strategy<Value = Recurrence> {
    let (start, end) = (|| time(0..=1439), || time(0..=1440));
    prop_oneof![
        (1..128_u8, start(), end()).prop_map(|(days, start, end)| Recurrence::Daily {
            days: DaySet(days),
            start,
            end
        }),
        (0..7_u8, start(), 0..7_u8, end()).prop_map(|(start_day, start, end_day, end)| Recurrence::Weekly {
            start_day,
            start,
            end_day,
            end
        }),
    ]
}

/// Membership by the wall clock, a minute at a time.
fn on_the_wall(recurrence: &Recurrence, zone: &jiff::tz::TimeZone, at: i64) -> bool {
    let local = Timestamp::from_second(at).unwrap().to_zoned(zone.clone()).datetime();
    let day = local.weekday().to_monday_zero_offset();
    let minute = i32::from(local.hour()) * 60 + i32::from(local.minute());
    match recurrence {
        Recurrence::Daily { days, start, end } => {
            let (start, end) = (i32::from(start.0), i32::from(end.0));
            let today = days.contains(u8::try_from(day).unwrap());
            let yesterday = days.contains(u8::try_from((day + 6) % 7).unwrap());
            if end > start {
                today && (start..end).contains(&minute)
            } else {
                today && minute >= start || yesterday && minute < end
            }
        }
        Recurrence::Weekly { start_day, start, end_day, end } => {
            let now = i32::from(day) * 1440 + minute;
            let start = i32::from(*start_day) * 1440 + i32::from(start.0);
            let end = i32::from(*end_day) * 1440 + i32::from(end.0);
            if end > start {
                (start..end).contains(&now)
            } else {
                now >= start || now < end % 10_080 || end == start
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn windows_agree_with_the_clock_on_the_wall(
        zone_name in prop::sample::select(ZONES.to_vec()),
        recurrence in recurrence(),
        year in prop::sample::select(vec![2011_i16, 2015, 2018, 2026, 2031]),
        pick in 0..4_usize,
    ) {
        let zone = zone::find(zone_name).unwrap();
        let start = jiff::civil::date(year, 1, 1).to_zoned(zone.clone()).unwrap().timestamp();
        // Around a transition of that year, if there is one.
        let centre = zone.following(start).take(3).nth(pick % 3).map_or(start, |t| t.timestamp()).as_second();
        let (from, to) = (centre - 5 * 86_400, centre + 5 * 86_400);
        let active = Active { zone: zone_name.into(), recurrence: Some(recurrence.clone()), from: Some(from + 61), until: Some(to - 59) };
        let windows = Windows::new(Intervals::new(vec![(from - 1000, to + 1000)]));
        let set = windows.expand(&Window::new(vec![active])).unwrap();
        prop_assert!(set.parts().iter().all(|(a, b)| a < b) && set.parts().is_sorted_by(|a, b| a.1 < b.0));
        for at in (from - 900..to + 900).step_by(60) {
            for at in [at, at + 59] {
                let expected = at >= from + 61 && at < to - 59 && on_the_wall(&recurrence, &zone, at);
                prop_assert_eq!(set.contains(at), expected, "{} {:?}", Timestamp::from_second(at).unwrap(), recurrence);
            }
        }
    }

    #[test]
    fn interval_sets_are_sets(
        a in prop::collection::vec((0..40_i64, 0..40_i64), 0..6),
        b in prop::collection::vec((0..40_i64, 0..40_i64), 0..6),
        clip in (0..40_i64, 0..40_i64),
    ) {
        let of = |parts: &[(i64, i64)]| -> BTreeSet<i64> { parts.iter().flat_map(|(x, y)| *x..*y).collect() };
        let members = |set: &Intervals| of(set.parts());
        let (x, y) = (of(&a), of(&b));
        let (a, b) = (Intervals::new(a), Intervals::new(b));
        prop_assert_eq!(members(&a), x.clone());
        prop_assert_eq!(members(&a.intersection(&b)), &x & &y);
        prop_assert_eq!(members(&a.union(&b)), &x | &y);
        prop_assert_eq!(members(&a.difference(&b)), &x - &y);
        prop_assert_eq!(a.meets(&b), !x.is_disjoint(&y));
        prop_assert_eq!(a.is_subset_of(&b), x.is_subset(&y));
        let clipped: BTreeSet<i64> = x.iter().copied().filter(|i| (clip.0..clip.1).contains(i)).collect();
        prop_assert_eq!(members(&a.clipped(clip.0, clip.1)), clipped);
        prop_assert_eq!(a.first_from(clip.0), x.range(clip.0..).next().or(x.first()).copied());
        prop_assert!((-1..41).all(|i| a.contains(i) == x.contains(&i)));
    }
}

// ---- strings ----

fn text_test() -> impl Strategy<Value = TextTest> {
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

fn holds(test: &TextTest, text: &str) -> bool {
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

// ---- conditions ----

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
