//! The health of panels.

use async_trait::async_trait;
use ordain_store::{PanelAlert, PanelHealth, PanelStore, StoreError, TenantId};
use sqlx::{query, query_as, query_scalar};

use crate::SqliteStore;
use crate::row::{count, failed, instant, word};

const TABLE: &str = "panel_health";

struct HealthRow {
    panel_id: String,
    status: String,
    rows: Option<i64>,
    newest_at: Option<i64>,
    below_since: Option<i64>,
    alert_type: Option<String>,
    alert_since: Option<i64>,
    first_checked_at: i64,
    checked_at: i64,
    checks: i64,
}

impl HealthRow {
    fn read(self) -> Result<PanelHealth, StoreError> {
        let id = &self.panel_id;
        let at = |column, value| instant(TABLE, column, id, value);
        let maybe = |column, value: Option<i64>| value.map(|value| at(column, value)).transpose();
        let alert = match (self.alert_type, self.alert_since) {
            (Some(text), Some(since)) => {
                let alert_type = word(TABLE, "alert_type", id, &text)?;
                Some(PanelAlert { alert_type, since: at("alert_since", since)? })
            }
            _ => None,
        };
        Ok(PanelHealth {
            status: word(TABLE, "status", id, &self.status)?,
            rows: self.rows.map(|rows| count(TABLE, rows)).transpose()?,
            newest_at: maybe("newest_at", self.newest_at)?,
            below_since: maybe("below_since", self.below_since)?,
            alert,
            first_checked_at: at("first_checked_at", self.first_checked_at)?,
            checked_at: at("checked_at", self.checked_at)?,
            checks: count(TABLE, self.checks)?,
            panel_id: self.panel_id,
        })
    }
}

#[async_trait]
impl PanelStore for SqliteStore {
    async fn tenants(&self, after: Option<&TenantId>, most: u32) -> Result<Vec<TenantId>, StoreError> {
        // No tenant's name is empty.
        let after = after.map_or("", TenantId::as_str);
        let names = query_scalar!(
            "SELECT tenant_id FROM tenants WHERE tenant_id > $1 ORDER BY tenant_id LIMIT $2",
            after,
            most
        );
        let names = names.fetch_all(&self.read).await.map_err(failed)?;
        let read = |name: String| {
            TenantId::new(&name)
                .map_err(|reason| StoreError::inconsistent("tenants", "tenant_id", &name, &reason))
        };
        names.into_iter().map(read).collect()
    }

    async fn panel_health(&self, tenant: &TenantId) -> Result<Vec<PanelHealth>, StoreError> {
        let tenant = tenant.as_str();
        let rows = query_as!(
            HealthRow,
            "SELECT panel_id, status, rows, newest_at, below_since, alert_type, alert_since, first_checked_at,
               checked_at, checks
             FROM panel_health WHERE tenant_id = $1 ORDER BY panel_id",
            tenant
        );
        let rows = rows.fetch_all(&self.read).await.map_err(failed)?;
        rows.into_iter().map(HealthRow::read).collect()
    }

    async fn record_panel_health(
        &self,
        tenant: &TenantId,
        found: &[PanelHealth],
    ) -> Result<Vec<bool>, StoreError> {
        let tenant = tenant.as_str();
        let mut kept = vec![];
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        for health in found {
            let status = health.status.as_str();
            let rows = health.rows.map(|rows| i64::try_from(rows).unwrap_or(i64::MAX));
            let newest_at = health.newest_at.map(jiff::Timestamp::as_microsecond);
            let below_since = health.below_since.map(jiff::Timestamp::as_microsecond);
            let alert_type = health.alert.map(|alert| alert.alert_type.as_str());
            let alert_since = health.alert.map(|alert| alert.since.as_microsecond());
            let first = health.first_checked_at.as_microsecond();
            let checked_at = health.checked_at.as_microsecond();
            let checks = i64::try_from(health.checks).unwrap_or(i64::MAX);
            let done = query!(
                "INSERT INTO panel_health
                   (tenant_id, panel_id, status, rows, newest_at, below_since, alert_type, alert_since,
                    first_checked_at, checked_at, checks)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                 ON CONFLICT (tenant_id, panel_id) DO UPDATE SET
                   status = excluded.status, rows = excluded.rows, newest_at = excluded.newest_at,
                   below_since = excluded.below_since, alert_type = excluded.alert_type,
                   alert_since = excluded.alert_since, first_checked_at = excluded.first_checked_at,
                   checked_at = excluded.checked_at, checks = excluded.checks
                 WHERE panel_health.checks = excluded.checks - 1",
                tenant,
                health.panel_id,
                status,
                rows,
                newest_at,
                below_since,
                alert_type,
                alert_since,
                first,
                checked_at,
                checks
            );
            let done = done.execute(&mut *transaction).await.map_err(failed)?;
            kept.push(done.rows_affected() > 0);
        }
        transaction.commit().await.map_err(failed)?;
        Ok(kept)
    }
}
