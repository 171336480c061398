//! The finite world in which random workspaces live.
//!
//! Generated policies use only the patterns, facts and times listed here, and the world holds one representative of
//! every way in which those can be true or false together. So what holds for no request of the world holds for no
//! request at all (within the horizon): enumerating it is a proof.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use ordain_ir::{Condition, Fact, FactName, Glob, MeterUnit, TextTest, Type, Value};

use crate::reference;

/// Globs for segments of paths and for providers.
pub const SEGMENT_GLOBS: [&str; 4] = ["a", "b", "*", "a*"];

/// `a` is named and begins with `a`; `ab` only begins with `a`; `b` is only named; `z` is neither. No other
/// combination of the globs above exists.
pub const SEGMENTS: [&str; 4] = ["a", "ab", "b", "z"];

/// No provider, or one of each kind.
pub const PROVIDERS: [Option<&str>; 5] = [None, Some("a"), Some("ab"), Some("b"), Some("z")];

/// Zones whose offsets, and changes of them, are whole half hours. Lord Howe's clocks move by half an hour.
pub const ZONES: [&str; 3] = ["UTC", "Europe/Berlin", "Australia/Lord_Howe"];

/// All times of generated policies are multiples of this, in seconds.
pub const STEP: i64 = 1_800;

/// 2026-03-28 to 2026-04-06 (UTC): Berlin's clocks go forward on the 29th of March, Lord Howe's back on the 5th of
/// April.
pub const HORIZON: (i64, i64) = (1_774_656_000, 1_775_433_600);

/// How far the horizon reaches around an instant that a policy names, in seconds: a (leap) year.
pub const YEAR: i64 = 366 * 86_400;

/// Every fact that a generated condition may read.
pub static FACTS: LazyLock<BTreeMap<FactName, Fact>> = LazyLock::new(|| {
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
    let set = |of| Type::Set { of: Box::new(of) };
    let fact = |name: &str, ty: Type, range: Option<(i64, i64)>, optional: bool, opaque: bool| Fact {
        name: name.into(),
        ty,
        range,
        optional,
        opaque,
        doc: String::new(),
    };
    [
        fact("flag", Type::Bool, None, false, false),
        fact("maybe", Type::Bool, None, true, false),
        fact("verdict", Type::Bool, None, false, true),
        fact("kind", Type::Enum { variants: words(&["u", "v", "w"]) }, None, false, false),
        fact("n", Type::Int, Some((0, 3)), false, false),
        fact("m", Type::Int, Some((-1, 1)), true, false),
        fact("price", Type::Money { currency: "USD".into() }, Some((0, 2)), false, false),
        fact("text", Type::String, None, false, false),
        fact("note", Type::String, None, true, false),
        fact("labels", set(Type::String), None, false, false),
        fact("levels", set(Type::Enum { variants: words(&["u", "v", "w"]) }), None, true, false),
        fact("ports", set(Type::Int), Some((-1, 2)), false, false),
        fact("signs", set(Type::Enum { variants: words(&["p", "q"]) }), None, false, true),
    ]
    .map(|fact| (fact.name.clone(), fact))
    .into()
});

/// Every test of text that a generated condition may make.
pub static TEXT_TESTS: LazyLock<Vec<TextTest>> = LazyLock::new(|| {
    let glob = |text| TextTest::Like(Glob::parse(text).expect("a well-formed glob"));
    vec![
        TextTest::Equals("x".into()),
        TextTest::Equals("xy".into()),
        glob("x*"),
        glob("?y"),
        TextTest::StartsWith("x".into()),
        TextTest::EndsWith("y".into()),
        TextTest::Contains("y".into()),
        TextTest::Matches("^x".into()),
        TextTest::Matches("x.*y".into()),
        TextTest::Matches("y$".into()),
    ]
});

/// Every test of an element of a set of texts that a generated condition may make, or may combine.
pub static ELEMENT_TESTS: LazyLock<Vec<TextTest>> = LazyLock::new(|| {
    vec![TextTest::Equals("x".into()), TextTest::StartsWith("x".into()), TextTest::EndsWith("y".into())]
});

/// The declared meters that a generated limit may bound.
pub static METERS: LazyLock<BTreeMap<String, MeterUnit>> = LazyLock::new(|| {
    let dollars = MeterUnit::Money("USD".to_owned());
    [("emails", MeterUnit::Count), ("refunds", dollars), ("gpu-time", MeterUnit::Duration)]
        .map(|(name, unit)| (name.to_owned(), unit))
        .into()
});

/// One text for each way in which the tests above come out together. To those tests every letter but `x` and `y` is
/// as good as `z`, except the line feed, which a dot doesn't match; and each of them looks at no more than two
/// characters at either end and at the order of `x`, `y` and line feeds between, which four characters show in full.
/// A test compares with all texts of up to six.
pub static TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| representatives(4, &TEXT_TESTS));

