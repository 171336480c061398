//! When a policy speaks.
//!
//! An instant belongs to a recurring part if its *local* day and time of day do: the clock on the wall
//! decides. So a local time that daylight saving skips is never in a window, and one that comes twice is in
//! it twice. Everything has whole seconds; intervals include their start and exclude their end.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Minutes since local midnight, 0 to 1440; 1440 (`24:00`) only as an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeOfDay(pub u16);

impl TimeOfDay {
    /// Minutes in a day.
    pub const DAY: u16 = 1440;

    /// From hours and minutes; `None` beyond `24:00`.
    pub fn new(hour: u16, minute: u16) -> Option<Self> {
        let total = hour.checked_mul(60)?.checked_add(minute)?;
        (minute < 60 && total <= Self::DAY).then_some(Self(total))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// Names of the days as written in source; index 0 is Monday.
pub const DAY_NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A set of days of the week: bit 0 is Monday, bit 6 Sunday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DaySet(pub u8);

impl DaySet {
    /// Monday to Sunday.
    pub const ALL: Self = Self(0b111_1111);

    /// The days from `first` to `last` inclusive, wrapping past Sunday (`sat..mon`); 0 is Monday.
    pub fn range(first: u8, last: u8) -> Self {
        let mut set = 0;
        let mut day = first % 7;
        loop {
            set |= 1 << day;
            if day == last % 7 {
                return Self(set);
            }
            day = (day + 1) % 7;
        }
    }

    /// Whether the day (0 is Monday) is in the set.
    pub const fn contains(self, day: u8) -> bool {
        self.0 >> (day % 7) & 1 == 1
    }

    /// Whether no day is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The days in the set, from Monday (0).
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..7).filter(move |day| self.contains(*day))
    }
}

impl fmt::Display for DaySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(|day| DAY_NAMES[day as usize]).collect();
        f.write_str(&names.join(", "))
    }
}

/// What comes back every week.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recurrence {
    /// On each of these days from `start` to `end`; an end at or before the start is on the next day, and
    /// the stretch belongs to the day on which it starts.
    Daily {
        /// The days on which a stretch starts.
        days: DaySet,
        /// First minute.
        start: TimeOfDay,
        /// One past the last minute.
        end: TimeOfDay,
    },
    /// One stretch a week; an end at or before the start is in the next week.
    Weekly {
        /// Day of the start, 0 is Monday.
        start_day: u8,
        /// First minute.
        start: TimeOfDay,
        /// Day of the end, 0 is Monday.
        end_day: u8,
        /// One past the last minute.
        end: TimeOfDay,
    },
}

/// One `active` clause: a validity, intersected with a recurring part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Active {
    /// IANA name of the zone whose wall clock decides the recurring part; `UTC` where there is none.
    pub zone: String,
    /// The recurring part; all the time if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<Recurrence>,
    /// First second of validity, in seconds since 1970-01-01T00:00:00Z.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// One past the last second of validity, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

/// The union of its clauses; always, if there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Window {
    /// Sorted, without repetition.
    pub clauses: Vec<Active>,
}

impl Window {
    /// At every instant.
    pub const ALWAYS: Self = Self { clauses: vec![] };

    /// A window in normal form.
    pub fn new(mut clauses: Vec<Active>) -> Self {
        clauses.sort();
        clauses.dedup();
        Self { clauses }
    }

    /// Whether no clause restricts it.
    pub fn is_always(&self) -> bool {
        self.clauses.is_empty()
    }
}

impl fmt::Display for Active {
    /// As in source, without the keyword.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = vec![];
        match &self.recurrence {
            Some(Recurrence::Daily { days, start, end }) if *days == DaySet::ALL => {
                words.push(format!("{start} .. {end}"));
            }
            Some(Recurrence::Daily { days, start, end }) => words.push(format!("{days} {start} .. {end}")),
            Some(Recurrence::Weekly { start_day, start, end_day, end }) => words.push(format!(
                "{} {start} .. {} {end}",
                DAY_NAMES[usize::from(start_day % 7)],
                DAY_NAMES[usize::from(end_day % 7)]
            )),
            None => {}
        }
        if self.recurrence.is_some() {
            words.push(format!("in {}", self.zone));
        }
        let instant = |seconds: i64| {
            jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |at| at.to_string())
        };
        words.extend(self.from.map(|at| format!("from {}", instant(at))));
        words.extend(self.until.map(|at| format!("until {}", instant(at))));
        f.write_str(&words.join(" "))
    }
}
