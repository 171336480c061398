//! Running a case.

use std::collections::BTreeMap;
use std::fs;

use ordain_analyzer::{Options, analyze};
use ordain_compiler::workspace::{MANIFEST, load};
use ordain_compiler::{Database, compile};
use ordain_ir::{Conflict, Diagnostic, Policies, PolicyName};

use super::{Case, Mismatch};

/// A finding as it is written in full, and as it may be abbreviated.
struct Found {
    full: String,
    short: String,
}

pub(super) fn check(case: &Case) -> Result<(), Mismatch> {
    let found = outcome(case).map_err(|error| Mismatch { missing: vec![], unexpected: vec![error] })?;
    let mut expected = case.expected.clone();
    for (file, text) in &case.files {
        expected.extend(comments(file, text));
    }
    if !expected.iter().any(|line| line.starts_with("edge ") || line == "no edges") {
        expected.push("any edges".to_owned());
    }
    compare(expected, found)
}

fn compare(expected: Vec<String>, mut found: Vec<Found>) -> Result<(), Mismatch> {
    let mut missing = vec![];
    for line in expected {
        if line == "any edges" || line == "no edges" {
            if line == "any edges" {
                found.retain(|finding| !finding.full.starts_with("edge "));
            }
            continue;
        }
        match found.iter().position(|finding| fits(&line, finding)) {
            Some(at) => drop(found.remove(at)),
            None => missing.push(line),
        }
    }
    let unexpected: Vec<String> = found.into_iter().map(|finding| finding.full).collect();
    if missing.is_empty() && unexpected.is_empty() { Ok(()) } else { Err(Mismatch { missing, unexpected }) }
}

/// Conflicts and edges are written in full or without their explanation; a diagnostic's message may be a part of it.
fn fits(expected: &str, found: &Found) -> bool {
    if expected == found.full || expected == found.short {
        return true;
    }
    let is_diagnostic = ["error[", "warning[", "info["].iter().any(|word| expected.starts_with(word));
    is_diagnostic
        && expected.split_once("]: ").zip(found.full.split_once("]: ")).is_some_and(
            |((place, part), (found_place, message))| place == found_place && message.contains(part),
        )
}

fn outcome(case: &Case) -> Result<Vec<Found>, String> {
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
    let mut found: Vec<Found> =
        compiled.diagnostics.iter().map(|problem| diagnostic(problem, &loaded.files)).collect();
    let name = |name: &PolicyName| short_name(&compiled.policies, name);
    for edge in &compiled.dependencies.edges {
        let short =
            format!("edge {} -> {} {}", name(&edge.from.name), name(&edge.to.name), edge.dependency_type);
        found.push(Found { full: format!("{short}: {}", edge.explanation), short });
    }
    let report = analyze(&compiled.policies, &Options::default()).map_err(|error| error.to_string())?;
    found.extend(report.conflicts.iter().map(|found| conflict(found, &name)));
    Ok(found)
}

/// The local name where no other policy shares it.
fn short_name(policies: &Policies, name: &PolicyName) -> String {
    let all = policies.rules.keys().chain(policies.limits.keys());
    let shared = all.filter(|other| other.local() == name.local()).count() > 1;
    if shared { name.to_string() } else { name.local().to_owned() }
}

fn conflict(conflict: &Conflict, name: &dyn Fn(&PolicyName) -> String) -> Found {
    let kind = conflict.contradiction.map(|kind| format!(" {kind}")).unwrap_or_default();
    let weakens = if conflict.weakens == Some(true) { " weakens" } else { "" };
    let names: Vec<String> = conflict.policies.iter().map(|policy| name(&policy.name)).collect();
    let short = format!(
        "conflict {}{kind}{weakens} {} {} {}",
        conflict.conflict_type,
        conflict.severity,
        conflict.certainty,
        names.join(", ")
    );
    Found { full: format!("{short}: {}", conflict.explanation), short }
}

/// `error[ORD0201] at main.ordain:3: message`; the place is left out where there is none.
fn diagnostic(problem: &Diagnostic, files: &BTreeMap<String, String>) -> Found {
    let place = problem.primary.as_ref().and_then(|label| {
        let text = files.get(&label.file)?;
        let before = text.get(..label.span.range().start)?;
        Some(format!(" at {}:{}", label.file, before.matches('\n').count() + 1))
    });
    let head = format!("{}[{}{}]", problem.severity, problem.code, place.unwrap_or_default());
    Found { full: format!("{head}: {}", problem.message), short: head }
}

/// The diagnostics that comments at the ends of lines expect.
fn comments(file: &str, text: &str) -> Vec<String> {
    let mut out = vec![];
    for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line)) {
        for comment in line.split("// ").skip(1) {
            let Some((head, message)) = comment.split_once(']') else { continue };
            let Some((severity, code)) = head.split_once('[') else { continue };
            if matches!(severity, "error" | "warning" | "info") && code.starts_with("ORD") {
                out.push(format!("{severity}[{code} at {file}:{number}]{}", message.trim_end()));
            }
        }
    }
    out
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
    }
}
