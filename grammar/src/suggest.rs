//! Which known word somebody may have meant.

/// The candidate nearest to `word` by edits, if it is near: at most a third of the longer one's characters
/// inserted, dropped, changed or swapped with the next. Ties go to the first candidate.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(MAX_CHARS).collect();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let other: Vec<char> = candidate.chars().take(MAX_CHARS).collect();
        let allowed = word.len().max(other.len()) / 3;
        if word.len().abs_diff(other.len()) > allowed {
            continue;
        }
        let distance = distance(&word, &other);
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Longer words are compared by their beginnings, so that a hostile text costs little.
const MAX_CHARS: usize = 64;

/// Optimal string alignment: insertions, deletions, substitutions, and swaps of neighbours. Letters that
/// differ in case only count as equal.
fn distance(a: &[char], b: &[char]) -> usize {
    let same = |i: usize, j: usize| a[i].eq_ignore_ascii_case(&b[j]);
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = usize::from(!same(i - 1, j - 1));
            let mut least = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && same(i - 1, j - 2) && same(i - 2, j - 1) {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let words = ["tool.name", "tool.category", "run.risk", "block"];
        assert_eq!(nearest("tool.nmae", words), Some("tool.name"));
        assert_eq!(nearest("Block", words), Some("block"));
        assert_eq!(nearest("run.rsik", words), Some("run.risk"));
        assert_eq!(nearest("completely.other", words), None);
        assert_eq!(nearest("warm", ["warn", "alert"]), Some("warn"));
        assert_eq!(nearest("x", ["a"]), None);
        assert_eq!(nearest("", ["a", "ab"]), None);
    }
}
