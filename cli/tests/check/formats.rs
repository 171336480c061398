//! Formats for programs: each fits what its readers ask for, and says what the others say.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::Value;

use super::support::{example, root, workspace};
use super::{check, crowded, found};

/// Folders with findings of every kind, some in files and with words that formats have to escape.
fn corpus() -> Vec<(PathBuf, Option<tempfile::TempDir>)> {
    let odd = workspace(&[
        ("ordain.yaml", "name: \"a,b: 100%\"\n"),
        (
            "de ep/\u{e9}#1,%.ordain",
            "package a\nuse std.facts.*\n\n// \u{1d11e}\nlet unused = tool.name == \"]]>&<x>|\\\\[a](1)%\"\n\n\
             rule one { type safety enforce block scope global }\n\
             rule two { type safety enforce audit scope global when tool.name == \"<&>\\\"'\u{e9}\" }\n\
             allow scope-overlap between one, two because \"a <b> & [c](2)\"\n",
        ),
        (
            "broken.ordain",
            "package b\nrule { }\nrule r { type safty\n enforce block scope global when 1 = \"\u{1}\" }\n",
        ),
    ]);
    let binary = workspace(&[("ordain.yaml", "name: x\nsources: [nowhere]\n")]);
    fs::write(binary.path().join("a.ordain"), [0xff, 0xfe, 0x00]).unwrap();
    let clean = workspace(&[("a.ordain", "package a\n")]);
    let mut all: Vec<_> =
        [odd, binary, clean, crowded(40)].map(|folder| (folder.path().to_owned(), Some(folder))).into();
    all.extend(["acme", "conflicts", "audit-14-7"].map(|name| (example(name), None)));
    all
}

/// Holds output against a schema of `cli/tests/check/schemas`.
fn hold(schema: &str, folder: &Path) -> Value {
    let file = root().join(format!("cli/tests/check/schemas/{schema}.json"));
    let definition: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&definition).unwrap();
    let shown = check(folder, &[&format!("--format={schema}")]).json();
    let wrong: Vec<String> =
        validator.iter_errors(&shown).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{}: {wrong:#?}\n{shown:#}", folder.display());
    shown
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Every finding of the JSON that has a schema of its own: fingerprint, code and whether it is open.
fn all(json: &Value) -> Vec<(String, String, bool)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let both = array(&json["diagnostics"]).iter().chain(array(&json["conflicts"]));
    both.map(|it| (text(&it["id"]), text(&it["code"]), it["resolved"] != true)).collect()
}

#[test]
fn sarif_is_what_code_scanning_takes() {
    let mut suppressed = 0;
    for (folder, _keep) in corpus() {
        let sarif = hold("sarif", &folder);
        let run = &sarif["runs"][0];
        let rules: Vec<&Value> =
            array(&run["tool"]["driver"]["rules"]).iter().map(|rule| &rule["id"]).collect();
        let wanted = all(&found(&folder));
        assert_eq!(array(&run["results"]).len(), wanted.len(), "{}", folder.display());
        for (result, (id, code, open)) in array(&run["results"]).iter().zip(&wanted) {
            assert_eq!(&result["partialFingerprints"]["ordainFinding/v1"], id);
            assert_eq!(&result["ruleId"], code);
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index], &result["ruleId"]);
            assert_eq!(result.get("suppressions").is_none(), *open);
            suppressed += usize::from(!open);
            // Each link of the message leads to a related location, and each of those is linked.
            let message = result["message"]["text"].as_str().unwrap();
            let links: BTreeSet<u64> = links(message).collect();
            let ids = array(&result["relatedLocations"]).iter().map(|it| it["id"].as_u64().unwrap());
            assert_eq!(links, ids.collect(), "{message}");
            let file =
                result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
            assert!(!file.contains(' ') && !file.contains('#'), "{file}");
        }
    }
    assert_eq!(suppressed, 1, "one finding of the corpus is allowed");
}

/// The numbers that a SARIF message links: `[text](1)` whose first bracket is not escaped.
fn links(message: &str) -> impl Iterator<Item = u64> {
    message.match_indices("](").filter_map(|(at, _)| {
        if message[..at].ends_with('\\') {
            return None;
        }
        message[at + 2..].split_once(')')?.0.parse().ok()
    })
}

