//! The grammar of the policy language and its error-tolerant parser.
//!
//! [`parse`] takes any text and gives a tree with byte spans, together with what is wrong. It never panics:
//! one mistake costs one clause or one item and leaves the others. The grammar stands in `ordain.pest`;
//! its rules are named nowhere outside this crate.

pub mod ast;
mod build;
mod error;
mod foreign;
mod format;
mod hidden;
mod parser;
mod recover;
mod source;
pub mod suggest;
mod token;
mod wanted;

pub use error::SyntaxError;
pub use format::{FormatError, format};
pub use token::{KEYWORDS, Token, TokenKind, tokens};

/// A file's tree and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Parse {
    /// What could be read.
    pub file: ast::File,
    /// What could not, by place.
    pub errors: Vec<SyntaxError>,
    /// What can be read and still misleads its readers, by place: hidden characters.
    pub warnings: Vec<SyntaxError>,
}

/// Parentheses may stand this deep in each other.
pub const MAX_DEPTH: usize = 64;

/// Reads a file. Texts of 4 GiB and more are refused with one error, since spans are 32 bits wide.
pub fn parse(text: &str) -> Parse {
    parser::parse(text)
}
