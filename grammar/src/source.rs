//! A text and its tokens, for what is said about places in it.

use std::cell::OnceCell;

use ordain_ir::Span;

use crate::{Token, TokenKind, tokens};

/// White space, as the grammar has it.
fn is_blank(c: char) -> bool {
    matches!(c, '\t'..=' ' | '\u{feff}')
}

/// The span without white space and comments at its end, if it begins at a token.
pub(crate) fn trimmed(text: &str, span: Span) -> Span {
    let mut rest = &text[span.range()];
    loop {
        rest = rest.trim_end_matches(is_blank);
        // Neither texts nor comments go over the end of a line.
        let line = rest.bytes().rposition(|byte| matches!(byte, b'\n' | b'\r')).map_or(0, |end| end + 1);
        match comment_start(&rest.as_bytes()[line..]) {
            Some(at) => rest = &rest[..line + at],
            None => return Span::new(span.range().start, span.range().start + rest.len()),
        }
    }
}

/// Where the comment of a line begins, if it has one.
fn comment_start(line: &[u8]) -> Option<usize> {
    let mut at = line.iter().position(|byte| matches!(byte, b'"' | b'/'))?;
    let mut quoted = false;
    while let Some(byte) = line.get(at) {
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b'/' if !quoted && line.get(at + 1) == Some(&b'/') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// A text with its tokens, which are made when the first error asks for them and once only.
pub(crate) struct Source<'a> {
    pub(crate) text: &'a str,
    tokens: OnceCell<Vec<Token>>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, tokens: OnceCell::new() }
    }

    /// All tokens that are neither white space nor comments.
    fn tokens(&self) -> &[Token] {
        self.tokens.get_or_init(|| tokens(self.text).into_iter().filter(significant).collect())
    }

    /// Whether no line ends between two stretches, the first of which comes first.
    pub(crate) fn same_line(&self, first: Span, second: Span) -> bool {
        let between = self.text.get(first.range().end..second.range().start);
        between.is_some_and(|between| !between.contains(['\n', '\r']))
    }

    /// Whether a text or a bracket is left open in a stretch.
    pub(crate) fn opens(&self, span: Span) -> bool {
        let mut depth = 0_i64;
        self.within(span).iter().any(|token| match &self.text[token.span.range()] {
            "(" | "[" | "{" => {
                depth += 1;
                false
            }
            ")" | "]" | "}" => {
                depth -= 1;
                false
            }
            _ => token.kind == TokenKind::Unclosed,
        }) || depth > 0
    }

    /// Whether a stretch reads like this.
    pub(crate) fn is(&self, span: Span, text: &str) -> bool {
        self.text.get(span.range()) == Some(text)
    }

    /// The first token that begins at or after `at`.
    pub(crate) fn after(&self, at: u32) -> Option<Token> {
        let tokens = self.tokens();
        tokens.get(tokens.partition_point(|token| token.span.start < at)).copied()
    }

    /// The last token that ends at or before `at`.
    pub(crate) fn before(&self, at: u32) -> Option<Token> {
        let tokens = self.tokens();
        tokens[..tokens.partition_point(|token| token.span.end <= at)].last().copied()
    }

    /// The tokens of a stretch.
    pub(crate) fn within(&self, span: Span) -> &[Token] {
        let tokens = self.tokens();
        let first = tokens.partition_point(|token| token.span.start < span.start);
        let end = tokens.partition_point(|token| token.span.start < span.end);
        tokens.get(first..end).unwrap_or(&[])
    }
}

fn significant(token: &Token) -> bool {
    !matches!(token.kind, TokenKind::Space | TokenKind::Comment | TokenKind::Doc)
}

/// A token's text for a message, cut where it is long.
pub(crate) fn quoted(text: &str, token: Token) -> String {
    let word = &text[token.span.range()];
    let mut shown: String = word.chars().take(40).collect();
    if shown.len() < word.len() {
        shown.push('…');
    }
    if token.kind == TokenKind::Symbol && !word.is_ascii() || word.chars().any(char::is_control) {
        let code = word.chars().next().map_or(0, u32::from);
        return if word.chars().all(|c| c.is_alphanumeric() || c.is_ascii_graphic()) {
            format!("`{shown}`")
        } else {
            format!("the character U+{code:04X}")
        };
    }
    format!("`{shown}`")
}
