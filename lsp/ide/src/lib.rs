//! Editor features as plain data, without protocol types
pub mod line_index;

pub use line_index::{Encoding, LineIndex, Position, Range};
