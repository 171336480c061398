//! Days, as deadlines need them.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

/// A day of the calendar; later days are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date {
    year: u64,
    month: u64,
    day: u64,
}

impl Date {
    /// Today, in UTC.
    pub(crate) fn today() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a deadline is about the real day; nothing replays it")]
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::from_days(elapsed.as_secs() / 86_400)
    }

    /// The day that lies `days` after 1970-01-01.
    fn from_days(mut days: u64) -> Self {
        let mut year = 1970;
        while days >= 365 + u64::from(leap(year)) {
            days -= 365 + u64::from(leap(year));
            year += 1;
        }
        let mut month = 1;
        while days >= length(year, month) {
            days -= length(year, month);
            month += 1;
        }
        Self { year, month, day: days + 1 }
    }

    /// Reads `YYYY-MM-DD` at the start of `text`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.get(..10)?;
        let mut parts = text.split('-');
        let mut next = |width: usize| {
            let part = parts.next().filter(|part| part.len() == width)?;
            part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
        };
        let (year, month, day) = (next(4)?, next(2)?, next(2)?);
        let exists = (1..=12).contains(&month) && (1..=length(year, month)).contains(&day);
        exists.then_some(Self { year, month, day })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

fn leap(year: u64) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

fn length(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + u64::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn days_become_dates() {
        for (days, date) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (20_454, "2026-01-01"),
        ] {
            assert_eq!(Date::from_days(days).to_string(), date);
        }
    }

    #[test]
    fn dates_are_read_and_compared() {
        let date = |text| Date::parse(text);
        assert_eq!(date("2026-12-31 and more").unwrap().to_string(), "2026-12-31");
        assert!(date("2026-09-30") < date("2026-10-01"));
        assert!(date("2026-12-31") < date("2027-01-01"));
        for bad in ["2026-13-01", "2026-02-29", "2026-1-01", "soon", "2026-+1-01", "2026-00-10", "é026-01-01"]
        {
            assert_eq!(date(bad), None, "{bad}");
        }
    }
}
