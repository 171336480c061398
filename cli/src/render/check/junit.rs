//! XML as continuous integration reads test results: a suite for each file, a case for each finding. What fails the
//! check is a failure; what doesn't passes and says so in its output. A file without findings has one case that passes.

use std::collections::BTreeMap;
use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::findings::{Finding, Findings};
use crate::render::check::Placed;

/// Writes suites by file, findings within in order, errors first.
pub(super) fn write(findings: &Findings<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut suites: BTreeMap<String, Vec<(&Finding<'_>, Placed<'_>)>> = BTreeMap::new();
    for file in findings.checked.files.keys() {
        suites.entry(findings.paths.shown(file)).or_default();
    }
    for finding in findings.open() {
        let placed = Placed::of(findings, finding);
        suites.entry(placed.path.clone()).or_default().push((finding, placed));
    }
    let fails = |found: &[(&Finding<'_>, Placed<'_>)]| {
        found.iter().filter(|(finding, _)| finding.fails(findings.fail_on)).count()
    };
    let tests = |found: &[(&Finding<'_>, Placed<'_>)]| found.len().max(1);
    let mut xml = Writer::new_with_indent(&mut *out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let (all, failed) =
        suites.values().fold((0, 0), |(all, failed), found| (all + tests(found), failed + fails(found)));
    xml.write_event(Event::Start(counted("testsuites", "ordain check", all, failed)))?;
    for (path, found) in &suites {
        xml.write_event(Event::Start(counted("testsuite", path, tests(found), fails(found))))?;
        if found.is_empty() {
            xml.write_event(Event::Empty(case("nothing found", path)))?;
        }
        for (finding, placed) in found {
            let name = format!("{} at {}:{}", finding.code(), placed.span[0].line, placed.span[0].column);
            xml.write_event(Event::Start(case(&name, path)))?;
            let said = clean(&format!("{path}:{}: {}", placed.span[0].line, placed.explained()));
            let element = if finding.fails(findings.fail_on) { "failure" } else { "system-out" };
            let mut start = BytesStart::new(element);
            if element == "failure" {
                start.push_attribute(("type", finding.code().as_str()));
                start.push_attribute(("message", clean(&placed.diagnostic.message).as_str()));
            }
            xml.write_event(Event::Start(start))?;
            xml.write_event(Event::Text(BytesText::new(&said)))?;
            xml.write_event(Event::End(BytesEnd::new(element)))?;
            xml.write_event(Event::End(BytesEnd::new("testcase")))?;
        }
        xml.write_event(Event::End(BytesEnd::new("testsuite")))?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuites")))?;
    drop(xml);
    writeln!(out)
}

fn counted<'n>(element: &'n str, name: &str, tests: usize, failures: usize) -> BytesStart<'n> {
    let mut start = BytesStart::new(element);
    start.push_attribute(("name", clean(name).as_str()));
    for (key, number) in [("tests", tests), ("failures", failures), ("errors", 0)] {
        start.push_attribute((key, number.to_string().as_str()));
    }
    start
}

fn case(name: &str, path: &str) -> BytesStart<'static> {
    let mut start = BytesStart::new("testcase");
    start.push_attribute(("name", name));
    start.push_attribute(("classname", clean(path).as_str()));
    start
}

/// Without the characters that XML 1.0 can't hold, however they are written.
fn clean(text: &str) -> String {
    let fits = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|c| if fits(c) { c } else { '\u{fffd}' }).collect()
}
