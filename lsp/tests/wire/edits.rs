//! What a person asks the server to do to a text: to format it, and to mend it.

use serde_json::{Value, json};

use crate::client::uri;
use crate::support::{Session, pushed, quick};

/// The text after edits, none of which touches another; columns count bytes, so texts here are ASCII.
fn edited(text: &str, edits: &Value) -> String {
    let offset = |at: &Value| {
        let line = usize::try_from(at["line"].as_u64().unwrap()).unwrap();
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        start + usize::try_from(at["character"].as_u64().unwrap()).unwrap()
    };
    let mut edits: Vec<_> = edits
        .as_array()
        .unwrap()
        .iter()
        .map(|edit| {
            let range = &edit["range"];
            (offset(&range["start"]), offset(&range["end"]), edit["newText"].as_str().unwrap())
        })
        .collect();
    edits.sort_unstable();
    let mut out = text.to_owned();
    for (start, end, new) in edits.into_iter().rev() {
        out.replace_range(start..end, new);
    }
    out
}

#[test]
fn a_document_is_formatted() {
    let mut session = Session::start(quick(), pushed(), &[]);
    let a = session.path("a.ordain");
    let text = "package acme\n\nrule a {\n  enforce block\n  type safety\n  scope global\n}\n";
    let format = |session: &mut Session| {
        let options = json!({ "tabSize": 8, "insertSpaces": false });
        let params = json!({ "textDocument": { "uri": uri(&a) }, "options": options });
        session.client.call("textDocument/formatting", params).unwrap()
    };
    session.client.open(&a, 1, text);
    let edits = format(&mut session);
    let formatted = "package acme\n\nrule a {\n  type     safety\n  enforce  block\n  scope    global\n}\n";
    assert_eq!(edited(text, &edits), formatted);
    assert!(edits[0]["range"]["start"]["line"].as_u64().unwrap() >= 3, "only what changes: {edits}");
    session.client.replace(&a, 2, formatted);
    assert_eq!(format(&mut session), json!([]));
    // What has mistakes is left alone.
    session.client.replace(&a, 3, "rule {");
    assert_eq!(format(&mut session), Value::Null);
    session.finish();
}

fn actions(session: &mut Session, file: &str, lines: [u32; 2], only: Option<&str>) -> Vec<Value> {
    let at = |line| json!({ "line": line, "character": 0 });
    let mut context = json!({ "diagnostics": [] });
    if let Some(only) = only {
        context["only"] = json!([only]);
    }
    let params = json!({
        "textDocument": { "uri": uri(&session.path(file)) },
        "range": { "start": at(lines[0]), "end": at(lines[1]) },
        "context": context,
    });
    let answer = session.client.call("textDocument/codeAction", params).unwrap();
    answer.as_array().unwrap().clone()
}

const MISTAKEN: &str = "package acme\nuse std.facts.*\nrule a {\n  type safty\n  enforce block;\n  scope global\n  \
                        when run.risk > 0.5 && not tool.name = \"x\"\n}\n";

#[test]
fn what_is_mended_is_offered_where_it_stands() {
    let mut session = Session::start(quick(), pushed(), &[]);
    let a = session.path("a.ordain");
    session.client.open(&a, 1, MISTAKEN);
    let whole = actions(&mut session, "a.ordain", [0, 8], None);
    let titles: Vec<_> = whole.iter().map(|action| action["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["write `safety`", "remove it", "write `and`", "write `==`"]);
    let preferred: Vec<_> = whole.iter().map(|action| action["isPreferred"] == true).collect();
    assert_eq!(preferred, [false, true, true, true], "a guess is not preferred");
    assert!(whole.iter().all(|action| action["kind"] == "quickfix"));
    // The diagnostic is the one that is published.
    session.client.wait_for_version(&a, 1);
    let published = session.client.diagnostics(&a);
    assert!(whole.iter().all(|action| published.contains(&action["diagnostics"][0])), "{published:#?}");

    let one = actions(&mut session, "a.ordain", [3, 4], None);
    assert_eq!(one.len(), 1, "only where the cursor is: {one:#?}");
    let text = edited(MISTAKEN, &one[0]["edit"]["changes"][uri(&a)]);
    assert!(text.contains("  type safety\n"), "{text}");
    assert_eq!(actions(&mut session, "a.ordain", [0, 1], None), <[Value; 0]>::default());
    session.finish();
}

#[test]
fn everything_certain_is_mended_at_once() {
    let mut session = Session::start(quick(), pushed(), &[]);
    let a = session.path("a.ordain");
    session.client.open(&a, 1, MISTAKEN);
    assert!(actions(&mut session, "a.ordain", [0, 8], Some("refactor")).is_empty());
    for only in ["source", "source.fixAll"] {
        let all = actions(&mut session, "a.ordain", [0, 0], Some(only));
        assert_eq!((all.len(), &all[0]["kind"]), (1, &"source.fixAll".into()));
        let text = edited(MISTAKEN, &all[0]["edit"]["changes"][uri(&a)]);
        let mended = MISTAKEN.replace(';', "").replace("&&", "and").replace(" = ", " == ");
        assert_eq!(text, mended, "the guess is left alone");
    }
    session.client.replace(&a, 2, "package acme\n");
    assert!(actions(&mut session, "a.ordain", [0, 0], Some("source.fixAll")).is_empty());
    session.finish();
}

#[test]
fn what_only_the_analysis_knows_is_offered_too() {
    let text = "package acme\nrule a { type safety  enforce block  scope tenant a }\n\
                rule b { type safety  enforce warn  scope tenant b }\n\
                allow scope-overlap between a and b because \"they meet\"\n";
    let mut session = Session::start(quick(), pushed(), &[]);
    let a = session.path("a.ordain");
    session.client.open(&a, 1, text);
    session.client.wait_for_codes(&a, &["ORD0902"]);
    let offered = actions(&mut session, "a.ordain", [3, 3], None);
    assert_eq!(offered.len(), 1, "{offered:#?}");
    let mended = edited(text, &offered[0]["edit"]["changes"][uri(&a)]);
    assert!(!mended.contains("allow") && mended.ends_with("tenant b }\n"), "{mended}");
    session.finish();
}
