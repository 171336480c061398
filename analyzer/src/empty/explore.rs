//! The minimal contradictory sets of one component.

use std::sync::Arc;

use ordain_ir::Period;

use super::component::{Component, LARGE, SMALL};
use super::conditions::{self, Standing};
use super::member::{self, Member};
use super::minimal::{self, Bounds, Said, Set, indices};
use super::program::{Cells, Context, Program, Reason, Sums, Usage, select};
use super::simplex::Feasibility;
use super::subjects::{SubjectCells, subjects};
use super::timeline::{self, Chain, Timeline};
use crate::calendar::{Calendar, Stretch};
use crate::domain::Algebra;

/// Minimal sets listed for one component; beyond, the exploration says so.
const BOUNDS: Bounds = Bounds { sets: 64, hitting: 4_096 };
/// Likewise for a large one.
const LARGE_BOUNDS: Bounds = Bounds { sets: 8, hitting: 256 };
/// What the programs of a large one may come to in all: numbers in their tables, of those that are solved so many times
/// as they take steps about.
const MAX_WORK: usize = 200_000_000;
const SOLVING: usize = 32;
/// Largest subsets without two members that override one another; beyond, likewise.
const MAX_GROUNDS: usize = 64;

/// Usages kept that fulfilled all bounds somewhere.
const MAX_USAGES: usize = 8;

/// A component with everything that its programs are made of.
pub(super) struct Space<'a> {
    pub(super) members: Vec<Member<'a>>,
    pub(super) subjects: Vec<SubjectCells>,
    /// Chains of calendar periods in the order of [`bases`] of their shortest periods, the earlier ones first.
    pub(super) chains: Vec<Chain>,
    /// Sets of members whose conditions may hold together; and those of them for which that is proved, where
    /// these are fewer.
    conditions: (Vec<Set>, Option<Vec<Set>>),
    complete: bool,
}

/// What a search has done so far.
struct Tried {
    /// Usages that fulfilled all bounds somewhere: most places are much alike, and what is possible at one is possible at
    /// the next.
    usages: Vec<Usage>,
    /// What it may yet do.
    work: usize,
}

impl Tried {
    /// Takes as much from what it may do, and all of it where there isn't so much.
    fn may(&mut self, work: usize) -> bool {
        let rest = self.work.checked_sub(work);
        self.work = rest.unwrap_or(0);
        rest.is_some()
    }
}

/// A minimal contradictory set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The members, as bits.
    pub(super) set: Set,
    /// Where it was found.
    pub(super) chain: usize,
    /// Likewise.
    pub(super) subject: usize,
    /// Whether combinations of conditions that the solver left undecided were taken as impossible.
    pub(super) assuming: bool,
}

