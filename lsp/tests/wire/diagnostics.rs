//! What the client gets to see of its files, over the wire.

use std::path::Path;
use std::time::Duration;

use crate::client::uri;
use crate::support::{Session, pulling, pushed, quick, rule};
use ordain_lsp::Options;
use serde_json::{Value, json};

const OVERLAP: &str = "ORD0301";
const REDUNDANT: &str = "ORD0406";

/// The text that a range of the protocol covers, in UTF-16.
fn covered(text: &str, range: &Value) -> String {
    let lines: Vec<Vec<u16>> = text.split('\n').map(|line| line.encode_utf16().collect()).collect();
    let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    let (start, end) = (&range["start"], &range["end"]);
    assert_eq!(start["line"], end["line"], "one line");
    let line = &lines[number(&start["line"])];
    String::from_utf16(&line[number(&start["character"])..number(&end["character"])]).unwrap()
}

#[test]
fn a_conflict_shows_in_both_files_though_one_is_only_on_disk() {
    let (strict, mild) = (rule("stop-exports", "block"), rule("watch-exports", "audit"));
    let mut session = Session::start(quick(), pushed(), &[("b.ordain", &mild)]);
    let (a, b) = (session.write("a.ordain", &strict), session.path("b.ordain"));

    session.client.open(&a, 1, &strict);
    session.client.wait_for_codes(&a, &[OVERLAP]);
    session.client.wait_for_codes(&b, &[OVERLAP]);
    for (here, text, there, other) in [(&a, &strict, &b, &mild), (&b, &mild, &a, &strict)] {
        let [diagnostic] = session.client.diagnostics(here) else { panic!("one diagnostic") };
        assert_eq!(diagnostic["source"], "ordain");
        assert_eq!(diagnostic["severity"], 2);
        let own = covered(text, &diagnostic["range"]);
        assert!(own.starts_with("scope") || own.starts_with("enforce"), "a clause that takes part: {own}");
        let related = diagnostic["relatedInformation"].as_array().unwrap();
        let partners: Vec<_> = related.iter().filter(|r| r["location"]["uri"] == uri(there)).collect();
        assert!(!partners.is_empty(), "{related:#?}");
        for partner in partners {
            let clause = covered(other, &partner["location"]["range"]);
            assert!(clause.starts_with("scope") || clause.starts_with("enforce"), "{clause}");
            assert_ne!(partner["message"], "");
        }
    }

    // Mended in the editor, not on disk.
    session.client.replace(&a, 2, &rule("stop-exports", "audit"));
    session.client.wait_for_codes(&a, &[]);
    // Now one of the two is needless.
    session.client.wait_for_codes(&b, &[REDUNDANT]);
    // Closed without saving: the file on disk counts again.
    session.client.close(&a);
    session.client.wait_for_codes(&b, &[OVERLAP]);
    session.client.wait_for_codes(&a, &[OVERLAP]);
    session.finish();
}

#[test]
fn errors_come_at_once_and_conflicts_after_a_rest() {
    let (strict, mild) = (rule("stop-exports", "block"), rule("watch-exports", "audit"));
    let slow = Options { analysis_delay: Duration::from_millis(400), ..Options::default() };
    let mut session = Session::start(slow, pushed(), &[("b.ordain", &mild)]);
    let a = session.write("a.ordain", &strict);
    session.client.open(&a, 1, &strict);
    session.client.wait_for_codes(&a, &[OVERLAP]);

    // The finding about untouched policies stays while an error comes and goes.
    session.client.pushes.clear();
    session.client.replace(&a, 2, &format!("{strict}\nrule {{"));
    session.client.wait_for_version(&a, 2);
    let codes = session.client.codes(&a);
    assert!(codes.contains(&OVERLAP) && codes.len() > 1, "{codes:?}");
    session.client.replace(&a, 3, &format!("// moved down\n{strict}"));
    session.client.wait_for_version(&a, 3);
    assert_eq!(session.client.codes(&a), [OVERLAP], "no search was needed");
    let line = &session.client.diagnostics(&a)[0]["range"]["start"]["line"];
    assert!(line.as_u64().unwrap() > 1 + 3, "it has moved with its policy: {line}");
    session.finish();
}

