//! Malformed input of every kind gives one clear error and the right exit code, never a panic.

mod support;

use std::net::TcpListener;

use support::{example, ordain, run, run_with_input, workspace};

/// One error on the right stream, no panic, no bug report.
#[track_caller]
fn refused(result: &support::Run, code: i32, needle: &str) {
    let all = format!("{}{}", result.stdout, result.stderr);
    assert_eq!(result.code, Some(code), "{all}");
    assert!(all.contains(needle), "no `{needle}` in:\n{all}");
    assert!(!all.contains("panicked") && !all.contains("bug in ordain"), "{all}");
}

fn check(text: &[u8]) -> support::Run {
    let folder = workspace(&[]);
    std::fs::write(folder.path().join("p.ordain"), text).expect("a file");
    run([&"check".into(), &folder.path().to_owned()])
}

#[test]
fn invalid_utf8() {
    let result = check(b"package a\n// caf\xe9\n");
    refused(&result, 1, "not valid UTF-8");
    assert_eq!(result.stdout.matches("ORD0104").count(), 1, "{}", result.stdout);
}

#[test]
fn a_hundred_thousand_brackets() {
    for bracket in ["(", "{", "["] {
        let text = format!(
            "package a\nrule r {{ type safety enforce block scope global when {} }}",
            bracket.repeat(100_000)
        );
        let result = check(text.as_bytes());
        refused(&result, 1, "ORD010");
        assert_eq!(result.stdout.matches("ORD01").count(), 1, "{}", result.stdout);
    }
}

#[test]
fn odd_bytes_are_no_panic() {
    for text in [
        "\0",
        "\u{feff}package a",
        "\r",
        "package a\r\nrule",
        "\"",
        "/*",
        "rule r {",
        "𝄞",
        "limit l { at most",
    ] {
        let result = check(text.as_bytes());
        assert!(matches!(result.code, Some(0 | 1)), "{text:?}: {result:?}");
        assert!(!result.stderr.contains("panicked"), "{text:?}: {result:?}");
    }
}

#[test]
fn a_missing_path() {
    refused(&run(["check", "no/such/folder"]), 2, "`no/such/folder`");
    refused(&run(["inspect", "no/such/bundle"]), 2, "`no/such/bundle`");
    refused(&run(["eval", "no/such/bundle", "-"]), 2, "`no/such/bundle`");
}

#[test]
fn a_wrong_workspace_file() {
    let folder = workspace(&[("ordain.yaml", "name: x\nlanguage: \"1\"\nsorces: [a]\n")]);
    let result = run([&"check".into(), &folder.path().to_owned()]);
    refused(&result, 2, "sorces");
    refused(&result, 2, "sources");
}

#[test]
fn damaged_bundles() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b");
    run(&["build".into(), example("acme"), "-o".into(), path.clone()]).expect_code(0);
    let intact = std::fs::read(&path).unwrap();

    std::fs::write(&path, &intact[..intact.len() / 2]).unwrap();
    refused(&run([&"inspect".into(), &path]), 2, "damaged");
    std::fs::write(&path, &intact[..40]).unwrap();
    refused(&run([&"inspect".into(), &path]), 2, "truncated");
    for at in [0, 20, 90, intact.len() / 2, intact.len() - 1] {
        let mut flipped = intact.clone();
        flipped[at] ^= 4;
        std::fs::write(&path, &flipped).unwrap();
        let result = run([&"inspect".into(), &path]);
        assert_eq!(result.code, Some(2), "byte {at}: {result:?}");
        assert_eq!(result.stderr.lines().count(), 1, "byte {at}: {result:?}");
        // The database would be made where the server is started.
        let served = ordain().args(["serve", "--bundle"]).arg(&path).current_dir(folder.path()).output();
        let served = support::Run::of(served.expect("the binary starts"));
        assert_eq!(served.code, Some(2), "byte {at}: {served:?}");
    }
    std::fs::write(&path, "hello").unwrap();
    refused(&run([&"inspect".into(), &path]), 2, "no Ordain bundle");
}

