//! `test --format junit`: what Jenkins, GitLab, GitHub and others read, by the schema of Jenkins' xUnit plugin
//! (`junit-10.xsd`). A suite for each package. No times, so the same input gives the same bytes.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::text::Text;
use crate::testing::run::TestRun;
use crate::testing::session::{Suite, Totals};

/// Writes what came of the tests.
pub(crate) fn render(suites: &[Suite]) -> String {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    write(suites, &mut writer).expect("writing to memory does not fail");
    let mut text = String::from_utf8(writer.into_inner()).expect("only texts were written");
    text.push('\n');
    text
}

fn write(suites: &[Suite], writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
    let Totals { tests, failed, .. } = Totals::of(suites);
    let errors: usize =
        suites.iter().flat_map(|suite| &suite.runs).filter(|run| run.decision.is_err()).count();
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let head = writer.create_element("testsuites").with_attributes([
        ("name", "ordain test"),
        ("tests", &*tests.to_string()),
        ("failures", &*(failed - errors).to_string()),
        ("errors", &*errors.to_string()),
    ]);
    head.write_inner_content(|writer| {
        for suite in suites {
            for runs in suite.packages() {
                package(suite, runs, writer)?;
            }
        }
        Ok(())
    })?;
    Ok(())
}

fn package(suite: &Suite, runs: &[TestRun], writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
    let failed = runs.iter().filter(|run| !run.passed()).count();
    let errors = runs.iter().filter(|run| run.decision.is_err()).count();
    let head = writer.create_element("testsuite").with_attributes([
        ("name", &*clean(&runs[0].case.package)),
        ("tests", &*runs.len().to_string()),
        ("failures", &*(failed - errors).to_string()),
        ("errors", &*errors.to_string()),
        ("skipped", "0"),
    ]);
    head.write_inner_content(|writer| runs.iter().try_for_each(|run| case(suite, run, writer)))?;
    Ok(())
}

fn case(suite: &Suite, run: &TestRun, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
    let (name, package) = (clean(&run.case.name), clean(&run.case.package));
    let head =
        writer.create_element("testcase").with_attributes([("name", &*name), ("classname", &*package)]);
    if run.passed() {
        head.write_empty()?;
        return Ok(());
    }
    let site = &run.case.site;
    let place = format!("{}:{}", site.file, site.place.line);
    let (element, what) = match (&run.decision, run.unmet.first()) {
        (Ok(_), Some(unmet)) => {
            let wanted = super::wanted(run, run.expectation(unmet));
            ("failure", format!("{place}: expected {wanted}, decided {}", super::decided(run)))
        }
        _ => ("error", format!("{place}: {}", super::decided(run))),
    };
    // Plain text, as wide as where there is no terminal.
    let details = Text::plain().failure(suite, run);
    head.write_inner_content(|writer| {
        let head = writer
            .create_element(element)
            .with_attributes([("type", "expectation"), ("message", &*clean(&what))]);
        head.write_text_content(BytesText::new(clean(&details).trim_matches('\n')))?;
        Ok(())
    })?;
    Ok(())
}

/// Without the characters that XML can't hold in any form; a name may contain them by an escape.
fn clean(text: &str) -> String {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|c| if allowed(c) { c } else { '\u{fffd}' }).collect()
}