#[test]
fn columns_count_in_the_unit_agreed_on() {
    let line = r#"rule x { type safety enforce block scope project acme/"é𝄞" when nowhere.declared == "a" }"#;
    let text = format!("package acme\r\n// é𝄞\r\n{line}\r\n");
    let before = &line[..line.find("nowhere").unwrap()];
    let (bytes, units) = (before.len(), before.encode_utf16().count());
    assert_ne!(bytes, units);
    let offers = [
        (json!(["utf-16", "utf-8"]), "utf-8", bytes),
        (json!(["utf-16"]), "utf-16", units),
        (json!(["utf-32"]), "utf-32", before.chars().count()),
        (Value::Null, "utf-16", units),
    ];
    for (offered, agreed, column) in offers {
        let mut session = Session::silent(quick(), &[]);
        let (root, a) = (session.root().to_owned(), session.path("a.ordain"));
        let capabilities = json!({ "general": { "positionEncodings": offered } });
        let answer = session.client.initialize(&root, capabilities);
        assert_eq!(answer["capabilities"]["positionEncoding"], agreed);
        session.client.open(&a, 1, &text);
        session.client.wait_for_codes(&a, &["ORD0201"]);
        let start = &session.client.diagnostics(&a)[0]["range"]["start"];
        assert_eq!(start, &json!({ "line": 2, "character": column }), "{agreed}");
        session.finish();
    }
}

#[test]
fn files_come_change_and_go_on_disk() {
    let (strict, mild) = (rule("stop-exports", "block"), rule("watch-exports", "audit"));
    let mut session = Session::start(quick(), pushed(), &[("a.ordain", &strict)]);
    let (a, b) = (session.path("a.ordain"), session.path("deep/b.ordain"));
    session.client.open(&a, 1, &strict);
    session.client.wait_for_version(&a, 1);
    assert_eq!(session.client.codes(&a), [""; 0]);

    session.write("deep/b.ordain", &mild);
    session.client.files_changed(&[(&b, 1)]);
    session.client.wait_for_codes(&a, &[OVERLAP]);
    session.client.wait_for_codes(&b, &[OVERLAP]);

    session.write("deep/b.ordain", &rule("watch-exports", "block"));
    session.client.files_changed(&[(&b, 2)]);
    session.client.wait_for_codes(&a, &[]);
    session.client.wait_for_codes(&b, &[REDUNDANT]);

    session.write("deep/b.ordain", &mild);
    session.client.files_changed(&[(&b, 2)]);
    session.client.wait_for_codes(&b, &[OVERLAP]);
    std::fs::remove_file(&b).unwrap();
    session.client.files_changed(&[(&b, 3)]);
    session.client.wait_for_codes(&a, &[]);
    session.client.wait_for_codes(&b, &[]);
    session.finish();
}

#[test]
fn a_wrong_workspace_file_is_reported_there_and_the_rest_goes_on() {
    let mut session = Session::start(quick(), pushed(), &[("a.ordain", "rule {")]);
    let (a, manifest) = (session.path("a.ordain"), session.path("ordain.yaml"));
    session.client.wait("errors", |client| !client.codes(&a).is_empty());
    session.write("ordain.yaml", "name: [\n");
    session.client.files_changed(&[(&manifest, 2)]);
    session.client.wait("errors", |client| !client.codes(&manifest).is_empty());
    assert!(!session.client.codes(&a).is_empty());
    session.write("ordain.yaml", "name: test\n");
    session.client.files_changed(&[(&manifest, 2)]);
    session.client.wait_for_codes(&manifest, &[]);
    session.finish();
}

