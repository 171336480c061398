//! Which tests run, and what is said about them.

use serde_json::Value;

use super::{MANIFEST, SALES, SUPPORT, failing, passing, run_in};
use crate::support::{root, workspace};

#[test]
fn tests_that_pass_are_counted() {
    let folder = passing();
    let run = run_in(folder.path(), &["test"]).expect_code(0);
    insta::assert_snapshot!(run.stdout);
    insta::assert_snapshot!(run_in(folder.path(), &["test", "--verbose"]).expect_code(0).stdout);
    assert_eq!(run.stderr, "");
}

#[test]
fn a_test_that_fails_says_what_was_wanted_what_came_and_why() {
    insta::assert_snapshot!(run_in(failing().path(), &["test"]).expect_code(1).stdout);
}

#[test]
fn filters_choose_by_part_or_by_glob() {
    let folder = failing();
    let chosen = |filter: &[&str]| {
        let args = [&["test", "--format=json"], filter].concat();
        let found = run_in(folder.path(), &args).expect_code(0).json();
        let names =
            found["tests"].as_array().unwrap().iter().map(|test| test["name"].as_str().unwrap().to_owned());
        (names.collect::<Vec<_>>(), found["summary"]["skipped"].as_u64().unwrap())
    };
    let one = |name: &str| (vec![name.to_owned()], 5);
    assert_eq!(chosen(&["--filter=nobody minds"]), one("nobody minds reading"));
    assert_eq!(chosen(&["--filter", "acme.sales: nobody*"]), one("nobody minds reading"));
    let (both, skipped) = chosen(&["--filter=minds", "--filter=acme.support: exporting p?r*"]);
    assert_eq!((both.len(), skipped), (2, 4));
    let none = run_in(folder.path(), &["test", "--filter=nothing like it"]).expect_code(2);
    assert_eq!(none.stderr, "error: `--filter nothing like it` fits none of 6 tests\n");
}

#[test]
fn paths_choose_workspaces_folders_and_files() {
    let folder = workspace(&[
        ("a/ordain.yaml", "name: a\n"),
        ("a/support/rules.ordain", SUPPORT),
        ("a/sales/tests.ordain", SALES),
        ("b/tests.ordain", "test \"nothing speaks\" { expect allow }\n"),
    ]);
    let tests = |args: &[&str], code| {
        let args = [&["test", "--format=json"], args].concat();
        let found = run_in(folder.path(), &args).expect_code(code).json();
        (found["summary"]["tests"].as_u64().unwrap(), found["summary"]["skipped"].as_u64().unwrap())
    };
    assert_eq!(tests(&["a"], 1), (6, 0));
    assert_eq!(tests(&["a/support"], 0), (3, 3), "the whole workspace is compiled, part of its tests run");
    assert_eq!(tests(&["a/sales/tests.ordain"], 1), (3, 3));
    assert_eq!(tests(&["a/support", "a/sales"], 1), (6, 0));
    assert_eq!(tests(&["a/support", "b"], 0), (4, 3));
    assert_eq!(tests(&["b/tests.ordain"], 0), (1, 0));
    let missing = run_in(folder.path(), &["test", "c"]).expect_code(2);
    assert!(missing.stderr.contains("`c`"), "{}", missing.stderr);
}

#[test]
fn no_tests_is_said() {
    let folder = workspace(&[("a.ordain", "rule r { type safety enforce block scope global }\n")]);
    assert_eq!(run_in(folder.path(), &["test"]).expect_code(0).stdout, "no tests found in 1 file\n");
}

#[test]
fn nothing_runs_on_sources_with_errors() {
    let broken = "rule r { type safety enforce forbid scope global }\ntest \"t\" { expect allow }\n";
    let folder = workspace(&[("p/a.ordain", broken)]);
    let run = run_in(folder.path(), &["test"]).expect_code(2);
    assert!(run.stdout.contains("ORD0215"), "{}", run.stdout);
    assert_eq!(run.stderr, "error: no test was run, since the policies have 1 error\n");
    let found = run_in(folder.path(), &["test", "--format=json"]).expect_code(2).json();
    assert_eq!(found["diagnostics"][0]["code"], "ORD0215");
    assert_eq!(found["summary"]["tests"], 0);
    let junit = run_in(folder.path(), &["test", "--format=junit"]).expect_code(2);
    assert_eq!(junit.stdout, "");
    assert!(junit.stderr.contains("ORD0215"), "{}", junit.stderr);
}

