//! Random texts against what reads texts: no panic, no hang, bounded memory, and what must hold of every text.
//!
//! [`Target`]s are what is tried; [`mutate::Corpus`] makes texts, each from a seed and a number alone; [`drive`] tries
//! them in a process of its own, whose end it survives, and makes what fails small.

pub mod drive;
pub mod mutate;
pub mod shrink;
mod target;

pub use target::Target;
