//! `ordain diff`: what it says, what fails it, and its three kinds of sides.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::{root, run};

const OLD: &str = "package p\nfact n : int in 0..100\n\
    rule r { type safety  enforce block  scope tenant acme  when n >= 50 }\n\
    limit l { type runs_daily  at most 100  enforce block  scope tenant acme }\n";

/// A folder `name` below another, with one file.
fn side(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(&path).expect("a folder");
    fs::write(path.join("ordain.yaml"), "name: p\nlanguage: \"1\"\n").expect("a file");
    fs::write(path.join("p.ordain"), text).expect("a file");
    path
}

fn compare(old: &Path, new: &Path, flags: &[&str]) -> support::Run {
    let mut arguments = vec!["diff".into(), old.to_owned(), new.to_owned()];
    arguments.extend(flags.iter().map(Into::into));
    run(arguments)
}

#[test]
fn milder_and_stricter_decisions_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let old = side(folder.path(), "old", OLD);
    let text = OLD.replace("n >= 50", "n >= 60").replace("100  enforce", "80  enforce");
    let new = side(folder.path(), "new", &text);
    let said = compare(&old, &new, &[]).expect_code(1).stdout;
    assert!(said.contains("loosened   BLOCK -> ALLOW: acme/project/agent at "), "{said}");
    assert!(said.contains("n = 50"), "{said}");
    assert!(said.contains("bound: at most 100 (BLOCK) -> at most 80 (BLOCK)"), "{said}");
    assert!(said.contains("tightened  ALLOW -> BLOCK: "), "{said}");
    assert!(said.contains("after 80 of p.l"), "{said}");
    assert!(said.ends_with("loosened and tightened: 2 policies differ\n"), "{said}");
    // The other way round, a rule that is stricter doesn't fail it, a limit that is milder does.
    compare(&old, &side(folder.path(), "strict", &OLD.replace("50", "40")), &[]).expect_code(0);
    compare(&old, &side(folder.path(), "strict", &OLD.replace("50", "40")), &["--fail-on=any"])
        .expect_code(1);
    compare(&old, &new, &["--fail-on=never"]).expect_code(0);
}

#[test]
fn only_those_that_take_part_are_blamed() {
    let folder = tempfile::tempdir().unwrap();
    let quiet = "rule quiet { type safety  enforce warn  scope tenant acme  priority -1  when n >= 50 }\n";
    let old = side(folder.path(), "old", &format!("{OLD}{quiet}"));
    let text =
        format!("{OLD}{quiet}").replace("warn  scope", "audit  scope").replace("block  scope", "warn  scope");
    let new =
        side(folder.path(), "new", &text.replace("at most 100  enforce warn", "at most 80  enforce block"));
    let found = compare(&old, &new, &["--format=json", "--fail-on=never"]).json();
    let change = |name: &str| {
        let changes = found["changes"].as_array().expect("a list");
        changes.iter().find(|change| change["policy"]["name"] == name).unwrap_or_else(|| panic!("{found:#}"))
    };
    // The rule is milder where it speaks, the limit is stricter, and `quiet`, which `r` outranks, is nothing.
    let r = change("p.r");
    assert_eq!((&r["tightened"]["answer"], &r["loosened"]["answer"]), (&"no".into(), &"yes".into()), "{r:#}");
    assert_eq!(r["loosened"]["because"], serde_json::json!(["p.r"]), "{r:#}");
    let l = change("p.l");
    assert_eq!((&l["tightened"]["answer"], &l["loosened"]["answer"]), (&"yes".into(), &"no".into()), "{l:#}");
    let quiet = change("p.quiet");
    assert_eq!(
        (&quiet["tightened"]["answer"], &quiet["loosened"]["answer"]),
        (&"no".into(), &"no".into()),
        "{quiet:#}"
    );
}

#[test]
fn another_way_to_say_the_same_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let old = side(folder.path(), "old", OLD);
    let split = OLD.replace(
        "when n >= 50 }",
        "when n >= 75 }\nrule s { type safety  enforce block  scope tenant acme  when n >= 50 and n < 75 }",
    );
    let new = side(folder.path(), "new", &split);
    let said = compare(&old, &new, &["--fail-on=any"]).expect_code(0).stdout;
    assert!(
        said.ends_with("equivalent: 2 policies differ, and every decision is proved to be the same\n"),
        "{said}"
    );
    let said = compare(&old, &old, &["--fail-on=any"]).expect_code(0).stdout;
    assert_eq!(said, "equivalent: no policy differs\n");
}

#[test]
fn json_fits_the_published_schema() {
    let schema: Value =
        serde_json::from_slice(&fs::read(root().join("docs/diff.schema.json")).unwrap()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let old = side(folder.path(), "old", OLD);
    let new = side(folder.path(), "new", &OLD.replace("50", "60").replace("100  enforce", "80  enforce"));
    let mut found = compare(&old, &new, &["--format=json", "--fail-on=never"]).json();
    let wrong: Vec<String> = schema.iter_errors(&found).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    found["changes"][0]["kind"] = "moved".into();
    assert!(!schema.is_valid(&found), "the schema can refuse");
}

#[test]
fn a_side_may_be_a_commit_or_a_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let policies = side(folder.path(), "policies", OLD);
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(folder.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "first"]);
    let bundle = folder.path().join("p.ordain-bundle");
    run(["build".into(), policies.clone(), "-o".into(), bundle.clone()]).expect_code(0);
    fs::write(policies.join("p.ordain"), OLD.replace("50", "40")).unwrap();
    for old in [Path::new("git:HEAD"), &bundle] {
        let said = compare(old, &policies, &["--fail-on=any"]).expect_code(1).stdout;
        assert!(said.contains("tightened  ALLOW -> BLOCK"), "{said}");
    }
    let said = compare(Path::new("git:nowhere"), &policies, &[]).expect_code(2).stderr;
    assert!(said.contains("git:nowhere"), "{said}");
}
