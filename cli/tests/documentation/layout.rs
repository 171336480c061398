//! Policies in the documents are written as `ordain fmt` writes them.

use std::fs;

use ordain_grammar::format;

use super::blocks::blocks;
use super::{book, others};

#[test]
fn policies_are_formatted() {
    let (mut wrong, mut seen) = (vec![], 0);
    for page in book().into_iter().chain(others()) {
        let text = fs::read_to_string(&page).expect("it is there");
        for block in blocks(&page, &text).iter().filter(|block| block.language == "ordain") {
            // What has mistakes has no layout, and what the library shows is a file's part.
            let Some(formatted) = format(&block.text).ok().filter(|_| block.word_alone("source").is_none())
            else {
                continue;
            };
            seen += 1;
            let meant = block.word_alone("unformatted").is_some();
            if (formatted != block.text) != meant {
                wrong.push(format!("{}: not written as\n{formatted}", block.at));
            }
        }
    }
    assert!(seen > 150, "only {seen} blocks are seen");
    assert!(wrong.is_empty(), "{} blocks are not formatted\n{}", wrong.len(), wrong.join("\n"));
}
