//! Ceilings that can't be reached: other limits keep usage below them anyway.
//!
//! Hard limits that speak about all requests of a ceiling, for whole subjects of its partition, hold its usage down:
//! a ceiling of a longer period by its amount; one of a shorter period by its amount in each such period in which the
//! ceiling speaks; a cooldown of `c` by `1 + ⌊L/c⌋` runs; and what one run may use, times the runs. Those are the axioms
//! of contradictions, on one cell.

use ordain_ir::{Accumulation, Clause, Direction, Limit, Meter, Period, PolicyName, Quantity};

use super::Lint;
use super::limits::{Search, lint_of};
use crate::empty::calendar::{containing, touching};
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
            Quantity::Accumulated(meter, period) => self.most(at, meter, period.utc_period()?)?,
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

    /// The most of a meter that a limit's requests can use in one period, as far as other quantities say.
    fn most(&self, at: usize, meter: &Meter, period: Period) -> Option<Cap> {
        let own = &self.limit(at).quantity;
        let by_sums = self
            .around(at, |other| other != own && matches!(other, Quantity::Accumulated(of, _) if of == meter))
            .into_iter()
            .filter_map(|other| {
                let Quantity::Accumulated(_, of) = &self.limit(other).quantity else { return None };
                let of = of.utc_period()?;
                let times = if of < period { self.periods(at, of, period)? } else { 1 };
                Some((self.ceiling(other)?.checked_mul(times)?, vec![other]))
            });
        let by_runs: Vec<(i128, Vec<usize>)> = if *meter == Meter::Runs {
            let cooldowns = self.around(at, |other| *other == Quantity::Cooldown).into_iter();
            let length = longest(period) * 1_000;
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
                    let runs = self.most_runs(at, period);
                    let both = runs.and_then(|runs| {
                        Some((one.amount.checked_mul(runs.amount)?, [one.by, runs.by].concat()))
                    });
                    both.into_iter().collect()
                }
            }
        };
        least(by_sums.chain(by_runs))
    }

    /// The most runs in one period.
    fn most_runs(&self, at: usize, period: Period) -> Option<Cap> {
        let same = self
            .around(at, |other| *other == Quantity::Accumulated(Meter::Runs, Accumulation::utc(period)))
            .into_iter()
            .filter_map(|other| Some((self.ceiling(other)?, vec![other])));
        let others = self.most(at, &Meter::Runs, period).map(|cap| (cap.amount, cap.by));
        least(same.chain(others))
    }

    /// The bound of a ceiling.
    fn ceiling(&self, at: usize) -> Option<i128> {
        let bound = self.limit(at).bound;
        (bound.direction == Direction::AtMost).then(|| i128::from(bound.value))
    }

    /// The most periods of one type in which a limit speaks within one of a longer type.
    fn periods(&self, at: usize, shorter: Period, longer: Period) -> Option<i128> {
        let window = &self.context.limits[at].domain.window;
        let most = match (shorter, longer) {
            (Period::Week, _) => 6,
            _ => (longest(longer) / longest(shorter)).max(1),
        };
        if std::sync::Arc::ptr_eq(window, self.context.algebra.windows().horizon()) {
            return Some(most);
        }
        let parts = window.parts();
        let (mut second, mut found) = (parts.first()?.0, 0);
        while let Some((start, _)) = parts.get(parts.partition_point(|part| part.1 <= second)) {
            let stretch = containing(longer, second.max(*start));
            found = found.max(i128::from(touching(
                shorter,
                stretch,
                window.clipped(stretch.0, stretch.1).parts(),
            )));
            if found >= most {
                break;
            }
            second = stretch.1;
        }
        Some(found)
    }
}

/// The seconds of the longest period of a type.
const fn longest(period: Period) -> i128 {
    match period {
        Period::Minute => 60,
        Period::Hour => 3_600,
        Period::Day => 86_400,
        Period::Week => 604_800,
        Period::Month => 2_678_400,
    }
}

/// The least amount; of equal ones that which rests on the fewest limits, then on the first by name.
fn least(caps: impl Iterator<Item = (i128, Vec<usize>)>) -> Option<Cap> {
    let (amount, _, by) = caps.map(|(amount, by)| (amount, by.len(), by)).min()?;
    Some(Cap { amount, by })
}
