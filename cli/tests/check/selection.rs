//! `--select`, `--ignore`, `--baseline`, `--fail-on` and `--output-file`.

use std::fs;

use super::support::{run, workspace};
use super::{check, crowded, found};

#[test]
fn codes_choose_among_warnings_and_never_hide_what_blocks() {
    let folder = crowded(3);
    let codes = |args: &[&str]| {
        let shown = check(folder.path(), &[args, &["--format=concise"]].concat()).expect_code(1);
        let mut codes: Vec<String> = shown
            .stdout
            .lines()
            .filter_map(|line| Some(line.split_once(" ORD")?.1[..4].to_owned()))
            .collect();
        codes.sort();
        codes.dedup();
        (codes, shown.stdout, shown.stderr)
    };
    assert_eq!(codes(&[]).0, ["0301", "0302", "0409"]);
    let (only, shown, told) = codes(&["--select=ORD04"]);
    assert_eq!(only, ["0302", "0409"], "a BLOCKING conflict is shown whatever is selected");
    assert!(shown.contains(" findings not selected"), "{shown}");
    assert!(told.contains("1 finding shown although not selected"), "{told}");
    let (left, _, told) = codes(&["--ignore=ORD0302,ORD04"]);
    assert_eq!(left, ["0301", "0302"], "nor can it be ignored");
    assert!(told.contains("errors and BLOCKING conflicts are never left out"), "{told}");
    // The longer beginning decides.
    assert_eq!(codes(&["--ignore=ORD0", "--select=ORD0409"]).0, ["0302", "0409"]);

    // What isn't selected doesn't fail the gate; what blocks does.
    fs::remove_file(folder.path().join("limits.ordain")).unwrap();
    check(folder.path(), &["--fail-on=warning"]).expect_code(1);
    check(folder.path(), &["--fail-on=warning", "--ignore=ord03,ORD04"]).expect_code(0);
    check(folder.path(), &["--fail-on=never"]).expect_code(0);
    let json = check(folder.path(), &["--ignore=ORD03", "--format=json"]).json();
    assert_eq!(json["conflicts"].as_array().unwrap().len(), 0);
    assert_eq!(json["summary"]["conflicts"]["total"], 0);
    assert!(json["summary"]["left_out"]["not_selected"].as_u64().unwrap() > 3, "{}", json["summary"]);
}

#[test]
fn unknown_codes_are_usage_errors() {
    let folder = crowded(1);
    let told = check(folder.path(), &["--ignore=ORD0399"]).expect_code(2).stderr;
    assert!(told.contains("no code begins with `ORD0399`; `ordain explain` lists them all"), "{told}");
    check(folder.path(), &["--select=conflicts"]).expect_code(2);
    check(folder.path(), &["--write-baseline"]).expect_code(2);
    check(folder.path(), &["--output-file=x.sarif"]).expect_code(2);
    let told = check(folder.path(), &["--output-file=xml=x"]).expect_code(2).stderr;
    assert!(told.contains("`xml` is no format; those are `full`, `concise`, `json`"), "{told}");
}

const LIMITS: &str = "package acme.limits

limit floor {
  type runs_daily
  at least 500
  enforce reject
  scope tenant acme
}

limit cap {
  type runs_hourly
  at most 20
  enforce block
  scope tenant acme
}
";

