//! Which windows are open in which calendar periods, and which periods are alike.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use ordain_ir::Period;
use rustc_hash::{FxHashMap, FxHasher};

use super::calendar::{self, Stretch};
use super::member::{Member, Role};
use super::minimal::indices;
use crate::window::Intervals;

/// Kinds of periods kept for each shortest level of one component; beyond, the exploration says so.
const MAX_KINDS: usize = 512;

/// One calendar period as the members' windows see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) period: Period,
    pub(super) stretch: Stretch,
    /// The sets of members (as bits) whose windows are open together at some instant of it; not the empty one.
    pub(super) open: Vec<u64>,
    /// By member: how many of its own periods touch the part of this one in which its window is open; for a floor
    /// only those that lie in this one as a whole. 1 for a member of the same period, 0 for one of a longer period
    /// or of none.
    pub(super) counts: Vec<u64>,
    /// Ceilings with a floor: how many of the ceiling's periods touch the part of this one in which both windows
    /// are open, where that is less than the ceiling's own count.
    pub(super) joint: BTreeMap<(usize, usize), u64>,
}

impl Level {
    /// How many of a member's own periods count here, in all or within the times of a floor.
    pub(super) fn count(&self, member: usize, within: Option<usize>) -> u64 {
        let joint = within.and_then(|floor| self.joint.get(&(member, floor)));
        joint.copied().unwrap_or(self.counts[member])
    }
}

/// Periods that lie in each other, the shortest first. A floor of the shortest one's period applies there.
pub(super) type Chain = Vec<Level>;

/// How one of the longest periods of a chain looks to the members' windows.
struct Look<C> {
    length: i64,
    /// Seconds since the week began in which it starts.
    into_the_week: i64,
    changes: C,
}

impl<C: Iterator<Item = (i64, u64)>> Look<C> {
    fn hash(self) -> u64 {
        let mut hasher = FxHasher::default();
        (self.length, self.into_the_week).hash(&mut hasher);
        self.changes.for_each(|change| change.hash(&mut hasher));
        hasher.finish()
    }

    fn is(self, other: Self) -> bool {
        (self.length, self.into_the_week) == (other.length, other.into_the_week)
            && self.changes.eq(other.changes)
    }
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
    changes: Vec<(i64, u64)>,
    /// When the windows of a ceiling and a floor are both open, where the floor's doesn't cover the ceiling's.
    joint: BTreeMap<(usize, usize), Intervals>,
    cache: BTreeMap<(Period, i64), Level>,
}

