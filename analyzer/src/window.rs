//! Exact algebra of windows: sets of instants within a horizon, as intervals of whole seconds.
//!
//! A recurring part says what the clock on the wall must show. Between two offset transitions of its zone,
//! local time is absolute time plus a constant, so each such stretch turns into plain intervals.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ordain_ir::{Active, Policies, Recurrence, TimeOfDay, Window, zone};

const MINUTE: i64 = 60;
const WEEK_MINUTES: i64 = 7 * TimeOfDay::DAY as i64;
const WEEK: i64 = WEEK_MINUTES * MINUTE;
/// A Monday midnight: 1970-01-05.
const MONDAY: i64 = 4 * 86_400;
const YEAR: i64 = 366 * 86_400;

/// A set of instants: half-open intervals in seconds since 1970, sorted, disjoint, not adjacent, not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Intervals(Vec<(i64, i64)>);

impl Intervals {
    /// The union of any intervals; those that end at or before their start are empty.
    pub fn new(mut parts: Vec<(i64, i64)>) -> Self {
        parts.retain(|(start, end)| start < end);
        parts.sort_unstable();
        let mut out: Vec<(i64, i64)> = Vec::with_capacity(parts.len());
        for (start, end) in parts {
            match out.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => out.push((start, end)),
            }
        }
        Self(out)
    }

    /// The intervals, in order.
    pub fn parts(&self) -> &[(i64, i64)] {
        &self.0
    }

    /// Whether no instant is in the set.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the instant is in the set.
    pub fn contains(&self, at: i64) -> bool {
        let after = self.0.partition_point(|(start, _)| *start <= at);
        after > 0 && at < self.0[after - 1].1
    }

    /// The instants in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut out = vec![];
        meet(&self.0, &other.0, |part| {
            out.push(part);
            false
        });
        Self(out)
    }

    /// Whether some instant is in both.
    pub fn meets(&self, other: &Self) -> bool {
        meet(&self.0, &other.0, |_| true)
    }

    /// The first instant from `at` on that is in both; where there is none, the first of all.
    pub fn first_common(&self, other: &Self, at: i64) -> Option<i64> {
        let (mut first, mut later) = (None, None);
        meet(&self.0, &other.0, |(start, end)| {
            first = first.or(Some(start));
            later = (end > at).then_some(start.max(at));
            later.is_some()
        });
        later.or(first)
    }

    /// The instants in at least one.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::new([&*self.0, &*other.0].concat())
    }

    /// The instants in `self` and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut out = vec![];
        let mut holes = other.0.iter().peekable();
        for (start, end) in &self.0 {
            let mut from = *start;
            while holes.next_if(|hole| hole.1 <= from).is_some() {}
            while let Some((hole_start, hole_end)) = holes.peek().copied().filter(|hole| hole.0 < *end) {
                if from < *hole_start {
                    out.push((from, *hole_start));
                }
                from = *hole_end;
                if *hole_end >= *end {
                    break;
                }
                holes.next();
            }
            if from < *end {
                out.push((from, *end));
            }
        }
        Self(out)
    }

    /// Whether every instant of `self` is in `other`.
    pub fn is_subset_of(&self, other: &Self) -> bool {
        let mut at = 0;
        self.0.iter().all(|(start, end)| {
            while other.0.get(at).is_some_and(|part| part.1 <= *start) {
                at += 1;
            }
            other.0.get(at).is_some_and(|part| part.0 <= *start && *end <= part.1)
        })
    }

    /// The instants of the set in `[start, end)`.
    #[must_use]
    pub fn clipped(&self, start: i64, end: i64) -> Self {
        let first = self.0.partition_point(|part| part.1 <= start);
        let last = self.0.partition_point(|part| part.0 < end).max(first);
        Self(self.0[first..last].iter().map(|part| (part.0.max(start), part.1.min(end))).collect())
    }

    /// The first instant from `at` on; where there is none, the first of all.
    pub fn first_from(&self, at: i64) -> Option<i64> {
        let after = self.0.partition_point(|part| part.1 <= at);
        self.0.get(after).map(|part| part.0.max(at)).or_else(|| Some(self.0.first()?.0))
    }
}

/// Calls `visit` with each common stretch in order until it returns true; whether it did.
fn meet(a: &[(i64, i64)], b: &[(i64, i64)], mut visit: impl FnMut((i64, i64)) -> bool) -> bool {
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        let (start, end) = (a[i].0.max(b[j].0), a[i].1.min(b[j].1));
        if start < end && visit((start, end)) {
            return true;
        }
        if a[i].1 < b[j].1 {
            i += 1;
            // Long sets against short ones: jump instead of walking.
            i += a[i..].partition_point(|part| part.1 <= b[j].0);
        } else {
            j += 1;
            j += b[j..].partition_point(|part| i < a.len() && part.1 <= a[i].0);
        }
    }
    false
}

