//! The built language server, driven over its standard input and output as an editor does.

mod support;

#[path = "../../lsp/tests/wire/client.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod client;

use std::path::Path;
use std::process::{Child, Stdio};

use client::{Client, uri};
use serde_json::{Value, json};
use support::{ordain, workspace};

const SUPPORT: &str = "package acme.support\n\n\
    rule exports { type safety  enforce audit  scope tenant acme }\n";
const PLATFORM: &str = "package acme.platform\n\n\
    rule no-exports { type safety  enforce block  scope global }\n";

fn start(root: &Path) -> (Child, Client) {
    let mut server = ordain()
        .args(["lsp", "--stdio"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let (stdin, stdout) = (server.stdin.take().expect("piped"), server.stdout.take().expect("piped"));
    let mut client = Client::new(stdout, stdin);
    client.initialize(
        root,
        json!({ "textDocument": { "publishDiagnostics": { "relatedInformation": true } } }),
    );
    (server, client)
}

fn conflicts(client: &Client, path: &Path) -> Vec<Value> {
    let published = client.published.get(&uri(path)).map(|p| p.diagnostics.clone()).unwrap_or_default();
    published.into_iter().filter(|d| d["code"] == "ORD0301").collect()
}

#[test]
fn a_proved_conflict_shows_in_both_teams_files() {
    let folder = workspace(&[
        ("ordain.yaml", "name: acme\nlanguage: \"1\"\n"),
        ("support/exports.ordain", SUPPORT),
        ("platform/exports.ordain", PLATFORM),
    ]);
    let root = folder.path().canonicalize().unwrap();
    let (open, closed) = (root.join("platform/exports.ordain"), root.join("support/exports.ordain"));
    let (mut server, mut client) = start(&root);
    client.open(&open, 1, PLATFORM);
    client.wait("the conflict in both files", |client| {
        !conflicts(client, &open).is_empty() && !conflicts(client, &closed).is_empty()
    });
    let related = conflicts(&client, &open)[0]["relatedInformation"].to_string();
    assert!(related.contains("support/exports.ordain"), "{related}");

    client.replace(&open, 2, &PLATFORM.replace("block", "audit"));
    client.wait("the conflict's end", |client| {
        conflicts(client, &open).is_empty() && conflicts(client, &closed).is_empty()
    });
    client.call("shutdown", Value::Null).unwrap();
    client.notify("exit", Value::Null);
    assert_eq!(server.wait().unwrap().code(), Some(0));
}
