//! What the checker of certificates knows of calendars: which period clocks on walls show, instant by instant.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use ordain_ir::{Accumulation, Limit, Period, Policies, Window, zone};

use super::clock;

const DAY: i64 = 86_400;

/// The clocks of a zone, looked at later and later.
pub(super) struct Dial {
    /// None for UTC, which need not be asked.
    zone: Option<TimeZone>,
    period: Period,
    /// The latest day that they have shown, since 1970.
    latest: i64,
}

/// A period's name: no other of its type has the same.
pub(super) type Label = (i64, i64);

impl Dial {
    /// Begins two days early: where clocks went back over midnight, the day that had begun goes on.
    pub(super) fn new(name: &str, period: Period, start: i64) -> Option<Self> {
        let mut dial = Self::at_rest(name, period)?;
        if period >= Period::Day && dial.zone.is_some() {
            let step = dial.step(start);
            for at in (start - 2 * DAY..start).step_by(step) {
                dial.label(at);
            }
        }
        Some(dial)
    }

    /// Before anything was looked at.
    fn at_rest(name: &str, period: Period) -> Option<Self> {
        let zone = if name == "UTC" { None } else { Some(zone::find(name)?) };
        Some(Self { zone, period, latest: i64::MIN })
    }

    /// How far from Greenwich they are, and what they show, as seconds since 1970.
    fn shown(&self, at: i64) -> (i64, i64) {
        let Some(zone) = &self.zone else { return (0, at) };
        let offset = Timestamp::from_second(at).map_or(0, |at| zone.to_offset(at).seconds());
        (offset.into(), at + i64::from(offset))
    }

    /// Seconds between instants of which none is left out at which something may change: offsets are whole minutes
    /// everywhere since 1972.
    fn step(&self, around: i64) -> usize {
        let whole = [-40, 40].iter().all(|days| self.shown(around + days * DAY).0 % 60 == 0);
        if whole { 60 } else { 1 }
    }

    /// The period at an instant, no earlier than one before.
    pub(super) fn label(&mut self, at: i64) -> Label {
        let (offset, shown) = self.shown(at);
        self.latest = self.latest.max(shown.div_euclid(DAY));
        match self.period {
            Period::Minute => (offset, shown.div_euclid(60)),
            Period::Hour => (offset, shown.div_euclid(3_600)),
            Period::Day => (0, self.latest),
            // 1969-12-29 was a Monday.
            Period::Week => (0, (self.latest + 3).div_euclid(7)),
            Period::Month => {
                let noon = Timestamp::from_second(self.latest * DAY + DAY / 2).unwrap_or_default();
                let date = TimeZone::UTC.to_datetime(noon).date();
                (i64::from(date.year()), i64::from(date.month()))
            }
        }
    }

    /// The period of that name: `2026-03-02`, of a week its Monday, `2026-03`, or when a minute or hour begins.
    pub(super) fn named(name: &str, period: Period, stamp: &str) -> Option<(i64, i64)> {
        let dial = Self::at_rest(name, period)?;
        let first = |date: Date| -> Option<i64> {
            let midnight = date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
            if dial.zone.is_none() {
                return Some(midnight);
            }
            // No clocks are a day and more away from Greenwich's.
            let mut near = (midnight - 27 * 3_600..=midnight + 27 * 3_600).step_by(dial.step(midnight));
            near.find(|at| dial.shown(*at).1 >= midnight)
        };
        let after = |date: Date, days: i64| date.checked_add(jiff::Span::new().try_days(days).ok()?).ok();
        let range = match period {
            Period::Minute | Period::Hour => {
                let (date, time) = stamp.split_once('T')?;
                let local = time.split(['+', '-']).next()?;
                let local: DateTime = format!("{date}T{local}").parse().ok()?;
                let at = if dial.zone.is_none() { format!("{stamp}Z") } else { stamp.to_owned() };
                let tz = dial.zone.clone().unwrap_or(TimeZone::UTC);
                let start =
                    at.parse::<Timestamp>().ok().filter(|at| tz.to_datetime(*at) == local)?.as_second();
                let mut dial = Self { zone: dial.zone.clone(), ..dial };
                let before = dial.label(start - 1);
                let own = dial.label(start);
                let end = (start + 1..=start + 3_600).find(|at| dial.label(*at) != own)?;
                (if before == own { i64::MAX } else { start }, end)
            }
            Period::Day => {
                let date: Date = stamp.parse().ok()?;
                (first(date)?, first(after(date, 1)?)?)
            }
            Period::Week => {
                let date: Date = stamp.parse().ok()?;
                (
                    first(date).filter(|_| date.weekday().to_monday_zero_offset() == 0)?,
                    first(after(date, 7)?)?,
                )
            }
            Period::Month => {
                let date: Date = format!("{stamp}-01").parse().ok()?;
                (first(date)?, first(date.last_of_month().tomorrow().ok()?)?)
            }
        };
        (range.0 < range.1).then_some(range)
    }
}

/// Which periods count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Touch {
    /// All that have a part in the stretch.
    Any,
    /// Those that lie in it as a whole.
    Whole,
}

/// How many periods within the stretch hold an instant at which all these policies speak, by sampling: windows change
/// at whole minutes, or at the instants that they name. Of those that roll, how many such instants can follow one another
/// so that no period holds two.
pub(super) fn touching(
    limits: &[&Limit],
    policies: &Policies,
    over: &Accumulation,
    (start, end): (i64, i64),
    (within, touch): (&str, Touch),
) -> Option<i64> {
    let windows: Vec<&Window> = limits.iter().flat_map(|limit| clock::windows(limit, policies)).collect();
    let active = |at: i64| windows.iter().all(|window| clock::is_active(window, at));
    let count = |labels: usize| i64::try_from(labels).ok();
    let (period, zone) = match over {
        Accumulation::Calendar { period, zone } => (*period, &**zone),
        Accumulation::Rolling(period) => {
            let length = match period {
                Period::Minute => 60,
                Period::Hour => 3_600,
                Period::Day => DAY,
                Period::Week => 7 * DAY,
                Period::Month => 30 * DAY,
            };
            let samples: Vec<i64> = clock::samples(&windows, (start, end), end - start).into_iter().collect();
            let (mut free, mut found) = (start, 0);
            for (nth, at) in samples.iter().enumerate().filter(|(_, at)| active(**at)) {
                let until = samples.get(nth + 1).copied().unwrap_or(end);
                free = free.max(*at);
                while free < until {
                    found += 1;
                    free += length;
                }
            }
            return (touch == Touch::Any).then_some(found);
        }
        Accumulation::Concurrent => return None,
    };
    let mut dial = Dial::new(zone, period, start - 1)?;
    let step = match period {
        _ if zone != "UTC" || within != "UTC" => i64::try_from(dial.step(start)).ok()?,
        Period::Minute => 60,
        Period::Hour => 3_600,
        Period::Day | Period::Week | Period::Month => DAY,
    };
    let before = dial.label(start - 1);
    let mut touched = BTreeSet::new();
    for at in clock::samples(&windows, (start, end), step) {
        let label = dial.label(at);
        if !touched.contains(&label) && active(at) {
            touched.insert(label);
        }
    }
    if touch == Touch::Whole {
        touched.remove(&before);
        touched.remove(&dial.label(end));
    }
    count(touched.len())
}
