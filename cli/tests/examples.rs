//! The examples, through the built binary.

mod support;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::{example, run, run_with_input};

fn check(name: &str, code: i32) -> Value {
    run([&"check".into(), &example(name), &"--format=json".into()]).expect_code(code).json()
}

#[test]
fn acme_is_clean() {
    let found = check("acme", 0);
    assert_eq!(found["conflicts"], json!([]));
    assert_eq!(found["diagnostics"], json!([]));
    assert!(found["summary"]["policies"].as_u64().unwrap() >= 40);
}

#[test]
fn conflicts_has_one_of_each_type() {
    let found = check("conflicts", 1);
    assert_eq!(found["diagnostics"], json!([]));
    let types: BTreeSet<_> = found["conflicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["conflict_type"].as_str().unwrap(), c["contradiction"].as_str()))
        .collect();
    let wanted = [
        ("PRIORITY_OVERRIDE", None),
        ("SCOPE_OVERLAP", None),
        ("TEMPORAL_CONFLICT", None),
        ("THRESHOLD_CONTRADICTION", Some("divergent")),
        ("THRESHOLD_CONTRADICTION", Some("empty")),
    ];
    assert_eq!(types, BTreeSet::from(wanted));
    for conflict in found["conflicts"].as_array().unwrap() {
        let evidence = conflict.get("witness").or(conflict.get("certificate"));
        assert!(evidence.is_some(), "{conflict:#}");
    }
}

/// Each witness goes through `eval` as a user would send it, and the decision names the policies.
#[test]
fn every_witness_replays_through_eval() {
    let folder = example("conflicts");
    let mut replayed = 0;
    for conflict in check("conflicts", 1)["conflicts"].as_array().unwrap() {
        let Some(witness) = conflict.get("witness") else { continue };
        let mut args = vec!["eval", folder.to_str().unwrap(), "-", "--format=json"];
        for policy in conflict["policies"].as_array().unwrap() {
            args.extend(["--only", policy["name"].as_str().unwrap()]);
        }
        let decision = run_with_input(&args, &witness["request"].to_string());
        assert_eq!(decision.code, Some(0), "{}\n{conflict:#}", decision.stderr);
        let decision = decision.json();
        let spoken: BTreeSet<_> = ["rules", "limits"]
            .iter()
            .flat_map(|half| decision[half].as_array().unwrap())
            .map(|finding| finding["id"].as_str().unwrap().to_owned())
            .collect();
        for policy in conflict["policies"].as_array().unwrap() {
            let id = policy["id"].as_str().unwrap();
            assert!(spoken.contains(id), "{policy} is not in {decision:#}");
        }
        replayed += 1;
    }
    assert!(replayed >= 4);
}

#[test]
fn the_thread_count_changes_no_byte() {
    for name in ["acme", "conflicts", "audit-14-7"] {
        let output = |threads: &str| {
            let args = [
                "check".into(),
                example(name),
                "--format=json".into(),
                format!("--threads={threads}").into(),
            ];
            run(&args).stdout
        };
        let one = output("1");
        assert_eq!(one, output("2"), "{name}");
        assert_eq!(one, output("5"), "{name}");
        assert_eq!(one, output("1"), "{name}");
    }
}

#[test]
fn bundles_are_the_same_bytes_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let build = |name: &str| {
        let path = folder.path().join(name);
        let args = ["build".into(), example("acme"), "-o".into(), path.clone()];
        run(&args).expect_code(0);
        std::fs::read(path).unwrap()
    };
    assert_eq!(build("a"), build("b"));
    let inspected = run([&"inspect".into(), &folder.path().join("a")]).expect_code(0);
    assert!(inspected.stdout.contains("acme.support.no-pii-export"));
}

#[test]
fn a_contradictory_workspace_makes_no_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let refused = run(&["build".into(), example("conflicts"), "-o".into(), path.clone()]).expect_code(1);
    assert!(refused.stdout.contains("no bundle written: 2 BLOCKING conflicts"), "{}", refused.stdout);
    assert!(!path.exists());
}

#[test]
fn graphs_draw_dependencies_and_conflicts() {
    for (format, start) in [("dot", "digraph ordain {"), ("mermaid", "flowchart LR"), ("json", "{")] {
        let args = ["graph".into(), example("conflicts"), format!("--format={format}").into()];
        let drawn = run(&args).expect_code(0).stdout;
        assert!(drawn.starts_with(start));
        assert!(drawn.contains("acme.support.daily-floor"));
    }
}
