//! One mistake each, and what is said about it.

use std::fmt::Write as _;

use ordain_compiler::compile_str;
use ordain_ir::{Diagnostic, Label};

/// Facts and policies for the mistakes to refer to.
const GROUND: &str = "package p
use std.facts.*
fact ticket.id : string optional
fact spend : money USD in 0..100
fact age : int in 0..150
fact pace : decimal(2)
fact wait : duration
fact flag : bool
fact class : enum { public, internal, pii }
rule base { type safety enforce block scope global }
limit cap { type runs_daily at most 5 enforce block scope global }
let near = class == pii
let here = tenant acme except project acme/x
";

fn render(text: &str, diagnostic: &Diagnostic) -> String {
    let mut out = String::new();
    let place = |label: &Label| {
        let source = if label.file == "p/a.ordain" { text } else { "" };
        let quoted = source.get(label.span.range()).unwrap_or("?");
        let remark = if label.text.is_empty() { String::new() } else { format!(" ({})", label.text) };
        format!("‹{}›{remark}", quoted.replace('\n', "⏎"))
    };
    let _ = write!(out, "{} {}", diagnostic.code, diagnostic.message);
    if let Some(label) = &diagnostic.primary {
        let _ = write!(out, "\n    at {}", place(label));
    }
    for label in &diagnostic.secondary {
        let _ = write!(out, "\n    and {}", place(label));
    }
    for note in &diagnostic.notes {
        let _ = write!(out, "\n    note: {note}");
    }
    if let Some(help) = &diagnostic.help {
        let _ = write!(out, "\n    help: {help}");
    }
    for fix in &diagnostic.fixes {
        let _ =
            write!(out, "\n    fix: {} ({:?} -> {:?})", fix.title, &text[fix.span.range()], fix.replacement);
    }
    out
}

/// Compiles the ground and one more item, and says what is wrong.
fn said(item: &str) -> String {
    let text = format!("{GROUND}{item}\n");
    let other = "package q\nlet far = class == pii\nfact class : enum { public, internal, pii }\nrule other { type safety enforce block scope global }\n";
    let compiled = compile_str(&[("p/a.ordain", &text), ("q/b.ordain", other)]);
    compiled.diagnostics.iter().map(|it| render(&text, it)).collect::<Vec<_>>().join("\n")
}

fn table<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let parts = items.into_iter().map(|item| ["=== ", item, "\n", &said(item), "\n"].concat());
    parts.collect::<Vec<_>>().concat()
}

#[test]
fn the_ground_is_clean() {
    assert_eq!(said(""), "");
}

#[test]
fn syntax() {
    insta::assert_snapshot!(table([
        "rule x { type safety enforce block scope global",
        "rule { type safety enforce block scope global }",
        "rule x type safety enforce block scope global }",
        "rule active { type safety enforce block scope global }",
        "rule x { type enforce block scope global }",
        "rule x { type safety enforce 5 scope global }",
        "rule x { type safety; enforce block scope global }",
        "rule x { type safety prioriti 5 enforce block scope global }",
        "rule x {\n type safety\n colour red\n enforce block scope global }",
        "rule x { type safety enforce block scope tenant }",
        "rule x { type safety enforce block scope tenant acme/ }",
        "rule x { type safety enforce block scope global when }",
        "rule x { type safety enforce block scope global when flag and }",
        "rule x { type safety enforce block scope global when (flag and near }",
        "rule x { type safety enforce block scope global when flag) }",
        "rule x { type safety enforce block scope global when age == }",
        "rule x { type safety enforce block scope global when age = 5 }",
        "rule x { type safety enforce block scope global when flag && !near }",
        "rule x { type safety enforce block scope global when 1 < age < 5 }",
        "rule x { type safety enforce block scope global when class in pii, public }",
        "rule x { type safety enforce block scope global when class in { pii, public }",
        "rule x { type safety enforce block scope global when tool.name starts \"a\" }",
        "rule x { type safety enforce block scope global when age / 2 > 5 }",
        "rule x { type safety enforce block scope global when any tool.name }",
        "rule x { type safety enforce block scope global when tool.name == \"a }",
        "rule x { type safety enforce block scope global when tool.name == \"\\d\" }",
        "rule x { type safety enforce block scope global active monday }",
        "rule x { type safety enforce block scope global active mon 9 .. 17 }",
        "limit x { type runs_daily at 5 enforce block scope global }",
        "limit x { type runs_daily at most enforce block scope global }",
        "limit x { type runs_daily at most 5 enforce block scope global warn at 85% }",
        "limit x { type runs_daily at most 85% enforce block scope global }",
        "rule x { type safety enforce block scope global } }",
        "rul x { type safety enforce block scope global }",
        "fact x bool",
        "fact x :",
        "fact x : set of string",
        "let x",
        "let x = ",
        "use",
        "template t(a: project) { limit hard { type runs_daily at most 5 enforce block scope global } }",
        "meter emails : count",
        "test \"x\" { expect block }",
        "require coverage safety for tool.name in { \"export\" } in tenant acme",
        "hello world",
    ]));
}

