//! Words for what could not be read in templates and tests.

use ordain_ir::{Span, codes};

use super::{unclosed_text, unexpected};
use crate::SyntaxError;
use crate::parser::Rule;
use crate::source::{Source, quoted};
use crate::suggest::nearest;
use crate::wanted::{any_of, expectation, expected, reread};

const MEMBER_WORDS: [&str; 3] = ["rule", "limit", "apply"];
const TEST_WORDS: [&str; 5] = ["apply", "given", "uses", "used", "expect"];

/// What stands between a template's name and its body, and is no list of parameters.
pub(crate) fn bad_parameters(source: &Source<'_>, span: Span, name: Span) -> SyntaxError {
    let text = source.text;
    if source.within(span).is_empty() {
        let message = format!("expected `(` after `{}`", &text[name.range()]);
        return SyntaxError::new(codes::SYNTAX, name, message)
            .help("parameters are written `(team: project, cap: money USD = 100.00 USD)`; none, `()`");
    }
    let failure = reread(Rule::only_parameters, text, span);
    expected(source, span, failure.at, &expectation(&failure.positives))
}

/// Something that stands in a template where a rule, a limit or an application should begin.
pub(crate) fn bad_member(source: &Source<'_>, span: Span) -> SyntaxError {
    bad_part(source, span, Rule::only_member, &MEMBER_WORDS, "begins nothing in a template", || {
        format!("a template consists of {}", listed(&MEMBER_WORDS))
    })
}

/// Something that stands in a test where a clause should begin.
pub(crate) fn bad_test_clause(source: &Source<'_>, span: Span) -> SyntaxError {
    bad_part(source, span, Rule::only_test_clause, &TEST_WORDS, "is no clause of a test", || {
        format!("the clauses of a test are {}", listed(&TEST_WORDS))
    })
}

fn listed(words: &[&str]) -> String {
    any_of(&words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>(), "and")
}

fn bad_part(
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
    if let Some(error) = unclosed_text(text, tokens) {
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
