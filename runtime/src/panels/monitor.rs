//! Somebody who looks at the panels of every tenant, again and again, whether or not anybody asks anything. What is found is
//! kept in the database, so that neither a restart nor another server forgets since when something is missing, and
//! of several servers one tells.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ordain_store::{Clock, PanelHealth, PanelStatus, Store, StoreError, TenantId, to_microsecond};
use tokio::task::JoinSet;

use super::evaluation::{Finding, evaluate, is_healthy, raised};
use super::look::{Answers, Look, Trouble};
use super::{Panel, PanelOptions, watched};
use crate::http::Presented;
use crate::telemetry;

/// How many tenants are named at once.
const TENANTS: u32 = 100;

/// Looks at panels.
pub struct PanelMonitor {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    options: PanelOptions,
    answers: Answers,
}

/// What a look at everything has found.
#[derive(Default)]
struct Tally {
    tenants: u64,
    /// By status, of those that were looked at.
    found: BTreeMap<PanelStatus, u64>,
    unhealthy: u64,
    raised: u64,
    errors: u64,
    /// Whether each panel is healthy, for all tenants.
    healthy: BTreeMap<&'static str, bool>,
}

impl PanelMonitor {
    pub(super) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        options: PanelOptions,
        answers: Answers,
    ) -> Self {
        Self { store, clock, options, answers }
    }

    /// Looks again and again. Never ends.
    pub(crate) async fn keep(self: Arc<Self>) {
        let every = self.options.interval;
        tracing::info!(every = ?every, panels = watched().count(), "GOV-POL-003_panel_invariant_scheduler_started");
        telemetry::panels_known(watched().map(|panel| panel.id.as_str()));
        loop {
            // Each look is a task of its own: a panic ends the look and nothing else. It ends with this one.
            let (mut task, monitor) = (JoinSet::new(), Arc::clone(&self));
            task.spawn(async move { monitor.check().await });
            if task.join_next().await.is_none_or(|ended| ended.is_err()) {
                failed(None, None, &"it ended with a panic, which is a bug of ours");
            }
            tokio::time::sleep(every).await;
        }
    }

    /// Looks once at all panels of all tenants, but for those at which somebody has looked just now.
    pub async fn check(&self) {
        let mut tally = Tally::default();
        for panel in watched() {
            tally.healthy.insert(&panel.id, true);
        }
        let mut last: Option<TenantId> = None;
        loop {
            let tenants = match self.store.tenants(last.as_ref(), TENANTS).await {
                Ok(tenants) => tenants,
                Err(error) => {
                    tally.errors += 1;
                    failed(None, None, &error);
                    break;
                }
            };
            for tenant in &tenants {
                tally.tenants += 1;
                if let Err(error) = self.check_tenant(tenant, &mut tally).await {
                    tally.errors += 1;
                    failed(Some(tenant), None, &error);
                }
            }
            match tenants.into_iter().next_back() {
                Some(tenant) => last = Some(tenant),
                None => break,
            }
        }
        for (panel, healthy) in &tally.healthy {
            telemetry::panel_health(panel, *healthy);
        }
        let count = |status| tally.found.get(&status).copied().unwrap_or_default();
        tracing::info!(
            tenants = tally.tenants,
            panels = tally.found.values().sum::<u64>(),
            healthy = count(PanelStatus::Healthy),
            empty = count(PanelStatus::Empty),
            stale = count(PanelStatus::Stale),
            broken = count(PanelStatus::Broken),
            unhealthy = tally.unhealthy,
            raised = tally.raised,
            errors = tally.errors,
            "GOV-POL-003_PANEL_INVARIANT_CHECK"
        );
    }

    /// Looks at the panels of a tenant.
    async fn check_tenant(&self, tenant: &TenantId, tally: &mut Tally) -> Result<(), StoreError> {
        let before = self.store.panel_health(tenant).await?;
        let known = |panel: &Panel| before.iter().find(|health| health.panel_id == panel.id);
        let (mut found, mut reasons) = (vec![], BTreeMap::new());
        for panel in watched() {
            let now = to_microsecond(self.clock.now());
            if known(panel).is_some_and(|health| self.is_recent(health, now)) {
                continue;
            }
            match self.look(tenant, panel).await {
                Ok((finding, reason)) => {
                    let expected = self.options.registry.expected(panel);
                    found.push((panel, evaluate(&panel.id, expected, known(panel), finding, now)));
                    reasons.extend(reason.map(|reason| (panel.id.as_str(), reason)));
                }
                Err(trouble) => {
                    tally.errors += 1;
                    failed(Some(tenant), Some(panel), &trouble);
                    // Of the others it is no better known.
                    if trouble == Trouble::Store {
                        break;
                    }
                }
            }
        }
        let new: Vec<_> = found.iter().map(|(_, health)| health.clone()).collect();
        let kept = self.store.record_panel_health(tenant, &new).await?;
        for ((panel, health), _) in found.iter().zip(kept).filter(|(_, kept)| *kept) {
            *tally.found.entry(health.status).or_default() += 1;
            let raised = raised(known(panel), health);
            if let Some(alert_type) = raised {
                tally.raised += 1;
                telemetry::panel_alert(&panel.id, alert_type);
            }
            if !is_healthy(health) {
                tally.unhealthy += 1;
                let reason = reasons.get(panel.id.as_str()).map(String::as_str);
                tell(tenant, health, raised.is_some(), reason);
            }
        }
        // What somebody else has found counts as well.
        for health in self.store.panel_health(tenant).await? {
            if let Some(healthy) = tally.healthy.get_mut(health.panel_id.as_str()) {
                *healthy &= is_healthy(&health);
            }
        }
        Ok(())
    }

    /// Whether somebody has looked less than half of the pause ago. Whose clock shows less than that of who looked, looks.
    fn is_recent(&self, health: &PanelHealth, now: Timestamp) -> bool {
        let ago = now.duration_since(health.checked_at);
        let half = SignedDuration::try_from(self.options.interval / 2).unwrap_or(SignedDuration::MAX);
        !ago.is_negative() && ago < half
    }

    /// Looks at a panel, and says what is wrong where it is broken.
    async fn look(&self, tenant: &TenantId, panel: &Panel) -> Result<(Finding, Option<String>), Trouble> {
        let presented = || Presented::by_monitor(tenant);
        let mut look = self.answers.look(panel, presented()).await;
        if look == Look::Unknown(Trouble::Store) && self.store.panel_health(tenant).await.is_ok() {
            look = match self.answers.look(panel, presented()).await {
                Look::Unknown(Trouble::Store) => {
                    Look::Broken("the database answers other questions, and not this one".to_owned())
                }
                look => look,
            };
        }
        let (rows, newest) = match look {
            Look::Shows(rows, newest) => (rows, newest),
            Look::Broken(reason) => return Ok((Finding::Broken, Some(reason))),
            Look::Unknown(trouble) => return Err(trouble),
        };
        let due = match &panel.only_with {
            Some(activity) => {
                match self.answers.count(&activity.request, &activity.counts, presented()).await {
                    Look::Shows(happened, _) => happened > 0,
                    Look::Broken(reason) => return Ok((Finding::Broken, Some(reason))),
                    Look::Unknown(trouble) => return Err(trouble),
                }
            }
            None => true,
        };
        Ok((Finding::Shows { rows, newest, due }, None))
    }
}

/// A panel that somebody has to look after.
fn tell(tenant: &TenantId, health: &PanelHealth, new: bool, reason: Option<&str>) {
    let at = |at: Option<Timestamp>| at.map(tracing::field::display);
    tracing::warn!(
        %tenant,
        panel_id = health.panel_id,
        status = health.status.as_str(),
        alert = health.alert.map(|alert| alert.alert_type.as_str()),
        severity = health.alert.map(|alert| alert.alert_type.severity().as_str()),
        since = at(health.alert.map(|alert| alert.since)),
        new,
        rows = health.rows,
        below_since = at(health.below_since),
        newest_at = at(health.newest_at),
        reason,
        "GOV-POL-003_PANEL_UNHEALTHY"
    );
}

/// Nothing is known of some panels.
fn failed(tenant: Option<&TenantId>, panel: Option<&Panel>, reason: &dyn std::fmt::Display) {
    telemetry::panel_check_failed();
    tracing::warn!(
        tenant = tenant.map(tracing::field::display),
        panel_id = panel.map(|panel| panel.id.as_str()),
        %reason,
        "GOV-POL-003_PANEL_CHECK_ERROR"
    );
}
