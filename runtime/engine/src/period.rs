//! The calendar periods of accumulated limits: UTC, weeks from Monday.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ordain_ir::Period;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
/// 1970-01-05, the first Monday that has a timestamp of its own sign.
const A_MONDAY: i64 = 4 * DAY;

/// The instant's whole second since 1970, rounded down (also before 1970).
pub(crate) fn second(at: Timestamp) -> i64 {
    at.as_second() - i64::from(at.subsec_nanosecond() < 0)
}

/// The first instant of the period that contains `at`; the least timestamp where that would be earlier still.
pub fn start(period: Period, at: Timestamp) -> Timestamp {
    let second = second(at);
    let floor = |length: i64, origin: i64| {
        Timestamp::from_second((second - origin).div_euclid(length) * length + origin)
            .unwrap_or(Timestamp::MIN)
    };
    match period {
        Period::Minute => floor(MINUTE, 0),
        Period::Hour => floor(HOUR, 0),
        Period::Day => floor(DAY, 0),
        Period::Week => floor(WEEK, A_MONDAY),
        Period::Month => {
            midnight(TimeZone::UTC.to_datetime(at).date().first_of_month()).unwrap_or(Timestamp::MIN)
        }
    }
}

/// One past the last instant of the period that contains `at`; the greatest timestamp where that would be later
/// still.
pub fn end(period: Period, at: Timestamp) -> Timestamp {
    let after =
        |length: i64| Timestamp::from_second(second(start(period, at)) + length).unwrap_or(Timestamp::MAX);
    match period {
        Period::Minute => after(MINUTE),
        Period::Hour => after(HOUR),
        Period::Day => after(DAY),
        Period::Week => after(WEEK),
        Period::Month => {
            let last = TimeZone::UTC.to_datetime(at).date().last_of_month();
            last.tomorrow().ok().and_then(midnight).unwrap_or(Timestamp::MAX)
        }
    }
}

fn midnight(date: Date) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
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

    #[test]
    fn the_ends_of_time_are_no_panic() {
        for period in Period::ALL {
            for instant in [Timestamp::MIN, Timestamp::MAX] {
                assert!(start(*period, instant) <= instant && instant <= end(*period, instant), "{period}");
            }
        }
    }
}