impl<'a> Timeline<'a> {
    pub(super) fn new(
        members: &'a [Member<'a>],
        times: &'a [&'a [Stretch]],
        horizon: &'a [Stretch],
        preferred: i64,
    ) -> Self {
        let first = horizon.first().map_or(0, |(start, _)| *start);
        let mut toggles: BTreeMap<i64, u64> = BTreeMap::from([(first, 0)]);
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

    /// One chain of each kind whose shortest period is `base`: the first of the preferred part of the horizon, else
    /// the first before it. Chains of one kind have the
    /// same windows open together, the same counts and, where it matters, the same lengths, so they allow the
    /// same amounts. The flag tells whether that's all of them.
    pub(super) fn chains(&mut self, base: Period) -> (Vec<Chain>, bool) {
        // Of a week's floor a month says more than the weeks do, which don't lie in it.
        let speaks = |period| period == base || (period < base && !calendar::nests(period, base));
        let floors = self.bits(|member| matches!(member.role, Role::Floor(_, period) if speaks(period)));
        let mut levels: Vec<Period> = self.members.iter().filter_map(Member::period).collect();
        let lengths_matter = self.members.iter().any(|member| member.role == Role::Cooldown);
        if lengths_matter {
            // A cooldown admits one run more in a short period than its length alone would say.
            levels.push(Period::Day);
        }
        levels.retain(|period| *period == base || calendar::nests(base, *period));
        levels.sort();
        levels.dedup();
        let (mut chains, mut seen) = (vec![], BTreeSet::new());
        if floors == 0 || !levels.contains(&base) {
            return (chains, true);
        }
        let (horizon, preferred) = (self.horizon, self.preferred);
        let later = horizon.iter().map(|(start, end)| ((*start).max(preferred), *end));
        let earlier = horizon.iter().map(|(start, end)| (*start, (*end).min(preferred)));
        let longest = levels.last().copied().unwrap_or(base);
        let mut blocks: FxHashMap<u64, Vec<Stretch>> = FxHashMap::default();
        for part in later.chain(earlier) {
            let mut at = part.0;
            while at < part.1 {
                let block = calendar::containing(longest, at);
                let whole = at == block.0 && block.1 <= part.1;
                if whole {
                    let alike = blocks.entry(self.look(block, &levels).hash()).or_default();
                    if alike.iter().any(|known| self.look(*known, &levels).is(self.look(block, &levels))) {
                        at = block.1;
                        continue;
                    }
                    alike.push(block);
                }
                let stretch = calendar::containing(base, at);
                let around: Vec<Stretch> =
                    levels.iter().map(|period| calendar::containing(*period, stretch.0)).collect();
                at = self.next(base, stretch, &around, part.1);
                if self.open(stretch).iter().all(|open| open & floors == 0) {
                    continue;
                }
                let chain: Chain = levels.iter().map(|period| self.level(*period, stretch.0)).collect();
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

    /// Everything that the chains within one of the longest periods depend on: what changes when, counted from its
    /// start, and how it lies in the calendar. Most weeks look like one before, and so do some months.
    fn look(
        &self,
        block: Stretch,
        levels: &[Period],
    ) -> Look<impl Iterator<Item = (i64, u64)> + use<'_, 'a>> {
        let week = |second| calendar::containing(Period::Week, second);
        let (mut start, mut end) = block;
        let first_week = week(block.0);
        if levels.contains(&Period::Week) {
            // A month's first and last week reach beyond it.
            (start, end) = (first_week.0, week(block.1 - 1).1);
        }
        let first = self.changes.partition_point(|(at, _)| *at <= start).saturating_sub(1);
        let inside = self.changes[first..].iter().take_while(move |(at, _)| *at < end);
        let changes = inside.map(move |(at, open)| ((*at).max(start) - block.0, *open));
        Look { length: block.1 - block.0, into_the_week: block.0 - first_week.0, changes }
    }

    /// The start of the next period that may be of another kind: while no window opens or closes and the
    /// longer periods stay the same, all periods are alike.
    fn next(&self, base: Period, stretch: Stretch, around: &[Stretch], end: i64) -> i64 {
        let change = self.changes.partition_point(|(at, _)| *at <= stretch.0);
        let change = self.changes.get(change).map_or(end, |(at, _)| *at);
        let longer = around.iter().map(|(_, end)| *end).filter(|end| *end > stretch.1).min();
        let until = longer.map_or(change, |end| end.min(change)).min(end);
        if base == Period::Month || until <= stretch.1 {
            return stretch.1;
        }
        // The period that holds the change; one that starts with it if it is on the grid.
        calendar::containing(base, until).0.max(stretch.1)
    }

    /// The sets of windows that are open together in a stretch.
    fn open(&self, (start, end): Stretch) -> Vec<u64> {
        let first = self.changes.partition_point(|(at, _)| *at <= start).saturating_sub(1);
        let inside = self.changes[first..].iter().take_while(|(at, _)| *at < end);
        let mut open: Vec<u64> = inside.map(|(_, open)| *open).filter(|open| *open != 0).collect();
        open.sort_unstable();
        open.dedup();
        open
    }

    fn level(&mut self, period: Period, second: i64) -> Level {
        let stretch = calendar::containing(period, second);
        if let Some(level) = self.cache.get(&(period, stretch.0)) {
            return level.clone();
        }
        let counts = self.members.iter().zip(self.times).map(|(member, times)| match member.role {
            Role::Ceiling(_, own) if own < period => calendar::touching(own, stretch, times),
            Role::Floor(_, own) if own < period => {
                calendar::touching(own, calendar::of_whole_periods(own, stretch), times)
            }
            Role::Ceiling(_, own) | Role::Floor(_, own) => u64::from(own == period),
            Role::PerRun(_) | Role::Cooldown => 0,
        });
        let counts: Vec<u64> = counts.collect();
        let mut joint = BTreeMap::new();
        for ((ceiling, floor), times) in &self.joint {
            if let Role::Ceiling(_, own) = self.members[*ceiling].role
                && own < period
            {
                let count = calendar::touching(own, stretch, times.parts());
                if count < counts[*ceiling] {
                    joint.insert((*ceiling, *floor), count);
                }
            }
        }
        let level = Level { period, stretch, open: self.open(stretch), counts, joint };
        // Only the current longer periods come again.
        if self.cache.len() >= 64 {
            self.cache.clear();
        }
        self.cache.insert((period, stretch.0), level.clone());
        level
    }

    fn bits(&self, holds: impl Fn(&Member) -> bool) -> u64 {
        indices(u64::MAX)
            .take(self.members.len())
            .filter(|at| holds(&self.members[*at]))
            .map(|at| 1 << at)
            .sum()
    }
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
