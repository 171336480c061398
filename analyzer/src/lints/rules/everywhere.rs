//! Whether a claim about a rule holds for all its requests: at once where others surely are present at all of them,
//! else cell by cell.

use std::cell::OnceCell;

use super::Kind;
use super::beside::{Beside, Open};
use crate::bits::Bits;
use crate::cells::{Cell, cells};
use crate::domain::{AnalyzerError, Domain};

/// One claim about a rule.
pub(super) struct Everywhere<'b, 's, 'a, 'm, 'c> {
    beside: &'b Beside<'s, 'a, 'm, 'c>,
    kind: Kind,
    /// The rules on which it may depend, by number and by place in the list of the involved ones.
    relevant: Vec<(usize, usize)>,
    /// Those of them whose scope and window hold wherever the rule's own do.
    certain: Vec<bool>,
    /// How they cut the rule's domain; `None` beyond the caps.
    cells: OnceCell<Option<Vec<Cell>>>,
}

impl<'b, 's, 'a, 'm, 'c> Everywhere<'b, 's, 'a, 'm, 'c> {
    pub(super) fn new(beside: &'b Beside<'s, 'a, 'm, 'c>, kind: Kind) -> Self {
        let relevant = beside.relevant(kind);
        let place = |at: usize| beside.involved().binary_search(&at).ok();
        let relevant: Vec<(usize, usize)> =
            relevant.into_iter().filter_map(|at| Some((at, place(at)?))).collect();
        let (own, algebra) = (beside.domain(beside.rule()), beside.algebra());
        let certain = relevant.iter().map(|(at, _)| algebra.surely_around(own, beside.domain(*at))).collect();
        Self { beside, kind, relevant, certain, cells: OnceCell::new() }
    }

    /// Whether it holds beside those of the involved rules that are in `told`.
    pub(super) fn holds(&self, told: &Bits) -> Result<bool, AnalyzerError> {
        let of = |only_certain: bool| -> Vec<usize> {
            let told =
                self.relevant.iter().zip(&self.certain).filter(|((_, place), _)| told.contains(*place));
            told.filter(|(_, certain)| **certain || !only_certain).map(|((at, _), _)| *at).collect()
        };
        let (may, must) = (of(false), of(true));
        if !self.beside.may_differ(self.kind, Open { may: &may, must: &must }) {
            self.beside.check()?;
            return Ok(true);
        }
        let (own, algebra) = (self.beside.domain(self.beside.rule()), self.beside.algebra());
        let cells = self.cells.get_or_init(|| {
            let domains: Vec<&Domain> = self.relevant.iter().map(|(at, _)| self.beside.domain(*at)).collect();
            cells(own, &domains, algebra)
        });
        let Some(cells) = cells else { return Ok(false) };
        let numbers: Vec<usize> = self.relevant.iter().map(|(at, _)| *at).collect();
        let told = Bits::new(self.relevant.len(), |at| told.contains(self.relevant[at].1));
        self.beside.holds(self.kind, (cells, &numbers), &told)
    }
}
