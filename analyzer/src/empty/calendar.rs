//! Calendar periods in UTC, as half-open ranges of seconds since 1970.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ordain_ir::Period;

const DAY: i64 = 86_400;

/// A stretch of time, `[start, end)`.
pub(crate) type Stretch = (i64, i64);

/// The fixed length and an instant at which one starts; `None` for months.
const fn grid(period: Period) -> Option<(i64, i64)> {
    match period {
        Period::Minute => Some((60, 0)),
        Period::Hour => Some((3_600, 0)),
        Period::Day => Some((DAY, 0)),
        // 1970-01-05 was a Monday.
        Period::Week => Some((7 * DAY, 4 * DAY)),
        Period::Month => None,
    }
}

fn date(second: i64) -> Date {
    let second = second.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let at = Timestamp::from_second(second).expect("clamped to the calendar's range");
    TimeZone::UTC.to_datetime(at).date()
}

fn midnight(date: Date) -> i64 {
    date.to_zoned(TimeZone::UTC).map_or(i64::MAX, |zoned| zoned.timestamp().as_second())
}

/// The period that contains an instant.
pub(crate) fn containing(period: Period, second: i64) -> Stretch {
    if let Some((length, origin)) = grid(period) {
        let start = second - (second - origin).rem_euclid(length);
        return (start, start + length);
    }
    let first = date(second).first_of_month();
    let next = first.last_of_month().tomorrow().map_or(i64::MAX, midnight);
    (midnight(first), next)
}

/// The stretch, widened to the whole periods that meet it.
pub(super) fn whole_periods((start, end): Stretch) -> Stretch {
    let around = |second| [Period::Week, Period::Month].map(|period| containing(period, second));
    let first = around(start).into_iter().map(|(start, _)| start).min();
    let last = around(end.max(start + 1) - 1).into_iter().map(|(_, end)| end).max();
    (first.unwrap_or(start), last.unwrap_or(end))
}

/// Whether every period of the first type lies within one of the second, longer one.
pub(super) const fn nests(shorter: Period, longer: Period) -> bool {
    (shorter as u8) < (longer as u8) && !matches!((shorter, longer), (Period::Week, Period::Month))
}

/// The part of a stretch that whole periods of this type make up; its end is not after its start if there is none.
pub(super) fn of_whole_periods(period: Period, (start, end): Stretch) -> Stretch {
    let first = containing(period, start);
    (if first.0 < start { first.1 } else { start }, containing(period, end).0)
}

/// How many periods of this type touch the part of `times` (sorted, disjoint) that lies in `within`.
pub(crate) fn touching(period: Period, within: Stretch, times: &[Stretch]) -> u64 {
    let mut count = 0;
    let mut covered = i64::MIN;
    let first = times.partition_point(|(_, end)| *end <= within.0);
    for (start, end) in times[first..].iter().take_while(|(start, _)| *start < within.1) {
        let (mut at, end) = ((*start).max(within.0).max(covered), (*end).min(within.1));
        if let Some((length, origin)) = grid(period) {
            if at < end {
                let index = |second: i64| (second - origin).div_euclid(length);
                let last = index(end - 1);
                count += u64::try_from(last - index(at) + 1).unwrap_or(0);
                covered = (last + 1) * length + origin;
            }
        } else {
            while at < end {
                count += 1;
                covered = containing(period, at).1;
                at = covered;
            }
        }
    }
    count
}

/// Names one period: `the day 2026-03-02`. The certificate's checker reads this back.
pub(super) fn describe(period: Period, start: i64) -> String {
    let day = date(start);
    let (hour, minute) = (start.rem_euclid(DAY) / 3_600, start.rem_euclid(3_600) / 60);
    match period {
        Period::Minute => format!("the minute {day}T{hour:02}:{minute:02}"),
        Period::Hour => format!("the hour {day}T{hour:02}:00"),
        Period::Day => format!("the day {day}"),
        Period::Week => format!("the week {day}"),
        Period::Month => format!("the month {}", &day.to_string()[..7]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    #[test]
    fn periods_contain_their_instants() {
        let at = second("2026-03-02T10:20:30Z"); // a Monday
        let range = |period| {
            let (start, end) = containing(period, at);
            assert!(start <= at && at < end);
            (describe(period, start), end - start)
        };
        assert_eq!(range(Period::Minute), ("the minute 2026-03-02T10:20".into(), 60));
        assert_eq!(range(Period::Hour), ("the hour 2026-03-02T10:00".into(), 3_600));
        assert_eq!(range(Period::Day), ("the day 2026-03-02".into(), DAY));
        assert_eq!(range(Period::Week), ("the week 2026-03-02".into(), 7 * DAY));
        assert_eq!(range(Period::Month), ("the month 2026-03".into(), 31 * DAY));
        assert_eq!(
            containing(Period::Month, second("2028-02-29T00:00:00Z")).1,
            second("2028-03-01T00:00:00Z")
        );
        assert_eq!(
            containing(Period::Week, second("2026-03-01T23:59:59Z")).1,
            second("2026-03-02T00:00:00Z")
        );
    }

    #[test]
    fn shorter_periods_are_counted_where_they_touch() {
        let day = containing(Period::Day, second("2026-03-02T00:00:00Z"));
        let at = |hour: i64, minute: i64| day.0 + hour * 3_600 + minute * 60;
        assert_eq!(touching(Period::Hour, day, &[day]), 24);
        assert_eq!(touching(Period::Hour, day, &[(at(9, 0), at(17, 0))]), 8);
        // Two stretches in one hour count it once; one minute past the hour counts another.
        assert_eq!(touching(Period::Hour, day, &[(at(9, 0), at(9, 5)), (at(9, 50), at(10, 1))]), 2);
        assert_eq!(touching(Period::Hour, day, &[(day.0 - 9, day.0), (day.1, day.1 + 9)]), 0);
        let month = containing(Period::Month, second("2026-02-10T00:00:00Z"));
        let always = [(i64::MIN / 4, i64::MAX / 4)];
        assert_eq!(touching(Period::Day, month, &always), 28);
        assert_eq!(touching(Period::Week, month, &always), 5); // from Sunday the 1st to Saturday the 28th
        assert_eq!(touching(Period::Minute, month, &always), 28 * 1_440);
        let weeks = of_whole_periods(Period::Week, month);
        assert_eq!(touching(Period::Week, weeks, &always), 3); // from Monday the 2nd to Sunday the 22nd
        assert_eq!(of_whole_periods(Period::Day, month), month);
        let (start, end) = of_whole_periods(Period::Week, day);
        assert!(end <= start);
    }
}