#[test]
fn the_other_policy_of_a_conflict_is_a_related_location() {
    let sarif = hold("sarif", &example("conflicts"));
    let results = array(&sarif["runs"][0]["results"]);
    let overlap = results.iter().find(|it| it["ruleId"] == "ORD0301").unwrap();
    assert_eq!(overlap["relatedLocations"][0]["message"]["text"], "rule `acme.support.watch-exports`");
    let uri = &overlap["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert!(uri.as_str().unwrap().ends_with("conflicts/support/support.ordain"), "{uri}");
    assert!(overlap["message"]["text"].as_str().unwrap().ends_with("[rule `acme.support.watch-exports`](1)"));
}

#[test]
fn gitlab_knows_each_finding_by_its_fingerprint() {
    for (folder, _keep) in corpus() {
        let report = hold("gitlab", &folder);
        let prints: BTreeSet<&str> =
            array(&report).iter().map(|it| it["fingerprint"].as_str().unwrap()).collect();
        let wanted: BTreeSet<String> =
            all(&found(&folder)).into_iter().filter(|(_, _, open)| *open).map(|(id, ..)| id).collect();
        assert_eq!(prints.len(), array(&report).len(), "no two are the same");
        assert!(prints.into_iter().eq(wanted.iter().map(String::as_str)));
    }
    let severities: BTreeSet<String> = array(&hold("gitlab", &example("conflicts")))
        .iter()
        .map(|it| format!("{} {}", it["check_name"].as_str().unwrap(), it["severity"].as_str().unwrap()))
        .collect();
    assert!(severities.contains("ORD0302 blocker") && severities.contains("ORD0301 major"), "{severities:?}");
}

#[test]
fn rdjson_counts_columns_in_bytes() {
    for (folder, _keep) in corpus() {
        let report = hold("rdjson", &folder);
        let open = all(&found(&folder)).into_iter().filter(|(_, _, open)| *open).count();
        assert_eq!(array(&report["diagnostics"]).len(), open);
    }
    // Before `b` stand `é` and `𝄞`, six bytes, and nine that take one each.
    let folder = workspace(&[("a.ordain", "fact a : string\nlet c = \"\u{e9}\u{1d11e}\" == b\n")]);
    let column = |format: &str, at: &str| {
        check(folder.path(), &[&format!("--format={format}")]).json().pointer(at).unwrap().as_u64().unwrap()
    };
    let bytes = column("rdjson", "/diagnostics/0/location/range/start/column");
    let characters = column("json", "/diagnostics/0/at/column");
    assert_eq!((characters, bytes), (17, 21));
}

#[test]
fn json_lines_are_the_parts_of_the_json() {
    for (folder, _keep) in corpus() {
        let json = found(&folder);
        let shown = check(&folder, &["--format=json-lines"]).stdout;
        let lines: Vec<Value> = shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of = |kind: &str| -> Vec<Value> {
            let mut lines: Vec<Value> = lines.iter().filter(|line| line["kind"] == kind).cloned().collect();
            for line in &mut lines {
                line.as_object_mut().unwrap().remove("kind");
            }
            lines
        };
        assert_eq!(Value::from(of("diagnostic")), json["diagnostics"]);
        assert_eq!(Value::from(of("conflict")), json["conflicts"]);
        assert_eq!(of("summary"), [json["summary"].clone()]);
        assert_eq!(lines.last().unwrap()["kind"], "summary");
    }
}

/// Level, properties and message.
type Command = (String, Vec<(String, String)>, String);

/// A workflow command as GitHub's runner reads it.
fn command(line: &str) -> Option<Command> {
    let (head, message) = line.strip_prefix("::")?.split_once("::")?;
    let (level, properties) = head.split_once(' ').unwrap_or((head, ""));
    let plain = |text: &str| {
        let text = text.replace("%0A", "\n").replace("%0D", "\r");
        text.replace("%3A", ":").replace("%2C", ",").replace("%25", "%")
    };
    let pairs = properties.split(',').filter_map(|pair| pair.split_once('='));
    let pairs = pairs.map(|(key, value)| (key.to_owned(), plain(value))).collect();
    Some((level.to_owned(), pairs, plain(message)))
}

#[test]
fn github_gets_annotations_that_it_shows_and_a_log_of_the_rest() {
    for (folder, _keep) in corpus() {
        let shown = check(&folder, &["--format=github"]).stdout;
        let open = all(&found(&folder)).into_iter().filter(|(_, _, open)| *open).count();
        let commands: Vec<_> = shown.lines().filter_map(command).collect();
        let of = |level: &str| commands.iter().filter(|(it, ..)| it == level).count();
        let folded = of("group") > 0;
        for level in ["error", "warning", "notice"] {
            assert!(of(level) <= 10, "GitHub shows ten of a level: {shown}");
        }
        let annotated = commands
            .iter()
            .filter(|(_, properties, _)| properties.iter().any(|(key, _)| key == "file"))
            .count();
        assert!(folded == (annotated < open), "{shown}");
        let logged = shown
            .split_once("::group::")
            .map_or(0, |(_, rest)| rest.split("::endgroup::").next().unwrap().lines().count() - 1);
        assert_eq!(annotated + logged, open, "{shown}");
        assert!(of("group") == of("endgroup"));
        for (_, properties, message) in &commands {
            for (key, value) in properties {
                match key.as_str() {
                    "file" => assert!(!value.starts_with('/'), "{value}"),
                    "line" | "endLine" | "col" | "endColumn" => assert!(value.parse::<u32>().unwrap() > 0),
                    "title" => assert!(value.starts_with("ORD") || value == "ordain", "{value}"),
                    other => panic!("`{other}` is no property: {message}"),
                }
            }
        }
    }
    let odd = &corpus()[0];
    let shown = check(&odd.0, &["--format=github"]).stdout;
    let files: Vec<_> = shown.lines().filter_map(command).flat_map(|(_, properties, _)| properties).collect();
    assert!(files.iter().any(|(_, value)| value.ends_with("broken.ordain")), "{files:?}");
}

#[test]
fn paths_lead_from_the_repository() {
    let folder = workspace(&[
        (".git/HEAD", ""),
        ("teams/a/ordain.yaml", "name: a\ndependencies: [../b]\n"),
        (
            "teams/a/a.ordain",
            "package a\nuse b.strict\nuse std.facts.*\nlet idle = run.attended\n\
             rule mild { type safety enforce audit scope global }\n",
        ),
        ("teams/b/ordain.yaml", "name: b\n"),
        ("teams/b/b.ordain", "package b\nrule strict { type safety enforce block scope global }\n"),
    ]);
    let at = folder.path().join("teams/a");
    let shown = check(&at, &["--format=concise"]).expect_code(0).stdout;
    let files: Vec<&str> =
        shown.lines().filter_map(|line| line.split_once(".ordain:")).map(|it| it.0).collect();
    assert_eq!(files, ["teams/a/a", "teams/b/b"], "{shown}");
}

#[test]
fn markdown_sums_up_and_stays_below_what_a_comment_may_have() {
    for (folder, _keep) in corpus() {
        let json = found(&folder);
        let run = check(&folder, &["--format=markdown"]);
        let open = all(&json).into_iter().filter(|(_, _, open)| *open).count();
        let verdict =
            if run.code == Some(0) { "## `ordain check` passes\n" } else { "## `ordain check` fails\n" };
        assert!(run.stdout.starts_with(verdict), "{}", run.stdout);
        let rows = run
            .stdout
            .lines()
            .filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse::<usize>().ok());
        assert_eq!(rows.sum::<usize>(), open, "{}", run.stdout);
        // The reader sees text and code, and no tag or link of ours or of the policies.
        for event in Parser::new_ext(&run.stdout, Options::ENABLE_TABLES) {
            let bad = matches!(
                event,
                Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::Link { .. } | Tag::Image { .. })
            );
            assert!(!bad, "{event:?} in {}", run.stdout);
        }
    }
}

#[test]
fn markdown_says_what_it_leaves_out() {
    // Of each pair of packages one group.
    let mut files = vec![("ordain.yaml".to_owned(), "name: many\n".to_owned())];
    for number in 0..260 {
        let name = format!("a-package-with-a-name-so-long-that-not-very-many-of-them-fit-a-comment-{number}");
        let rule = |name: &str, mode: &str| {
            format!("rule {name} {{ type safety enforce {mode} scope project a/team-{number} }}\n")
        };
        let text = format!("package {name}\n{}{}", rule("one", "block"), rule("two", "audit"));
        files.push((format!("{name}.ordain"), text));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let folder = workspace(&files);
    let shown = check(folder.path(), &["--format=markdown"]).expect_code(0).stdout;
    assert!(shown.len() < 65_536 && shown.len() > 50_000, "{}", shown.len());
    let listed = shown.matches("\n### ").count();
    let left = 260 - listed;
    let last = format!("{left} findings in {left} groups left out here; `ordain check` shows all.");
    assert_eq!(shown.lines().last(), Some(last.as_str()));
}
