//! `ordain.yaml`: what it may say, and that its published schema says the same.

mod support;

use std::fs;

use ordain_compiler::workspace::{MANIFEST, load, settings};
use ordain_ir::{ConflictSeverity, ConflictType, Settings};
use serde_json::Value;
use support::render_all;

const SCHEMA: &str = include_str!("../../docs/ordain.schema.json");

fn schema() -> Value {
    serde_json::from_str(SCHEMA).expect("the schema is JSON")
}

/// What the reader says of a manifest: nothing where it is fine.
fn said(text: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["main", "other", "main/policies", "main/a.b"] {
        fs::create_dir_all(folder.path().join(name)).expect("it can be made");
    }
    fs::write(folder.path().join("other").join(MANIFEST), "").expect("it can be written");
    fs::write(folder.path().join("main").join(MANIFEST), text).expect("it can be written");
    match load(&folder.path().join("main")) {
        Ok(loaded) => render_all(&[(MANIFEST, text)], &loaded.problems),
        Err(problems) => render_all(&[(MANIFEST, text)], &problems),
    }
}

fn fits_schema(text: &str) -> bool {
    let value: Value = serde_yaml::from_str(text).expect("it is YAML");
    let validator =
        jsonschema::options().should_validate_formats(true).build(&schema()).expect("the schema is one");
    validator.is_valid(&value)
}

#[test]
fn schema_and_reader_know_the_same_settings() {
    let schema = schema();
    let keys = |value: &Value| {
        let mut keys: Vec<String> =
            value.as_object().expect("an object").keys().map(ToString::to_string).collect();
        keys.sort();
        keys
    };
    let sorted = |mut names: Vec<&str>| {
        names.sort_unstable();
        names.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(keys(&schema["properties"]), sorted(settings().to_vec()));
    assert_eq!(keys(&schema["properties"]["horizon"]["properties"]), ["from", "until"]);
    let words = |value: &Value| {
        let words = value.as_array().expect("a list").iter().filter_map(Value::as_str);
        sorted(words.collect())
    };
    let severity = &schema["properties"]["severity"];
    assert_eq!(
        words(&severity["propertyNames"]["enum"]),
        sorted(ConflictType::ALL.iter().map(|it| it.as_str()).collect())
    );
    assert_eq!(
        words(&severity["additionalProperties"]["enum"]),
        sorted(ConflictSeverity::ALL.iter().map(|it| it.as_str()).collect())
    );
    let defaults = Settings::default();
    assert_eq!(schema["properties"]["solver_bound"]["default"], defaults.solver_bound);
    // Every setting says what it is for, and its examples and defaults are read.
    for (key, value) in schema["properties"].as_object().expect("an object") {
        assert!(value["description"].is_string(), "{key}");
        let examples = value["examples"].as_array().cloned().unwrap_or_default();
        for example in examples.into_iter().chain(value.get("default").cloned()) {
            let text =
                serde_yaml::to_string(&serde_json::json!({ key: example })).expect("it can be written");
            let expected = if key == "dependencies" && text.contains("platform") {
                "the dependency `../platform` does not exist"
            } else {
                ""
            };
            assert!(said(&text).contains(expected), "{text}");
            assert_eq!(said(&text).is_empty(), expected.is_empty(), "{text}");
            assert!(fits_schema(&text), "{text}");
        }
    }
}

/// Manifests that schema and reader take alike, or refuse alike.
#[test]
fn schema_and_reader_agree() {
    for text in [
        "",
        "# nothing\n",
        "name: w\nlanguage: \"1\"\nsources: [policies, .]\ndependencies: [../other]\n",
        "language: 1\n",
        "sources: []\nseverity: {}\n",
        "sources: [a.b]\n",
        "severity:\n  SCOPE_OVERLAP: BLOCKING\n  TEMPORAL_CONFLICT: WARNING\n",
        "agents: [acme/support/mailer, acme/s*, globex]\nproviders: [openai, azure-*]\n",
        "solver_bound: 4294967295\nhorizon:\n  from: 2026-01-01\n  until: 2026-01-02\n",
    ] {
        assert_eq!(said(text), "", "{text}");
        assert!(fits_schema(text), "{text}");
    }
    let wrong = [
        "nam: w\n",
        "name: \"\"\n",
        "name: [w]\n",
        "language: 2\n",
        "language: \"1.0\"\n",
        "language: true\n",
        "sources: policies\n",
        "sources: [/policies]\n",
        "sources: [policies/../..]\n",
        "sources: [5]\n",
        "dependencies: ../other\n",
        "dependencies: [/other]\n",
        "dependencies: [\"C:/other\"]\n",
        "dependencies: [\" \"]\n",
        "dependencies: [../other, ../other]\n",
        "severity:\n  SCOPE_OVERLAP: FATAL\n",
        "severity:\n  SCOPE_OVERLAPS: WARNING\n",
        "severity: [SCOPE_OVERLAP]\n",
        "solver_bound: 0\n",
        "solver_bound: 4294967296\n",
        "solver_bound: many\n",
        "fail: SOFTLY\n",
        "fail: [OPEN]\n",
        "agents: acme\n",
        "agents: []\n",
        "agents: [acme/support/mailer/x]\n",
        "agents: [acme//mailer]\n",
        "providers: []\n",
        "providers: [\"\"]\n",
        "provider: [openai]\n",
        "horizon: 2026-01-01\n",
        "horizon:\n  from: 2026-01-01\n",
        "horizon:\n  from: 2026-01-01\n  until: 2026-02-30\n",
        "horizon:\n  from: 2026-01-01\n  to: 2026-02-20\n",
    ];
    let mut out = String::new();
    for text in wrong {
        let said = said(text);
        assert_ne!(said, "", "{text}");
        assert!(!fits_schema(text), "{text}");
        for part in ["=== ", text, &said, "\n"] {
            out.push_str(part);
        }
    }
    // What no schema can tell.
    for text in [
        "horizon:\n  from: 2026-01-02\n  until: 2026-01-01\n",
        "name: a\nname: b\n",
        "name: a\n  language: 1\n",
        "- name\n",
        "name: \"a\n",
        "dependencies: [../nowhere]\n",
        "sources: [nowhere]\n",
    ] {
        for part in ["=== ", text, &said(text), "\n"] {
            out.push_str(part);
        }
    }
    insta::assert_snapshot!(out);
}

#[test]
fn the_examples_fit_the_schema() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut seen = 0;
    for folder in ["examples", "stdlib-policies/tests"] {
        for entry in fs::read_dir(root.join(folder)).expect("it is part of the repository") {
            let path = entry.expect("it can be read").path().join(MANIFEST);
            if let Ok(text) = fs::read_to_string(&path) {
                assert!(fits_schema(&text), "{}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 3);
}
