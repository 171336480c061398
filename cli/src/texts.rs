//! The texts that findings point at, with the places of their lines.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use ordain_ir::{Place, Span};

/// A text. Where its lines begin is looked up once, since thousands of findings may point at it.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    /// Its path.
    pub(crate) name: &'a str,
    /// What it says.
    pub(crate) content: &'a str,
    starts: OnceLock<Vec<usize>>,
}

impl<'a> Text<'a> {
    /// A text with its path.
    pub(crate) const fn new(name: &'a str, content: &'a str) -> Self {
        Self { name, content, starts: OnceLock::new() }
    }

    fn starts(&self) -> &[usize] {
        self.starts.get_or_init(|| {
            let ends = self.content.match_indices('\n').map(|(at, _)| at + 1);
            [0].into_iter().chain(ends).collect()
        })
    }

    /// The line of an offset, from 0.
    fn line_of(&self, offset: usize) -> usize {
        self.starts().partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// The bytes of a line, from 0, without its end; nothing behind the last.
    fn line(&self, number: usize) -> Range<usize> {
        let start = self.starts().get(number).copied().unwrap_or(self.content.len());
        let end = self.starts().get(number + 1).copied().unwrap_or(self.content.len());
        start..end
    }

    /// A byte offset that lies in the text, at the beginning of a character.
    fn clip(&self, offset: u32) -> usize {
        let offset = (offset as usize).min(self.content.len());
        (0..=offset).rev().find(|at| self.content.is_char_boundary(*at)).unwrap_or_default()
    }

    /// Line and column of an offset from 1; columns count what `width` says of the characters before.
    fn position(&self, offset: u32, width: fn(char) -> usize) -> Position {
        let offset = self.clip(offset);
        let line = self.line_of(offset);
        let before = self.content.get(self.line(line).start..offset).unwrap_or_default();
        Position { line: line + 1, column: before.chars().map(width).sum::<usize>() + 1 }
    }

    /// Beginning and end of a span, columns in Unicode scalar values.
    pub(crate) fn positions(&self, span: Span) -> [Position; 2] {
        [span.start, span.end].map(|offset| self.position(offset, |_| 1))
    }

    /// Beginning and end of a span, columns in bytes.
    pub(crate) fn byte_positions(&self, span: Span) -> [Position; 2] {
        [span.start, span.end].map(|offset| self.position(offset, char::len_utf8))
    }

    /// The span with line and column of its beginning.
    pub(crate) fn place(&self, span: Span) -> Place {
        let [Position { line, column }, _] = self.positions(span);
        let narrow = |n| u32::try_from(n).unwrap_or(u32::MAX);
        Place { span, line: narrow(line), column: narrow(column) }
    }
}

/// A line and a column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// The line.
    pub(crate) line: usize,
    /// The column.
    pub(crate) column: usize,
}

impl SourceCode for Text<'_> {
    /// Reads from the lines around the span alone, not from the beginning of the text.
    fn read_span<'b>(
        &'b self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'b> + 'b>, MietteError> {
        let first = self.line_of(span.offset()).saturating_sub(before + 1);
        let last = self.line_of(span.offset() + span.len()) + after + 1;
        let base = self.line(first).start;
        let part = self.content.get(base..self.line(last).end).ok_or(MietteError::OutOfBounds)?;
        let inner = (span.offset() - base, span.len()).into();
        let read = part.read_span(&inner, before, after)?;
        let at = (read.span().offset() + base, read.span().len()).into();
        let data = &part.as_bytes()[read.span().offset()..read.span().offset() + read.span().len()];
        let (line, lines) = (read.line() + first, self.starts().len());
        let name = self.name.to_owned();
        Ok(Box::new(MietteSpanContents::new_named(name, data, at, line, read.column(), lines)))
    }
}

/// Texts by path.
#[derive(Debug, Default)]
pub(crate) struct Texts<'a>(BTreeMap<&'a str, Text<'a>>);

impl<'a> Texts<'a> {
    /// The text of a file.
    pub(crate) fn get(&self, file: &str) -> Option<&Text<'a>> {
        self.0.get(file)
    }

    /// A span of a file with its line and column; the beginning of the file where its text is not known.
    pub(crate) fn place(&self, file: &str, span: Span) -> Place {
        self.get(file).map_or(Place { span, line: 1, column: 1 }, |text| text.place(span))
    }
}

impl<'a, S: AsRef<str> + ?Sized + 'a> FromIterator<(&'a S, &'a S)> for Texts<'a> {
    /// Of texts with the same path the first counts.
    fn from_iter<I: IntoIterator<Item = (&'a S, &'a S)>>(texts: I) -> Self {
        let mut out = BTreeMap::new();
        for (name, text) in texts {
            let (name, text) = (name.as_ref(), text.as_ref());
            out.entry(name).or_insert_with(|| Text::new(name, text));
        }
        Self(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_or_bytes() {
        let text = Text::new("a", "é\nab\u{1d11e}c\n");
        let at = |line, column| Position { line, column };
        // The `c`: after `a`, `b` and four bytes.
        let span = Span::new(9, 10);
        assert_eq!(text.positions(span), [at(2, 4), at(2, 5)]);
        assert_eq!(text.byte_positions(span), [at(2, 7), at(2, 8)]);
        // Within a character, at the end, and beyond it.
        assert_eq!(text.positions(Span::new(1, 11)), [at(1, 1), at(3, 1)]);
        assert_eq!(text.positions(Span::new(99, 99)), [at(3, 1), at(3, 1)]);
        assert_eq!(Text::new("a", "").positions(Span::new(0, 0)), [at(1, 1), at(1, 1)]);
    }

    #[test]
    fn parts_are_read_as_of_the_whole() {
        let text = "one\ntwo\r\n\nfour \u{e9}\u{1d11e}\nfive\nsix\nseven";
        let ours = Text::new("a", text);
        for start in 0..=text.len() {
            for end in start..=text.len() {
                if !text.is_char_boundary(start) || !text.is_char_boundary(end) {
                    continue;
                }
                let span = (start, end - start).into();
                for context in 0..3 {
                    let (whole, part) =
                        (text.read_span(&span, context, context), ours.read_span(&span, context, context));
                    let (Ok(whole), Ok(part)) = (whole, part) else { panic!("{start}..{end} can be read") };
                    assert_eq!(
                        (whole.data(), whole.span(), whole.line(), whole.column()),
                        (part.data(), part.span(), part.line(), part.column()),
                        "{start}..{end} with {context}"
                    );
                }
            }
        }
    }
}
