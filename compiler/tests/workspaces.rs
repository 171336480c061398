//! Whole workspaces: the examples, the audit's policies, and the loader.

use std::path::Path;

use ordain_compiler::{Database, compile, compile_str, workspace};
use ordain_ir::Diagnostic;

fn show(diagnostics: &[Diagnostic]) -> String {
    let line = |it: &Diagnostic| {
        let at = it
            .primary
            .as_ref()
            .map(|label| format!("{}:{}..{}", label.file, label.span.start, label.span.end));
        format!("{} {}: {} ({:?})\n", at.unwrap_or_default(), it.code, it.message, it.help)
    };
    diagnostics.iter().map(line).collect()
}

#[test]
fn the_examples_compile() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    for entry in std::fs::read_dir(examples).unwrap() {
        let path = entry.unwrap().path();
        if !path.join("ordain.yaml").is_file() {
            continue;
        }
        let mut db = Database::default();
        let loaded = workspace::load(&path).unwrap();
        let workspace = loaded.open(&mut db);
        let compiled = compile(&db, workspace);
        assert_eq!(show(&compiled.diagnostics), "", "{}", path.display());
        assert!(!compiled.policies.is_empty(), "{}", path.display());
        assert_eq!(compiled.policies.len(), compiled.source_map.len());
    }
}

#[test]
fn the_audit_has_two_dependencies() {
    let compiled = compile_str(&[(
        "audit.ordain",
        "rule safety-baseline { type safety enforce block scope global }
         rule rate-limit-warning { type safety enforce disabled scope global }
         rule ethical-ai { type ethical enforce warn scope global }",
    )]);
    assert_eq!(show(&compiled.diagnostics), "");
    let edges: Vec<_> = compiled
        .dependencies
        .edges
        .iter()
        .map(|edge| (edge.from.name.as_str(), edge.to.name.as_str(), edge.explanation.as_str()))
        .collect();
    let why = "Both policies share scope 'GLOBAL'";
    assert_eq!(
        edges,
        [("ethical-ai", "safety-baseline", why), ("safety-baseline", "rate-limit-warning", why)]
    );
}

#[test]
fn the_reference_sample_compiles() {
    let compiled = compile_str(&[("acme/support.ordain", include_str!("sample.ordain"))]);
    assert_eq!(show(&compiled.diagnostics), "");
    assert_eq!((compiled.policies.rules.len(), compiled.policies.limits.len()), (4, 5));
}

#[test]
fn what_the_reference_shows_compiles() {
    let page = include_str!("../../docs/language.md");
    let blocks: Vec<&str> =
        page.split("```ordain\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let compiled = compile_str(&[("a.ordain", block)]);
        assert_eq!(show(&compiled.diagnostics), "", "{block}");
    }
}
