//! Which conditions are accepted, and the code of what is wrong with the others.

use ordain_compiler::compile_str;

const FACTS: &str = "package p
fact id : string optional
fact count : int optional
fact flag : bool
fact age : int in 0..150
fact big : int
fact pace : decimal(2)
fact usd : money USD
fact eur : money EUR
fact wait : duration
fact class : enum { a, b }
";

/// The codes of everything that is wrong with a condition.
fn codes(condition: &str) -> Vec<String> {
    let text = format!("{FACTS}rule r {{ type safety enforce block scope global when {condition} }}\n");
    let compiled = compile_str(&[("a.ordain", &text)]);
    assert_eq!(compiled.policies.rules.is_empty(), !compiled.diagnostics.is_empty(), "{condition}");
    compiled.diagnostics.iter().map(|it| it.code.to_string()).collect()
}

fn check(cases: &[(&str, &str)]) {
    for (condition, expected) in cases {
        let expected: Vec<&str> = expected.split_whitespace().collect();
        assert_eq!(codes(condition), expected, "{condition}");
    }
}

#[test]
fn optional_facts_are_read_under_a_guard() {
    check(&[
        ("has id and id == \"x\"", ""),
        ("id == \"x\" and has id", "ORD0206"),
        ("not has id or id == \"x\"", ""),
        ("has id or id == \"x\"", "ORD0206"),
        ("not (not has id) and id == \"x\"", ""),
        ("not (has id or flag) and id == \"x\"", "ORD0206"),
        ("not (not has id or flag) and id == \"x\"", ""),
        ("flag and has id and (flag or id == \"x\")", ""),
        ("(flag or has id) and id == \"x\"", "ORD0206"),
        ("(has id and flag or has id and age > 5) and id like \"x*\"", ""),
        ("has id and has count and count + age > 5 and id in { \"x\" }", ""),
        ("has id and count > 5", "ORD0206"),
        ("(flag and has id) or id == \"x\"", "ORD0206"),
        // What is wrong already makes nothing else wrong.
        ("has idd and id == \"x\"", "ORD0201"),
    ]);
}

#[test]
fn units_never_mix() {
    check(&[
        ("usd > 5 USD", ""),
        ("usd > 5", "ORD0228"),
        ("usd > 5 EUR", "ORD0226"),
        ("usd > eur", "ORD0226"),
        ("usd + eur > 5 USD", "ORD0226"),
        ("usd * 2 + 1.50 USD > 5 USD", ""),
        ("2 * usd - usd > 0 USD", ""),
        ("wait > 30s", ""),
        ("wait > 30", "ORD0227"),
        ("wait + 1m < 1h30m", ""),
        ("wait > 5 USD", "ORD0205"),
        ("age + pace > 5.25", ""),
        ("age > \"5\"", "ORD0204"),
        ("class == a", ""),
        ("class == c", "ORD0215"),
        ("class > a", "ORD0238"),
        ("flag == true", ""),
        ("flag > true", "ORD0238"),
        ("usd * 2 USD > 5 USD", "ORD0205"),
    ]);
}

#[test]
fn numbers_end_at_64_bits() {
    check(&[
        ("big <= 9_223_372_036_854_775_807", ""),
        ("big >= -9_223_372_036_854_775_808", ""),
        ("big > 9_223_372_036_854_775_808", "ORD0209"),
        ("big * 9_223_372_036_854_775_807 > 0", ""),
        ("big * 9_223_372_036_854_775_807 * 2 + age > 0", "ORD0209"),
        ("pace < 92_233_720_368_547_758.07", ""),
        ("pace < 92_233_720_368_547_758.08", "ORD0209"),
        ("usd < 99_999_999_999_999 USD", "ORD0209"),
        ("wait < 999_999_999_999w", "ORD0209"),
    ]);
}

#[test]
fn values_out_of_range_and_products_are_refused() {
    check(&[
        ("age > 150", ""),
        ("age > 151", "ORD0207"),
        ("age == -1", "ORD0207"),
        ("-1 == age", "ORD0207"),
        ("age == 5.5", "ORD0230"),
        ("age < 5.5", ""),
        ("age in { 5, 151 }", "ORD0207"),
        ("age * age > 5", "ORD0208"),
        ("age * 2 * 3 > 5", ""),
        ("(age + 1) * (big + 1) > 5", "ORD0208"),
        ("(age + 1) * 3 > 5", ""),
    ]);
}