#[test]
fn a_conflict_stops_no_test() {
    let text = "limit a { type runs_daily at most 5 enforce block scope global }
limit b { type runs_daily at most 6 enforce block scope global }
test \"six are too many\" { used a = 5, b = 5 expect block by a not by b }\n";
    run_in(workspace(&[("p/a.ordain", text)]).path(), &["test"]).expect_code(0);
}

#[test]
fn the_standard_library_passes_its_own_tests() {
    let folder = root().join("stdlib-policies/tests");
    let run = run_in(&folder, &["test", "units", "together"]).expect_code(0);
    assert!(run.stdout.contains("tests.limits") && run.stdout.contains(" passed"), "{}", run.stdout);
}

#[test]
fn json_fits_the_published_schema() {
    let schema: Value =
        serde_json::from_slice(&std::fs::read(root().join("docs/test.schema.json")).unwrap()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let broken = workspace(&[("a.ordain", "rule { }\n")]);
    for (folder, code) in [(passing(), 0), (failing(), 1), (broken, 2)] {
        for args in [&["test", "--format=json"][..], &["test", "--format=json", "--coverage"]] {
            let found = run_in(folder.path(), args).expect_code(code).json();
            let wrong: Vec<String> = schema
                .iter_errors(&found)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(wrong.is_empty(), "{args:?}: {wrong:#?}");
            assert_eq!(found.get("coverage").is_some(), args.len() == 3 && code != 2);
        }
    }
    // The schema can refuse.
    let good = run_in(failing().path(), &["test", "--format=json", "--coverage"]).json();
    let spoil = |pointer: &str, value: Value| {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer} in {good:#}")) = value;
        assert!(!schema.is_valid(&bad), "{pointer}");
    };
    spoil("/tests/0/status", "passed".into());
    spoil("/tests/0/decision/outcome", "STOP".into());
    spoil("/coverage/policies/0/reached", "maybe".into());
    spoil("/coverage/summary/rules/percent", "12.345%".into());
}

#[test]
fn json_tells_the_decision_and_what_was_not_given() {
    let found = run_in(failing().path(), &["test", "--format=json"]).expect_code(1).json();
    let test = &found["tests"][0];
    assert_eq!((&test["package"], &test["name"]), (&"acme.sales".into(), &"an export is blocked".into()));
    assert_eq!((&test["file"], &test["line"]), (&"sales/tests.ordain".into(), &7.into()));
    assert_eq!(test["decision"]["outcome"], "AUDIT");
    let expectation = &test["expectations"][0];
    assert_eq!(expectation["missing"][0]["policy"], "acme.support.no-pii-export");
    assert_eq!(expectation["not_given"], serde_json::json!({ "data.class": "public" }));
    // What a test asks can be asked again.
    let request = folder_with_request(&test["request"]);
    let decision =
        run_in(request.path(), &["eval", ".", "request.json", "--format=json"]).expect_code(0).json();
    assert_eq!(decision, test["decision"]);
}

fn folder_with_request(request: &Value) -> tempfile::TempDir {
    workspace(&[
        MANIFEST,
        ("support/rules.ordain", SUPPORT),
        ("sales/tests.ordain", SALES),
        ("request.json", &request.to_string()),
    ])
}

#[test]
fn the_same_tests_give_the_same_bytes() {
    let folder = failing();
    for format in ["text", "json", "junit"] {
        let args = ["test", "--format", format];
        assert_eq!(run_in(folder.path(), &args).stdout, run_in(folder.path(), &args).stdout, "{format}");
    }
    assert!(!run_in(folder.path(), &["test"]).stdout.contains('\u{1b}'));
    assert!(run_in(folder.path(), &["test", "--color=always"]).stdout.contains("\u{1b}[31mFAILED"));
}
