//! `ordain fmt`: what it writes, what it says, and what it leaves alone.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::{ordain, root, run, run_with_input, workspace};

const LOOSE: &str = "package acme\n// Kept.\nrule   a { enforce block type safety\n scope global }\n";
const NEAT: &str =
    "package acme\n// Kept.\nrule a {\n  type     safety\n  enforce  block\n  scope    global\n}\n";

fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap()
}

/// Runs `ordain fmt` in a folder.
fn fmt(folder: &Path, args: &[&str]) -> support::Run {
    support::Run::of(ordain().arg("fmt").args(args).current_dir(folder).output().unwrap())
}

#[test]
fn files_are_formatted_in_place() {
    let folder = workspace(&[("a.ordain", LOOSE), ("deep/b.ordain", LOOSE), ("c.ordain", NEAT)]);
    let at = folder.path();
    fs::write(at.join("notes.txt"), LOOSE).unwrap();
    fs::create_dir(at.join(".git")).unwrap();
    fs::write(at.join(".git/d.ordain"), LOOSE).unwrap();
    let formatted = fmt(at, &[]).expect_code(0);
    assert_eq!(formatted.stdout, "a.ordain\ndeep/b.ordain\n");
    assert_eq!(formatted.stderr, "2 files formatted, 1 unchanged\n");
    for file in ["a.ordain", "deep/b.ordain", "c.ordain"] {
        assert_eq!(read(at, file), NEAT);
    }
    assert_eq!(read(at, "notes.txt"), LOOSE, "not a policy file");
    assert_eq!(read(at, ".git/d.ordain"), LOOSE, "hidden");
    let again = fmt(at, &[]).expect_code(0);
    assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("", "3 files are formatted\n"));
    // Nothing is left beside them.
    assert_eq!(fs::read_dir(at).unwrap().count(), 5);
}

#[test]
fn only_what_is_named_is_formatted_and_once() {
    let folder = workspace(&[("a.ordain", LOOSE), ("deep/b.ordain", LOOSE), ("other/c.policy", LOOSE)]);
    let formatted = fmt(folder.path(), &["deep", "deep/b.ordain", "other/c.policy"]).expect_code(0);
    assert_eq!(formatted.stdout, "deep/b.ordain\nother/c.policy\n");
    assert_eq!(read(folder.path(), "a.ordain"), LOOSE);
    let none = workspace(&[("readme.md", "# No policies\n")]);
    assert_eq!(fmt(none.path(), &[]).expect_code(0).stderr, "there are no policy files here\n");
}

#[cfg(unix)]
#[test]
fn permissions_are_kept_and_what_is_formatted_is_not_touched() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let folder = workspace(&[("a.ordain", LOOSE), ("b.ordain", NEAT)]);
    let at = folder.path();
    for file in ["a.ordain", "b.ordain"] {
        fs::set_permissions(at.join(file), fs::Permissions::from_mode(0o640)).unwrap();
    }
    let before = fs::metadata(at.join("b.ordain")).unwrap();
    fmt(at, &[]).expect_code(0);
    let after = fs::metadata(at.join("b.ordain")).unwrap();
    assert_eq!((before.ino(), before.mtime_nsec()), (after.ino(), after.mtime_nsec()));
    assert_eq!(fs::metadata(at.join("a.ordain")).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(read(at, "a.ordain"), NEAT);
}

