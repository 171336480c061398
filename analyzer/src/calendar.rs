//! Calendar periods of a zone, as half-open ranges of seconds since 1970, and how often they fit or touch.
//!
//! - A day begins at the first instant at which the zone's clocks show its date, and lasts until the next one begins.
//!   Where clocks go back over midnight, an instant belongs to the latest day that has begun. Weeks, from Monday, and
//!   months are made of such days.
//! - An hour is a longest stretch in which the hour that the clocks show and their offset don't change; a minute
//!   likewise.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use jiff::civil::{Date, date};
use jiff::{Span, Timestamp};
use ordain_ir::{Accumulation, Period, zone};

use crate::window::{Intervals, UnknownZone};

pub(crate) const DAY: i64 = 86_400;
/// Days around the horizon of which the offsets are known: no period of the calendar reaches further.
const MARGIN: i64 = 100;

/// A stretch of time, `[start, end)`.
pub(crate) type Stretch = (i64, i64);

/// The calendar of a zone's clocks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Calendar {
    /// The zone.
    pub(crate) zone: Arc<str>,
    /// Seconds east of Greenwich, each with when it begins to hold, in order; the first holds before too.
    offsets: Vec<(i64, i64)>,
}

/// UTC's.
static UTC: LazyLock<Arc<Calendar>> =
    LazyLock::new(|| Arc::new(Calendar { zone: "UTC".into(), offsets: vec![(i64::MIN, 0)] }));

/// The seconds of the types of periods that always have as many, but for where clocks change.
const fn fixed(period: Period) -> Option<i64> {
    match period {
        Period::Minute => Some(60),
        Period::Hour => Some(3_600),
        Period::Day => Some(DAY),
        Period::Week => Some(7 * DAY),
        Period::Month => None,
    }
}

/// The seconds of rolling periods.
pub(crate) const fn rolling(period: Period) -> i64 {
    match fixed(period) {
        Some(length) => length,
        None => 30 * DAY,
    }
}

/// 1970-01-05 was a Monday.
const MONDAY: i64 = 4;

/// The days since 1970 at which the period of this type, a day at least, that holds a day begins and ends.
fn days(period: Period, day: i64) -> (i64, i64) {
    match period {
        Period::Minute | Period::Hour | Period::Day => (day, day + 1),
        Period::Week => {
            let monday = day - (day - MONDAY).rem_euclid(7);
            (monday, monday + 7)
        }
        Period::Month => {
            let first = named(day).first_of_month();
            let next = first.last_of_month().tomorrow().map_or(i64::MAX / DAY, number);
            (number(first), next)
        }
    }
}

/// The date of a day.
fn named(day: i64) -> Date {
    let span = Span::new().try_days(day).unwrap_or_default();
    date(1970, 1, 1).saturating_add(span)
}

/// The day of a date.
fn number(date: Date) -> i64 {
    let second = date.to_zoned(jiff::tz::TimeZone::UTC).map_or(i64::MAX, |it| it.timestamp().as_second());
    second.div_euclid(DAY)
}

impl Calendar {
    /// UTC's.
    pub(crate) fn utc() -> Arc<Self> {
        Arc::clone(&UTC)
    }

    /// A zone's, of which the offsets are known in and around a stretch.
    fn new(name: &Arc<str>, (start, end): Stretch) -> Result<Self, UnknownZone> {
        let zone = zone::find(name).ok_or_else(|| UnknownZone(name.to_string()))?;
        let clamp = |second: i64| second.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        let at = |second: i64| Timestamp::from_second(clamp(second)).unwrap_or_default();
        let first = at(start.saturating_sub(MARGIN * DAY));
        let mut offsets = vec![(i64::MIN, i64::from(zone.to_offset(first).seconds()))];
        let last = end.saturating_add(MARGIN * DAY);
        for change in zone.following(first) {
            let (from, offset) = (change.timestamp().as_second(), i64::from(change.offset().seconds()));
            if from >= last {
                break;
            }
            // Some only change what summer is called.
            if offsets.last().is_none_or(|(_, before)| *before != offset) {
                offsets.push((from, offset));
            }
        }
        Ok(Self { zone: Arc::clone(name), offsets })
    }

    /// Whether the clocks never change.
    pub(crate) fn is_fixed(&self) -> bool {
        self.offsets.len() == 1
    }

    /// The number of the offset that holds at an instant.
    fn piece(&self, second: i64) -> usize {
        if self.is_fixed() { 0 } else { self.offsets.partition_point(|(from, _)| *from <= second) - 1 }
    }