#[test]
fn each_document_belongs_to_the_nearest_workspace() {
    let (strict, mild) = (rule("stop-exports", "block"), rule("watch-exports", "audit"));
    let mut session = Session::start(
        quick(),
        pushed(),
        &[("one/ordain.yaml", "name: one\n"), ("one/a.ordain", &strict), ("two/ordain.yaml", "name: two\n")],
    );
    std::fs::remove_file(session.path("ordain.yaml")).unwrap();
    let (a, b, c) =
        (session.path("one/a.ordain"), session.path("two/b.ordain"), session.path("two/c.ordain"));
    session.client.open(&a, 1, &strict);
    session.client.open(&b, 1, &mild);
    session.client.wait_for_version(&a, 1);
    session.client.wait_for_version(&b, 1);
    session.client.listen(Duration::from_millis(200));
    assert!(session.client.codes(&a).is_empty() && session.client.codes(&b).is_empty());
    session.client.open(&c, 1, &rule("stop-imports", "block"));
    session.client.wait_for_codes(&b, &[OVERLAP]);
    session.client.wait_for_codes(&c, &[OVERLAP]);
    assert!(session.client.codes(&a).is_empty());
    session.finish();
}

#[test]
fn workspaces_come_and_go() {
    let (strict, mild) = (rule("stop-exports", "block"), rule("watch-exports", "audit"));
    let mut session = Session::start(quick(), pushed(), &[("a.ordain", &strict), ("deep/b.ordain", &mild)]);
    let manifest = session.path("ordain.yaml");
    let (a, b) = (session.path("a.ordain"), session.path("deep/b.ordain"));
    session.client.open(&a, 1, &strict);
    session.client.open(&b, 1, &mild);
    for _ in 0..2 {
        session.client.wait_for_codes(&a, &[OVERLAP]);
        session.client.wait_for_codes(&b, &[OVERLAP]);
        std::fs::remove_file(&manifest).unwrap();
        session.client.files_changed(&[(&manifest, 3)]);
        session.client.wait_for_codes(&a, &[]);
        session.client.wait_for_codes(&b, &[]);
        session.write("ordain.yaml", "name: test\n");
        session.client.files_changed(&[(&manifest, 1)]);
    }
    session.client.wait_for_codes(&a, &[OVERLAP]);
    session.client.wait_for_codes(&b, &[OVERLAP]);
    session.finish();
}

#[test]
fn a_file_outside_of_any_workspace_is_checked_alone() {
    let mut session = Session::start(quick(), pushed(), &[]);
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::write(elsewhere.path().join("never-read.ordain"), "rule {").unwrap();
    let a = elsewhere.path().join("a.ordain");
    session.client.open(&a, 1, "rule {");
    session.client.wait("errors", |client| !client.codes(&a).is_empty());
    assert!(session.client.codes(&elsewhere.path().join("never-read.ordain")).is_empty());
    session.finish();
}

/// The items of a full report and its name.
fn full(report: &Value) -> (Vec<String>, String) {
    assert_eq!(report["kind"], "full", "{report:#}");
    let codes =
        report["items"].as_array().unwrap().iter().map(|item| item["code"].as_str().unwrap().to_owned());
    (codes.collect(), report["resultId"].as_str().unwrap().to_owned())
}

