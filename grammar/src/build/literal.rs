//! Literals and the escapes in them.

use ordain_ir::{Span, codes};

use super::Builder;
use crate::SyntaxError;
use crate::ast::{Literal, LiteralKind};
use crate::parser::{Pair, Rule, span};

impl Builder<'_> {
    /// A `literal` or an `integer`: a sign and a quantity, or text.
    pub(super) fn literal(&mut self, pair: Pair<'_>) -> Literal {
        let whole = span(&pair);
        let mut negative = false;
        let mut kind = LiteralKind::Number(String::new());
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::minus => negative = true,
                _ => kind = self.quantity(&inner),
            }
        }
        if negative {
            match &mut kind {
                LiteralKind::Number(text)
                | LiteralKind::Money(text, _)
                | LiteralKind::Duration(text)
                | LiteralKind::Percent(text) => text.insert(0, '-'),
                LiteralKind::Text(_) => {}
            }
        }
        Literal { span: whole, kind }
    }

    /// One of the unsigned literals.
    pub(super) fn quantity(&mut self, pair: &Pair<'_>) -> LiteralKind {
        let text = pair.as_str();
        match pair.as_rule() {
            Rule::percent => LiteralKind::Percent(text.trim_end_matches('%').to_owned()),
            Rule::duration => LiteralKind::Duration(text.to_owned()),
            Rule::money => {
                let (amount, currency) = text
                    .split_once(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '_'))
                    .unwrap_or((text, ""));
                let currency = pair.clone().into_inner().last().map_or(currency, |part| part.as_str());
                LiteralKind::Money(amount.to_owned(), currency.to_owned())
            }
            Rule::string => LiteralKind::Text(self.string(span(pair))),
            _ => LiteralKind::Number(text.to_owned()),
        }
    }

    /// The text between quotation marks, with its escapes resolved.
    pub(super) fn string(&mut self, quoted: Span) -> String {
        let source = &self.source.text[quoted.range()];
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
}

/// Reads `{e9}` at the start of a text: the character, and how many characters that took.
fn unicode(text: &str) -> Option<(char, usize)> {
    let digits = text.strip_prefix('{')?.split_once('}')?.0;
    let plain = (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let c = char::from_u32(u32::from_str_radix(digits, 16).ok().filter(|_| plain)?)?;
    Some((c, digits.len() + 2))
}