    /// When it holds.
    fn bounds(&self, piece: usize) -> Stretch {
        let until = self.offsets.get(piece + 1).map_or(i64::MAX, |(from, _)| *from);
        (self.offsets[piece].0, until)
    }

    /// What the clocks show, as seconds since 1970.
    pub(crate) fn shown(&self, second: i64) -> i64 {
        second + self.offsets[self.piece(second)].1
    }

    /// The latest day that has begun.
    fn day(&self, second: i64) -> i64 {
        let piece = self.piece(second);
        let mut day = (second + self.offsets[piece].1).div_euclid(DAY);
        // Just before clocks went back they may have shown a later one.
        for earlier in (0..piece).rev() {
            let last = self.offsets[earlier + 1].0 - 1;
            if last < second - 2 * DAY {
                break;
            }
            day = day.max((last + self.offsets[earlier].1).div_euclid(DAY));
        }
        day
    }

    /// When a day begins; where clocks skip it, when the next one does.
    fn begin(&self, day: i64) -> i64 {
        let midnight = day.saturating_mul(DAY);
        if self.is_fixed() {
            return midnight.saturating_sub(self.offsets[0].1);
        }
        let near = |days: i64| self.piece(midnight.saturating_add(days * DAY));
        let begins = (near(-2)..=near(2)).find_map(|piece| {
            let (from, until) = self.bounds(piece);
            let at = midnight.saturating_sub(self.offsets[piece].1).max(from);
            (at < until).then_some(at)
        });
        begins.unwrap_or(midnight)
    }

    /// The period that contains an instant.
    pub(crate) fn containing(&self, period: Period, second: i64) -> Stretch {
        if let (true, Some(length)) = (self.is_fixed(), fixed(period)) {
            let origin = if period == Period::Week { MONDAY * DAY } else { 0 };
            let start = second - (second + self.offsets[0].1 - origin).rem_euclid(length);
            return (start, start + length);
        }
        let (Period::Minute | Period::Hour, Some(length)) = (period, fixed(period)) else {
            let (first, next) = days(period, self.day(second));
            return (self.begin(first), self.begin(next));
        };
        let piece = self.piece(second);
        let (from, until) = self.bounds(piece);
        let start = second - (second + self.offsets[piece].1).rem_euclid(length);
        (start.max(from), (start + length).min(until))
    }

    /// The stretch, widened to the whole periods that meet it.
    pub(crate) fn whole_periods(&self, (start, end): Stretch) -> Stretch {
        let around = |second| [Period::Week, Period::Month].map(|period| self.containing(period, second));
        let first = around(start).into_iter().map(|(start, _)| start).min();
        let last = around(end.max(start + 1) - 1).into_iter().map(|(_, end)| end).max();
        (first.unwrap_or(start), last.unwrap_or(end))
    }

    /// The part of a stretch that whole periods of this type make up; its end is not after its start if there is none.
    pub(crate) fn of_whole_periods(&self, period: Period, (start, end): Stretch) -> Stretch {
        let first = self.containing(period, start);
        (if first.0 < start { first.1 } else { start }, self.containing(period, end).0)
    }

    /// How many periods of this type touch the part of `times` (sorted, disjoint) that lies in `within`.
    pub(crate) fn touching(&self, period: Period, within: Stretch, times: &[Stretch]) -> u64 {
        let mut count = 0;
        let mut covered = i64::MIN;
        // Hours and minutes are even between two changes of the clocks, days and weeks where there are none.
        let even = fixed(period).filter(|length| *length < DAY || self.is_fixed());
        let origin = if period == Period::Week { MONDAY * DAY } else { 0 };
        let first = times.partition_point(|(_, end)| *end <= within.0);
        for (start, end) in times[first..].iter().take_while(|(start, _)| *start < within.1) {
            let (mut at, end) = ((*start).max(within.0).max(covered), (*end).min(within.1));
            while at < end {
                if let Some(length) = even {
                    let piece = self.piece(at);
                    let (offset, until) = (self.offsets[piece].1 - origin, self.bounds(piece).1);
                    let index = |second: i64| (second + offset).div_euclid(length);
                    let last = index(end.min(until) - 1);
                    count += u64::try_from(last - index(at) + 1).unwrap_or(0);
                    covered = ((last + 1) * length - offset).min(until);
                } else {
                    count += 1;
                    covered = self.containing(period, at).1;
                }
                at = covered;
            }
        }
        count
    }

