//! Evaluations: how often which decision was taken, and how long it took.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ordain_ir::Outcome;

/// Decisions of one outcome that were taken in one minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvaluationTally {
    /// Some instant of the minute.
    pub at: Timestamp,
    /// What was decided.
    pub action: Outcome,
    /// How many.
    pub evaluations: u64,
    /// How long they took together, in microseconds.
    pub microseconds: u64,
}

/// Decisions of one outcome over a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EvaluationTotal {
    /// How many.
    pub evaluations: u64,
    /// How long they took together, in microseconds.
    pub microseconds: u64,
}

/// How many decisions there are of each outcome; none with zero.
pub type EvaluationTotals = BTreeMap<Outcome, EvaluationTotal>;
