//! Globs and regular expressions, by recursion over pattern and text.

use ordain_ir::Glob;
use ordain_ir::glob::GlobPart;

/// Whether the whole text matches the glob.
pub(super) fn glob(glob: &Glob, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    glob_parts(glob.parts(), &text)
}

fn glob_parts(parts: &[GlobPart], text: &[char]) -> bool {
    match parts.split_first() {
        None => text.is_empty(),
        Some((GlobPart::Any, rest)) => (0..=text.len()).any(|skipped| glob_parts(rest, &text[skipped..])),
        Some((GlobPart::One, rest)) => !text.is_empty() && glob_parts(rest, &text[1..]),
        Some((GlobPart::Text(literal), rest)) => {
            let literal: Vec<char> = literal.chars().collect();
            text.starts_with(&literal) && glob_parts(rest, &text[literal.len()..])
        }
    }
}

/// Whether the regular expression matches somewhere in the text. Knows `^`, `$`, `.`, `*` and plain letters, which
/// is all that generated policies use.
///
/// # Panics
/// On any other character of the syntax.
pub(super) fn regex(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    assert!(
        pattern.iter().all(|c| c.is_alphanumeric() || "^$.*".contains(*c)),
        "beyond the reference: {pattern:?}"
    );
    let text: Vec<char> = text.chars().collect();
    match pattern.split_first() {
        Some(('^', rest)) => regex_here(rest, &text),
        _ => (0..=text.len()).any(|from| regex_here(&pattern, &text[from..])),
    }
}

fn regex_here(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => true,
        ['$'] => text.is_empty(),
        [c, '*', rest @ ..] => {
            let run = text.iter().take_while(|t| matches_char(*c, **t)).count();
            (0..=run).any(|taken| regex_here(rest, &text[taken..]))
        }
        [c, rest @ ..] => {
            text.split_first().is_some_and(|(t, more)| matches_char(*c, *t) && regex_here(rest, more))
        }
    }
}

/// A dot stands for any character but a line feed.
fn matches_char(pattern: char, c: char) -> bool {
    if pattern == '.' { c != '\n' } else { pattern == c }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_cases() {
        assert!(regex("x.*y", "zxzy") && !regex("x.*y", "x\ny") && !regex("x.*y", "yx"));
        assert!(regex("^x", "xz") && !regex("^x", "zx") && regex("y$", "zy") && !regex("y$", "y\n"));
        let pattern = |text: &str| Glob::parse(text).unwrap();
        assert!(glob(&pattern("a*"), "a") && !glob(&pattern("a*"), "ba") && glob(&pattern("?y"), "zy"));
    }
}
