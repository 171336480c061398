//! One mistake in any text of the repository: at most one error, and nothing else is harmed.
//!
//! A mistake is a cut anywhere, a token that is missing, or a token that stands twice. *Nothing else* are the
//! items that the mistake doesn't stand in: each comes out as before but for its place, in the same order. In
//! the item that it stands in the other clauses come out, if the item does.
//!
//! By default a sample is drawn, always the same. `PROPTEST_CASES` says how many mistakes of each kind; more
//! than there are means all of them.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

mod corpus;

use corpus::Text;
use ordain_grammar::ast::{Item, Policy};
use ordain_grammar::{Parse, Token, TokenKind, parse, tokens};
use ordain_ir::Span;

/// What was done to a text, and what came of it.
struct Edited {
    what: String,
    text: String,
    /// The bytes of the whole text that the mistake stands in.
    at: Span,
}

fn cut(text: &str, end: usize) -> Edited {
    let at = Span::new(end, text.len());
    Edited { what: format!("cut at {end}"), text: text[..end].to_owned(), at }
}

fn lost(text: &str, token: Token) -> Edited {
    let range = token.span.range();
    let what = format!("lost {:?} at {}", &text[range.clone()], range.start);
    let mut edited = text.to_owned();
    edited.replace_range(range, " ");
    Edited { what, text: edited, at: token.span }
}

fn doubled(text: &str, token: Token) -> Edited {
    let range = token.span.range();
    let what = format!("doubled {:?} at {}", &text[range.clone()], range.start);
    let mut edited = text.to_owned();
    edited.insert_str(range.end, &format!(" {}", &text[range]));
    Edited { what, text: edited, at: token.span }
}

/// Some of `all`, spread evenly from a place that `salt` gives; all where there are fewer than wanted.
fn sample<T>(all: Vec<T>, salt: usize) -> Vec<T> {
    let wanted = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(250);
    if all.len() <= wanted {
        return all;
    }
    // Steps of the golden ratio meet every part of every text before they meet a part twice.
    let step = all.len() * 618_034 / 1_000_000;
    let mut chosen: Vec<usize> = (0..wanted).map(|n| (n * step + salt) % all.len()).collect();
    chosen.sort_unstable();
    chosen.dedup();
    let mut all: Vec<Option<T>> = all.into_iter().map(Some).collect();
    chosen.into_iter().filter_map(|at| all[at].take()).collect()
}

/// A tree's text without its places.
fn without_spans(item: &impl std::fmt::Debug) -> String {
    let mut rest = &*format!("{item:?}");
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once("Span { start: ") {
        out.push_str(before);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    out + rest
}

fn meets(span: Span, at: Span) -> bool {
    span.start < at.end.max(at.start + 1) && at.start < span.end
}

fn policies(parse: &Parse) -> Vec<&Policy> {
    let mut policies = vec![];
    for item in &parse.file.items {
        match item {
            Item::Policy(policy) => policies.push(policy),
            Item::Template(template) => {
                policies.extend(template.items.iter().filter_map(|item| match item {
                    Item::Policy(policy) => Some(policy),
                    _ => None,
                }));
            }
            _ => {}
        }
    }
    policies
}

/// What is wrong with how an edited text is read.
fn complaints(whole: &Parse, edited: &Edited) -> Vec<String> {
    let read = parse(&edited.text);
    let mut complaints = vec![];
    if read.errors.len() > 1 {
        let errors: Vec<_> = read
            .errors
            .iter()
            .map(|error| format!("{} ({:?})", error.message, &edited.text[error.span.range()]))
            .collect();
        complaints.push(format!("several errors: {}", errors.join("; ")));
    }
    let mut left = read.file.items.iter().map(without_spans);
    for item in whole.file.items.iter().filter(|item| !meets(item.span(), edited.at)) {
        // What stands behind an item on its line may have been meant as a part of it, which makes it broken.
        let rest_of_line = edited.text.get(item.span().end as usize..edited.at.start as usize);
        let before = rest_of_line.is_some_and(|between| !between.contains('\n'));
        let told = |item: String| {
            if before { item.replace("broken: true", "broken: false") } else { item }
        };
        let item = told(without_spans(item));
        if !left.any(|left| told(left) == item) {
            complaints.push(format!("lost the item {}", item.chars().take(150).collect::<String>()));
            left = read.file.items.iter().map(without_spans);
        }
    }
    for policy in policies(whole).into_iter().filter(|policy| meets(policy.span, edited.at)) {
        let Some(after) = policies(&read).into_iter().find(|after| after.span.start == policy.span.start)
        else {
            continue;
        };
        // A mistake may take the clause before it and the one behind it along.
        let touched = policy.clauses.iter().position(|clause| clause.span.end >= edited.at.start);
        let touched = touched.unwrap_or(policy.clauses.len());
        let kept: Vec<_> = after.clauses.iter().map(|clause| without_spans(&clause.kind)).collect();
        for (at, clause) in policy.clauses.iter().enumerate() {
            let cut_off = edited.at.end > policy.span.end && clause.span.end > edited.at.start;
            if at.abs_diff(touched) > 1 && !cut_off && !kept.contains(&without_spans(&clause.kind)) {
                complaints.push(format!("lost the clause {}", without_spans(clause)));
            }
        }
    }
    check_spans(&edited.text, &read);
    complaints
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
        assert_eq!(text[span.range()].trim(), &text[span.range()]);
        end = span.end;
    }
    let joined: String = tokens(text).iter().map(|token| &text[token.span.range()]).collect();
    assert_eq!(joined, text);
}

/// Whether a token is more than white space or a comment.
fn significant(token: &Token) -> bool {
    !matches!(token.kind, TokenKind::Space | TokenKind::Comment | TokenKind::Doc)
}

fn hold(kind: &str, salt: usize, places: fn(&str) -> Vec<Edited>) {
    let mut all: Vec<(usize, usize)> = vec![];
    let texts: Vec<Text> = corpus::texts();
    let edits: Vec<Vec<Edited>> = texts.iter().map(|text| places(&text.text)).collect();
    for (at, edits) in edits.iter().enumerate() {
        all.extend((0..edits.len()).map(|edit| (at, edit)));
    }
    let trees: Vec<Parse> = texts.iter().map(|text| parse(&text.text)).collect();
    let mut wrong = vec![];
    for (at, edit) in sample(all, salt) {
        let edited = &edits[at][edit];
        for complaint in complaints(&trees[at], edited) {
            wrong.push(format!("{}: {}: {complaint}", texts[at].from, edited.what));
        }
    }
    assert!(wrong.is_empty(), "{kind}: {} complaints\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_corpus_covers_every_kind_of_item() {
    let texts = corpus::texts();
    assert!(texts.len() > 15, "{}", texts.len());
    let everything = texts.iter().find(|text| text.from == "grammar/tests/everything.ordain").unwrap();
    let parse = parse(&everything.text);
    let kinds: std::collections::HashSet<_> = parse.file.items.iter().map(std::mem::discriminant).collect();
    assert_eq!(kinds.len(), 11, "all but `Broken`");
}

#[test]
fn any_prefix() {
    hold("prefixes", 7, |text| {
        (0..=text.len()).filter(|end| text.is_char_boundary(*end)).map(|end| cut(text, end)).collect()
    });
}

#[test]
fn any_token_lost() {
    hold("lost tokens", 11, |text| {
        tokens(text).into_iter().filter(significant).map(|token| lost(text, token)).collect()
    });
}

#[test]
fn any_token_doubled() {
    hold("doubled tokens", 13, |text| {
        tokens(text).into_iter().filter(significant).map(|token| doubled(text, token)).collect()
    });
}
