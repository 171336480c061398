//! What is a conflict and what is none, and that the answer depends on the policies alone.

mod algebra;
mod common;
mod determinism;
mod limits;
mod rules;
