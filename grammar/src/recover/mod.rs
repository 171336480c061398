//! Words for what could not be read: each swallowed stretch is read a second time, alone, to find out where
//! it goes wrong and what would have been right.

use ordain_ir::{PolicyKind, Span, codes};

use crate::ast::{Declares, Name};
use crate::parser::Rule;
use crate::source::{Source, quoted};
use crate::suggest::nearest;
use crate::wanted::{any_of, expectation, expected, reread};
use crate::{SyntaxError, Token, TokenKind, foreign};

mod block;
mod clause;
mod rest;

pub(crate) use block::{bad_member, bad_parameters, bad_part, bad_test_clause, misplaced};
pub(crate) use clause::bad_clause;
pub(crate) use rest::rest_of_item;

const CLAUSE_WORDS: [&str; 13] = [
    "type",
    "enforce",
    "scope",
    "priority",
    "active",
    "when",
    "at",
    "per",
    "depends",
    "overrides",
    "status",
    "source",
    "warn",
];
const ITEM_WORDS: [&str; 13] = [
    "package", "use", "fact", "let", "rule", "limit", "meter", "template", "apply", "require", "allow",
    "test", "private",
];

/// What other packages may see or not.
const PRIVATE: [&str; 6] = ["fact", "let", "rule", "limit", "meter", "template"];

/// Nothing stands behind a token where a condition or a value should.
pub(crate) fn missing_operand(source: &Source<'_>, before: Token) -> SyntaxError {
    let text = source.text;
    let word = &text[before.span.range()];
    let wanted = match word {
        "when" | "and" | "or" | "not" | "(" | "&&" | "||" | "!" | "for" => "a condition",
        _ => "a value",
    };
    SyntaxError::new(codes::SYNTAX, before.span, format!("expected {wanted} after {}", quoted(text, before)))
}

/// A body whose brace at the end is missing before `at`.
pub(crate) fn unclosed(source: &Source<'_>, what: &str, name: &str, whole: Span, at: u32) -> SyntaxError {
    let last = source.before(at).map_or(whole, |token| token.span);
    let name = if name.is_empty() { String::new() } else { format!(" `{name}`") };
    let error = SyntaxError::new(codes::UNCLOSED, last, format!("expected `}}` at the end of {what}{name}"));
    match source.within(whole).iter().find(|token| source.is(token.span, "{")) {
        Some(open) => error.and_at(open.span, "this `{` is not closed"),
        None => error,
    }
}

/// A keyword without the name that it declares.
pub(crate) fn missing_name(source: &Source<'_>, keyword: Span) -> SyntaxError {
    let word = &source.text[keyword.range()];
    let message = match source.after(keyword.end) {
        Some(found) if !source.is(found.span, "{") && !source.is(found.span, "(") => {
            let error = format!("expected a name after `{word}`, found {}", quoted(source.text, found));
            let error = SyntaxError::new(codes::SYNTAX, found.span, error);
            return match found.kind {
                TokenKind::Keyword => error.help(format!(
                    "`{}` is a keyword; choose another name",
                    &source.text[found.span.range()]
                )),
                _ => error,
            };
        }
        _ => format!("expected a name after `{word}`"),
    };
    SyntaxError::new(codes::SYNTAX, keyword, message)
}

/// The brace that should follow `last`.
pub(crate) fn missing_open(source: &Source<'_>, last: Span) -> SyntaxError {
    SyntaxError::new(codes::SYNTAX, last, format!("expected `{{` after `{}`", &source.text[last.range()]))
}

/// What stands between a header and the brace that should follow it.
pub(crate) fn bad_header(source: &Source<'_>, span: Span) -> SyntaxError {
    let text = source.text;
    let tokens = source.within(span);
    let Some((first, last)) = tokens.first().copied().zip(source.before(span.start)) else {
        return SyntaxError::new(codes::SYNTAX, span, "expected `{`");
    };
    if let Some(error) = told_by_token(text, tokens) {
        return error;
    }
    let message = format!("expected `{{` after {}, found {}", quoted(text, last), quoted(text, first));
    let error = SyntaxError::new(codes::SYNTAX, first.span, message);
    blanks_in_name(text, last, tokens, error)
}

/// With the advice to join the words, where words follow a name and nothing else does.
fn blanks_in_name(text: &str, name: Token, tokens: &[Token], error: SyntaxError) -> SyntaxError {
    let all = || std::iter::once(&name).chain(tokens);
    let (Some(last), true) = (tokens.last(), all().all(|token| token.kind.is_word())) else { return error };
    let joined = all().map(|token| &text[token.span.range()]).collect::<Vec<_>>().join("-");
    error.help(format!("a name has no blanks: `{joined}`")).fix_at(
        name.span.cover(last.span),
        format!("write `{joined}`"),
        joined,
    )
}

/// A string without its end anywhere in a stretch.
fn unclosed_text(text: &str, tokens: &[Token]) -> Option<SyntaxError> {
    let token = tokens.iter().find(|token| token.kind == TokenKind::Unclosed)?;
    let source = text[token.span.range()].trim_end();
    let span = Span::new(token.span.range().start, token.span.range().start + source.len());
    Some(
        SyntaxError::new(codes::UNCLOSED, span, "this text is not closed")
            .help("end it with `\"` on the same line; a line break is written `\\n`")
            .fix("close it", closed(source)),
    )
}

