//! The semantic difference of two sets of policies: which decisions become stricter, which milder, and because of
//! which policies.
//!
//! A decision can only differ where a policy has changed, so each changed policy's domain is searched by itself, as it
//! was and as it is. The other policies cut it into cells, in each of which what both sides decide is one condition
//! (see [`decisions`](crate::decisions)); a request for which they differ and where the policy takes part (see [`part`])
//! is found by asking for one, and counts once the engines of both sides have decided it. No request in any cell is a proof that nothing differs.
//!
//! A limit is broken or kept, so its cells are asked once for each value at which that may change, while all limits
//! that measure something else are kept. For what accumulates, the value is a history: as many requests like the one
//! shown as make it up. Whatever else can't be shown that way is undecided, never equal.

mod changes;
mod merge;
mod part;
mod search;

use std::collections::BTreeMap;

use ordain_ir::report::Witness;
use ordain_ir::{Clause, Outcome, Policies, PolicyName, PolicyRef};
use rayon::prelude::*;

use crate::analysis::{Options, pool};
use crate::domain::{Algebra, AnalyzerError};
use crate::overrides::Overrides;

pub use self::changes::Kind;

/// Whether decisions become stricter or milder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shift {
    /// Stricter.
    Tightened,
    /// Milder.
    Loosened,
}

/// A request that is decided otherwise than before.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Example {
    /// How it was decided.
    pub before: Outcome,
    /// How it is.
    pub after: Outcome,
    /// The request, ready for `ordain eval`.
    pub witness: Witness,
    /// What each limit has counted before it, where that matters: in the units of its type.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub used: BTreeMap<PolicyName, String>,
    /// The changed policies that take part in the decision on either side: they speak, or keep others from speaking.
    pub because: Vec<PolicyName>,
}

/// Whether some decision shifts in one direction.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum Shifts {
    /// None does; proved.
    No,
    /// One does; the engines of both sides have decided it.
    Yes(Box<Example>),
    /// It is not known; why.
    Undecided {
        /// Why.
        reason: String,
    },
}

/// What has become of one policy, and of the decisions on the requests of which it speaks or spoke.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// Which one.
    pub policy: PolicyRef,
    /// What has become of it.
    pub kind: Kind,
    /// The clauses that differ.
    pub clauses: Vec<Clause>,
    /// In short, what it said and says now, where that fits a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<(String, String)>,
    /// Whether some decision in which it takes part is stricter.
    pub tightened: Shifts,
    /// Whether some decision in which it takes part is milder.
    pub loosened: Shifts,
}

/// The difference between two sets of policies.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// The policies that have changed, by name.
    pub changes: Vec<Change>,
    /// What else is to be known: declarations that differ.
    pub notes: Vec<String>,
}

impl Difference {
    /// Whether some decision shifts in this direction.
    pub fn has(&self, shift: Shift) -> bool {
        self.shifts(shift).any(|it| matches!(it, Shifts::Yes(_)))
    }

    /// Whether it is open for some requests how decisions shift.
    pub fn is_undecided(&self) -> bool {
        [Shift::Tightened, Shift::Loosened]
            .into_iter()
            .any(|shift| self.shifts(shift).any(|it| matches!(it, Shifts::Undecided { .. })))
    }

    /// Whether every decision is proved to be the same.
    pub fn is_equivalent(&self) -> bool {
        !self.is_undecided() && !self.has(Shift::Tightened) && !self.has(Shift::Loosened)
    }

    fn shifts(&self, shift: Shift) -> impl Iterator<Item = &Shifts> {
        self.changes.iter().map(move |change| match shift {
            Shift::Tightened => &change.tightened,
            Shift::Loosened => &change.loosened,
        })
    }
}

/// Compares the decisions of two sets of policies on all requests that fit the declarations of both. A pure function
/// of them.
///
/// # Errors
/// Only on policies that the compiler doesn't produce, without the right solver, or for a bug of ours.
pub fn diff(old: &Policies, new: &Policies, options: &Options<'_>) -> Result<Difference, AnalyzerError> {
    let memo = options.memo.clone().unwrap_or_default();
    let pool = pool(options)?;
    let (merged, notes) = merge::merged(old, new);
    let algebra = Algebra::new(&merged, &memo);
    let overrides = Overrides::new(&merged);
    let search = search::Search::new([old, new], &algebra, &overrides)?;
    let changed = changes::changes(old, new);
    let changes: Vec<Result<Change, AnalyzerError>> = pool.install(|| {
        changed
            .par_iter()
            .map(|changed| {
                Ok(Change {
                    policy: changed.policy.clone(),
                    kind: changed.kind,
                    clauses: changed.clauses.clone(),
                    values: changed.values.clone(),
                    tightened: search.shifts(changed, Shift::Tightened)?,
                    loosened: search.shifts(changed, Shift::Loosened)?,
                })
            })
            .collect()
    });
    // Of several errors the first in order counts.
    let changes = changes.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(Difference { changes, notes })
}
