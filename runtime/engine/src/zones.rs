//! The clocks on the walls of time zones.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ordain_ir::zone;

/// Where the table of a zone's offsets begins and ends, in seconds since 1970: 1970 and 2100.
const TABLE: (i64, i64) = (0, 4_102_444_800);
const DAY: i64 = 86_400;
const MINUTES_OF_DAY: i64 = 1_440;
const MINUTES_OF_WEEK: i64 = 7 * MINUTES_OF_DAY;

/// A zone with its offsets from UTC looked up once.
#[derive(Debug)]
pub(crate) struct ZoneClock {
    zone: TimeZone,
    /// From which second on which offset in seconds holds, ascending; the first from the beginning of the table.
    offsets: Box<[(i64, i32)]>,
}

/// The clocks that were asked for. A zone's table is the same whoever makes it, so that sharing it changes no answer.
static CLOCKS: LazyLock<Mutex<BTreeMap<String, Arc<ZoneClock>>>> = LazyLock::new(Mutex::default);

/// The clock of the zone with this name; `None` if there is no such zone.
pub(crate) fn clock(name: &str) -> Option<Arc<ZoneClock>> {
    // A map of finished clocks is whole whoever panicked beside it.
    let mut clocks = CLOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(clock) = clocks.get(name) {
        return Some(Arc::clone(clock));
    }
    let clock = Arc::new(ZoneClock::new(zone::find(name)?));
    clocks.insert(name.to_owned(), Arc::clone(&clock));
    Some(clock)
}

impl ZoneClock {
    fn new(zone: TimeZone) -> Self {
        let instant = |second| Timestamp::from_second(second).expect("a second of these two centuries");
        let first = instant(TABLE.0);
        let mut offsets = vec![(TABLE.0, zone.to_offset(first).seconds())];
        for transition in zone.following(first) {
            let second = transition.timestamp().as_second();
            if second >= TABLE.1 {
                break;
            }
            let offset = transition.offset().seconds();
            if offsets.last().is_none_or(|(_, last)| *last != offset) {
                offsets.push((second, offset));
            }
        }
        Self { zone, offsets: offsets.into() }
    }

    /// The offsets that hold from one second to another, each with the second from which on it does, ascending. The first
    /// may be said to hold from `from` on although it did before.
    pub(crate) fn offsets(&self, from: i64, to: i64) -> Cow<'_, [(i64, i32)]> {
        if TABLE.0 <= from && to < TABLE.1 {
            let place = |second: i64| self.offsets.partition_point(|(from, _)| *from <= second);
            return Cow::Borrowed(&self.offsets[place(from) - 1..place(to)]);
        }
        let (least, most) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        let first = Timestamp::from_second(from.clamp(least, most)).expect("within the calendar");
        let mut offsets = vec![(from, self.zone.to_offset(first).seconds())];
        for transition in self.zone.following(first) {
            let (second, offset) = (transition.timestamp().as_second(), transition.offset().seconds());
            if second > to {
                break;
            }
            if offsets.last().is_none_or(|(_, last)| *last != offset) {
                offsets.push((second, offset));
            }
        }
        Cow::Owned(offsets)
    }

    /// Seconds that the clock is ahead of UTC at a second since 1970.
    fn offset(&self, second: i64) -> i32 {
        if (TABLE.0..TABLE.1).contains(&second) {
            let after = self.offsets.partition_point(|(from, _)| *from <= second);
            return self.offsets[after - 1].1;
        }
        Timestamp::from_second(second).map_or(0, |at| self.zone.to_offset(at).seconds())
    }

    /// Minutes since Monday, 00:00, that the clock shows at a second since 1970.
    pub(crate) fn minute_of_week(&self, second: i64) -> u16 {
        let local = second + i64::from(self.offset(second));
        // 1970-01-01 was a Thursday, three days after a Monday.
        let minute = (local + 3 * DAY).div_euclid(60).rem_euclid(MINUTES_OF_WEEK);
        u16::try_from(minute).expect("a week has fewer minutes than 2^16")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same from jiff's civil time.
    fn by_the_calendar(name: &str, second: i64) -> u16 {
        let zone = zone::find(name).unwrap();
        let local = zone.to_datetime(Timestamp::from_second(second).unwrap());
        let day = u16::from(local.date().weekday().to_monday_zero_offset().unsigned_abs());
        let narrow = |n: i8| u16::from(n.unsigned_abs());
        day * 1_440 + narrow(local.hour()) * 60 + narrow(local.minute())
    }

    #[test]
    fn the_table_agrees_with_the_calendar() {
        for name in ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"] {
            let clock = clock(name).unwrap();
            // Not a divisor of a day, so that every time of day comes up.
            for second in (-200_000_000_000..200_000_000_000).step_by(77_777_777) {
                assert_eq!(clock.minute_of_week(second), by_the_calendar(name, second), "{name} {second}");
            }
            for (second, _) in &clock.offsets {
                for near in [second - 1, *second, second + 1] {
                    assert_eq!(clock.minute_of_week(near), by_the_calendar(name, near), "{name} {near}");
                }
            }
        }
        assert!(clock("Europe/Berlni").is_none());
    }
}
