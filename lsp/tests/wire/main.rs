//! The server over the wire, in memory: real frames, a real client at the other end.

mod client;
mod diagnostics;
mod protocol;
mod support;
