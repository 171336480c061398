//! Comments between any two tokens: each is kept, and documents what it documented.

use ordain_grammar::ast::{File, Item};
use ordain_grammar::{TokenKind, parse, tokens};
use proptest::prelude::*;
use proptest::sample::Index;

use super::corpus::{CORPUS, EVERYTHING};
use super::surface::checked;

/// What is put between two tokens.
const INSERTIONS: [&str; 6] =
    [" // behind\n", "\n/// documentation\n", "\n\n// apart\n\n", "\n// above\n", " /// behind\n", "\n\n\n"];

/// The bytes before which tokens start.
fn places(text: &str) -> Vec<usize> {
    tokens(text).iter().map(|token| token.span.range().start).chain([text.len()]).collect()
}

/// The text with these in it; the places are counted in the text as it was.
fn with(text: &str, insertions: &[(usize, &str)]) -> String {
    let mut insertions = insertions.to_vec();
    insertions.sort_by_key(|(at, _)| *at);
    let mut out = String::new();
    let mut from = 0;
    for (at, insertion) in insertions {
        out.push_str(&text[from..at]);
        out.push_str(insertion);
        from = at;
    }
    out + &text[from..]
}

/// The items of a file, each with the comments above it.
fn items(text: &str) -> Vec<&str> {
    let File { items } = parse(text).file;
    let ends: Vec<usize> = items.iter().map(Item::span).map(|span| span.range().end).collect();
    ends.iter().scan(0, |from, end| Some(&text[std::mem::replace(from, *end)..*end])).collect()
}

#[test]
fn one_anywhere() {
    let (mut tried, mut turn) = (0, 0);
    for item in items(EVERYTHING) {
        for place in places(item) {
            // One after the other; each meets each kind of place.
            turn += 1;
            let text = with(item, &[(place, INSERTIONS[turn % INSERTIONS.len()])]);
            // Paths, names and numbers can't be interrupted.
            if parse(&text).errors.is_empty() {
                tried += 1;
                checked(&text);
            }
        }
    }
    assert!(tried > 800, "only {tried} were possible");
}

fn insertion() -> impl Strategy<Value = (Index, &'static str)> {
    (any::<Index>(), proptest::sample::select(&INSERTIONS[..]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn several_anywhere(
        file in any::<Index>(),
        insertions in prop::collection::vec(insertion(), 1..8),
        only_blanks in any::<bool>(),
    ) {
        let (_, text) = file.get(&CORPUS);
        let blank = |token: &&ordain_grammar::Token| !only_blanks || token.kind == TokenKind::Space;
        let places: Vec<usize> = tokens(text).iter().filter(blank).map(|token| token.span.range().start).collect();
        prop_assume!(!places.is_empty());
        let insertions: Vec<(usize, &str)> =
            insertions.iter().map(|(at, insertion)| (*at.get(&places), *insertion)).collect();
        let text = with(text, &insertions);
        prop_assume!(parse(&text).errors.is_empty());
        checked(&text);
    }
}
