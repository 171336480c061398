//! Texts as numbers.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHashMap;

/// A number that stands for no known text.
pub(crate) const UNKNOWN: u32 = u32::MAX;

/// The texts that one set of policies names, each with a number.
///
/// The tables are looked up by what requests say and filled by what policies say only, so a request can't make
/// their hashes collide.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    /// Almost all that policies name. These stand in the table itself: looking one up reads two places of memory and
    /// not also a third, where the text would be.
    short: FxHashMap<Short, u32>,
    long: FxHashMap<Box<str>, u32>,
}

impl Symbols {
    /// The number of a text that a policy names.
    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        let next = u32::try_from(self.short.len() + self.long.len());
        let next = next.expect("a bundle of at most 1 GiB names fewer than 2^32 texts");
        match Short::of(text) {
            Some(short) => *self.short.entry(short).or_insert(next),
            None => *self.long.entry(text.into()).or_insert(next),
        }
    }

    /// The number of a text, if a policy names it.
    pub(crate) fn known(&self, text: &str) -> Option<u32> {
        match Short::of(text) {
            Some(short) => self.short.get(&short).copied(),
            None => self.long.get(text).copied(),
        }
    }

    /// The number of a text, [`UNKNOWN`] if no policy names it.
    pub(crate) fn get(&self, text: &str) -> u32 {
        self.known(text).unwrap_or(UNKNOWN)
    }
}

/// A text of at most 23 bytes: equal exactly if the texts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Short([u64; 3]);

impl Hash for Short {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for word in self.0 {
            state.write_u64(word);
        }
    }
}

impl Short {
    /// The last byte is the text's length; which says where the other bytes stand, some of them twice.
    fn of(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        let length = text.len();
        let (first, second, third) = match (text.first_chunk(), text.last_chunk()) {
            (Some(first), Some(last)) if length <= 23 => {
                let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
                match text[8..].first_chunk() {
                    Some(middle) => (first, u64::from_le_bytes(*middle), last >> 8),
                    None => (first, last, 0),
                }
            }
            (Some(_), _) => return None,
            _ => match (text.first_chunk(), text.last_chunk()) {
                (Some(first), Some(last)) => {
                    (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into(), 0)
                }
                _ => (text.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0, 0),
            },
        };
        Some(Self([first, second, third | (length as u64) << 56]))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn different_texts_have_different_numbers() {
        // All texts of at most four bytes over an alphabet with NUL, and every way in which one byte differs in longer ones.
        let mut texts = vec![String::new()];
        for length in 1..=4 {
            for number in 0..3_usize.pow(length) {
                let digit = |place| ['\0', 'a', '\u{1}'][number / 3_usize.pow(place) % 3];
                texts.push((0..length).map(digit).collect());
            }
        }
        for length in 5..40 {
            let same = "x".repeat(length);
            texts.extend((0..length).map(|place| format!("{}y{}", &same[..place], &same[place + 1..])));
            texts.push("\0".repeat(length));
            texts.push(same);
        }
        let mut symbols = Symbols::default();
        let mut known = BTreeMap::new();
        for text in &texts {
            assert_eq!(symbols.get(text), UNKNOWN, "{text:?}");
            assert_eq!(known.insert(symbols.intern(text), text), None, "{text:?}");
        }
        for (number, text) in known {
            assert_eq!((symbols.get(text), symbols.intern(text)), (number, number), "{text:?}");
        }
    }
}
