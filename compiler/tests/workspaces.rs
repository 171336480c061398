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
        assert_eq!(compiled.policies.len(), compiled.source_map.iter().count());
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

/// Every form that the reference describes and does not show.
#[test]
fn what_the_reference_says_compiles() {
    let text = r#"
use std.facts.*
fact run.type : enum { type, when, active }
fact m : money USD
fact n : int in -5..7 opaque optional
fact w : duration
fact s_1 : string optional opaque
let desk = project acme/support except agent acme/support/trainer
let g = global except tenant a, project b/c
rule a { type safety enforce block scope g when run.type == active
  active mon..wed, sat in UTC active 22:00 .. 24:00 active from 2026-03-01 until 2026-04-01T12:00:00Z in Asia/Tokyo
  source learned status retired priority -5 }
rule b { type system enforce audit scope agent acme/*/mailer-*, "x y"/b/c
  when m > -0.5 USD and m < 1_200.000001 USD and w > 250ms and w < 1w and w != 1h30m
   and has s_1 and s_1 in { "a\"\\\n\t\u{e9}", "b" } and s_1 like "a?*" and s_1 matches "^v[0-9]+$" and not s_1 contains "x"
   and s_1 starts with "a" and s_1 ends with "b" and true and has n and 2 * n + 3 <= 10 and n in { 1, 2 }
  depends on a overrides a because "x" }
limit c { type runs_per_minute at least 5 enforce reject scope provider openai per provider status disabled source system when rule b }
limit d { type cost_per_run at most 5 USD enforce degrade scope global overrides e depends on a }
limit e { type tokens_weekly at most 5_000 enforce alert scope desk per tenant }
"#;
    let compiled = compile_str(&[("sub/dir/a.ordain", text)]);
    assert_eq!(show(&compiled.diagnostics), "");
    let names: Vec<_> = compiled.policies.limits.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["sub.dir.c", "sub.dir.d", "sub.dir.e"]);
}
