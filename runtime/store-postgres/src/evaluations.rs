//! Evaluations.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff_sqlx::ToSqlx;
use ordain_ir::Outcome;
use ordain_store::{
    EvaluationStore, EvaluationTally, EvaluationTotal, EvaluationTotals, StoreError, TenantId, hour_of,
    minute_of, next_hour,
};
use sqlx::query;

use crate::PostgresStore;
use crate::row::{bounds, count, failed, word};

const TABLE: &str = "evaluation_counts";

#[async_trait]
impl EvaluationStore for PostgresStore {
    async fn record_evaluations(
        &self,
        tenant: &TenantId,
        tallies: &[EvaluationTally],
    ) -> Result<(), StoreError> {
        let spans = spans(tallies);
        let lengths: Vec<i16> = spans.keys().map(|key| key.0).collect();
        let starts: Vec<jiff_sqlx::Timestamp> = spans.keys().map(|key| key.1.to_sqlx()).collect();
        let actions: Vec<&str> = spans.keys().map(|key| key.2.as_str()).collect();
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let evaluations: Vec<i64> = spans.values().map(|total| number(total.evaluations)).collect();
        let microseconds: Vec<i64> = spans.values().map(|total| number(total.microseconds)).collect();
        let mut transaction = self.recording(tenant).await?;
        // In one order, so that recorders wait for each other and never in a circle.
        query!(
            "INSERT INTO evaluation_counts (tenant_id, span, start, action, evaluations, microseconds)
             SELECT $1, span, start, action, evaluations, microseconds
             FROM UNNEST($2::smallint[], $3::timestamptz[], $4::text[], $5::bigint[], $6::bigint[]) WITH ORDINALITY
               AS new (span, start, action, evaluations, microseconds, position)
             ORDER BY position
             ON CONFLICT (tenant_id, span, start, action) DO UPDATE SET
               evaluations = evaluation_counts.evaluations + excluded.evaluations,
               microseconds = evaluation_counts.microseconds + excluded.microseconds",
            tenant.as_str(),
            &lengths,
            &starts as &[jiff_sqlx::Timestamp],
            &actions as &[&str],
            &evaluations,
            &microseconds
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn evaluation_totals(
        &self,
        tenant: &TenantId,
        since: jiff::Timestamp,
    ) -> Result<EvaluationTotals, StoreError> {
        let mut snapshot = self.reading(tenant).await?;
        let (minute, _) = bounds(Some(minute_of(since)), None);
        let (hour, _) = bounds(Some(next_hour(minute_of(since))), None);
        let rows = query!(
            r#"SELECT action, sum(evaluations)::bigint AS "evaluations!", sum(microseconds)::bigint AS "microseconds!"
               FROM evaluation_counts
               WHERE tenant_id = $1
                 AND ((span = 3600 AND start >= $3) OR (span = 60 AND start >= $2 AND start < $3))
               GROUP BY action"#,
            tenant.as_str(),
            minute as Option<jiff_sqlx::Timestamp>,
            hour as Option<jiff_sqlx::Timestamp>
        )
        .fetch_all(&mut *snapshot)
        .await
        .map_err(failed)?;
        let read = |row: (String, i64, i64)| {
            let total =
                EvaluationTotal { evaluations: count(TABLE, row.1)?, microseconds: count(TABLE, row.2)? };
            Ok((word(TABLE, "action", &"", &row.0)?, total))
        };
        rows.into_iter().map(|row| read((row.action, row.evaluations, row.microseconds))).collect()
    }
}

/// What to add to each minute and each hour, in one order.
fn spans(tallies: &[EvaluationTally]) -> BTreeMap<(i16, jiff::Timestamp, Outcome), EvaluationTotal> {
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
