//! What the parser does with texts that are not the language's: no panic, spans in bounds, and one mistake
//! leaves everything else.

use std::collections::BTreeSet;

use ordain_grammar::ast::{ClauseKind, Item};
use ordain_grammar::{MAX_DEPTH, Parse, TokenKind, parse, tokens};
use ordain_ir::{Span, codes};
use proptest::prelude::*;

/// Every item, clause and operator of the language.
const CORPUS: &str = include_str!("everything.ordain");

/// Names of the items that are no ruins.
fn intact(parse: &Parse) -> BTreeSet<String> {
    let name = |item: &Item| match item {
        Item::Fact(it) => Some(it.name.text.clone()),
        Item::Let(it) => Some(it.name.text.clone()),
        Item::Policy(it) => Some(it.name.text.clone()),
        Item::Package(it) => Some(it.name.text.clone()),
        Item::Use(it) => Some(it.path.text.clone()),
        Item::Meter(it) => Some(it.name.text.clone()),
        Item::Template(it) => Some(it.name.text.clone()),
        Item::Apply(it) => Some(it.name().text),
        Item::Require(it) => Some(format!("require {}", it.concern.text)),
        Item::Allow(it) => Some(format!("allow {}", it.what.text)),
        Item::Test(it) => Some(format!("{:?}", it.name.kind)),
        Item::Broken(_) => None,
    };
    parse.file.items.iter().filter_map(name).collect()
}

fn check_spans(text: &str, parse: &Parse) {
    let fits = |span: Span| text.get(span.range()).is_some();
    for error in &parse.errors {
        assert!(fits(error.span), "{error:?} in {text:?}");
        assert!(!error.span.is_empty() || text.trim().is_empty(), "{error:?} in {text:?}");
        assert!(error.secondary.iter().all(|(span, _)| fits(*span)), "{error:?}");
        assert!(error.fix.iter().all(|(_, span, _)| fits(*span)), "{error:?}");
    }
    let mut end = 0;
    for item in &parse.file.items {
        let span = item.span();
        assert!(fits(span) && span.start >= end && !span.is_empty(), "{item:?} in {text:?}");
        end = span.end;
        if let Item::Policy(policy) = item {
            assert!(fits(policy.name.span));
            for clause in &policy.clauses {
                assert!(fits(clause.span) && fits(clause.keyword), "{clause:?}");
                assert!(clause.span.start >= span.start || policy.broken, "{clause:?}");
            }
        }
    }
}

#[test]
fn what_is_right_gives_no_error_and_no_ruin() {
    let parse = parse(CORPUS);
    assert_eq!(parse.errors, []);
    check_spans(CORPUS, &parse);
    for item in &parse.file.items {
        match item {
            Item::Policy(policy) => {
                let broken = |kind: &ClauseKind| matches!(kind, ClauseKind::Broken);
                assert!(!policy.broken && !policy.clauses.iter().any(|clause| broken(&clause.kind)));
            }
            Item::Broken(_) => panic!("{item:?}"),
            _ => {}
        }
    }
    assert_eq!(parse.file.items.len(), 38);
}

#[test]
fn white_space_is_no_part_of_anything() {
    let parse = parse(CORPUS);
    for item in &parse.file.items {
        let text = &CORPUS[item.span().range()];
        assert_eq!(text.trim(), text);
        if let Item::Policy(policy) = item {
            for clause in &policy.clauses {
                let text = &CORPUS[clause.span.range()];
                assert!(!text.ends_with(char::is_whitespace) && !text.is_empty(), "{text:?}");
            }
        }
    }
}

#[test]
fn documentation_is_kept() {
    let docs: Vec<_> = parse(CORPUS)
        .file
        .items
        .into_iter()
        .filter_map(|item| match item {
            Item::Policy(it) => Some(it.doc),
            Item::Fact(it) => Some(it.doc),
            Item::Template(it) => Some(it.doc),
            Item::Test(it) => Some(it.doc),
            _ => None,
        })
        .filter(|doc| !doc.is_empty())
        .collect();
    assert_eq!(docs, ["Money.", "Customer data stays.", "Two limits for a team.", "What must never happen."]);
}

