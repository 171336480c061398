//! Minutes, hours and days in UTC, by which what has happened is counted beforehand.

use jiff::Timestamp;

use crate::{from_microseconds, to_microsecond};

/// Lengths in microseconds.
const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The beginning of an instant's minute.
pub fn minute_of(at: Timestamp) -> Timestamp {
    down_to(MINUTE, at)
}

/// The beginning of an instant's hour.
pub fn hour_of(at: Timestamp) -> Timestamp {
    down_to(HOUR, at)
}

/// The beginning of an instant's day.
pub fn day_of(at: Timestamp) -> Timestamp {
    down_to(DAY, at)
}

/// The beginning of the first whole hour that doesn't begin before an instant.
pub fn next_hour(at: Timestamp) -> Timestamp {
    up_to(HOUR, at)
}

/// The beginning of the first whole day that doesn't begin before an instant.
pub fn next_day(at: Timestamp) -> Timestamp {
    up_to(DAY, at)
}

fn down_to(span: i64, at: Timestamp) -> Timestamp {
    let microseconds = at.as_microsecond();
    from_microseconds(microseconds - microseconds.rem_euclid(span)).unwrap_or(at)
}

fn up_to(span: i64, at: Timestamp) -> Timestamp {
    let microseconds = to_microsecond(at).as_microsecond();
    from_microseconds(microseconds + (-microseconds).rem_euclid(span)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_and_days_begin_where_they_begin() {
        let at: Timestamp = "2026-03-02T10:59:59.999999Z".parse().unwrap();
        assert_eq!(minute_of(at).to_string(), "2026-03-02T10:59:00Z");
        assert_eq!(hour_of(at).to_string(), "2026-03-02T10:00:00Z");
        assert_eq!(day_of(at).to_string(), "2026-03-02T00:00:00Z");
        assert_eq!(next_hour(at).to_string(), "2026-03-02T11:00:00Z");
        assert_eq!(next_day(at).to_string(), "2026-03-03T00:00:00Z");
        assert_eq!(next_hour(hour_of(at)), hour_of(at));
        assert_eq!(next_day(day_of(at)), day_of(at));
        let before: Timestamp = "1969-12-31T23:30:00Z".parse().unwrap();
        assert_eq!(hour_of(before).to_string(), "1969-12-31T23:00:00Z");
        assert_eq!(day_of(before).to_string(), "1969-12-31T00:00:00Z");
        assert_eq!(next_day(before), Timestamp::UNIX_EPOCH);
    }
}
