//! What is shown after any sequence of edits is what a fresh start would show.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ordain_ide::{Analysed, Checked, WORKSPACE_FILE, Workspace};
use proptest::prelude::*;

/// A rule with few choices, so that rules often conflict, override and depend on each other.
fn rule() -> impl Strategy<Value = String> {
    let name = prop_oneof!["alpha", "beta", "gamma"];
    let mode = prop_oneof!["block", "warn", "audit"];
    let scope = prop_oneof![Just("global"), Just("tenant acme"), Just("tenant other")];
    let extra = prop_oneof![
        6 => Just(""),
        1 => Just("priority 5"),
        1 => Just("overrides alpha"),
        1 => Just("when flag"),
        1 => Just("when nowhere.declared"),
        1 => Just("active mon..fri 09:00 .. 17:00 in UTC"),
        1 => Just("status retired"),
        1 => Just("type"),
    ];
    (name, mode, scope, extra).prop_map(|(name, mode, scope, extra)| {
        format!("rule {name} {{\n  type safety\n  enforce {mode}\n  scope {scope}\n  {extra}\n}}\n")
    })
}

fn text() -> impl Strategy<Value = String> {
    let fact = prop_oneof![Just(""), Just("fact flag : bool\n"), Just("fact flag : bool optional\n")];
    let gap = prop_oneof![Just(""), Just("\n\n"), Just("// é𝄞\n")];
    (fact, gap, proptest::collection::vec(rule(), 0..3))
        .prop_map(|(fact, gap, rules)| format!("package acme\n{fact}{gap}{}", rules.concat()))
}

fn check(workspace: &Workspace) -> Checked {
    workspace.snapshot().check()
}

fn analyse(workspace: &Workspace, checked: &Checked) -> Analysed {
    let (analysis, _running) = workspace.analysis(checked.policies());
    let analysed = analysis.run().expect("nobody stops it");
    analysis.complete(analysed).expect("nobody stops it")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn edits_and_a_fresh_start_agree(edits in proptest::collection::vec((0usize..2, text()), 1..8)) {
        // Nothing is read from disk: the folder doesn't exist.
        let root = Path::new("/nowhere/at/all");
        let files = ["a.ordain", "b.ordain"].map(|name| root.join(name));
        let mut texts = [String::new(), String::new()];
        let mut edited = Workspace::load(root);
        let mut earlier: Option<Analysed> = None;
        for (file, text) in edits {
            edited.set_buffer(&files[file], &text);
            texts[file] = text;
            let mut fresh = Workspace::load(root);
            for (file, text) in files.iter().zip(&texts) {
                fresh.set_buffer(file, text);
            }
            let (now, cold) = (check(&edited), check(&fresh));
            let (analysed, cold_analysed) = (analyse(&edited, &now), analyse(&fresh, &cold));
            let all = now.findings(Some(&analysed));
            prop_assert_eq!(&all, &cold.findings(Some(&cold_analysed)));
            // File by file, what is found is the same.
            let mut apart = BTreeMap::new();
            for file in ["a.ordain", "b.ordain", WORKSPACE_FILE] {
                apart.extend(now.findings_in(&|other| other == file, Some(&analysed)));
            }
            prop_assert_eq!(&apart, &all);

            // What is kept in sight of an earlier search, until the new one ends, is true.
            if let Some(earlier) = earlier.replace(analysed.clone()) {
                let kept = earlier.standing(now.policies());
                let report = cold_analysed.standing(cold.policies());
                let true_ones: BTreeSet<_> = report.conflicts().map(|conflict| &conflict.id).collect();
                for conflict in kept.conflicts() {
                    prop_assert!(true_ones.contains(&conflict.id), "{}", conflict.explanation);
                }
            }
        }
    }
}

#[test]
fn a_search_can_be_stopped() {
    let root = Path::new("/nowhere/at/all");
    let mut workspace = Workspace::load(root);
    let rule =
        |name: &str, mode: &str| format!("rule {name} {{ type safety enforce {mode} scope global }}\n");
    workspace.set_buffer(&root.join("a.ordain"), &(rule("a", "block") + &rule("b", "audit")));
    let checked = check(&workspace);
    let (analysis, running) = workspace.analysis(checked.policies());
    running.stop();
    assert!(matches!(analysis.run(), Err(ordain_ide::Interrupted::Cancelled)));
    let (analysis, _running) = workspace.analysis(checked.policies());
    let findings = checked.findings(Some(&analysis.run().unwrap()));
    let codes: Vec<_> = findings["a.ordain"].iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["ORD0301", "ORD0301"], "a conflict at each policy");
}
