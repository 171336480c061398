//! Literals and the escapes in them.

use ordain_ir::{Span, codes};

use super::{Builder, Parts};
use crate::SyntaxError;
use crate::ast::{Literal, LiteralKind};
use crate::parser::{Pair, Rule, span};

impl Builder<'_> {
    /// The next literal among some parts: a sign and a quantity, or text. A sign before a number is a part of
    /// it, so that the least number of 64 bits can be written.
    pub(super) fn literal(&mut self, parts: &mut Parts<'_>) -> Option<Literal> {
        let sign = parts.next_if(|part| part.as_rule() == Rule::minus_t).map(|sign| span(&sign));
        let pair = parts.next()?;
        let mut literal = self.quantity(&pair, parts);
        if let Some(sign) = sign {
            literal.span = sign.cover(literal.span);
            negate(&mut literal.kind);
        }
        Some(literal)
    }

    /// One of the unsigned literals; money takes its currency from the parts that follow.
    pub(super) fn quantity(&mut self, pair: &Pair<'_>, rest: &mut Parts<'_>) -> Literal {
        let place = span(pair);
        let text = pair.as_str();
        let kind = match pair.as_rule() {
            Rule::percent_t => LiteralKind::Percent(text.trim_end_matches('%').to_owned()),
            Rule::duration_t => LiteralKind::Duration(text.to_owned()),
            Rule::string_t => LiteralKind::Text(self.string(place)),
            _ => match rest.next_if(|part| part.as_rule() == Rule::currency_t) {
                Some(currency) => {
                    let kind = LiteralKind::Money(text.to_owned(), currency.as_str().to_owned());
                    return Literal { span: place.cover(span(&currency)), kind };
                }
                None => LiteralKind::Number(text.to_owned()),
            },
        };
        Literal { span: place, kind }
    }

    /// A text as a literal.
    pub(super) fn text(&mut self, pair: &Pair<'_>) -> Literal {
        let place = span(pair);
        Literal { span: place, kind: LiteralKind::Text(self.string(place)) }
    }

    /// The text between quotation marks, with its escapes resolved.
    pub(super) fn string(&mut self, quoted: Span) -> String {
        let source = &self.source.text[quoted.range()];
        if !source.contains('\\') {
            return source.trim_matches('"').to_owned();
        }
        let mut out = String::new();
        let mut chars = source.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => break,
                '\\' => {
                    let escaped = chars.next().map(|(_, c)| c);
                    let braces = (escaped == Some('u')).then(|| unicode(&source[at + 2..]));
                    match (escaped, braces) {
                        (Some('n'), _) => out.push('\n'),
                        (Some('t'), _) => out.push('\t'),
                        (Some(c @ ('"' | '\\')), _) => out.push(c),
                        (_, Some(Some((c, length)))) => {
                            out.push(c);
                            for _ in 0..length {
                                chars.next();
                            }
                        }
                        (escaped, _) => {
                            let length = 1 + escaped.map_or(0, char::len_utf8);
                            let start = quoted.range().start + at;
                            self.report(bad_escape(Span::new(start, start + length), escaped));
                        }
                    }
                }
                c => out.push(c),
            }
        }
        out
    }
}

/// The literal with a minus sign before it.
pub(super) fn negate(kind: &mut LiteralKind) {
    match kind {
        LiteralKind::Number(text)
        | LiteralKind::Money(text, _)
        | LiteralKind::Duration(text)
        | LiteralKind::Percent(text) => text.insert(0, '-'),
        LiteralKind::Text(_) => {}
    }
}

fn bad_escape(span: Span, escaped: Option<char>) -> SyntaxError {
    let text = escaped.map(String::from).unwrap_or_default();
    let error = SyntaxError::new(codes::BAD_LITERAL, span, format!("`\\{text}` is no escape"));
    if escaped == Some('u') {
        return error.help("write `\\u{e9}`, with one to six hexadecimal digits of a Unicode character");
    }
    error
        .help(
            "the escapes are `\\\"`, `\\\\`, `\\n`, `\\t` and `\\u{…}`; for a backslash itself write `\\\\`",
        )
        .fix(format!("write `\\\\{text}`"), format!("\\\\{text}"))
        .certain()
}

/// Reads `{e9}` at the start of a text: the character, and how many characters that took.
fn unicode(text: &str) -> Option<(char, usize)> {
    let digits = text.strip_prefix('{')?.split_once('}')?.0;
    let plain = (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let c = char::from_u32(u32::from_str_radix(digits, 16).ok().filter(|_| plain)?)?;
    Some((c, digits.len() + 2))
}
