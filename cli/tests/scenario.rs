//! Scenarios against the running program.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Run, Server, example, ordain, run, workspace};

/// The scenarios that come with the program.
fn examples() -> Vec<PathBuf> {
    let files =
        fs::read_dir(example("scenarios")).expect("is there").map(|entry| entry.expect("reads").path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    files
}

fn scenario(server: &str, files: &[PathBuf], more: &[&str]) -> Run {
    Run::of(
        ordain()
            .args(["scenario", "run", "--server", server])
            .args(more)
            .args(files)
            .output()
            .expect("it starts"),
    )
}

fn address(server: &Server) -> String {
    format!("http://{}", server.address())
}

fn acme(folder: &tempfile::TempDir) -> (Server, String) {
    let database = format!("sqlite://{}", folder.path().join("a.db").display());
    (Server::start(&example("acme"), &database), database)
}

fn declared(capabilities: &Value) -> Vec<&str> {
    let items = capabilities["items"].as_array().expect("a list").iter();
    items
        .filter(|item| item["status"] == "DECLARED")
        .filter_map(|item| item["capability_id"].as_str())
        .collect()
}

/// The scenario in the book.
#[test]
fn the_books_scenario_passes() {
    let page = fs::read_to_string(support::root().join("docs/src/scenarios.md")).expect("is there");
    let (_, behind) = page.split_once("```yaml\n").expect("has a scenario");
    let (scenario_of_it, behind) = behind.split_once("```\n").expect("it ends");
    let (_, told) =
        behind.split_once("```text\n$ ordain scenario run cost-incidents.yaml\n").expect("has what it says");
    let (told, _) = told.split_once("```").expect("it ends");
    let (folder, files) =
        (tempfile::tempdir().unwrap(), workspace(&[("cost-incidents.yaml", scenario_of_it)]));
    let (server, _) = acme(&folder);
    let said = scenario(&address(&server), &[files.path().join("cost-incidents.yaml")], &[]).expect_code(0);
    assert_eq!(said.stdout, told);
}

/// The panels' whole way, again and again: a scenario finds its own traces among those of others.
#[test]
fn every_capability_is_seen_at_work() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = acme(&folder);
    let files = examples();
    for promote in [&[][..], &["--promote"], &[]] {
        let said = scenario(&address(&server), &files, promote).expect_code(0).stdout;
        assert!(said.ends_with(&format!("{0} scenarios: {0} passed\n", files.len())), "{said}");
        let (_, capabilities) = server.get("/api/v1/capabilities");
        if said.contains("  observed  ") {
            assert_eq!(declared(&capabilities), Vec::<&str>::new());
            let cost = &capabilities["items"][21];
            assert_eq!(
                (&cost["capability_id"], &cost["observation"]["scenario"]),
                (&"policies.cost_violations".into(), &"violations".into())
            );
            assert_eq!(cost["observation"]["observed_by"]["name"], "operator");
        }
    }
}

#[test]
fn a_scenario_that_fails_says_where_and_promotes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = acme(&folder);
    let files = workspace(&[
        (
            "a.yaml",
            "scenario: a\ncapabilities: [policies.state]\nsteps:\n  - request: GET /api/v1/policies/state\n    expect: { body: { \
             total_policies: 45 } }\n  - name: too much\n    request: GET /api/v1/policies/state\n    expect: { body: { \
             drafts_pending_review: { $at_least: 7 } } }\n  - request: GET /api/v1/panels\n",
        ),
        ("b.yaml", "scenario: b\nsteps:\n  - request: GET /api/v1/nothing\n"),
        ("c.yaml", "scenario: c\nsteps:\n  - request: GET /api/v1/policies/rules/${rule}\n"),
        ("d.yaml", "scenario: d\nsteps:\n  - { request: GET /healthz, save: { x: /nothing } }\n"),
    ]);
    let paths: Vec<_> = ["a", "b", "c", "d"].map(|name| files.path().join(format!("{name}.yaml"))).into();
    let said = scenario(&address(&server), &paths, &["--promote"]).expect_code(1).stdout;
    let wanted = "\
a
  ok    GET /api/v1/policies/state
  FAIL  too much
        GET /api/v1/policies/state
        /drafts_pending_review: expected at least 7, found 0
  1 more step not asked
b
  FAIL  GET /api/v1/nothing
        GET /api/v1/nothing
        expected a success, found the status 404: no route has this path; see /openapi.json
c
  FAIL  GET /api/v1/policies/rules/${rule}
        GET /api/v1/policies/rules/${rule}
        nothing was saved as `rule`; there is `run`, `scenario`
