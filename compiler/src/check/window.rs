//! Windows.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use ordain_grammar::ast::{self, Name};
use ordain_grammar::suggest::nearest;
use ordain_ir::window::DAY_NAMES;
use ordain_ir::{Active, DaySet, Recurrence, TimeOfDay, codes, zone};

use super::Checker;

/// Years in which a validity may begin or end: what is compared is the time between them, minute by minute.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=2199;

impl Checker<'_> {
    /// Reads one `active` clause; `None` after an error.
    pub(super) fn window(&mut self, window: &ast::Window) -> Option<Active> {
        for (names, what) in [(&window.zones, "in"), (&window.from, "from"), (&window.until, "until")] {
            for again in names.iter().skip(1) {
                let error = self.error(codes::DUPLICATE_CLAUSE, again.span, format!("`{what}` stands twice"));
                self.report(error.and_at(self.path, names[0].span, "the first one"));
            }
        }
        let zone = match window.zones.first() {
            None => Some(("UTC".to_owned(), TimeZone::UTC)),
            Some(name) => self.zone(name),
        };
        let recurrence = window.recurrence.as_ref().map(|recurrence| self.recurrence(recurrence));
        // A date needs the zone; without one it is read in UTC, for its other errors.
        let tz = zone.as_ref().map_or(TimeZone::UTC, |(_, tz)| tz.clone());
        let from = window.from.first().map(|name| self.moment(name, &tz));
        let until = window.until.first().map(|name| self.moment(name, &tz));
        let (zone, _) = zone?;
        // What is not written is fine, what has an error is not.
        let recurrence = if let Some(read) = recurrence { Some(read?) } else { None };
        let from = if let Some(read) = from { Some(read?) } else { None };
        let until = if let Some(read) = until { Some(read?) } else { None };
        if let (Some(from), Some(until)) = (from, until)
            && from >= until
        {
            let message = "the window ends before it begins, so it contains no instant";
            let error = self.error(codes::EMPTY_WINDOW, window.span, message);
            self.report(
                error.help("starts are inclusive and ends exclusive: `from` must be earlier than `until`"),
            );
            return None;
        }
        Some(Active { zone, recurrence, from, until })
    }

    pub(super) fn zone(&mut self, name: &Name) -> Option<(String, TimeZone)> {
        if let Some(tz) = zone::find(&name.text) {
            return Some((tz.iana_name().unwrap_or("UTC").to_owned(), tz));
        }
        let known = zone::names();
        // `Berlin` is as clear as `Europe/Berlin`.
        let city = |zone: &&String| {
            zone.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(&name.text))
        };
        let near = known.iter().find(city).map(String::as_str);
        let near = near.or_else(|| nearest(&name.text, known.iter().map(String::as_str)));
        let error = self.error(codes::UNKNOWN_ZONE, name.span, format!("unknown time zone `{}`", name.text));
        self.report(match near {
            Some(near) => error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near),
            None => error.help("zones have the names of the IANA database, such as `Europe/Berlin` or `UTC`"),
        });
        None
    }

    fn recurrence(&mut self, recurrence: &ast::Recurrence) -> Option<Recurrence> {
        match recurrence {
            ast::Recurrence::Weekly([start_day, start, end_day, end]) => {
                let (start_day, end_day) = (self.day(start_day), self.day(end_day));
                let (start, end) = (self.time(start, false), self.time(end, true));
                Some(Recurrence::Weekly {
                    start_day: start_day?,
                    start: start?,
                    end_day: end_day?,
                    end: end?,
                })
            }
            ast::Recurrence::Daily { days, times } => {
                let mut set = if days.is_empty() { DaySet::ALL } else { DaySet(0) };
                let mut failed = false;
                for (first, last) in days {
                    let start = self.day(first);
                    // One day is a span from itself to itself; it has been read already.
                    let end = if first == last { start } else { self.day(last) };
                    match (start, end) {
                        (Some(start), Some(end)) => set.0 |= DaySet::range(start, end).0,
                        _ => failed = true,
                    }
                }
                let (start, end) = match times {
                    Some((start, end)) => (self.time(start, false), self.time(end, true)),
                    None => (Some(TimeOfDay(0)), Some(TimeOfDay(TimeOfDay::DAY))),
                };
                if failed {
                    return None;
                }
                Some(Recurrence::Daily { days: set, start: start?, end: end? })
            }
        }
    }

    /// 0 is Monday.
    fn day(&mut self, name: &Name) -> Option<u8> {
        let day = DAY_NAMES.iter().position(|day| *day == name.text).and_then(|day| u8::try_from(day).ok());
        if day.is_none() {
            let error =
                self.error(codes::BAD_TIME, name.span, format!("`{}` is no day of the week", name.text));
            let lower = name.text.to_lowercase();
            let near = DAY_NAMES.iter().copied().find(|day| lower.starts_with(day));
            self.report(match near {
                Some(near) => error.help(format!("write `{near}`")).fix(format!("write `{near}`"), near),
                None => error.help(format!("the days are {}", DAY_NAMES.join(", "))),
            });
        }
        day
    }

    pub(super) fn time(&mut self, name: &Name, end: bool) -> Option<TimeOfDay> {
        let (hour, minute) = name.text.split_once(':')?;
        let time = hour.parse().ok().zip(minute.parse().ok()).and_then(|(h, m)| TimeOfDay::new(h, m));
        let fits = time.filter(|time| end || time.0 < TimeOfDay::DAY);
        if fits.is_none() {
            let error = self.error(codes::BAD_TIME, name.span, format!("`{}` is no time of day", name.text));
            self.report(match time {
                Some(_) => error
                    .help("a day begins at `00:00`; `24:00` is only an end")
                    .fix("write `00:00`", "00:00"),
                None => error.help("times of day go from `00:00` to `24:00`"),
            });
        }
        fits
    }

    /// An instant, or the start of a day in the zone, in seconds since 1970.
    pub(super) fn moment(&mut self, name: &Name, tz: &TimeZone) -> Option<i64> {
        let text = name.text.as_str();
        let bad = |this: &mut Self, message: String, help: &str| {
            let error = this.error(codes::BAD_TIME, name.span, message);
            this.report(error.help(help));
            None
        };
        let at = if text.contains('T') {
            match text.parse::<Timestamp>() {
                Ok(at) => at,
                Err(_) if text.parse::<civil::DateTime>().is_ok() => {
                    return bad(
                        self,
                        format!("`{text}` does not say in which zone"),
                        "end it with `Z` for UTC, or with an offset such as `+02:00`",
                    );
                }
                Err(_) => {
                    return bad(
                        self,
                        format!("`{text}` is no instant"),
                        "write for example `2026-03-01T08:00:00Z`",
                    );
                }
            }
        } else {
            let midnight = text.parse::<Date>().ok().and_then(|date| date.to_zoned(tz.clone()).ok());
            match midnight {
                Some(midnight) => midnight.timestamp(),
                None => {
                    return bad(
                        self,
                        format!("`{text}` is no date"),
                        "write a date that exists as `2026-03-01`",
                    );
                }
            }
        };
        if !YEARS.contains(&at.to_zoned(TimeZone::UTC).year()) {
            let help = "windows begin and end between the years 1970 and 2199; leave an open end out";
            return bad(self, format!("`{text}` is too far away"), help);
        }
        if at.subsec_nanosecond() != 0 {
            return bad(self, format!("`{text}` is no whole second"), "leave the fraction out");
        }
        Some(at.as_second())
    }
}
