//! Over which time usage adds up.

use jiff::Timestamp;
use ordain_ir::{Accumulation, Period};

use crate::period::{Calendar, begin as begin_of, instant};

/// A rolling period is counted in so many parts.
const PARTS: i64 = 60;

/// The usage that counts for one request under one limit, out of all that the limit has counted for one subject. Usage is
/// kept under an instant, its [key](Span::key), and what counts lies between [two](Span::keys).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Span {
    /// That of the calendar period which begins at this second since 1970.
    Calendar(i64),
    /// That of any stretch as long as the period around the request.
    ///
    /// The period is cut into sixtieths that are aligned to 1970: seconds, minutes, 24 minutes, 168 minutes, 12 hours. From
    /// the request's own, all of the sixty before it and of the sixty after it count, so that whatever lies within a period
    /// of the request does, in whichever order requests come, and nothing that lies more than a sixtieth further.
    Rolling {
        /// How long it is.
        period: Period,
        /// The number since 1970 of the part in which the request lies.
        part: i64,
    },
    /// What requests hold that have begun and not ended.
    Concurrent {
        /// The second since 1970 at which the month begins in which the request does: under it that is kept, so that what is
        /// old can be forgotten.
        month: i64,
    },
}

/// The length of a rolling period, in seconds.
const fn length(period: Period) -> i64 {
    match period {
        Period::Minute => 60,
        Period::Hour => 3_600,
        Period::Day => 86_400,
        Period::Week => 7 * 86_400,
        Period::Month => 30 * 86_400,
    }
}

impl Span {
    /// The instant under which the request's own usage is kept.
    pub fn key(self) -> Timestamp {
        match self {
            Self::Calendar(start) | Self::Concurrent { month: start } => instant(start),
            Self::Rolling { period, part } => begin(period, part),
        }
    }

    /// The instants from which, and up to which, what is kept under them counts; both included.
    pub fn keys(self) -> (Timestamp, Timestamp) {
        match self {
            Self::Calendar(start) => (instant(start), instant(start)),
            Self::Rolling { period, part } => (begin(period, part - PARTS), begin(period, part + PARTS)),
            Self::Concurrent { .. } => (Timestamp::MIN, Timestamp::MAX),
        }
    }

    /// The instants between which [`room`](crate::Engine::room) looks; both included.
    pub fn horizon(self) -> (Timestamp, Timestamp) {
        match self {
            Self::Rolling { period, part } => (self.keys().0, begin(period, part + 3 * PARTS)),
            _ => self.keys(),
        }
    }

    /// Whether usage goes on counting once its request has ended.
    pub fn outlasts_requests(self) -> bool {
        !matches!(self, Self::Concurrent { .. })
    }

    /// Since when usage counts, where that is a matter of time.
    pub fn since(self) -> Option<Timestamp> {
        self.outlasts_requests().then(|| self.keys().0)
    }

    /// How long a rolling period is, in seconds.
    pub fn rolling_seconds(self) -> Option<i64> {
        match self {
            Self::Rolling { period, .. } => Some(length(period)),
            _ => None,
        }
    }

    /// When the request's own usage counts no more under a rolling period.
    pub fn ends_at(self) -> Option<Timestamp> {
        match self {
            Self::Rolling { period, part } => Some(begin(period, part + PARTS + 1)),
            _ => None,
        }
    }

    /// The earliest instant after this span's request at which a rolling period has room again: at which what is `used` of a
    /// span `fits`; where what is kept for later takes the room, the one at which nothing counts any more that does now.
    /// `None` where it isn't rolling.
    pub(crate) fn roll(self, used: impl Fn(Self) -> i64, fits: impl Fn(i64) -> bool) -> Option<Timestamp> {
        let Self::Rolling { period, part } = self else { return None };
        let (first, last) = (part + 1, part + 2 * PARTS + 1);
        let fits_at = |part| fits(used(Self::Rolling { period, part }));
        let part = if used(Self::Rolling { period, part: last - 1 }) == 0 {
            // Nothing is kept for later, so that usage only leaves: halve what is left to look at.
            let (mut from, mut to) = (first, last);
            while from < to {
                let middle = i64::midpoint(from, to);
                if fits_at(middle) { to = middle } else { from = middle + 1 }
            }
            to
        } else {
            (first..last).find(|part| fits_at(*part)).unwrap_or(last)
        };
        Some(begin(period, part))
    }
}

