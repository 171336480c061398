//! The page with the grammar is written from the grammar file, and current.
//!
//! `ORDAIN_BLESS=1 cargo test -p ordain-grammar --test reference` writes it anew.

mod ebnf;

use std::path::Path;

const GRAMMAR: &str = include_str!("../../src/ordain.pest");

const INTRODUCTION: &str = "\
# Grammar

This page is written from the grammar file that the parser is generated from (`grammar/src/ordain.pest`), without the
rules that recover from mistakes.

`\"x\"` is a sign or a word, `[a-z]` one character of some, `[^a]` one character but those, `x?` none or one, `x*` none or
more, `x+` one or more, `x | y` the first of both that fits. White space and comments, from `//` to the end of the line,
may stand between any two parts, but not inside of words and literals, nor between the segments of a path. Comments that
begin with `///` document what stands below them.
";

/// What each part of the grammar is about, and what its rules don't say.
const REMARKS: [(&str, &str); 9] = [
    (
        "words",
        "The reserved words are no `name` and no `plain` word, though they may be parts of a dotted name. Where a `word` is\n\
         wanted they are words like any other.",
    ),
    ("literals", "All numbers have 64 bits. A text ends on the line on which it begins."),
    ("items", "A file is a list of items, in any order."),
    (
        "rules and limits",
        "Clauses stand in any order. Which of them there must be say the pages on [rules](reference/rules.md) and\n\
         [limits](reference/limits.md).",
    ),
    ("templates", "Parameters may stand in the place of values, scopes, conditions, times, zones and words."),
    ("tests", "See [tests](reference/tests.md)."),
    ("scopes", "See [scopes](reference/scopes.md)."),
    ("windows", "See [windows](reference/windows.md)."),
    (
        "conditions",
        "Which types fit together say the pages on [conditions](reference/conditions.md) and [facts](reference/facts.md). A\n\
         reserved word may stand for the word of an enumeration where the line or the bracket ends behind it.",
    ),
];

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for section in ebnf::sections(GRAMMAR) {
        let mut title = section.title.clone();
        title[..1].make_ascii_uppercase();
        let remark =
            REMARKS.iter().find(|(about, _)| *about == section.title).map_or("", |(_, remark)| *remark);
        let gap = if remark.is_empty() { "" } else { "\n\n" };
        page.extend(["\n## ", &title, "\n\n", remark, gap, "```ebnf\n", &ebnf::write(&section), "```\n"]);
    }
    page
}

#[test]
fn the_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/grammar.md");
    let page = page();
    if std::env::var_os("ORDAIN_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == page, "docs/src/grammar.md is not current: run this test with ORDAIN_BLESS=1");
}

#[test]
fn every_name_is_explained_and_nothing_internal_is_shown() {
    let page = page();
    let words = |line: &str| -> Vec<String> {
        // Outside of quotation marks and brackets.
        let mut out = vec![String::new()];
        let mut until = None;
        for c in line.chars() {
            match (until, c) {
                (Some(end), c) if c == end => until = None,
                (Some(_), _) => {}
                (None, '"' | '\'') => until = Some(c),
                (None, '[') => until = Some(']'),
                (None, 'a'..='z' | '-') => out.last_mut().unwrap().push(c),
                (None, _) => out.push(String::new()),
            }
        }
        out.retain(|word| !word.is_empty());
        out
    };
    let rules: Vec<&str> =
        page.split("```ebnf\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    let defined: Vec<&str> = rules
        .iter()
        .flat_map(|block| block.lines())
        .filter_map(|line| line.split_once("::=").map(|(name, _)| name.trim()))
        .collect();
    for line in rules.iter().flat_map(|block| block.lines()) {
        let body = line.split_once("::=").map_or(line, |(_, body)| body);
        for word in words(body) {
            assert!(word == "any-character" || defined.contains(&word.as_str()), "`{word}` in {line}");
        }
    }
    let unique: std::collections::BTreeSet<_> = defined.iter().collect();
    assert_eq!(unique.len(), defined.len(), "a rule is shown twice");
    for internal in ["missing-", "want-", "bad-", "gap", "word-end", "stray"] {
        assert!(!defined.iter().any(|name| name.starts_with(internal)), "{internal}");
    }
    for word in ordain_grammar::KEYWORDS {
        let type_word = ["bool", "int", "string", "duration"].contains(word);
        assert!(type_word || page.contains(&format!("\"{word}\"")), "the keyword `{word}` is nowhere");
    }
}

/// They stand twice in the grammar file.
#[test]
fn the_reserved_words_are_the_same_by_letter_and_by_kind() {
    let rules = ebnf::words(GRAMMAR);
    let of = |rule: &str| -> std::collections::BTreeSet<String> { rules[rule].iter().cloned().collect() };
    let kinds = ["operator_word", "clause_word", "item_word"];
    let all: std::collections::BTreeSet<String> = kinds.into_iter().flat_map(of).collect();
    assert_eq!(all, of("reserved_word"));
    assert_eq!(
        all.len(),
        kinds.into_iter().map(|kind| rules[kind].len()).sum::<usize>(),
        "a word is of two kinds"
    );
    for (rule, words) in kinds.into_iter().chain(["reserved_word"]).map(|rule| (rule, &rules[rule])) {
        for (at, word) in words.iter().enumerate() {
            let hidden = words[at + 1..].iter().find(|later| later.starts_with(word.as_str()));
            assert_eq!(hidden, None, "`{word}` hides a word further right in {rule}");
        }
    }
}