#[cfg(unix)]
#[test]
fn what_is_read_only_stays_and_links_stay_links() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = workspace(&[("in/a.ordain", LOOSE), ("in/b.ordain", LOOSE), ("out/c.ordain", LOOSE)]);
    let at = folder.path();
    fs::set_permissions(at.join("in/a.ordain"), fs::Permissions::from_mode(0o444)).unwrap();
    symlink(at.join("out"), at.join("in/folder")).unwrap();
    symlink(at.join("out/c.ordain"), at.join("in/link.ordain")).unwrap();
    let formatted = fmt(at, &["in"]).expect_code(2);
    assert_eq!(formatted.stdout, "in/b.ordain\n");
    assert!(
        formatted.stderr.contains("error: cannot write `in/a.ordain`: the file is read-only"),
        "{formatted:?}"
    );
    assert_eq!((read(at, "in/a.ordain").as_str(), read(at, "in/b.ordain").as_str()), (LOOSE, NEAT));
    assert_eq!(read(at, "out/c.ordain"), LOOSE, "a folder's links lead elsewhere");
    fmt(at, &["in/link.ordain"]).expect_code(0);
    assert_eq!(read(at, "out/c.ordain"), NEAT, "a link that is named is meant");
    assert!(fs::symlink_metadata(at.join("in/link.ordain")).unwrap().is_symlink());
}

#[test]
fn check_names_files_and_writes_nothing() {
    let folder = workspace(&[("a.ordain", LOOSE), ("b.ordain", NEAT)]);
    let checked = fmt(folder.path(), &["--check"]).expect_code(1);
    assert_eq!(
        (checked.stdout.as_str(), checked.stderr.as_str()),
        ("a.ordain\n", "1 of 2 files is not formatted\n")
    );
    assert_eq!(read(folder.path(), "a.ordain"), LOOSE);
    let checked = fmt(folder.path(), &["--check", "b.ordain"]).expect_code(0);
    assert_eq!((checked.stdout.as_str(), checked.stderr.as_str()), ("", "1 file is formatted\n"));
}

#[test]
fn a_diff_leads_to_what_formatting_writes() {
    let crlf = LOOSE.replace('\n', "\r\n");
    let texts = [LOOSE, crlf.as_str(), "package acme\nfact a:int", NEAT];
    let names = ["a.ordain", "deep/b.ordain", "c.ordain", "d.ordain"];
    let files: Vec<(&str, &str)> = names.into_iter().zip(texts).collect();
    let folder = workspace(&files);
    let shown = fmt(folder.path(), &["--diff"]).expect_code(1);
    assert_eq!(shown.stderr, "3 of 4 files are not formatted\n");
    assert!(shown.stdout.contains("\n-rule   a { enforce block type safety\n"), "{}", shown.stdout);
    for (name, text) in &files {
        assert_eq!(read(folder.path(), name), *text, "nothing is written");
    }
    let patch = folder.path().join("patch");
    fs::write(&patch, &shown.stdout).unwrap();
    let git = |args: &[&str]| Command::new("git").args(args).current_dir(folder.path()).status().unwrap();
    assert!(git(&["apply", "-p0", "--whitespace=nowarn", "patch"]).success(), "{}", shown.stdout);
    let patched: Vec<String> = names.iter().map(|name| read(folder.path(), name)).collect();
    let fresh = workspace(&files);
    fmt(fresh.path(), &[]).expect_code(0);
    let formatted: Vec<String> = names.iter().map(|name| read(fresh.path(), name)).collect();
    assert_eq!(patched, formatted);
    assert_eq!(formatted[1], NEAT.replace('\n', "\r\n"));
    let nothing = fmt(fresh.path(), &["--diff"]).expect_code(0);
    assert_eq!((nothing.stdout.as_str(), nothing.stderr.as_str()), ("", "4 files are formatted\n"));
}

