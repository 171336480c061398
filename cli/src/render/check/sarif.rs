//! SARIF 2.1.0, for code scanning: the other policies of a conflict are related locations, which the message links.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};

use ordain_ir::{Code, Label, Severity, Span, codes};
use serde_json::{Value, json};

use crate::commands::explain;
use crate::findings::{Finding, Findings, What, label};
use crate::render::check::{json, located, page};
use crate::render::json::shown;

/// Where the format is described, for programs.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// Longest description of a rule that code hosts take.
const LONGEST: usize = 1024;

/// Writes findings in the order of the analysis, allowed ones as suppressed.
pub(super) fn write(findings: &Findings<'_>, out: &mut dyn Write) -> io::Result<()> {
    let codes: BTreeSet<&Code> = shown(findings).map(Finding::code).collect();
    let codes: Vec<&Code> = codes.into_iter().collect();
    let driver = json!({
        "name": "ordain",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "informationUri": env!("CARGO_PKG_REPOSITORY"),
        "rules": codes.iter().map(|code| rule(code)).collect::<Vec<_>>(),
    });
    let invocation = json!({
        "executionSuccessful": true,
        "toolExecutionNotifications": notifications(findings),
    });
    writeln!(out, "{{\n\"$schema\": \"{SCHEMA}\",\n\"version\": \"2.1.0\",\n\"runs\": [{{")?;
    writeln!(out, "\"tool\": {{ \"driver\": {driver} }},")?;
    writeln!(out, "\"automationDetails\": {{ \"id\": \"ordain/check/\" }},")?;
    writeln!(out, "\"columnKind\": \"unicodeCodePoints\",\n\"invocations\": [{invocation}],")?;
    write!(out, "\"results\": [")?;
    for (at, finding) in shown(findings).enumerate() {
        write!(out, "{}", if at == 0 { "\n" } else { ",\n" })?;
        json(&result(findings, finding, &codes), "", out)?;
    }
    writeln!(out, "\n]\n}}]\n}}")
}

fn rule(code: &Code) -> Value {
    let title = codes::title(code).unwrap_or_default();
    let markdown = explain::page(code).unwrap_or_default();
    // The first paragraph below the heading.
    let first = markdown.split("\n\n").find(|part| !part.starts_with('#') && !part.trim().is_empty());
    let description: String = first.unwrap_or(title).replace('\n', " ").chars().take(LONGEST).collect();
    json!({
        "id": code,
        "name": name(title),
        "shortDescription": { "text": title },
        "fullDescription": { "text": description },
        "help": { "text": format!("`ordain explain {code}` tells what it means and what to do"), "markdown": markdown },
        "helpUri": page(code),
        "properties": { "precision": "very-high", "tags": ["policy"] },
    })
}

/// A title as one word: `APolicyIsBeatenWhereverItMeetsAnother`.
fn name(title: &str) -> String {
    let words = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

/// What the analysis could not do.
fn notifications(findings: &Findings<'_>) -> Vec<Value> {
    let pairs = &findings.checked.report.pairs;
    let left = [
        (pairs.undecided, "pairs of policies are left undecided"),
        (pairs.unexplored_groups, "groups of limits are not searched to the end"),
    ];
    left.into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| json!({ "level": "warning", "message": { "text": format!("{n} {what}") } }))
        .collect()
}

fn result(findings: &Findings<'_>, finding: &Finding<'_>, codes: &[&Code]) -> Value {
    let diagnostic = finding.diagnostic(findings.checked);
    let mut message = escaped(&diagnostic.message);
    for note in &diagnostic.notes {
        let _ = write!(message, "\n{}", escaped(note));
    }
    if let Some(help) = &diagnostic.help {
        let _ = write!(message, "\nhelp: {}", escaped(help));
    }
    let mut related = vec![];
    for (number, label) in (1..).zip(&diagnostic.secondary) {
        let mut location = location(findings, label);
        location["id"] = json!(number);
        location["message"] = json!({ "text": label.text });
        let _ = write!(message, "\n[{}]({number})", escaped(&label.text));
        related.push(location);
    }
    let level = match finding.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    };
    let mut result = json!({
        "ruleId": finding.code(),
        "ruleIndex": codes.iter().position(|code| *code == finding.code()),
        "level": level,
        "message": { "text": message },
        "locations": [location(findings, &label(&diagnostic))],
        // Code hosts know the first alone; it isn't of a line, so that it stays when lines change.
        "partialFingerprints": {
            "primaryLocationLineHash": format!("{}:1", finding.id),
            "ordainFinding/v1": finding.id,
        },
    });
    if !related.is_empty() {
        result["relatedLocations"] = json!(related);
    }
    if !diagnostic.fixes.is_empty() {
        let fix = |fix: &ordain_ir::diagnostic::Fix| {
            json!({
                "description": { "text": fix.title },
                "artifactChanges": [{
                    "artifactLocation": { "uri": uri(&findings.paths.shown(&fix.file)) },
                    "replacements": [{
                        "deletedRegion": region(findings, &fix.file, fix.span),
                        "insertedContent": { "text": fix.replacement },
                    }],
                }],
            })
        };
        result["fixes"] = diagnostic.fixes.iter().map(fix).collect();
    }
    if let What::Conflict(conflict) = finding.what {
        result["properties"] = json!({
            "conflictType": conflict.conflict_type,
            "severity": conflict.severity,
            "certainty": conflict.certainty,
            "policies": conflict.policies.iter().map(|policy| &policy.name).collect::<Vec<_>>(),
        });
        if let Some(allowed) = conflict.acknowledgement.as_ref().filter(|_| conflict.resolved) {
            result["suppressions"] = json!([{ "kind": "inSource", "justification": allowed.because }]);
        }
    }
    result
}

fn location(findings: &Findings<'_>, label: &Label) -> Value {
    let (path, _) = located(findings, label);
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&path) },
            "region": region(findings, &label.file, label.span),
        },
    })
}

fn region(findings: &Findings<'_>, file: &str, span: Span) -> Value {
    let (_, [start, end]) = located(findings, &Label { file: file.to_owned(), span, text: String::new() });
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}

/// Text in which nothing is a link.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
}

/// A path as a relative URI (RFC 3986).
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(byte.into());
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_uris_and_brackets_no_links() {
        assert_eq!(uri("a b/\u{e9}#c?.ordain"), "a%20b/%C3%A9%23c%3F.ordain");
        assert_eq!(escaped(r"a [b](1) \c"), r"a \[b\](1) \\c");
    }
}
