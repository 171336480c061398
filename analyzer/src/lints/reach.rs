//! Ceilings that can't be reached: other limits keep usage below them anyway.
//!
//! Hard limits that speak about all requests of a ceiling, for whole subjects of its partition, hold its usage down:
//! a ceiling of a longer period by its amount; others by their amount in each of their periods that meets the times at
//! which the ceiling speaks, within one of its own; a cooldown of `c` by `1 + ⌊L/c⌋` runs; and what one run may use, times the runs. Those are the axioms
//! of contradictions, on one cell.

use std::sync::Arc;

use ordain_ir::{Accumulation, Clause, Direction, Limit, Meter, Period, PolicyName, Quantity};

use super::Lint;
use super::limits::{Search, lint_of};
use crate::calendar::{self, Calendar, Periods};
use crate::words::bound;

/// At most so much, because of these limits.
struct Cap {
    amount: i128,
    by: Vec<usize>,
}

impl Search<'_, '_, '_> {
    /// The lint of a ceiling that can't be reached. One under a tighter ceiling on the same quantity is told as a
    /// conflict.
    pub(super) fn held_down(&self, at: usize) -> Option<Lint> {
        let limit = self.limit(at);
        if limit.bound.direction != Direction::AtMost {
            return None;
        }
        let cap = match &limit.quantity {
            Quantity::Accumulated(meter, over) => self.most(at, meter, over, &self.held(over)?)?,
            // What one run uses is at most what all runs of a period use.
            Quantity::PerRun(meter) => least(
                self.around(at, |other| matches!(other, Quantity::Accumulated(of, _) if of == meter))
                    .into_iter()
                    .filter_map(|other| Some((self.ceiling(other)?, vec![other]))),
            )?,
            Quantity::RiskCeiling | Quantity::Cooldown => return None,
        };
        if cap.amount > i128::from(limit.bound.value) {
            return None;
        }
        let context = self.context;
        let others: Vec<&Limit> = cap.by.iter().map(|other| self.limit(*other)).collect();
        let names: Vec<&PolicyName> = others.iter().map(|other| &other.name).collect();
        let keep = if names.len() == 1 { "keeps" } else { "keep" };
        let message = format!(
            "{} can never be reached: {} {keep} usage {} anyway",
            context.quoted(&limit.name),
            context.list(&names),
            bound(limit),
        );
        Some(lint_of(limit, Clause::Bound, message, "tighten its bound, or take it out", &others))
    }

    /// What one counter of a ceiling holds; `None` where no other ceiling says how much that is at most.
    fn held(&self, over: &Accumulation) -> Option<Held> {
        Some(match self.context.algebra.calendars().periods(over).ok()?? {
            Periods::Calendar(period, calendar) => Held::Period(period, calendar),
            Periods::Rolling(period) => {
                let length = calendar::rolling(period);
                Held::Stretch(2 * length + length / 60)
            }
        })
    }

    /// The most of a meter that a limit's requests can use in what one counter holds, as far as other quantities say.
    fn most(&self, at: usize, meter: &Meter, over: &Accumulation, held: &Held) -> Option<Cap> {
        let own = &self.limit(at).quantity;
        let by_sums = self
            .around(at, |other| other != own && matches!(other, Quantity::Accumulated(of, _) if of == meter))
            .into_iter()
            .filter_map(|other| {
                let Quantity::Accumulated(_, of) = &self.limit(other).quantity else { return None };
                let of = self.context.algebra.calendars().periods(of).ok()??;
                Some((self.ceiling(other)?.checked_mul(self.periods(at, &of, held)?)?, vec![other]))
            });
        let by_runs: Vec<(i128, Vec<usize>)> = if *meter == Meter::Runs {
            let cooldowns = self.around(at, |other| *other == Quantity::Cooldown).into_iter();
            let length = i128::from(held.longest()) * 1_000;
            cooldowns
                .filter(|other| self.limit(*other).bound.value > 0)
                .map(|other| (1 + length / i128::from(self.limit(other).bound.value), vec![other]))
                .collect()
        } else {
            let one = self
                .around(at, |other| matches!(other, Quantity::PerRun(of) if of == meter))
                .into_iter()
                .filter_map(|other| Some((self.ceiling(other)?, vec![other])));
            match least(one) {
                None => vec![],
                Some(one) => {
                    let runs = self.most_runs(at, over, held);
                    let both = runs.and_then(|runs| {
                        Some((one.amount.checked_mul(runs.amount)?, [one.by, runs.by].concat()))
                    });
                    both.into_iter().collect()
                }
            }
        };
        least(by_sums.chain(by_runs))
    }

    /// The most runs that one counter holds.
    fn most_runs(&self, at: usize, over: &Accumulation, held: &Held) -> Option<Cap> {
        let same = self
            .around(at, |other| matches!(other, Quantity::Accumulated(Meter::Runs, of) if of == over))
            .into_iter()
            .filter_map(|other| Some((self.ceiling(other)?, vec![other])));
        let others = self.most(at, &Meter::Runs, over, held).map(|cap| (cap.amount, cap.by));
        least(same.chain(others))
    }

    /// The bound of a ceiling.
    fn ceiling(&self, at: usize) -> Option<i128> {
        let bound = self.limit(at).bound;
        (bound.direction == Direction::AtMost).then(|| i128::from(bound.value))
    }

    /// The most periods of a kind that hold what one counter of a limit counts.
    fn periods(&self, at: usize, of: &Periods, held: &Held) -> Option<i128> {
        let (period, calendar) = match held {
            Held::Stretch(length) => return Some(of.most_touching(*length).into()),
            Held::Period(period, calendar) => (*period, calendar),
        };
        let one_calendar = of.are_of(calendar);
        if one_calendar && (of.period() == period || calendar::nests(period, of.period())) {
            return Some(1);
        }
        let in_step = of.keep_step_with(calendar, period);
        let most = if (one_calendar && calendar::nests(of.period(), period)) || in_step {
            of.most_whole(held.longest()).max(1)
        } else {
            of.most_touching(held.longest())
        };
        let most = i128::from(most);
        let window = &self.context.limits[at].domain.window;
        let always = Arc::ptr_eq(window, self.context.algebra.windows().horizon());
        // What rolls fits everywhere, and of minutes there are too many to look at each.
        let rolls = matches!(of, Periods::Rolling(_));
        if always && (one_calendar || rolls || in_step || period == Period::Minute) {
            return Some(most);
        }
        let parts = window.parts();
        let (mut second, mut found) = (parts.first()?.0, 0);
        while let Some((start, _)) = parts.get(parts.partition_point(|part| part.1 <= second)) {
            let stretch = calendar.containing(period, second.max(*start));
            // Within an endless window all of a period counts, also where the horizon ends.
            let touched = if always {
                of.touching(stretch, &[stretch])
            } else {
                of.touching(stretch, window.clipped(stretch.0, stretch.1).parts())
            };
            found = found.max(i128::from(touched));
            if found >= most {
                break;
            }
            second = stretch.1;
        }
        Some(found)
    }
}

/// What one counter of a ceiling holds.
enum Held {
    /// The usage of a period of a calendar.
    Period(Period, Arc<Calendar>),
    /// That of some stretch of so many seconds: what rolls is counted in buckets of a sixtieth, and of them the sixty
    /// before and behind that of a request, since requests may come late.
    Stretch(i64),
}

impl Held {
    /// The most seconds.
    fn longest(&self) -> i64 {
        match self {
            Self::Period(period, calendar) => calendar.lengths(*period).last().copied().unwrap_or(0),
            Self::Stretch(length) => *length,
        }
    }
}

/// The least amount; of equal ones that which rests on the fewest limits, then on the first by name.
fn least(caps: impl Iterator<Item = (i128, Vec<usize>)>) -> Option<Cap> {
    let (amount, _, by) = caps.map(|(amount, by)| (amount, by.len(), by)).min()?;
    Some(Cap { amount, by })
}
