//! Running a case.

use std::collections::BTreeMap;
use std::fs;

use jiff::Timestamp;
use ordain_analyzer::{Options, analyze, gap_diagnostics, lint, lint_diagnostics, ruling};
use ordain_compiler::workspace::{MANIFEST, load};
use ordain_compiler::{Database, allowance_places, compile, obligation_places};
use ordain_ir::{Conflict, Diagnostic, Limit, Policies, PolicyName, Severity};

use super::{Case, Mismatch};

/// Kinds of findings that count only where a case speaks of them.
const OPTIONAL: [&str; 4] = ["edge", "rule", "limit", "test"];

/// Says that a case has no lints; else lints, too, count only where a case speaks of one.
const NO_LINTS: &str = "no lints";

/// Whether a line is a diagnostic of a policy that is idle or needless, or a declaration that is.
fn is_lint(line: &str) -> bool {
    line.starts_with("warning[ORD04") && !line.starts_with("warning[ORD0401")
}

/// A finding as it is written in full, and as it may be abbreviated.
struct Found {
    full: String,
    short: String,
    /// Of a diagnostic, what it stands at.
    quoted: Option<String>,
}

impl Found {
    fn new(short: String, full: String) -> Self {
        Self { full, short, quoted: None }
    }

    fn kind(&self) -> &str {
        self.full.split(' ').next().unwrap_or_default()
    }
}

pub(super) fn check(case: &Case) -> Result<(), Mismatch> {
    let (now, mut expected): (Vec<&String>, Vec<&String>) =
        case.expected.iter().partition(|line| line.starts_with("now "));
    let now = now.first().map(|line| line["now ".len()..].parse::<Timestamp>());
    let refuse = |error: String| Mismatch { missing: vec![], unexpected: vec![error] };
    let now = now.transpose().map_err(|error| refuse(error.to_string()))?;
    let mut found = outcome(case, now).map_err(refuse)?;
    let comments: Vec<String> = case.files.iter().flat_map(|(file, text)| comments(file, text)).collect();
    expected.extend(&comments);
    for kind in OPTIONAL {
        let none = format!("no {kind}s");
        if !expected.iter().any(|line| **line == none || line.starts_with(&format!("{kind} "))) {
            found.retain(|finding| finding.kind() != kind);
        }
    }
    if !expected.iter().any(|line| *line == NO_LINTS || is_lint(line)) {
        found.retain(|finding| !is_lint(&finding.short));
    }
    expected.retain(|line| *line != NO_LINTS && !OPTIONAL.iter().any(|kind| **line == format!("no {kind}s")));
    compare(&expected, found)
}

fn compare(expected: &[&String], mut found: Vec<Found>) -> Result<(), Mismatch> {
    let mut missing = vec![];
    for line in expected {
        match found.iter().position(|finding| fits(line, finding)) {
            Some(at) => drop(found.remove(at)),
            None => missing.push((*line).clone()),
        }
    }
    let quoted = |finding: &Found| match &finding.quoted {
        Some(text) => format!("{} (at `{text}`)", finding.full),
        None => finding.full.clone(),
    };
    let unexpected: Vec<String> = found.iter().map(quoted).collect();
    if missing.is_empty() && unexpected.is_empty() { Ok(()) } else { Err(Mismatch { missing, unexpected }) }
}

/// Everything may be written in full or without its explanation; a diagnostic's message may be a part of it.
fn fits(expected: &str, found: &Found) -> bool {
    if expected == found.full || expected == found.short {
        return true;
    }
    if !["error[", "warning[", "info["].iter().any(|word| expected.starts_with(word)) {
        return false;
    }
    let Some((head, rest)) = expected.split_once(']') else { return false };
    let (quoted, message) = match rest.strip_prefix(" at `").and_then(|rest| rest.split_once('`')) {
        Some((quoted, rest)) => (Some(quoted), rest),
        None => (None, rest),
    };
    found.short == format!("{head}]")
        && quoted.is_none_or(|quoted| found.quoted.as_deref() == Some(quoted))
        && (message.is_empty() || message.strip_prefix(": ").is_some_and(|part| found.full.contains(part)))
}

