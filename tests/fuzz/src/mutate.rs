//! Texts made of others: each follows from the corpus, a seed and a number.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use ordain_grammar::{KEYWORDS, TokenKind, tokens};

/// No text is longer, but for what makes it so on purpose.
const LONGEST: usize = 32 << 10;
/// Where policies stand in the repository.
const FOLDERS: [&str; 6] =
    ["examples", "stdlib-policies", "compiler/tests", "grammar/tests", "tests/specs", "docs/src"];
/// Characters that readers of texts stumble over: marks that can't be seen or turn the direction, odd white space and
/// line ends, letters that look like others, and some of two, three and four bytes.
const ODD: [char; 28] = [
    '\0',
    '\u{feff}',
    '\r',
    '\n',
    '\t',
    '\u{b}',
    '\u{c}',
    '\u{85}',
    '\u{a0}',
    '\u{2028}',
    '\u{2029}',
    '\u{200b}',
    '\u{200d}',
    '\u{202e}',
    '\u{2066}',
    '\u{2069}',
    '\u{301}',
    '\u{430}',
    '\u{3bf}',
    '\u{ff1d}',
    '\u{201c}',
    '\u{201d}',
    '\u{2264}',
    'é',
    '漢',
    '\u{1d11e}',
    '\u{10ffff}',
    '\u{7f}',
];
/// What opens something, to be nested.
const OPENERS: [&str; 10] =
    ["(", "{", "not ", "[", "\"", "template t() { ", "rule r { when (", "any a ", "-", "tenant a except "];
/// Values at the edges of what is understood.
const EDGES: [&str; 22] = [
    "0",
    "-0",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "0.0000000000000000001",
    "1e9",
    "1_0",
    "_1",
    "99999999999w",
    "0ms",
    "100%",
    "1000000%",
    "24:00",
    "00:00",
    "2026-02-29",
    "9999-12-31",
    "2026-03-29T02:30:00Z",
    "-9999-01-01",
    "0.01 USD",
    "1 usd",
    "\"\\u{10ffff}\"",
];

/// What texts are made of.
pub struct Corpus {
    texts: Vec<String>,
    words: Vec<String>,
}

impl Corpus {
    /// Every policy file of the repository, and every block of policies in its documents.
    ///
    /// # Errors
    /// If a file can't be read.
    pub fn of_repository(root: &Path) -> io::Result<Self> {
        let mut texts = vec![];
        for folder in FOLDERS {
            let mut paths = vec![];
            files(&root.join(folder), &mut paths)?;
            for path in paths {
                let text = fs::read_to_string(&path)?;
                match path.extension().and_then(|extension| extension.to_str()) {
                    Some("ordain") => texts.push(text),
                    Some("md") => texts.extend(blocks(&text)),
                    _ => {}
                }
            }
        }
        Ok(Self::of(texts))
    }

    /// These texts.
    pub fn of(texts: Vec<String>) -> Self {
        let mut words: BTreeSet<String> = KEYWORDS.iter().map(ToString::to_string).collect();
        for text in &texts {
            let all = tokens(text).into_iter().filter(|token| token.kind != TokenKind::Space);
            words.extend(all.map(|token| text[token.span.range()].to_owned()));
        }
        Self { texts, words: words.into_iter().collect() }
    }

    /// How many texts it has.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The text with this number.
    pub fn text(&self, seed: u64, number: u64) -> String {
        let mut random = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
        let mut text = self.excerpt(&mut random);
        for _ in 0..random.usize(0..=1) {
            text.push_str(&self.excerpt(&mut random));
        }
        for _ in 0..random.usize(1..=6) {
            self.mutate(&mut text, &mut random);
            if text.len() > LONGEST {
                let end = text.floor_char_boundary(LONGEST);
                text.truncate(end);
            }
        }
        // Last, since what is long on purpose would be cut.
        if random.u8(0..50) == 0 {
            stretch(&mut text, &mut random);
        }
        text
    }

    /// Some lines of a text, mostly few, sometimes all.
    fn excerpt(&self, random: &mut Rng) -> String {
        let Some(text) = random.choice(&self.texts) else { return String::new() };
        if random.u8(0..8) == 0 {
            return text.clone();
        }
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let start = random.usize(0..=lines.len());
        let end = (start + random.usize(1..40)).min(lines.len());
        lines[start..end].concat()
    }

