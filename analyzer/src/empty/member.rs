//! Limits as the linear program sees them.

use std::sync::Arc;

use ordain_ir::{
    Condition, Direction, Limit, LimitStatus, Meter, Partition, Policies, PolicyName, Quantity, ScopeSelector,
};

use crate::calendar::{Calendar, Calendars, Periods};
use crate::conditions::Prepared;
use crate::domain::{Algebra, AnalyzerError};
use crate::places::PlaceId;
use crate::window::{Intervals, UnknownZone, Windows};

/// What a limit contributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// At least so much in each period.
    Floor(Meter, Periods),
    /// At most so much in each period.
    Ceiling(Meter, Periods),
    /// At most so much a run.
    PerRun(Meter),
    /// At least so long between two runs of a subject.
    Cooldown,
}

/// A limit that can take part in an empty contradiction of accumulated quantities, with its domain.
#[derive(Clone, Debug)]
pub(super) struct Member<'a> {
    pub(super) limit: &'a Limit,
    pub(super) role: Role,
    /// All of them must select a request.
    pub(super) scopes: Vec<&'a ScopeSelector>,
    /// The number of those selectors.
    pub(super) place: PlaceId,
    /// When it speaks, within the horizon.
    pub(super) times: Arc<Intervals>,
    /// Whether that is at all times.
    pub(super) always: bool,
    /// Of which requests.
    pub(super) condition: Arc<Prepared>,
}

impl<'a> Member<'a> {
    /// Takes windows that cover every period which meets the horizon, also beyond the horizon itself.
    /// `None` if the limit is soft, switched off, or says nothing about accumulated amounts.
    pub(super) fn new(
        limit: &'a Limit,
        algebra: &Algebra<'a>,
        windows: &Windows,
    ) -> Result<Option<Self>, AnalyzerError> {
        let role = role(limit, algebra.calendars())
            .map_err(|zone| AnalyzerError::Zone { policy: limit.name.clone(), zone })?;
        let Some(role) = role else { return Ok(None) };
        let domain = algebra.limit(limit)?;
        let rule = limit.rule.as_ref().and_then(|name| algebra.policies().rules.get(name));
        let always = limit.window.is_always() && rule.is_none_or(|rule| rule.window.is_always());
        let own = windows.expand(&limit.window).ok();
        let confined = rule.and_then(|rule| windows.expand(&rule.window).ok());
        let times = match (own, confined) {
            (Some(own), Some(confined)) => Arc::new(own.intersection(&confined)),
            (Some(own), None) => own,
            // Not reached: an unknown zone has just been refused.
            (None, _) => Arc::clone(&domain.window),
        };
        let parts = [Some(&limit.condition), rule.map(|rule| &rule.condition)];
        let condition = Condition::and(parts.into_iter().flatten().cloned());
        Ok(Some(Self {
            limit,
            role,
            scopes: algebra.selectors_of(limit),
            place: domain.place,
            times,
            always,
            condition: Arc::new(algebra.conditions.prepare(&condition)),
        }))
    }

    /// The amounts that it speaks about: its own, and runs for what ties amounts to runs.
    pub(super) fn meters(&self) -> impl Iterator<Item = &Meter> {
        static RUNS: Meter = Meter::Runs;
        let (own, runs) = match &self.role {
            Role::Floor(meter, _) | Role::Ceiling(meter, _) => (Some(meter), None),
            Role::PerRun(meter) => (Some(meter), Some(&RUNS)),
            Role::Cooldown => (None, Some(&RUNS)),
        };
        own.into_iter().chain(runs)
    }

    pub(super) const fn is_floor(&self) -> bool {
        matches!(self.role, Role::Floor(..))
    }

    /// Whether it bounds the number of runs from above.
    pub(super) const fn bounds_runs(&self) -> bool {
        matches!(self.role, Role::Ceiling(Meter::Runs, _) | Role::Cooldown)
    }

    /// Whose counter it has, where that confines it to one subject's requests. What one run uses has none.
    pub(super) const fn partition(&self) -> Partition {
        match self.role {
            Role::PerRun(_) => Partition::Whole,
            _ => self.limit.partition,
        }
    }

    /// The periods of an accumulated quantity.
    pub(super) const fn periods(&self) -> Option<&Periods> {
        match &self.role {
            Role::Floor(_, periods) | Role::Ceiling(_, periods) => Some(periods),
            Role::PerRun(_) | Role::Cooldown => None,
        }
    }

    /// The calendar of the periods.
    pub(super) const fn calendar(&self) -> Option<&Arc<Calendar>> {
        match self.periods() {
            Some(Periods::Calendar(_, calendar)) => Some(calendar),
            Some(Periods::Rolling(_)) | None => None,
        }
    }
}

fn role(limit: &Limit, calendars: &Calendars) -> Result<Option<Role>, UnknownZone> {
    if limit.status != LimitStatus::Active || !limit.enforcement.is_hard() {
        return Ok(None);
    }
    let value = limit.bound.value;
    Ok(match (&limit.quantity, limit.bound.direction) {
        // A floor of nothing always holds, and so does a cooldown of nothing. What is under way tells nothing of how much
        // is used in any time; and what has no beginning takes no floor.
        (Quantity::Accumulated(meter, over), Direction::AtLeast) if value > 0 => {
            let periods = calendars.periods(over)?;
            periods
                .filter(|it| matches!(it, Periods::Calendar(..)))
                .map(|periods| Role::Floor(meter.clone(), periods))
        }
        (Quantity::Cooldown, Direction::AtLeast) if value > 0 => Some(Role::Cooldown),
        (Quantity::Accumulated(meter, over), Direction::AtMost) => {
            calendars.periods(over)?.map(|periods| Role::Ceiling(meter.clone(), periods))
        }
        (Quantity::PerRun(meter), Direction::AtMost) if *meter != Meter::Runs => {
            Some(Role::PerRun(meter.clone()))
        }
        _ => None,
    })
}

/// Whether one of the limits overrides the other, if only through further ones.
pub(super) fn overrides(policies: &Policies, a: &PolicyName, b: &PolicyName) -> bool {
    let reaches = |from: &PolicyName, to: &PolicyName| {
        let mut seen = std::collections::BTreeSet::new();
        let mut todo = vec![from];
        while let Some(limit) = todo.pop().and_then(|name| policies.limits.get(name)) {
            for next in limit.overrides.iter().map(|o| &o.policy) {
                if next == to {
                    return true;
                }
                if seen.insert(next) {
                    todo.push(next);
                }
            }
        }
        false
    };
    reaches(a, b) || reaches(b, a)
}
