//! Findings for people and for programs.

pub(crate) mod graph;
pub(crate) mod json;
pub(crate) mod terminal;

/// `1 file`, `2 files`.
pub(crate) fn count(n: usize, one: &str) -> String {
    match (n, one.strip_suffix('y')) {
        (1, _) => format!("1 {one}"),
        (_, Some(stem)) => format!("{n} {stem}ies"),
        _ => format!("{n} {one}s"),
    }
}
