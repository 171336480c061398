//! Periods, by walking through time.

use jiff::Timestamp;
use ordain_ir::{Period, zone};

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

/// How long a rolling period is.
pub fn rolling_seconds(period: Period) -> i64 {
    match period {
        Period::Minute => MINUTE,
        Period::Hour => 60 * MINUTE,
        Period::Day => DAY,
        Period::Week => 7 * DAY,
        Period::Month => 30 * DAY,
    }
}

/// The first second of the calendar period, by the clocks of a zone, that contains a second since 1970.
///
/// # Panics
/// If the zone is not known, or is not a whole number of minutes apart from UTC somewhere near.
pub fn period_start(period: Period, zone: &str, second: i64) -> i64 {
    if zone == "UTC" {
        return in_utc(period, second);
    }
    let minute = second - second.rem_euclid(MINUTE);
    match period {
        Period::Minute | Period::Hour => {
            let length = if period == Period::Hour { 60 * MINUTE } else { MINUTE };
            // The offset, and the hour or minute that the clock shows; the same as long as neither changes.
            let shows = |second: i64| {
                let offset = offset(zone, second);
                (offset, (second + offset).div_euclid(length))
            };
            let mut start = minute;
            while shows(start - MINUTE) == shows(minute) {
                start -= MINUTE;
            }
            start
        }
        Period::Day | Period::Week | Period::Month => {
            let of = |day: i64| match period {
                Period::Day => day,
                Period::Week => (day + 3).div_euclid(7),
                _ => day - day_of_month(day),
            };
            let earlier = match period {
                Period::Day => 4,
                Period::Week => 11,
                _ => 35,
            };
            // From well before on: the latest date that the clock has shown, and when it last began a period.
            let mut now = minute - earlier * DAY;
            let (mut latest, mut start) = (date(zone, now), now);
            while now <= minute {
                let shown = date(zone, now);
                if shown > latest {
                    if of(shown) != of(latest) {
                        start = now;
                    }
                    latest = shown;
                }
                now += MINUTE;
            }
            start
        }
    }
}

fn offset(zone: &str, second: i64) -> i64 {
    let at = Timestamp::from_second(second).expect("an instant of the calendar");
    let offset = i64::from(zone::find(zone).expect("a known zone").to_offset(at).seconds());
    assert_eq!(offset % MINUTE, 0, "the walk goes minute by minute");
    offset
}

/// The day since 1970-01-01 that the clock shows.
fn date(zone: &str, second: i64) -> i64 {
    (second + offset(zone, second)).div_euclid(DAY)
}

fn in_utc(period: Period, second: i64) -> i64 {
    match period {
        Period::Minute => second - second.rem_euclid(60),
        Period::Hour => second - second.rem_euclid(3_600),
        Period::Day => second - second.rem_euclid(DAY),
        Period::Week => second - (second + 3 * DAY).rem_euclid(7 * DAY),
        Period::Month => (second.div_euclid(DAY) - day_of_month(second.div_euclid(DAY)) + 1) * DAY,
    }
}

/// The day of the month, from 1, of a day since 1970-01-01: walks from 1970 month by month, or back.
fn day_of_month(day: i64) -> i64 {
    let (mut year, mut month, mut first) = (1970, 0, 0);
    while first > day {
        (year, month) = if month == 0 { (year - 1, 11) } else { (year, month - 1) };
        first -= days_in_month(year, month);
    }
    while first + days_in_month(year, month) <= day {
        first += days_in_month(year, month);
        (year, month) = if month == 11 { (year + 1, 0) } else { (year, month + 1) };
    }
    day - first + 1
}

fn days_in_month(year: i64, month: usize) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if month == 1 && leap { 29 } else { [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month] }
}
