//! Workspaces on disk.

use std::fs;
use std::path::Path;

use ordain_compiler::workspace::{LoadedWorkspace, load};
use ordain_compiler::{Database, diagnostics};
use ordain_ir::Diagnostic;

const RULE: &[u8] = b"rule a { type safety enforce block scope global }\n";

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("below the folder")).expect("it can be written");
        fs::write(path, text).expect("it can be written");
    }
    folder
}

/// Everything that is wrong, in one line each: code, file, bytes, message, help.
fn said(loaded: &Result<LoadedWorkspace, Vec<Diagnostic>>) -> Vec<String> {
    let problems = match loaded {
        Ok(loaded) => {
            let mut db = Database::default();
            let workspace = loaded.open(&mut db);
            diagnostics(&db, workspace).clone()
        }
        Err(problems) => problems.clone(),
    };
    let line = |it: &Diagnostic| {
        let place = it.primary.as_ref().map(|at| format!("{}:{:?}", at.file, at.span.range()));
        let help = it.help.as_deref().unwrap_or("-");
        format!("{} {} {} | {help}", it.code, place.unwrap_or_default(), it.message)
    };
    problems.iter().map(line).collect()
}

fn paths(folder: &Path) -> Vec<String> {
    load(folder).expect("a workspace").files.into_keys().collect()
}

#[test]
fn what_is_wrong_on_disk_is_told_where() {
    type Case<'a> = (&'a [(&'a str, &'a [u8])], &'a [&'a str]);
    let cases: [Case<'_>; 6] = [
        (
            &[("ordain.yaml", b"name: w\n"), ("a.ordain", RULE), ("b/c.ordain", b"rule \xff\xfe {")],
            &["ORD0104 b/c.ordain:5..6 byte 5 (0xff) is not valid UTF-8 | save the file as UTF-8"],
        ),
        (
            &[("ordain.yaml", b"name: w\nsource: [a]\n")],
            &["ORD0801 ordain.yaml:8..14 `source` is no setting | did you mean `sources`?"],
        ),
        (
            &[("ordain.yaml", b"name: w\nsources: [a, b]\n"), ("a/a.ordain", RULE)],
            &[
                "ORD0801 ordain.yaml:21..22 the source folder `b` does not exist | create it, or take it out of `sources` in `ordain.yaml`",
            ],
        ),
        (
            &[("ordain.yaml", b"language: 7\n")],
            &["ORD0801 ordain.yaml:0..8 language version `7` is not known | this compiler speaks version 1"],
        ),
        (
            &[("ordain.yaml", b"sources: [../x]\n")],
            &[
                "ORD0801 ordain.yaml:0..7 the source folder `../x` lies outside of the workspace | name folders below that of the workspace",
            ],
        ),
        (&[("ordain.yaml", b"\n# nothing\n"), ("a.ordain", RULE)], &[]),
    ];
    for (files, expected) in cases {
        assert_eq!(said(&load(folder(files).path())), expected);
    }
}

#[test]
fn the_workspace_is_the_nearest_folder_upwards() {
    let folder = folder(&[
        ("ordain.yaml", b"name: w\n"),
        ("a/b.ordain", RULE),
        (".git/c.ordain", RULE),
        ("d.txt", RULE),
    ]);
    let root = fs::canonicalize(folder.path()).unwrap();
    for start in ["", "a", "a/b.ordain"] {
        let loaded = load(&folder.path().join(start)).unwrap();
        assert_eq!((&loaded.root, loaded.config.name.as_str()), (&root, "w"));
        assert_eq!(loaded.files.keys().collect::<Vec<_>>(), ["a/b.ordain"]);
    }
    assert!(said(&load(&folder.path().join("no")))[0].contains("it does not exist"));
}

#[cfg(unix)]
#[test]
fn links_that_lead_round_end() {
    let folder = folder(&[("ordain.yaml", b""), ("a/b.ordain", RULE)]);
    std::os::unix::fs::symlink(folder.path(), folder.path().join("a/up")).unwrap();
    std::os::unix::fs::symlink("itself", folder.path().join("itself")).unwrap();
    assert_eq!(paths(folder.path()), ["a/b.ordain"]);
}

#[test]
fn an_update_touches_what_differs() {
    let folder = folder(&[("ordain.yaml", b""), ("a.ordain", RULE), ("b.ordain", RULE)]);
    let mut db = Database::default();
    let workspace = load(folder.path()).unwrap().open(&mut db);
    let kept = workspace.file(&db, "a.ordain");
    fs::remove_file(folder.path().join("b.ordain")).unwrap();
    fs::write(
        folder.path().join("c.ordain"),
        b"package c\nrule a { type safety enforce block scope global }",
    )
    .unwrap();
    load(folder.path()).unwrap().update(&mut db, workspace);
    assert_eq!(workspace.file(&db, "a.ordain"), kept);
    let paths: Vec<_> = workspace.files(&db).iter().map(|it| it.path(&db)).collect();
    assert_eq!(paths, ["a.ordain", "c.ordain"]);
    assert_eq!(*diagnostics(&db, workspace), []);
}
