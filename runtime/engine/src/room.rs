//! When there is room again.

use jiff::Timestamp;

use crate::{CounterRef, Counters, Engine, LimitPart, Prepared};

/// When something fits under a ceiling, were nothing else counted or given back until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// From this instant on.
    At(Timestamp),
    /// As soon as another request ends, whenever that is.
    OnceOthersEnd,
    /// Never: it is more than the ceiling by itself.
    Never,
}

impl Engine {
    /// When a request like this one, at the earliest at its own instant, can use an amount under a ceiling on what
    /// accumulates. A calendar period that has no room is taken to have some once it ends; of a rolling one it is the instant
    /// at which enough no longer counts. Counters are asked for nothing beyond the [horizon](crate::Span::horizon). `None`
    /// for other limits.
    pub fn room<C: Counters + ?Sized>(
        &self,
        request: &Prepared,
        part: &LimitPart,
        amount: i64,
        counters: &C,
    ) -> Option<Room> {
        let counter = self.counter(request, part)?;
        let bound = counter.limit.bound;
        let used = |span| counters.used(CounterRef { span, ..counter });
        let fits = |used: i64| bound.allows(i128::from(used) + i128::from(amount));
        if !bound.allows(amount.into()) {
            return Some(Room::Never);
        }
        if fits(used(counter.span)) {
            return Some(Room::At(request.at));
        }
        let end = || self.period_end(part.limit, request);
        Some(counter.span.roll(used, fits).or_else(end).map_or(Room::OnceOthersEnd, Room::At))
    }
}
