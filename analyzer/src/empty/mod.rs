//! Empty contradictions of accumulated quantities: sets of hard limits that no usage satisfies together.
//!
//! Take calendar periods of one zone that lie in each other, in which all floors of a set apply, and one subject. The
//! members' domains cut the requests of these periods into cells; a usage is a non-negative amount for each
//! cell, meter and period. What the members say about it, and the few axioms that tie amounts together, are
//! linear inequalities, so an exact simplex either finds a usage or proves with non-negative factors that
//! there is none; the proof is published and re-checked by [`certificate`], which shares no code with
//! this.
//!
//! | module | decides |
//! | --- | --- |
//! | `member`, `slack`, `component` | which limits take part, which can't matter, and which can meet |
//! | `subjects`, `conditions`, `timeline` | which cells exist, where, when, for whom |
//! | `program`, `simplex`, `number` | whether amounts exist |
//! | `minimal`, `explore` | which minimal sets have none |
//! | `evidence`, `words`, `repair` | what to tell |

pub mod certificate;
mod component;
mod conditions;
mod evidence;
mod explore;
mod member;
mod minimal;
mod number;
mod program;
mod repair;
mod searched;
mod simplex;
mod slack;
mod subjects;
#[cfg(test)]
mod tests;
mod timeline;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_ir::report::{Certificate, Contradiction, Repair};
use ordain_ir::{
    Accumulation, Certainty, Clause, Condition, Conflict, ConflictType, Limit, Partition, Policies,
    PolicyName, PolicyRef, Quantity,
};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use self::component::{Component, components};
use self::conditions::Standing;
use self::evidence::Proof;
use self::explore::{Found, Space};
use self::member::Member;
use self::searched::Explored;
pub(crate) use self::searched::Searched;
use crate::calendar::Calendar;
use crate::conflict::severity;
use crate::domain::{Algebra, AnalyzerError};
use crate::window::{Intervals, Windows};

/// A minimal set of limits that can't all hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The limits, sorted; at least two.
    pub members: Vec<PolicyName>,
    /// Proved, unless a floor's domain or the set's cells rest on something opaque or undecided.
    pub certainty: Certainty,
    /// Why it is not proved.
    pub uncertainty: Option<String>,
    /// The proof that no usage satisfies the bounds.
    pub certificate: Certificate,
    /// The periods of which it speaks, the shortest first, in seconds since 1970.
    pub periods: Vec<(i64, i64)>,
    /// What is wrong.
    pub explanation: String,
    /// The smallest change of one bound that removes it.
    pub repair: Option<Repair>,
}

/// What was found, and how thoroughly it was looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// By members.
    pub findings: Vec<Finding>,
    /// Groups of limits for which a bound (on members, subjects, kinds of periods, sets, combinations of
    /// conditions) was reached, so that further sets may exist.
    pub not_fully_explored: u64,
    /// Sets whose certificate its checker refused. They are not reported; there are none but for a bug.
    pub refused: u64,
}

/// Finds the minimal contradictory sets of hard limits on accumulated quantities: a pure function of the
/// policies.
pub fn contradictions(algebra: &Algebra) -> Result<Outcome, AnalyzerError> {
    contradictions_beside(algebra, &Searched::default(), &|_| true).map(|(outcome, _)| outcome)
}

/// The same, knowing what earlier searches found where nothing concerns the limits that take part, and what is known
/// for the next one.
pub(crate) fn contradictions_beside(
    algebra: &Algebra,
    known: &Searched,
    concern: &(dyn Fn(&PolicyName) -> bool + Sync),
) -> Result<(Outcome, Searched), AnalyzerError> {
    let policies = algebra.policies();
    let horizon = algebra.windows().horizon().parts();
    let mut calendars = vec![Calendar::utc()];
    for zone in zones(policies) {
        // One that isn't known is told of with the limit that names it.
        calendars.extend(algebra.calendars().of(zone).ok());
    }
    let whole =
        calendars.iter().flat_map(|calendar| horizon.iter().map(|part| calendar.whole_periods(*part)));
    let windows = Windows::new(Intervals::new(whole.collect()));
    let mut members: Vec<Member> = vec![];
    for limit in policies.limits.values() {
        members.extend(Member::new(limit, algebra, &windows)?);
    }
    let mut outcome = Outcome::default();
    if !members.iter().any(Member::is_floor) {
        return Ok((outcome, Searched::default()));
    }
    let explore = |components: Vec<Component>| {
        let explored = components.into_par_iter();
        explored.map(|it| Explored::new(it, &members, algebra, known, concern)).collect::<Vec<_>>()
    };
    let (whole, mut links) = components(&members, algebra);
    let mut explored = explore(whole);
    outcome.not_fully_explored = explored.iter().filter(|component| !component.is_complete()).count() as u64;
    let unfinished = explored.iter().filter(|it| !it.is_complete()).map(|it| &it.component);
    let large: Vec<&Component> = unfinished.filter(|it| it.members.len() > component::SMALL).collect();
    if !large.is_empty() {
        let around = explore(component::around_floors(&large, &members, &mut links));
        let known = explored.iter().chain(&around).flat_map(Explored::involved).collect();
        let under = explore(component::under_roofs(&large, &members, &links, &known));
        explored.extend(around.into_iter().chain(under));
    }
    let mut reported: BTreeSet<Vec<PolicyName>> = BTreeSet::new();
    let mut wanted: Vec<(usize, Found)> = vec![];
    for (at, component) in explored.iter().enumerate() {
        // Overlapping parts of a large component find the same set more than once.
        let found = component.part.found.iter().flat_map(|(found, _)| found);
        let sets = found.filter(|found| found.set.count_ones() > 1);
        wanted.extend(sets.filter(|it| reported.insert(component.names(it.set))).map(|found| (at, *found)));
    }
    let told: Vec<Option<Finding>> =
        wanted.par_iter().map(|(at, found)| explored[*at].finding(*found, &members, algebra)).collect();
    let mut by_component = vec![BTreeMap::new(); explored.len()];
    for ((at, _), finding) in wanted.iter().zip(told) {
        let Some(finding) = finding else {
            outcome.refused += 1;
            continue;
        };
        by_component[*at].insert(finding.members.clone(), finding.clone());
        outcome.findings.push(finding);
    }
    let searched = Searched::of(explored, by_component);
    outcome.findings.sort_by(|a, b| a.members.cmp(&b.members));
    // Parts of a large component that overlap may know of different sets.
    let mut by_first: FxHashMap<PolicyName, Vec<Vec<PolicyName>>> = FxHashMap::default();
    for members in outcome.findings.iter().map(|finding| &finding.members) {
        by_first.entry(members[0].clone()).or_default().push(members.clone());
    }
    outcome.findings.retain(|Finding { members, .. }| {
        let within = members.iter().filter_map(|first| by_first.get(first)).flatten();
        !within.into_iter().any(|other| other != members && other.iter().all(|name| members.contains(name)))
    });
    Ok((outcome, searched))
}

