//! What conditions and constants mean: compiled, they agree with a reading that shares no code with the compiler.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;

use ordain_compiler::{Compiled, compile_str};
use ordain_ir::{CompareOp, Condition, ElementTest, FactName, TextTest, Value};
use proptest::prelude::*;

const FACTS: &str = "package p
fact n : int in 0..5
fact m : int in -2..2
fact d : decimal(1) in 0.0..2.0
fact o : int in 0..3 optional
fact f : bool
fact s : string
fact e : enum { a, b, c }
fact w : set of enum { a, b, c }
fact k : set of int in 0..5
fact t : set of string
";

/// Values of all facts; numbers in tenths.
#[derive(Clone, Debug)]
struct World {
    n: i64,
    m: i64,
    d: i64,
    o: Option<i64>,
    f: bool,
    s: &'static str,
    e: &'static str,
    w: BTreeSet<&'static str>,
    k: BTreeSet<i64>,
    t: BTreeSet<&'static str>,
}

const WORDS: [&str; 3] = ["a", "b", "c"];
const TEXTS: [&str; 4] = ["", "ab", "abc", "xb"];

fn world() -> impl Strategy<Value = World> {
    let word = proptest::sample::select(&WORDS[..]);
    let text = proptest::sample::select(&TEXTS[..]);
    let sets = (
        proptest::collection::btree_set(word.clone(), 0..3),
        proptest::collection::btree_set((0i64..=5).prop_map(|n| 10 * n), 0..4),
        proptest::collection::btree_set(text.clone(), 0..3),
    );
    let numbers = (0i64..=5, -2i64..=2, 0i64..=20, proptest::option::of(0i64..=3));
    (numbers, any::<bool>(), text, word, sets).prop_map(|((n, m, d, o), f, s, e, (w, k, t))| World {
        n: 10 * n,
        m: 10 * m,
        d,
        o: o.map(|o| 10 * o),
        f,
        s,
        e,
        w,
        k,
        t,
    })
}

/// Something as it is written, with what it comes to.
struct Written<T> {
    text: String,
    value: Rc<dyn Fn(&World) -> T>,
}

impl<T> Clone for Written<T> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), value: Rc::clone(&self.value) }
    }
}

impl<T> fmt::Debug for Written<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn written<T>(text: impl Into<String>, value: impl Fn(&World) -> T + 'static) -> Written<T> {
    Written { text: text.into(), value: Rc::new(value) }
}

type Compare = (&'static str, fn(i64, i64) -> bool);

const COMPARISONS: [Compare; 6] = [
    ("<", |a, b| a < b),
    ("<=", |a, b| a <= b),
    ("==", |a, b| a == b),
    ("!=", |a, b| a != b),
    (">=", |a, b| a >= b),
    (">", |a, b| a > b),
];

fn comparison() -> impl Strategy<Value = Compare> {
    proptest::sample::select(&COMPARISONS[..])
}

/// A sum of facts with small factors, in tenths.
fn sum() -> impl Strategy<Value = Written<i64>> {
    let term = (0usize..3, -3i64..=3).prop_map(|(which, factor)| (which, factor));
    (proptest::collection::vec(term, 1..4), -40i64..=40).prop_map(|(terms, constant)| {
        let name = |which: usize| ["n", "m", "d"][which];
        let mut text = format!("{}.{}", constant.abs() / 10, constant.abs() % 10);
        if constant < 0 {
            text.insert(0, '-');
        }
        for (which, factor) in &terms {
            let sign = if *factor < 0 { "-" } else { "+" };
            text.extend([" ", sign, " ", &factor.abs().to_string(), " * ", name(*which)]);
        }
        written(text, move |world| {
            let fact = |which: usize| [world.n, world.m, world.d][which];
            constant + terms.iter().map(|(which, factor)| factor * fact(*which)).sum::<i64>()
        })
    })
}

fn tenths(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}.{}", value.abs() / 10, value.abs() % 10)
}

