//! White space makes no difference, but for empty lines, and for whether a policy stands on one line.

use ordain_grammar::ast::{File, Item};
use ordain_grammar::{Token, TokenKind, format, parse, tokens};
use proptest::prelude::*;

use super::corpus::CORPUS;

/// What the white space in a place may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Anything that is not nothing.
    Free,
    /// Blanks only: a line end would change something.
    Blanks,
    /// At least as many line ends.
    LineEnds(usize),
}

/// The bodies of policies and tests.
fn bodies(file: &File, text: &str) -> Vec<(usize, usize)> {
    let mut bodies = vec![];
    for item in &file.items {
        match item {
            Item::Policy(_) | Item::Test(_) => {
                let span = item.span().range();
                let open = tokens(&text[span.clone()])
                    .into_iter()
                    .find(|it| &text[span.clone()][it.span.range()] == "{");
                bodies.extend(open.map(|open| (span.start + open.span.range().end, span.end)));
            }
            Item::Template(template) => {
                bodies.extend(self::bodies(&File { items: template.items.clone() }, text));
            }
            _ => {}
        }
    }
    bodies
}

/// What may be done with each token that is white space.
fn places(text: &str) -> Vec<(Token, Place)> {
    let bodies = bodies(&parse(text).file, text);
    let all = tokens(text);
    let comment = |token: Option<&Token>| {
        token.is_some_and(|token| matches!(token.kind, TokenKind::Comment | TokenKind::Doc))
    };
    let mut places = vec![];
    for (at, token) in all.iter().enumerate().filter(|(_, token)| token.kind == TokenKind::Space) {
        let range = token.span.range();
        let line_ends = text[range.clone()].matches('\n').count().min(2);
        let body = bodies.iter().find(|(from, to)| (*from..*to).contains(&range.start));
        let one_line = body.is_some_and(|(from, to)| !text[*from..*to].contains('\n'));
        let first_end = body.is_some_and(|(from, _)| !text[*from..range.start].contains('\n'));
        let fixed = line_ends == 2
            || comment(at.checked_sub(1).and_then(|at| all.get(at)))
            || comment(all.get(at + 1))
            || line_ends > 0 && first_end;
        let place = match fixed {
            true if line_ends > 0 => Place::LineEnds(line_ends),
            true => Place::Blanks,
            false if one_line => Place::Blanks,
            false => Place::Free,
        };
        places.push((*token, place));
    }
    places
}

/// The text with other white space.
fn respaced(text: &str, choices: &[u8]) -> String {
    let mut out = String::new();
    let mut from = 0;
    for ((token, place), choice) in places(text).iter().zip(choices.iter().cycle()) {
        out.push_str(&text[from..token.span.range().start]);
        from = token.span.range().end;
        let blanks = ["", " ", "\t", "   ", " \t "][usize::from(choice / 8 % 5)];
        match place {
            Place::Free => out
                .push_str([" ", "\n", "\t", "  ", "\n  ", " \n\t", "\u{feff}", " "][usize::from(choice % 8)]),
            Place::Blanks => out.extend([" ", blanks]),
            Place::LineEnds(1) => out.extend([blanks, "\n", blanks]),
            Place::LineEnds(_) => out.extend([blanks, "\n", blanks, "\n\n"]),
        }
    }
    out + &text[from..]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn makes_no_difference(
        file in any::<prop::sample::Index>(),
        choices in prop::collection::vec(any::<u8>(), 1..200),
    ) {
        let (_, text) = file.get(&CORPUS);
        let other = respaced(text, &choices);
        // A word that is a keyword elsewhere needs its line end.
        prop_assume!(parse(&other).errors.is_empty());
        prop_assert_eq!(format(&other).unwrap(), format(text).unwrap(), "of\n{}", other);
    }
}
