//! Window membership by the clock on the wall.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ordain_ir::{Active, Recurrence, Window, zone};

use crate::period;

const DAY: u16 = 1440;

/// A window with its zones looked up.
#[derive(Debug)]
pub(crate) struct CompiledWindow {
    /// The union of its clauses; always, if there is none.
    clauses: Vec<Clause>,
}

#[derive(Debug)]
struct Clause {
    from: Option<i64>,
    until: Option<i64>,
    recurring: Option<(TimeZone, Recurrence)>,
}

impl CompiledWindow {
    /// Looks the zones up; an unknown one is the error.
    pub(crate) fn new(window: &Window) -> Result<Self, String> {
        let clause = |active: &Active| {
            let recurring = match &active.recurrence {
                Some(recurrence) => {
                    let zone = zone::find(&active.zone).ok_or_else(|| active.zone.clone())?;
                    Some((zone, recurrence.clone()))
                }
                None => None,
            };
            Ok::<_, String>(Clause { from: active.from, until: active.until, recurring })
        };
        Ok(Self { clauses: window.clauses.iter().map(clause).collect::<Result<_, _>>()? })
    }

    /// Whether the instant lies in the window.
    pub(crate) fn contains(&self, at: Timestamp) -> bool {
        self.clauses.is_empty() || self.clauses.iter().any(|clause| clause.contains(at))
    }
}

impl Clause {
    fn contains(&self, at: Timestamp) -> bool {
        let second = period::second(at);
        self.from.is_none_or(|from| from <= second)
            && self.until.is_none_or(|until| second < until)
            && self.recurring.as_ref().is_none_or(|(zone, recurrence)| {
                let local = zone.to_datetime(at);
                let narrow = |n: i8| u16::from(n.unsigned_abs());
                let day = local.date().weekday().to_monday_zero_offset().unsigned_abs();
                recurs(recurrence, day, narrow(local.hour()) * 60 + narrow(local.minute()))
            })
    }
}

/// Whether a local `day` of the week (0 is Monday) and `minute` of the day lie in the recurring part.
fn recurs(recurrence: &Recurrence, day: u8, minute: u16) -> bool {
    match recurrence {
        Recurrence::Daily { days, start, end } => {
            let (start, end) = (start.0, end.0);
            if start < end {
                days.contains(day) && (start..end).contains(&minute)
            } else {
                // The part after midnight belongs to a stretch that began yesterday.
                (days.contains(day) && minute >= start) || (days.contains((day + 6) % 7) && minute < end)
            }
        }
        Recurrence::Weekly { start_day, start, end_day, end } => {
            let of_week = |day: u8, minute: u16| u16::from(day % 7) * DAY + minute;
            let (start, end) = (of_week(*start_day, start.0), of_week(*end_day, end.0));
            let now = of_week(day, minute);
            if start < end { (start..end).contains(&now) } else { now >= start || now < end }
        }
    }
}

#[cfg(test)]
mod tests {
    use ordain_ir::{DaySet, TimeOfDay};

    use super::*;

    fn window(zone: &str, recurrence: Recurrence) -> CompiledWindow {
        let clause = Active { zone: zone.into(), recurrence: Some(recurrence), from: None, until: None };
        CompiledWindow::new(&Window::new(vec![clause])).unwrap()
    }

    fn daily(days: DaySet, start: (u16, u16), end: (u16, u16)) -> Recurrence {
        let time = |(hour, minute)| TimeOfDay::new(hour, minute).unwrap();
        Recurrence::Daily { days, start: time(start), end: time(end) }
    }

    fn holds(window: &CompiledWindow, at: &str) -> bool {
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
        let window = CompiledWindow::new(&Window::new(vec![clause])).unwrap();
        let at = |second, nanosecond| Timestamp::new(second, nanosecond).unwrap();
        assert!(!window.contains(at(99, 999_999_999)) && window.contains(at(100, 0)));
        assert!(window.contains(at(199, 999_999_999)) && !window.contains(at(200, 0)));
    }

    #[test]
    fn an_unknown_zone_is_named() {
        let mut clause = Active { zone: "Europe/Berlni".into(), recurrence: None, from: None, until: None };
        assert!(
            CompiledWindow::new(&Window::new(vec![clause.clone()])).is_ok(),
            "only recurring parts read it"
        );
        clause.recurrence = Some(daily(DaySet::ALL, (1, 0), (2, 0)));
        assert_eq!(CompiledWindow::new(&Window::new(vec![clause])).unwrap_err(), "Europe/Berlni");
    }
}
