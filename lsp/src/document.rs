//! Open documents: the text that the editor holds, which wins over the file on disk.

use std::path::PathBuf;

use ordain_ide::{Encoding, LineIndex, Position};

use crate::transport::types::{self, TextDocumentContentChangeEvent as ContentChange, Uri};

/// A document that is open in the editor.
pub(crate) struct Document {
    /// Its address, spelled as the editor spells it.
    pub(crate) uri: Uri,
    /// The editor's count of its edits.
    pub(crate) version: i32,
    /// Its text.
    pub(crate) text: String,
    /// The root of the workspace that it belongs to.
    pub(crate) root: PathBuf,
    /// The version with which diagnostics were pushed last.
    pub(crate) published: Option<i32>,
}

/// An edit that doesn't fit the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BrokenRange;

impl Document {
    /// A document as the editor opens it.
    pub(crate) fn new(uri: Uri, version: i32, text: String, root: PathBuf) -> Self {
        Self { uri, version, text, root, published: None }
    }

    /// Applies edits one after the other, each to the text that the one before left. Positions outside the
    /// text are moved to its nearest place, as the protocol wants; an edit whose end lies before its start is
    /// left out and reported.
    pub(crate) fn apply(
        &mut self,
        version: i32,
        changes: Vec<ContentChange>,
        encoding: Encoding,
    ) -> Result<(), BrokenRange> {
        self.version = version;
        let mut outcome = Ok(());
        for change in changes {
            let Some(range) = change.range else {
                self.text = change.text;
                continue;
            };
            let lines = LineIndex::new(&self.text);
            let [start, end] =
                [range.start, range.end].map(|at| lines.offset(position(at), encoding) as usize);
            if start <= end {
                self.text.replace_range(start..end, &change.text);
            } else {
                outcome = Err(BrokenRange);
            }
        }
        outcome
    }
}

/// A position of the protocol as ours.
pub(crate) fn position(at: types::Position) -> Position {
    Position { line: at.line, column: at.character }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document::new("file:///a.ordain".parse().unwrap(), 1, text.to_owned(), PathBuf::from("/"))
    }

    fn replace(from: (u32, u32), to: (u32, u32), text: &str) -> ContentChange {
        let at = |(line, character)| types::Position { line, character };
        let range = Some(types::Range { start: at(from), end: at(to) });
        ContentChange { range, range_length: None, text: text.to_owned() }
    }

    #[test]
    fn edits_build_on_each_other() {
        let mut doc = document("é𝄞\r\nb");
        let changes =
            vec![replace((0, 1), (0, 3), "x\n"), replace((1, 0), (1, 0), "y"), replace((2, 1), (2, 1), "!")];
        assert_eq!(doc.apply(2, changes, Encoding::Utf16), Ok(()));
        assert_eq!((doc.text.as_str(), doc.version), ("éx\ny\r\nb!", 2));
    }

    #[test]
    fn full_text_replaces_everything() {
        let mut doc = document("old");
        let full = ContentChange { range: None, range_length: None, text: "new".to_owned() };
        assert_eq!(doc.apply(2, vec![full, replace((0, 3), (0, 3), "er")], Encoding::Utf8), Ok(()));
        assert_eq!(doc.text, "newer");
    }

    #[test]
    fn broken_ranges_are_clamped_or_left_out() {
        let mut doc = document("ab\ncd");
        assert_eq!(doc.apply(2, vec![replace((9, 9), (99, 99), "!")], Encoding::Utf16), Ok(()));
        assert_eq!(doc.text, "ab\ncd!");
        assert_eq!(doc.apply(3, vec![replace((1, 1), (0, 0), "?")], Encoding::Utf16), Err(BrokenRange));
        assert_eq!((doc.text.as_str(), doc.version), ("ab\ncd!", 3));
    }
}
