//! What is forgotten, little by little.

use jiff::{SignedDuration, Timestamp};

use crate::to_microsecond;

/// A part of what is old, to be forgotten in one transaction.
///
/// How old something is nobody can tell but by a clock, and a clock may be wrong. So a store remembers the instant that
/// it took for the present when it last forgot something, and takes none that is much later: a clock that is years ahead
/// finds little more to forget than one that is right, for as long as it takes to notice.
#[derive(Clone, Copy, Debug)]
pub struct Forget {
    /// The present by the clock.
    pub now: Timestamp,
    /// How long counters are kept after the instant under which they count.
    pub counters: SignedDuration,
    /// How long decisions are kept after they were taken.
    pub decisions: SignedDuration,
    /// How much later than the last time the present may be taken to be; nothing, to go on with what was begun.
    pub step: SignedDuration,
    /// How many rows of each table may go at once.
    pub most: u32,
}

/// How far forgetting has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The latest instant that was taken for the present.
    pub present: Timestamp,
    /// Counters before it that hold nothing are forgotten, gone or not.
    pub counters_before: Timestamp,
}

/// What may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Counters under an instant before this one.
    pub counters_before: Timestamp,
    /// Decisions that were taken before this.
    pub decisions_before: Timestamp,
}

impl Forget {
    /// What may go, and how far that comes, after what was done before; `oldest` is the instant of the oldest counter.
    pub fn cut(&self, before: Option<Progress>, oldest: Option<Timestamp>) -> (Cut, Progress) {
        let latest = match before {
            Some(before) => before.present.saturating_add(self.step).unwrap_or(Timestamp::MAX),
            None => oldest.unwrap_or(self.now),
        };
        let present = to_microsecond(self.now.min(latest));
        let ago = |age| present.saturating_sub(age).unwrap_or(Timestamp::MIN);
        let cut = Cut { counters_before: ago(self.counters), decisions_before: ago(self.decisions) };
        let reached = Progress { present, counters_before: cut.counters_before };
        let progress = before.map_or(reached, |before| Progress {
            present: before.present.max(reached.present),
            counters_before: before.counters_before.max(reached.counters_before),
        });
        (cut, progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(day * DAY).unwrap()
    }

    fn forget(now: i64) -> Forget {
        let days = |days: i64| SignedDuration::from_secs(days * DAY);
        Forget { now: day(now), counters: days(60), decisions: days(2), step: days(1), most: 10 }
    }

    #[test]
    fn the_present_comes_step_by_step() {
        let (cut, first) = forget(1_000).cut(None, Some(day(990)));
        assert_eq!(cut, Cut { counters_before: day(930), decisions_before: day(988) });
        assert_eq!(first, Progress { present: day(990), counters_before: day(930) });
        let (cut, second) = forget(1_000).cut(Some(first), Some(day(990)));
        assert_eq!((cut.counters_before, second.present), (day(931), day(991)));
        // Where nothing is counted there is nothing to lose.
        assert_eq!(forget(1_000).cut(None, None).1.present, day(1_000));
        // A step is no more than the clock says.
        let there = Progress { present: day(1_000), counters_before: day(940) };
        assert_eq!(
            forget(1_000).cut(Some(there), None),
            (Cut { counters_before: day(940), decisions_before: day(998) }, there)
        );
    }

    #[test]
    fn a_clock_that_is_ahead_finds_little_more_and_one_that_is_set_back_less() {
        let mut progress = Progress { present: day(1_000), counters_before: day(940) };
        for _ in 0..20 {
            progress = forget(3_000).cut(Some(progress), None).1;
        }
        assert_eq!(progress, Progress { present: day(1_020), counters_before: day(960) });
        let (cut, after) = forget(1_001).cut(Some(progress), None);
        assert_eq!((cut.counters_before, after), (day(941), progress));
    }

    #[test]
    fn the_ends_of_time_are_no_panic() {
        for now in [Timestamp::MIN, Timestamp::MAX] {
            let ends = Progress { present: now, counters_before: now };
            for before in [None, Some(ends)] {
                let (cut, _) = Forget { now, ..forget(0) }.cut(before, Some(now));
                assert!(cut.counters_before <= now);
            }
        }
    }
}
