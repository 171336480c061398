//! Which limits can possibly meet in one contradiction.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ordain_ir::{Meter, Partition, Period};

use super::member::{Member, Role};
use super::slack::slack;
use crate::domain::Algebra;
use crate::places::PlaceId;
use crate::scope;

/// Members of a component that is searched to the end.
pub(super) const SMALL: usize = 16;
/// Those of one that is searched as a whole at all, though its sets are listed up to a lower bound. Beyond either, parts
/// of it are searched to the end, and it counts as not fully explored.
pub(super) const LARGE: usize = 120;
/// The most members around a floor, and neighbours followed from the floor in the middle and from every other member.
const AROUND_A_FLOOR: (usize, usize, usize) = (12, 7, 3);

/// Members to be explored together, by position, ascending; at least two.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Component {
    pub(super) members: Vec<usize>,
    /// Whether others that they meet were left out.
    pub(super) part: bool,
}

/// The components with a floor and something that holds it down, and the links between members within them.
pub(super) fn components(members: &[Member], algebra: &Algebra) -> (Vec<Component>, Vec<Vec<Link>>) {
    let mut links = links(members, algebra);
    let slack = slack(members, &links, &algebra.conditions.memo.strings);
    for (at, links) in links.iter_mut().enumerate() {
        links.retain(|link| !slack[at] && !slack[link.to]);
    }
    let mut done = BTreeSet::new();
    let mut out = vec![];
    for floor in (0..members.len()).filter(|at| members[*at].is_floor()) {
        if !done.contains(&floor) {
            let members = reach(&links, floor, usize::MAX, (usize::MAX, usize::MAX));
            done.extend(members.iter().copied());
            out.push(Component { members, part: false });
        }
    }
    out.retain(|component| component.members.len() > 1);
    (out, links)
}

/// Around each floor of components that are too large, those that matter most to it. Sorts the links of each member
/// likewise.
pub(super) fn around_floors(
    large: &[&Component],
    members: &[Member],
    links: &mut [Vec<Link>],
) -> Vec<Component> {
    by_pressure(members, links);
    let (bound, first, further) = AROUND_A_FLOOR;
    let floors = of_all(large).filter(|at| members[*at].is_floor());
    parts(floors.map(|floor| reach(links, floor, bound, (first, further))))
}

/// Under each ceiling and cooldown of components that are too large, all that push against it, so that what many need in
/// all is seen; but for those of which something is known already.
pub(super) fn under_roofs(
    large: &[&Component],
    members: &[Member],
    links: &[Vec<Link>],
    known: &BTreeSet<usize>,
) -> Vec<Component> {
    let roof = |at: &usize| matches!(members[*at].role, Role::Ceiling(..) | Role::Cooldown);
    let roofs = of_all(large).filter(|at| roof(at) && !known.contains(at));
    parts(roofs.map(|roof| under(members, links, roof)))
}

/// The members of these.
fn of_all(components: &[&Component]) -> impl Iterator<Item = usize> {
    components.iter().flat_map(|component| component.members.iter().copied())
}

/// Each once, if it has more than one member.
fn parts(members: impl Iterator<Item = Vec<usize>>) -> Vec<Component> {
    let parts = members.filter(|members| members.len() > 1).map(|members| Component { members, part: true });
    parts.collect::<BTreeSet<_>>().into_iter().collect()
}

/// A ceiling or a cooldown with those that push against it, also through what one run may use; none but itself if these
/// are so few that they are all around the floor that matters least.
fn under(members: &[Member], links: &[Vec<Link>], roof: usize) -> Vec<usize> {
    let pushing = |at: usize| {
        let against = move |to: &usize| holds_down(&members[*to], &members[at]);
        links[at].iter().map(|link| link.to).filter(against)
    };
    let mut out = vec![roof];
    out.extend(pushing(roof));
    for tie in out.clone().into_iter().skip(1).filter(|at| !members[*at].is_floor()) {
        for floor in pushing(tie) {
            if !out.contains(&floor) {
                out.push(floor);
            }
        }
    }
    out.truncate(if out.len() <= AROUND_A_FLOOR.2 + 1 { 1 } else { LARGE });
    out.sort_unstable();
    out
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
