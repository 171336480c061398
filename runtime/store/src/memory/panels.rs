//! The health of panels, in the model.

use std::collections::btree_map::Entry;
use std::ops::Bound;
use std::sync::PoisonError;

use async_trait::async_trait;

use super::{MemoryStore, Tenant};
use crate::{PanelAlert, PanelHealth, PanelStore, StoreError, TenantId, to_microsecond};

impl Tenant {
    /// Whether there is, or was, anything of it that counts.
    fn is_known(&self) -> bool {
        !(self.keys.is_empty()
            && self.bundles.is_empty()
            && self.proposals.is_empty()
            && self.violations.is_empty()
            && self.evaluations.is_empty()
            && self.incidents.is_empty()
            && self.runs.is_empty())
    }
}

fn kept(health: &PanelHealth) -> PanelHealth {
    PanelHealth {
        newest_at: health.newest_at.map(to_microsecond),
        below_since: health.below_since.map(to_microsecond),
        alert: health.alert.map(|alert| PanelAlert { since: to_microsecond(alert.since), ..alert }),
        first_checked_at: to_microsecond(health.first_checked_at),
        checked_at: to_microsecond(health.checked_at),
        ..health.clone()
    }
}

#[async_trait]
impl PanelStore for MemoryStore {
    async fn tenants(&self, after: Option<&TenantId>, most: u32) -> Result<Vec<TenantId>, StoreError> {
        let tenants = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let rest = tenants.range((after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded));
        let known = rest.filter(|(_, held)| held.is_known()).map(|(tenant, _)| tenant.clone());
        Ok(known.take(usize::try_from(most).unwrap_or(usize::MAX)).collect())
    }

    async fn panel_health(&self, tenant: &TenantId) -> Result<Vec<PanelHealth>, StoreError> {
        Ok(self.read(tenant, |held| held.panels.values().cloned().collect()))
    }

    async fn record_panel_health(
        &self,
        tenant: &TenantId,
        found: &[PanelHealth],
    ) -> Result<Vec<bool>, StoreError> {
        Ok(self.write(tenant, |held| {
            let keep = |health: &PanelHealth| match held.panels.entry(health.panel_id.clone()) {
                Entry::Vacant(place) => {
                    place.insert(kept(health));
                    true
                }
                Entry::Occupied(mut place) if place.get().checks + 1 == health.checks => {
                    place.insert(kept(health));
                    true
                }
                Entry::Occupied(_) => false,
            };
            found.iter().map(keep).collect()
        }))
    }
}
