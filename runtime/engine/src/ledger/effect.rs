//! What a decision does to counters, wherever they are kept.

use ordain_ir::{Bound, Limit, Meter, Quantity};

use super::event::{Band, LimitEvent};
use crate::{Answer, CounterRef, Engine, LimitPart, Prepared, SubjectRef};

/// What a request that goes ahead leaves behind with one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect<'a> {
    /// It uses some of what accumulates. Where its span doesn't [outlast requests](crate::Span::outlasts_requests), this
    /// counts only as long as it is held.
    Uses {
        /// Which counter.
        counter: CounterRef<'a>,
        /// Of what.
        meter: &'a Meter,
        /// How much, in units of the quantity's scale.
        amount: i64,
        /// How near to its bound the limit comes.
        band: Band,
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
    /// Whose value it is.
    pub subject: SubjectRef<'a>,
    /// Which counter, of an accumulated quantity.
    pub counter: Option<CounterRef<'a>>,
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
            period_start: self.counter.and_then(|counter| counter.span.since()),
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
            match (&limit.quantity, self.counter(request, part)) {
                (Quantity::Accumulated(meter, _), Some(counter)) => {
                    let amount = request.amount_for(self, part.limit);
                    let band = band(limit.bound, part.value, part.breached);
                    Some(Effect::Uses { counter, meter, amount, band })
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
            let (subject, value, counter) =
                (request.subject_of(limit), part.value, self.counter(request, part));
            (!silent).then_some(Nearing { limit, subject, counter, band, value })
        })
    }

    /// The counter of an accumulated quantity.
    pub(crate) fn counter<'a>(&'a self, request: &'a Prepared, part: &LimitPart) -> Option<CounterRef<'a>> {
        let prepared = &self.limits[part.limit as usize];
        let (limit, quantity, span) = (&*prepared.limit, &*prepared.quantity, part.span?);
        Some(CounterRef { limit, quantity, subject: request.subject_of(limit), span })
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
