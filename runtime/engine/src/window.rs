//! Window membership by the clock on the wall.

use std::sync::Arc;

use ordain_ir::{Active, Recurrence, Window};

use crate::zones::{self, ZoneClock};

const DAY: u16 = 1440;
/// More than any minute of a week.
const NOT_READ: u16 = u16::MAX;

/// The clocks that the windows of one engine look at.
#[derive(Debug, Default)]
pub(crate) struct Clocks(Vec<Arc<ZoneClock>>);

impl Clocks {
    /// The number of a zone's clock; `None` if there is no such zone.
    fn number(&mut self, name: &str) -> Option<u32> {
        let clock = zones::clock(name)?;
        let known = self.0.iter().position(|known| Arc::ptr_eq(known, &clock));
        u32::try_from(known.unwrap_or_else(|| {
            self.0.push(clock);
            self.0.len() - 1
        }))
        .ok()
    }
}

/// An instant, and what the clocks show at it once one has looked at them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Now {
    second: i64,
    minutes: Vec<u16>,
}

impl Now {
    /// Sets another instant.
    pub(crate) fn set(&mut self, second: i64, clocks: &Clocks) {
        self.second = second;
        self.minutes.clear();
        self.minutes.resize(clocks.0.len(), NOT_READ);
    }

    fn minute(&mut self, number: u32, clocks: &Clocks) -> u16 {
        let shown = &mut self.minutes[number as usize];
        if *shown == NOT_READ {
            *shown = clocks.0[number as usize].minute_of_week(self.second);
        }
        *shown
    }
}

/// A window with its zones looked up: the union of its clauses; always, if there is none.
#[derive(Debug)]
pub(crate) struct CompiledWindow(Box<[Clause]>);

#[derive(Debug)]
struct Clause {
    from: i64,
    until: i64,
    recurring: Option<(u32, Recurrence)>,
}