fn outcome(case: &Case, now: Option<Timestamp>) -> Result<Vec<Found>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        let parent = path.parent().ok_or("a file stands in a folder")?;
        fs::create_dir_all(parent).and_then(|()| fs::write(&path, text)).map_err(|error| error.to_string())
    };
    write(MANIFEST, case.manifest.as_deref().unwrap_or("name: spec\nlanguage: \"1\"\n"))?;
    for (name, text) in &case.files {
        write(name, text)?;
    }
    let loaded = match load(folder.path()) {
        Ok(loaded) => loaded,
        Err(problems) => {
            return Ok(problems.iter().map(|problem| diagnostic(problem, &BTreeMap::new())).collect());
        }
    };
    let mut db = Database::default();
    let workspace = loaded.open(&mut db);
    let compiled = compile(&db, workspace);
    let policies = &compiled.policies;
    let name = |name: &PolicyName| short_name(policies, name);
    let mut found = vec![];
    for edge in &compiled.dependencies.edges {
        let short =
            format!("edge {} -> {} {}", name(&edge.from.name), name(&edge.to.name), edge.dependency_type);
        found.push(Found::new(short.clone(), format!("{short}: {}", edge.explanation)));
    }
    for rule in policies.rules.values() {
        let short = format!("rule {}", name(&rule.name));
        found.push(Found::new(short.clone(), format!("{short} {}", rule.enforcement_mode)));
    }
    for limit in policies.limits.values() {
        let Limit { quantity, bound, enforcement, .. } = &**limit;
        let (value, quantity) = (quantity.format(bound.value), quantity.wording());
        let short =
            format!("limit {} {quantity} {} {value} {enforcement}", name(&limit.name), bound.direction);
        found.push(Found::new(short.clone(), short));
    }
    for case in ordain_compiler::tests(&db, workspace) {
        let short = format!("test {:?}", case.name);
        found.push(Found::new(short.clone(), short));
    }
    let report = analyze(policies, &Options::default()).map_err(|error| error.to_string())?;
    found.extend(report.conflicts.iter().map(|found| conflict(found, &name)));
    let mut diagnostics = compiled.diagnostics.clone();
    diagnostics.extend(gap_diagnostics(&report, obligation_places(&db, workspace)));
    if !diagnostics.iter().any(|it| it.severity == Severity::Error) {
        let lints = lint(policies, &Options::default(), now).map_err(|error| error.to_string())?;
        let own = |file: &str| loaded.files.contains_key(file);
        diagnostics.extend(lint_diagnostics(&lints, &report, policies, &compiled.source_map, &own));
        diagnostics.extend(ordain_compiler::unused(&db, workspace));
    }
    let places = allowance_places(&db, workspace);
    let ruling = ruling(policies, &report, &diagnostics, &compiled.source_map, places, now);
    let kept = diagnostics.iter().enumerate().filter(|(at, _)| !ruling.accepted.contains(at));
    let all = kept.map(|(_, problem)| problem).chain(&ruling.diagnostics);
    found.extend(all.map(|problem| diagnostic(problem, &loaded.files)));
    Ok(found)
}

/// The local name where no other policy shares it.
fn short_name(policies: &Policies, name: &PolicyName) -> String {
    let all = policies.rules.keys().chain(policies.limits.keys());
    let label = policies.label(name);
    let shared = all.filter(|other| policies.label(other) == label).count() > 1;
    if shared { name.to_string() } else { label.to_owned() }
}

fn conflict(conflict: &Conflict, name: &dyn Fn(&PolicyName) -> String) -> Found {
    let kind = conflict.contradiction.map(|kind| format!(" {kind}")).unwrap_or_default();
    let weakens = if conflict.weakens == Some(true) { " weakens" } else { "" };
    let names: Vec<String> = conflict.policies.iter().map(|policy| name(&policy.name)).collect();
    let short = format!(
        "conflict {}{kind}{weakens} {} {}{} {}",
        conflict.conflict_type,
        conflict.severity,
        conflict.certainty,
        if conflict.acknowledgement.is_some() { " allowed" } else { "" },
        names.join(", ")
    );
    Found::new(short.clone(), format!("{short}: {}", conflict.explanation))
}

