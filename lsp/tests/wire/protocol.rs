//! What the server withstands: order, haste, cancellation, bugs of ours, bad messages, bad manners.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::client::{PATIENCE, uri};
use crate::support::{Session, pulling, pushed, quick, rule};
use ordain_lsp::{Ending, Options, Probe};
use serde_json::{Value, json};

#[test]
fn two_thousand_edits_are_applied_in_order() {
    let mut session = Session::start(quick(), pushed(), &[]);
    let a = session.path("a.ordain");
    session.client.open(&a, 0, "// \n");
    let mut expected = String::new();
    let mut hovers = vec![];
    for version in 1..=2000 {
        let digit = char::from(b'0' + u8::try_from(version % 10).unwrap());
        // At the end of the comment that grows: any other order gives another text.
        let at = json!({ "line": 0, "character": 3 + expected.len() });
        expected.push(digit);
        session.client.change(
            &a,
            version,
            json!([{ "range": { "start": at, "end": at }, "text": digit.to_string() }]),
        );
        if version % 50 == 0 {
            hovers.push(session.client.at("textDocument/hover", &a, 0, 0));
        }
    }
    // The last edit turns the comment into errors, one of which quotes what it finds.
    let start = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 3 } });
    session.client.change(&a, 2001, json!([{ "range": start, "text": "package acme fact f" }]));
    for hover in hovers {
        match session.client.answer(hover) {
            Ok(answer) => assert_eq!(answer, Value::Null),
            Err(error) => assert_eq!(error["code"], -32801, "{error}"),
        }
    }
    session.client.wait_for_version(&a, 2001);
    // The text ends where it should: an edit right behind its end mends it.
    let end = json!({ "line": 0, "character": "package acme fact f".len() + expected.len() });
    session.client.change(&a, 2002, json!([{ "range": { "start": end, "end": end }, "text": " : bool" }]));
    session.client.wait_for_version(&a, 2002);
    assert_eq!(session.client.codes(&a), [""; 0], "{:#?}", session.client.diagnostics(&a));
    let hover = session.client.at("textDocument/hover", &a, 0, 19);
    let hover = session.client.answer(hover).unwrap();
    let text = hover["contents"]["value"].as_str().unwrap();
    assert!(text.contains(&format!("fact f{expected} : bool")), "{text}");
    let versions: Vec<_> = session.client.pushes.iter().filter_map(|(_, push)| push.version).collect();
    assert!(versions.is_sorted(), "never an older state after a newer one: {versions:?}");
    assert!(versions.len() < 1000, "a burst is checked once in a while: {}", versions.len());
    session.finish();
}

