//! Glob patterns over strings: `*` stands for any run of characters, `?` for exactly one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One piece of a glob.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GlobPart {
    /// These characters.
    Text(String),
    /// `*`: any run of characters, also none.
    Any,
    /// `?`: exactly one character.
    One,
}

/// A glob pattern, normalised: no empty text, no two texts side by side, `?` before `*` in a run of
/// wildcards and no two `*` side by side. Equal globs match the same strings (the converse may fail).
///
/// On the wire it is its text, in which a backslash takes the meaning from `*`, `?` and `\`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Glob(Vec<GlobPart>);

impl Glob {
    /// The glob that matches exactly this string, whatever characters it holds.
    pub fn literal(text: &str) -> Self {
        Self(if text.is_empty() { vec![] } else { vec![GlobPart::Text(text.to_owned())] })
    }

    /// The glob that matches every string.
    pub fn any() -> Self {
        Self(vec![GlobPart::Any])
    }

    /// Reads the text of a glob.
    pub fn parse(text: &str) -> Result<Self, GlobError> {
        let mut parts = vec![];
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            parts.push(match c {
                '*' => GlobPart::Any,
                '?' => GlobPart::One,
                '\\' => GlobPart::Text(chars.next().ok_or(GlobError::TrailingBackslash)?.to_string()),
                c => GlobPart::Text(c.to_string()),
            });
        }
        Ok(Self::normalised(parts))
    }

    fn normalised(parts: Vec<GlobPart>) -> Self {
        let mut out: Vec<GlobPart> = vec![];
        for part in parts {
            match (out.last_mut(), part) {
                (Some(GlobPart::Text(text)), GlobPart::Text(more)) => text.push_str(&more),
                (Some(GlobPart::Any), GlobPart::Any) => {}
                (Some(GlobPart::Any), GlobPart::One) => out.insert(out.len() - 1, GlobPart::One),
                (_, part) => out.push(part),
            }
        }
        Self(out)
    }

    /// The pieces, in order.
    pub fn parts(&self) -> &[GlobPart] {
        &self.0
    }

    /// The one string that it matches, if it has no wildcard.
    pub fn as_literal(&self) -> Option<&str> {
        match &*self.0 {
            [] => Some(""),
            [GlobPart::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether it matches the whole of `text`. Linear in `text` for each `*`, without recursion and without memory of
    /// its own.
    pub fn matches(&self, text: &str) -> bool {
        // What stands between two `*`, which it takes at the first place where it fits.
        let mut pieces = self.0.split(|part| *part == GlobPart::Any);
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = take(first, text) else { return false };
        let Some(mut piece) = pieces.next() else { return rest.is_empty() };
        for next in pieces {
            let Some(after) = find(piece, rest) else { return false };
            (piece, rest) = (next, after);
        }
        // The last piece stands at the end: as many characters from there as it has.
        let length: usize = piece
            .iter()
            .map(|part| match part {
                GlobPart::Text(text) => text.chars().count(),
                GlobPart::Any | GlobPart::One => 1,
            })
            .sum();
        let from = match length.checked_sub(1) {
            None => return true,
            Some(before) => rest.char_indices().rev().nth(before).map(|(at, _)| at),
        };
        from.is_some_and(|from| take(piece, &rest[from..]) == Some(""))
    }
}

/// What is left of `text` after a piece without `*` at its beginning; `None` if it doesn't begin so.
fn take<'t>(piece: &[GlobPart], mut text: &'t str) -> Option<&'t str> {
    for part in piece {
        text = match part {
            GlobPart::Text(wanted) => text.strip_prefix(wanted.as_str())?,
            GlobPart::One | GlobPart::Any => {
                let mut chars = text.chars();
                chars.next()?;
                chars.as_str()
            }
        };
    }
    Some(text)
}

/// What is left of `text` after the first place where a piece without `*` fits.
fn find<'t>(piece: &[GlobPart], text: &'t str) -> Option<&'t str> {
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.into_iter().find_map(|at| take(piece, &text[at..]))
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                GlobPart::Any => f.write_str("*")?,
                GlobPart::One => f.write_str("?")?,
                GlobPart::Text(text) => {
                    for c in text.chars() {
                        if matches!(c, '*' | '?' | '\\') {
                            f.write_str("\\")?;
                        }
                        write!(f, "{c}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl From<Glob> for String {
    fn from(glob: Glob) -> Self {
        glob.to_string()
    }
}

impl TryFrom<String> for Glob {
    type Error = GlobError;
    fn try_from(text: String) -> Result<Self, GlobError> {
        Self::parse(&text)
    }
}

/// Why a text is no glob.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// `\` takes the meaning from the next character, and there is none.
    #[error("the pattern ends in `\\`; write `\\\\` for a backslash")]
    TrailingBackslash,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, by recursion over both strings.
    fn reference(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|n| reference(rest, &text[n..])),
            Some((c, rest)) => {
                text.split_first().is_some_and(|(t, more)| (*c == '?' || c == t) && reference(rest, more))
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab*?]{0,7}", text in "[abé]{0,8}") {
            let chars: Vec<char> = pattern.chars().collect();
            let subject: Vec<char> = text.chars().collect();
            prop_assert_eq!(Glob::parse(&pattern).unwrap().matches(&text), reference(&chars, &subject));
        }

        #[test]
        fn text_round_trips(pattern in "[ab*?\\\\]{0,8}") {
            if let Ok(glob) = Glob::parse(&pattern) {
                prop_assert_eq!(Glob::parse(&glob.to_string()).unwrap(), glob);
            }
        }

        #[test]
        fn literals_match_themselves_only(text in ".{0,6}", other in ".{0,6}") {
            let glob = Glob::literal(&text);
            prop_assert!(glob.matches(&text));
            prop_assert_eq!(glob.matches(&other), text == other);
            prop_assert_eq!(Glob::parse(&glob.to_string()).unwrap(), glob);
        }
    }
}
