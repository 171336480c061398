//! What must not change: a text's tokens clause by clause, its comments, its documentation.

use ordain_grammar::ast::{Clause, ClauseKind, File, Item, TestClause, TestClauseKind};
use ordain_grammar::{TokenKind, format, parse, tokens};

use super::corpus::CORPUS;

/// What a text says, with what formatting may reorder in the order that is documented.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Surface {
    /// Tokens that are no commas, item by item.
    items: Vec<Vec<String>>,
    /// All comments, in alphabetical order.
    comments: Vec<String>,
    /// The documentation of each item that can have some.
    docs: Vec<String>,
}

/// The surface of a text without mistakes.
pub(super) fn surface(text: &str) -> Surface {
    let parse = parse(text);
    assert_eq!(parse.errors, [], "in\n{text}");
    let mut surface = Surface::default();
    add_items(&parse.file.items, text, 0, text.len(), &mut surface);
    sort_uses(&parse.file, &mut surface.items);
    let comment = |kind| matches!(kind, TokenKind::Comment | TokenKind::Doc);
    let comments = tokens(text).into_iter().filter(|token| comment(token.kind));
    surface.comments = comments.map(|it| text[it.span.range()].trim_end().to_owned()).collect();
    surface.comments.sort();
    surface
}

fn add_items(items: &[Item], text: &str, from: usize, to: usize, surface: &mut Surface) {
    let words = |from: usize, to: usize| -> Vec<String> {
        let significant = |kind| !matches!(kind, TokenKind::Space | TokenKind::Comment | TokenKind::Doc);
        let all = tokens(&text[from..to]).into_iter().filter(|token| significant(token.kind));
        all.map(|token| text[from..to][token.span.range()].to_owned()).filter(|word| word != ",").collect()
    };
    let (start, end) = (|it: &Item| it.span().range().start, |it: &Item| it.span().range().end);
    let mut read = from;
    for item in items {
        assert_eq!(words(read, start(item)), [""; 0], "between items of\n{text}");
        read = end(item);
        let clauses: Vec<(usize, usize)> = match item {
            Item::Policy(policy) => {
                policy.clauses.iter().map(|it| (it.span.range().start, rank(it))).collect()
            }
            Item::Test(test) => {
                test.clauses.iter().map(|it| (it.span.range().start, test_rank(it))).collect()
            }
            Item::Template(template) => {
                let body = template.items.first().map_or(end(item) - 1, start);
                surface.items.push(words(start(item), body));
                surface.docs.extend(doc(item));
                add_items(&template.items, text, body, end(item) - 1, surface);
                continue;
            }
            _ => vec![],
        };
        surface.docs.extend(doc(item));
        let body = clauses.first().map_or(end(item), |clause| clause.0);
        let ends = clauses.iter().skip(1).map(|clause| clause.0).chain([end(item) - 1]);
        let mut clauses: Vec<_> = clauses.iter().zip(ends).collect();
        clauses.sort_by_key(|((_, rank), _)| *rank);
        let of_clauses = clauses.into_iter().flat_map(|((from, _), to)| words(*from, to));
        surface.items.push(words(start(item), body).into_iter().chain(of_clauses).collect());
    }
    assert_eq!(words(read, to), [""; 0], "behind the items of\n{text}");
}

fn doc(item: &Item) -> Option<String> {
    Some(match item {
        Item::Fact(it) => format!("{}: {}", it.name.text, it.doc),
        Item::Let(it) => format!("{}: {}", it.name.text, it.doc),
        Item::Policy(it) => format!("{}: {}", it.name.text, it.doc),
        Item::Meter(it) => format!("{}: {}", it.name.text, it.doc),
        Item::Template(it) => format!("{}: {}", it.name.text, it.doc),
        Item::Apply(it) => format!("{}: {}", it.template.text, it.doc),
        Item::Require(it) => format!("{}: {}", it.concern.text, it.doc),
        Item::Test(it) => format!("{:?}: {}", it.name.kind, it.doc),
        _ => return None,
    })
}

/// `use` items may change places with their neighbours only.
fn sort_uses(file: &File, items: &mut [Vec<String>]) {
    let mut from = 0;
    while from < items.len() {
        let is_use = |item: &Vec<String>| item.first().is_some_and(|word| word == "use");
        let length = items[from..].iter().take_while(|item| is_use(item)).count();
        items[from..from + length].sort();
        from += length.max(1);
    }
    assert!(items.len() >= file.items.len());
}

fn rank(clause: &Clause) -> usize {
    match clause.kind {
        ClauseKind::Type(_) => 0,
        ClauseKind::Bound(..) => 1,
        ClauseKind::Enforce(_) => 2,
        ClauseKind::Scope(_) => 3,
        ClauseKind::Per(_) => 4,
        ClauseKind::WarnAt(_) => 5,
        ClauseKind::Priority(_) => 6,
        ClauseKind::Active(_) => 7,
        ClauseKind::When(_) | ClauseKind::WhenRule(_) => 8,
        ClauseKind::DependsOn(_) => 9,
        ClauseKind::Overrides(..) => 10,
        ClauseKind::Status(_) => 11,
        ClauseKind::Source(_) => 12,
        ClauseKind::Broken => panic!("the text has no mistakes"),
    }
}

fn test_rank(clause: &TestClause) -> usize {
    match clause.kind {
        TestClauseKind::Apply(_) => 0,
        TestClauseKind::Given(_) => 1,
        TestClauseKind::Uses(_) => 2,
        TestClauseKind::Used(_) => 3,
        TestClauseKind::Expect(_) => 4,
        TestClauseKind::Broken => panic!("the text has no mistakes"),
    }
}

/// Formats, and holds the result against the text.
pub(super) fn checked(text: &str) -> String {
    let out = format(text).unwrap_or_else(|error| panic!("{error}, in\n{text}"));
    pretty_assertions(&surface(text), &surface(&out), text, &out);
    let again = format(&out).unwrap_or_else(|error| panic!("{error}, in\n{out}"));
    assert!(again == out, "formatted twice,\n{text}\nbecomes\n{out}\nand then\n{again}");
    assert!(out.is_empty() || out.ends_with('\n') && !out.ends_with("\n\n"), "the end of\n{out}");
    let trailing = out.lines().find(|line| line.ends_with([' ', '\t']));
    assert_eq!(trailing, None, "a blank at the end of a line of\n{out}");
    assert!(!out.contains("\n\n\n"), "two empty lines in\n{out}");
    out
}

fn pretty_assertions(before: &Surface, after: &Surface, text: &str, out: &str) {
    let differing = before.items.iter().zip(&after.items).find(|(before, after)| before != after);
    assert_eq!(differing, None, "tokens of\n{text}\nwhich became\n{out}");
    assert_eq!(before, after, "surface of\n{text}\nwhich became\n{out}");
}

#[test]
fn nothing_is_lost_or_moved_where_it_may_not() {
    for (name, text) in CORPUS.iter() {
        println!("{name}");
        checked(text);
    }
}

#[test]
fn clauses_come_out_in_order() {
    for (name, text) in CORPUS.iter() {
        let out = format(text).unwrap();
        for item in parse(&out).file.items {
            match item {
                Item::Policy(policy) => {
                    assert!(policy.clauses.iter().map(rank).is_sorted(), "in {name}: {out}");
                }
                Item::Test(test) => {
                    assert!(test.clauses.iter().map(test_rank).is_sorted(), "in {name}: {out}");
                }
                _ => {}
            }
        }
    }
}
