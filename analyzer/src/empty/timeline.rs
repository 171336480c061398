//! Which windows are open in which periods of a calendar, and which periods are alike.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_ir::Period;
use rustc_hash::FxHashSet;

use super::member::{Member, Role};
use super::minimal::{Set, indices};
use crate::calendar::{self, Calendar, DAY, Periods, Stretch};
use crate::window::Intervals;

/// Kinds of periods kept for each shortest level of one component; beyond, the exploration says so.
const MAX_KINDS: usize = 512;

/// One calendar period as the members' windows see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) period: Period,
    pub(super) calendar: Arc<Calendar>,
    pub(super) stretch: Stretch,
    /// The members (as bits) whose periods are the calendar's of this length.
    pub(super) own: Set,
    /// The sets of members (as bits) whose windows are open together at some instant of it; not the empty one.
    pub(super) open: Vec<Set>,
    /// By member: how many of its own periods touch the part of this one in which its window is open, or cover it if
    /// they roll; for a floor only those that lie in this one as a whole. 1 for a member of the same period, 0 for one of
    /// a longer period of the same calendar, or of none.
    pub(super) counts: Vec<u64>,
    /// Ceilings with a floor: the same of the part of this one in which both windows are open, where that is less than
    /// the ceiling's own count.
    pub(super) joint: BTreeMap<(usize, usize), u64>,
}

impl Level {
    /// Whether a member's own periods are such as this one.
    pub(super) const fn is_own(&self, member: usize) -> bool {
        self.own >> member & 1 == 1
    }

    /// How many of a member's own periods count here, in all or within the times of a floor.
    pub(super) fn count(&self, member: usize, within: Option<usize>) -> u64 {
        let joint = within.and_then(|floor| self.joint.get(&(member, floor)));
        joint.copied().unwrap_or(self.counts[member])
    }
}

/// Periods that lie in each other, the shortest first. A floor of the shortest one's period applies there.
pub(super) type Chain = Vec<Level>;

/// How one of the longest periods of a chain looks to the members' windows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Look {
    length: i64,
    /// Seconds since the week began in which it starts.
    into_the_week: i64,
    /// How clocks change in it, and how periods of other calendars lie in it, counted from its start. `None` where they
    /// don't and there are none, which is told apart much faster than an empty list: it is asked of every hour.
    clocks: Option<Vec<i64>>,
    /// Where the set of open windows changes, counted likewise, and to what.
    changes: Vec<(i64, Set)>,
}

/// The members' windows laid out over the horizon.
pub(super) struct Timeline<'a> {
    members: &'a [Member<'a>],
    times: &'a [&'a [Stretch]],
    horizon: &'a [Stretch],
    /// Periods from here on are looked at first: the configured horizon's start. Before it lies only what was added
    /// for the sake of instants that policies name.
    preferred: i64,
    /// Where the set of open windows changes, and to what; the first entry is the horizon's start.
    changes: Vec<(i64, Set)>,
    /// When the windows of a ceiling and a floor are both open, where the floor's doesn't cover the ceiling's.
    joint: BTreeMap<(usize, usize), Intervals>,
    cache: BTreeMap<(Period, i64), Level>,
}

/// The periods that are laid out.
struct Frame<'c> {
    calendar: &'c Arc<Calendar>,
    /// The lengths, ascending.
    levels: Vec<Period>,
    /// The members' periods of other calendars, each once.
    others: Vec<(Period, Arc<Calendar>)>,
}

