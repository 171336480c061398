//! Regular expressions that are generated, not parsed: each is known as text and as a term of SMT-LIB.

use std::collections::BTreeMap;

use super::quoted;
use crate::random::Random;

/// What each generated regular expression means.
#[derive(Clone, Debug, Default)]
pub struct Patterns(BTreeMap<String, String>);

impl Patterns {
    /// The term of a pattern's texts: those in which it matches somewhere.
    ///
    /// # Panics
    /// On a pattern that was not made here.
    pub fn script(&self, pattern: &str) -> &str {
        &self.0[pattern]
    }

    /// A random pattern, anchored or not.
    pub fn random(&mut self, random: &mut Random) -> String {
        let node = Node::random(random, 3);
        let (start, end) = (random.chance(35), random.chance(35));
        let around = |anchored: bool| if anchored { "(str.to_re \"\")" } else { "re.all" };
        let text =
            format!("{}(?:{}){}", if start { "^" } else { "" }, node.text(), if end { "$" } else { "" });
        let script = format!("(re.++ {} {} {})", around(start), node.script(), around(end));
        self.0.insert(text.clone(), script);
        text
    }
}

/// Characters of patterns and texts: of one to three bytes, one special in patterns, a line feed.
pub(crate) const LETTERS: [char; 7] = ['a', 'b', 'c', '.', 'é', '€', '\n'];

enum Node {
    Text(String),
    /// Any character but a line feed.
    Dot,
    /// One of these, or none of them.
    Class {
        letters: Vec<char>,
        range: Option<(char, char)>,
        negated: bool,
    },
    Then(Vec<Self>),
    Either(Vec<Self>),
    /// From so many times to so many, or without end.
    Times(Box<Self>, usize, Option<usize>),
}

impl Node {
    fn random(random: &mut Random, depth: usize) -> Self {
        let parts =
            |random: &mut Random| (0..=random.below(2)).map(|_| Self::random(random, depth - 1)).collect();
        match if depth == 0 { random.below(4) } else { random.below(9) } {
            0 | 1 => Self::Text((0..=random.below(2)).map(|_| random.pick(&LETTERS)).collect()),
            2 => Self::Dot,
            3 => Self::Class {
                letters: (0..=random.below(2)).map(|_| random.pick(&LETTERS)).collect(),
                range: random.chance(40).then_some(random.pick(&[('b', 'x'), ('à', 'ü'), ('0', '9')])),
                negated: random.chance(40),
            },
            4 | 5 => Self::Then(parts(random)),
            6 => Self::Either(parts(random)),
            _ => {
                let least = random.below(3);
                let more = random.below(3);
                Self::Times(
                    Box::new(Self::random(random, depth - 1)),
                    least,
                    random.chance(50).then_some(least + more),
                )
            }
        }
    }

    /// As Rust's regular expressions write it.
    fn text(&self) -> String {
        let letter = |c: &char| format!("\\x{{{:x}}}", u32::from(*c));
        match self {
            Self::Text(text) => text.chars().map(|c| letter(&c)).collect(),
            Self::Dot => ".".to_owned(),
            Self::Class { letters, range, negated } => {
                let range = range.map(|(a, b)| format!("{}-{}", letter(&a), letter(&b))).unwrap_or_default();
                let letters: String = letters.iter().map(letter).collect();
                format!("[{}{letters}{range}]", if *negated { "^" } else { "" })
            }
            Self::Then(parts) => {
                parts.iter().map(|part| format!("(?:{})", part.text())).collect::<Vec<_>>().concat()
            }
            Self::Either(parts) => {
                parts.iter().map(|part| format!("(?:{})", part.text())).collect::<Vec<_>>().join("|")
            }
            Self::Times(inner, least, most) => {
                let times = most.map_or(format!("{least},"), |most| format!("{least},{most}"));
                format!("(?:{}){{{times}}}", inner.text())
            }
        }
    }

    fn script(&self) -> String {
        match self {
            Self::Text(text) => format!("(str.to_re {})", quoted(text)),
            Self::Dot => "(re.diff re.allchar (str.to_re \"\\u{a}\"))".to_owned(),
            Self::Class { letters, range, negated } => {
                let mut parts: Vec<String> =
                    letters.iter().map(|c| format!("(str.to_re {})", quoted(&c.to_string()))).collect();
                parts.extend(range.map(|(a, b)| {
                    format!("(re.range {} {})", quoted(&a.to_string()), quoted(&b.to_string()))
                }));
                let all = format!("(re.union re.none re.none {})", parts.join(" "));
                if *negated { format!("(re.diff re.allchar {all})") } else { all }
            }
            Self::Then(parts) => {
                let parts: Vec<String> = parts.iter().map(Self::script).collect();
                format!("(re.++ (str.to_re \"\") (str.to_re \"\") {})", parts.join(" "))
            }
            Self::Either(parts) => {
                let parts: Vec<String> = parts.iter().map(Self::script).collect();
                format!("(re.union re.none re.none {})", parts.join(" "))
            }
            Self::Times(inner, least, Some(most)) => {
                format!("((_ re.loop {least} {most}) {})", inner.script())
            }
            Self::Times(inner, least, None) => {
                let inner = inner.script();
                format!("(re.++ ((_ re.^ {least}) {inner}) (re.* {inner}))")
            }
        }
    }
}
