//! Letters in names that are none of ASCII's, and may look as if they were.

use ordain_ir::{Span, codes};
use unicode_script::UnicodeScript as _;

use crate::{SyntaxError, hidden};

/// What a word with letters of other alphabets looks like, and what is wrong with it. Letters that look like
/// none of ours stay.
pub(crate) fn plain(word: &str, span: Span) -> (String, SyntaxError) {
    let plain: String = word.chars().map(|c| lookalike(c).unwrap_or(c)).collect();
    let foreign = |(_, c): &(usize, char)| !c.is_ascii();
    let (at, first) = word
        .char_indices()
        .find(|(_, c)| lookalike(*c).is_some())
        .or_else(|| word.char_indices().find(foreign))
        .unwrap_or((0, '\u{fffd}'));
    let at = span.range().start + at;
    let place = Span::new(at, at + first.len_utf8());
    let error = match lookalike(first) {
        Some(like) => {
            let message =
                format!("the {} U+{:04X} in this name looks like `{like}`", kind(first), u32::from(first));
            SyntaxError::new(codes::CONFUSABLE, place, message)
        }
        None => SyntaxError::new(codes::SYNTAX, place, format!("{} can't stand in a name", shown(first)))
            .help("names consist of the letters a to z, digits, `-` and `_`"),
    };
    let error = if plain.is_ascii() {
        error.fix_at(span, format!("write `{plain}`"), plain.clone()).certain()
    } else {
        error
    };
    (plain, error)
}

/// What is wrong with a sign that can't be seen, or looks like one of ours.
pub(crate) fn symbol(text: &str, span: Span) -> Option<SyntaxError> {
    let c = text[span.range()].chars().next()?;
    if let Some(error) = hidden::error(c, span) {
        return Some(error);
    }
    let like = match c {
        c if is_quotation_mark(c) => return Some(quotation(text, span)),
        '\u{2264}' => return Some(misspelt(c, "<=", span)),
        '\u{2265}' => return Some(misspelt(c, ">=", span)),
        '\u{2260}' => return Some(misspelt(c, "!=", span)),
        c => lookalike(c)?,
    };
    Some(misspelt(c, &like.to_string(), span))
}

fn is_quotation_mark(c: char) -> bool {
    matches!(c, '\u{ab}' | '\u{bb}' | '\u{201c}'..='\u{201f}' | '\u{2033}')
}

/// A typographic quotation mark, with the one that closes it.
fn quotation(text: &str, open: Span) -> SyntaxError {
    let c = text[open.range()].chars().next().unwrap_or_default();
    let error = misspelt(c, "\"", open);
    let line = text[open.range().end..].split(['\n', '\r', '"']).next().unwrap_or_default();
    let Some((at, close)) = line.char_indices().find(|(_, c)| is_quotation_mark(*c)) else { return error };
    let inner = &line[..at];
    let end = open.range().end + at + close.len_utf8();
    let fixed = format!("\"{inner}\"");
    error.fix_at(Span::new(open.range().start, end), format!("write `{fixed}`"), fixed)
}

fn misspelt(c: char, like: &str, span: Span) -> SyntaxError {
    let message = format!("the character U+{:04X} is not `{like}`", u32::from(c));
    SyntaxError::new(codes::CONFUSABLE, span, message).fix(format!("write `{like}`"), like).certain()
}

/// The ASCII letter, digit or hyphen that a character of another alphabet looks like.
pub(crate) fn lookalike(c: char) -> Option<char> {
    if c.is_ascii() {
        return None;
    }
    let mut skeleton = unicode_security::skeleton(c.encode_utf8(&mut [0; 4])).collect::<Vec<_>>().into_iter();
    let like = skeleton.next().filter(char::is_ascii_graphic)?;
    skeleton.next().is_none().then_some(like)
}

fn shown(c: char) -> String {
    if c.is_alphanumeric() { format!("`{c}`") } else { hidden::name(c) }
}

/// What to call a character: its alphabet, if it has one.
fn kind(c: char) -> String {
    match c.script() {
        unicode_script::Script::Common
        | unicode_script::Script::Inherited
        | unicode_script::Script::Unknown => "character".to_owned(),
        script => format!("{} letter", script.full_name().replace('_', " ")),
    }
}