#[test]
fn a_diff_in_colours_has_the_same_lines() {
    let folder = workspace(&[("a.ordain", "package acme\nfact a:int")]);
    let plain = fmt(folder.path(), &["--diff"]).expect_code(1).stdout;
    let coloured = fmt(folder.path(), &["--diff", "--color=always"]).expect_code(1).stdout;
    assert!(coloured.contains("\u{1b}[32m+fact a : int\u{1b}[0m\n"), "{coloured}");
    let mut stripped = coloured;
    for style in [0, 1, 31, 32, 36] {
        stripped = stripped.replace(&format!("\u{1b}[{style}m"), "");
    }
    assert_eq!(stripped, plain);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let formatted = run_with_input(&["fmt", "-"], LOOSE).expect_code(0);
    assert_eq!((formatted.stdout.as_str(), formatted.stderr.as_str()), (NEAT, ""));
    let same = run_with_input(&["fmt", "-"], NEAT).expect_code(0);
    assert_eq!((same.stdout.as_str(), same.stderr.as_str()), (NEAT, ""));
    assert_eq!(run_with_input(&["fmt", "-"], "").expect_code(0).stdout, "");
    assert_eq!(run_with_input(&["fmt", "--check", "-"], LOOSE).expect_code(1).stdout, "<stdin>\n");
    assert_eq!(run_with_input(&["fmt", "--check", "-"], NEAT).expect_code(0).stdout, "");
    let diff = run_with_input(&["fmt", "--diff", "-"], LOOSE).expect_code(1).stdout;
    assert!(diff.starts_with("--- <stdin>\n+++ <stdin>\n@@ -1,4 +1,7 @@\n package acme\n"), "{diff}");
    let wrong = run_with_input(&["fmt", "-"], "rule {").expect_code(1);
    assert_eq!(wrong.stdout, "");
    assert!(wrong.stderr.contains("ORD0101") && wrong.stderr.contains("<stdin>:1:"), "{}", wrong.stderr);
}

#[test]
fn mistakes_are_told_and_the_others_formatted() {
    let folder = workspace(&[
        ("a.ordain", LOOSE),
        ("b.ordain", "package acme\nrule  b {\n  enforce\n}\n"),
        ("c.ordain", LOOSE),
    ]);
    let at = folder.path();
    fs::write(at.join("d.ordain"), b"// caf\xe9\n").unwrap();
    let formatted = fmt(at, &[]).expect_code(1);
    assert_eq!(formatted.stdout, "a.ordain\nc.ordain\n");
    assert!(formatted.stderr.contains("b.ordain:3:3"), "{}", formatted.stderr);
    assert!(formatted.stderr.contains("ORD0104"), "{}", formatted.stderr);
    let last = formatted.stderr.lines().last().unwrap();
    assert_eq!(last, "2 files formatted, 0 unchanged; 2 can't be, since they have errors");
    assert_eq!(read(at, "b.ordain"), "package acme\nrule  b {\n  enforce\n}\n");
    assert_eq!(read(at, "c.ordain"), NEAT);
    // Looking only fails likewise.
    for only in ["--check", "--diff"] {
        let looked = fmt(at, &[only]).expect_code(1);
        assert_eq!(looked.stdout, "");
        let last = looked.stderr.lines().last().unwrap();
        assert_eq!(last, "2 of 4 files formatted; 2 can't be, since they have errors");
    }
}

#[test]
fn what_is_no_path_stops_everything() {
    let folder = workspace(&[("a.ordain", LOOSE)]);
    let refused = fmt(folder.path(), &["a.ordain", "gone.ordain"]).expect_code(2);
    assert!(refused.stderr.starts_with("error: cannot read `gone.ordain`"), "{}", refused.stderr);
    assert_eq!(read(folder.path(), "a.ordain"), LOOSE);
    let refused = fmt(folder.path(), &["-", "a.ordain"]).expect_code(2);
    assert!(refused.stderr.contains("`-` stands alone"), "{}", refused.stderr);
    fmt(folder.path(), &["--check", "--diff"]).expect_code(2);
}

#[test]
fn the_policies_of_this_repository_are_formatted() {
    let folders = ["examples", "stdlib-policies"].map(|name| root().join(name));
    let checked = run([&"fmt".into(), &"--check".into(), &folders[0], &folders[1]]);
    assert_eq!((checked.code, checked.stdout.as_str()), (Some(0), ""), "{}", checked.stderr);
}
