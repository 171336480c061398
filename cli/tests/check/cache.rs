//! `--cache`: what the solver has answered, from one run to the next.

use std::fs;

use super::support::workspace;
use super::{Run, check};

/// A pair of rules that meet and a pair that don't, as only the solver can tell.
fn sums() -> tempfile::TempDir {
    let rule = |name: &str, mode: &str, when: &str| {
        format!("rule {name} {{\n  type safety\n  enforce {mode}\n  scope global\n  when {when}\n}}\n\n")
    };
    let text = [
        "package acme\n\nfact x: int in 0..1000\nfact y: int in 0..1000\n\n".to_owned(),
        rule("near", "block", "x - y > 10 and x + y < 1500"),
        rule("beside", "warn", "x - y > 20 and x + y < 1400"),
        rule("far", "audit", "3 * y - 2 * x > 2000"),
    ];
    workspace(&[("ordain.yaml", "name: sums\n"), ("acme.ordain", &text.concat())])
}

fn taken(run: &Run) -> u64 {
    let (_, told) = run.stderr.split_once("cache\n").unwrap();
    told.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_second_run_finds_the_same_with_fewer_questions() {
    let folder = sums();
    let cache = folder.path().join("answers.json");
    let name = cache.to_str().unwrap();
    let plain = check(folder.path(), &[]);
    let run = |more: &[&str]| {
        let run = check(folder.path(), &[&["--cache", name, "--statistics"], more].concat());
        assert_eq!((&run.stdout, run.code), (&plain.stdout, plain.code));
        (taken(&run), fs::read(&cache).unwrap())
    };
    let (first, left) = run(&[]);
    let file: serde_json::Value = serde_json::from_slice(&left).unwrap();
    let answers = file["answers"].as_object().unwrap();
    let examples = answers.values().filter(|answer| !answer.is_null()).count();
    assert!(first == 0 && examples > 0 && examples < answers.len(), "{file}");
    // The same questions leave the same bytes.
    assert_eq!(run(&[]), (examples as u64, left.clone()));
    assert_eq!(run(&["--trust-cache"]), (answers.len() as u64, left));
}

#[test]
fn a_file_that_is_no_cache_is_told_of_and_written_anew() {
    let folder = sums();
    let cache = folder.path().join("answers.json");
    fs::write(&cache, "{\"format\":\"ordain answers 0\",\"answers\":{}}").unwrap();
    let name = cache.to_str().unwrap();
    let plain = check(folder.path(), &[]);
    let run = check(folder.path(), &["--cache", name]);
    assert_eq!((&run.stdout, run.code), (&plain.stdout, plain.code));
    let wanted = format!(
        "note: nothing is taken from the cache `{name}`: its format is `ordain answers 0`, not `ordain answers 1`\n"
    );
    assert_eq!(run.stderr, wanted);
    assert_eq!(check(folder.path(), &["--cache", name]).stderr, "", "it is one now");

    let nowhere = folder.path().join("missing/answers.json");
    let run = check(folder.path(), &["--cache", nowhere.to_str().unwrap()]);
    assert_eq!((&run.stdout, run.code), (&plain.stdout, plain.code), "what was found is told all the same");
    assert!(run.stderr.starts_with("note: the cache stays as it was: cannot write `"), "{}", run.stderr);
}

#[test]
fn trust_wants_something_to_trust() {
    let run = check(sums().path(), &["--trust-cache"]).expect_code(2);
    assert!(run.stderr.contains("--cache <FILE>"), "{}", run.stderr);
}
