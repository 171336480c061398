//! `--select` and `--ignore`: which codes are asked for.

use std::str::FromStr;

use ordain_ir::{Code, codes};

/// A code or the beginning of some: `ORD0301`, `ORD04`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prefix(String);

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = text.trim().to_ascii_uppercase();
        if wanted.len() >= 3 && codes::ALL.iter().any(|(code, _)| code.as_str().starts_with(&wanted)) {
            return Ok(Self(wanted));
        }
        Err(format!("no code begins with `{text}`; `ordain explain` lists them all"))
    }
}

/// Which warnings are shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Only these, or all if there are none.
    pub(crate) select: Vec<Prefix>,
    /// Not these.
    pub(crate) ignore: Vec<Prefix>,
}

impl Selection {
    /// Whether a code is shown: what names it most precisely decides, and `--ignore` if both do.
    pub(crate) fn shows(&self, code: &Code) -> bool {
        let longest = |prefixes: &[Prefix]| {
            prefixes.iter().filter(|it| code.as_str().starts_with(&it.0)).map(|it| it.0.len()).max()
        };
        let selected = if self.select.is_empty() { Some(0) } else { longest(&self.select) };
        selected.is_some_and(|selected| longest(&self.ignore).is_none_or(|ignored| ignored < selected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes(words: &[&str]) -> Vec<Prefix> {
        words.iter().map(|word| word.parse().unwrap()).collect()
    }

    #[test]
    fn the_more_precise_one_decides() {
        let shows = |select: &[&str], ignore: &[&str], code: &Code| {
            Selection { select: prefixes(select), ignore: prefixes(ignore) }.shows(code)
        };
        assert!(shows(&[], &[], &codes::UNUSED));
        assert!(!shows(&[], &["ORD04"], &codes::UNUSED));
        assert!(!shows(&["ORD03"], &[], &codes::UNUSED));
        assert!(shows(&["ord0409"], &["ORD04"], &codes::UNUSED));
        assert!(!shows(&["ORD04"], &["ORD0409"], &codes::UNUSED));
        assert!(!shows(&["ORD0409"], &["ORD0409"], &codes::UNUSED));
        assert!(shows(&["ORD0409", "ORD03"], &[], &codes::SCOPE_OVERLAP));
    }

    #[test]
    fn what_begins_no_code_is_refused() {
        for word in ["", "OR", "ORD77", "scope", "ORD03011"] {
            assert!(word.parse::<Prefix>().is_err(), "{word}");
        }
    }
}