impl<'a> Space<'a> {
    /// Lays a component out; `None` if there are too many members, conditions or subjects.
    pub(super) fn new(component: &Component, all: &[Member<'a>], algebra: &Algebra) -> Option<Self> {
        if component.members.len() > LARGE {
            return None;
        }
        let members: Vec<Member> = component.members.iter().map(|at| all[*at].clone()).collect();
        let (subjects, mut complete) = subjects(&members, &algebra.conditions.memo.strings);
        complete &= !component.part;
        let times: Vec<&[Stretch]> = members.iter().map(|member| member.times.parts()).collect();
        let preferred = algebra.policies().settings.horizon.0;
        let mut timeline = Timeline::new(&members, &times, algebra.windows().horizon().parts(), preferred);
        let mut chains = vec![];
        for (base, calendar) in bases(&members) {
            let (more, all) = timeline.chains(base, &calendar);
            chains.extend(more);
            complete &= all;
        }
        let combinations = conditions::combinations(&members, &algebra.conditions)?;
        let proved: Vec<Set> =
            combinations.iter().filter(|(_, proved)| *proved).map(|(set, _)| *set).collect();
        let proved = (proved.len() < combinations.len()).then_some(proved);
        let possible = combinations.into_iter().map(|(set, _)| set).collect();
        (!subjects.is_empty()).then_some(Self {
            members,
            subjects,
            chains,
            conditions: (possible, proved),
            complete,
        })
    }

    /// The minimal contradictory sets, and whether they are all of them. `excludes` tells whether one limit
    /// overrides the other.
    pub(super) fn explore(&self, excludes: impl Fn(&Member, &Member) -> bool) -> (Vec<Found>, bool) {
        let count = self.members.len();
        let excluded: Vec<Set> = (0..count)
            .map(|a| {
                let clashes = |b: &usize| *b != a && excludes(&self.members[a], &self.members[*b]);
                (0..count).filter(clashes).map(|b| 1 << b).sum()
            })
            .collect();
        let (grounds, mut complete) = minimal::independent_sets((1 << count) - 1, &excluded, MAX_GROUNDS);
        complete &= self.complete;
        let mut found: Vec<Found> = vec![];
        let mut known: Vec<Set> = vec![];
        let (bounds, work) = if count > SMALL { (LARGE_BOUNDS, MAX_WORK) } else { (BOUNDS, usize::MAX) };
        let mut tried = Tried { usages: vec![], work };
        for assuming in [false, true] {
            if assuming && self.conditions.1.is_none() {
                continue;
            }
            for (chain, subject) in self.places() {
                for ground in &grounds {
                    let before = known.len();
                    complete &= minimal::enumerate(*ground, &mut known, bounds, |set| {
                        self.refused(set, chain, subject, assuming, &mut tried)
                    });
                    let new = known[before..].iter().map(|set| Found { set: *set, chain, subject, assuming });
                    found.extend(new);
                }
            }
        }
        let minimal = minimal::minimal(known);
        found.retain(|found| minimal.contains(&found.set));
        (found, complete)
    }

    /// Every choice of periods and subject, in the order of preference.
    pub(super) fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.chains.len()).flat_map(|chain| (0..self.subjects.len()).map(move |subject| (chain, subject)))
    }

    /// Whether a set can hold at this place, or which subset of it can't.
    fn refused(&self, set: Set, chain: usize, subject: usize, assuming: bool, tried: &mut Tried) -> Said {
        if select(&self.members, set, Member::is_floor) == 0 {
            return Said::Passed;
        }
        let bounds = self.bounds();
        let context = self.context(chain, subject, assuming);
        let program = Program::new(&self.members, &bounds, context, set, (Cells::Undominated, Sums::All));
        let size = program.variables.len() * program.rows.len();
        if !tried.may(size) {
            return Said::Nothing;
        }
        if let Some(fits) = tried.usages.iter().position(|usage| program.admits(usage)) {
            tried.usages[..=fits].rotate_right(1);
            return Said::Passed;
        }
        if !tried.may(SOLVING * size) {
            return Said::Nothing;
        }
        match program.solve() {
            Feasibility::Infeasible(factors) => Said::Refused(program.members(&factors)),
            Feasibility::Feasible(values) => {
                tried.usages.truncate(MAX_USAGES - 1);
                tried.usages.insert(0, program.usage(values));
                Said::Passed
            }
        }
    }

    /// The program of a set at a place.
    pub(super) fn context(&self, chain: usize, subject: usize, assuming: bool) -> Context<'_> {
        let (possible, proved) = &self.conditions;
        let conditions = proved.as_ref().filter(|_| assuming).unwrap_or(possible);
        Context { chain: &self.chains[chain], scopes: &self.subjects[subject].scopes, conditions }
    }

    /// The members' own bounds.
    pub(super) fn bounds(&self) -> Vec<i64> {
        self.members.iter().map(|member| member.limit.bound.value).collect()
    }

    /// How sure it is that all floors in a set speak at all.
    pub(super) fn standing(&self, set: Set, algebra: &Algebra) -> Standing {
        let floors = indices(set).map(|at| &self.members[at]).filter(|member| member.is_floor());
        let standings = floors.map(|floor| conditions::standing(&floor.condition, &algebra.conditions));
        standings.max().unwrap_or(Standing::Definite)
    }
}

impl Program {
    /// The members whose rows enter a combination.
    pub(super) fn members(&self, factors: &[num_rational::BigRational]) -> Set {
        let zero = super::program::integer(0);
        let entering = self.reasons.iter().zip(factors).filter(|(_, factor)| **factor != zero);
        entering.fold(0, |set, (reason, _)| match reason {
            Reason::Policy { member, within, .. } => {
                within.iter().fold(set | 1 << member, |set, floor| set | 1 << floor)
            }
            Reason::Longer { .. } => set,
        })
    }
}

/// The calendars of the members, those of floors first.
pub(super) fn calendars<'m>(members: impl Iterator<Item = &'m Member<'m>>) -> Vec<Arc<Calendar>> {
    let mut all: Vec<Arc<Calendar>> = vec![];
    let (floors, others): (Vec<&Member>, Vec<&Member>) = members.partition(|it| it.is_floor());
    for calendar in floors.into_iter().chain(others).filter_map(Member::calendar) {
        if !all.iter().any(|known| known.zone == calendar.zone) {
            all.push(Arc::clone(calendar));
        }
    }
    all
}

/// Where to look, the plainest first: in periods of floors, from longer to shorter ones; then in those in which floors of
/// other calendars may lie, from shorter to longer ones.
fn bases(members: &[Member]) -> Vec<(Period, Arc<Calendar>)> {
    let calendars = calendars(members.iter());
    let all = |period: &Period| calendars.iter().map(|it| (*period, Arc::clone(it))).collect::<Vec<_>>();
    let own = |(period, calendar): &(Period, Arc<Calendar>)| {
        let floors = members.iter().filter(|it| it.is_floor()).filter_map(Member::periods);
        floors.into_iter().any(|it| it.are_of(calendar) && timeline::speaks_in(it.period(), *period))
    };
    let descending = Period::ALL.iter().rev().flat_map(all).filter(own);
    let others = Period::ALL.iter().flat_map(all).filter(|it| !own(it));
    descending.chain(others).collect()
}

/// Whether one of two limits overrides the other, however indirectly.
pub(super) fn excludes(policies: &ordain_ir::Policies) -> impl Fn(&Member, &Member) -> bool + '_ {
    |a, b| member::overrides(policies, &a.limit.name, &b.limit.name)
}