#[test]
fn a_baseline_covers_warnings_through_moves_and_layout_but_never_what_blocks() {
    let folder = crowded(3);
    let path = folder.path();
    fs::remove_file(path.join("limits.ordain")).unwrap();
    let file = path.join("known.json");
    let file = file.to_str().unwrap();
    let missing = check(path, &["--baseline", file]).expect_code(2).stderr;
    assert!(missing.contains("does not exist; `--write-baseline` makes it"), "{missing}");

    let total = found(path)["conflicts"].as_array().unwrap().len() + 1;
    let written = check(path, &["--fail-on=warning", "--baseline", file, "--write-baseline"]).expect_code(0);
    assert!(written.stderr.starts_with(&format!("{total} findings written to `")), "{}", written.stderr);
    assert!(
        written.stdout.ends_with(&format!(": nothing new; {total} findings known from the baseline\n")),
        "{}",
        written.stdout
    );
    let text = fs::read_to_string(file).unwrap();
    assert_eq!(text.lines().count(), total + 5, "a line for each finding:\n{text}");

    // Moved to another file, behind a comment, and laid out anew: the same findings.
    let teams = fs::read_to_string(path.join("teams.ordain")).unwrap();
    fs::remove_file(path.join("teams.ordain")).unwrap();
    fs::create_dir(path.join("deep")).unwrap();
    fs::write(
        path.join("deep/moved.ordain"),
        format!("// Moved.\n\n{}", teams.replace("  type", "\n\n   type")),
    )
    .unwrap();
    let base = fs::read_to_string(path.join("base.ordain")).unwrap();
    fs::write(path.join("base.ordain"), base.replace("let idle =", "\n\nlet   idle  =")).unwrap();
    let moved = check(path, &["--fail-on=warning", "--baseline", file]).expect_code(0);
    assert_eq!(moved.stderr, "", "nothing is stale");

    // A new warning is shown, and it alone.
    let more = "\nrule late {\n  type safety\n  enforce warn\n  scope project acme/late\n  when tool.name == \"x\"\n}\n";
    fs::write(path.join("base.ordain"), base.clone() + more).unwrap();
    let new = check(path, &["--fail-on=warning", "--baseline", file, "--format=json"]).expect_code(1).json();
    assert_eq!(new["conflicts"].as_array().unwrap().len(), 1, "{new:#}");
    assert!(new["conflicts"][0]["policies"].to_string().contains("acme.base.late"));
    assert_eq!(new["summary"]["left_out"]["known"], total);

    // What blocks is never covered: not when it is written, not when somebody puts it there.
    fs::write(path.join("base.ordain"), &base).unwrap();
    fs::write(path.join("limits.ordain"), LIMITS).unwrap();
    check(path, &["--baseline", file]).expect_code(1);
    check(path, &["--baseline", file, "--write-baseline"]).expect_code(1);
    let blocking = found(path)["conflicts"][0]["id"].as_str().unwrap().to_owned();
    let text = fs::read_to_string(file).unwrap();
    assert!(!text.contains(&blocking) && !text.contains("ORD0302"), "{text}");
    let planted = text.replacen(
        "\"findings\": [",
        &format!("\"findings\": [\n{{\"code\": \"ORD0302\", \"about\": \"x\", \"id\": \"{blocking}\"}},"),
        1,
    );
    fs::write(file, planted).unwrap();
    let refused = check(path, &["--baseline", file]).expect_code(1);
    assert!(refused.stdout.contains("1 BLOCKING conflict"), "{}", refused.stdout);

    // What is gone is told of, and taken out when the file is written again.
    fs::remove_file(path.join("limits.ordain")).unwrap();
    fs::write(path.join("base.ordain"), base.replace("let idle = run.attended\n", "")).unwrap();
    let stale = check(path, &["--baseline", file]).expect_code(0).stderr;
    assert!(stale.contains("note: 2 findings of the baseline"), "{stale}");
    assert!(stale.contains("  ORD0409: "), "{stale}");
    check(path, &["--baseline", file, "--write-baseline"]).expect_code(0);
    assert_eq!(check(path, &["--baseline", file]).expect_code(0).stderr, "");
}

#[test]
fn what_is_no_baseline_is_refused() {
    let folder = crowded(1);
    let file = folder.path().join("known.json");
    for (text, wanted) in [
        ("", "is no baseline: EOF"),
        ("{\"version\": 9, \"findings\": []}", "its version is 9, this program reads 1"),
        ("{\"version\": 1, \"findings\": [{\"id\": \"x\"}]}", "is no baseline: missing field `code`"),
    ] {
        fs::write(&file, text).unwrap();
        let told = check(folder.path(), &["--baseline", file.to_str().unwrap()]).expect_code(2).stderr;
        assert!(told.contains(wanted), "{told}");
    }
}

#[test]
fn files_are_written_beside_standard_output_and_whole() {
    let folder = crowded(3);
    let out = tempfile::tempdir().unwrap();
    let path = |name: &str| out.path().join(name);
    fs::write(path("a.json"), "old").unwrap();
    let both = [
        format!("--output-file=json={}", path("a.json").display()),
        format!("--output-file=sarif={}", path("a.sarif").display()),
        format!("--output-file=full={}", path("a=b.txt").display()),
        "--format=concise".to_owned(),
    ];
    let shown = check(folder.path(), &both.each_ref().map(String::as_str)).expect_code(1);
    assert_eq!(shown.stdout, check(folder.path(), &["--format=concise"]).stdout);
    for (name, format) in [("a.json", "json"), ("a.sarif", "sarif"), ("a=b.txt", "full")] {
        let alone = check(folder.path(), &[&format!("--format={format}")]).stdout;
        assert_eq!(fs::read_to_string(path(name)).unwrap(), alone, "{format}");
    }
    let mut names: Vec<_> =
        fs::read_dir(out.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["a.json", "a.sarif", "a=b.txt"], "nothing half-written stays behind");

    let nowhere = format!("--output-file=json={}", path("no/such/folder.json").display());
    let told = check(folder.path(), &[&nowhere]).expect_code(2).stderr;
    assert!(told.contains("cannot write `"), "{told}");
}

#[test]
fn broken_sources_say_nothing_of_what_is_stale() {
    let folder = workspace(&[
        ("ordain.yaml", "name: x\n"),
        ("a.ordain", "package a\nuse std.facts.*\nlet x = run.attended\n"),
    ]);
    let file = folder.path().join("known.json");
    let args = ["--baseline", file.to_str().unwrap()];
    check(folder.path(), &[&args[..], &["--write-baseline"]].concat()).expect_code(0);
    fs::write(folder.path().join("b.ordain"), "rule {").unwrap();
    assert_eq!(check(folder.path(), &args).expect_code(1).stderr, "");
    let _ = run(["--version"]).expect_code(0);
}
