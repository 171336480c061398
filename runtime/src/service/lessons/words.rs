//! Words of others, made fit for one line, one key, one comment.

/// The longest text that is a key by itself, in bytes: an index of PostgreSQL takes 2,700 with all that stands beside it.
const KEY: usize = 400;

/// Whether a character would end a line, or change how the rest of it reads.
fn is_odd(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}')
        || ('\u{202a}'..='\u{202e}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
}

/// The same on one line, with nothing in it that isn't seen.
pub(super) fn on_one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if is_odd(c) { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same on one line of so many characters at most.
pub(super) fn in_short(text: &str, most: usize) -> String {
    let line = on_one_line(text);
    if line.chars().count() <= most {
        return line;
    }
    line.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// The same, or a hash of it where it is too long for an index.
pub(super) fn short_key(text: &str) -> String {
    if text.len() <= KEY { text.to_owned() } else { format!("blake3:{}", blake3::hash(text.as_bytes())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_stay_on_their_line() {
        assert_eq!(on_one_line(" a\n}\r\n\u{2028}b\u{202e}c\t\u{0}d "), "a } b c d");
        assert_eq!(in_short("ab\ncd", 4), "ab …");
        assert_eq!(in_short("abcd", 4), "abcd");
        assert_eq!(short_key("cap"), "cap");
        assert_ne!(short_key(&"x".repeat(401)), short_key(&"y".repeat(401)));
        assert!(short_key(&"🚀".repeat(200)).len() < 100);
    }
}
