//! The formatter: what its output looks like, and what it never does.
#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

mod format {
    mod comments;
    mod corpus;
    mod layout;
    mod refusal;
    mod spacing;
    mod surface;
}
