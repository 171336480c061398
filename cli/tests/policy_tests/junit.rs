//! `JUnit`'s XML, held against the schema of Jenkins' xUnit plugin (`junit-10.xsd`), its rules written out here.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{failing, passing, run_in};
use crate::support::workspace;

/// An element: required attributes, optional ones, children; text is allowed in those marked so.
struct Element {
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    children: &'static [&'static str],
    text: bool,
}

const SCHEMA: [Element; 5] = [
    Element {
        name: "testsuites",
        required: &[],
        optional: &["name", "time", "tests", "failures", "errors"],
        children: &["testsuite"],
        text: false,
    },
    Element {
        name: "testsuite",
        required: &["name", "tests", "failures", "errors"],
        optional: &[
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
            "version",
        ],
        children: &["testsuite", "properties", "testcase", "system-out", "system-err"],
        text: false,
    },
    Element {
        name: "testcase",
        required: &["name"],
        optional: &["time", "classname", "group"],
        children: &["skipped", "error", "failure", "system-out", "system-err"],
        text: false,
    },
    Element { name: "failure", required: &[], optional: &["type", "message"], children: &[], text: true },
    Element { name: "error", required: &[], optional: &["type", "message"], children: &[], text: true },
];

/// An element with its attributes in order.
type Seen = (String, Vec<(String, String)>);

/// What breaks the schema, and the elements with their attributes in order.
fn validate(xml: &str) -> Result<Vec<Seen>, String> {
    let mut reader = Reader::from_str(xml);
    let mut open: Vec<&Element> = vec![];
    let mut seen = vec![];
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        let mut enter = |start: &BytesStart<'_>| -> Result<&'static Element, String> {
            let name = start.name().as_ref().to_string();
            let element = SCHEMA.iter().find(|element| element.name == name);
            let element = element.ok_or_else(|| format!("<{name}> is no element"))?;
            let fits = open.last().map_or(name == "testsuites", |parent| parent.children.contains(&&*name));
            if !fits {
                return Err(format!("<{name}> stands in the wrong place"));
            }
            let mut attributes = vec![];
            for attribute in start.attributes() {
                let attribute = attribute.map_err(|error| error.to_string())?;
                let key = attribute.key.as_ref().to_string();
                let value = attribute.value.to_string();
                if !element.required.contains(&&*key) && !element.optional.contains(&&*key) {
                    return Err(format!("<{name}> has no attribute {key}"));
                }
                attributes.push((key, value));
            }
            if let Some(missing) =
                element.required.iter().find(|key| !attributes.iter().any(|(it, _)| it == *key))
            {
                return Err(format!("<{name}> lacks {missing}"));
            }
            seen.push((name, attributes));
            Ok(element)
        };
        match event {
            Event::Start(start) => {
                let element = enter(&start)?;
                open.push(element);
            }
            Event::Empty(start) => {
                enter(&start)?;
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Text(text) => {
                let blank = text.trim().is_empty();
                if !blank && !open.last().is_some_and(|element| element.text) {
                    return Err("text stands where none may".to_owned());
                }
            }
            Event::Eof => {
                return if open.is_empty() { Ok(seen) } else { Err("it ends too early".to_owned()) };
            }
            _ => {}
        }
    }
}

fn attribute<'a>(attributes: &'a [(String, String)], name: &str) -> &'a str {
    attributes.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

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
