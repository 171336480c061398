//! What readers see of a conflict.

use ordain_analyzer::{Options, analyze, conflict_diagnostics};
use ordain_compiler::compile_str;
use ordain_ir::{Diagnostic, Severity};

fn diagnostics(text: &str) -> Vec<Diagnostic> {
    let compiled = compile_str(&[("acme.ordain", text)]);
    assert_eq!(compiled.diagnostics, vec![]);
    let report = analyze(&compiled.policies, &Options::default()).unwrap();
    conflict_diagnostics(&report, &compiled.source_map)
}

#[test]
fn a_warning_points_at_the_decisive_clauses_and_gives_an_example() {
    let text = "package acme
fact tool.name : string
rule freeze {
  type safety
  enforce block
  scope project acme/support
  active fri 18:00 .. mon 08:00 in Europe/Berlin
}
rule exports {
  type safety
  enforce warn
  scope global
  when tool.name == \"export\"
}
";
    let [diagnostic] = <[Diagnostic; 1]>::try_from(diagnostics(text)).unwrap();
    assert_eq!(diagnostic.severity, Severity::Warning);
    assert_eq!(diagnostic.code.as_str(), "ORD0303");
    assert_eq!(
        diagnostic.message,
        "`freeze` blocks while `exports` warns on overlapping scopes where their windows overlap, \
         first on Fri 2026-01-02 18:00 Europe/Berlin"
    );
    let at = |label: &ordain_ir::Label| text[label.span.range()].to_owned();
    let primary = diagnostic.primary.as_ref().unwrap();
    assert_eq!(at(primary), "active fri 18:00 .. mon 08:00 in Europe/Berlin");
    assert_eq!(primary.text, "rule `acme.freeze`");
    assert_eq!(diagnostic.secondary.iter().map(at).collect::<Vec<_>>(), ["enforce warn"]);
    assert_eq!(
        diagnostic.notes,
        [
            "TEMPORAL_CONFLICT, WARNING, proved",
            "for example: acme/support/agent at Fri 2026-01-02 18:00 Europe/Berlin, tool.name = \"export\"",
        ]
    );
    assert_eq!(
        diagnostic.help.unwrap(),
        "Align enforcement modes, separate the windows, or give one rule the higher priority"
    );
}

#[test]
fn an_error_shows_the_arithmetic() {
    let text = "package acme
limit cap   { type cost_per_run  at most 2.50 USD  enforce block  scope tenant acme }
limit floor { type cost_per_run  at least 4.00 USD  enforce reject  scope tenant acme }
";
    let [diagnostic] = <[Diagnostic; 1]>::try_from(diagnostics(text)).unwrap();
    assert_eq!(diagnostic.severity, Severity::Error);
    assert_eq!(
        diagnostic.notes,
        [
            "THRESHOLD_CONTRADICTION, BLOCKING, proved",
            "for example: acme/project/agent at Thu 2026-01-01 00:00 UTC, usage cost = 2.500001 USD",
            "proof, in a single request:\n  \
             `acme.cap`: COST_PER_RUN is at most 2.50 USD\n  \
             `acme.floor`: COST_PER_RUN is at least 4.00 USD\n  \
             added up: 0 ≤ -3/2, which is false",
        ]
    );
}

#[test]
fn what_is_suspected_says_why() {
    let text = "package acme
fact toxic : bool opaque
rule a { type safety  enforce block  scope global  when toxic }
rule b { type safety  enforce audit  scope global }
";
    let [diagnostic] = <[Diagnostic; 1]>::try_from(diagnostics(text)).unwrap();
    assert_eq!(diagnostic.severity, Severity::Warning);
    assert_eq!(
        diagnostic.notes[0],
        "SCOPE_OVERLAP, WARNING, suspected and not proved: it rests on the opaque fact `toxic`, whose value this \
         language can't see"
    );
}
