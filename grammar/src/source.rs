//! A text and its tokens, for what is said about places in it.

use std::cell::OnceCell;

use ordain_ir::Span;

use crate::{Token, TokenKind, tokens};

/// The span without white space and comments at its end.
pub(crate) fn trimmed(text: &str, span: Span) -> Span {
    Span { start: span.start, end: trimmed_end(text, span) }
}

/// The end of the span's last byte that is neither white space nor in a comment; its start if there is none.
pub(crate) fn trimmed_end(text: &str, span: Span) -> u32 {
    let start = span.range().start;
    Span::new(start, start + significant_len(&text[span.range()])).end
}

/// How long a text is without white space and comments at its end.
pub(crate) fn significant_len(text: &str) -> usize {
    let blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{feff}');
    if !text.contains("//") {
        return text.trim_end_matches(blank).len();
    }
    let (mut end, mut chars) = (0, text.char_indices().peekable());
    let (mut quoted, mut comment) = (false, false);
    while let Some((at, c)) = chars.next() {
        match c {
            '\n' | '\r' => (quoted, comment) = (false, false),
            _ if comment => {}
            '\\' if quoted => {
                end = at + 1;
                if let Some((at, c)) = chars.next_if(|(_, c)| !matches!(c, '\n' | '\r')) {
                    end = at + c.len_utf8();
                }
            }
            '"' => {
                quoted = !quoted;
                end = at + 1;
            }
            '/' if !quoted && chars.peek().is_some_and(|(_, next)| *next == '/') => comment = true,
            c if blank(c) && !quoted => {}
            c => end = at + c.len_utf8(),
        }
    }
    end
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

    /// The last token that ends at or before `at`.
    pub(crate) fn before(&self, at: u32) -> Option<Token> {
        let tokens = self.tokens();
        tokens[..tokens.partition_point(|token| token.span.end <= at)].last().copied()
    }

    /// The tokens of a stretch.
    pub(crate) fn within(&self, span: Span) -> &[Token] {
        let tokens = self.tokens();
        let first = tokens.partition_point(|token| token.span.start < span.start);
        let end = tokens.partition_point(|token| token.span.end <= span.end);
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
