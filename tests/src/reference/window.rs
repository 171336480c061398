//! Windows by the clock on the wall.

use jiff::Timestamp;
use ordain_ir::{Active, Recurrence, Window, zone};

const MINUTES_A_DAY: i64 = 1440;
const MINUTES_A_WEEK: i64 = 7 * MINUTES_A_DAY;

/// Minutes since Monday, 00:00, that the wall clock of a zone shows at a second since 1970.
pub type Clock<'a> = dyn Fn(&str, i64) -> i64 + 'a;

/// The wall clock, by the zone's offset from UTC.
///
/// # Panics
/// If the zone is not known or the instant is beyond the calendar.
pub fn wall_clock(name: &str, second: i64) -> i64 {
    let at = Timestamp::from_second(second).expect("an instant of the calendar");
    let offset = zone::find(name).expect("a known zone").to_offset(at).seconds();
    // 1970-01-01 was a Thursday, three days after a Monday.
    let minutes = (second + i64::from(offset)).div_euclid(60) + 3 * MINUTES_A_DAY;
    minutes.rem_euclid(MINUTES_A_WEEK)
}

/// Whether a second since 1970 lies in the window.
pub fn in_window(window: &Window, second: i64, clock: &Clock<'_>) -> bool {
    window.clauses.is_empty() || window.clauses.iter().any(|clause| in_clause(clause, second, clock))
}

fn in_clause(clause: &Active, second: i64, clock: &Clock<'_>) -> bool {
    if clause.from.is_some_and(|from| second < from) || clause.until.is_some_and(|until| second >= until) {
        return false;
    }
    let Some(recurrence) = &clause.recurrence else { return true };
    let now = clock(&clause.zone, second);
    // Each stretch as a start in the week and a length; one that began before Monday is met by asking how long ago
    // it began, modulo a week.
    let within = |start: i64, length: i64| (now - start).rem_euclid(MINUTES_A_WEEK) < length;
    match recurrence {
        Recurrence::Daily { days, start, end } => {
            let (start, end) = (i64::from(start.0), i64::from(end.0));
            let length = if end > start { end - start } else { end + MINUTES_A_DAY - start };
            days.iter().any(|day| within(i64::from(day) * MINUTES_A_DAY + start, length))
        }
        Recurrence::Weekly { start_day, start, end_day, end } => {
            let start = i64::from(*start_day) * MINUTES_A_DAY + i64::from(start.0);
            let end = i64::from(*end_day) * MINUTES_A_DAY + i64::from(end.0);
            within(start, if end > start { end - start } else { end + MINUTES_A_WEEK - start })
        }
    }
}