#[test]
fn names() {
    insta::assert_snapshot!(table([
        "use nowhere.*",
        "use std.fact.*",
        "use std.facts",
        "use std.facts.run.rsik",
        "let x = run.rsik > 0.5",
        "let x = far",
        "let x = q.far\nlet y = q.fra",
        "let x = base",
        "let x = age-5 > 3",
        "let near = flag",
        "rule base { type safety enforce block scope global }",
        "fact age : string",
        "fact age : int in 0..150",
        "let a = b\nlet b = not a",
        "let a = a",
        "let a = tenant x except b\nlet b = a",
        "rule x { type safety enforce block scope global depends on bsae }",
        "rule x { type safety enforce block scope global depends on other }",
        "rule x { type safety enforce block scope global overrides cap }",
        "rule x { type safety enforce block scope global overrides near }",
        "rule x { type safety enforce block scope global overrides x }",
        "rule x { type safety enforce block scope global overrides y }\nrule y { type safety enforce warn scope global overrides z }\nrule z { type safety enforce audit scope global overrides x }",
        "rule x { type safety enforce block scope global depends on y }\nrule y { type safety enforce block scope global depends on x }",
        "limit x { type runs_daily at most 5 enforce block scope global when rule cap }",
    ]));
}

#[test]
fn types() {
    insta::assert_snapshot!(table([
        "let x = age > \"five\"",
        "let x = age > 5 USD",
        "let x = spend > 5",
        "let x = spend > 5 EUR",
        "let x = wait > 30",
        "let x = spend + age > 5 USD",
        "let x = age * age > 5",
        "let x = age * spend > 5 USD",
        "let x = spend * 5 USD > 5 USD",
        "let x = age and flag",
        "let x = not tool.name",
        "let x = class == secret",
        "let x = class == publik",
        "let x = class < pii",
        "let x = class in { pii, private }",
        "let x = tool.name in { export }",
        "let x = tool.name == export",
        "let x = tool.name < \"b\"",
        "let x = tool.name == model.name",
        "let x = flag == near",
        "let x = ticket.id == \"a\"",
        "let x = ticket.id == \"a\" and has ticket.id",
        "let x = has ticket.id or ticket.id == \"a\"",
        "let x = has age",
        "let x = age > 151",
        "let x = run.risk > 70",
        "let x = spend == 100.01 USD",
        "let x = pace > 92_233_720_368_547_758.07",
        "let x = pace > 99_999_999_999_999_999_999",
        "let x = age > 5x",
        "let x = wait > 30min",
        "let x = tool.name matches \"(\"",
        "let x = tool.name matches \"a{100000}\"",
        "let x = tool.name like \"a\\\\\"",
        "let x = age like \"a\"",
        "let x = class like \"a\"",
        "let x = here",
        "let x = here and flag",
        "fact x : sting",
        "fact x : decimal",
        "fact x : decimal(12)",
        "fact x : money",
        "fact x : enum { a, b, a }",
        "fact x : bool in 0..1",
        "fact x : int in 5..1",
        "fact x : int in 0..1.5",
        "fact x : money USD in 0 EUR..5 EUR",
        "fact x : duration in 0..5",
        "fact x : int optional optional",
    ]));
}

#[test]
fn clauses() {
    insta::assert_snapshot!(table([
        "rule x { }",
        "limit x { type runs_daily enforce block scope global }",
        "rule x { type safty enforce block scope global }",
        "rule x { type tokens_daily enforce block scope global }",
        "rule x { type safety enforce queue scope global }",
        "rule x { type safety type ethical enforce block scope global }",
        "rule x { type safety enforce block scope global per agent }",
        "rule x { type safety enforce block scope global at most 5 }",
        "rule x { type safety enforce block scope global when rule base }",
        "rule x { type safety enforce block scope global priority 1.5 }",
        "rule x { type safety enforce block scope global priority 99_999_999_999_999_999_999 }",
        "rule x { type safety enforce block scope global status gone }",
        "limit x { type runs_dayly at most 5 enforce block scope global }",
        "limit x { type runs_daily at most 5 at least 1 enforce block scope global }",
        "limit x { type runs_daily at most 5 USD enforce block scope global }",
        "limit x { type runs_daily at most 0.5 enforce block scope global }",
        "limit x { type cost_daily at most 5 enforce block scope global }",
        "limit x { type cooldown at least 30 enforce block scope global }",
        "limit x { type cooldown at most 30s enforce block scope global }",
        "limit x { type risk_ceiling at most 70 enforce block scope global }",
        "limit x { type risk_ceiling at most 0.7 enforce block scope global per agent }",
        "limit x { type runs_daily at most -5 enforce block scope global }",
        "limit x { type runs_daily at most 5 enforce block scope global per team }",
        "limit x { type runs_daily at most 5 enforce block scope global priority 5 }",
    ]));
}

#[test]
fn scopes_and_windows() {
    let rule = |rest: &str| format!("rule x {{ type safety enforce block {rest} }}");
    let items = [
        "scope acme",
        "scope acme/support",
        "scope tenant acme/support",
        "scope project acme",
        "scope tenant acme, project acme/x",
        "scope global, tenant acme",
        "scope provider openai",
        "scope tenant \"\"",
        "scope near",
        "scope age",
        "scope tenant acme except tenant acme",
        "scope here, tenant other",
        "scope tenant acme except here",
        "scope global active mon..fri 09:00 .. 17:00 in Europe/Berlni",
        "scope global active 09:00 .. 17:00 in Berlin",
        "scope global active mon 25:00 .. 26:00",
        "scope global active 24:00 .. 08:00",
        "scope global active tues 09:00 .. 17:00",
        "scope global active from 2026-02-30",
        "scope global active from 2026-03-01T08:00:00",
        "scope global active from 2026-13-01T08:00:00Z",
        "scope global active from 9999-01-01",
        "scope global active from 2026-03-01 until 2026-03-01",
        "scope global active in UTC in UTC 09:00 .. 10:00",
        "scope global active from 2026-01-01 from 2026-02-01",
    ]
    .map(rule);
    insta::assert_snapshot!(table(items.iter().map(String::as_str)));
}
