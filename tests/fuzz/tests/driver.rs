//! What drives the targets notices whatever goes wrong.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

use std::process::{Command, Output};

fn fuzz(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fuzz")).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn reproduce(text: &str, name: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    // What hangs is waited for; all else ends by itself, however slow the machine is.
    let patience = if text == "hang!" { "3" } else { "60" };
    let output = fuzz(&["--reproduce", file.to_str().unwrap(), "--patience", patience]);
    (output.status.code(), said(&output))
}

#[test]
fn every_way_to_fail_is_noticed() {
    for (text, needle) in [
        ("panic!", "panicked"),
        ("wrong!", "the text says so"),
        ("hang!", "it takes more than 3 seconds"),
        ("hog!", "memory allocation"),
    ] {
        let (code, said) = reproduce(text, "selftest-1-2.ordain");
        assert_eq!(code, Some(1), "{text}: {said}");
        assert!(said.contains(needle), "{text}: {said}");
    }
    let (code, said) = reproduce("nothing", "selftest-1-2.ordain");
    assert_eq!((code, said.as_str()), (Some(0), "selftest: nothing is wrong with it\n"));
    // A text of another name is tried with every target.
    let (code, said) = reproduce("rule r {", "some.ordain");
    assert_eq!((code, said.lines().count()), (Some(0), 3), "{said}");
}

#[test]
fn some_texts_of_every_target() {
    let output = fuzz(&["--inputs", "150", "--seed", "3"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for target in ["parse", "format", "compile"] {
        assert!(said.contains(&format!("{target}: 150 texts of seed 3")), "{said}");
    }
}

#[test]
fn what_is_asked_wrongly_is_refused() {
    for arguments in [&["--inputs", "many"][..], &["--sed", "1"], &["--seed"], &["--target", "gate"]] {
        let output = fuzz(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(said(&output).contains("usage: fuzz"), "{arguments:?}");
    }
}
