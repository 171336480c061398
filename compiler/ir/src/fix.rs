//! Text to put in place of other text, to mend a diagnostic.

use serde::{Deserialize, Serialize};

use crate::Span;

/// Text to put in place of other text, to mend a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fix {
    /// What it does, for a menu: "write `tool.name`".
    pub title: String,
    /// The file.
    pub file: String,
    /// What is replaced.
    pub span: Span,
    /// By what.
    pub replacement: String,
    /// Whether it is beyond doubt what the author means, so that a program may apply it unasked. Otherwise it guesses.
    #[serde(default)]
    pub certain: bool,
}

impl Fix {
    /// The bytes to replace in this text of the file, and by what: where something is removed, the blanks around it go
    /// along, and the line if nothing else is on it.
    pub fn edit(&self, text: &str) -> (Span, &str) {
        let (mut start, mut end) = (self.span.range().start, self.span.range().end);
        let (Some(before), Some(behind)) = (text.get(..start), text.get(end..)) else {
            return (self.span, &self.replacement);
        };
        if self.replacement.is_empty() && !self.span.is_empty() {
            let blank = |c: char| c == ' ' || c == '\t';
            let before = before.trim_end_matches(blank);
            let left = behind.trim_start_matches(blank);
            let starts = before.is_empty() || before.ends_with('\n');
            let ends = left.is_empty() || left.starts_with(['\n', '\r']);
            if starts && ends {
                let line_end = ["\r\n", "\n", "\r"].into_iter().find(|line_end| left.starts_with(line_end));
                (start, end) = (before.len(), text.len() - left.len() + line_end.map_or(0, str::len));
            } else if starts {
                end = text.len() - left.len();
            } else if ends || left.len() < behind.len() {
                start = before.len();
            }
        }
        (Span::new(start, end), &self.replacement)
    }
}

/// Those of some fixes that don't touch each other, by file and place; of two that do, the first. The same fix counts
/// once.
pub fn apart<'a, T>(mut fixes: Vec<T>, fix: impl Fn(&T) -> &'a Fix) -> Vec<T> {
    fixes.sort_by_key(|it| (&fix(it).file, fix(it).span));
    let mut last: Option<&Fix> = None;
    fixes.retain(|it| {
        let it = fix(it);
        let free = last.is_none_or(|last| last.file != it.file || last.span.end < it.span.start);
        if free {
            last = Some(it);
        }
        free
    });
    fixes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remove(text: &str, what: &str) -> String {
        let start = text.find(what).expect("it is in there");
        let span = Span::new(start, start + what.len());
        let fix = Fix {
            title: String::new(),
            file: String::new(),
            span,
            replacement: String::new(),
            certain: true,
        };
        let (span, replacement) = fix.edit(text);
        let mut fixed = text.to_owned();
        fixed.replace_range(span.range(), replacement);
        fixed
    }

    #[test]
    fn what_is_removed_leaves_no_blanks() {
        assert_eq!(remove("{\n  a b\n  c d\n  e\n}", "c d"), "{\n  a b\n  e\n}");
        assert_eq!(remove("{\r\n  a\r\n  b\r\n}", "b"), "{\r\n  a\r\n}");
        assert_eq!(remove("{ a  b  c }", "b"), "{ a  c }");
        assert_eq!(remove("{ a  b\n}", "b"), "{ a\n}");
        assert_eq!(remove("{\n  a b\n}", "a"), "{\n  b\n}");
        assert_eq!(remove("a;b", ";"), "ab");
        assert_eq!(remove("a ;b", ";"), "a b");
        assert_eq!(remove("a", "a"), "");
        assert_eq!(remove("a\nb", "b"), "a\n");
    }
}
