//! Which members' conditions can hold together.

use super::member::Member;
use super::minimal::Set;
use crate::Answer;
use crate::conditions::{Conditions, Prepared};

/// Combinations followed; beyond, the component is not explored.
const MAX_COMBINATIONS: usize = 2_048;

/// How sure it is that a condition can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Whatever the opaque facts say.
    Definite,
    /// If the opaque facts have certain values.
    Opaque,
    /// The solver gave up.
    Undecided,
}

/// How sure it is that the condition can hold; asked only of those that aren't proved impossible.
pub(super) fn standing(condition: &Prepared, conditions: &Conditions) -> Standing {
    let verdict = conditions.find(&[condition], &[]);
    match (&verdict.answer, &verdict.opaque) {
        (Answer::Yes(_), None) => Standing::Definite,
        (Answer::Yes(_), Some(_)) => Standing::Opaque,
        (Answer::No | Answer::Undecided, _) => Standing::Undecided,
    }
}

/// Conditions that hold, conditions that don't, which members have the first ones, and whether that is proved
/// possible.
type Partial<'m> = (Vec<&'m Prepared>, Vec<&'m Prepared>, Set, bool);

/// The sets of members (as bits) whose conditions can hold while the others' don't, sorted, each with whether
/// that is proved possible, not only not proved impossible; `None` beyond the bound. Opaque facts are free.
pub(super) fn combinations(members: &[Member], conditions: &Conditions) -> Option<Vec<(Set, bool)>> {
    let mut distinct: Vec<&Prepared> = vec![];
    for member in members.iter().filter(|member| !member.condition.is_true()) {
        if !distinct.contains(&&*member.condition) {
            distinct.push(&member.condition);
        }
    }
    let bits = |holds: &dyn Fn(&Prepared) -> bool| -> Set {
        (0..members.len()).filter(|at| holds(&members[*at].condition)).map(|at| 1 << at).sum()
    };
    let mut partial: Vec<Partial> = vec![(vec![], vec![], bits(&Prepared::is_true), true)];
    for condition in &distinct {
        let mine = bits(&|other| other == *condition);
        let mut next = vec![];
        for (inside, outside, set, _) in partial {
            let with = [&*inside, &[*condition]].concat();
            let without = [&*outside, &[*condition]].concat();
            for (inside, outside, set) in [(with, outside, set | mine), (inside, without, set)] {
                let verdict = conditions.find(&inside, &outside);
                if !verdict.answer.is_no() {
                    next.push((inside, outside, set, verdict.answer.is_yes()));
                }
            }
        }
        if next.len() > MAX_COMBINATIONS {
            return None;
        }
        partial = next;
    }
    let mut out: Vec<(Set, bool)> = partial.into_iter().map(|(_, _, set, proved)| (set, proved)).collect();
    out.sort_unstable();
    Some(out)
}
