//! What was learned a short while ago isn't learned again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{DEBOUNCE, LessonType};
use crate::to_microsecond;

/// What counts as the same thing learned again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Debounce {
    /// The lesson's type.
    pub lesson_type: LessonType,
    /// What it is about: a limit or a metric, or whose success it was.
    pub metric: String,
    /// How near to the bound; empty where there is none.
    pub band: String,
    /// Whether it was made up: what is real is learned all the same.
    pub is_synthetic: bool,
}

/// When things were last learned, as far as anybody has looked. Stores read what they need, let this decide, and write
/// what has changed, in one transaction.
#[derive(Clone, Debug, Default)]
pub struct Debounces {
    last: BTreeMap<Debounce, Timestamp>,
    changed: BTreeSet<Debounce>,
}

impl Debounces {
    /// From what was kept.
    pub fn new(last: impl IntoIterator<Item = (Debounce, Timestamp)>) -> Self {
        Self { last: last.into_iter().collect(), changed: BTreeSet::new() }
    }

    /// Whether it is learned at this instant: not within 24 hours of the last time, in either direction, since the clock
    /// may have been set back; what is further ahead was written by a clock that was wrong.
    pub fn admits(&mut self, what: &Debounce, at: Timestamp) -> bool {
        let at = to_microsecond(at);
        if self.last.get(what).is_some_and(|last| last.duration_since(at).abs() < DEBOUNCE) {
            return false;
        }
        self.last.insert(what.clone(), at);
        self.changed.insert(what.clone());
        true
    }

    /// What was admitted, and when last, in one order.
    pub fn changed(&self) -> impl Iterator<Item = (&Debounce, Timestamp)> {
        self.changed.iter().filter_map(|what| Some((what, *self.last.get(what)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(metric: &str, band: &str) -> Debounce {
        Debounce {
            lesson_type: LessonType::NearThreshold,
            metric: metric.to_owned(),
            band: band.to_owned(),
            is_synthetic: false,
        }
    }

    #[test]
    fn a_day_lies_between_two_lessons() {
        const HOUR: i64 = 3_600_000_000;
        let at =
            |microseconds: i64| Timestamp::from_microsecond(1_772_445_600_000_000 + microseconds).unwrap();
        let near = of("cap", "85-90");
        let mut debounces = Debounces::new([(near.clone(), at(0))]);
        for inside in [0, 1, 24 * HOUR - 1, -1, 1 - 24 * HOUR] {
            assert!(!debounces.admits(&near, at(inside)), "{inside}");
        }
        assert_eq!(debounces.changed().count(), 0);
        for outside in [24 * HOUR, -24 * HOUR] {
            assert!(Debounces::new([(near.clone(), at(0))]).admits(&near, at(outside)), "{outside}");
        }
        assert!(debounces.admits(&of("cap", "90-95"), at(1)), "each band for itself");
        assert!(debounces.admits(&of("other", "85-90"), at(1)), "each metric for itself");
        assert!(debounces.admits(&Debounce { is_synthetic: true, ..near.clone() }, at(1)));
        assert!(debounces.admits(&near, at(24 * HOUR)) && !debounces.admits(&near, at(48 * HOUR - 1)));
        assert_eq!(debounces.changed().filter(|(what, _)| **what == near).count(), 1);
    }
}