impl<'a> Timeline<'a> {
    pub(super) fn new(
        members: &'a [Member<'a>],
        times: &'a [&'a [Stretch]],
        horizon: &'a [Stretch],
        preferred: i64,
    ) -> Self {
        let first = horizon.first().map_or(0, |(start, _)| *start);
        let mut toggles: BTreeMap<i64, Set> = BTreeMap::from([(first, 0)]);
        for (at, stretches) in times.iter().enumerate() {
            for (start, end) in *stretches {
                *toggles.entry(*start).or_default() ^= 1 << at;
                *toggles.entry(*end).or_default() ^= 1 << at;
            }
        }
        let mut open = 0;
        let changes = toggles
            .into_iter()
            .map(|(at, toggle)| {
                open ^= toggle;
                (at, open)
            })
            .collect();
        let joint = joint_times(members);
        Self { members, times, horizon, preferred, changes, joint, cache: BTreeMap::new() }
    }

    /// One chain of each kind whose shortest period is this calendar's `base`: the first of the preferred part of the
    /// horizon, else the first before it. Chains of one kind have the
    /// same windows open together, the same counts and, where it matters, the same lengths, so they allow the
    /// same amounts. The flag tells whether that's all of them.
    pub(super) fn chains(&mut self, base: Period, calendar: &Arc<Calendar>) -> (Vec<Chain>, bool) {
        self.cache.clear();
        let speaks = |floor: &Member| match &floor.role {
            Role::Floor(_, own) if own.are_of(calendar) => speaks_in(own.period(), base),
            // Those of other calendars may lie in any period that is as long.
            Role::Floor(_, own) => own.period() <= base,
            _ => false,
        };
        let floors = self.bits(speaks);
        let own = self.bits(|member| member.periods().is_some_and(|periods| periods.are_of(calendar)));
        let lengths_matter = self.members.iter().any(|member| member.role == Role::Cooldown);
        let (frame, mut chains, mut seen) = (self.frame(base, calendar), vec![], BTreeSet::new());
        if floors == 0 || !frame.levels.contains(&base) {
            return (chains, true);
        }
        let (horizon, preferred) = (self.horizon, self.preferred);
        let later = horizon.iter().map(|(start, end)| ((*start).max(preferred), *end));
        let earlier = horizon.iter().map(|(start, end)| (*start, (*end).min(preferred)));
        let longest = frame.levels.last().copied().unwrap_or(base);
        let (mut looks, mut look): (FxHashSet<Look>, Look) = Default::default();
        for part in later.chain(earlier) {
            let mut at = part.0;
            while at < part.1 {
                let block = calendar.containing(longest, at);
                let whole = at == block.0 && block.1 <= part.1;
                if whole {
                    self.look(block, &frame, &mut look);
                    if looks.contains(&look) {
                        at = block.1;
                        continue;
                    }
                    looks.insert(look.clone());
                }
                let stretch = calendar.containing(base, at);
                at = self.next(base, stretch, &frame, part.1);
                if self.open(stretch).iter().all(|open| open & floors == 0) {
                    continue;
                }
                let levels = frame.levels.iter();
                let chain: Chain = levels.map(|period| self.level(*period, calendar, stretch.0)).collect();
                let counted = |floor: usize| own >> floor & 1 == 1 || chain[0].counts[floor] > 0;
                if !indices(floors).any(counted) {
                    continue;
                }
                let kind: Vec<_> = chain
                    .iter()
                    .map(|level| {
                        let length = if lengths_matter { level.stretch.1 - level.stretch.0 } else { 0 };
                        (level.open.clone(), level.counts.clone(), level.joint.clone(), length)
                    })
                    .collect();
                if seen.insert(kind) {
                    if chains.len() == MAX_KINDS {
                        return (chains, false);
                    }
                    chains.push(chain);
                }
            }
        }
        (chains, true)
    }

    /// The periods from `base` on that matter: those of members; where others count by other periods, all of them, since
    /// what these need and admit adds up in none of their own.
    fn frame<'c>(&self, base: Period, calendar: &'c Arc<Calendar>) -> Frame<'c> {
        let (mut levels, mut others) = (vec![], vec![]);
        for periods in self.members.iter().filter_map(Member::periods) {
            match periods {
                Periods::Calendar(period, own) if own.zone == calendar.zone => levels.push(*period),
                Periods::Calendar(period, own) => others.push((*period, Arc::clone(own))),
                Periods::Rolling(_) => {}
            }
        }
        others.sort_by(|a, b| (a.0, &a.1.zone).cmp(&(b.0, &b.1.zone)));
        others.dedup();
        if self.members.iter().filter_map(Member::periods).any(|periods| !periods.are_of(calendar)) {
            levels.extend(Period::ALL);
        }
        if self.members.iter().any(|member| member.role == Role::Cooldown) {
            // A cooldown admits one run more in a short period than its length alone would say.
            levels.push(Period::Day);
        }
        levels.retain(|period| *period == base || calendar::nests(base, *period));
        levels.sort();
        levels.dedup();
        Frame { calendar, levels, others }
    }

    /// Everything that the chains within one of the longest periods depend on: what changes when, counted from its
    /// start, and how it lies in the calendars. Most weeks look like one before, and so do some months.
    fn look(&self, block: Stretch, frame: &Frame<'_>, look: &mut Look) {
        let week = |second| frame.calendar.containing(Period::Week, second);
        let (mut start, mut end) = block;
        let first_week = week(block.0);
        if frame.levels.contains(&Period::Week) {
            // A month's first and last week reach beyond it.
            (start, end) = (first_week.0, week(block.1 - 1).1);
        }
        let first = self.changes.partition_point(|(at, _)| *at <= start).saturating_sub(1);
        let inside = self.changes[first..].iter().take_while(move |(at, _)| *at < end);
        look.changes.clear();
        look.changes.extend(inside.map(|(at, open)| ((*at).max(start) - block.0, *open)));
        look.clocks = frame.clocks((start, end), block.0);
        (look.length, look.into_the_week) = (block.1 - block.0, block.0 - first_week.0);
    }

    /// The start of the next period that may be of another kind: while no window opens or closes, no clock changes and
    /// the longer periods stay the same, all periods are alike.
    fn next(&self, base: Period, stretch: Stretch, frame: &Frame<'_>, end: i64) -> i64 {
        if base == Period::Month {
            return stretch.1;
        }
        let change = self.changes.partition_point(|(at, _)| *at <= stretch.0);
        let change = self.changes.get(change).map_or(end, |(at, _)| *at);
        let longer = frame.levels.iter().filter(|period| **period > base);
        let longer = longer.map(|period| frame.calendar.containing(*period, stretch.0).1);
        let longer = longer.filter(|end| *end > stretch.1);
        // Shorter periods of other calendars keep in step, longer ones end somewhere.
        let others = frame.others.iter().filter(|(period, _)| *period > base);
        let others = others.map(|(period, calendar)| calendar.containing(*period, stretch.0).1);
        let clocks = frame.calendars().map(|calendar| calendar.next_change(stretch.0));
        let until = longer.chain(others).chain(clocks).fold(change.min(end), i64::min);
        if until <= stretch.1 {
            return stretch.1;
        }
        // The period that holds the change; one that starts with it if it is on the grid.
        frame.calendar.containing(base, until).0.max(stretch.1)
    }

    /// The sets of windows that are open together in a stretch.
    fn open(&self, (start, end): Stretch) -> Vec<Set> {
        let first = self.changes.partition_point(|(at, _)| *at <= start).saturating_sub(1);
        let inside = self.changes[first..].iter().take_while(|(at, _)| *at < end);
        let mut open: Vec<Set> = inside.map(|(_, open)| *open).filter(|open| *open != 0).collect();
        open.sort_unstable();
        open.dedup();
        open
    }

    fn level(&mut self, period: Period, calendar: &Arc<Calendar>, second: i64) -> Level {
        let stretch = calendar.containing(period, second);
        if let Some(level) = self.cache.get(&(period, stretch.0)) {
            return level.clone();
        }
        let own = self.bits(|member| match member.periods() {
            Some(Periods::Calendar(own, of)) => *own == period && of.zone == calendar.zone,
            Some(Periods::Rolling(_)) | None => false,
        });
        // Those of this calendar lie in longer ones.
        let counts_here = |periods: &Periods| !periods.are_of(calendar) || periods.period() < period;
        let counts =
            self.members.iter().zip(self.times).enumerate().map(|(at, (member, times))| match &member.role {
                _ if own >> at & 1 == 1 => 1,
                Role::Ceiling(_, periods) if counts_here(periods) => periods.touching(stretch, times),
                Role::Floor(_, periods) if counts_here(periods) => periods.whole(stretch, times),
                Role::Ceiling(..) | Role::Floor(..) | Role::PerRun(_) | Role::Cooldown => 0,
            });
        let counts: Vec<u64> = counts.collect();
        let mut joint = BTreeMap::new();
        for ((ceiling, floor), times) in &self.joint {
            if let Role::Ceiling(_, periods) = &self.members[*ceiling].role
                && own >> ceiling & 1 == 0
                && counts_here(periods)
            {
                let count = periods.touching(stretch, times.parts());
                if count < counts[*ceiling] {
                    joint.insert((*ceiling, *floor), count);
                }
            }
        }
        let calendar = Arc::clone(calendar);
        let level = Level { period, calendar, stretch, own, open: self.open(stretch), counts, joint };
        // Only the current longer periods come again.
        if self.cache.len() >= 64 {
            self.cache.clear();
        }
        self.cache.insert((period, stretch.0), level.clone());
        level
    }

    fn bits(&self, holds: impl Fn(&Member) -> bool) -> Set {
        indices(Set::MAX)
            .take(self.members.len())
            .filter(|at| holds(&self.members[*at]))
            .map(|at| 1 << at)
            .sum()
    }
}

