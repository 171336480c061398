//! The code blocks of a Markdown file.

use std::ops::Range;
use std::path::Path;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A code block.
pub(crate) struct Block {
    /// The first word after the fence.
    pub(crate) language: String,
    /// The further words, as `key=value` or alone.
    pub(crate) words: Vec<String>,
    /// What stands in it.
    pub(crate) text: String,
    /// Where that stands in the page.
    pub(crate) range: Range<usize>,
    /// File and line, for messages.
    pub(crate) at: String,
}

impl Block {
    /// The value of a word `key=value`.
    pub(crate) fn word(&self, key: &str) -> Option<&str> {
        self.words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }

    /// A word that stands for itself.
    pub(crate) fn word_alone(&self, wanted: &str) -> Option<&str> {
        self.words.iter().map(String::as_str).find(|word| *word == wanted)
    }

    /// The file that the first line names behind this sign of a comment.
    pub(crate) fn file(&self, comment: &str) -> Option<&str> {
        let name = self.text.lines().next()?.strip_prefix(comment)?.strip_prefix(' ')?;
        let is_file = Path::new(name).extension().is_some() && !name.contains(' ');
        is_file.then_some(name)
    }
}

/// What Markdown we read: what GitHub and mdBook both do.
pub(crate) fn events(markdown: &str) -> Parser<'_> {
    Parser::new_ext(markdown, Options::ENABLE_TABLES)
}

/// The fenced blocks of a page.
pub(crate) fn blocks(page: &Path, markdown: &str) -> Vec<Block> {
    let mut blocks = vec![];
    let mut open: Option<Block> = None;
    for (event, range) in events(markdown).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let mut words = info.split(',').map(|word| word.trim().to_owned());
                let line = markdown[..range.start].matches('\n').count() + 1;
                open = Some(Block {
                    language: words.next().unwrap_or_default(),
                    words: words.collect(),
                    text: String::new(),
                    range: range.end..range.end,
                    at: format!("{}:{line}", super::shown(page)),
                });
            }
            Event::Text(text) => {
                if let Some(block) = &mut open {
                    if block.text.is_empty() {
                        block.range = range.clone();
                    }
                    block.range.end = range.end;
                    block.text.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
            _ => {}
        }
    }
    blocks
}

#[test]
fn blocks_are_read_with_their_words() {
    let text = "# A\n\n```ordain,fails=ORD0204\n// a/b.ordain\nfact\n```\n\n- x\n\n  ```sh\n  ls\n  ```\n";
    let found = blocks(Path::new("a.md"), text);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].language.as_str(), found[0].word("fails")), ("ordain", Some("ORD0204")));
    assert_eq!((found[0].at.as_str(), found[0].file("//")), ("a.md:3", Some("a/b.ordain")));
    assert_eq!((found[1].text.as_str(), found[1].file("#")), ("ls\n", None));
}