/// The zones whose calendars limits count by.
fn zones(policies: &Policies) -> BTreeSet<&Arc<str>> {
    let quantities = policies.limits.values().map(|limit| &limit.quantity);
    let zones = quantities.filter_map(|quantity| match quantity {
        Quantity::Accumulated(_, Accumulation::Calendar { zone, .. }) => Some(zone),
        _ => None,
    });
    zones.collect()
}

/// `None` if the proof doesn't check, which is a bug of ours and no finding.
fn finding(space: &Space, found: Found, algebra: &Algebra) -> Option<Finding> {
    let proof = Proof::of(space, found)?;
    let certificate = proof.certificate(space, found);
    let checked = certificate::check(&certificate, algebra.policies());
    debug_assert_eq!(checked, Ok(()), "{certificate:#?}");
    checked.ok()?;
    let uncertainty = match space.standing(found.set, algebra) {
        Standing::Undecided => Some("whether the condition of a floor can hold is not decided"),
        Standing::Opaque => Some("a floor applies only if an opaque fact has a certain value"),
        Standing::Definite if found.assuming => {
            Some("whether some conditions can hold together is not decided")
        }
        Standing::Definite => None,
    };
    Some(Finding {
        members: words::sorted(&space.members, found.set),
        certainty: if uncertainty.is_some() { Certainty::Suspected } else { Certainty::Proved },
        uncertainty: uncertainty.map(str::to_owned),
        certificate,
        periods: proof.periods(space, found),
        explanation: proof.explanation(space, found),
        repair: repair::repair(space, found),
    })
}

impl Finding {
    /// The conflict that a report lists.
    pub fn into_conflict(self, policies: &Policies) -> Conflict {
        let conflict_type = ConflictType::ThresholdContradiction;
        let mut limits: Vec<_> = self.members.iter().filter_map(|name| policies.limits.get(name)).collect();
        limits.sort_by_key(|limit| (std::cmp::Reverse(limit.enforcement.strictness()), limit.name.clone()));
        let refs: Vec<PolicyRef> = limits.iter().map(|limit| limit.reference()).collect();
        let clauses = limits.iter().map(|limit| (limit.id(), clauses(limit))).collect();
        let severity = severity(conflict_type, self.certainty, &policies.settings);
        let recommended_action = match &self.repair {
            Some(repair) => {
                format!("Change one of the bounds so that all can hold; for example {}", repair.description)
            }
            None => "Change the bounds so that all can hold, or let one of the limits override the other"
                .to_owned(),
        };
        Conflict {
            id: Conflict::fingerprint(conflict_type, Some(Contradiction::Empty), &refs),
            code: conflict_type.code(),
            conflict_type,
            contradiction: Some(Contradiction::Empty),
            severity,
            certainty: self.certainty,
            policies: refs,
            clauses,
            explanation: self.explanation,
            recommended_action,
            weakens: None,
            uncertainty: self.uncertainty,
            witness: None,
            certificate: Some(Box::new(self.certificate)),
            repair: self.repair.map(Box::new),
            resolved: false,
            acknowledgement: None,
        }
    }
}

/// The clauses of a limit that take part: the bound decides, the others say what it bounds and for whom.
fn clauses(limit: &Limit) -> Vec<Clause> {
    let mut clauses = vec![Clause::Bound, Clause::Type, Clause::Enforce, Clause::Scope];
    clauses.extend((!limit.window.is_always()).then_some(Clause::Active));
    clauses.extend((limit.condition != Condition::True || limit.rule.is_some()).then_some(Clause::When));
    clauses.extend((limit.partition != Partition::Whole).then_some(Clause::Per));
    clauses
}