d
  FAIL  GET /healthz
        GET /healthz
        /nothing: expected something to save as `x`, and there is nothing
4 scenarios: 0 passed, 4 failed
";
    assert_eq!(said, wanted);
    assert_eq!(declared(&server.get("/api/v1/capabilities").1).len(), 27);
    let listed = scenario(&address(&server), &paths[..1], &["--format", "json"]).expect_code(1).json();
    assert_eq!(
        (&listed["failed"], &listed["scenarios"][0]["steps"][1]["wrong"][0]["place"]),
        (&1.into(), &"/drafts_pending_review".into())
    );
}

/// A person's or a program's key, in a file.
fn key(folder: &Path, database: &str, kind: &str, name: &str, roles: &str) -> String {
    let made = run([
        "apikey",
        "create",
        "--database",
        database,
        "--tenant",
        "acme",
        kind,
        name,
        "--role",
        roles,
        "--format",
        "json",
    ]);
    let made = made.expect_code(0).json();
    let file = folder.join(format!("{name}.key"));
    fs::write(&file, format!("{}\n", made["key"].as_str().expect("is shown once"))).expect("may be written");
    format!("{name}={}", file.display())
}

#[test]
fn steps_ask_with_the_keys_of_those_whom_they_name() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("a.db").display());
    let server = Server::start_plainly(&example("acme"), &["--database", &database, "--tenant", "acme"]);
    let of = |kind, name, roles| key(folder.path(), &database, kind, name, roles);
    let keys = [
        of("--human", "ada", "author,approver"),
        of("--human", "bob", "approver"),
        of("--service", "till", "decide"),
        of("--service", "operator", "operator"),
        of("--human", "eve", "viewer").replacen("eve=", "", 1),
    ];
    let flags: Vec<&str> = keys.iter().flat_map(|key| ["--key", key]).collect();
    let governance = [example("scenarios").join("governance.yaml")];
    let said = scenario(&address(&server), &governance, &[&flags[..], &["--promote"]].concat());
    assert!(said.expect_code(0).stdout.contains("  observed  policies.proposals_list"));
    // Whoever has no key asks with that of all others, who may not.
    let said = scenario(&address(&server), &governance, &flags[8..]).expect_code(1).stdout;
    assert!(said.contains("this takes the role `author`; the credential has `viewer`"), "{said}");
    let said = scenario(&address(&server), &governance, &flags[..2]).expect_code(2).stderr;
    assert!(said.contains("there is no key for a step that names nobody; give --key FILE"), "{said}");
}

#[test]
fn what_cannot_be_run_is_refused_before_anything_is_asked() {
    let cases = [
        ("scenario: a\nsteps: []\n", "a scenario has a name and at least one step"),
        (
            "scenario: a\nsteps:\n  - request: FETCH /x\n",
            "steps[0]: `FETCH /x`: a request is GET, POST, PUT or DELETE",
        ),
        ("scenario: a\nsteps:\n  - { request: POST /x, within: 5s }\n", "steps[0]: `within` is for GET"),
        ("scenario: a\nsteps:\n  - { request: GET /x, within: soon }\n", "`soon` is no time such as `5s`"),
        (
            "scenario: a\nsteps:\n  - { request: GET /x, expect: { body: { $least: 1 } } }\n",
            "`$least` is no test",
        ),
        ("scenario: a\nsteps:\n  - { request: GET /x, expects: {} }\n", "unknown field `expects`"),
        ("scenario: a\nsteps:\n  - { request: GET /x, save: { id: id } }\n", "`save.id` is `\"id\"`"),
    ];
    let good = "scenario: good\nsteps:\n  - request: GET /healthz\n";
    for (text, wanted) in cases {
        let files = workspace(&[("good.yaml", good), ("bad.yaml", text)]);
        let paths = ["good.yaml", "bad.yaml"].map(|name| files.path().join(name));
        let said = scenario("http://127.0.0.1:1", &paths, &[]).expect_code(2);
        assert!(said.stderr.contains(wanted) && said.stderr.contains("bad.yaml"), "{wanted}: {said:?}");
        assert_eq!(said.stdout, "");
    }
    let files = workspace(&[("good.yaml", good)]);
    let said = scenario("http://127.0.0.1:1", &[files.path().join("good.yaml")], &[]).expect_code(2).stderr;
    assert!(said.contains("http://127.0.0.1:1/healthz does not answer"), "{said}");
    let said = scenario("127.0.0.1", &[files.path().join("good.yaml")], &[]).expect_code(2).stderr;
    assert!(said.contains("`127.0.0.1` is no address"), "{said}");
}
