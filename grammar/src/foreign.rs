//! Letters in names that are none of ASCII's, and may look as if they were.

use ordain_ir::{Span, codes};
use unicode_script::UnicodeScript as _;

use crate::SyntaxError;

/// What a word with letters of other alphabets looks like, and what is wrong with it. Letters that look like
/// none of ours stay.
pub(crate) fn plain(word: &str, span: Span) -> (String, SyntaxError) {
    let plain: String = word.chars().map(|c| lookalike(c).unwrap_or(c)).collect();
    let foreign = |(_, c): &(usize, char)| !c.is_ascii();
    let (at, first) = word
        .char_indices()
        .find(|(_, c)| lookalike(*c).is_some())
        .or_else(|| word.char_indices().find(foreign))
        .unwrap_or((0, '\u{fffd}'));
    let at = span.range().start + at;
    let place = Span::new(at, at + first.len_utf8());
    let error = match lookalike(first) {
        Some(like) => {
            let message =
                format!("the {} U+{:04X} in this name looks like `{like}`", kind(first), u32::from(first));
            SyntaxError::new(codes::CONFUSABLE, place, message)
        }
        None => SyntaxError::new(codes::SYNTAX, place, format!("`{first}` can't stand in a name"))
            .help("names consist of the letters a to z, digits, `-` and `_`"),
    };
    let error =
        if plain.is_ascii() { error.fix_at(span, format!("write `{plain}`"), plain.clone()) } else { error };
    (plain, error)
}

/// The ASCII letter, digit or hyphen that a character of another alphabet looks like.
pub(crate) fn lookalike(c: char) -> Option<char> {
    if c.is_ascii() {
        return None;
    }
    let mut skeleton = unicode_security::skeleton(c.encode_utf8(&mut [0; 4])).collect::<Vec<_>>().into_iter();
    let like = skeleton.next().filter(|like| like.is_ascii_graphic())?;
    skeleton.next().is_none().then_some(like)
}

/// What to call a character: its alphabet, if it has one.
fn kind(c: char) -> String {
    match c.script() {
        unicode_script::Script::Common
        | unicode_script::Script::Inherited
        | unicode_script::Script::Unknown => "character".to_owned(),
        script => format!("{} letter", script.full_name().replace('_', " ")),
    }
}
