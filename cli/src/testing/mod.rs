//! Policy tests: `test` blocks, run on the engine that decides in production.
//!
//! The compiler gives [`TestCase`](ordain_ir::TestCase)s; they are found ([`discover`]), chosen ([`filter`]) and run one by one ([`run`]),
//! what fails is explained ([`silence`]), and what they reach of the policies is counted ([`coverage`]). Nothing here
//! writes output; that is in [`render`](crate::render).

pub(crate) mod coverage;
pub(crate) mod discover;
pub(crate) mod filter;
pub(crate) mod run;
pub(crate) mod session;
pub(crate) mod silence;
pub(crate) mod words;
pub(crate) mod written;

#[cfg(test)]
mod tests;
