//! Findings for people and for programs.

pub(crate) mod check;
pub(crate) mod coverage;
pub(crate) mod diff;
pub(crate) mod graph;
pub(crate) mod json;
pub(crate) mod markdown;
pub(crate) mod simulation;
pub(crate) mod terminal;
pub(crate) mod test;

/// `1 file`, `2 files`, `3 policies`, `4 groups of limits`.
pub(crate) fn count(n: usize, one: &str) -> String {
    let (noun, rest) =
        one.split_once(" of ").map_or((one, String::new()), |(noun, of)| (noun, format!(" of {of}")));
    match (n, noun.strip_suffix('y')) {
        (1, _) => format!("1 {one}"),
        (_, Some(stem)) => format!("{n} {stem}ies{rest}"),
        _ => format!("{n} {noun}s{rest}"),
    }
}
