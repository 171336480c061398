//! Limits that no contradiction needs, whatever else is in it.
//!
//! Take any set that can hold and a usage of it that can't be smaller anywhere. Each amount in it is there because a
//! floor needs it, or since a shorter period in it uses as much, or (for runs) because what the runs use needs them. So
//! within a ceiling's domain no more is used than the floors that meet it need in all. A ceiling that admits so much
//! holds beside any set that can hold without it, and so is in no minimal one that can't. The same goes for a cooldown,
//! and for what one run may use where nothing that is left bounds the runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use ordain_ir::{Partition, Period, ScopeSelector};

use super::component::{self, Link};
use super::explore::calendars;
use super::member::{Member, Role};
use crate::calendar::{self, Calendar, Periods};
use crate::scope;
use crate::strings::Strings;

/// Amounts are counted in parts of this size, since a run may be needed in part.
const PARTS: i128 = 1_000_000_000;

/// Whether each member is known to be in no minimal contradiction; `links` are, by member, those with which it shares amounts.
pub(super) fn slack(members: &[Member], links: &[Vec<Link>], strings: &Strings) -> Vec<bool> {
    let mut slack = vec![false; members.len()];
    let groups = groups(members, links);
    for (at, member) in members.iter().enumerate() {
        slack[at] = match member.role {
            Role::Ceiling(..) | Role::Cooldown => admits_all(members, links, &groups[at], at),
            Role::Floor(..) | Role::PerRun(_) => false,
        };
    }
    for (at, member) in members.iter().enumerate() {
        if let Role::PerRun(_) = member.role {
            let bounds_runs = |other: &usize| members[*other].bounds_runs() && !slack[*other];
            slack[at] = member.limit.bound.value > 0
                && !links[at].iter().map(|link| link.to).any(|other| bounds_runs(&other));
        }
    }
    for floor in (0..members.len()).filter(|at| members[*at].is_floor()) {
        for at in avoided(members, links, &slack, floor, strings) {
            slack[at] = true;
        }
    }
    slack
}

/// The ceilings and cooldowns that only this floor meets, and that it need not: some of its requests, in every
/// combination of windows and conditions, are held down by nothing but what holds down all of them. Usage that is moved
/// there breaks nothing, so what it avoids is in no minimal contradiction.
fn avoided(
    members: &[Member],
    links: &[Vec<Link>],
    slack: &[bool],
    floor: usize,
    strings: &Strings,
) -> Vec<usize> {
    let holders = || links[floor].iter().filter(|link| !slack[link.to]);
    let per_run = |at: usize| matches!(members[at].role, Role::PerRun(_));
    // A counter per subject has no other requests, and what one run uses can't be moved without its run.
    if members[floor].partition() != Partition::Whole || holders().any(|link| per_run(link.to)) {
        return vec![];
    }
    let only = |at: usize| links[at].iter().all(|link| link.to == floor || slack[link.to]);
    let aside: Vec<&Link> = holders().filter(|link| !link.covers).collect();
    if !aside.iter().any(|link| only(link.to)) {
        return vec![];
    }
    let outside: Vec<&ScopeSelector> =
        aside.iter().flat_map(|link| members[link.to].scopes.iter().copied()).collect();
    if !scope::find(&members[floor].scopes, &outside, strings).is_yes() {
        return vec![];
    }
    aside.into_iter().map(|link| link.to).filter(|at| only(*at)).collect()
}

/// A type of period of a calendar by which members are laid out.
struct Level {
    calendar: Arc<Calendar>,
    period: Period,
    /// Ascending.
    lengths: Vec<i64>,
}

/// All of them.
type Levels = Vec<Level>;

/// By member: the periods in which those that are linked with it, if only through others, are laid out.
fn groups(members: &[Member], links: &[Vec<Link>]) -> Vec<Arc<Levels>> {
    let levels = |group: &[usize]| -> Levels {
        let calendars = calendars(group.iter().map(|at| &members[*at]));
        let levels = calendars.into_iter().flat_map(|calendar| {
            Period::ALL.iter().map(move |period| {
                let lengths = calendar.lengths(*period);
                Level { calendar: Arc::clone(&calendar), period: *period, lengths }
            })
        });
        levels.collect()
    };
    // Mostly there is but one calendar.
    let all: Vec<usize> = (0..members.len()).collect();
    if calendars(members.iter()).len() <= 1 {
        let levels = Arc::new(levels(&all));
        return all.iter().map(|_| Arc::clone(&levels)).collect();
    }
    let mut groups: Vec<Option<Arc<Levels>>> = vec![None; members.len()];
    for start in all {
        if groups[start].is_some() {
            continue;
        }
        let group = component::reach(links, start, usize::MAX, (usize::MAX, usize::MAX));
        let levels = Arc::new(levels(&group));
        for at in group {
            groups[at] = Some(Arc::clone(&levels));
        }
    }
    groups.into_iter().map(Option::unwrap_or_default).collect()
}

