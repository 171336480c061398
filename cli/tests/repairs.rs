//! The repairs that `ordain check` names: tried in the texts before they are told, and applied by `--fix=all`.

mod support;

use serde_json::Value;
use support::{Run, ordain, workspace};

fn run(folder: &std::path::Path, args: &[&str]) -> Run {
    Run::of(ordain().args(args).current_dir(folder).output().expect("the program starts"))
}

/// A limit on one run's tokens.
fn limit(name: &str, bound: &str, scope: &str) -> String {
    format!("limit {name} {{\n  type tokens_per_run\n  {bound}\n  enforce block\n  scope {scope}\n}}\n")
}

fn check(text: &str) -> (tempfile::TempDir, Value) {
    let folder = workspace(&[("a.ordain", &format!("package acme\n\n{text}"))]);
    let output = run(folder.path(), &["check", "--format", "json"]).expect_code(1);
    let report = serde_json::from_str(&output.stdout).expect("the report is JSON");
    (folder, report)
}

fn contradictions(report: &Value) -> Vec<(String, Value)> {
    let conflicts = report["conflicts"].as_array().expect("a list");
    let blocking = conflicts.iter().filter(|conflict| conflict["severity"] == "BLOCKING");
    blocking.map(|it| (it["explanation"].to_string(), it["repair"].clone())).collect()
}

#[test]
fn a_repair_is_tried_and_can_be_applied() {
    let text = limit("floor", "at least 500", "tenant acme") + &limit("cap", "at most 400", "tenant acme");
    let (folder, report) = check(&text);
    let [(_, repair)] = &contradictions(&report)[..] else { panic!("{report}") };
    assert_eq!((&repair["clause"], &repair["verified"]), (&"at least 400".into(), &true.into()));
    let told = run(folder.path(), &["check"]).expect_code(1);
    let note = "with `at least 400` instead, this conflict is gone, and no other comes up";
    assert!(told.stdout.contains(note), "{}", told.stdout);
    let fixed = run(folder.path(), &["check", "--fix=all"]).expect_code(0);
    assert!(fixed.stderr.contains("fixed a.ordain:5:3: lower `floor` to at least 400"), "{}", fixed.stderr);
    let left = std::fs::read_to_string(folder.path().join("a.ordain")).expect("it is still there");
    assert_eq!(left, format!("package acme\n\n{}", text.replace("at least 500", "at least 400")));
}

#[test]
fn a_repair_that_brings_up_another_conflict_is_not_told() {
    // At 400 the narrow floor would be below the wide one, and never take effect.
    let text = limit("narrow", "at least 500", "project acme/shop")
        + &limit("wide", "at least 420", "tenant acme")
        + &limit("cap", "at most 400", "project acme/shop");
    let (folder, report) = check(&text);
    let found = contradictions(&report);
    assert_eq!(found.len(), 2, "{report}");
    for (explanation, repair) in &found {
        if explanation.contains("narrow") {
            assert!(repair.is_null(), "{repair}");
        } else {
            assert_eq!((&repair["clause"], &repair["verified"]), (&"at least 400".into(), &true.into()));
        }
    }
    // Neither is it applied.
    let fixed = run(folder.path(), &["check", "--fix=all"]).expect_code(1);
    let wanted = "not fixed, since more errors or conflicts would be left: a.ordain:5:3: lower `narrow`";
    assert!(!fixed.stderr.contains("\nfixed a.ordain:5:3"), "{}", fixed.stderr);
    assert!(fixed.stderr.contains(wanted), "{}", fixed.stderr);
}

#[test]
fn a_sum_of_limits_is_repaired_where_least_has_to_change() {
    let text = "limit daily-floor { type runs_daily\n at least 500\n enforce block\n scope tenant acme }\n\
                limit hourly-cap { type runs_hourly\n at most 20\n enforce block\n scope tenant acme }\n";
    let (folder, report) = check(text);
    let [(_, repair)] = &contradictions(&report)[..] else { panic!("{report}") };
    assert_eq!((&repair["clause"], &repair["verified"]), (&"at least 480".into(), &true.into()));
    run(folder.path(), &["check", "--fix=all"]).expect_code(0);
}
