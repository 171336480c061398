//! The server over the wire, in memory: real frames, a real client at the other end.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod client;
mod diagnostics;
mod edits;
mod protocol;
mod support;
