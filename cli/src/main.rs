//! Check, build and serve policies for AI agents.
fn main() {}