/// One test.
fn atom() -> impl Strategy<Value = Written<bool>> {
    let words = || proptest::collection::btree_set(proptest::sample::select(&WORDS[..]), 1..3);
    let texts = || proptest::collection::btree_set(proptest::sample::select(&TEXTS[..]), 1..3);
    let list = |words: &BTreeSet<&str>| words.iter().copied().collect::<Vec<_>>().join(", ");
    let quoted =
        |texts: &BTreeSet<&str>| texts.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(", ");
    prop_oneof![
        Just(written("f", |world| world.f)),
        Just(written("f == false", |world| !world.f)),
        Just(written("has o", |world| world.o.is_some())),
        Just(written("e == b", |world| world.e == "b")),
        Just(written("e != b", |world| world.e != "b")),
        (sum(), comparison(), sum())
            .prop_map(|(a, (op, holds), b)| written(format!("{} {op} {}", a.text, b.text), move |world| {
                holds((a.value)(world), (b.value)(world))
            })),
        (0i64..=20, comparison()).prop_map(|(bound, (op, holds))| {
            let op_needs_exact = matches!(op, "==" | "!=");
            let bound = if op_needs_exact { bound / 10 * 10 } else { bound };
            written(format!("n {op} {}", tenths(bound)), move |world| holds(world.n, bound))
        }),
        (0i64..=3, comparison())
            .prop_map(|(bound, (op, holds))| written(format!("(has o and o {op} {bound})"), move |world| {
                world.o.is_some_and(|o| holds(o, 10 * bound))
            })),
        words().prop_map(move |words| written(format!("e in {{ {} }}", list(&words)), move |world| words
            .contains(world.e))),
        texts().prop_map(move |texts| written(format!("s in {{ {} }}", quoted(&texts)), move |world| texts
            .contains(world.s))),
        Just(written("s like \"a*\"", |world| world.s.starts_with('a'))),
        Just(written("s matches \"^..$\"", |world| world.s.len() == 2)),
        Just(written("s contains \"b\"", |world| world.s.contains('b'))),
        Just(written("s starts with \"x\"", |world| world.s.starts_with('x'))),
        Just(written("s ends with \"c\"", |world| world.s.ends_with('c'))),
        Just(written("w contains b", |world| world.w.contains("b"))),
        Just(written("t contains \"ab\"", |world| world.t.contains("ab"))),
        Just(written("k contains 3", |world| world.k.contains(&30))),
        any::<bool>().prop_flat_map(|all| {
            let word = if all { "all" } else { "any" };
            prop_oneof![
                (0i64..=50, comparison()).prop_map(move |(bound, (op, holds))| {
                    let bound = if matches!(op, "==" | "!=") { bound / 10 * 10 } else { bound };
                    written(format!("{word} k {op} {}", tenths(bound)), move |world| {
                        let mut each = world.k.iter().map(|element| holds(*element, bound));
                        if all { each.all(|it| it) } else { each.any(|it| it) }
                    })
                }),
                proptest::collection::btree_set(0i64..=5, 1..3).prop_map(move |numbers| {
                    let list: Vec<String> = numbers.iter().map(ToString::to_string).collect();
                    written(format!("{word} k in {{ {} }}", list.join(", ")), move |world| {
                        let mut each = world.k.iter().map(|element| numbers.contains(&(element / 10)));
                        if all { each.all(|it| it) } else { each.any(|it| it) }
                    })
                }),
                Just(written(format!("{word} w != b"), move |world| {
                    let mut each = world.w.iter().map(|element| *element != "b");
                    if all { each.all(|it| it) } else { each.any(|it| it) }
                })),
                Just(written(format!("{word} w in {{ a, c }}"), move |world| {
                    let mut each = world.w.iter().map(|element| *element != "b");
                    if all { each.all(|it| it) } else { each.any(|it| it) }
                })),
                Just(written(format!("{word} t in {{ \"ab\", \"xb\" }}"), move |world| {
                    let mut each = world.t.iter().map(|element| *element == "ab" || *element == "xb");
                    if all { each.all(|it| it) } else { each.any(|it| it) }
                })),
                Just(written(format!("{word} t like \"*b\""), move |world| {
                    let mut each = world.t.iter().map(|element| element.ends_with('b'));
                    if all { each.all(|it| it) } else { each.any(|it| it) }
                })),
            ]
        }),
    ]
}

fn condition() -> impl Strategy<Value = Written<bool>> {
    atom().prop_recursive(3, 12, 3, |inner| {
        let parts = proptest::collection::vec(inner.clone(), 2..4);
        let join = |parts: &[Written<bool>], word: &str| {
            let texts: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
            format!("({})", texts.join(&format!(" {word} ")))
        };
        prop_oneof![
            parts.clone().prop_map(move |parts| written(join(&parts, "and"), move |world| parts
                .iter()
                .all(|part| (part.value)(world)))),
            parts.prop_map(move |parts| written(join(&parts, "or"), move |world| parts
                .iter()
                .any(|part| (part.value)(world)))),
            inner.prop_map(|part| written(format!("not ({})", part.text), move |world| !(part.value)(world))),
        ]
    })
}

