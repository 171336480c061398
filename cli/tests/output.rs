//! What `check` writes: JSON that fits its schema, and carets that stand under the right characters.

mod support;

use serde_json::Value;
use support::{example, root, run, workspace};

#[test]
fn json_fits_the_published_schema() {
    let schema: Value =
        serde_json::from_slice(&std::fs::read(root().join("docs/check.schema.json")).unwrap()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let broken = workspace(&[(
        "a.ordain",
        "use std.facts.*\nrule r { type safety enforce block scope global when tool.nam == \"x\" }\nrule { }\n",
    )]);
    // Times are in it only if they are asked for.
    let timed =
        run([&"check".into(), &example("acme"), &"--format=json".into(), &"--statistics".into()]).json();
    assert!(schema.is_valid(&timed) && timed["summary"]["microseconds"].is_object(), "{timed:#}");
    let folders = [example("acme"), example("conflicts"), example("audit-14-7"), broken.path().to_owned()];
    for folder in folders {
        let found = run([&"check".into(), &folder, &"--format=json".into()]).json();
        let wrong: Vec<String> =
            schema.iter_errors(&found).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "{}: {wrong:#?}", folder.display());
    }
    // The schema can refuse.
    let mut found = run([&"check".into(), &example("conflicts"), &"--format=json".into()]).json();
    found["conflicts"][0]["certainty"] = "suspected".into();
    assert!(!schema.is_valid(&found), "BLOCKING must imply proved");
}

/// The column at which `needle` begins in a terminal, by characters (all of them one column wide here).
fn column(line: &str, needle: char) -> usize {
    line.chars().position(|c| c == needle).unwrap_or_else(|| panic!("no `{needle}` in `{line}`"))
}

#[test]
fn carets_and_columns_count_characters_not_bytes() {
    // `é` has two bytes, `𝄞` four (and two UTF-16 units); both are one column wide.
    let rule = "rule é-𝄞 { type safety }";
    let text = format!("fact a : string\nfact b : bool\nlet c = a == \"é𝄞é\" and bb\n// {rule}\n");
    let folder = workspace(&[("é/a.ordain", &text)]);
    let path = folder.path().to_owned();
    let drawn = run([&"check".into(), &path]).expect_code(1).stdout;
    let lines: Vec<&str> = drawn.lines().collect();
    let at = lines.iter().position(|line| line.contains("let c =")).unwrap_or_else(|| panic!("{drawn}"));
    let target = lines[at].chars().collect::<Vec<_>>().windows(2).position(|w| w == ['b', 'b']).unwrap();
    assert_eq!(column(lines[at + 1], if lines[at + 1].contains('─') { '─' } else { '┬' }), target, "{drawn}");

    let found = run([&"check".into(), &path, &"--format=json".into()]).json();
    let place = &found["diagnostics"][0]["at"];
    assert_eq!((&place["line"], &place["column"]), (&3.into(), &24.into()), "{found:#}");
    assert_eq!(place["file"], "é/a.ordain");
}