#[test]
fn nothing_overflows_the_stack() {
    // Threads of servers have less of it than the main one, and the rest of a program needs some of it.
    let run = || {
        for open in ["(", "{", "[", "not ", "((", "- ", "!", "\"", "{ (", "rule x { when (", "in {"] {
            let many = open.repeat(if open.len() == 1 { 10_000 } else { 500 });
            for text in [
                many.clone(),
                format!("rule x {{ when {many}"),
                format!("let x = {many}"),
                format!("template t({many}"),
                format!("apply t(a = {many}"),
                format!("test \"x\" {{ given a = {many}"),
                format!("limit x {{ at most {many}"),
            ] {
                let parse = parse(&text);
                assert!(!parse.errors.is_empty());
                check_spans(&text, &parse);
            }
        }
        let deep = |depth: usize| format!("let x = {}a{}", "(".repeat(depth), ")".repeat(depth));
        assert_eq!(parse(&deep(MAX_DEPTH)).errors, []);
        let refused = parse(&format!("{}\nlet y = b\n", deep(100_000)));
        assert_eq!(refused.errors.iter().map(|error| &error.code).collect::<Vec<_>>(), [&codes::TOO_DEEP]);
        assert!(intact(&refused).contains("y"));
    };
    std::thread::Builder::new().stack_size(512 << 10).spawn(run).unwrap().join().unwrap();
}

