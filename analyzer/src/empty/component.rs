//! Which limits can possibly meet in one contradiction.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ordain_ir::{Meter, Partition, Period};

use super::member::{Member, Role};
use super::slack::slack;
use crate::domain::Algebra;
use crate::places::PlaceId;
use crate::scope;

/// Members of one linear program. A component with more is explored around each of its floors, with the
/// members that matter most to it, and counted as not fully explored.
pub(super) const MAX_MEMBERS: usize = 16;
/// The most in such a case, and neighbours followed from the floor in the middle and from every other member.
const AROUND_A_FLOOR: (usize, usize, usize) = (12, 7, 3);

/// Members to be explored together, by position, ascending; at least two.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Component {
    pub(super) members: Vec<usize>,
    /// Whether members were left out because there are too many.
    pub(super) truncated: bool,
}

/// The components with a floor and something that holds it down.
pub(super) fn components(members: &[Member], algebra: &Algebra) -> Vec<Component> {
    let mut links = links(members, algebra);
    let slack = slack(members, &links, &algebra.conditions.memo.strings);
    for (at, links) in links.iter_mut().enumerate() {
        links.retain(|link| !slack[at] && !slack[link.to]);
    }
    let mut done = BTreeSet::new();
    let mut out = BTreeSet::new();
    let mut large = vec![];
    for floor in (0..members.len()).filter(|at| members[*at].is_floor()) {
        if !done.contains(&floor) {
            let all = reach(&links, floor, usize::MAX, (usize::MAX, usize::MAX));
            done.extend(all.iter().copied());
            if all.len() <= MAX_MEMBERS {
                out.insert(Component { members: all, truncated: false });
            } else {
                large.push(all);
            }
        }
    }
    if !large.is_empty() {
        by_pressure(members, &mut links);
        let (bound, first, further) = AROUND_A_FLOOR;
        for floor in large.into_iter().flatten().filter(|at| members[*at].is_floor()) {
            let members = reach(&links, floor, bound, (first, further));
            out.insert(Component { members, truncated: true });
        }
    }
    out.into_iter().filter(|component| component.members.len() > 1).collect()
}

/// A member with which another one shares amounts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) to: usize,
    /// Whether that is of all requests that it is about.
    pub(super) covers: bool,
}

/// By member: those with which it shares amounts.
fn links(members: &[Member], algebra: &Algebra) -> Vec<Vec<Link>> {
    let mut by_place: BTreeMap<PlaceId, Vec<usize>> = BTreeMap::new();
    for (at, member) in members.iter().enumerate() {
        by_place.entry(member.place).or_default().push(at);
    }
    let mut links = vec![vec![]; members.len()];
    let mut link = |(first, second): (PlaceId, PlaceId)| {
        let mut included = None;
        for (a, b) in by_place[&first].iter().flat_map(|a| by_place[&second].iter().map(move |b| (*a, *b))) {
            let (pushing, held) = (&members[a], &members[b]);
            if holds_down(pushing, held) && pushing.times.meets(&held.times) {
                let included = *included.get_or_insert_with(|| {
                    first == second
                        || scope::included(&pushing.scopes, &held.scopes, &algebra.conditions.memo.strings)
                            .is_yes()
                });
                // A counter per subject holds down that subject's requests alone.
                let whole = held.partition() == Partition::Whole || held.partition() == pushing.partition();
                let covers = included && whole;
                links[a].push(Link { to: b, covers });
                links[b].push(Link { to: a, covers: true });
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
    links
}

/// Sorts the links of each member, those that matter most first: what covers it, and then what needs most of what is
/// admitted.
fn by_pressure(members: &[Member], links: &mut [Vec<Link>]) {
    // Per thirty days: needed by a floor, admitted by a ceiling or a cooldown.
    let amount = |at: usize| {
        let value = i128::from(members[at].limit.bound.value);
        match members[at].role {
            Role::Floor(_, ref periods) | Role::Ceiling(_, ref periods) => value * times(periods.period()),
            Role::Cooldown => 1 + 2_592_000_000 / value,
            Role::PerRun(_) => value,
        }
    };
    // Through what one run may use: the runs that a floor needs at most, and the least that these runs have.
    let through = |at: usize, wanted: &dyn Fn(&Member) -> bool| {
        let others = links[at].iter().map(|link| link.to).filter(|to| wanted(&members[*to]));
        others.map(amount).collect::<Vec<_>>()
    };
    let per_run = |at: usize| matches!(members[at].role, Role::PerRun(_));
    let needs = |at: usize| {
        let of_floors = || through(at, &|it| it.is_floor()).into_iter().max().unwrap_or(0);
        if per_run(at) { of_floors() / amount(at).max(1) } else { amount(at) }
    };
    let admits = |at: usize| {
        let of_runs = || through(at, &|it| it.bounds_runs()).into_iter().min().unwrap_or(i128::MAX);
        if per_run(at) { of_runs() } else { amount(at) }
    };
    let amounts: Vec<(i128, i128)> = (0..members.len()).map(|at| (needs(at), admits(at))).collect();
    let pressure = |a: usize, b: usize| {
        let (pushing, held) = if holds_down(&members[a], &members[b]) { (a, b) } else { (b, a) };
        let needed =
            if per_run(held) { amounts[pushing].0 / amount(held).max(1) } else { amounts[pushing].0 };
        needed.saturating_mul(1_000_000) / amounts[held].1.max(1)
    };
    for (at, links) in links.iter_mut().enumerate() {
        links.sort_by_cached_key(|link| (!link.covers, Reverse(pressure(at, link.to)), link.to));
    }
}

/// How often a period lies in thirty days.
const fn times(period: Period) -> i128 {
    match period {
        Period::Minute => 43_200,
        Period::Hour => 720,
        Period::Day => 30,
        Period::Week => 4,
        Period::Month => 1,
    }
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

/// Breadth-first from `start`, at most `bound` members, ascending.
pub(super) fn reach(links: &[Vec<Link>], start: usize, bound: usize, breadth: (usize, usize)) -> Vec<usize> {
    let mut order = vec![start];
    let mut seen = BTreeSet::from([start]);
    let mut next = 0;
    while next < order.len() {
        let breadth = if next == 0 { breadth.0 } else { breadth.1 };
        for link in links[order[next]].iter().take(breadth) {
            if order.len() < bound && seen.insert(link.to) {
                order.push(link.to);
            }
        }
        next += 1;
    }
    order.sort_unstable();
    order
}
