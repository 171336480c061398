//! Examples in the book are coloured by `docs/theme/ordain.js`, which knows the language's words.

use std::collections::BTreeSet;
use std::fs;

use super::support::root;

#[test]
fn the_book_colours_every_keyword() {
    let script = fs::read_to_string(root().join("docs/theme/ordain.js")).expect("it is there");
    let coloured: BTreeSet<&str> = script.split(['"', ' ', '\n']).collect();
    let plain: Vec<_> = ordain_grammar::KEYWORDS.iter().filter(|word| !coloured.contains(*word)).collect();
    assert!(plain.is_empty(), "docs/theme/ordain.js doesn't know {plain:?}");
    let book = fs::read_to_string(root().join("docs/book.toml")).expect("it is there");
    assert!(book.contains("additional-js = [\"theme/ordain.js\"]"));
}