/// Quadratic work anywhere would make this last for minutes.
#[test]
fn many_mistakes_cost_little() {
    let start = std::time::Instant::now();
    for open in ["(", "{", "["] {
        let text = format!("rule x {{ type safety when {}", open.repeat(100_000));
        let errors = parse(&text).errors;
        assert_eq!(errors.len(), 1, "{open} {:?}", &errors[..errors.len().min(3)]);
        assert!(errors[0].code.as_str().starts_with("ORD01"));
    }
    let many = |part: &str, times: usize, errors: std::ops::RangeInclusive<usize>| {
        let text = part.repeat(times);
        let found = parse(&text).errors.len();
        assert!(errors.contains(&found), "{part:?} {found}");
    };
    many("\"a\n", 10_000, 1..=1);
    many("rule ", 10_000, 1..=1);
    many("\"", 20_000, 1..=1);
    many("\"", 20_001, 1..=1);
    many("!! 5 ]x[ ??\n", 20_000, 1..=1);
    many("rule x {", 10_000, 10_000..=10_000);
    many("let a = (", 10_000, 1..=200);
    many("// {\n", 10_000, 0..=0);
    many("template t(", 10_000, 1..=10_000);
    many("template t(a: enum {", 10_000, 1..=10_000);
    many("template t() {", 10_000, 1..=10_000);
    many("template t() { {} ", 5_000, 1..=10_000);
    many("apply t(a = {", 10_000, 1..=10_000);
    many("apply t(", 10_000, 1..=10_000);
    many("test \"x\" {", 10_000, 1..=10_000);
    many("test \"x\" { given a = { b, ", 5_000, 1..=10_000);
    many("given a = b ", 10_000, 1..=10_000);
    many("require coverage ", 10_000, 1..=10_000);
    many("allow a between ", 10_000, 1..=10_000);
    many("private ", 20_000, 1..=20_000);
    many("{ {} ", 20_000, 1..=1);
    many("\u{430}", 50_000, 1..=1);
    // Two mistakes each: what isn't closed, and what isn't written to its end.
    many("rule x { when any ", 5_000, 1..=10_000);
    many("limit x { at most 1 + ", 5_000, 1..=10_000);
    many("let x = y // \u{202e}\n", 5_000, 0..=0);
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

/// What follows from a mistake is no mistake of its own.
#[test]
fn one_mistake_is_one_error() {
    for clause in [
        "when tool.name starts \"a\"",
        "when age / 2 > 5",
        "when tool.name == \"a",
        "when class in pii, public",
        "when class in pii, public } and flag",
        "when class in { pii, public",
        "when flag and and near",
        "when and",
        "when (((flag",
        "when a == == b",
        "when flag == active active",
        "scope tenant acme/",
        "type safety; enforce block",
        "type enforce scope",
        "colour red",
    ] {
        for text in
            [format!("rule x {{ {clause} }}\nlet b = c\n"), format!("rule x {{\n  {clause}\n}}\nlet b = c\n")]
        {
            let parse = parse(&text);
            assert_eq!(parse.errors.len(), 1, "{text} {:#?}", parse.errors);
            assert_eq!(intact(&parse), ["b", "x"].map(str::to_owned).into(), "{text}");
        }
    }
    for item in [
        "let a = b starts \"x\"",
        "let a = b\n  / 2",
        "let a = = b",
        "let a = b c",
        "let org = tenant a/",
        "fact x : int foo",
    ] {
        let text = format!("{item}\nlet b = c\n");
        let parse = parse(&text);
        assert_eq!(parse.errors.len(), 1, "{text} {:#?}", parse.errors);
        assert!(intact(&parse).contains("b"));
    }
}

#[test]
fn line_ends_and_marks_are_no_matter() {
    let crlf = format!("\u{feff}{}", CORPUS.replace('\n', "\r\n"));
    let cr = CORPUS.replace('\n', "\r");
    for text in [crlf, cr] {
        let read = parse(&text);
        assert_eq!(read.errors, []);
        assert_eq!(intact(&read), intact(&parse(CORPUS)));
    }
}

#[test]
fn odd_characters_are_reported_where_they_stand() {
    for odd in ["\0", "\u{a0}", "é", "𝄞", "\u{200b}"] {
        let text = format!("rule a {{ type safety {odd} enforce block scope global }}\nlet b = c\n");
        let parse = parse(&text);
        check_spans(&text, &parse);
        assert_eq!(parse.errors.len(), 1, "{odd:?} {:#?}", parse.errors);
        assert_eq!(&text[parse.errors[0].span.range()], odd);
        assert_eq!(intact(&parse).len(), 2);
    }
}

#[test]
fn several_mistakes_are_several_errors() {
    let text = "rule a { type 5 enforce block scope global }\nfact x bool\nrule b { type safety when and }\n\
                rule c { enforce block, scope tenant }\nrule d { type safety }\n";
    let parse = parse(text);
    assert_eq!(parse.errors.len(), 5, "{:#?}", parse.errors);
    assert_eq!(intact(&parse), ["a", "b", "c", "d"].map(str::to_owned).into());
    let clean: Vec<_> =
        parse.file.items.iter().filter(|item| matches!(item, Item::Policy(it) if !it.broken)).collect();
    assert_eq!(clean.len(), 1);
}

proptest! {
    #[test]
    fn any_text_parses(text in "([a-z{}()\"=<>.,:/*! \n\r0-9-]|rule |limit |when |fact |let |\\PC){0,60}") {
        check_spans(&text, &parse(&text));
    }

    #[test]
    fn any_order_of_tokens_parses(order in prop::collection::vec(0usize..400, 0..40)) {
        let all: Vec<_> = tokens(CORPUS).into_iter().filter(|token| token.kind != TokenKind::Space).collect();
        let parts = order.iter().map(|at| {
            let token = all[at % all.len()];
            let end = if matches!(token.kind, TokenKind::Comment | TokenKind::Doc) { "\n" } else { " " };
            [&CORPUS[token.span.range()], end].concat()
        });
        let text = parts.collect::<Vec<_>>().concat();
        check_spans(&text, &parse(&text));
    }
}
