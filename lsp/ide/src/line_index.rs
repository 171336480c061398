//! From byte offsets to lines and columns and back, in the units that editors count in.

/// The unit in which an editor counts columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// 16-bit code units; what an editor means that says nothing.
    #[default]
    Utf16,
    /// Unicode scalar values.
    Utf32,
}

impl Encoding {
    /// The width of a character in this unit.
    const fn width(self, c: char) -> u32 {
        match self {
            // At most 4 and 2, so nothing is cut off.
            #[expect(clippy::cast_possible_truncation, reason = "a character has at most four bytes")]
            Self::Utf8 => c.len_utf8() as u32,
            #[expect(clippy::cast_possible_truncation, reason = "a character has at most two code units")]
            Self::Utf16 => c.len_utf16() as u32,
            Self::Utf32 => 1,
        }
    }
}

/// A line and a column, both from 0; the column in some [`Encoding`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

/// A half-open stretch of text between two positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    /// First position.
    pub start: Position,
    /// The position after the last.
    pub end: Position,
}

/// A character of more than one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wide {
    /// Its first byte in the file.
    offset: u32,
    /// Itself.
    character: char,
}

/// Where the lines of one text begin, and which of its characters are wider than a byte. Lines end at `\n`,
/// `\r\n` and a lone `\r`, as the protocol of language servers has it. Every answer lies inside the text and
/// on the border of a character, whatever is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineIndex {
    /// First byte of each line, and the first byte of its terminator; at least one line.
    lines: Vec<(u32, u32)>,
    /// In order of offsets.
    wide: Vec<Wide>,
}

impl LineIndex {
    /// Indexes a text.
    ///
    /// # Panics
    /// If the text has 4 GiB or more.
    pub fn new(text: &str) -> Self {
        let narrow = |n: usize| u32::try_from(n).expect("the loader refuses files of 4 GiB and more");
        let (mut lines, mut wide, mut start) = (vec![], vec![], 0);
        let bytes = text.as_bytes();
        for (at, character) in text.char_indices() {
            match character {
                '\r' if bytes.get(at + 1) == Some(&b'\n') => {}
                '\n' | '\r' => {
                    let after_return = character == '\n' && at > start && bytes[at - 1] == b'\r';
                    lines.push((narrow(start), narrow(at - usize::from(after_return))));
                    start = at + 1;
                }
                _ if character.len_utf8() > 1 => wide.push(Wide { offset: narrow(at), character }),
                _ => {}
            }
        }
        lines.push((narrow(start), narrow(text.len())));
        Self { lines, wide }
    }

    /// The position of a byte. An offset inside a character counts as the character's first byte, one inside a
    /// line's terminator as the end of the line, one beyond the text as its end.
    pub fn position(&self, offset: u32, encoding: Encoding) -> Position {
        // The first line starts at 0, so at least one line starts at or before any offset.
        let line = self.lines.partition_point(|(start, _)| *start <= offset) - 1;
        let (start, end) = self.lines[line];
        let offset = offset.min(end);
        let mut column = offset - start;
        for wide in self.wide_from(start).take_while(|wide| wide.offset < offset) {
            let bytes = Encoding::Utf8.width(wide.character);
            if offset < wide.offset + bytes {
                column -= offset - wide.offset;
            } else {
                column -= bytes - encoding.width(wide.character);
            }
        }
        Position { line: narrow_line(line), column }
    }

    /// The byte at a position. A column beyond the line counts as its end, one inside a character as the
    /// character's first byte, a line beyond the text as the text's end.
    pub fn offset(&self, position: Position, encoding: Encoding) -> u32 {
        let Some(&(start, end)) = self.lines.get(position.line as usize) else {
            return self.len();
        };
        let mut offset = u64::from(start) + u64::from(position.column);
        for wide in self.wide_from(start) {
            let at = u64::from(wide.offset);
            let width = u64::from(encoding.width(wide.character));
            if at >= offset || wide.offset >= end {
                break;
            }
            if offset < at + width {
                return wide.offset;
            }
            offset += u64::from(Encoding::Utf8.width(wide.character)) - width;
        }
        u32::try_from(offset).map_or(end, |offset| offset.min(end))
    }