/// The first instant of a part of a rolling period.
fn begin(period: Period, part: i64) -> Timestamp {
    instant(part * (length(period) / PARTS))
}

/// How usage adds up, ready to be asked of an instant.
#[derive(Clone, Debug)]
pub(crate) enum Adding {
    Calendar(Calendar),
    Rolling(Period),
    Concurrent,
}

impl Adding {
    /// An unknown zone is the error.
    pub(crate) fn new(accumulation: &Accumulation) -> Result<Self, String> {
        Ok(match accumulation {
            Accumulation::Calendar { period, zone } => {
                Self::Calendar(Calendar::new(*period, zone).ok_or_else(|| zone.to_string())?)
            }
            Accumulation::Rolling(period) => Self::Rolling(*period),
            Accumulation::Concurrent => Self::Concurrent,
        })
    }

    /// The span of a request at a second since 1970.
    #[inline]
    pub(crate) fn span(&self, second: i64) -> Span {
        match self {
            Self::Calendar(calendar) => Span::Calendar(calendar.start_second(second)),
            Self::Rolling(period) => {
                Span::Rolling { period: *period, part: second.div_euclid(length(*period) / PARTS) }
            }
            Self::Concurrent => Span::Concurrent { month: begin_of(Period::Month, second) },
        }
    }

    /// When the calendar period ends in which an instant lies.
    pub(crate) fn end(&self, at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Calendar(calendar) => Some(calendar.end(at)),
            Self::Rolling(_) | Self::Concurrent => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::second;

    fn rolling(period: Period, at: &str) -> Span {
        Adding::new(&Accumulation::Rolling(period)).unwrap().span(second(at.parse().unwrap()))
    }

    #[test]
    fn rolling_periods_are_counted_in_sixtieths() {
        let at = "2026-03-02T10:20:30.9Z";
        for (period, key, from, to) in [
            (Period::Minute, "2026-03-02T10:20:30Z", "2026-03-02T10:19:30Z", "2026-03-02T10:21:30Z"),
            (Period::Hour, "2026-03-02T10:20:00Z", "2026-03-02T09:20:00Z", "2026-03-02T11:20:00Z"),
            (Period::Day, "2026-03-02T10:00:00Z", "2026-03-01T10:00:00Z", "2026-03-03T10:00:00Z"),
            (Period::Week, "2026-03-02T07:36:00Z", "2026-02-23T07:36:00Z", "2026-03-09T07:36:00Z"),
            (Period::Month, "2026-03-02T00:00:00Z", "2026-01-31T00:00:00Z", "2026-04-01T00:00:00Z"),
        ] {
            let span = rolling(period, at);
            let found = (span.key().to_string(), span.keys().0.to_string(), span.keys().1.to_string());
            assert_eq!(found, (key.to_owned(), from.to_owned(), to.to_owned()), "{period}");
            assert_eq!(span.since(), Some(span.keys().0));
        }
        assert_eq!(
            rolling(Period::Minute, "1969-12-31T23:59:59.5Z").key().to_string(),
            "1969-12-31T23:59:59Z"
        );
    }

    #[test]
    fn what_is_kept_by_the_month_counts_whenever_it_began() {
        let span = Adding::Concurrent.span(second("2026-03-02T10:20:30Z".parse().unwrap()));
        assert_eq!(span.key().to_string(), "2026-03-01T00:00:00Z");
        assert_eq!((span.keys(), span.since()), ((Timestamp::MIN, Timestamp::MAX), None));
        assert!(!span.outlasts_requests());
    }

    #[test]
    fn the_ends_of_time_are_no_panic() {
        for period in Period::ALL {
            for at in [Timestamp::MIN, Timestamp::MAX] {
                let span = Adding::Rolling(*period).span(second(at));
                assert!(span.keys().0 <= span.key() && span.key() <= span.keys().1, "{period} {at}");
                assert!(span.key() <= at, "{period} {at}");
            }
        }
    }
}
