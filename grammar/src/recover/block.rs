//! Words for what could not be read in templates and tests.

use ordain_ir::{Span, codes};

use super::{blanks_in_name, told_by_token, unexpected};
use crate::parser::Rule;
use crate::source::{Source, quoted};
use crate::suggest::nearest;
use crate::wanted::{any_of, expectation, expected, reread};
use crate::{SyntaxError, Token};

const MEMBER_WORDS: [&str; 3] = ["rule", "limit", "apply"];
const TEST_WORDS: [&str; 5] = ["apply", "given", "uses", "used", "expect"];

/// What stands between a template's name and its body, and is no list of parameters.
pub(crate) fn bad_parameters(source: &Source<'_>, span: Span, name: Span) -> SyntaxError {
    if source.within(span).is_empty() {
        let message = format!("expected `(` after `{}`", &source.text[name.range()]);
        return SyntaxError::new(codes::SYNTAX, name, message)
            .help("parameters are written `(team: project, cap: money USD = 100.00 USD)`; none, `()`");
    }
    let error = bad_part(source, span, Rule::only_parameters);
    let words = source.within(span);
    let words = &words[..words.iter().take_while(|token| token.kind.is_word()).count()];
    match source.before(span.start) {
        Some(name) if error.fix.is_none() && !words.is_empty() => {
            blanks_in_name(source.text, name, words, error)
        }
        _ => error,
    }
}

/// Something that can't stand in a template or a test, before which its brace is missing.
pub(crate) fn misplaced(source: &Source<'_>, what: &str, at: Token) -> SyntaxError {
    let words: &[&str] = if what == "template" { &MEMBER_WORDS } else { &TEST_WORDS };
    let (what, parts) = match what {
        "template" => ("a template", "consists of"),
        _ => ("a test", "consists of the clauses"),
    };
    SyntaxError::new(codes::SYNTAX, at.span, format!("{} can't stand in {what}", quoted(source.text, at)))
        .help(format!("write it outside; {what} {parts} {}", listed(words)))
}

/// A parameter or an argument that could not be read, or the whole list.
pub(crate) fn bad_part(source: &Source<'_>, span: Span, rule: Rule) -> SyntaxError {
    if let Some(error) = told_by_token(source.text, source.within(span)) {
        return error;
    }
    let failure = reread(rule, source.text, span);
    let wanted = match rule {
        Rule::only_parameters => expectation(&failure.positives),
        _ => expectation(&failure.positives).or_end_of_list(),
    };
    expected(source, span, failure.at, &wanted)
}

/// Something that stands in a template where a rule, a limit or an application should begin.
pub(crate) fn bad_member(source: &Source<'_>, span: Span) -> SyntaxError {
    stray(source, span, Rule::only_member, &MEMBER_WORDS, "begins nothing in a template", || {
        format!("a template consists of {}", listed(&MEMBER_WORDS))
    })
}

/// Something that stands in a test where a clause should begin.
pub(crate) fn bad_test_clause(source: &Source<'_>, span: Span) -> SyntaxError {
    stray(source, span, Rule::only_test_clause, &TEST_WORDS, "is no clause of a test", || {
        format!("the clauses of a test are {}", listed(&TEST_WORDS))
    })
}

fn listed(words: &[&str]) -> String {
    any_of(&words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>(), "and")
}

fn stray(
    source: &Source<'_>,
    span: Span,
    rule: Rule,
    words: &[&str],
    unknown: &str,
    help: impl Fn() -> String,
) -> SyntaxError {
    let text = source.text;
    let tokens = source.within(span);
    let Some(first) = tokens.first().copied() else {
        return SyntaxError::new(codes::SYNTAX, span, "expected something else");
    };
    if let Some(error) = told_by_token(text, tokens) {
        return error;
    }
    let word = &text[first.span.range()];
    if words.contains(&word) {
        let failure = reread(rule, text, span);
        return expected(source, span, failure.at, &expectation(&failure.positives));
    }
    let before = source.before(first.span.start).filter(|before| {
        source.same_line(before.span, first.span) && !matches!(&text[before.span.range()], "{" | "}")
    });
    if let Some(before) = before {
        return unexpected(text, first, before);
    }
    if first.kind.is_word() {
        let error = SyntaxError::new(codes::UNKNOWN_CLAUSE, first.span, format!("`{word}` {unknown}"));
        return match nearest(word, words.iter().copied()) {
            Some(near) => error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near),
            None => error.help(help()),
        };
    }
    SyntaxError::new(codes::SYNTAX, first.span, format!("unexpected {}", quoted(text, first))).help(help())
}
