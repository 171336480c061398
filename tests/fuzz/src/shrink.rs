//! Making a text that fails small, by leaving away what it fails without.

/// The text without lines, then tokens, then characters that it fails without; asks `fails` at most `patience` times.
pub fn shrink(text: &str, mut patience: usize, fails: &mut dyn FnMut(&str) -> bool) -> String {
    let mut text = text.to_owned();
    for cut in [lines, words, characters] {
        let pieces = cut(&text);
        let kept = needed(pieces, &mut patience, fails);
        text = kept;
    }
    text
}

fn lines(text: &str) -> Vec<String> {
    text.split_inclusive('\n').map(str::to_owned).collect()
}

fn words(text: &str) -> Vec<String> {
    ordain_grammar::tokens(text).into_iter().map(|token| text[token.span.range()].to_owned()).collect()
}

fn characters(text: &str) -> Vec<String> {
    text.chars().map(String::from).collect()
}

/// Leaves away stretches of pieces, long ones first.
fn needed(mut pieces: Vec<String>, patience: &mut usize, fails: &mut dyn FnMut(&str) -> bool) -> String {
    let mut length = pieces.len().div_ceil(2);
    while length > 0 {
        let mut at = 0;
        let mut less = false;
        while at < pieces.len() {
            if *patience == 0 {
                return pieces.concat();
            }
            *patience -= 1;
            let end = (at + length).min(pieces.len());
            let without = [&pieces[..at], &pieces[end..]].concat();
            if fails(&without.concat()) {
                pieces = without;
                less = true;
            } else {
                at = end;
            }
        }
        if !less || length > 1 {
            length /= 2;
        }
    }
    pieces.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_needed_stays() {
        let text = "let a = b\nrule x {\n  type safety\n}\nlet c = d\n";
        let mut asked = 0;
        let small = shrink(text, 1_000, &mut |text| {
            asked += 1;
            text.contains('x') && text.contains("safe")
        });
        assert_eq!(small, "xsafe");
        assert!(asked < 100, "{asked}");
        assert_eq!(shrink(text, 0, &mut |_| true), text);
    }
}
