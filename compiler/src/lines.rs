//! Lines and columns.

use ordain_ir::{Place, Span};

/// Where the lines of a text begin. A line ends with `\n`, `\r\n` or a lone `\r`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    /// Reads a text once.
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes
            .iter()
            .enumerate()
            .filter(|(at, byte)| **byte == b'\n' || **byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        Self { starts: std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect() }
    }

    /// The span with the line and the column (in Unicode scalar values) of its first byte, both from 1.
    /// `text` must be the text that the index was made of.
    pub fn place(&self, text: &str, span: Span) -> Place {
        let at = span.range().start.min(text.len());
        let line = self.starts.partition_point(|start| *start <= at).max(1);
        let start = self.starts[line - 1];
        let column = text.get(start..at).map_or(0, |before| before.chars().count());
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place { span, line: narrow(line), column: narrow(column + 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_and_scalar_values() {
        let text = "a\r\né𝄞x\rb\n";
        let index = LineIndex::new(text);
        let at = |needle| {
            let start = text.find(needle).unwrap();
            let place = index.place(text, Span::new(start, start + 1));
            (place.line, place.column)
        };
        assert_eq!((at("a"), at("é"), at("x"), at("b")), ((1, 1), (2, 1), (2, 3), (3, 1)));
        let end = index.place(text, Span::new(text.len(), text.len()));
        assert_eq!((end.line, end.column), (4, 1));
    }
}