/// The values of a world as the IR has them: absent facts aren't in it.
fn values(world: &World) -> BTreeMap<FactName, Value> {
    let text = |text: &&str| Value::Text((*text).to_owned());
    let mut values: BTreeMap<FactName, Value> = [
        ("n", Value::Number(world.n / 10)),
        ("m", Value::Number(world.m / 10)),
        ("d", Value::Number(world.d)),
        ("f", Value::Bool(world.f)),
        ("s", text(&world.s)),
        ("e", text(&world.e)),
        ("w", Value::Set(world.w.iter().map(text).collect())),
        ("k", Value::Set(world.k.iter().map(|element| Value::Number(element / 10)).collect())),
        ("t", Value::Set(world.t.iter().map(text).collect())),
    ]
    .map(|(name, value)| (name.into(), value))
    .into();
    values.extend(world.o.map(|o| ("o".into(), Value::Number(o / 10))));
    values
}

/// What a compiled condition says.
fn holds(condition: &Condition, values: &BTreeMap<FactName, Value>) -> bool {
    match condition {
        Condition::True => true,
        Condition::False => false,
        Condition::Not(inner) => !holds(inner, values),
        Condition::And(parts) => parts.iter().all(|part| holds(part, values)),
        Condition::Or(parts) => parts.iter().any(|part| holds(part, values)),
        Condition::Has(fact) => values.contains_key(fact),
        Condition::Fact(fact) => values.get(fact) == Some(&Value::Bool(true)),
        Condition::Compare { terms, op, bound } => {
            let mut total = 0;
            for (fact, factor) in terms {
                let Some(Value::Number(value)) = values.get(fact) else { return false };
                total += i128::from(*factor) * i128::from(*value);
            }
            compares(*op, total, i128::from(*bound))
        }
        Condition::OneOf { fact, words } => {
            matches!(values.get(fact), Some(Value::Text(word)) if words.contains(word))
        }
        Condition::Text { fact, test } => {
            matches!(values.get(fact), Some(Value::Text(text)) if passes(test, text))
        }
        Condition::Any { fact, test } => match values.get(fact) {
            Some(Value::Set(elements)) => elements.iter().any(|element| element_passes(test, element)),
            _ => false,
        },
    }
}

fn compares(op: CompareOp, a: i128, b: i128) -> bool {
    match op {
        CompareOp::Less => a < b,
        CompareOp::LessEqual => a <= b,
        CompareOp::Equal => a == b,
        CompareOp::NotEqual => a != b,
        CompareOp::GreaterEqual => a >= b,
        CompareOp::Greater => a > b,
    }
}

/// The few patterns above, by hand.
fn passes(test: &TextTest, text: &str) -> bool {
    match test {
        TextTest::Equals(other) => text == other,
        TextTest::Like(glob) => match glob.to_string().as_str() {
            "a*" => text.starts_with('a'),
            "*b" => text.ends_with('b'),
            other => panic!("{other}"),
        },
        TextTest::Matches(pattern) => pattern == "^..$" && text.len() == 2,
        TextTest::Contains(part) => text.contains(part.as_str()),
        TextTest::StartsWith(part) => text.starts_with(part.as_str()),
        TextTest::EndsWith(part) => text.ends_with(part.as_str()),
    }
}

fn element_passes(test: &ElementTest, element: &Value) -> bool {
    match (test, element) {
        (ElementTest::Not(inner), _) => !element_passes(inner, element),
        (ElementTest::AnyOf(tests), _) => tests.iter().any(|test| element_passes(test, element)),
        (ElementTest::OneOf(words), Value::Text(word)) => words.contains(word),
        (ElementTest::Text(test), Value::Text(text)) => passes(test, text),
        (ElementTest::Compare { op, bound }, Value::Number(number)) => {
            compares(*op, i128::from(*number), i128::from(*bound))
        }
        other => panic!("{other:?}"),
    }
}

fn compiled(condition: &str) -> Compiled {
    let rule = format!("{FACTS}rule r {{ type safety enforce block scope global when {condition} }}\n");
    compile_str(&[("a.ordain", &rule)])
}

/// An exact number: `value / 10^scale`.
#[derive(Clone, Copy, Debug)]
struct Exact {
    value: i128,
    scale: u32,
}

impl Exact {
    fn at(self, scale: u32) -> i128 {
        self.value * 10_i128.pow(scale - self.scale)
    }