    /// When the clocks change in a stretch, and by how much.
    pub(crate) fn changes(&self, (start, end): Stretch) -> impl Iterator<Item = (i64, i64)> {
        let pairs = self.offsets.windows(2).filter_map(|pair| match pair {
            [(_, before), (from, after)] => Some((*from, after - before)),
            _ => None,
        });
        pairs.skip_while(move |(from, _)| *from < start).take_while(move |(from, _)| *from < end)
    }

    /// The next instant after this one at which the clocks change.
    pub(crate) fn next_change(&self, second: i64) -> i64 {
        self.bounds(self.piece(second)).1
    }

    /// By how much several periods of this type in a row may be shorter or longer than their lengths say, but for what is
    /// cut: by as much as offsets differ, within the stretch of which they are known. Hours are never longer.
    fn spread_of(&self, period: Period) -> i64 {
        if matches!(period, Period::Minute | Period::Hour) {
            return 0;
        }
        let all = || self.offsets.iter().map(|(_, offset)| *offset);
        all().max().unwrap_or(0) - all().min().unwrap_or(0)
    }

    /// How many more periods of this type than its length says may lie in a month, since changes of the clocks cut some.
    fn cuts(&self, period: Period) -> i64 {
        let Some(length) = fixed(period).filter(|length| *length < DAY) else { return 0 };
        let cut: Vec<i64> = (1..self.offsets.len())
            .filter(|at| {
                let (from, after) = self.offsets[*at];
                let aligned = |offset: i64| (from + offset).rem_euclid(length) == 0;
                !(aligned(after) && aligned(self.offsets[at - 1].1))
            })
            .map(|at| self.offsets[at].0)
            .collect();
        let near = |at: &i64| cut.iter().filter(|other| (0..33 * DAY).contains(&(**other - at))).count();
        i64::try_from(cut.iter().map(near).max().unwrap_or(0)).unwrap_or(i64::MAX)
    }

    /// The lengths that periods of this type have, within the stretch of which offsets are known.
    pub(crate) fn lengths(&self, period: Period) -> Vec<i64> {
        let mut all = match fixed(period) {
            Some(length) => vec![length],
            None => [28, 29, 30, 31].map(|days| days * DAY).to_vec(),
        };
        for (from, _) in &self.offsets[1..] {
            for at in [from - 1, *from] {
                let (start, end) = self.containing(period, at);
                all.push(end - start);
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Names one period: `the day 2026-03-02`. The certificate's checker reads this back.
    pub(crate) fn describe(&self, period: Period, start: i64) -> String {
        let day = named(days(period, self.day(start)).0);
        match period {
            Period::Day => return format!("the day {day}"),
            Period::Week => return format!("the week {day}"),
            Period::Month => return format!("the month {}", &day.to_string()[..7]),
            Period::Minute | Period::Hour => {}
        }
        let word = if period == Period::Hour { "hour" } else { "minute" };
        let shown = self.shown(start);
        let mut text =
            format!("the {word} {}T{}", named(shown.div_euclid(DAY)), clock(shown.rem_euclid(DAY)));
        // An hour may come twice.
        if !self.is_utc() {
            let offset = shown - start;
            let sign = if offset < 0 { '-' } else { '+' };
            let _ = write!(text, "{sign}{}", clock(offset.abs()));
        }
        text
    }

    fn is_utc(&self) -> bool {
        &*self.zone == "UTC"
    }
}

/// `09:30`, `09:30:15`
fn clock(second: i64) -> String {
    let (hour, minute) = (second / 3_600, second % 3_600 / 60);
    let seconds = if second % 60 == 0 { String::new() } else { format!(":{:02}", second % 60) };
    format!("{hour:02}:{minute:02}{seconds}")
}

/// Whether every period of the first type lies within one of the second, longer one, of one calendar.
pub(crate) const fn nests(shorter: Period, longer: Period) -> bool {
    (shorter as u8) < (longer as u8) && !matches!((shorter, longer), (Period::Week, Period::Month))
}

/// The fewest half-open stretches of a length that cover the part of `times` (sorted, disjoint) that lies in `within`.
pub(crate) fn covering(length: i64, within: Stretch, times: &[Stretch]) -> u64 {
    let mut count = 0;
    let mut covered = i64::MIN;
    let first = times.partition_point(|(_, end)| *end <= within.0);
    for (start, end) in times[first..].iter().take_while(|(start, _)| *start < within.1) {
        let (at, end) = ((*start).max(within.0).max(covered), (*end).min(within.1));
        if at < end {
            let more = (end - at + length - 1) / length;
            count += u64::try_from(more).unwrap_or(0);
            covered = at + more * length;
        }
    }
    count
}

/// Each zone's calendar, made once.
#[derive(Debug)]
pub(crate) struct Calendars {
    around: Stretch,
    known: RwLock<BTreeMap<Arc<str>, Arc<Calendar>>>,
}

impl Calendars {
    /// Calendars that are right within a horizon, and in the periods that meet it.
    pub(crate) fn new(horizon: &Intervals) -> Self {
        let ends = horizon.parts().first().zip(horizon.parts().last());
        let around = ends.map_or((0, 0), |(first, last)| (first.0, last.1));
        Self { around, known: RwLock::default() }
    }

    /// A zone's.
    pub(crate) fn of(&self, zone: &Arc<str>) -> Result<Arc<Calendar>, UnknownZone> {
        if UTC.zone == *zone {
            return Ok(Calendar::utc());
        }
        if let Some(known) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(zone) {
            return Ok(Arc::clone(known));
        }
        let new = Arc::new(Calendar::new(zone, self.around)?);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(known.entry(Arc::clone(zone)).or_insert(new)))
    }

    /// The periods of what accumulates; `None` for what has none.
    pub(crate) fn periods(&self, over: &Accumulation) -> Result<Option<Periods>, UnknownZone> {
        Ok(match over {
            Accumulation::Calendar { period, zone } => Some(Periods::Calendar(*period, self.of(zone)?)),
            Accumulation::Rolling(period) => Some(Periods::Rolling(*period)),
            Accumulation::Concurrent => None,
        })
    }
}

/// The periods in which a quantity accumulates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Periods {
    /// A calendar's.
    Calendar(Period, Arc<Calendar>),
    /// All stretches of a length.
    Rolling(Period),
}

impl Periods {
    /// Their type.
    pub(crate) const fn period(&self) -> Period {
        match self {
            Self::Calendar(period, _) | Self::Rolling(period) => *period,
        }
    }

