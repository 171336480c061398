//! One mistake each, and what is said about it.

/// Compares what is said about each item with what was said before.
macro_rules! assert_said {
    ($items:expr) => {
        insta::with_settings!({ omit_expression => true }, {
            insta::assert_snapshot!(crate::table($items));
        })
    };
}

mod conditions;
mod policies;
mod statements;
mod syntax;

use std::fmt::Write as _;

use ordain_compiler::compile_str;
use ordain_ir::{Diagnostic, Label};

/// Facts and policies for the mistakes to refer to.
const GROUND: &str = "package p
use std.facts.*
fact ticket.id : string optional
fact spend : money USD in 0..100
fact euros : money EUR
fact age : int in 0..150
fact pace : decimal(2)
fact wait : duration
fact flag : bool
fact class : enum { public, internal, pii }
fact labels : set of string optional
fact kinds : set of enum { mail, chat, all }
fact ports : set of int in 1..65_535
fact prices : set of money USD
meter emails : count
meter fees : money EUR
rule base { type safety enforce block scope global }
limit cap { type runs_daily at most 5 enforce block scope global }
limit announced { type runs_weekly at most 5 enforce block scope global warn at 80% }
let near = class == pii
let here = tenant acme except project acme/x
let risky = { \"delete\", \"drop\" }
let full = 400 USD
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

/// What is wrong with a text beside another file.
fn diagnostics(text: &str) -> Vec<Diagnostic> {
    let other = "package q
let far = class == pii
fact class : enum { public, internal, pii }
meter letters : count
rule other { type safety enforce block scope global }
";
    compile_str(&[("p/a.ordain", text), ("q/b.ordain", other)]).diagnostics
}

/// Compiles the ground and one more item, and says what is wrong. Whoever follows advice gets rid of a mistake.
fn said(item: &str) -> String {
    let text = format!("{GROUND}{item}\n");
    let found = diagnostics(&text);
    for it in &found {
        for fix in it.fixes.iter().filter(|fix| fix.file == "p/a.ordain") {
            let mut mended = text.clone();
            mended.replace_range(fix.span.range(), &fix.replacement);
            let left = diagnostics(&mended);
            let same = left.iter().any(|left| (&left.code, &left.message) == (&it.code, &it.message));
            assert!(!same, "{item}\n{} leaves {left:#?}", fix.title);
        }
    }
    found.iter().map(|it| render(&text, it)).collect::<Vec<_>>().join("\n")
}

fn table<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let parts = items.into_iter().map(|item| ["=== ", item, "\n", &said(item), "\n"].concat());
    parts.collect::<Vec<_>>().concat()
}

#[test]
fn the_ground_is_clean() {
    assert_eq!(said(""), "");
}
