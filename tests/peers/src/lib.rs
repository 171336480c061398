//! What both comparisons need: a clock, and numbers that depend on a seed alone.

pub mod clock;
pub mod random;
