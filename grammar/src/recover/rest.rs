//! Words for what stands behind something that could be read, and goes on with it.

use ordain_ir::{Span, codes};

use super::{ITEM_WORDS, told_by_token, unexpected};
use crate::ast::Item;
use crate::source::{Source, quoted};
use crate::{SyntaxError, Token};

/// Something that can only have been meant to go on with a condition.
pub(super) fn rest_of_condition(source: &Source<'_>, first: Token) -> Option<SyntaxError> {
    let word = &source.text[first.span.range()];
    let syntax = |message: String| SyntaxError::new(codes::SYNTAX, first.span, message);
    Some(match word {
        ")" | "]" => syntax(format!("this `{word}` closes nothing")),
        "in" => syntax("expected a list of words in braces after `in`".to_owned())
            .help("write for example `in { pii, phi }`"),
        "starts" | "ends" => syntax(format!("expected `with` after `{word}`")),
        "like" | "matches" | "contains" => syntax(format!("expected a text after `{word}`")),
        "/" => syntax("there is no division".to_owned())
            .help("multiply the other side of the comparison instead"),
        "==" | "!=" | "<" | "<=" | ">" | ">=" | "+" | "-" | "*" => wanted_after(source, first, "a value"),
        _ => return None,
    })
}

/// A word behind which something is missing or wrong, so that it could not be taken as a part of what stands
/// before it.
pub(super) fn rest_of_clause(source: &Source<'_>, first: Token) -> Option<SyntaxError> {
    let wanted = match &source.text[first.span.range()] {
        "as" | "by" => "a name",
        "because" => "a text in quotation marks",
        "until" | "from" => "a date",
        "for" => "a condition",
        _ => return None,
    };
    Some(wanted_after(source, first, wanted))
}

pub(super) fn wanted_after(source: &Source<'_>, token: Token, wanted: &str) -> SyntaxError {
    let word = &source.text[token.span.range()];
    let found = source.after(token.span.end).filter(|found| source.same_line(token.span, found.span));
    let found = found.filter(|found| !source.is(found.span, "}"));
    let found = found.map(|found| format!(", found {}", quoted(source.text, found))).unwrap_or_default();
    SyntaxError::new(codes::SYNTAX, token.span, format!("expected {wanted} after `{word}`{found}"))
}

/// Something behind an item that goes on with it, most likely.
pub(crate) fn rest_of_item(
    source: &Source<'_>,
    span: Span,
    previous: &Item,
    same_line: bool,
) -> Option<SyntaxError> {
    let tokens = source.within(span);
    let first = tokens.first().copied()?;
    let word = &source.text[first.span.range()];
    if matches!(previous, Item::Policy(_) | Item::Template(_) | Item::Test(_) | Item::Broken(_))
        || ITEM_WORDS.contains(&word)
        || word == "}"
        || !same_line && tokens.len() == 1
    {
        return None;
    }
    let error = match (previous, word) {
        (Item::Require(_), "in") => Some(wanted_after(source, first, "a scope")),
        (Item::Fact(_), "in") => Some(wanted_after(source, first, "a range").help("for example `in 0..100`")),
        (Item::Let(_) | Item::Require(_), _) => rest_of_condition(source, first),
        _ => None,
    };
    let error = error.or_else(|| rest_of_clause(source, first)).or_else(|| {
        let before = source.before(first.span.start).filter(|_| same_line)?;
        Some(unexpected(source.text, first, before))
    });
    error.map(|error| told_by_token(source.text, tokens).unwrap_or(error))
}
