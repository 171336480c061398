//! Words and signs with the comments around them. A comment behind a word on its line belongs to that word, one
//! on a line of its own to the next word; neither ever moves away from its word.

use ordain_ir::Span;
use pest::Parser as _;

use super::doc::Doc;
use crate::parser::{Grammar, Rule};
use crate::{TokenKind, tokens};

/// A word, a literal, a sign, or a path with its slashes.
#[derive(Clone, Debug)]
pub(super) struct Lexeme<'a> {
    /// As written.
    pub(super) text: &'a str,
    /// Where it starts.
    pub(super) start: u32,
    /// What it is; a path is a word.
    pub(super) kind: TokenKind,
    /// Whether a line ends between it and the one before.
    pub(super) begins_line: bool,
    /// The comments above it.
    pub(super) above: Vec<Comment<'a>>,
    /// Whether an empty line stands directly above it, under the comments.
    pub(super) blank: bool,
    /// The comment behind it on its line.
    pub(super) behind: Option<&'a str>,
}

/// A comment on a line of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comment<'a> {
    /// Whether an empty line stands above it.
    pub(super) blank: bool,
    /// From `//` on, without blanks at the end.
    pub(super) text: &'a str,
}

/// The text as lexemes, and the comments behind the last. `atoms` are the stretches that are one lexeme each,
/// in order.
pub(super) fn lexemes<'a>(text: &'a str, atoms: &[Span]) -> (Vec<Lexeme<'a>>, Vec<Comment<'a>>) {
    let mut out: Vec<Lexeme<'a>> = vec![];
    let mut above = vec![];
    let (mut line_ends, mut begins_line) = (0, true);
    let mut atoms = atoms.iter().peekable();
    let mut read = 0;
    for token in tokens(text) {
        if token.span.end <= read {
            continue;
        }
        let written = &text[token.span.range()];
        match token.kind {
            TokenKind::Space => line_ends = count_line_ends(written),
            TokenKind::Comment | TokenKind::Doc => {
                let comment = written.trim_end_matches([' ', '\t']);
                match out.last_mut() {
                    Some(last) if line_ends == 0 => last.behind = Some(comment),
                    _ => above.push(Comment { blank: line_ends > 1, text: comment }),
                }
                (line_ends, begins_line) = (0, true);
            }
            kind => {
                while atoms.next_if(|atom| atom.end <= token.span.start).is_some() {}
                let atom = atoms.next_if(|atom| atom.start == token.span.start);
                let span = atom.copied().unwrap_or(token.span);
                read = span.end;
                let star = written == "*"
                    && out.last().is_some_and(|dot| dot.text == "." && dot.start + 1 == span.start);
                match out.last_mut() {
                    Some(dot) if star => dot.text = &text[dot.start as usize..span.range().end],
                    _ => out.push(Lexeme {
                        text: &text[span.range()],
                        start: span.start,
                        kind: if atom.is_some() { TokenKind::Word } else { kind },
                        begins_line: begins_line || line_ends > 0,
                        above: std::mem::take(&mut above),
                        blank: line_ends > 1,
                        behind: None,
                    }),
                }
                (line_ends, begins_line) = (0, false);
            }
        }
    }
    (out, above)
}

/// `\r\n` is one.
fn count_line_ends(space: &str) -> usize {
    let lone = space.matches('\r').count() - space.matches("\r\n").count();
    space.matches('\n').count() + lone
}

/// Whether a word is no name anywhere.
pub(super) fn is_reserved(word: &str) -> bool {
    Grammar::parse(Rule::keyword, word)
        .is_ok_and(|mut pairs| pairs.next().is_some_and(|pair| pair.as_str().len() == word.len()))
}

impl<'a> Lexeme<'a> {
    /// Whether it is this word or sign.
    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text && self.kind != TokenKind::Text
    }

    /// The lexeme with its comments. Whether an empty line stands above all of it is for the list or block to
    /// say; in the middle of something there is none.
    pub(super) fn write(&self, out: &mut Vec<Doc<'a>>) {
        self.write_above(out);
        out.push(Doc::text(self.text));
        self.write_behind(out);
    }

    /// The comments above it, with the empty lines between and under them.
    pub(super) fn write_above(&self, out: &mut Vec<Doc<'a>>) {
        write_comments(&self.above, out);
        if self.blank && !self.above.is_empty() {
            out.push(Doc::Blank);
        }
    }

    /// The comment behind it.
    pub(super) fn write_behind(&self, out: &mut Vec<Doc<'a>>) {
        out.extend(self.behind.map(Doc::Behind));
    }

    /// Whether an empty line stands above the lexeme and its comments.
    pub(super) fn gap(&self) -> bool {
        self.above.first().map_or(self.blank, |comment| comment.blank)
    }

    /// Whether no comment belongs to it.
    pub(super) fn is_bare(&self) -> bool {
        self.above.is_empty() && self.behind.is_none()
    }
}

/// Comments on lines of their own, with the empty lines between them.
pub(super) fn write_comments<'a>(comments: &[Comment<'a>], out: &mut Vec<Doc<'a>>) {
    for (at, comment) in comments.iter().enumerate() {
        if comment.blank && at > 0 {
            out.push(Doc::Blank);
        }
        out.push(Doc::Above(comment.text));
    }
}

/// The comments above the end of a block or file, with an empty line above where one was.
pub(super) fn write_last<'a>(comments: &[Comment<'a>], after_something: bool, out: &mut Vec<Doc<'a>>) {
    if after_something && comments.first().is_some_and(|comment| comment.blank) {
        out.push(Doc::Blank);
    }
    write_comments(comments, out);
}