impl CompiledWindow {
    /// Looks the zones up; an unknown one is the error.
    pub(crate) fn new(window: &Window, clocks: &mut Clocks) -> Result<Self, String> {
        let clause = |active: &Active| {
            let recurring = match &active.recurrence {
                Some(recurrence) => {
                    let clock = clocks.number(&active.zone).ok_or_else(|| active.zone.clone())?;
                    Some((clock, recurrence.clone()))
                }
                None => None,
            };
            let (from, until) = (active.from.unwrap_or(i64::MIN), active.until.unwrap_or(i64::MAX));
            Ok::<_, String>(Clause { from, until, recurring })
        };
        window.clauses.iter().map(clause).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the instant lies in the window.
    pub(crate) fn contains(&self, now: &mut Now, clocks: &Clocks) -> bool {
        self.0.is_empty() || self.0.iter().any(|clause| clause.contains(now, clocks))
    }
}

impl Clause {
    fn contains(&self, now: &mut Now, clocks: &Clocks) -> bool {
        // The last second of validity is excluded; an instant of the calendar is far below `i64::MAX`.
        (self.from..self.until).contains(&now.second)
            && self.recurring.as_ref().is_none_or(|(clock, recurrence)| {
                let minute = now.minute(*clock, clocks);
                recurs(recurrence, minute / DAY, minute % DAY)
            })
    }
}

/// Whether a local `day` of the week (0 is Monday) and `minute` of the day lie in the recurring part.
fn recurs(recurrence: &Recurrence, day: u16, minute: u16) -> bool {
    match recurrence {
        Recurrence::Daily { days, start, end } => {
            let (start, end) = (start.0, end.0);
            let on = |day: u16| days.0 >> (day % 7) & 1 == 1;
            if start < end {
                on(day) && (start..end).contains(&minute)
            } else {
                // The part after midnight belongs to a stretch that began yesterday.
                (on(day) && minute >= start) || (on(day + 6) && minute < end)
            }
        }
        Recurrence::Weekly { start_day, start, end_day, end } => {
            let of_week = |day: u16, minute: u16| day % 7 * DAY + minute;
            let start = of_week(u16::from(*start_day), start.0);
            let end = of_week(u16::from(*end_day), end.0);
            let now = of_week(day, minute);
            if start < end { (start..end).contains(&now) } else { now >= start || now < end }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use ordain_ir::{DaySet, TimeOfDay};

    use super::*;

    /// A window and the clocks that it looks at.
    struct Watched(CompiledWindow, Clocks);

    impl Watched {
        fn new(window: &Window) -> Result<Self, String> {
            let mut clocks = Clocks::default();
            Ok(Self(CompiledWindow::new(window, &mut clocks)?, clocks))
        }

        fn contains(&self, at: Timestamp) -> bool {
            let mut now = Now::default();
            now.set(crate::period::second(at), &self.1);
            self.0.contains(&mut now, &self.1)
        }
    }

    fn window(zone: &str, recurrence: Recurrence) -> Watched {
        let clause = Active { zone: zone.into(), recurrence: Some(recurrence), from: None, until: None };
        Watched::new(&Window::new(vec![clause])).unwrap()
    }

    fn daily(days: DaySet, start: (u16, u16), end: (u16, u16)) -> Recurrence {
        let time = |(hour, minute)| TimeOfDay::new(hour, minute).unwrap();
        Recurrence::Daily { days, start: time(start), end: time(end) }
    }

    fn holds(window: &Watched, at: &str) -> bool {
        window.contains(at.parse().unwrap())
    }

    #[test]
    fn a_stretch_past_midnight_belongs_to_the_day_it_starts() {
        let friday = window("UTC", daily(DaySet::range(4, 4), (22, 0), (6, 0)));
        assert!(holds(&friday, "2026-03-06T22:00:00Z") && holds(&friday, "2026-03-07T05:59:59Z"));
        assert!(!holds(&friday, "2026-03-06T05:00:00Z"), "the night before belongs to Thursday");
        assert!(!holds(&friday, "2026-03-07T06:00:00Z") && !holds(&friday, "2026-03-07T22:00:00Z"));
    }

    #[test]
    fn the_wall_clock_decides_when_daylight_saving_changes() {
        let early = window("Europe/Berlin", daily(DaySet::ALL, (2, 15), (2, 45)));
        // 2026-03-29: 02:00 becomes 03:00, so 02:30 does not exist.
        for minute in 0..180 {
            let at = Timestamp::from_second(1_774_742_400 + minute * 60).unwrap();
            assert!(!early.contains(at), "{at}");
        }
        // 2026-10-25: 03:00 becomes 02:00, so 02:30 comes twice.
        assert!(holds(&early, "2026-10-25T00:30:00Z") && holds(&early, "2026-10-25T01:30:00Z"));
        assert!(!holds(&early, "2026-10-25T00:50:00Z"), "between the two it is 02:50");
    }

    #[test]
    fn weekly_stretches_wrap_past_sunday() {
        let time = |hour| TimeOfDay::new(hour, 0).unwrap();
        let freeze = window(
            "Europe/Berlin",
            Recurrence::Weekly { start_day: 4, start: time(18), end_day: 0, end: time(8) },
        );
        assert!(holds(&freeze, "2026-03-06T17:00:00Z") && holds(&freeze, "2026-03-09T06:59:59Z"));
        assert!(!holds(&freeze, "2026-03-06T16:59:59Z") && !holds(&freeze, "2026-03-09T07:00:00Z"));
    }

    #[test]
    fn equal_ends_are_a_whole_turn_and_midnight_may_be_an_end() {
        let all = window("UTC", daily(DaySet::ALL, (9, 0), (9, 0)));
        let day = window("UTC", daily(DaySet::range(0, 0), (0, 0), (24, 0)));
        assert!(holds(&all, "2026-03-02T08:59:00Z") && holds(&all, "2026-03-02T09:00:00Z"));
        assert!(holds(&day, "2026-03-02T23:59:59Z") && !holds(&day, "2026-03-03T00:00:00Z"));
    }

    #[test]
    fn validity_includes_its_start_and_excludes_its_end() {
        let clause = Active { zone: "UTC".into(), recurrence: None, from: Some(100), until: Some(200) };
        let window = Watched::new(&Window::new(vec![clause])).unwrap();
        let at = |second, nanosecond| Timestamp::new(second, nanosecond).unwrap();
        assert!(!window.contains(at(99, 999_999_999)) && window.contains(at(100, 0)));
        assert!(window.contains(at(199, 999_999_999)) && !window.contains(at(200, 0)));
    }

    #[test]
    fn an_unknown_zone_is_named() {
        let mut clause = Active { zone: "Europe/Berlni".into(), recurrence: None, from: None, until: None };
        assert!(Watched::new(&Window::new(vec![clause.clone()])).is_ok(), "only recurring parts read it");
        clause.recurrence = Some(daily(DaySet::ALL, (1, 0), (2, 0)));
        assert_eq!(Watched::new(&Window::new(vec![clause])).err().as_deref(), Some("Europe/Berlni"));
    }
}
