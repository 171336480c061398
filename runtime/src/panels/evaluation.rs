//! From what a look at a panel has found, and what is known of it, to how it is: a function of these and of the time.

use jiff::Timestamp;
use ordain_store::{PanelAlert, PanelAlertType, PanelHealth, PanelStatus};

use super::Expectation;

/// What a look has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// It shows something, or nothing.
    Shows {
        /// So much.
        rows: u64,
        /// The newest of it.
        newest: Option<Timestamp>,
        /// Whether something would have to be there: where nothing happens, nothing is missing.
        due: bool,
    },
    /// Its request is not answered as it should be.
    Broken,
}

/// How it is by what it shows alone.
pub(super) fn status(
    expected: &Expectation,
    finding: Finding,
    newest_at: Option<Timestamp>,
    now: Timestamp,
) -> PanelStatus {
    match finding {
        Finding::Broken => PanelStatus::Broken,
        Finding::Shows { rows, .. } if rows < expected.min_rows => PanelStatus::Empty,
        Finding::Shows { .. } => match (newest_at, expected.freshness_sla) {
            (Some(newest), Some(sla)) if now.duration_since(newest) > sla => PanelStatus::Stale,
            _ => PanelStatus::Healthy,
        },
    }
}

/// How it is now.
///
/// `IF now > warmup_grace AND rows < min_rows FOR > alert_after THEN` `EMPTY_PANEL`. An alert that is on stays on until the
/// panel shows enough. What is too old has waited long enough, and an error is none of the panel's beginnings, so
/// `STALE_PANEL` doesn't wait for `alert_after`, and `FILTER_BREAK` for nothing.
///
/// Nothing has begun after now: where a clock was ahead and is set back, what began then counts from now on, so
/// that nobody waits for a future that never was.
pub(super) fn evaluate(
    panel_id: &str,
    expected: &Expectation,
    before: Option<&PanelHealth>,
    finding: Finding,
    now: Timestamp,
) -> PanelHealth {
    let begun = |at: Option<Timestamp>| at.map_or(now, |at| at.min(now));
    let first_checked_at = begun(before.map(|before| before.first_checked_at));
    let (was_below, was_newest) = before.map_or((None, None), |it| (it.below_since, it.newest_at));
    let (rows, newest_at, below_since) = match finding {
        // How much there is nobody knows, so what was missing may be missing still.
        Finding::Broken => (None, was_newest, was_below.map(|since| since.min(now))),
        Finding::Shows { rows, newest, due } => {
            let below = due && rows < expected.min_rows;
            (Some(rows), newest.or(was_newest), below.then(|| begun(was_below)))
        }
    };
    let status = status(expected, finding, newest_at, now);
    let warm = now.duration_since(first_checked_at) > expected.warmup_grace;
    let was_on = before.and_then(|before| before.alert);
    let is_empty = |since: Timestamp| {
        let still = was_on.is_some_and(|alert| alert.alert_type == PanelAlertType::EmptyPanel);
        still || (warm && now.duration_since(since) > expected.alert_after)
    };
    let alert_type = match status {
        _ if !expected.alert_enabled => None,
        PanelStatus::Broken => Some(PanelAlertType::FilterBreak),
        PanelStatus::Empty => {
            below_since.filter(|since| is_empty(*since)).map(|_| PanelAlertType::EmptyPanel)
        }
        PanelStatus::Stale => warm.then_some(PanelAlertType::StalePanel),
        PanelStatus::Healthy => None,
    };
    let alert = alert_type.map(|alert_type| {
        let same = was_on.filter(|alert| alert.alert_type == alert_type);
        PanelAlert { alert_type, since: begun(same.map(|alert| alert.since)) }
    });
    PanelHealth {
        panel_id: panel_id.to_owned(),
        status,
        rows,
        newest_at,
        below_since,
        alert,
        first_checked_at,
        checked_at: now,
        checks: before.map_or(0, |before| before.checks) + 1,
    }
}

/// The alert that has come on, if one has.
pub(super) fn raised(before: Option<&PanelHealth>, now: &PanelHealth) -> Option<PanelAlertType> {
    let kind = |health: &PanelHealth| health.alert.map(|alert| alert.alert_type);
    kind(now).filter(|alert| before.and_then(kind) != Some(*alert))
}

/// Whether nobody has to look after it: no alert is on, and its request is answered.
pub(crate) fn is_healthy(health: &PanelHealth) -> bool {
    health.alert.is_none() && health.status != PanelStatus::Broken
}

#[cfg(test)]
mod tests;
