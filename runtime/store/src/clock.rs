//! Time, through a trait, so that answers can be replayed.

use std::sync::Mutex;

use jiff::{Timestamp, Unit};

/// Where the present instant comes from. The program that starts everything has the one real clock.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// A clock that stands still until it is set, for tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that shows this instant.
    pub fn new(at: Timestamp) -> Self {
        Self(Mutex::new(at))
    }

    /// Sets it.
    pub fn set(&self, at: Timestamp) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = at;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The instant without what is finer than a microsecond: the resolution of every store.
pub fn to_microsecond(at: Timestamp) -> Timestamp {
    from_microseconds(at.as_microsecond()).unwrap_or(at)
}

/// The instant this many microseconds after 1970; `None` outside the years -9999 to 9999.
pub fn from_microseconds(microseconds: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(microseconds).ok()
}

/// Bounds of a time filter in microseconds since 1970, `after` rounded up and `before` rounded down to what
/// is stored, both drawn into the years 1 to 9999, which every database knows.
pub fn clamped_microseconds(
    after: Option<Timestamp>,
    before: Option<Timestamp>,
) -> (Option<i64>, Option<i64>) {
    // 0001-01-01T00:00:00Z and 9999-12-30T22:00:00Z (the latest that jiff knows), in microseconds.
    const FIRST: i64 = -62_135_596_800_000_000;
    const LAST: i64 = 253_402_207_200_000_000;
    let round = |at: Timestamp, mode| {
        let nearest = jiff::TimestampRound::new().smallest(Unit::Microsecond).mode(mode);
        at.round(nearest).unwrap_or(at).as_microsecond().clamp(FIRST, LAST)
    };
    (after.map(|at| round(at, jiff::RoundMode::Ceil)), before.map(|at| round(at, jiff::RoundMode::Floor)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_round_towards_the_inside() {
        let at: Timestamp = "2026-01-01T00:00:00.0000005Z".parse().unwrap();
        let whole = at.as_microsecond();
        assert_eq!(clamped_microseconds(Some(at), Some(at)), (Some(whole + 1), Some(whole)));
        assert_eq!(to_microsecond(at).as_microsecond(), whole);
        let (first, last) = clamped_microseconds(Some(Timestamp::MIN), Some(Timestamp::MAX));
        assert_eq!(from_microseconds(first.unwrap()).unwrap().to_string(), "0001-01-01T00:00:00Z");
        assert_eq!(from_microseconds(last.unwrap()).unwrap().to_string(), "9999-12-30T22:00:00Z");
    }
}
