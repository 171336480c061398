//! The state in numbers.

use async_trait::async_trait;
use jiff::Timestamp;
use ordain_store::{StateCounts, StateStore, StoreError, TenantId, ViolationFilter};
use sqlx::query;

use crate::PostgresStore;
use crate::row::{count, failed};
use crate::violation_counts::counted;

#[async_trait]
impl StateStore for PostgresStore {
    async fn state_counts(
        &self,
        tenant: &TenantId,
        violations_since: Timestamp,
    ) -> Result<StateCounts, StoreError> {
        let mut snapshot = self.reading(tenant).await?;
        let recent = ViolationFilter::since(violations_since);
        let violations = counted(&mut snapshot, tenant.as_str(), &recent).await?.values().sum();
        let counts = query!(
            r#"SELECT
                 (SELECT count(*) FROM policy_rules WHERE tenant_id = $1) AS "rules!",
                 (SELECT count(*) FROM policy_rules WHERE tenant_id = $1 AND status = 'ACTIVE') AS "active_rules!",
                 (SELECT count(*) FROM limits WHERE tenant_id = $1) AS "limits!",
                 (SELECT count(*) FROM limits WHERE tenant_id = $1 AND status = 'ACTIVE') AS "active_limits!",
                 (SELECT count(*) FROM policy_proposals WHERE tenant_id = $1 AND status = 'draft') AS "drafts!",
                 (SELECT count(*) FROM policy_conflicts WHERE tenant_id = $1 AND NOT resolved) AS "conflicts!",
                 (SELECT analysed_at FROM bundles WHERE tenant_id = $1 AND is_active) AS "updated?""#,
            tenant.as_str()
        )
        .fetch_one(&mut *snapshot)
        .await
        .map_err(failed)?;
        Ok(StateCounts {
            total_policies: count("policy_rules", counts.rules)? + count("limits", counts.limits)?,
            active_policies: count("policy_rules", counts.active_rules)?
                + count("limits", counts.active_limits)?,
            drafts_pending_review: count("policy_proposals", counts.drafts)?,
            conflicts_detected: count("policy_conflicts", counts.conflicts)?,
            violations,
            last_updated: counts.updated.map(jiff_sqlx::Timestamp::to_jiff),
        })
    }
}
