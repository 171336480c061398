//! `ordain test`, through the built binary.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

#[path = "../support/mod.rs"]
mod support;

mod coverage;
mod junit;
mod lcov;
mod results;

use std::path::Path;

use support::{Run, ordain, workspace};

/// Policies with tests that pass.
const SUPPORT: &str = r#"package acme.support

use std.facts.*

let sensitive = data.class in { pii, phi }

/// Customer data never leaves through export tools.
rule no-pii-export {
  type     safety
  enforce  block
  scope    project acme/support
  when     tool.name == "export" and sensitive
}

rule watch-exports {
  type     system
  enforce  audit
  scope    tenant acme
  when     tool.name == "export" or tool.name like "mail.*"
}

rule weekend {
  type     temporal
  enforce  warn
  scope    project acme/support
  active   sat..sun in UTC
}

limit daily-tokens {
  type     tokens_daily
  at most  1_000
  enforce  degrade
  scope    project acme/support
  per      agent
}

limit promised-runs {
  type      runs_daily
  at least  10
  enforce   reject
  scope     project acme/support
}

test "exporting personal data is blocked" {
  given   agent acme/support/mailer
          tool.name = "export", data.class = pii
  expect  block by no-pii-export not by watch-exports
}

test "exporting public data is recorded" {
  given   agent acme/support/mailer
          tool.name = "export", data.class = public
  expect  audit by watch-exports not by no-pii-export
}

test "beyond a day's tokens the model gets smaller" {
  given   agent acme/support/mailer at 2026-03-02T10:00:00Z
  uses    tokens = 200
  used    daily-tokens = 900
  expect  degrade by daily-tokens
}
"#;

/// Tests of another package, of which some fail.
const SALES: &str = r#"package acme.sales

use std.facts.*
use acme.support.no-pii-export
use acme.support.watch-exports

test "an export is blocked" {
  given   agent acme/support/mailer
          tool.name = "export"
  expect  block by no-pii-export not by watch-exports
}

test "nobody minds reading" {
  given   agent acme/sales/reader
          tool.name = "read"
  expect  allow
}

test "mail is nobody's business" {
  given   agent acme/sales/mailer
          tool.name = "mail.send"
  expect  allow not by watch-exports
  expect  audit not by watch-exports
}
"#;

const MANIFEST: (&str, &str) = ("ordain.yaml", "name: acme\n");

/// Runs the binary in a folder.
fn run_in(folder: &Path, args: &[&str]) -> Run {
    Run::of(ordain().args(args).current_dir(folder).output().expect("the binary starts"))
}

/// A workspace whose tests pass.
fn passing() -> tempfile::TempDir {
    workspace(&[MANIFEST, ("support/rules.ordain", SUPPORT)])
}

/// One with tests that fail, too.
fn failing() -> tempfile::TempDir {
    workspace(&[MANIFEST, ("support/rules.ordain", SUPPORT), ("sales/tests.ordain", SALES)])
}
