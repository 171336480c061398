//! Markdown in a terminal: the part of it that the pages of codes are written in.

use std::fmt::Write as _;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

/// Columns beyond which lines are hard to read, however wide the terminal is.
const WIDEST: usize = 100;
const NARROWEST: usize = 40;

/// Draws Markdown as plain text of at most `width` columns: headings at the margin, what stands below them indented,
/// code indented further. Without colours, code in a sentence keeps its backticks.
pub(crate) fn render(markdown: &str, width: usize, color: bool) -> String {
    let mut page =
        Page { out: String::new(), line: String::new(), width: width.clamp(NARROWEST, WIDEST), color };
    let mut lists: Vec<Option<u64>> = vec![];
    let mut destination = String::new();
    for event in Parser::new(markdown) {
        match event {
            Event::End(TagEnd::CodeBlock) => page.code(),
            Event::Text(text) => page.line.push_str(&text),
            Event::Code(code) => page.inline_code(&code),
            Event::SoftBreak | Event::HardBreak => page.line.push(' '),
            Event::Start(Tag::Strong | Tag::Emphasis) => page.style("1"),
            Event::End(TagEnd::Strong | TagEnd::Emphasis) => page.style("0"),
            Event::Start(Tag::Link { dest_url, .. }) => destination = dest_url.into_string(),
            // A link within the documentation leads nowhere from a terminal.
            Event::End(TagEnd::Link) if destination.contains("://") => {
                let _ = write!(page.line, " <{destination}>");
            }
            Event::End(TagEnd::Heading(_)) => page.heading(),
            Event::Start(Tag::List(first)) => lists.push(first),
            Event::End(TagEnd::List(_)) => {
                lists.pop();
                page.out.push('\n');
            }
            Event::End(TagEnd::Item) => {
                let depth = lists.len();
                let mark = match lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "- ".to_owned(),
                };
                page.paragraph(2 * depth, &mark);
            }
            Event::End(TagEnd::Paragraph) if lists.is_empty() => {
                page.paragraph(2, "");
                page.out.push('\n');
            }
            _ => {}
        }
    }
    page.out.truncate(page.out.trim_end().len());
    page.out + "\n"
}

struct Page {
    out: String,
    /// What has been read of the block at hand.
    line: String,
    width: usize,
    color: bool,
}

impl Page {
    fn style(&mut self, code: &str) {
        if self.color {
            let _ = write!(self.line, "\u{1b}[{code}m");
        }
    }

    fn inline_code(&mut self, code: &str) {
        let styled = if self.color { format!("\u{1b}[36m{code}\u{1b}[0m") } else { format!("`{code}`") };
        self.line.push_str(&styled);
    }

    fn heading(&mut self) {
        let text = std::mem::take(&mut self.line);
        let text = if self.color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text };
        self.out.push_str(&text);
        self.out.push_str("\n\n");
    }

    fn paragraph(&mut self, indent: usize, mark: &str) {
        let text = std::mem::take(&mut self.line);
        let first = format!("{}{mark}", " ".repeat(indent));
        let rest = " ".repeat(first.chars().count());
        let options = textwrap::Options::new(self.width)
            .initial_indent(&first)
            .subsequent_indent(&rest)
            .break_words(false)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        self.out.push_str(&textwrap::fill(text.trim(), options));
        self.out.push('\n');
    }

    fn code(&mut self) {
        let text = std::mem::take(&mut self.line);
        for line in text.lines() {
            // No blanks at the ends of lines.
            self.out.push_str(format!("      {line}").trim_end());
            self.out.push('\n');
        }
        self.out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# ORD0000: a `title`\n\n## One\n\nA sentence with `code` in it that is long enough to be\nwrapped, and **bold**.\n\n- an item\n- a second one, [linked](https://a.b/c) and [within](other.md)\n\n1. first\n2. second\n\n```ordain\nrule r {\n\n}\n```\n\n    indented\n";

    #[test]
    fn plain_text_keeps_backticks_and_wraps() {
        insta::assert_snapshot!(render(TEXT, 44, false), @r"
        ORD0000: a `title`

        One

          A sentence with `code` in it that is long
          enough to be wrapped, and bold.

          - an item
          - a second one, linked <https://a.b/c> and
            within

          1. first
          2. second

              rule r {

              }

              indented
        ");
    }

    #[test]
    fn colours_stand_for_backticks_and_take_no_room() {
        let strip = |text: &str| {
            let mut plain = String::new();
            let mut rest = text;
            while let Some((before, after)) = rest.split_once('\u{1b}') {
                plain.push_str(before);
                rest = after.split_once('m').map_or("", |(_, after)| after);
            }
            plain + rest
        };
        let colored = render(TEXT, 44, true);
        assert!(colored.contains("\u{1b}[36mcode\u{1b}[0m"), "{colored}");
        assert!(strip(&colored).lines().all(|line| line.chars().count() <= 44), "{colored}");
    }
}