    /// Whether they are a calendar's.
    pub(crate) fn are_of(&self, calendar: &Calendar) -> bool {
        matches!(self, Self::Calendar(_, own) if own.zone == calendar.zone)
    }

    /// The fewest of them that hold all of `times` (sorted, disjoint) that lies in `within`.
    pub(crate) fn touching(&self, within: Stretch, times: &[Stretch]) -> u64 {
        match self {
            Self::Calendar(period, calendar) => calendar.touching(*period, within, times),
            Self::Rolling(period) => covering(rolling(*period), within, times),
        }
    }

    /// How many of them lie in `within` as a whole and hold an instant of `times`.
    pub(crate) fn whole(&self, within: Stretch, times: &[Stretch]) -> u64 {
        match self {
            Self::Calendar(period, calendar) => {
                calendar.touching(*period, calendar.of_whole_periods(*period, within), times)
            }
            Self::Rolling(_) => 0,
        }
    }

    /// The most of them that can lie in a stretch of a length as a whole.
    pub(crate) fn most_whole(&self, length: i64) -> i64 {
        match self {
            Self::Calendar(period, calendar) => {
                let least = fixed(*period).unwrap_or(28 * DAY);
                (length + calendar.spread_of(*period)) / least + calendar.cuts(*period)
            }
            Self::Rolling(_) => 0,
        }
    }

    /// Whether hours (or minutes) of a calendar and these begin together, so that each lies in one of these if that isn't
    /// shorter.
    pub(crate) fn keep_step_with(&self, calendar: &Calendar, period: Period) -> bool {
        let (Self::Calendar(_, own), Some(length)) = (self, fixed(period)) else { return false };
        let all = || own.offsets.iter().chain(&calendar.offsets).map(|(_, offset)| *offset);
        let first = all().next().unwrap_or(0);
        length < DAY
            && all().all(|offset| (offset - first) % length == 0)
            && own.cuts(period) + calendar.cuts(period) == 0
    }

    /// The most of them that may be needed to hold a stretch of a length, wherever it lies.
    pub(crate) fn most_touching(&self, length: i64) -> i64 {
        match self {
            // Of the first and the last one the stretch has a second at least.
            Self::Calendar(..) => self.most_whole(length - 2) + 2,
            Self::Rolling(period) => (length + rolling(*period) - 1) / rolling(*period),
        }
    }

    /// The fewest of them that hold a stretch of a length.
    pub(crate) fn least_touching(&self, length: i64) -> i64 {
        let (greatest, spread) = match self {
            Self::Calendar(period, calendar) => {
                (fixed(*period).unwrap_or(31 * DAY), calendar.spread_of(*period))
            }
            Self::Rolling(period) => (rolling(*period), 0),
        };
        ((length - spread + greatest - 1) / greatest).max(1)
    }
}

#[cfg(test)]
mod tests;