/// The same for elements of sets.
static ELEMENTS: LazyLock<Vec<String>> = LazyLock::new(|| representatives(4, &ELEMENT_TESTS));

fn representatives(length: usize, tests: &[TextTest]) -> Vec<String> {
    let mut seen = BTreeMap::new();
    for text in texts(length) {
        seen.entry(outcomes(&text, tests)).or_insert(text);
    }
    seen.into_values().collect()
}

fn outcomes(text: &str, tests: &[TextTest]) -> Vec<bool> {
    let values = [("text".into(), Value::Text(text.to_owned()))].into();
    let holds = |test: &TextTest| {
        let condition = Condition::Text { fact: "text".into(), test: test.clone() };
        reference::holds(&condition, &FACTS, &values)
    };
    tests.iter().map(holds).collect()
}

/// All texts of at most this length over `x`, `y`, `z` and the line feed, shortest first.
fn texts(length: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut last = all.clone();
    for _ in 0..length {
        last = last.iter().flat_map(|text| ['x', 'y', 'z', '\n'].map(|c| format!("{text}{c}"))).collect();
        all.extend(last.iter().cloned());
    }
    all
}

/// Every value of a fact that is worth trying; `None` for its absence.
///
/// # Panics
/// On a type that no fact of the world has.
pub fn values(fact: &Fact) -> Vec<Option<Value>> {
    let present: Vec<Value> = match &fact.ty {
        Type::Bool => vec![Value::Bool(false), Value::Bool(true)],
        Type::Enum { variants } => variants.iter().cloned().map(Value::Text).collect(),
        Type::String => TEXTS.iter().cloned().map(Value::Text).collect(),
        Type::Int | Type::Money { .. } => {
            let (least, greatest) = fact.range.expect("numbers of the world have a range");
            (least..=greatest).map(Value::Number).collect()
        }
        // Tests look at elements one by one, so the sets of their representatives represent all sets.
        Type::Set { of } => {
            let elements = match &**of {
                Type::String => ELEMENTS.iter().cloned().map(Value::Text).collect(),
                of => values(&Fact { ty: of.clone(), optional: false, ..fact.clone() })
                    .into_iter()
                    .flatten()
                    .collect(),
            };
            subsets(elements)
        }
        Type::Decimal { .. } | Type::Duration => panic!("`{}` is not of this world", fact.name),
    };
    let absent = fact.optional.then_some(None);
    present.into_iter().map(Some).chain(absent).collect()
}

/// Every set of some of the elements, the empty one first.
fn subsets(elements: Vec<Value>) -> Vec<Value> {
    let mut all = vec![BTreeSet::new()];
    for element in elements {
        let with: Vec<_> = all.iter().map(|set| set | &[element.clone()].into()).collect();
        all.extend(with);
    }
    all.into_iter().map(Value::Set).collect()
}

/// What the wall clock of each zone shows, every half hour that can lie within a widened horizon.
static CLOCKS: LazyLock<BTreeMap<&str, Vec<i64>>> = LazyLock::new(|| {
    let table = |zone| {
        (first_instant()..HORIZON.1 + YEAR).step_by(1_800).map(move |at| reference::wall_clock(zone, at))
    };
    ZONES.map(|zone| (zone, table(zone).collect())).into()
});

const fn first_instant() -> i64 {
    HORIZON.0 - YEAR
}

/// The reference's wall clock, from a table: only for multiples of [`STEP`] within a year of the horizon.
///
/// # Panics
/// On other zones and instants.
pub fn clock(zone: &str, second: i64) -> i64 {
    let row = usize::try_from((second - first_instant()) / STEP).expect("not before the world begins");
    CLOCKS[zone][row]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_are_representative() {
        for (tests, known) in [(&*TEXT_TESTS, &*TEXTS), (&*ELEMENT_TESTS, &*ELEMENTS)] {
            let vectors =
                |length| texts(length).iter().map(|text| outcomes(text, tests)).collect::<BTreeSet<_>>();
            assert_eq!(vectors(4), vectors(6));
            assert_eq!(known.len(), vectors(6).len());
        }
    }

    #[test]
    fn clocks_change_on_half_hours_only() {
        for zone in ZONES {
            for at in (HORIZON.0..HORIZON.1).step_by(1_800) {
                let shown = clock(zone, at);
                assert_eq!(shown % 30, 0);
                assert_eq!(reference::wall_clock(zone, at + STEP - 1), shown + 29, "{zone} {at}");
            }
        }
        let jumps = |zone| {
            let steps = (HORIZON.0..HORIZON.1 - STEP).step_by(1_800);
            steps.filter(|at| (clock(zone, at + STEP) - clock(zone, *at)).rem_euclid(7 * 1_440) != 30).count()
        };
        assert_eq!(ZONES.map(jumps), [0, 1, 1]);
    }
}
