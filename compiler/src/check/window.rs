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
            let message = format!("`{}` is no day of the week", name.text);
            let error = self.error(codes::UNKNOWN_WORD, name.span, message);
            let lower = name.text.to_lowercase();
            let near = DAY_NAMES.iter().copied().find(|day| lower.starts_with(day));
            self.report(match near.or_else(|| nearest(&lower, DAY_NAMES)) {
                Some(near) => error.help(format!("write `{near}`")).fix(format!("write `{near}`"), near),
                None => {
                    error.help(format!("the days are {}", DAY_NAMES.map(|day| format!("`{day}`")).join(", ")))
                }
            });
        }
        day
    }

    pub(super) fn time(&mut self, name: &Name, end: bool) -> Option<TimeOfDay> {
        let parts = name.text.split_once(':');
        let time = parts.and_then(|(hour, minute)| TimeOfDay::new(hour.parse().ok()?, minute.parse().ok()?));
        let fits = time.filter(|time| end || time.0 < TimeOfDay::DAY);
        if fits.is_none() {
            let error = self.error(codes::BAD_TIME, name.span, format!("`{}` is no time of day", name.text));
            self.report(match time {
                Some(_) => error
                    .help("a day begins at `00:00`; `24:00` is only an end")
                    .fix("write `00:00`", "00:00"),
                None if parts.is_none() => error.help("write for example `18:00`"),
                None => error.help("times of day go from `00:00` to `24:00`"),
            });
        }
        fits
    }

    /// An instant, or the start of a day in the zone, in seconds since 1970.
    pub(super) fn moment(&mut self, name: &Name, tz: &TimeZone) -> Option<i64> {
        let text = name.text.as_str();
        let at = match read_moment(text, tz) {
            Ok(at) => at,
            Err(BadMoment { message, help, instead }) => {
                let error = self.error(codes::BAD_DATE, name.span, message).help(help);
                self.report(match instead {
                    Some(instead) => error.fix(format!("write `{instead}`"), instead),
                    None => error,
                });
                return None;
            }
        };
        let refuse = |this: &mut Self, message: String, help: &str| {
            let error = this.error(codes::BAD_DATE, name.span, message);
            this.report(error.help(help));
            None
        };
        if !YEARS.contains(&at.to_zoned(TimeZone::UTC).year()) {
            let help = "dates lie between the years 1970 and 2199; of a window leave an open end out";
            return refuse(self, format!("`{text}` is too far away"), help);
        }
        if at.subsec_nanosecond() != 0 {
            return refuse(self, format!("`{text}` is no whole second"), "leave the fraction out");
        }
        Some(at.as_second())
    }
}

/// Why a text is no date and no instant.
struct BadMoment {
    message: String,
    help: String,
    instead: Option<String>,
}

fn read_moment(text: &str, tz: &TimeZone) -> Result<Timestamp, BadMoment> {
    if let Some((date, time)) = text.split_once('T') {
        return text.parse::<Timestamp>().map_err(|_| {
            if text.parse::<civil::DateTime>().is_ok() {
                let instead = format!("{text}Z");
                return BadMoment {
                    message: format!("`{text}` does not say in which zone"),
                    help: format!(
                        "end it with `Z` for UTC, as `{instead}`, or with an offset such as `+02:00`"
                    ),
                    instead: Some(instead),
                };
            }
            let instead = last_of_month(date).map(|date| format!("{date}T{time}"));
            let instead = instead.filter(|instead| instead.parse::<Timestamp>().is_ok());
            BadMoment {
                message: format!("`{text}` is no instant"),
                help: match &instead {
                    Some(instead) => format!("that month ends earlier: `{instead}`"),
                    None => "write one that exists, such as `2026-03-01T08:00:00Z`".to_owned(),
                },
                instead,
            }
        });
    }
    let midnight = text.parse::<Date>().ok().and_then(|date| date.to_zoned(tz.clone()).ok());
    midnight.map(|midnight| midnight.timestamp()).ok_or_else(|| {
        let instead = last_of_month(text).map(|date| date.to_string());
        BadMoment {
            message: format!("`{text}` is no date"),
            help: match &instead {
                Some(instead) => format!("that month ends earlier: `{instead}`"),
                None => "write a date that exists, such as `2026-03-01`".to_owned(),
            },
            instead,
        }
    })
}

/// The last day of a month, for a date with a day behind it: `2026-02-28` for `2026-02-30`.
fn last_of_month(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let first = Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()?;
    let day: u32 = day.parse().ok()?;
    (parts.next().is_none() && year.len() == 4 && (29..=31).contains(&day)).then(|| first.last_of_month())
}
