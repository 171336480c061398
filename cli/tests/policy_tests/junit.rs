//! `JUnit`'s XML, held against its schema.

use super::{failing, passing, run_in};
use crate::support::junit::{attribute, validate};
use crate::support::workspace;

#[test]
fn it_fits_the_schema() {
    let hostile = "test \"a <b> & \\u{1} \\\"c\\\" ]]>\" { expect block }\n";
    let hostile = workspace(&[("p/a.ordain", hostile)]);
    for (folder, code, suites, cases, failures) in
        [(passing(), 0, 1, 3, 0), (failing(), 1, 2, 6, 2), (hostile, 1, 1, 1, 1)]
    {
        let xml = run_in(folder.path(), &["test", "--format=junit"]).expect_code(code).stdout;
        let elements = validate(&xml).unwrap_or_else(|why| panic!("{why}\n{xml}"));
        let number = |name: &str| elements.iter().filter(|(element, _)| element == name).count();
        assert_eq!(
            (number("testsuite"), number("testcase"), number("failure")),
            (suites, cases, failures),
            "{xml}"
        );
        let total = &elements[0].1;
        assert_eq!(attribute(total, "tests"), cases.to_string());
        assert_eq!(attribute(total, "failures"), failures.to_string());
    }
}

#[test]
fn it_reads_well() {
    insta::assert_snapshot!(run_in(failing().path(), &["test", "--format=junit"]).expect_code(1).stdout);
}

#[test]
fn the_validator_refuses_what_is_wrong() {
    let good = r#"<testsuites tests="1"><testsuite name="a" tests="1" failures="1" errors="0"><testcase name="b"><failure message="m">t</failure></testcase></testsuite></testsuites>"#;
    assert_eq!(validate(good).map(|seen| seen.len()), Ok(4));
    for (from, to) in [
        (" errors=\"0\"", ""),
        ("tests=\"1\"><testsuite", "skipped=\"0\"><testsuite"),
        ("<testcase name=\"b\">", "<testcase name=\"b\">text"),
        (
            "<failure message=\"m\">t</failure>",
            "<testsuite name=\"x\" tests=\"0\" failures=\"0\" errors=\"0\"/>",
        ),
        ("</testsuites>", ""),
        ("<failure message=\"m\">t</failure>", "<wrong/>"),
    ] {
        assert!(validate(&good.replacen(from, to, 1)).is_err(), "{from} -> {to}");
    }
}
