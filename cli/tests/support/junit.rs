//! `JUnit`'s XML, held against the schema of Jenkins' xUnit plugin (`junit-10.xsd`), its rules written out here.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// An element: required attributes, optional ones, children; text is allowed in those marked so.
struct Element {
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    children: &'static [&'static str],
    text: bool,
}

const SCHEMA: [Element; 6] = [
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
    Element { name: "system-out", required: &[], optional: &[], children: &[], text: true },
    Element { name: "error", required: &[], optional: &["type", "message"], children: &[], text: true },
];

/// An element with its attributes in order.
pub(crate) type Seen = (String, Vec<(String, String)>);

/// What breaks the schema, and the elements with their attributes in order.
pub(crate) fn validate(xml: &str) -> Result<Vec<Seen>, String> {
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

/// The value of an attribute; empty if it isn't there.
pub(crate) fn attribute<'a>(attributes: &'a [(String, String)], name: &str) -> &'a str {
    attributes.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}