/// The instants at which the policies are compared: the horizon of the settings, and a year to both sides of
/// every instant that an active policy's window names.
pub fn horizon(policies: &Policies) -> Intervals {
    let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let windows = policies.rules.values().map(|rule| &rule.window);
    let windows = windows.chain(policies.limits.values().map(|limit| &limit.window));
    let named = windows.flat_map(|window| &window.clauses).flat_map(|active| [active.from, active.until]);
    let around = named.flatten().map(|at| (at.saturating_sub(YEAR), at.saturating_add(YEAR)));
    let parts = around.chain([policies.settings.horizon]);
    Intervals::new(parts.map(|(start, end)| (start.clamp(first, last), end.clamp(first, last))).collect())
}

/// A window names a zone that the time zone database doesn't have. The compiler refuses such a window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown time zone `{0}`")]
pub struct UnknownZone(pub String);

/// Windows expanded over one horizon, each distinct one once.
#[derive(Debug)]
pub struct Windows {
    horizon: Arc<Intervals>,
    memo: RwLock<BTreeMap<Window, Arc<Intervals>>>,
}

impl Windows {
    /// Windows within `horizon`.
    pub fn new(horizon: Intervals) -> Self {
        Self { horizon: Arc::new(horizon), memo: RwLock::default() }
    }

    /// All instants that count.
    pub fn horizon(&self) -> &Arc<Intervals> {
        &self.horizon
    }

    /// The instants of a window.
    pub fn expand(&self, window: &Window) -> Result<Arc<Intervals>, UnknownZone> {
        if window.is_always() {
            return Ok(Arc::clone(&self.horizon));
        }
        if let Some(known) = self.memo.read().unwrap_or_else(PoisonError::into_inner).get(window) {
            return Ok(Arc::clone(known));
        }
        let mut parts = vec![];
        for active in &window.clauses {
            parts.extend(expand(active, &self.horizon)?);
        }
        let new = Arc::new(Intervals::new(parts));
        let mut memo = self.memo.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(memo.entry(window.clone()).or_insert(new)))
    }
}

/// The instants of one clause within the horizon.
fn expand(active: &Active, horizon: &Intervals) -> Result<Vec<(i64, i64)>, UnknownZone> {
    let zone = zone::find(&active.zone).ok_or_else(|| UnknownZone(active.zone.clone()))?;
    let valid = horizon.clipped(active.from.unwrap_or(i64::MIN), active.until.unwrap_or(i64::MAX));
    let Some(recurrence) = &active.recurrence else { return Ok(valid.0) };
    let pattern = weekly(recurrence);
    let mut out = vec![];
    for (start, end) in valid.0 {
        for (from, to, offset) in stretches(&zone, start, end) {
            repeat(&pattern, from + offset, to + offset, |(a, b)| out.push((a - offset, b - offset)));
        }
    }
    Ok(out)
}

/// The recurring part as minutes since Monday, 00:00 local time.
fn weekly(recurrence: &Recurrence) -> Intervals {
    let minute =
        |day: u8, time: TimeOfDay| i64::from(day % 7) * i64::from(TimeOfDay::DAY) + i64::from(time.0);
    let stretch = |start: i64, end: i64| {
        // What runs past Sunday goes on on Monday.
        [(start, end.min(WEEK_MINUTES)), (0, end - WEEK_MINUTES)]
    };
    let parts = match recurrence {
        Recurrence::Daily { days, start, end } => days
            .iter()
            .flat_map(|day| {
                let next_day = if end <= start { i64::from(TimeOfDay::DAY) } else { 0 };
                stretch(minute(day, *start), minute(day, *end) + next_day)
            })
            .collect(),
        Recurrence::Weekly { start_day, start, end_day, end } => {
            let (start, end) = (minute(*start_day, *start), minute(*end_day, *end));
            stretch(start, if end <= start { end + WEEK_MINUTES } else { end }).to_vec()
        }
    };
    Intervals::new(parts)
}

/// Stretches of `[start, end)` with a constant offset of the zone, in seconds east of Greenwich.
fn stretches(zone: &TimeZone, start: i64, end: i64) -> Vec<(i64, i64, i64)> {
    let timestamp =
        |at: i64| Timestamp::from_second(at).expect("the horizon is clamped to what jiff can count");
    let mut out = vec![];
    let mut from = start;
    let mut offset = i64::from(zone.to_offset(timestamp(start)).seconds());
    for transition in zone.following(timestamp(start)) {
        let at = transition.timestamp().as_second();
        if at >= end {
            break;
        }
        out.push((from, at, offset));
        (from, offset) = (at, i64::from(transition.offset().seconds()));
    }
    out.push((from, end, offset));
    out
}

/// The pattern's intervals of every local week that meets `[start, end)`, all in local seconds.
fn repeat(pattern: &Intervals, start: i64, end: i64, mut push: impl FnMut((i64, i64))) {
    let mut monday = start - (start - MONDAY).rem_euclid(WEEK);
    while monday < end {
        for (from, to) in &pattern.0 {
            let (from, to) = ((monday + from * MINUTE).max(start), (monday + to * MINUTE).min(end));
            if from < to {
                push((from, to));
            }
        }
        monday += WEEK;
    }
}
