//! What the tests stand on: a reference evaluator, a generator of random workspaces over a finite world, an oracle
//! that finds conflicts by enumerating that world, and a runner for specifications in Markdown.
//!
//! Nothing here is used by the product. The oracle and the reference are written from the definition of the
//! language's semantics, and share only the data types of `ordain-ir` with the code that they judge.

pub mod edit;
pub mod generate;
pub mod measure;
pub mod names;
pub mod oracle;
pub mod random;
pub mod reference;
pub mod render;
pub mod shrink;
pub mod smt;
pub mod spec;
pub mod workload;
pub mod world;

/// How many random cases to try: the environment's word, or `default`.
///
/// # Panics
/// If the variable holds no number.
pub fn cases(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("`{variable}` wants a number, not `{text}`")),
        Err(_) => default,
    }
}