    fn mutate(&self, text: &mut String, random: &mut Rng) {
        match random.u8(0..14) {
            0 => {
                let end = place(text, random);
                text.truncate(end);
            }
            1 => text.drain(..place(text, random)).for_each(drop),
            2 => {
                let at = place(text, random);
                text.insert(at, random.choice(ODD).unwrap_or(' '));
            }
            3 => {
                let at = place(text, random);
                let end = text.ceil_char_boundary((at + random.usize(1..8)).min(text.len()));
                text.replace_range(at..end, "");
            }
            4 => {
                let at = place(text, random);
                text.insert(at, random.char(' '..='~'));
            }
            5 => {
                let (from, to) = (place(text, random), place(text, random));
                let copied = text[from.min(to)..from.max(to)].to_owned();
                let at = place(text, random);
                text.insert_str(at, &copied[..copied.floor_char_boundary(copied.len().min(400))]);
            }
            6 => {
                let at = place(text, random);
                text.insert_str(at, random.choice(EDGES).unwrap_or_default());
            }
            7 => *text = text.replace('\n', random.choice(["\r\n", "\r", "\n\n", " "]).unwrap_or("\n")),
            _ => self.mutate_tokens(text, random),
        }
    }

    /// Takes out, doubles, exchanges, replaces or adds a token.
    fn mutate_tokens(&self, text: &mut String, random: &mut Rng) {
        let all: Vec<_> = tokens(text).into_iter().filter(|token| token.kind != TokenKind::Space).collect();
        let Some(token) = random.choice(&all) else { return };
        let (range, word) = (token.span.range(), text[token.span.range()].to_owned());
        let other = random.choice(&self.words).map_or("", String::as_str);
        match random.u8(0..6) {
            0 => text.replace_range(range, ""),
            1 => text.insert_str(range.start, &format!("{word} ")),
            2 => text.replace_range(range, other),
            3 => text.insert_str(range.start, &format!("{other} ")),
            4 => text.replace_range(range, random.choice(EDGES).unwrap_or_default()),
            _ => {
                let Some(second) = random.choice(&all).filter(|it| it.span.start > token.span.start) else {
                    return;
                };
                let second_word = text[second.span.range()].to_owned();
                text.replace_range(second.span.range(), &word);
                text.replace_range(range, &second_word);
            }
        }
    }
}

/// Makes a text deep or long.
fn stretch(text: &mut String, random: &mut Rng) {
    let at = place(text, random);
    let times = 1 << random.u32(4..16);
    let much = match random.u8(0..4) {
        0 => random.choice(OPENERS).unwrap_or("(").repeat(times),
        1 => "9".repeat(times),
        2 => format!("\"{}\"", "a*".repeat(times)),
        _ => "rule r { type safety enforce block scope global }\n".repeat(times.min(1 << 12)),
    };
    text.insert_str(at, &much);
}

/// Somewhere between two characters.
fn place(text: &str, random: &mut Rng) -> usize {
    text.floor_char_boundary(random.usize(0..=text.len()))
}

fn files(folder: &Path, into: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files(&path, into)?;
        } else {
            into.push(path);
        }
    }
    Ok(())
}

/// What stands between ```` ```ordain ```` and ```` ``` ````.
fn blocks(markdown: &str) -> Vec<String> {
    let mut blocks = vec![];
    let mut lines = markdown.lines();
    while lines.by_ref().any(|line| line.trim_start().starts_with("```ordain")) {
        let block: Vec<&str> =
            lines.by_ref().take_while(|line| !line.trim_start().starts_with("```")).collect();
        blocks.push(block.join("\n") + "\n");
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_gives_one_text() {
        let corpus =
            Corpus::of(blocks("```ordain\nrule a { type safety }\n```\n\n```ordain\nlet é = x\n```\n"));
        assert_eq!(corpus.len(), 2);
        let texts: BTreeSet<String> = (0..200).map(|number| corpus.text(7, number)).collect();
        assert!(texts.len() > 100, "{}", texts.len());
        assert!((0..200).all(|number| texts.contains(&corpus.text(7, number))));
    }
}