/// A text with a quotation mark at its end. Braces that stand alone there close what is around it.
fn closed(source: &str) -> String {
    let mut text = source;
    while let Some(before) = text.strip_suffix('}').filter(|before| before.ends_with([' ', '\t'])) {
        text = before.trim_end();
    }
    format!("{text}\"{}", &source[text.len()..])
}

/// What a token in a stretch tells by itself: a text without its end, or a character that is none of ours.
fn told_by_token(text: &str, tokens: &[Token]) -> Option<SyntaxError> {
    unclosed_text(text, tokens).or_else(|| {
        tokens.iter().find_map(|token| {
            let word = &text[token.span.range()];
            match token.kind {
                TokenKind::Word if !word.is_ascii() => Some(foreign::plain(word, token.span).1),
                TokenKind::Symbol => foreign::symbol(text, token.span),
                _ => None,
            }
        })
    })
}

/// A semicolon, which other languages write.
fn semicolon(span: Span) -> SyntaxError {
    SyntaxError::new(codes::SYNTAX, span, "an item ends without `;`").fix("remove it", "").certain()
}

fn unexpected(text: &str, found: Token, before: Token) -> SyntaxError {
    if &text[found.span.range()] == ";" {
        return semicolon(found.span);
    }
    let found_text = quoted(text, found);
    let found_text = found_text.strip_prefix("the ").unwrap_or(&found_text);
    let message = format!("unexpected {found_text} after {}", quoted(text, before));
    SyntaxError::new(codes::SYNTAX, found.span, message)
}

/// Something that stands where an item should begin.
pub(crate) fn bad_item(source: &Source<'_>, span: Span) -> SyntaxError {
    let text = source.text;
    let tokens = source.within(span);
    let Some(first) = tokens.first().copied() else {
        return SyntaxError::new(codes::SYNTAX, span, "expected an item");
    };
    if let Some(error) = told_by_token(text, tokens) {
        return error;
    }
    let word = &text[first.span.range()];
    let syntax = |message: String| SyntaxError::new(codes::SYNTAX, first.span, message);
    if word == "private" && tokens.get(1).is_none_or(|next| !PRIVATE.contains(&&text[next.span.range()])) {
        let words = PRIVATE.map(|word| format!("`{word}`"));
        return syntax("expected a declaration after `private`".to_owned())
            .help(format!("`private` may stand before {}", any_of(&words, "and")));
    }
    if ITEM_WORDS.contains(&word) {
        let failure = reread(Rule::only_item, text, span);
        return expected(source, span, failure.at, &expectation(&failure.positives));
    }
    if word == ";" {
        return semicolon(first.span);
    }
    if word == "}" {
        return syntax("this `}` closes nothing".to_owned()).fix("remove it", "");
    }
    if CLAUSE_WORDS.contains(&word) {
        return syntax(format!("`{word}` stands outside of a rule or limit"))
            .help("clauses belong between the braces of a rule or limit");
    }
    if matches!(first.kind, TokenKind::Word | TokenKind::Keyword)
        && let Some(near) = nearest(word, ITEM_WORDS)
    {
        let error = syntax(format!("`{word}` begins no item"));
        return error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near);
    }
    syntax(format!("expected an item, found {}", quoted(text, first)))
        .help(format!("a file consists of {}", any_of(&ITEM_WORDS.map(|word| format!("`{word}`")), "and")))
}

/// A brace behind which the policy goes on.
pub(crate) fn early_brace(source: &Source<'_>, brace: Span, kind: PolicyKind, name: &str) -> SyntaxError {
    let brace = Span { start: brace.start, end: brace.start + 1 };
    let error = SyntaxError::new(codes::SYNTAX, brace, format!("this `}}` ends {kind} `{name}` too early"));
    let error = match source.after(brace.end) {
        Some(next) => error.and_at(next.span, "this clause stands behind it"),
        None => error,
    };
    error.fix("remove it", "")
}

/// What a broken item declares, as far as its first two words tell.
pub(crate) fn declares(source: &Source<'_>, span: Span) -> Option<(Declares, Name)> {
    let text = source.text;
    let tokens = source.within(span);
    let private = &text[tokens.first()?.span.range()] == "private";
    let tokens = &tokens[usize::from(private)..];
    let declares = match &text[tokens.first()?.span.range()] {
        "package" => Declares::Package,
        "fact" => Declares::Fact,
        "let" => Declares::Let,
        "rule" => Declares::Rule,
        "limit" => Declares::Limit,
        "meter" => Declares::Meter,
        "template" => Declares::Template,
        "apply" => Declares::Apply,
        _ => return None,
    };
    let name = tokens.get(1).filter(|token| matches!(token.kind, TokenKind::Word | TokenKind::Keyword))?;
    Some((declares, Name { text: text[name.span.range()].to_owned(), span: name.span }))
}
