//! Witnesses, found by questions with one answer each.

use std::collections::BTreeSet;

use ordain_ir::Value;
use z3::ast::{Bool, Int};
use z3::{SatResult, Solver};

use super::encode::matching;
use crate::sets::Elements;
use crate::strings::Vectors;

/// Pins variables down one after the other, by questions with one answer each.
pub(super) struct Search<'a> {
    pub(super) solver: &'a Solver,
}

impl Search<'_> {
    /// Whether `claim` is possible; asserts it if so.
    pub(super) fn fix(&self, claim: &Bool) -> Option<bool> {
        let possible = self.possible(claim)?;
        if possible {
            self.solver.assert(claim);
        }
        Some(possible)
    }

    fn possible(&self, claim: &Bool) -> Option<bool> {
        match self.solver.check_assumptions(std::slice::from_ref(claim)) {
            SatResult::Sat => Some(true),
            SatResult::Unsat => Some(false),
            SatResult::Unknown => None,
        }
    }

    /// The shortest text whose outcomes are possible.
    pub(super) fn text(&self, outcomes: &[Bool], vectors: &Vectors) -> Option<String> {
        let mut rows: Vec<(&String, u64)> = vectors.iter().map(|(vector, text)| (text, *vector)).collect();
        // As everywhere, the empty text comes last.
        rows.sort_by_key(|(text, _)| (text.is_empty(), text.len(), *text));
        for (text, vector) in rows {
            if self.fix(&matching(outcomes, vector))? {
                return Some(text.clone());
            }
        }
        unreachable!("the lemma says that some row holds")
    }

    /// The smallest set whose outcomes are possible; beyond the cap, one with as few outcomes as the first allow.
    pub(super) fn set(&self, outcomes: &[Bool], elements: &Elements) -> Option<BTreeSet<Value>> {
        if let Some(sets) = elements.sets() {
            for (mask, set) in sets {
                if self.fix(&matching(outcomes, mask))? {
                    return Some(set);
                }
            }
            unreachable!("the lemmas say that the outcomes are those of some set");
        }
        let mut required = 0;
        for (bit, outcome) in outcomes.iter().enumerate() {
            if !self.fix(&outcome.not())? {
                self.solver.assert(outcome);
                required |= 1 << bit;
            }
        }
        Some(elements.smallest(required, !required).expect("the lemmas say that some set has these outcomes"))
    }

    /// The possible value of smallest magnitude, the positive of two.
    pub(super) fn nearest_to_zero(&self, number: &Int, (least, greatest): (i64, i64)) -> Option<i64> {
        let within = |radius: i128| {
            Bool::and(&[number.le(Int::from_i128(radius)), number.ge(Int::from_i128(-radius))])
        };
        let (mut low, mut high) = (0_i128, i128::from(least).abs().max(i128::from(greatest).abs()));
        // Most witnesses are near zero: gallop before halving.
        let mut probe = 0_i128;
        while low < high {
            let middle = if probe < high { probe } else { low + (high - low) / 2 };
            if self.possible(&within(middle))? {
                high = middle;
                probe = high;
            } else {
                low = middle + 1;
                probe = if probe < high { probe * 16 + 15 } else { high };
            }
        }
        let narrow = |n: i128| i64::try_from(n).ok();
        if let Some(positive) = narrow(low)
            && self.fix(&number.eq(Int::from_i64(positive)))?
        {
            return Some(positive);
        }
        let negative = narrow(-low)?;
        self.solver.assert(number.eq(Int::from_i64(negative)));
        Some(negative)
    }
}
