//! Characters in comments and texts that can't be seen, or that change how what stands around them is shown. In
//! reviews a policy can look harmless with them and mean something else (CVE-2021-42574, *Trojan Source*).

use ordain_ir::{Span, codes};

use crate::{SyntaxError, TokenKind, tokens};

/// A warning for each comment, text and stretch of white space that holds such characters.
pub(crate) fn warnings(text: &str) -> Vec<SyntaxError> {
    // Nearly every text is plain, and told to be so in one pass.
    let plain = |byte: u8| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t');
    if text.bytes().all(plain) || hidden_in(text, true).next().is_none() {
        return vec![];
    }
    tokens(text).into_iter().filter_map(|token| warning(text, token.kind, token.span)).collect()
}

fn warning(text: &str, kind: TokenKind, span: Span) -> Option<SyntaxError> {
    let source = &text[span.range()];
    let (at, first) = hidden_in(source, span.start == 0).next()?;
    let (what, escaped) = match kind {
        TokenKind::Space => ("white space", false),
        TokenKind::Comment | TokenKind::Doc => ("this comment", false),
        TokenKind::Text | TokenKind::Unclosed => ("this text", true),
        // Elsewhere they are errors.
        TokenKind::Number | TokenKind::Keyword | TokenKind::Word | TokenKind::Symbol => return None,
    };
    let start = span.range().start + at;
    let place = Span::new(start, start + first.len_utf8());
    let effect = if changes_direction(first) {
        "which changes the direction of what stands behind it"
    } else {
        "which can't be seen"
    };
    let message = format!("{what} contains {}, {effect}", name(first));
    let mut mended = String::with_capacity(source.len());
    let mut rest = 0;
    for (at, c) in hidden_in(source, span.start == 0) {
        mended.push_str(&source[rest..at]);
        if escaped {
            mended.extend(["\\u{", &format!("{:x}", u32::from(c)), "}"]);
        }
        rest = at + c.len_utf8();
    }
    mended.push_str(&source[rest..]);
    let title = if escaped { "write it as an escape" } else { "remove it" };
    Some(SyntaxError::new(codes::HIDDEN_TEXT, place, message).fix_at(span, title, mended).certain())
}

/// The error for a hidden character outside of comments and texts.
pub(crate) fn error(c: char, span: Span) -> Option<SyntaxError> {
    hidden_in(c.encode_utf8(&mut [0; 4]), false).next()?;
    let message = format!("{} stands here, which can't be seen", name(c));
    Some(SyntaxError::new(codes::HIDDEN_TEXT, span, message).fix("remove it", "").certain())
}

/// The hidden characters of a text. A byte-order mark at the start of a file is none of them.
fn hidden_in(text: &str, starts_file: bool) -> impl Iterator<Item = (usize, char)> {
    let mut previous = ' ';
    text.char_indices().filter(move |(at, c)| {
        let before = std::mem::replace(&mut previous, *c);
        let next = || text[at + c.len_utf8()..].chars().next().unwrap_or(' ');
        match c {
            '\t' | '\n' | '\r' => false,
            '\u{feff}' => !(starts_file && *at == 0),
            // They join letters and pictures of other alphabets as they should.
            '\u{200c}' | '\u{200d}' => before.is_ascii() || next().is_ascii(),
            // One of them chooses a picture or a key.
            '\u{fe00}'..='\u{fe0f}' => {
                (before.is_ascii() && next() != '\u{20e3}') || is_variation_selector(before)
            }
            c => c.is_control() || is_invisible(*c) || changes_direction(*c),
        }
    })
}

fn is_variation_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Whether a character makes others stand in another order than they are written in.
fn changes_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character leaves no mark, or ends a line for some programs and not for others.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
            | '\u{3164}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// What to call a character that can't be shown.
pub(crate) fn name(c: char) -> String {
    let name = match c {
        '\0' => "a NUL byte",
        '\u{ad}' => "a soft hyphen",
        '\u{200b}' => "a zero-width space",
        '\u{200c}' => "a zero-width non-joiner",
        '\u{200d}' => "a zero-width joiner",
        '\u{200e}' => "a left-to-right mark",
        '\u{200f}' => "a right-to-left mark",
        '\u{202a}' => "a left-to-right embedding",
        '\u{202b}' => "a right-to-left embedding",
        '\u{202c}' => "the end of an embedding",
        '\u{202d}' => "a left-to-right override",
        '\u{202e}' => "a right-to-left override",
        '\u{2060}' => "a word joiner",
        '\u{2066}' => "a left-to-right isolate",
        '\u{2067}' => "a right-to-left isolate",
        '\u{2068}' => "an isolate",
        '\u{2069}' => "the end of an isolate",
        '\u{feff}' => "a byte-order mark",
        c if c.is_control() => "a control character",
        _ => "the character",
    };
    format!("{name} U+{:04X}", u32::from(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<(String, Option<String>)> {
        let mend = |error: SyntaxError| {
            let (_, span, by) = error.fix?;
            Some([&text[..span.range().start], &by, &text[span.range().end..]].concat())
        };
        warnings(text).into_iter().map(|error| (error.message.clone(), mend(error))).collect()
    }

    #[test]
    fn comments_lose_what_hides_and_texts_show_it() {
        let one = |message: &str, mended: &str| vec![(message.to_owned(), Some(mended.to_owned()))];
        assert_eq!(
            said("// a\u{202e}b\u{2066}c\nlet x = y"),
            one(
                "this comment contains a right-to-left override U+202E, which changes the direction of what stands \
                 behind it",
                "// abc\nlet x = y"
            )
        );
        assert_eq!(
            said("let x = y == \"ac\u{200b}me\0\""),
            one(
                "this text contains a zero-width space U+200B, which can't be seen",
                "let x = y == \"ac\\u{200b}me\\u{0}\""
            )
        );
        assert_eq!(
            said("let x = y\n\u{feff}let z = y"),
            one("white space contains a byte-order mark U+FEFF, which can't be seen", "let x = y\nlet z = y")
        );
    }

    #[test]
    fn what_can_be_seen_is_no_news() {
        for text in [
            "\u{feff}let x = y\r\n\tor z // café, Москва, 漢字",
            "// 👩\u{200d}💻 ❤\u{fe0f} 1\u{fe0f}\u{20e3} می\u{200c}خواهم",
            "let x = y == \"\\u{202e}\"",
        ] {
            assert_eq!(said(text), [], "{text}");
        }
        for text in ["// a\u{200d}b", "// a\u{fe0f}", "// ❤\u{fe0f}\u{fe0f}", "// \u{e0041}", "// a\u{2028}b"]
        {
            assert_eq!(said(text).len(), 1, "{text:?}");
        }
    }
}
