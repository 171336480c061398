//! The calendar periods of limits, by the clocks of a zone; weeks are from Monday.
//!
//! In UTC they are what everybody expects. Elsewhere clocks are set forward and back:
//!
//! - A **day** begins at the first instant at which the clocks show its date, and lasts until the next one begins: 23 or
//!   25 hours where the offset changes. Where clocks go back over midnight, the day that has begun goes on. Weeks and
//!   months are made of such days.
//! - An **hour**, and a **minute**, is a stretch in which neither the offset nor the hour, or the minute, that the clocks
//!   show changes: an hour that is shown twice is two.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ordain_ir::Period;

use crate::zones::{self, ZoneClock};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
/// 1970-01-05, the first Monday that has a timestamp of its own sign.
const A_MONDAY: i64 = 4 * DAY;
/// More than any two offsets of one zone lie apart, and than any is from UTC.
const FAR: i64 = 3 * DAY;

/// The instant's whole second since 1970, rounded down (also before 1970).
pub(crate) fn second(at: Timestamp) -> i64 {
    at.as_second() - i64::from(at.subsec_nanosecond() < 0)
}

/// The instant at a second since 1970, or the end of time that is nearest to it.
pub(crate) fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(if second < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// The first instant of the period in UTC that contains `at`; the least timestamp where that would be earlier still.
pub fn start(period: Period, at: Timestamp) -> Timestamp {
    instant(begin(period, second(at)))
}

/// One past the last instant of the period in UTC that contains `at`; the greatest timestamp where that would be later
/// still.
pub fn end(period: Period, at: Timestamp) -> Timestamp {
    instant(next(period, second(at)))
}

/// The first second of the period in UTC that contains a second.
#[inline]
pub(crate) fn begin(period: Period, second: i64) -> i64 {
    let floor = |length: i64, origin: i64| (second - origin).div_euclid(length) * length + origin;
    match period {
        Period::Minute => floor(MINUTE, 0),
        Period::Hour => floor(HOUR, 0),
        Period::Day => floor(DAY, 0),
        Period::Week => floor(WEEK, A_MONDAY),
        Period::Month => floor(DAY, 0) - (i64::from(date(second).day()) - 1) * DAY,
    }
}

/// The first second of the period in UTC after the one that contains a second.
fn next(period: Period, second: i64) -> i64 {
    let length = match period {
        Period::Minute => MINUTE,
        Period::Hour => HOUR,
        Period::Day => DAY,
        Period::Week => WEEK,
        Period::Month => i64::from(date(second).days_in_month()) * DAY,
    };
    begin(period, second) + length
}

fn date(second: i64) -> Date {
    TimeZone::UTC.to_datetime(instant(second)).date()
}

/// Periods of one length, by the clocks of one zone.
#[derive(Clone, Debug)]
pub struct Calendar {
    period: Period,
    /// None in UTC, where nothing is ever set.
    clock: Option<Arc<ZoneClock>>,
}

impl Calendar {
    /// The calendar of the zone with an IANA name; `None` if there is no such zone.
    pub fn new(period: Period, zone: &str) -> Option<Self> {
        let clock = if zone == "UTC" { None } else { Some(zones::clock(zone)?) };
        Some(Self { period, clock })
    }

    /// The first instant of the period that contains `at`; the least timestamp where that would be earlier still.
    pub fn start(&self, at: Timestamp) -> Timestamp {
        instant(self.start_second(second(at)))
    }

    /// The same of seconds since 1970.
    #[inline]
    pub(crate) fn start_second(&self, second: i64) -> i64 {
        match &self.clock {
            None => begin(self.period, second),
            Some(clock) => match self.period {
                Period::Minute => shown(clock, second, MINUTE).0,
                Period::Hour => shown(clock, second, HOUR).0,
                period => reached(clock, begin(period, latest(clock, second))),
            },
        }
    }

    /// One past the last instant of the period that contains `at`; the greatest timestamp where that would be later
    /// still.
    pub fn end(&self, at: Timestamp) -> Timestamp {
        match &self.clock {
            None => end(self.period, at),
            Some(clock) => instant(match self.period {
                Period::Minute => shown(clock, second(at), MINUTE).1,
                Period::Hour => shown(clock, second(at), HOUR).1,
                period => reached(clock, next(period, latest(clock, second(at)))),
            }),
        }
    }
}

/// The stretch around a second in which the offset stays, and the clock shows the same part of `length` of its day.
fn shown(clock: &ZoneClock, second: i64, length: i64) -> (i64, i64) {
    let offsets = clock.offsets(second - length, second + length);
    let after = offsets.partition_point(|(from, _)| *from <= second);
    let (from, offset) = offsets[after - 1];
    let local = second + i64::from(offset);
    let start = local - local.rem_euclid(length) - i64::from(offset);
    let until = offsets.get(after).map_or(i64::MAX, |(from, _)| *from);
    (from.max(start), until.min(start + length))
}

/// What the clock shows where it has come furthest up to a second: as if what it shows were a second in UTC.
fn latest(clock: &ZoneClock, second: i64) -> i64 {
    let offsets = clock.offsets(second - FAR, second);
    let untils = offsets.iter().skip(1).map(|(from, _)| from - 1).chain([second]);
    let furthest = offsets.iter().zip(untils).map(|((_, offset), last)| last + i64::from(*offset));
    furthest.max().unwrap_or(second)
}

/// The first second at which the clock shows a local time, given as if it were UTC, or a later one.
fn reached(clock: &ZoneClock, local: i64) -> i64 {
    let offsets = clock.offsets(local - FAR, local + FAR);
    let untils = offsets.iter().skip(1).map(|(from, _)| *from).chain([i64::MAX - FAR]);
    let mut stretches = offsets.iter().zip(untils);
    let first = stretches.find(|((_, offset), until)| until + i64::from(*offset) > local);
    first.map_or(local, |((from, offset), _)| (*from).max(local - i64::from(*offset)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn bounds(period: Period, zone: &str, instant: &str) -> String {
        let calendar = Calendar::new(period, zone).unwrap();
        let bounds = (calendar.start(at(instant)), calendar.end(at(instant)));
        assert!(bounds.0 <= at(instant) && at(instant) < bounds.1, "{zone} {instant}");
        format!("{} {}", bounds.0, bounds.1)
    }

    #[test]
    fn periods_are_the_utc_calendar() {
        let instant = at("2028-02-29T23:59:59.5Z"); // a Tuesday
        let bounds = |period| (start(period, instant).to_string(), end(period, instant).to_string());
        let expected = [
            (Period::Minute, "2028-02-29T23:59:00Z", "2028-03-01T00:00:00Z"),
            (Period::Hour, "2028-02-29T23:00:00Z", "2028-03-01T00:00:00Z"),
            (Period::Day, "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"),
            (Period::Week, "2028-02-28T00:00:00Z", "2028-03-06T00:00:00Z"),
            (Period::Month, "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        ];
        for (period, from, until) in expected {
            assert_eq!(bounds(period), (from.to_owned(), until.to_owned()), "{period}");
        }
    }

    #[test]
    fn times_before_1970_round_down() {
        assert_eq!(start(Period::Minute, at("1969-12-31T23:59:59.9Z")), at("1969-12-31T23:59:00Z"));
        assert_eq!(start(Period::Week, at("1969-12-28T23:59:59Z")), at("1969-12-22T00:00:00Z"));
        assert_eq!(start(Period::Week, at("1969-12-29T00:00:00Z")), at("1969-12-29T00:00:00Z"));
    }

    /// What the laws say about clocks, worked out by hand.
    #[test]
    fn days_are_as_long_as_the_clocks_make_them() {
        use Period::{Day, Month, Week};
        for (period, zone, instant, expected) in [
            // Berlin goes from +1 to +2 on 2026-03-29 at 02:00, and back on 2026-10-25 at 03:00.
            (Day, "Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-28T23:00:00Z 2026-03-29T22:00:00Z"),
            (Day, "Europe/Berlin", "2026-03-29T21:59:59.9Z", "2026-03-28T23:00:00Z 2026-03-29T22:00:00Z"),
            (Day, "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z 2026-10-25T23:00:00Z"),
            (Week, "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-22T23:00:00Z 2026-03-29T22:00:00Z"),
            (Month, "Europe/Berlin", "2026-03-01T00:00:00Z", "2026-02-28T23:00:00Z 2026-03-31T22:00:00Z"),
            (Month, "Europe/Berlin", "2026-12-31T23:00:00Z", "2026-12-31T23:00:00Z 2027-01-31T23:00:00Z"),
            // In São Paulo, 2018-11-04 has no midnight: at 00:00 it was 01:00.
            (Day, "America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-04T03:00:00Z 2018-11-05T02:00:00Z"),
            (Day, "America/Sao_Paulo", "2018-11-04T02:59:59Z", "2018-11-03T03:00:00Z 2018-11-04T03:00:00Z"),
            // And on 2018-02-18 at 00:00 it was 23:00 of the day before.
            (Day, "America/Sao_Paulo", "2018-02-18T02:30:00Z", "2018-02-17T02:00:00Z 2018-02-18T03:00:00Z"),
            // In St. John's, on 2010-11-07 at 00:01 it was 23:01 of the day before; the new day went on.
            (Day, "America/St_Johns", "2010-11-07T02:30:30Z", "2010-11-07T02:30:00Z 2010-11-08T03:30:00Z"),
            (Day, "America/St_Johns", "2010-11-07T03:00:00Z", "2010-11-07T02:30:00Z 2010-11-08T03:30:00Z"),
            (Week, "America/St_Johns", "2010-11-07T03:00:00Z", "2010-11-01T02:30:00Z 2010-11-08T03:30:00Z"),
            // Samoa had no 2011-12-30.
            (Day, "Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z 2011-12-30T10:00:00Z"),
            (Day, "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z 2011-12-31T10:00:00Z"),
            // Kwajalein went the other way in 1969, and had 1969-09-30 for 47 hours: +11 to -12 at its end.
            (Day, "Pacific/Kwajalein", "1969-09-30T13:30:00Z", "1969-09-29T13:00:00Z 1969-10-01T12:00:00Z"),
            // Before anybody had time zones: Berlin was 53 minutes and 28 seconds ahead.
            (Day, "Europe/Berlin", "1850-06-01T12:00:00Z", "1850-05-31T23:06:32Z 1850-06-01T23:06:32Z"),
            (Day, "Europe/Berlin", "2500-07-01T12:00:00Z", "2500-06-30T22:00:00Z 2500-07-01T22:00:00Z"),
            (Day, "Asia/Kathmandu", "2026-01-01T00:00:00Z", "2025-12-31T18:15:00Z 2026-01-01T18:15:00Z"),
        ] {
            assert_eq!(bounds(period, zone, instant), expected, "{period} of {zone} at {instant}");
        }
    }

    #[test]
    fn an_hour_that_is_shown_twice_is_two() {
        use Period::{Hour, Minute};
        for (period, zone, instant, expected) in [
            (Hour, "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z 2026-10-25T01:00:00Z"),
            (Hour, "Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25T01:00:00Z 2026-10-25T02:00:00Z"),
            // Lord Howe goes from +11 to +10:30 on 2026-04-05 at 02:00, so that it is 01:30 again.
            (
                Hour,
                "Australia/Lord_Howe",
                "2026-04-04T14:59:59Z",
                "2026-04-04T14:00:00Z 2026-04-04T15:00:00Z",
            ),
            (
                Hour,
                "Australia/Lord_Howe",
                "2026-04-04T15:00:00Z",
                "2026-04-04T15:00:00Z 2026-04-04T15:30:00Z",
            ),
            (
                Hour,
                "Australia/Lord_Howe",
                "2026-04-04T15:30:00Z",
                "2026-04-04T15:30:00Z 2026-04-04T16:30:00Z",
            ),
            // And from 02:00 to 02:30 on 2026-10-04.
            (
                Hour,
                "Australia/Lord_Howe",
                "2026-10-03T15:29:59Z",
                "2026-10-03T14:30:00Z 2026-10-03T15:30:00Z",
            ),
            (
                Hour,
                "Australia/Lord_Howe",
                "2026-10-03T15:30:00Z",
                "2026-10-03T15:30:00Z 2026-10-03T16:00:00Z",
            ),
            (Hour, "America/St_Johns", "2010-11-07T02:30:30Z", "2010-11-07T02:30:00Z 2010-11-07T02:31:00Z"),
            (Hour, "America/St_Johns", "2010-11-07T02:31:00Z", "2010-11-07T02:31:00Z 2010-11-07T03:30:00Z"),
            (Hour, "Asia/Kathmandu", "2026-01-01T00:00:00Z", "2025-12-31T23:15:00Z 2026-01-01T00:15:00Z"),
            (
                Minute,
                "Australia/Lord_Howe",
                "2026-04-04T15:00:59Z",
                "2026-04-04T15:00:00Z 2026-04-04T15:01:00Z",
            ),
            (Minute, "Europe/Berlin", "1850-06-01T12:00:00Z", "1850-06-01T11:59:32Z 1850-06-01T12:00:32Z"),
            // Around the ends of the table of offsets: Liberia was 44 minutes and 30 seconds behind.
            (Hour, "Africa/Monrovia", "1970-01-01T00:00:00Z", "1969-12-31T23:44:30Z 1970-01-01T00:44:30Z"),
            (Hour, "Asia/Kathmandu", "2099-12-31T23:59:59Z", "2099-12-31T23:15:00Z 2100-01-01T00:15:00Z"),
        ] {
            assert_eq!(bounds(period, zone, instant), expected, "{period} of {zone} at {instant}");
        }
    }

    /// From one period to the next there is no gap, and every instant of one has the same.
    #[test]
    fn periods_follow_each_other() {
        for zone in
            ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"]
        {
            for (period, steps) in
                [(Period::Hour, 9_000), (Period::Day, 800), (Period::Week, 110), (Period::Month, 30)]
            {
                for from in ["1969-12-01T05:00:00Z", "2010-06-01T00:00:00Z", "2099-06-01T00:00:00Z"] {
                    let calendar = Calendar::new(period, zone).unwrap();
                    let mut start = calendar.start(at(from));
                    for _ in 0..steps {
                        let end = calendar.end(start);
                        let middle = instant(i64::midpoint(start.as_second(), end.as_second()));
                        for inside in [start, middle, instant(end.as_second() - 1)] {
                            assert_eq!(calendar.start(inside), start, "{period} of {zone} at {inside}");
                            assert_eq!(calendar.end(inside), end, "{period} of {zone} at {inside}");
                        }
                        assert_eq!(calendar.start(end), end, "{period} of {zone} at {end}");
                        start = end;
                    }
                }
            }
        }
    }

    #[test]
    fn utc_is_the_same_whichever_way() {
        for period in Period::ALL {
            let (plain, zoned) =
                (Calendar::new(*period, "UTC").unwrap(), Calendar::new(*period, "Etc/UTC").unwrap());
            for second in (-200_000_000_000..200_000_000_000).step_by(777_777_777) {
                let at = instant(second);
                assert_eq!(
                    (plain.start(at), plain.end(at)),
                    (zoned.start(at), zoned.end(at)),
                    "{period} {at}"
                );
            }
        }
        assert!(Calendar::new(Period::Day, "Europe/Berlni").is_none());
    }

    #[test]
    fn the_ends_of_time_are_no_panic() {
        for period in Period::ALL {
            for zone in ["UTC", "Europe/Berlin", "Pacific/Apia", "America/Sao_Paulo"] {
                let calendar = Calendar::new(*period, zone).unwrap();
                for instant in [Timestamp::MIN, Timestamp::MAX] {
                    let (start, end) = (calendar.start(instant), calendar.end(instant));
                    assert!(start <= instant && instant <= end, "{period} of {zone}: {start} {end}");
                }
            }
        }
    }
}