/// Whether a ceiling or a cooldown admits what the floors that meet it need together, in each kind of period.
fn admits_all(members: &[Member], links: &[Vec<Link>], levels: &Levels, holder: usize) -> bool {
    let floors = |of: usize| links[of].iter().map(|link| link.to).filter(|at| members[*at].is_floor());
    let bound = |at: usize| members[at].limit.bound.value;
    // Runs are also needed for what they use: of several limits on that the least lets each do least.
    let mut tied: BTreeMap<usize, usize> = BTreeMap::new();
    let ties = |at: &usize| matches!(members[*at].role, Role::PerRun(_)) && bound(*at) > 0;
    let ties =
        links[holder].iter().map(|link| link.to).filter(|at| members[holder].bounds_runs() && ties(at));
    for (tie, floor) in ties.flat_map(|tie| floors(tie).map(move |floor| (tie, floor))) {
        let least = tied.entry(floor).or_insert(tie);
        *least = if bound(tie) < bound(*least) { tie } else { *least };
    }
    let direct = floors(holder).map(|floor| Need { floor: &members[floor], per_run: None });
    let runs =
        tied.iter().map(|(floor, tie)| Need { floor: &members[*floor], per_run: Some(&members[*tie]) });
    let needs: Vec<Need> = direct.chain(runs).collect();
    let holder = &members[holder];
    // What isn't always open, or is counted within the times of a floor, may be counted but once.
    let once = !holder.always || needs.iter().any(|need| !need.floor.always);
    levels.iter().all(|of| {
        // Of longer periods of its calendar nothing is said in shorter ones.
        let longer = holder.periods().filter(|own| own.are_of(&of.calendar));
        if longer.is_some_and(|own| own.period() > of.period) {
            return true;
        }
        of.lengths.iter().all(|length| {
            let needed =
                needs.iter().try_fold(0_i128, |sum, need| sum.checked_add(need.at(levels, of, *length)?));
            let admitted = admitted(holder, of, *length, once);
            needed.zip(admitted).is_some_and(|(needed, admitted)| needed <= admitted)
        })
    })
}

/// A floor, and what one run may use at most where runs are needed for it.
struct Need<'a> {
    floor: &'a Member<'a>,
    per_run: Option<&'a Member<'a>>,
}

impl Need<'_> {
    /// The most that is used for it in a period: what it needs there, and in one of each shorter kind within, in
    /// billionths (of its own scaled unit, or of runs), rounded up. `None` if that can't be counted.
    fn at(&self, levels: &Levels, of: &Level, length: i64) -> Option<i128> {
        let own = self.floor.periods()?;
        let kinds = levels.iter().filter(|it| {
            let within = it.period == of.period || calendar::nests(it.period, of.period);
            it.calendar.zone == of.calendar.zone && own.period() <= it.period && within
        });
        let times: i64 = kinds
            .map(|it| match own {
                Periods::Calendar(period, calendar)
                    if *period == it.period && calendar.zone == it.calendar.zone =>
                {
                    1
                }
                _ if it.period == of.period => own.most_whole(length),
                _ => it.lengths.last().map_or(0, |longest| own.most_whole(*longest)),
            })
            .sum();
        let amount = i128::from(self.floor.limit.bound.value).checked_mul(i128::from(times) * PARTS)?;
        // Of one meter, both have the same scale.
        let per_run = self.per_run.map_or(1, |per_run| i128::from(per_run.limit.bound.value));
        Some((amount + per_run - 1) / per_run)
    }
}

/// What a ceiling or a cooldown admits at least in a period of which it speaks, in billionths.
fn admitted(holder: &Member, of: &Level, length: i64, once: bool) -> Option<i128> {
    let value = i128::from(holder.limit.bound.value);
    let amount = match &holder.role {
        Role::Ceiling(..) if once => value,
        Role::Ceiling(_, own) if own.period() == of.period && own.are_of(&of.calendar) => value,
        Role::Ceiling(_, own) => value.checked_mul(own.least_touching(length).into())?,
        Role::Cooldown => 1 + i128::from(length) * 1_000 / value,
        Role::Floor(..) | Role::PerRun(_) => return None,
    };
    amount.checked_mul(PARTS)
}
