//! The one way to write a policy file.
//!
//! Words, literals and signs stay as they are and where they are, but for four things: clauses of a policy or
//! test come in their fixed order, `use` lines of a group are sorted, the last entry of a list in brackets has a
//! comma where the list takes several lines and none else, and comments move with what they stand at. All else
//! is white space, and the layout depends on none of it but empty lines and on whether a policy was written on
//! one line.

mod atoms;
mod clause;
mod doc;
mod imports;
mod item;
mod lexeme;
mod lines;
mod table;
mod tree;
mod value;

use std::fmt;

use crate::{SyntaxError, TokenKind, tokens};

/// Lines are no longer where that can be helped.
pub(crate) const WIDTH: usize = 100;

/// Why a text has not been formatted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// It has mistakes, so that nobody knows what belongs together; there is at least one.
    Syntax(Vec<SyntaxError>),
    /// What came out says something else than what went in: a bug of the formatter.
    Changed,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(errors) => {
                let first = errors.first().map_or("", |error| error.message.as_str());
                write!(f, "a text with syntax errors can't be formatted: {first}")
            }
            Self::Changed => {
                f.write_str("formatting would change what the text says, which is a bug in ordain")
            }
        }
    }
}

impl std::error::Error for FormatError {}

/// The text in the one way to write it. Lines end as the first one does, and the last one ends too.
pub fn format(text: &str) -> Result<String, FormatError> {
    let parse = crate::parse(text);
    if !parse.errors.is_empty() {
        return Err(FormatError::Syntax(parse.errors));
    }
    let (lexemes, rest) = lexeme::lexemes(text, &atoms::atoms(&parse.file));
    let mut docs = vec![];
    item::items(&parse.file.items, &lexemes, WIDTH, &mut docs);
    docs.push(doc::Doc::Hard);
    lexeme::write_last(&rest, !lexemes.is_empty(), &mut docs);
    let mut lines = lines::Lines::default();
    doc::print(&docs, WIDTH, &mut lines);
    let first_end = text.find(['\n', '\r']).map(|at| &text[at..]);
    let crlf = first_end.is_some_and(|end| end.starts_with("\r\n"));
    let formatted = lines.finish(if crlf { "\r\n" } else { "\n" });
    if crate::parse(&formatted).errors.is_empty() && words(text) == words(&formatted) {
        Ok(formatted)
    } else {
        Err(FormatError::Changed)
    }
}

/// All that has a meaning and all comments, but for commas, in an order that formatting keeps.
fn words(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> = tokens(text)
        .into_iter()
        .filter(|token| token.kind != TokenKind::Space)
        .map(|token| text[token.span.range()].trim_end_matches([' ', '\t']))
        .filter(|word| *word != ",")
        .collect();
    words.sort_unstable();
    words
}
