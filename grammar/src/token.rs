//! Tokens, for what needs the text's surface only: highlighting, and edits that keep the comments.

use ordain_ir::Span;
use pest::Parser as _;

use crate::parser::{Grammar, Rule, span};

/// A token. All tokens of a text, one after the other, are the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where.
    pub span: Span,
}

/// The kinds of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Blanks and line ends.
    Space,
    /// `// …`
    Comment,
    /// `/// …`
    Doc,
    /// `"…"`
    Text,
    /// A text whose closing quotation mark is missing; it ends with the line.
    Unclosed,
    /// A number, with its unit or percent sign; a time or a date.
    Number,
    /// A word that the language gives a meaning somewhere.
    Keyword,
    /// Any other name or word, dots included.
    Word,
    /// Anything else.
    Symbol,
}

impl TokenKind {
    /// Whether it is a name or a word, even a keyword.
    pub const fn is_word(self) -> bool {
        matches!(self, Self::Keyword | Self::Word)
    }
}

/// Every word that the language gives a meaning, in alphabetical order. Some are names elsewhere.
pub const KEYWORDS: &[&str] = &[
    "active",
    "agent",
    "all",
    "allow",
    "and",
    "any",
    "apply",
    "as",
    "at",
    "because",
    "between",
    "bool",
    "by",
    "contains",
    "coverage",
    "decimal",
    "depends",
    "duration",
    "ends",
    "enforce",
    "enum",
    "except",
    "expect",
    "fact",
    "false",
    "for",
    "from",
    "given",
    "global",
    "has",
    "in",
    "int",
    "least",
    "let",
    "like",
    "limit",
    "matches",
    "meter",
    "money",
    "most",
    "not",
    "of",
    "on",
    "opaque",
    "optional",
    "or",
    "overrides",
    "package",
    "per",
    "priority",
    "private",
    "project",
    "provider",
    "require",
    "rolling",
    "rule",
    "scope",
    "set",
    "source",
    "starts",
    "status",
    "string",
    "template",
    "tenant",
    "test",
    "true",
    "type",
    "until",
    "use",
    "used",
    "uses",
    "warn",
    "when",
    "with",
];

/// Splits any text into tokens.
pub fn tokens(text: &str) -> Vec<Token> {
    let Ok(pairs) = Grammar::parse(Rule::tokens, text) else { return vec![] };
    let kind = |pair: &crate::parser::Pair<'_>| {
        Some(match pair.as_rule() {
            Rule::t_space => TokenKind::Space,
            Rule::t_doc => TokenKind::Doc,
            Rule::t_comment => TokenKind::Comment,
            Rule::t_string => TokenKind::Text,
            Rule::t_unclosed => TokenKind::Unclosed,
            Rule::t_number => TokenKind::Number,
            Rule::t_word if KEYWORDS.binary_search(&pair.as_str()).is_ok() => TokenKind::Keyword,
            Rule::t_word => TokenKind::Word,
            Rule::t_symbol => TokenKind::Symbol,
            _ => return None,
        })
    };
    pairs
        .flat_map(pest::iterators::Pair::into_inner)
        .filter_map(|pair| Some(Token { kind: kind(&pair)?, span: span(&pair) }))
        .collect()
}

#[cfg(test)]
mod tests {
    use TokenKind::{Comment, Doc, Keyword, Number, Symbol, Text, Unclosed, Word};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keywords_are_in_order() {
        assert!(KEYWORDS.is_sorted());
    }

    #[test]
    fn tells_tokens_apart() {
        let text = "/// d\nrule a.b {// c\n at 09:00..1_0.5 \"x\\\"\" \"open\n";
        let kinds: Vec<_> = tokens(text)
            .into_iter()
            .filter(|token| token.kind != TokenKind::Space)
            .map(|token| (token.kind, &text[token.span.range()]))
            .collect();
        assert_eq!(
            kinds,
            [
                (Doc, "/// d"),
                (Keyword, "rule"),
                (Word, "a.b"),
                (Symbol, "{"),
                (Comment, "// c"),
                (Keyword, "at"),
                (Number, "09:00"),
                (Symbol, ".."),
                (Number, "1_0.5"),
                (Text, "\"x\\\"\""),
                (Unclosed, "\"open"),
            ]
        );
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "([a-z0-9 \"/.\\\\\r\n=-]|\\PC){0,40}") {
            let joined: String = tokens(&text).iter().map(|token| &text[token.span.range()]).collect();
            prop_assert_eq!(joined, text);
        }
    }
}
