//! What is a conflict and what is none, and that the answer depends on the policies alone.

#![expect(clippy::unwrap_used, reason = "helpers of tests, where a panic is a failed test")]

mod algebra;
mod allowances;
mod common;
mod conditions;
mod coverage;
mod determinism;
mod diagnostics;
mod limits;
mod rules;
mod sets;
mod strings;
mod verify;
