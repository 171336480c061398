//! The state in numbers.

use async_trait::async_trait;
use jiff::Timestamp;
use ordain_store::{StateCounts, StateStore, StoreError, TenantId, ViolationFilter};
use sqlx::query;

use crate::SqliteStore;
use crate::row::{count, failed, instant};
use crate::violation_counts::counted;

#[async_trait]
impl StateStore for SqliteStore {
    async fn state_counts(
        &self,
        tenant: &TenantId,
        violations_since: Timestamp,
    ) -> Result<StateCounts, StoreError> {
        let tenant = tenant.as_str();
        let mut snapshot = self.read.begin().await.map_err(failed)?;
        let recent = ViolationFilter::since(violations_since);
        let violations = counted(&mut snapshot, tenant, &recent).await?.values().sum();
        let counts = query!(
            r#"SELECT
                 (SELECT count(*) FROM policy_rules WHERE tenant_id = $1) AS "rules!: i64",
                 (SELECT count(*) FROM policy_rules WHERE tenant_id = $1 AND status = 'ACTIVE')
                     AS "active_rules!: i64",
                 (SELECT count(*) FROM limits WHERE tenant_id = $1) AS "limits!: i64",
                 (SELECT count(*) FROM limits WHERE tenant_id = $1 AND status = 'ACTIVE') AS "active_limits!: i64",
                 (SELECT count(*) FROM policy_proposals WHERE tenant_id = $1 AND status = 'draft')
                     AS "drafts!: i64",
                 (SELECT count(*) FROM policy_conflicts WHERE tenant_id = $1 AND resolved = 0)
                     AS "conflicts!: i64",
                 (SELECT analysed_at FROM bundles WHERE tenant_id = $1 AND is_active = 1) AS "updated?: i64""#,
            tenant
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
            last_updated: counts
                .updated
                .map(|at| instant("bundles", "analysed_at", tenant, at))
                .transpose()?,
        })
    }
}
