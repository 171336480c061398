//! `ordain check --fix`: what it writes, what it tells, and what it leaves alone.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

mod support;

use std::fs;
use std::path::Path;

use support::{run, workspace};

fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap()
}

fn fix(folder: &Path, how: &str) -> support::Run {
    run(["check".as_ref(), how.as_ref(), folder.as_os_str()])
}

const MISTAKEN: &str = "package acme
use std.facts.*

rule no-export {
  type     safty
  enforce  block;
  scope    tenant acme
  when     tool.name = \"export\" && data.class == \"pii\"
}
";

#[test]
fn what_is_certain_is_mended_and_what_guesses_is_left() {
    let folder = workspace(&[("ordain.yaml", "name: acme\n"), ("a.ordain", MISTAKEN)]);
    let fixed = fix(folder.path(), "--fix").expect_code(1);
    insta::assert_snapshot!(fixed.stderr, @"
    fixed a.ordain:6:17: remove it (ORD0101)
    fixed a.ordain:8:22: write `==` (ORD0112)
    fixed a.ordain:8:34: write `and` (ORD0101)
    fixed a.ordain:8:52: write `pii` (ORD0233)
    4 fixes applied in 1 file
    1 more fix guesses what is meant: `--fix=all` applies it
    ");
    let mended = MISTAKEN.replace("block;", "block").replace(" = ", " == ").replace("&&", "and");
    let mended = mended.replace("\"pii\"", "pii");
    assert_eq!(read(folder.path(), "a.ordain"), mended);
    assert!(fixed.stdout.contains("`safty` is no"), "what is left is told: {}", fixed.stdout);
    // Nothing is left to mend but the guess.
    let again = fix(folder.path(), "--fix").expect_code(1);
    insta::assert_snapshot!(again.stderr, @"
    0 fixes applied in 0 files
    1 more fix guesses what is meant: `--fix=all` applies it
    ");
    let all = fix(folder.path(), "--fix=all").expect_code(0);
    insta::assert_snapshot!(all.stderr, @"
    fixed a.ordain:5:12: write `safety` (ORD0215)
    1 fix applied in 1 file
    ");
    assert_eq!(read(folder.path(), "a.ordain"), mended.replace("safty", "safety"));
    assert_eq!(all.stdout, "1 policy in 1 file: no contradictions\n");
}

#[test]
fn what_comes_to_light_is_mended_too() {
    // The fact's declaration is found once the file that declares it can be read; then a `use` is missing.
    let rule =
        "package acme.rules\nrule r { type safety  enforce block  scope global  when class == \"pii\" }\n";
    let facts = "package acme.facts\nfact class : enum { public, pii };\n";
    let folder = workspace(&[("ordain.yaml", "name: acme\n"), ("a.ordain", rule), ("b.ordain", facts)]);
    let fixed = fix(folder.path(), "--fix").expect_code(0);
    assert_eq!(fixed.stderr.lines().last().unwrap(), "3 fixes applied in 2 files");
    let rule = read(folder.path(), "a.ordain");
    assert!(
        rule.starts_with("package acme.rules\nuse acme.facts.*\n") && rule.contains("when class == pii"),
        "{rule}"
    );
    assert_eq!(read(folder.path(), "b.ordain"), facts.replace(';', ""));
}

#[test]
fn a_fix_that_leaves_more_errors_is_taken_back() {
    // With `use b.*`, `odd` is known, but `big` may be that of either package, everywhere.
    let using = "package c\nuse a.*\n
rule r { type safety  enforce block  scope global  when big and odd }
rule s { type safety  enforce block  scope global  when big }
rule t { type safety  enforce block  scope global  when n > 3; }
";
    let folder = workspace(&[
        ("ordain.yaml", "name: acme\n"),
        ("a.ordain", "package a\nfact n : int in 0..9\nlet big = n > 5\n"),
        ("b.ordain", "package b\nuse a.n\nlet big = n > 7\nlet odd = n > 1\n"),
        ("c.ordain", using),
    ]);
    let fixed = fix(folder.path(), "--fix=all").expect_code(1);
    insta::assert_snapshot!(fixed.stderr, @"
    fixed c.ordain:6:62: remove it (ORD0101)
    not fixed, since more errors or conflicts would be left: c.ordain:2:8: add `use b.*` (ORD0201)
    1 fix applied in 1 file
    ");
    assert_eq!(read(folder.path(), "c.ordain"), using.replace(';', ""), "the others are mended all the same");
}

#[test]
fn only_the_workspace_is_written() {
    let mistaken = "package lib\nrule r { type safety  enforce block;  scope global }\n";
    let folder = workspace(&[
        ("lib/ordain.yaml", "name: lib\n"),
        ("lib/a.ordain", mistaken),
        ("own/ordain.yaml", "name: own\ndependencies: [../lib]\n"),
        ("own/a.ordain", "package own\nuse lib.r\n"),
    ]);
    let fixed = fix(&folder.path().join("own"), "--fix=all").expect_code(1);
    assert!(fixed.stderr.contains("0 fixes applied"), "{}", fixed.stderr);
    assert_eq!(read(folder.path(), "lib/a.ordain"), mistaken);
}

#[test]
fn an_allow_is_taken_out_only_if_everything_can_be_read() {
    let allow = "allow scope-overlap between a and b because \"they meet\"\n";
    let rules = "package acme\nrule a { type safety  enforce block  scope tenant a }\n";
    let unused = format!("{rules}rule b {{ type safety  enforce warn  scope tenant b }}\n\n{allow}");
    let folder = workspace(&[("ordain.yaml", "name: acme\n"), ("a.ordain", &unused)]);
    let fixed = fix(folder.path(), "--fix").expect_code(0);
    assert!(fixed.stderr.starts_with("fixed a.ordain:5:1: take it out (ORD0902)\n"), "{}", fixed.stderr);
    assert!(!read(folder.path(), "a.ordain").contains("allow"));
    // Here nobody knows whether the two meet.
    let broken = format!("{rules}rule b {{ type safety  enforce wrn  scope tenant a }}\n\n{allow}");
    let folder = workspace(&[("ordain.yaml", "name: acme\n"), ("a.ordain", &broken)]);
    fix(folder.path(), "--fix").expect_code(1);
    assert_eq!(read(folder.path(), "a.ordain"), broken);
    fix(folder.path(), "--fix=all").expect_code(0);
    assert_eq!(read(folder.path(), "a.ordain"), broken.replace("wrn", "warn"), "they do");
}

#[test]
fn the_workspace_file_is_mended_by_guess() {
    let folder =
        workspace(&[("ordain.yaml", "nam: acme\nlanguage: \"1\"\n"), ("a.ordain", "package acme\n")]);
    fix(folder.path(), "--fix").expect_code(2);
    assert_eq!(read(folder.path(), "ordain.yaml"), "nam: acme\nlanguage: \"1\"\n");
    let fixed = fix(folder.path(), "--fix=all").expect_code(0);
    assert!(fixed.stderr.starts_with("fixed ordain.yaml:1:1: write `name` (ORD0801)\n"), "{}", fixed.stderr);
    assert_eq!(read(folder.path(), "ordain.yaml"), "name: acme\nlanguage: \"1\"\n");
}

#[test]
fn findings_stay_on_standard_output_alone() {
    let folder = workspace(&[("ordain.yaml", "name: acme\n"), ("a.ordain", MISTAKEN)]);
    let fixed =
        run(["check".as_ref(), "--fix".as_ref(), "--format=json".as_ref(), folder.path().as_os_str()]);
    let found = fixed.json();
    assert_eq!(found["diagnostics"].as_array().unwrap().len(), 1, "{found:#}");
    assert_eq!(found["diagnostics"][0]["fixes"][0]["certain"], false);
    // What is right is written by nobody.
    let before = fs::metadata(folder.path().join("a.ordain")).unwrap().modified().unwrap();
    fix(folder.path(), "--fix").expect_code(1);
    assert_eq!(fs::metadata(folder.path().join("a.ordain")).unwrap().modified().unwrap(), before);
}
