//! What a decision does to counters, wherever they are kept.

use jiff::Timestamp;
use ordain_ir::{Bound, Limit, Meter, Quantity};

use super::event::{Band, LimitEvent};
use crate::{Answer, Engine, Prepared, SubjectRef};

/// What a request that goes ahead leaves behind with one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect<'a> {
    /// It uses some of what accumulates over a period.
    Uses {
        /// Of which limit.
        limit: &'a Limit,
        /// Whose counter.
        subject: SubjectRef<'a>,
        /// Where the period begins.
        period_start: Timestamp,
        /// Of what.
        meter: &'a Meter,
        /// How much, in units of the quantity's scale.
        amount: i64,
    },
    /// A cooldown begins.
    Runs {
        /// Under which limit.
        limit: &'a Limit,
        /// Whose.
        subject: SubjectRef<'a>,
    },
}

/// A limit that a request comes near, or whose bound it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nearing<'a> {
    /// Which limit.
    pub limit: &'a Limit,
    /// Whose counter.
    pub subject: SubjectRef<'a>,
    /// Where the period of an accumulated quantity begins.
    pub period_start: Option<Timestamp>,
    /// How near; never [`Band::Far`].
    pub band: Band,
    /// The value with the request, in units of the quantity's scale.
    pub value: i64,
}

impl Nearing<'_> {
    /// The event to tell.
    pub fn event(&self, request: &Prepared) -> LimitEvent {
        LimitEvent {
            limit: self.limit.name.clone(),
            subject: self.subject.to_subject(),
            period_start: self.period_start,
            band: self.band,
            value: self.value,
            bound: self.limit.bound.value,
            at: request.at,
        }
    }
}

impl Engine {
    /// What a request with this answer counts, if its outcome lets it go ahead; by name of the limit, cooldowns that
    /// had nothing to measure yet at the end.
    pub fn effects<'a>(
        &'a self,
        request: &'a Prepared,
        answer: &'a Answer,
    ) -> impl Iterator<Item = Effect<'a>> {
        let measured = answer.limits().iter().filter_map(|part| {
            let limit = &**self.limit(part.limit);
            let subject = request.subject_of(limit);
            match (&limit.quantity, part.period_start) {
                (Quantity::Accumulated(meter, _), Some(period_start)) => {
                    let amount = request.amount_for(self, part.limit);
                    Some(Effect::Uses { limit, subject, period_start, meter, amount })
                }
                (Quantity::Cooldown, _) => Some(Effect::Runs { limit, subject }),
                _ => None,
            }
        });
        let unmeasured = answer.unmeasured().iter().filter_map(|part| {
            let limit = &**self.limit(part.limit);
            let cooldown = limit.quantity == Quantity::Cooldown;
            cooldown.then(|| Effect::Runs { limit, subject: request.subject_of(limit) })
        });
        measured.chain(unmeasured)
    }

    /// The limits that a request with this answer comes near, or whose bounds it breaks, by name. A guarantee that is
    /// not yet met is no breach, and what doesn't go ahead comes near no bound. A band is to be told once for each
    /// counter, a breach every time.
    pub fn nearing<'a>(
        &'a self,
        request: &'a Prepared,
        answer: &'a Answer,
    ) -> impl Iterator<Item = Nearing<'a>> {
        let goes_ahead = answer.outcome().goes_ahead();
        answer.limits().iter().filter_map(move |part| {
            let limit = &**self.limit(part.limit);
            let band = band(limit.bound, part.value, part.breached);
            let silent = match band {
                Band::Far => true,
                Band::Breached => !part.breached,
                _ => !goes_ahead,
            };
            let (subject, value, period_start) = (request.subject_of(limit), part.value, part.period_start);
            (!silent).then_some(Nearing { limit, subject, period_start, band, value })
        })
    }
}

fn band(bound: Bound, value: i64, breached: bool) -> Band {
    if breached { Band::Breached } else { Band::of(bound, value) }
}

impl Prepared {
    fn subject_of(&self, limit: &Limit) -> SubjectRef<'_> {
        SubjectRef::of(limit.partition, self.path(), self.provider())
    }
}
