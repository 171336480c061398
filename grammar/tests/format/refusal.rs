//! What is not formatted, and what is kept of a file as a whole.

use ordain_grammar::{FormatError, format, parse};

#[test]
fn texts_with_mistakes_are_refused() {
    let text = "rule a { type }\nfact b : int";
    assert_eq!(format(text), Err(FormatError::Syntax(parse(text).errors)));
    let message = format("rule").unwrap_err().to_string();
    assert!(message.starts_with("a text with syntax errors can't be formatted: "), "{message}");
}

#[test]
fn line_ends_stay_as_the_first_one_is() {
    assert_eq!(format("package  a\r\n// b\nuse c").unwrap(), "package a\r\n// b\r\nuse c\r\n");
    assert_eq!(format("package  a\n\r\n\r\nuse c\r\n").unwrap(), "package a\n\nuse c\n");
    assert_eq!(format("\u{feff}package a").unwrap(), "package a\n");
}

#[test]
fn nothing_stays_nothing() {
    assert_eq!(format("").unwrap(), "");
    assert_eq!(format(" \r\n\n\t").unwrap(), "");
    assert_eq!(format("\n\n// a  \n\n\n/// b").unwrap(), "// a\n\n/// b\n");
}

#[test]
fn literals_stay_as_written() {
    let text = "let a = x == \"\\\"\\u{e9}  \\\\ é\" and y > 1_0_0.50 and z < 001.00 USD and d == 1h30m\n";
    assert_eq!(format(text).unwrap(), text);
}
