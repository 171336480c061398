//! `completions`, `man` and `doctor`: what a new user asks first.

mod support;

use std::collections::BTreeSet;
use std::fs;

use support::{example, run, run_with_input, workspace};

/// The verbs that the help names.
fn verbs() -> BTreeSet<String> {
    let help = run(["--help"]).expect_code(0).stdout;
    let list = help.split_once("Commands:\n").expect("a list").1.split_once("\n\n").expect("its end").0;
    let words = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let verbs: BTreeSet<String> =
        words.filter_map(|line| line.split_whitespace().next()).map(ToOwned::to_owned).collect();
    assert!(verbs.contains("check") && verbs.contains("doctor") && verbs.len() > 15, "{verbs:?}");
    verbs
}

#[test]
fn completions_know_every_verb_and_where_shells_can_every_format() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(["completions", shell]).expect_code(0).stdout;
        for verb in verbs().iter().filter(|verb| *verb != "help") {
            assert!(script.contains(verb.as_str()), "{shell} doesn't know `{verb}`");
        }
        let values = ["bash", "zsh", "fish"].contains(&shell);
        assert!(!values || script.contains("json-lines"), "{shell} knows no formats");
    }
    run(["completions", "csh"]).expect_code(2);
}

#[test]
fn there_is_a_manual_page_for_each_verb() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pages = folder.path().join("share/man1");
    let said = run(["man".into(), pages.clone()]).expect_code(0).stdout;
    let names: BTreeSet<String> = fs::read_dir(&pages)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert!(said.starts_with(&format!("{} pages in ", names.len())), "{said}");
    for verb in verbs().iter().filter(|verb| *verb != "help") {
        let name = format!("ordain-{verb}.1");
        let page = fs::read_to_string(pages.join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(page.contains(".TH ") && page.contains(".SH SYNOPSIS"), "{page}");
    }
    assert!(names.contains("ordain.1"));
    let file = folder.path().join("file");
    fs::write(&file, "").expect("a file");
    assert!(run(["man".into(), file]).expect_code(2).stderr.contains("cannot write `"));
}

#[test]
fn the_doctor_says_what_is_there_and_what_is_wrong() {
    let well = run(["doctor".into(), example("acme")]).expect_code(0).stdout;
    assert!(well.lines().all(|line| line.starts_with("ok     ")), "{well}");
    assert!(well.contains("Z3 5.4.1, and it keeps its bounds"), "{well}");
    assert!(well.contains("workspace  `acme` in "), "{well}");

    let bare = workspace(&[("a.ordain", "package a\n")]);
    let bare = run([&"doctor".into(), &bare.path().to_owned()]).expect_code(0).stdout;
    assert!(bare.contains("1 policy file; there is no `ordain.yaml` there or above"), "{bare}");

    let ill = workspace(&[("ordain.yaml", "name: x\nsources: [nowhere]\n")]);
    let json = run(["doctor".into(), ill.path().to_owned(), "--format=json".into()]).expect_code(1).json();
    assert_eq!(json["healthy"], false);
    let wrong: Vec<&str> = json["checks"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|check| check["ok"] == false)
        .filter_map(|check| check["found"].as_str())
        .collect();
    assert!(
        matches!(wrong[..], [one] if one.contains("the source folder `nowhere` does not exist")),
        "{wrong:?}"
    );
    let broken = workspace(&[("ordain.yaml", "nam: x\n")]);
    let told = run([&"doctor".into(), &broken.path().to_owned()]).expect_code(1).stdout;
    assert!(told.contains("wrong  workspace  "), "{told}");
    // It reads nothing else.
    assert_eq!(run_with_input(&["doctor", "/nowhere/at/all"], "").code, Some(1));
}
