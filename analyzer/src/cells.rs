//! Cells: the joint refinement of several domains, on which usage is counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use ordain_ir::{FactName, ScopeSelector};

use crate::boxes::Valuation;
use crate::conditions::Prepared;
use crate::domain::{Algebra, Domain, Point, conditions};
use crate::window::Intervals;
use crate::{Answer, scope};

/// A set of domains, bit `i` for the domain `i`, that some request lies in exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The domains that the cell lies in; it lies outside of all others.
    pub domains: u32,
    /// A request of the cell; `None` if it is not decided whether there is one.
    pub witness: Option<Point>,
    /// An opaque fact that the cell's existence rests on.
    pub opaque: Option<FactName>,
}

/// Most domains that are refined together.
pub const MAX_DOMAINS: usize = 16;

impl<'a> Algebra<'a> {
    /// The joint refinement: every cell that up to [`MAX_DOMAINS`] domains cut out of `[start, end)` and that
    /// is not proved to be empty, sorted by its set. It includes the cell outside of all domains.
    ///
    /// A cell with a witness exists. One without may exist or not: to count it gives usage more room, so a
    /// contradiction found nonetheless is one. `None` beyond the caps of the scope algebra, or with too many
    /// domains.
    pub fn cells(&self, domains: &[&Domain<'a>], (start, end): (i64, i64)) -> Option<Vec<Cell>> {
        if domains.len() > MAX_DOMAINS {
            return None;
        }
        let scopes: Vec<Vec<&ScopeSelector>> = domains.iter().map(|domain| domain.scopes.clone()).collect();
        let scopes = scope::minterms(&scopes, &self.conditions.memo.strings)?;
        let windows = self.window_minterms(domains, start, end);
        let conditions = self.condition_minterms(domains);
        let mut out: BTreeMap<u32, Cell> = BTreeMap::new();
        for (scope, subject) in &scopes {
            for (window, at) in &windows {
                for (condition, facts, opaque) in &conditions {
                    let domains = scope & window & condition;
                    let cell = Cell {
                        domains,
                        witness: facts.clone().map(|facts| Point {
                            subject: subject.clone(),
                            at: *at,
                            facts,
                        }),
                        opaque: opaque.clone(),
                    };
                    let known = out.entry(domains).or_insert_with(|| cell.clone());
                    // Of several ways into the same cell the surest counts: decided, then not opaque.
                    let rank = |cell: &Cell| (cell.witness.is_none(), cell.opaque.is_some());
                    if rank(&cell) < rank(known) {
                        *known = cell;
                    }
                }
            }
        }
        Some(out.into_values().collect())
    }

    /// Each set of windows that an instant of `[start, end)` lies in exactly, with the first such instant.
    fn window_minterms(&self, domains: &[&Domain<'a>], start: i64, end: i64) -> Vec<(u32, i64)> {
        let horizon = self.windows.horizon().clipped(start, end);
        let clipped: Vec<Intervals> = domains.iter().map(|d| d.window.clipped(start, end)).collect();
        let mut instants: Vec<i64> = clipped
            .iter()
            .chain([&horizon])
            .flat_map(|window| window.parts().iter().flat_map(|(from, to)| [*from, *to]))
            .filter(|at| horizon.contains(*at))
            .collect();
        instants.sort_unstable();
        instants.dedup();
        let mut out = BTreeMap::new();
        for at in instants {
            let set = (0..).zip(&clipped).fold(0, |set, (i, w)| set | u32::from(w.contains(at)) << i);
            out.entry(set).or_insert(at);
        }
        out.into_iter().collect()
    }

    /// Each set of domains whose conditions can be exactly those that hold.
    fn condition_minterms(&self, domains: &[&Domain<'a>]) -> Vec<(u32, Option<Valuation>, Option<FactName>)> {
        // A domain's condition is a conjunction, so its contrary is a disjunction: take each distinct
        // conjunct on its own and put the domains together at the end.
        let distinct = conditions(domains);
        let mut open: Vec<(Vec<&Prepared>, Vec<&Prepared>)> = vec![(vec![], vec![])];
        for condition in &distinct {
            open = open
                .into_iter()
                .flat_map(|(inside, outside)| {
                    let with = ([&*inside, &[*condition]].concat(), outside.clone());
                    let without = (inside, [&*outside, &[*condition]].concat());
                    [with, without]
                })
                .filter(|(inside, outside)| !self.conditions.find(inside, outside).answer.is_no())
                .collect();
        }
        let mut out = BTreeMap::new();
        for (inside, outside) in open {
            let holds = |domain: &&&Domain<'a>| {
                domain.conditions.iter().all(|c| c.is_true() || inside.contains(&c.as_ref()))
            };
            let set = (0..)
                .zip(domains)
                .filter(|(_, d)| holds(d))
                .fold(0_u32, |set, (i, _): (u32, _)| set | 1 << i);
            let verdict = self.conditions.find(&inside, &outside);
            let facts = match &verdict.answer {
                Answer::Yes(facts) => Some(facts.clone()),
                Answer::No | Answer::Undecided => None,
            };
            let entry = (facts, verdict.opaque.clone());
            let rank = |entry: &(Option<Valuation>, Option<FactName>)| (entry.0.is_none(), entry.1.is_some());
            let known = out.entry(set).or_insert_with(|| entry.clone());
            if rank(&entry) < rank(known) {
                *known = entry;
            }
        }
        out.into_iter().map(|(set, (facts, opaque))| (set, facts, opaque)).collect()
    }
}