/// `error[ORD0201] at main.ordain:3: message`; the place is left out where there is none.
fn diagnostic(problem: &Diagnostic, files: &BTreeMap<String, String>) -> Found {
    let place = problem.primary.as_ref().and_then(|label| {
        let text = files.get(&label.file)?;
        let before = text.get(..label.span.range().start)?;
        let line = before.matches('\n').count() + 1;
        let quoted = text.get(label.span.range())?.split_whitespace().collect::<Vec<_>>().join(" ");
        Some((format!(" at {}:{line}", label.file), quoted))
    });
    let (place, quoted) = place.unzip();
    let short = format!("{}[{}{}]", problem.severity, problem.code, place.unwrap_or_default());
    Found { full: format!("{short}: {}", problem.message), short, quoted }
}

/// The diagnostics that comments expect: those at the ends of lines there, those on lines of their own for the last
/// line before that is no such comment.
pub(super) fn comments(file: &str, text: &str) -> Vec<String> {
    let mut out = vec![];
    let mut last = 0;
    for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line)) {
        let parts: Vec<&str> = line.split("// ").collect();
        let expected: Vec<(&str, &str)> = parts.iter().skip(1).filter_map(|part| expectation(part)).collect();
        if expected.is_empty() || !line.trim_start().starts_with("// ") {
            last = number;
        }
        out.extend(
            expected.iter().map(|(head, rest)| format!("{head} at {file}:{last}]{}", rest.trim_end())),
        );
    }
    out
}

/// Severity and code, and what follows the bracket.
pub(super) fn expectation(comment: &str) -> Option<(&str, &str)> {
    let (head, rest) = comment.split_once(']')?;
    let (severity, code) = head.split_once('[')?;
    (matches!(severity, "error" | "warning" | "info") && code.starts_with("ORD")).then_some((head, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(source: &str, expected: &[&str]) -> Case {
        Case {
            files: vec![("main.ordain".into(), source.into())],
            expected: expected.iter().map(ToString::to_string).collect(),
            ..Case::default()
        }
    }

    const PAIR: &str = "package p\nrule a { type safety enforce block scope global }\n\
                        rule b { type safety enforce warn scope global }\n";

    #[test]
    fn agreement_passes() {
        let overlap = "conflict SCOPE_OVERLAP WARNING proved a, b";
        check(&case(PAIR, &[overlap])).unwrap();
        check(&case(PAIR, &[overlap, "edge b -> a IMPLICIT_SCOPE"])).unwrap();
    }

    #[test]
    fn whatever_is_unmatched_on_either_side_fails() {
        let unexpected = check(&case(PAIR, &[])).unwrap_err();
        assert!(unexpected.missing.is_empty() && unexpected.unexpected.len() == 1, "{unexpected}");
        let other = check(&case(PAIR, &["conflict SCOPE_OVERLAP BLOCKING proved a, b"])).unwrap_err();
        assert!(other.missing.len() == 1 && other.unexpected.len() == 1, "{other}");
        let edges =
            check(&case(PAIR, &["conflict SCOPE_OVERLAP WARNING proved a, b", "no edges"])).unwrap_err();
        assert!(edges.missing.is_empty() && edges.unexpected.len() == 1, "{edges}");
        let quiet = "package p\nrule a { type safety enforce block scope global }\n";
        assert_eq!(check(&case(quiet, &["edge a -> b EXPLICIT"])).unwrap_err().missing.len(), 1);
        let comment = "package p // error[ORD0201]: nothing of the kind\n";
        assert_eq!(check(&case(comment, &[])).unwrap_err().missing.len(), 1);
    }

    #[test]
    fn diagnostics_are_expected_where_they_stand() {
        let wrong = "package p\nrule a { type safety enforce block scope global when nope }";
        let unexpected = check(&case(wrong, &[])).unwrap_err().unexpected;
        assert!(unexpected[0].starts_with("error[ORD0201 at main.ordain:2]: "), "{unexpected:?}");
        check(&case(&format!("{wrong} // error[ORD0201]: `nope`\n"), &[])).unwrap();
        check(&case(&format!("{wrong} // error[ORD0201]\n"), &[])).unwrap();
        assert!(check(&case(&format!("{wrong} // error[ORD0201]: `yes`\n"), &[])).is_err());
        assert!(check(&case(&format!("// error[ORD0201]\n{wrong}"), &[])).is_err());
        check(&case(&format!("{wrong}\n  // error[ORD0201] at `nope`\n"), &[])).unwrap();
        check(&case(&format!("{wrong} // error[ORD0201] at `nope`: unknown\n"), &[])).unwrap();
        assert!(check(&case(&format!("{wrong} // error[ORD0201] at `nop`\n"), &[])).is_err());
    }
}