/// Makes jobs of one name wait until they are let go or no longer wanted; counts those that were stopped.
fn brake(name: &'static str) -> (Probe, Arc<AtomicBool>, Arc<AtomicUsize>) {
    struct Count(Arc<AtomicUsize>, bool);
    impl Drop for Count {
        fn drop(&mut self) {
            if self.1 {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
    let (released, stopped) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (gate, count) = (released.clone(), stopped.clone());
    let probe = Probe::new(move |job| {
        if job.name == name {
            let mut counting = Count(count.clone(), true);
            while !gate.load(Ordering::SeqCst) {
                job.checkpoint();
                std::thread::sleep(Duration::from_millis(1));
            }
            counting.1 = false;
        }
    });
    (probe, released, stopped)
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_withdrawn_question_is_answered_and_its_computation_stopped() {
    let (probe, _, stopped) = brake("hover");
    let mut session = Session::start(Options { probe, ..quick() }, pushed(), &[]);
    let a = session.path("a.ordain");
    session.client.open(&a, 1, &rule("a", "block"));
    session.client.wait_for_version(&a, 1);
    let hover = session.client.at("textDocument/hover", &a, 2, 6);
    session.client.listen(Duration::from_millis(50));
    let start = Instant::now();
    session.client.notify("$/cancelRequest", json!({ "id": hover }));
    let error = session.client.answer(hover).unwrap_err();
    assert_eq!(error["code"], -32800);
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    eventually("the computation stops", || stopped.load(Ordering::SeqCst) == 1);
    session.finish();
}

#[test]
fn an_edit_overtakes_a_question() {
    let (probe, released, stopped) = brake("hover");
    let mut session = Session::start(Options { probe, ..quick() }, pushed(), &[]);
    let a = session.path("a.ordain");
    session.client.open(&a, 1, &rule("a", "block"));
    session.client.wait_for_version(&a, 1);
    let old = session.client.at("textDocument/hover", &a, 2, 6);
    session.client.listen(Duration::from_millis(50));
    session.client.replace(&a, 2, &rule("b", "block"));
    assert_eq!(session.client.answer(old).unwrap_err()["code"], -32801);
    assert_eq!(stopped.load(Ordering::SeqCst), 1);
    released.store(true, Ordering::SeqCst);
    let new = session.client.at("textDocument/hover", &a, 2, 6);
    let answer = session.client.answer(new).unwrap();
    assert!(answer["contents"]["value"].as_str().unwrap().contains("acme.b"), "{answer}");
    session.finish();
}

#[test]
fn a_pull_can_be_withdrawn_while_a_check_runs() {
    let (probe, released, _) = brake("check");
    let mut session = Session::start(Options { probe, ..quick() }, pulling(), &[]);
    let a = session.path("a.ordain");
    session.client.open(&a, 1, "rule {");
    let document = json!({ "textDocument": { "uri": uri(&a) } });
    let first = session.client.request("textDocument/diagnostic", document.clone());
    let second = session.client.request("textDocument/diagnostic", document);
    session.client.notify("$/cancelRequest", json!({ "id": first }));
    assert_eq!(session.client.answer(first).unwrap_err()["code"], -32800);
    released.store(true, Ordering::SeqCst);
    let report = session.client.answer(second).unwrap();
    assert_ne!(report["items"], json!([]));
    session.finish();
}

#[test]
fn edits_do_not_wait_for_a_search_and_stop_it() {
    let (probe, released, stopped) = brake("analyse");
    let mut session =
        Session::start(Options { probe, ..quick() }, pushed(), &[("b.ordain", &rule("b", "audit"))]);
    let a = session.path("a.ordain");
    session.client.open(&a, 1, &rule("a", "block"));
    session.client.wait_for_version(&a, 1);
    // Let the search begin.
    session.client.listen(Duration::from_millis(100));
    let start = Instant::now();
    // White space doesn't disturb it, a change of meaning does.
    session.client.replace(&a, 2, &format!("\n{}", rule("a", "block")));
    session.client.wait_for_version(&a, 2);
    session.client.listen(Duration::from_millis(50));
    assert_eq!(stopped.load(Ordering::SeqCst), 0);
    session.client.replace(&a, 3, &rule("a", "warn"));
    session.client.wait_for_version(&a, 3);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    eventually("the search stops", || stopped.load(Ordering::SeqCst) == 1);
    released.store(true, Ordering::SeqCst);
    session.client.wait_for_codes(&a, &["ORD0301"]);
    session.finish();
}

#[test]
fn a_panic_in_a_question_is_an_error_answer() {
    let armed = Arc::new(AtomicBool::new(true));
    let trigger = armed.clone();
    let probe = Probe::new(move |job| {
        assert!(job.name != "hover" || !trigger.load(Ordering::SeqCst), "injected");
    });
    let mut session = Session::start(Options { probe, ..quick() }, pushed(), &[]);
    let a = session.path("a.ordain");
    session.client.open(&a, 1, &rule("a", "block"));
    let hover = session.client.at("textDocument/hover", &a, 2, 6);
    let error = session.client.answer(hover).unwrap_err();
    assert_eq!(error["code"], -32603);
    assert!(error["message"].as_str().unwrap().contains("injected"), "{error}");
    armed.store(false, Ordering::SeqCst);
    let hover = session.client.at("textDocument/hover", &a, 2, 6);
    assert!(session.client.answer(hover).unwrap().is_object());
    session.finish();
}

#[test]
fn a_panic_in_a_check_or_a_search_is_reported_and_survived() {
    for broken in ["check", "analyse"] {
        let armed = Arc::new(AtomicBool::new(true));
        let trigger = armed.clone();
        let probe = Probe::new(move |job| {
            assert!(job.name != broken || !trigger.load(Ordering::SeqCst), "injected");
        });
        let files = [("b.ordain", &*rule("b", "audit"))];
        let mut session = Session::start(Options { probe, ..quick() }, pulling(), &files);
        let a = session.path("a.ordain");
        session.client.open(&a, 1, &rule("a", "block"));
        session.client.wait("the report of the bug", |client| {
            client.notified.iter().any(|message| {
                message["method"] == "window/logMessage"
                    && message["params"]["message"].to_string().contains("injected")
            })
        });
        if broken == "check" {
            assert_eq!(session.client.pull(&a, None).unwrap_err()["code"], -32603);
        }
        armed.store(false, Ordering::SeqCst);
        session.client.replace(&a, 2, &rule("a", "warn"));
        session.client.wait_for_codes(&session.path("b.ordain"), &["ORD0301"]);
        session.finish();
    }
}

#[test]
fn bad_messages_are_survived() {
    let mut session = Session::start(quick(), pushed(), &[]);
    let a = session.path("a.ordain");
    session.client.open(&a, 1, "rule {");
    session.client.wait_for_version(&a, 1);
    let range = |from: (u64, u64), to: (u64, u64)| {
        json!({
            "start": { "line": from.0, "character": from.1 }, "end": { "line": to.0, "character": to.1 },
        })
    };
    let far = u64::from(u32::MAX);
    session.client.change(&a, 2, json!([{ "range": range((7, 7), (far, far)), "text": "\n" }]));
    session.client.change(&a, 3, json!([{ "range": range((0, 5), (0, 1)), "text": "backwards" }]));
    session.client.change(&a, 4, json!([{ "range": { "start": -1 }, "text": 5 }]));
    session.client.change(&session.path("never-opened.ordain"), 5, json!([{ "text": "" }]));
    session.client.close(&session.path("never-opened.ordain"));
    session.client.notify("textDocument/didChange", Value::Null);
    session.client.notify("textDocument/unheardOf", json!({}));
    session.client.notify("$/unheardOf", json!({}));
    session.client.send_bytes(b"Content-Length: 9\r\n\r\n{\"never\":");
    let unknown = session.client.call("textDocument/unheardOf", json!({}));
    assert_eq!(unknown.unwrap_err()["code"], -32601);
    let malformed = session.client.call("textDocument/hover", json!({ "position": [] }));
    assert_eq!(malformed.unwrap_err()["code"], -32602);
    let elsewhere =
        json!({ "uri": "untitled:Untitled-1", "languageId": "ordain", "version": 1, "text": "rule {" });
    session.client.notify("textDocument/didOpen", json!({ "textDocument": elsewhere }));

    session.client.replace(&a, 9, "package acme\n");
    session.client.wait_for_version(&a, 9);
    assert_eq!(session.client.codes(&a), [""; 0]);
    session.finish();
}

#[test]
fn nothing_is_answered_before_initialize_or_after_shutdown() {
    let mut session = Session::silent(quick(), &[]);
    let a = session.path("a.ordain");
    let early = session.client.at("textDocument/hover", &a, 0, 0);
    assert_eq!(session.client.answer(early).unwrap_err()["code"], -32002);
    let root = session.root().to_owned();
    session.client.initialize(&root, pushed());
    session.client.call("shutdown", Value::Null).unwrap();
    let late = session.client.at("textDocument/hover", &a, 0, 0);
    assert_eq!(session.client.answer(late).unwrap_err()["code"], -32600);
    session.client.notify("exit", Value::Null);
    assert_eq!(session.ending(), Ending::Orderly);
}

#[test]
fn leaving_without_shutdown_is_abrupt() {
    let mut session = Session::start(quick(), pushed(), &[]);
    session.client.notify("exit", Value::Null);
    assert_eq!(session.ending(), Ending::Abrupt);

    let mut session = Session::start(quick(), pushed(), &[]);
    session.client.hang_up();
    assert_eq!(session.ending(), Ending::Abrupt);

    let mut session = Session::start(quick(), pushed(), &[]);
    session.client.call("shutdown", Value::Null).unwrap();
    session.client.hang_up();
    assert_eq!(session.ending(), Ending::Orderly);
}
