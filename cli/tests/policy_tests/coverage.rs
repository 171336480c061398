//! What tests reach of the policies.

use serde_json::{Value, json};

use super::lcov;
use super::{failing, passing, run_in};
use crate::support::workspace;

#[test]
fn a_table_and_what_is_left() {
    insta::assert_snapshot!(run_in(passing().path(), &["test", "--coverage"]).expect_code(0).stdout);
}

#[test]
fn only_with_results_that_can_hold_it() {
    let folder = passing();
    let refused = |args: &[&str]| run_in(folder.path(), args).expect_code(2).stderr;
    let needs_file =
        "error: `--coverage=lcov` needs `--coverage-output FILE`: standard output holds the results\n";
    assert_eq!(refused(&["test", "--coverage=lcov"]), needs_file);
    assert!(refused(&["test", "--format=junit", "--coverage"]).contains("`--coverage=text` needs"));
    assert!(refused(&["test", "--coverage=json"]).contains("`--coverage=json` needs"));
    assert!(refused(&["test", "--coverage-output=x"]).contains("--coverage"));
    assert!(
        refused(&["test", "--coverage=text", "--coverage-output=no/such/folder/x"]).contains("cannot write")
    );
    run_in(folder.path(), &["test", "--format=junit", "--coverage", "--coverage-output=x.txt"])
        .expect_code(0);
    let table = std::fs::read_to_string(folder.path().join("x.txt")).unwrap();
    assert!(table.contains("acme.support.no-pii-export"), "{table}");
}

fn json_of(folder: &std::path::Path) -> Value {
    run_in(folder, &["test", "--coverage=json", "--coverage-output=coverage.json"]);
    serde_json::from_slice(&std::fs::read(folder.join("coverage.json")).unwrap()).unwrap()
}

#[test]
fn counts_are_of_tests() {
    let folder = passing();
    let found = json_of(folder.path());
    let policy = |name: &str| {
        let all = found["policies"].as_array().unwrap();
        let policy =
            all.iter().find(|policy| policy["name"] == name).unwrap_or_else(|| panic!("{name}: {found:#}"));
        let counts =
            ["in_scope", "in_window", "in_domain", "decided"].map(|key| policy[key].as_u64().unwrap());
        let branches = policy["branches"].as_array().unwrap().iter();
        let branches = branches.map(|it| {
            (it["text"].as_str().unwrap(), it["true"].as_u64().unwrap(), it["false"].as_u64().unwrap())
        });
        (policy["reached"].as_str().unwrap(), counts, branches.collect::<Vec<_>>())
    };
    let export = "tool.name == \"export\"";
    assert_eq!(
        policy("acme.support.no-pii-export"),
        ("decided", [3, 3, 1, 1], vec![(export, 2, 1), ("sensitive", 1, 2)])
    );
    assert_eq!(
        policy("acme.support.watch-exports"),
        ("decided", [3, 3, 2, 1], vec![(export, 2, 1), ("tool.name like \"mail.*\"", 0, 3)])
    );
    assert_eq!(policy("acme.support.weekend"), ("never", [3, 0, 0, 0], vec![]));
    assert_eq!(policy("acme.support.daily-tokens"), ("decided", [3, 3, 3, 1], vec![]));
    assert_eq!(policy("acme.support.promised-runs"), ("decided", [3, 3, 3, 0], vec![]), "a guarantee");
    assert_eq!(
        found["summary"],
        json!({
            "rules": { "covered": 2, "total": 3, "percent": "66.66%" },
            "limits": { "covered": 2, "total": 2, "percent": "100%" },
            "branches": { "covered": 7, "total": 8, "percent": "87.5%" },
            "lines": found["summary"]["lines"],
            "covered": { "covered": 11, "total": 13, "percent": "84.61%" },
        })
    );
}

#[test]
fn results_in_json_hold_the_same_coverage() {
    let folder = failing();
    let within = run_in(folder.path(), &["test", "--format=json", "--coverage"]).expect_code(1).json();
    assert_eq!(within["coverage"], json_of(folder.path()));
}

#[test]
fn a_template_is_covered_by_its_applications_together() {
    let text = r#"package p
use std.facts.*

template guard(team: project, tool: string) {
  rule no-tool {
    type     safety
    enforce  block
    scope    team
    when     tool.name == tool
  }
  limit few {
    type     runs_daily
    at most  5
    enforce  block
    scope    team
  }
}

template unused(team: project) {
  rule audit { type system enforce audit scope team }
}

apply guard(team = acme/a, tool = "x") as for-a
apply guard(team = acme/b, tool = "y") as for-b

test "a may not x" { given agent acme/a/m tool.name = "x" expect block by for-a.no-tool not by for-b.no-tool }
test "b may x" { given agent acme/b/m tool.name = "x" expect allow }
test "c may not z" {
  apply guard(team = acme/c, tool = "z") as for-c
  given   agent acme/c/m tool.name = "z"
  used    for-c.few = 5
  expect  block by for-c.no-tool, for-c.few
}
"#;
    let folder = workspace(&[("p/a.ordain", text)]);
    run_in(folder.path(), &["test"]).expect_code(0);
    let found = json_of(folder.path());
    let all: Vec<_> = found["policies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|policy| {
            let counts = ["in_scope", "in_domain", "decided"].map(|key| policy[key].as_u64().unwrap());
            (policy["name"].as_str().unwrap(), counts, policy["branches"].as_array().unwrap().len())
        })
        .collect();
    assert_eq!(
        all,
        [
            ("p.guard: no-tool", [3, 2, 2], 1),
            ("p.guard: few", [3, 3, 1], 0),
            ("p.unused: audit", [0, 0, 0], 0),
        ]
    );
    assert_eq!(found["policies"][0]["branches"][0]["true"], 2);
    assert_eq!(found["policies"][0]["branches"][0]["false"], 1);
}

#[test]
fn lcov_is_well_formed_and_says_the_same() {
    let folder = failing();
    run_in(folder.path(), &["test", "--coverage=lcov", "--coverage-output=lcov.info"]).expect_code(1);
    let text = std::fs::read_to_string(folder.path().join("lcov.info")).unwrap();
    let files = lcov::read(&text, folder.path()).unwrap();
    insta::assert_snapshot!(text);
    let found = json_of(folder.path());
    let all = found["policies"].as_array().unwrap();
    let decided = |policy: &Value| {
        policy[if policy["guarantee"] == true { "in_domain" } else { "decided" }].as_u64().unwrap()
    };
    let by_json: Vec<_> =
        all.iter().map(|policy| (policy["name"].as_str().unwrap().to_owned(), decided(policy))).collect();
    let by_lcov: Vec<_> = files.iter().flat_map(|file| file.functions.clone()).collect();
    assert_eq!(by_lcov, by_json);
    for file in &files {
        let stretches = |key: &str| -> Vec<u64> {
            let list = found["files"][&file.path][key].as_array().unwrap().iter();
            list.flat_map(|it| it[0].as_u64().unwrap()..=it[1].as_u64().unwrap()).collect()
        };
        let lines = |hit: bool| -> Vec<u64> {
            file.lines.iter().filter(|(_, count)| (**count > 0) == hit).map(|(line, _)| *line).collect()
        };
        assert_eq!(lines(true), stretches("covered"));
        assert_eq!(lines(false), stretches("not_covered"));
    }
}