    fn plus(self, other: Self, sign: i128) -> Self {
        let scale = self.scale.max(other.scale);
        Self { value: self.at(scale) + sign * other.at(scale), scale }
    }

    fn times(self, other: Self) -> Self {
        Self { value: self.value * other.value, scale: self.scale + other.scale }
    }
}

/// A constant as it is written, and its value.
fn constant() -> impl Strategy<Value = (String, Exact)> {
    let number = (0i128..2000, 0u32..3).prop_map(|(value, scale)| {
        let unit = 10_i128.pow(scale);
        let text = match scale {
            0 => value.to_string(),
            _ => format!("{}.{:0width$}", value / unit, value % unit, width = scale as usize),
        };
        (text, Exact { value, scale })
    });
    number.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone())
                .prop_map(|((a, x), (b, y))| (format!("({a} + {b})"), x.plus(y, 1))),
            (inner.clone(), inner.clone())
                .prop_map(|((a, x), (b, y))| (format!("({a} - {b})"), x.plus(y, -1))),
            (inner.clone(), inner.clone()).prop_map(|((a, x), (b, y))| (format!("{a} * {b}"), x.times(y))),
            (inner, 1i128..200).prop_map(|((a, x), percent)| (
                format!("{a} * {percent}%"),
                x.times(Exact { value: percent, scale: 2 })
            )),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn conditions_mean_what_is_written(
        condition in condition(),
        worlds in proptest::collection::vec(world(), 24),
    ) {
        let compiled = compiled(&condition.text);
        if let Some(problem) = compiled.diagnostics.first() {
            // A sum may happen to lie on one side of a number always; nothing else is wrong with these.
            prop_assert_eq!(problem.code.as_str(), "ORD0207", "{} {:?}", condition.text, problem);
            return Ok(());
        }
        let rule = compiled.policies.rules.values().next().expect("no error");
        for world in &worlds {
            let expected = (condition.value)(world);
            prop_assert_eq!(holds(&rule.condition, &values(world)), expected, "{} {:?}", &condition.text, world);
        }
    }

    #[test]
    fn comparisons_that_are_refused_have_one_outcome(
        sum in sum(),
        (op, compare) in comparison(),
        bound in -300i64..300,
        worlds in proptest::collection::vec(world(), 64),
    ) {
        let compiled = compiled(&format!("{} {op} {}", sum.text, tenths(bound)));
        let Some(problem) = compiled.diagnostics.first() else { return Ok(()) };
        if problem.code.as_str() == "ORD0207" {
            let always = problem.message.ends_with("always holds");
            prop_assert!(always || problem.message.ends_with("never holds"), "{}", problem.message);
            for world in &worlds {
                prop_assert_eq!(compare((sum.value)(world), bound), always, "{} {:?}", problem.message, world);
            }
        }
    }

    #[test]
    fn constants_come_out_exactly((text, exact) in constant()) {
        let text = format!("limit l {{ type tokens_daily at most {text} enforce block scope global }}");
        let compiled = compile_str(&[("a.ordain", &text)]);
        let unit = 10_i128.pow(exact.scale);
        let codes: Vec<&str> = compiled.diagnostics.iter().map(|it| it.code.as_str()).collect();
        if exact.value % unit != 0 {
            prop_assert!(matches!(codes.as_slice(), ["ORD0230" | "ORD0231"]), "{text} {codes:?}");
            let below = exact.value.div_euclid(unit);
            let help = compiled.diagnostics[0].help.clone().unwrap_or_default();
            prop_assert_eq!(help, format!("the nearest are `{}` and `{}`", below, below + 1));
        } else if exact.value < 0 {
            prop_assert_eq!(codes, ["ORD0501"], "{}", text);
        } else {
            prop_assert!(codes.is_empty(), "{text} {codes:?}");
            let limit = compiled.policies.limits.values().next().expect("no error");
            prop_assert_eq!(i128::from(limit.bound.value), exact.value / unit, "{}", text);
        }
    }

    #[test]
    fn announcements_are_rounded_down(bound in 0i64..1_000_000, tenths in 1i64..1000) {
        let percent = format!("{}.{}", tenths / 10, tenths % 10);
        let text = format!("limit l {{ type tokens_daily at most {bound} enforce block scope global warn at {percent}% }}");
        let compiled = compile_str(&[("a.ordain", &text)]);
        prop_assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
        let warning = &compiled.policies.limits[&"l.warn".into()];
        prop_assert_eq!(warning.bound.value, bound * tenths / 1000);
    }
}