#[test]
fn bad_requests() {
    let folder = example("acme");
    let eval = |text: &str| run_with_input(&["eval", folder.to_str().unwrap(), "-"], text);
    refused(&eval("{"), 2, "is no request");
    refused(&eval(r#"{"path":"acme","at":"2026-03-02T10:00:00Z"}"#), 2, "`acme` is no path");
    let unknown = r#"{"path":"a/b/c","at":"2026-03-02T10:00:00Z","facts":{"tool.nam":"x"}}"#;
    // Decided all the same, with what is wrong.
    let told = |text: &str, message: &str| {
        let run = eval(text).expect_code(1);
        assert!(run.stdout.contains(message), "{run:?}");
    };
    told(unknown, "at `facts.tool.nam`: unknown fact `tool.nam`\n    did you mean `tool.name`?");
    let wrong = r#"{"path":"a/b/c","at":"2026-03-02T10:00:00Z","facts":{"export.rows":-1}}"#;
    told(wrong, "at `facts.export.rows`: fact `export.rows` wants int");
    refused(&run(&["eval".into(), folder, "-".into(), "--expect=PERHAPS".into()]), 2, "one of ALLOW");
    let request = r#"{"path":"a/b/c","at":"2026-03-02T10:00:00Z"}"#;
    let only = run_with_input(&["eval", example("acme").to_str().unwrap(), "-", "--only=desk-runs"], request);
    refused(&only, 2, "did you mean `acme.support.desk-runs`");
}

#[test]
fn unknown_databases_and_busy_ports() {
    let bundle = example("audit-14-7");
    let serve = |database: &str, listen: &str| {
        run(&[
            "serve".into(),
            "--dev".into(),
            "--bundle".into(),
            bundle.clone(),
            "--database".into(),
            database.into(),
            "--listen".into(),
            listen.into(),
        ])
    };
    refused(&serve("mongodb://localhost", "127.0.0.1:0"), 2, "`mongodb://localhost` is no database");
    refused(&serve("sqlite:///no/such/folder/x.db", "127.0.0.1:0"), 2, "/no/such/folder/x.db");
    refused(&serve("postgres://u:secret@127.0.0.1:1/x", "127.0.0.1:0"), 2, "127.0.0.1:1");
    assert!(!serve("postgres://u:secret@127.0.0.1:1/x", "127.0.0.1:0").stderr.contains("secret"));

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let data = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", data.path().join("a.db").display());
    refused(&serve(&url, &format!("127.0.0.1:{port}")), 2, &format!("port {port} on 127.0.0.1 is in use"));
    refused(&serve(&url, "0.0.0.0:0"), 2, "other machines could reach 0.0.0.0:0");
}

#[test]
fn keys_of_nobody_for_nothing() {
    let data = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", data.path().join("a.db").display());
    let apikey = |arguments: &[&str]| run([&["apikey", "--database", &url], arguments].concat());
    refused(&apikey(&["create", "--role", "viewer"]), 2, "--human");
    refused(&apikey(&["create", "--human", "ada"]), 2, "--role");
    refused(&apikey(&["create", "--human", "ada", "--service", "x", "--role", "viewer"]), 2, "--service");
    refused(&apikey(&["create", "--human", "ada", "--role", "root"]), 2, "viewer, author, approver");
    refused(&apikey(&["create", "--human", "", "--role", "viewer"]), 2, "1 to 255 characters");
    refused(&apikey(&["create", "--human", "ada", "--role", "viewer", "--expires", "soon"]), 2, "`90d`");
    refused(&apikey(&["create", "--human", "ada", "--role", "viewer", "--expires=-1d"]), 2, "`90d`");
    refused(&apikey(&["revoke", "x"]), 2, "`x` is no key's id");
    let nobody = "00000000-0000-7000-8000-000000000000";
    refused(&apikey(&["revoke", nobody]), 2, "has no key");
    refused(&apikey(&["rotate", nobody]), 2, "has no key");
    refused(&apikey(&["list", "--tenant", ""]), 2, "--tenant: it is empty");
}

#[test]
fn a_bundle_with_blocking_conflicts_is_not_served() {
    let data = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", data.path().join("a.db").display());
    let refused_folder = run(&[
        "serve".into(),
        "--bundle".into(),
        example("conflicts"),
        "--database".into(),
        url.clone().into(),
    ]);
    refused(&refused_folder, 1, "BLOCKING");

    // A bundle that claims to be free of conflicts is not believed.
    let loaded = ordain_compiler::workspace::load(&example("conflicts")).unwrap();
    let mut db = ordain_compiler::Database::default();
    let workspace = loaded.open(&mut db);
    let bundle = ordain_compiler::bundle::assemble(&db, workspace, &ordain_ir::Report::default());
    let path = data.path().join("innocent.ordain-bundle");
    std::fs::write(&path, bundle.to_bytes().0).unwrap();
    let refused_bundle = run(&["serve".into(), "--bundle".into(), path, "--database".into(), url.into()]);
    refused(&refused_bundle, 1, "daily-floor");
}

#[test]
fn usage_errors() {
    refused(&run(["chek"]), 2, "check");
    refused(&run(["check", "--format=xml"]), 2, "json");
    refused(&run(["check", "--threads=0"]), 2, "threads");
}