    /// The positions of a span's ends.
    pub fn range(&self, span: ordain_ir::Span, encoding: Encoding) -> Range {
        let start = self.position(span.start, encoding);
        Range { start, end: self.position(span.end, encoding).max(start) }
    }

    /// The number of bytes in the text.
    pub fn len(&self) -> u32 {
        self.lines.last().map_or(0, |(_, end)| *end)
    }

    /// Whether the text has no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The wide characters from an offset on.
    fn wide_from(&self, offset: u32) -> impl Iterator<Item = &Wide> {
        self.wide[self.wide.partition_point(|wide| wide.offset < offset)..].iter()
    }
}

/// A text of less than 4 GiB has fewer lines than that.
fn narrow_line(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];

    /// Walks the text character by character: `(offset, line, column)` of every place where a cursor can stand.
    fn cursor_stops(text: &str, encoding: Encoding) -> Vec<(u32, Position)> {
        let mut out = vec![];
        let mut at = Position::default();
        let mut chars = text.char_indices().peekable();
        while let Some((offset, c)) = chars.next() {
            out.push((u32::try_from(offset).unwrap(), at));
            let crlf = c == '\r' && chars.next_if(|(_, next)| *next == '\n').is_some();
            if crlf || c == '\n' || c == '\r' {
                at = Position { line: at.line + 1, column: 0 };
            } else {
                let mut buffer = [0; 2];
                at.column += match encoding {
                    Encoding::Utf8 => u32::try_from(c.to_string().len()).unwrap(),
                    Encoding::Utf16 => u32::try_from(c.encode_utf16(&mut buffer).len()).unwrap(),
                    Encoding::Utf32 => 1,
                };
            }
        }
        out.push((u32::try_from(text.len()).unwrap(), at));
        out
    }

    fn texts() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => "[a-z ]{0,3}",
            2 => Just("é".to_owned()),
            2 => Just("𝄞".to_owned()),
            1 => Just("日本".to_owned()),
            2 => Just("\n".to_owned()),
            2 => Just("\r\n".to_owned()),
            1 => Just("\r".to_owned()),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn agrees_with_walking_the_text(text in texts()) {
            let index = LineIndex::new(&text);
            for encoding in ALL {
                for (offset, position) in cursor_stops(&text, encoding) {
                    prop_assert_eq!(index.position(offset, encoding), position);
                    prop_assert_eq!(index.offset(position, encoding), offset);
                }
            }
        }

        #[test]
        fn any_question_gets_an_answer_inside_the_text(text in texts(), line in 0u32..8, column: u32, offset: u32) {
            let index = LineIndex::new(&text);
            for encoding in ALL {
                for column in [column, column % 16] {
                    let at = index.offset(Position { line, column }, encoding);
                    prop_assert!(text.is_char_boundary(at as usize));
                }
                for offset in [offset, offset % 32] {
                    let stop = index.position(offset, encoding);
                    let stops = cursor_stops(&text, encoding);
                    prop_assert!(stops.iter().any(|(_, position)| *position == stop), "{stop:?}");
                }
            }
        }
    }

    #[test]
    fn columns_after_wide_characters() {
        let index = LineIndex::new("é𝄞x\r\ny");
        let column = |encoding| index.position(6, encoding).column;
        assert_eq!(ALL.map(column), [6, 3, 2]);
        assert_eq!(index.position(9, Encoding::Utf16), Position { line: 1, column: 0 });
    }

    #[test]
    fn odd_questions_are_clamped() {
        let index = LineIndex::new("é𝄞\r\nxy");
        let inside_surrogates = Position { line: 0, column: 2 };
        assert_eq!(index.offset(inside_surrogates, Encoding::Utf16), 2);
        assert_eq!(index.offset(Position { line: 0, column: 99 }, Encoding::Utf16), 6);
        assert_eq!(index.offset(Position { line: 9, column: 0 }, Encoding::Utf16), index.len());
        let end_of_first = Position { line: 0, column: 3 };
        assert_eq!(index.position(7, Encoding::Utf16), end_of_first, "between `\\r` and `\\n`");
        assert_eq!(index.position(99, Encoding::Utf16), Position { line: 1, column: 2 });
    }
}
