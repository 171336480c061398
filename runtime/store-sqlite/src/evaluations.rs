//! Evaluations.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use ordain_ir::Outcome;
use ordain_store::{
    EvaluationStore, EvaluationTally, EvaluationTotal, EvaluationTotals, StoreError, TenantId, hour_of,
    minute_of, next_hour,
};
use sqlx::query;

use crate::SqliteStore;
use crate::row::{count, failed, word};

const TABLE: &str = "evaluation_counts";

#[async_trait]
impl EvaluationStore for SqliteStore {
    async fn record_evaluations(
        &self,
        tenant: &TenantId,
        tallies: &[EvaluationTally],
    ) -> Result<(), StoreError> {
        let tenant = tenant.as_str();
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        for ((span, start, action), total) in spans(tallies) {
            let (start, action) = (start.as_microsecond(), action.as_str());
            let evaluations = i64::try_from(total.evaluations).unwrap_or(i64::MAX);
            let microseconds = i64::try_from(total.microseconds).unwrap_or(i64::MAX);
            query!(
                "INSERT INTO evaluation_counts (tenant_id, span, start, action, evaluations, microseconds)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (tenant_id, span, start, action) DO UPDATE SET
                   evaluations = evaluation_counts.evaluations + excluded.evaluations,
                   microseconds = evaluation_counts.microseconds + excluded.microseconds",
                tenant,
                span,
                start,
                action,
                evaluations,
                microseconds
            )
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn evaluation_totals(
        &self,
        tenant: &TenantId,
        since: Timestamp,
    ) -> Result<EvaluationTotals, StoreError> {
        let tenant = tenant.as_str();
        let (minute, hour) =
            (minute_of(since).as_microsecond(), next_hour(minute_of(since)).as_microsecond());
        let rows = query!(
            r#"SELECT action, sum(evaluations) AS "evaluations!: i64", sum(microseconds) AS "microseconds!: i64"
               FROM evaluation_counts
               WHERE tenant_id = $1
                 AND ((span = 3600 AND start >= $3) OR (span = 60 AND start >= $2 AND start < $3))
               GROUP BY action"#,
            tenant,
            minute,
            hour
        )
        .fetch_all(&self.read)
        .await
        .map_err(failed)?;
        let read = |row: (String, i64, i64)| {
            let total =
                EvaluationTotal { evaluations: count(TABLE, row.1)?, microseconds: count(TABLE, row.2)? };
            Ok((word(TABLE, "action", "", &row.0)?, total))
        };
        rows.into_iter().map(|row| read((row.action, row.evaluations, row.microseconds))).collect()
    }
}

/// What to add to each minute and each hour, in one order.
fn spans(tallies: &[EvaluationTally]) -> BTreeMap<(i64, Timestamp, Outcome), EvaluationTotal> {
    let mut spans = BTreeMap::new();
    for tally in tallies.iter().filter(|tally| tally.evaluations > 0) {
        for (span, start) in [(60, minute_of(tally.at)), (3600, hour_of(tally.at))] {
            let total: &mut EvaluationTotal = spans.entry((span, start, tally.action)).or_default();
            total.evaluations += tally.evaluations;
            total.microseconds += tally.microseconds;
        }
    }
    spans
}
