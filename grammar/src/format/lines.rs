//! Lines as they come out: without blanks at their ends, and with comments behind them in a column.

use super::doc::width;

/// Lines longer than this take no part in the alignment of comments.
const ALIGNED: usize = super::WIDTH;

/// Between code and the comment behind it.
const GAP: usize = 2;

/// A finished line.
#[derive(Debug, Default)]
struct Line<'a> {
    indent: usize,
    text: String,
    behind: Option<&'a str>,
}

/// Lines, and the one that is being written.
#[derive(Debug, Default)]
pub(super) struct Lines<'a> {
    done: Vec<Line<'a>>,
    line: Line<'a>,
    /// Whether a blank stands before the next text of the line.
    space: bool,
    /// The column of the next text of the line, at least.
    column: usize,
    /// Whether an empty line stands before the next one.
    blank: bool,
    /// Whether the last text must end its line, but for a closing bracket or another operand.
    fragile: bool,
}

impl<'a> Lines<'a> {
    /// Writes text; at the beginning of a line, with this indentation.
    pub(super) fn text(&mut self, text: &str, indent: usize) {
        let ends = matches!(text, ")" | "}" | "," | "and" | "or");
        if self.line.behind.is_some() || (std::mem::take(&mut self.fragile) && !ends) {
            self.end();
        }
        if self.line.text.is_empty() {
            self.begin(indent);
        } else {
            let missing = self.next_column(indent) - width(&self.line.text);
            self.line.text.extend(std::iter::repeat_n(' ', missing));
        }
        (self.space, self.column) = (false, 0);
        self.line.text.push_str(text);
    }

    fn begin(&mut self, indent: usize) {
        if std::mem::take(&mut self.blank) && !self.done.is_empty() {
            self.done.push(Line::default());
        }
        self.line.indent = indent;
        self.line.text.extend(std::iter::repeat_n(' ', indent));
    }

    /// The column of the next text.
    pub(super) fn next_column(&self, indent: usize) -> usize {
        if self.line.text.is_empty() || self.line.behind.is_some() {
            return indent;
        }
        (width(&self.line.text) + usize::from(self.space)).max(self.column)
    }

    pub(super) fn space(&mut self) {
        self.space = true;
    }

    pub(super) fn column(&mut self, column: usize) {
        (self.space, self.column) = (true, column);
    }

    /// Writes a comma behind the last text, before the comment that stands there.
    pub(super) fn comma(&mut self) {
        self.fragile = false;
        self.line.text.push(',');
    }

    /// The next text begins a line.
    pub(super) fn end(&mut self) {
        (self.space, self.column, self.fragile) = (false, 0, false);
        if !self.line.text.is_empty() {
            self.done.push(std::mem::take(&mut self.line));
        }
    }

    /// The next text begins a line, with an empty one above; there is none above the first.
    pub(super) fn blank(&mut self) {
        self.end();
        self.blank = true;
    }

    /// The next text begins a line, unless it closes a bracket or goes on to another operand.
    pub(super) fn end_before_operand(&mut self) {
        self.fragile = true;
    }

    /// A comment behind what is written.
    pub(super) fn behind(&mut self, comment: &'a str) {
        self.line.behind = Some(comment);
    }

    /// A comment on its own line.
    pub(super) fn above(&mut self, comment: &'a str, indent: usize) {
        self.end();
        self.text(comment, indent);
        self.end();
    }

    /// The only line, if there is only one.
    pub(super) fn single(self) -> Option<String> {
        (self.done.is_empty() && self.line.behind.is_none()).then_some(self.line.text)
    }

    /// All lines, each with its end.
    pub(super) fn finish(mut self, end: &str) -> String {
        self.end();
        let mut out = String::new();
        let mut at = 0;
        while at < self.done.len() {
            let run = self.run(at);
            let column = run.iter().map(|line| width(&line.text)).max().unwrap_or(0) + GAP;
            for line in run {
                out.push_str(&line.text);
                if let Some(comment) = line.behind {
                    out.extend(std::iter::repeat_n(' ', column - width(&line.text)));
                    out.push_str(comment);
                }
                out.push_str(end);
            }
            at += run.len();
        }
        out
    }

    /// The lines from `at` on whose comments share a column.
    fn run(&self, at: usize) -> &[Line<'a>] {
        let aligned = |line: &Line<'_>| line.behind.is_some() && width(&line.text) <= ALIGNED;
        let indent = self.done[at].indent;
        let length = self.done[at..].iter().take_while(|line| aligned(line) && line.indent == indent).count();
        &self.done[at..at + length.max(1)]
    }
}
