//! The health of panels.

use async_trait::async_trait;
use jiff_sqlx::{Timestamp, ToSqlx};
use ordain_store::{PanelAlert, PanelHealth, PanelStore, StoreError, TenantId, to_microsecond};
use sqlx::{query, query_as, query_scalar};

use crate::PostgresStore;
use crate::row::{count, failed, word};

const TABLE: &str = "panel_health";

struct HealthRow {
    panel_id: String,
    status: String,
    rows: Option<i64>,
    newest_at: Option<Timestamp>,
    below_since: Option<Timestamp>,
    alert_type: Option<String>,
    alert_since: Option<Timestamp>,
    first_checked_at: Timestamp,
    checked_at: Timestamp,
    checks: i64,
}

impl HealthRow {
    fn read(self) -> Result<PanelHealth, StoreError> {
        let id = &self.panel_id;
        let alert = match (self.alert_type, self.alert_since) {
            (Some(text), Some(since)) => {
                let alert_type = word(TABLE, "alert_type", id, &text)?;
                Some(PanelAlert { alert_type, since: since.to_jiff() })
            }
            _ => None,
        };
        Ok(PanelHealth {
            status: word(TABLE, "status", id, &self.status)?,
            rows: self.rows.map(|rows| count(TABLE, rows)).transpose()?,
            newest_at: self.newest_at.map(Timestamp::to_jiff),
            below_since: self.below_since.map(Timestamp::to_jiff),
            alert,
            first_checked_at: self.first_checked_at.to_jiff(),
            checked_at: self.checked_at.to_jiff(),
            checks: count(TABLE, self.checks)?,
            panel_id: self.panel_id,
        })
    }
}

fn sql(at: jiff::Timestamp) -> Timestamp {
    to_microsecond(at).to_sqlx()
}

#[async_trait]
impl PanelStore for PostgresStore {
    async fn tenants(&self, after: Option<&TenantId>, most: u32) -> Result<Vec<TenantId>, StoreError> {
        let mut transaction = self.naming().await?;
        let names = query_scalar!(
            "SELECT tenant_id FROM tenants WHERE tenant_id > $1 ORDER BY tenant_id LIMIT $2",
            // No tenant's name is empty.
            after.map_or("", TenantId::as_str),
            i64::from(most)
        );
        let names = names.fetch_all(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        let read = |name: String| {
            TenantId::new(&name)
                .map_err(|reason| StoreError::inconsistent("tenants", "tenant_id", &name, &reason))
        };
        names.into_iter().map(read).collect()
    }

    async fn panel_health(&self, tenant: &TenantId) -> Result<Vec<PanelHealth>, StoreError> {
        let mut transaction = self.reading(tenant).await?;
        let rows = query_as!(
            HealthRow,
            r#"SELECT panel_id, status, rows, newest_at AS "newest_at: Timestamp",
                 below_since AS "below_since: Timestamp", alert_type, alert_since AS "alert_since: Timestamp",
                 first_checked_at AS "first_checked_at: Timestamp", checked_at AS "checked_at: Timestamp", checks
               FROM panel_health WHERE tenant_id = $1 ORDER BY panel_id"#,
            tenant.as_str()
        );
        let rows = rows.fetch_all(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        rows.into_iter().map(HealthRow::read).collect()
    }

    async fn record_panel_health(
        &self,
        tenant: &TenantId,
        found: &[PanelHealth],
    ) -> Result<Vec<bool>, StoreError> {
        let mut kept = vec![];
        let mut transaction = self.writing(tenant).await?;
        for health in found {
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
                tenant.as_str(),
                health.panel_id,
                health.status.as_str(),
                health.rows.map(|rows| i64::try_from(rows).unwrap_or(i64::MAX)),
                health.newest_at.map(sql) as Option<Timestamp>,
                health.below_since.map(sql) as Option<Timestamp>,
                health.alert.map(|alert| alert.alert_type.as_str()),
                health.alert.map(|alert| sql(alert.since)) as Option<Timestamp>,
                sql(health.first_checked_at) as Timestamp,
                sql(health.checked_at) as Timestamp,
                i64::try_from(health.checks).unwrap_or(i64::MAX)
            );
            let done = done.execute(&mut *transaction).await.map_err(failed)?;
            kept.push(done.rows_affected() > 0);
        }
        transaction.commit().await.map_err(failed)?;
        Ok(kept)
    }
}
