//! What the checker of certificates knows of windows and of clocks on walls.

use std::collections::BTreeSet;

use jiff::Timestamp;
use ordain_ir::{Limit, Policies, Recurrence, Window, zone};

/// A limit's windows: its own, and that of the rule to which it is confined.
pub(super) fn windows<'a>(limit: &'a Limit, policies: &'a Policies) -> impl Iterator<Item = &'a Window> {
    let rule = limit.rule.as_ref().and_then(|name| policies.rules.get(name));
    [&limit.window].into_iter().chain(rule.map(|rule| &rule.window))
}

/// Instants of a stretch between which no window changes: windows change at whole minutes, or at the instants that
/// they name. Where none ever does, one every so many seconds.
pub(super) fn samples(windows: &[&Window], (start, end): (i64, i64), step: i64) -> BTreeSet<i64> {
    let step = if windows.iter().all(|window| window.is_always()) { step } else { step.min(60) };
    let step = usize::try_from(step).unwrap_or(1);
    let named = windows.iter().flat_map(|w| &w.clauses).flat_map(|c| [c.from, c.until]).flatten();
    (start..end).step_by(step).chain(named.filter(|at| (start..end).contains(at))).collect()
}

/// Whether the window contains an instant: the clock on the wall decides.
pub(super) fn is_active(window: &Window, at: i64) -> bool {
    window.clauses.is_empty()
        || window.clauses.iter().any(|clause| {
            let valid = clause.from.is_none_or(|from| from <= at) && clause.until.is_none_or(|end| at < end);
            let Some(recurrence) = &clause.recurrence else { return valid };
            let (Some(zone), Ok(instant)) = (zone::find(&clause.zone), Timestamp::from_second(at)) else {
                return false;
            };
            let local = zone.to_datetime(instant);
            let day = u8::try_from(local.weekday().to_monday_zero_offset()).unwrap_or(0);
            let minute = u32::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap_or(0);
            valid
                && match recurrence {
                    Recurrence::Daily { days, start, end } if start < end => {
                        days.contains(day) && (u32::from(start.0)..u32::from(end.0)).contains(&minute)
                    }
                    Recurrence::Daily { days, start, end } => {
                        (days.contains(day) && minute >= u32::from(start.0))
                            || (days.contains((day + 6) % 7) && minute < u32::from(end.0))
                    }
                    Recurrence::Weekly { start_day, start, end_day, end } => {
                        let of_week = |day: u8, minute: u32| u32::from(day % 7) * 1_440 + minute;
                        let now = of_week(day, minute);
                        let (start, end) =
                            (of_week(*start_day, u32::from(start.0)), of_week(*end_day, u32::from(end.0)));
                        if start < end { (start..end).contains(&now) } else { now >= start || now < end }
                    }
                }
        })
}