impl Frame<'_> {
    /// All calendars that take part.
    fn calendars(&self) -> impl Iterator<Item = &Calendar> {
        std::iter::once(&**self.calendar).chain(self.others.iter().map(|(_, calendar)| &**calendar))
    }

    /// What clocks do in a stretch, and how periods of other calendars lie there, counted from `origin`. From what clocks
    /// show at its start and how they change follows where minutes, hours and days begin; weeks and months, of which one
    /// may end near its start and one near its end, are named.
    fn clocks(&self, within: Stretch, origin: i64) -> Option<Vec<i64>> {
        if self.others.is_empty() && self.calendar.is_fixed() {
            return None;
        }
        let mut clocks = vec![];
        for calendar in self.calendars() {
            let (_, day) = calendar.containing(Period::Day, within.0);
            clocks.extend([calendar.shown(within.0).rem_euclid(DAY), day - origin]);
            for (at, by) in calendar.changes(within) {
                clocks.extend([at - origin, by]);
            }
            // Each has as many changes as it has.
            clocks.push(i64::MIN);
        }
        for (period, calendar) in self.others.iter().filter(|(period, _)| *period > Period::Day) {
            for at in [within.0, within.1 - 1] {
                let (start, end) = calendar.containing(*period, at);
                clocks.extend([start - origin, end - origin]);
            }
        }
        Some(clocks)
    }
}

/// Whether a floor of this period says something in periods of another type of its calendar that it doesn't say in its own:
/// of a week's floor a month says more than the weeks do, which don't lie in it.
pub(super) fn speaks_in(floor: Period, base: Period) -> bool {
    floor == base || (floor < base && !calendar::nests(floor, base))
}

fn joint_times(members: &[Member]) -> BTreeMap<(usize, usize), Intervals> {
    let mut out = BTreeMap::new();
    for (ceiling, first) in members.iter().enumerate() {
        if !matches!(first.role, Role::Ceiling(..)) {
            continue;
        }
        for (floor, second) in members.iter().enumerate() {
            if second.is_floor() && !first.times.is_subset_of(&second.times) {
                out.insert((ceiling, floor), first.times.intersection(&second.times));
            }
        }
    }
    out
}
