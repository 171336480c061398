//! From text to pest's pairs, with the depth bounded beforehand.

use std::borrow::Cow;

use ordain_ir::{Span, codes};
use pest::Parser as _;

use crate::ast::Item;
use crate::{MAX_DEPTH, Parse, SyntaxError, build, hidden};

/// What pest makes of the grammar.
mod generated {
    /// The parser that pest generates.
    #[derive(pest_derive::Parser)]
    #[grammar = "ordain.pest"]
    pub(crate) struct Grammar;
}
pub(crate) use generated::{Grammar, Rule};

pub(crate) type Pair<'a> = pest::iterators::Pair<'a, Rule>;

pub(crate) fn parse(text: &str) -> Parse {
    let refuse = |error| Parse { errors: vec![error], ..Parse::default() };
    if u32::try_from(text.len()).is_err() {
        return refuse(SyntaxError::new(codes::SYNTAX, Span::default(), "the file is too large to be read"));
    }
    let (bounded, too_deep) = bound_depth(text);
    match Grammar::parse(Rule::file, &bounded) {
        Ok(mut pairs) => {
            let mut parse = pairs.next().map(|file| build::file(text, file)).unwrap_or_default();
            report_depth(&mut parse, &too_deep);
            parse.warnings = hidden::warnings(text);
            parse
        }
        // The grammar takes everything; only pest's own guard of the stack can end here.
        Err(_) => {
            refuse(SyntaxError::new(codes::TOO_DEEP, Span::new(0, text.len()), "the file is too complex"))
        }
    }
}

/// The span of a pair, with the white space that it may take behind its last token.
pub(crate) fn span(pair: &Pair<'_>) -> Span {
    let span = pair.as_span();
    Span::new(span.start(), span.end())
}

/// Parentheses beyond the allowed depth are one error in each item, and everything else there is no news.
fn report_depth(parse: &mut Parse, too_deep: &[usize]) {
    let first_in = |span: Span| {
        let at = *too_deep.get(too_deep.partition_point(|at| *at < span.range().start))?;
        (at < span.range().end).then(|| Span::new(at, at + 1))
    };
    let mut errors = vec![];
    for item in &mut parse.file.items {
        let whole = item.span();
        let Some(at) = first_in(whole) else { continue };
        match item {
            Item::Policy(policy) => {
                policy.broken = true;
                policy.clauses.iter_mut().for_each(|it| it.broken |= first_in(it.span).is_some());
            }
            Item::Let(it) => it.broken = true,
            _ => {}
        }
        let message = format!("parentheses are nested more than {MAX_DEPTH} deep");
        let error = SyntaxError::new(codes::TOO_DEEP, at, message);
        errors.push((whole, error.help("give a part of the condition a name with `let`")));
    }
    parse.errors.retain(|error| {
        let item = errors[..errors.partition_point(|(item, _)| item.start <= error.span.start)].last();
        item.is_none_or(|(item, _)| error.span.end > item.end)
    });
    parse.errors.extend(errors.into_iter().map(|(_, error)| error));
    parse.errors.sort_by_key(|error| error.span);
}

/// The words at the beginning of a line that end every parenthesis: none of them can stand in one.
const RESTART: [&[u8]; 6] = [b"rule ", b"limit ", b"fact ", b"let ", b"use ", b"package "];

/// Replaces parentheses that stand too deep by letters, keeping every offset, and tells where they are.
/// Letters, since a word is read once and white space again at every level.
fn bound_depth(text: &str) -> (Cow<'_, str>, Vec<usize>) {
    let bytes = text.as_bytes();
    let mut blanks = vec![];
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = end_of_string(bytes, at + 1),
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at += bytes[at..].iter().take_while(|b| !matches!(b, b'\n' | b'\r')).count();
                continue;
            }
            b'\n' | b'\r' if RESTART.iter().any(|word| bytes[at + 1..].starts_with(word)) => depth = 0,
            b'(' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    blanks.push(at);
                }
            }
            b')' => {
                if depth > MAX_DEPTH {
                    blanks.push(at);
                }
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        at += 1;
    }
    if blanks.is_empty() {
        return (Cow::Borrowed(text), blanks);
    }
    let mut bounded = text.to_owned().into_bytes();
    for blank in &blanks {
        bounded[*blank] = b'a';
    }
    let bounded = String::from_utf8(bounded).expect("an ASCII byte was put in place of an ASCII byte");
    (Cow::Owned(bounded), blanks)
}

/// The last byte of the string whose first is at `at`: its quotation mark, or the last of the line.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at,
            b'\n' | b'\r' => return at - 1,
            b'\\' if !matches!(bytes.get(at + 1), Some(b'\n' | b'\r') | None) => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}
