//! Which limits can possibly meet in one contradiction.

use std::collections::{BTreeMap, BTreeSet};

use ordain_ir::{Meter, Period};

use super::member::{Member, Role};
use crate::domain::Algebra;
use crate::places::PlaceId;
use crate::scope;

/// Members of one linear program. A component with more is explored around each of its floors, with the
/// members that matter most to it, and counted as not fully explored.
pub(super) const MAX_MEMBERS: usize = 16;
/// Neighbours followed from the floor in the middle, and from every other member, in such a case.
const BREADTH: (usize, usize) = (9, 4);

/// Members to be explored together, by position, ascending; at least two.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Component {
    pub(super) members: Vec<usize>,
    /// Whether members were left out because there are too many.
    pub(super) truncated: bool,
}

/// The components with a floor and something that holds it down.
pub(super) fn components(members: &[Member], algebra: &Algebra) -> Vec<Component> {
    let graph = links(members, algebra);
    let mut done = BTreeSet::new();
    let mut out = BTreeSet::new();
    for floor in (0..members.len()).filter(|at| members[*at].is_floor()) {
        if done.contains(&floor) {
            continue;
        }
        let all = reach(&graph, floor, usize::MAX, (usize::MAX, usize::MAX));
        done.extend(all.iter().copied());
        if all.len() <= MAX_MEMBERS {
            out.insert(Component { members: all, truncated: false });
        } else {
            for floor in all.into_iter().filter(|at| members[*at].is_floor()) {
                let members = reach(&graph, floor, MAX_MEMBERS, BREADTH);
                out.insert(Component { members, truncated: true });
            }
        }
    }
    out.into_iter().filter(|component| component.members.len() > 1).collect()
}

/// By member: those with which it shares amounts, the ones that matter most first.
fn links(members: &[Member], algebra: &Algebra) -> Vec<Vec<usize>> {
    let mut by_place: BTreeMap<PlaceId, Vec<usize>> = BTreeMap::new();
    for (at, member) in members.iter().enumerate() {
        by_place.entry(member.place).or_default().push(at);
    }
    let mut graph = vec![vec![]; members.len()];
    let mut link = |(first, second): (PlaceId, PlaceId)| {
        let mut covers = None;
        for (a, b) in by_place[&first].iter().flat_map(|a| by_place[&second].iter().map(move |b| (*a, *b))) {
            let (pushing, held) = (&members[a], &members[b]);
            if holds_down(pushing, held) && pushing.times.meets(&held.times) {
                let covers = *covers.get_or_insert_with(|| {
                    first == second
                        || scope::included(&pushing.scopes, &held.scopes, &algebra.conditions.memo.strings)
                            .is_yes()
                });
                graph[a].push((!covers, tightness(held), b));
                graph[b].push((false, tightness(pushing), a));
            }
        }
    };
    for (pair, _) in algebra.places().meeting() {
        if by_place.contains_key(&pair.0) && by_place.contains_key(&pair.1) {
            link(*pair);
            if pair.0 != pair.1 {
                link((pair.1, pair.0));
            }
        }
    }
    graph
        .into_iter()
        .map(|mut neighbours| {
            neighbours.sort_unstable();
            neighbours.into_iter().map(|(_, _, at)| at).collect()
        })
        .collect()
}

/// Whether the second member can hold down an amount that the first one pushes up: floors push their own
/// meter, and what one run uses at most pushes the runs with it.
fn holds_down(first: &Member, second: &Member) -> bool {
    let pushed = match &first.role {
        Role::Floor(meter, _) => meter,
        Role::PerRun(_) => &Meter::Runs,
        Role::Ceiling(..) | Role::Cooldown => return false,
    };
    match &second.role {
        Role::Ceiling(meter, _) | Role::PerRun(meter) => meter == pushed,
        Role::Cooldown => *pushed == Meter::Runs,
        Role::Floor(..) => false,
    }
}

/// Lower is tighter: a ceiling's amount per thirty days; what has no such amount comes first.
fn tightness(member: &Member) -> i128 {
    let Role::Ceiling(_, period) = member.role else { return i128::MIN };
    let times = match period {
        Period::Minute => 43_200,
        Period::Hour => 720,
        Period::Day => 30,
        Period::Week => 4,
        Period::Month => 1,
    };
    i128::from(member.limit.bound.value) * times
}

/// Breadth-first from `start`, at most `bound` members, ascending.
fn reach(graph: &[Vec<usize>], start: usize, bound: usize, breadth: (usize, usize)) -> Vec<usize> {
    let mut order = vec![start];
    let mut seen = BTreeSet::from([start]);
    let mut next = 0;
    while next < order.len() {
        let breadth = if next == 0 { breadth.0 } else { breadth.1 };
        for neighbour in graph[order[next]].iter().take(breadth) {
            if order.len() < bound && seen.insert(*neighbour) {
                order.push(*neighbour);
            }
        }
        next += 1;
    }
    order.sort_unstable();
    order
}
