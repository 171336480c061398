//! What is said about mistakes, one by one. `messages.txt` holds texts, each after `> `, and below each what is said about
//! it. `⏎` is a line break, `‹200b›` a character that can't be seen.
//!
//! `ORDAIN_BLESS=1 cargo test -p ordain-grammar --test messages` writes it anew, to be read before it is committed.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

use std::fmt::Write as _;
use std::path::Path;

use ordain_grammar::{SyntaxError, parse};

fn hide(text: &str) -> String {
    let mut out = text.replace('⏎', "\n");
    while let Some((before, after)) = out.split_once('‹') {
        let (code, after) = after.split_once('›').unwrap();
        let hidden = char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap();
        out = format!("{before}{hidden}{after}");
    }
    out
}

fn show(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' => "⏎".to_owned(),
        c if c.is_control() || matches!(c, '\u{200b}' | '\u{202e}' | '\u{feff}') => {
            format!("‹{:x}›", u32::from(c))
        }
        c => c.to_string(),
    };
    text.chars().map(shown).collect()
}

fn said(text: &str, error: &SyntaxError, out: &mut String) {
    writeln!(out, "{} `{}`: {}", error.code, show(&text[error.span.range()]), error.message).unwrap();
    if let Some((span, remark)) = &error.secondary {
        writeln!(out, "    `{}`: {remark}", &text[span.range()]).unwrap();
    }
    if let Some(help) = &error.help {
        writeln!(out, "    help: {help}").unwrap();
    }
    if let Some((title, span, by)) = &error.fix {
        let mended = [&text[..span.range().start], by, &text[span.range().end..]].concat();
        writeln!(out, "    {title}: {}", show(&mended)).unwrap();
    }
}

#[test]
fn mistakes_are_told_in_these_words() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages.txt");
    let committed = std::fs::read_to_string(&path).unwrap();
    let mut written = String::new();
    for line in committed.lines() {
        if line.is_empty() || line.starts_with('#') {
            writeln!(written, "{line}").unwrap();
        } else if let Some(text) = line.strip_prefix("> ") {
            writeln!(written, "{line}").unwrap();
            let text = hide(text);
            let read = parse(&text);
            for error in read.errors.iter().chain(&read.warnings) {
                said(&text, error, &mut written);
            }
        }
    }
    if std::env::var_os("ORDAIN_BLESS").is_some() {
        std::fs::write(&path, &written).unwrap();
    }
    assert!(committed == written || std::env::var_os("ORDAIN_BLESS").is_some(), "{written}");
}

/// What mends one mistake leaves none.
#[test]
fn fixes_mend() {
    let texts =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages.txt")).unwrap();
    let mut mended = 0;
    for text in texts.lines().filter_map(|line| line.strip_prefix("> ")) {
        let text = hide(text);
        let read = parse(&text);
        let all = read.errors.len() + read.warnings.len();
        for error in read.errors.iter().chain(&read.warnings) {
            let Some((_, span, by)) = &error.fix else { continue };
            let fixed = [&text[..span.range().start], by, &text[span.range().end..]].concat();
            let read = parse(&fixed);
            assert!(
                read.errors.len() + read.warnings.len() < all,
                "{text:?} -> {fixed:?}: {:?}",
                read.errors
            );
            mended += 1;
        }
    }
    assert!(mended > 20, "{mended}");
}
