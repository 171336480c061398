//! The audit's own example (its section 14.7), through the command line and through the API.

mod support;

use serde_json::{Value, json};
use support::{Server, example, run, workspace};

const EXPLANATION: &str =
    "Policy 'safety-baseline' blocks while 'rate-limit-warning' is disabled on same scope";

fn local_name(policy: &Value) -> &str {
    policy["name"].as_str().and_then(|name| name.rsplit('.').next()).expect("a name")
}

#[test]
fn the_command_line_finds_its_one_conflict_and_two_edges() {
    let found = run([&"check".into(), &example("audit-14-7"), &"--format=json".into()]).expect_code(0).json();
    assert_eq!(found["summary"]["conflicts"]["total"], 1);
    let conflict = &found["conflicts"][0];
    assert_eq!(conflict["conflict_type"], "SCOPE_OVERLAP");
    assert_eq!(conflict["severity"], "WARNING");
    assert_eq!(conflict["certainty"], "proved");
    assert_eq!(conflict["explanation"], EXPLANATION);
    assert_eq!(conflict["recommended_action"], "Align enforcement modes or narrow scopes");
    let names: Vec<_> = conflict["policies"].as_array().unwrap().iter().map(local_name).collect();
    assert_eq!(names, ["safety-baseline", "rate-limit-warning"]);
    let edges: Vec<_> = found["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| {
            (local_name(&edge["from"]), local_name(&edge["to"]), edge["dependency_type"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        edges,
        [
            ("ethical-ai", "safety-baseline", "IMPLICIT_SCOPE"),
            ("safety-baseline", "rate-limit-warning", "IMPLICIT_SCOPE")
        ]
    );
    assert_eq!(found["dependencies"][0]["explanation"], "Both policies share scope 'GLOBAL'");
}

#[test]
fn the_api_serves_the_same() {
    let data = tempfile::tempdir().unwrap();
    let server =
        Server::start(&example("audit-14-7"), &format!("sqlite://{}", data.path().join("a.db").display()));
    let (status, conflicts) = server.get("/api/v1/policies/conflicts");
    assert_eq!(status, 200);
    assert_eq!((&conflicts["total"], &conflicts["unresolved_count"]), (&json!(1), &json!(0)));
    let conflict = &conflicts["items"][0];
    assert_eq!(conflict["policy_a_name"], "safety-baseline");
    assert_eq!(conflict["policy_b_name"], "rate-limit-warning");
    assert_eq!(conflict["conflict_type"], "SCOPE_OVERLAP");
    assert_eq!(conflict["severity"], "WARNING");
    assert_eq!(conflict["explanation"], EXPLANATION);

    let (_, graph) = server.get("/api/v1/policies/dependencies");
    assert_eq!((graph["nodes"].as_array().unwrap().len(), graph["edges"].as_array().unwrap().len()), (3, 2));
    let (_, blocking) = server.get("/api/v1/policies/conflicts?severity=BLOCKING");
    assert_eq!(blocking["total"], 0);
    let (_, state) = server.get("/api/v1/policies/state");
    assert_eq!((&state["total_policies"], &state["conflicts_detected"]), (&json!(3), &json!(1)));
}

#[test]
fn an_empty_workspace_gives_zeros_everywhere() {
    let folder = workspace(&[("ordain.yaml", "name: empty\nlanguage: \"1\"\n")]);
    let found =
        run([&"check".into(), &folder.path().to_owned(), &"--format=json".into()]).expect_code(0).json();
    assert_eq!(found["summary"]["policies"], 0);
    assert_eq!(found["summary"]["conflicts"]["total"], 0);
    assert_eq!((&found["conflicts"], &found["dependencies"]), (&json!([]), &json!([])));

    let data = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &format!("sqlite://{}", data.path().join("a.db").display()));
    for (path, list) in
        [("rules", "items"), ("limits", "items"), ("conflicts", "items"), ("dependencies", "nodes")]
    {
        let (status, body) = server.get(&format!("/api/v1/policies/{path}"));
        assert_eq!((status, &body[list]), (200, &json!([])), "{path}");
    }
    let (_, state) = server.get("/api/v1/policies/state");
    for field in
        ["total_policies", "active_policies", "drafts_pending_review", "conflicts_detected", "violations_24h"]
    {
        assert_eq!(state[field], 0, "{field}");
    }
}
