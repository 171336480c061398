//! Patterns over text.

use ordain_ir::Glob;
use regex_automata::nfa::thompson::{Compiler, Config};

/// Longest text of a pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 4096;
/// Largest automaton of a regular expression, in bytes.
const MAX_AUTOMATON_BYTES: usize = 1 << 20;

/// Reads a glob, or says what is wrong with it.
pub(crate) fn glob(text: &str) -> Result<Glob, String> {
    if text.len() > MAX_PATTERN_BYTES {
        return Err(too_long());
    }
    Glob::parse(text).map_err(|error| error.to_string())
}

/// Says what is wrong with a regular expression.
pub(crate) fn regex(text: &str) -> Result<(), String> {
    if text.len() > MAX_PATTERN_BYTES {
        return Err(too_long());
    }
    // The reader's own words come last, after a picture of the pattern.
    if let Err(error) = regex_automata::util::syntax::parse(text) {
        let message = error.to_string();
        let words = message.rsplit("error: ").next().unwrap_or(&message).trim().to_owned();
        return Err(format!("the regular expression is malformed: {words}"));
    }
    Compiler::new()
        .configure(Config::new().nfa_size_limit(Some(MAX_AUTOMATON_BYTES)))
        .build(text)
        .map(|_| ())
        .map_err(|_| "the regular expression is too large; count less".to_owned())
}

fn too_long() -> String {
    format!("the pattern is longer than {MAX_PATTERN_BYTES} bytes")
}