#[test]
fn open_files_are_pulled_and_the_others_pushed() {
    let (strict, mild) = (rule("stop-exports", "block"), rule("watch-exports", "audit"));
    let mut session = Session::start(quick(), pulling(), &[("a.ordain", &strict), ("b.ordain", &mild)]);
    let (a, b) = (session.path("a.ordain"), session.path("b.ordain"));
    session.client.wait_for_codes(&a, &[OVERLAP]);
    session.client.wait_for_codes(&b, &[OVERLAP]);

    session.client.open(&a, 1, &strict);
    let (codes, id) = full(&session.client.pull(&a, None).unwrap());
    assert_eq!(codes, [OVERLAP]);
    session.client.wait_for_codes(&a, &[]);
    let unchanged = session.client.pull(&a, Some(&id)).unwrap();
    assert_eq!(unchanged, json!({ "kind": "unchanged", "resultId": id }));

    // An edit here clears the other file of the conflict, which isn't open, by push; now it is needless.
    session.client.replace(&a, 2, &rule("stop-exports", "audit"));
    let (codes, id) = full(&session.client.pull(&a, Some(&id)).unwrap());
    assert_eq!(codes, [""; 0]);
    session.client.wait_for_codes(&b, &[REDUNDANT]);

    // A change elsewhere makes the server ask for another pull.
    let refreshes = session.client.requested("workspace/diagnostic/refresh");
    session.write("b.ordain", &rule("watch-exports", "block"));
    session.client.files_changed(&[(&b, 2)]);
    session
        .client
        .wait("a request to pull", |client| client.requested("workspace/diagnostic/refresh") > refreshes);
    let (codes, _) = full(&session.client.pull(&a, Some(&id)).unwrap());
    assert_eq!(codes, [OVERLAP]);

    session.client.wait_for_codes(&b, &[OVERLAP]);
    // Closed, the file on disk counts again.
    session.client.close(&a);
    session.client.wait_for_codes(&b, &[REDUNDANT]);
    session.finish();
}

#[test]
fn a_client_that_pulls_but_cannot_be_told_to_pull_again_is_pushed() {
    let mut session = Session::silent(quick(), &[]);
    let (root, a) = (session.root().to_owned(), session.path("a.ordain"));
    let answer = session.client.initialize(&root, json!({ "textDocument": { "diagnostic": {} } }));
    assert_eq!(answer["capabilities"].get("diagnosticProvider"), None);
    session.client.open(&a, 1, "rule {");
    session.client.wait("errors", |client| !client.codes(&a).is_empty());
    session.finish();
}

#[test]
fn our_files_are_watched_where_the_client_can() {
    let watches = json!({ "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } } });
    let mut session = Session::start(quick(), watches, &[]);
    session.client.wait("a registration", |client| client.requested("client/registerCapability") == 1);
    let registration = &session.client.requested[0]["params"]["registrations"][0];
    assert_eq!(registration["method"], "workspace/didChangeWatchedFiles");
    let globs: Vec<_> = registration["registerOptions"]["watchers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|watcher| watcher["globPattern"].as_str().unwrap())
        .collect();
    assert_eq!(globs, ["**/*.ordain", "**/ordain.yaml"]);
    session.finish();
}

#[test]
fn names_can_be_read_about_and_followed() {
    let strict = rule("stop-exports", "block");
    let dependent = "package acme\n\nrule late {\n  type ethical\n  enforce warn\n  scope global\n  depends on stop-exports\n}\n";
    let mut session = Session::start(quick(), pushed(), &[("a.ordain", &strict), ("b.ordain", dependent)]);
    let (a, b) = (session.path("a.ordain"), session.path("b.ordain"));
    session.client.open(&b, 1, dependent);
    let hover = session.client.at("textDocument/hover", &b, 6, 15);
    let hover = session.client.answer(hover).unwrap();
    let text = hover["contents"]["value"].as_str().unwrap();
    assert!(text.contains("acme.stop-exports") && text.contains("BLOCK"), "{text}");
    assert_eq!(covered(dependent, &hover["range"]), "stop-exports");
    let definition = session.client.at("textDocument/definition", &b, 6, 15);
    let definition = session.client.answer(definition).unwrap();
    assert_eq!(definition["uri"], uri(&a));
    assert_eq!(covered(&strict, &definition["range"]), "stop-exports");
    let nothing = session.client.at("textDocument/hover", &b, 1, 0);
    assert_eq!(session.client.answer(nothing), Ok(Value::Null));
    let closed = session.client.at("textDocument/hover", Path::new("/nowhere/x.ordain"), 0, 0);
    assert_eq!(session.client.answer(closed), Ok(Value::Null));
    session.finish();
}
