//! How many violations there are. What filters by class ask is counted beforehand, by the hour and by the day, in the
//! transaction that records; so is what they ask of one policy, by the hour.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff_sqlx::{Timestamp, ToSqlx};
use ordain_store::{
    StoreError, Violation, ViolationCounts, ViolationFilter, ViolationKind, ViolationSeverity,
    ViolationSource, ViolationType, next_day, next_hour,
};
use sqlx::{PgConnection, query, query_as};
use uuid::Uuid;

use crate::row::{bounds, count, failed, word};

const TABLE: &str = "violations";
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How many violations of one type there are, and between which instants.
struct CountRow {
    violation_type: String,
    violations: i64,
    first: Timestamp,
    last: Timestamp,
}

/// How many violations are new of each class in each span, and of each policy in each hour.
#[derive(Default)]
pub(crate) struct NewCounts {
    spans: BTreeMap<(i32, jiff::Timestamp, ViolationType, ViolationKind, ViolationSource, bool), i64>,
    policies: BTreeMap<(Uuid, jiff::Timestamp, ViolationType, bool), i64>,
}

impl NewCounts {
    /// One more.
    pub(crate) fn add(&mut self, v: &Violation) {
        for (span, start) in v.spans() {
            let class = (span, start, v.violation_type, v.violation_kind, v.source, v.is_synthetic);
            *self.spans.entry(class).or_default() += 1;
        }
        if let Some(policy) = &v.policy {
            let key = (policy.id.0, v.hour(), v.violation_type, v.is_synthetic);
            *self.policies.entry(key).or_default() += 1;
        }
    }

    /// Adds them to what there is, in one order, so that recorders wait for each other and never in a circle.
    pub(crate) async fn record(self, connection: &mut PgConnection, tenant: &str) -> Result<(), sqlx::Error> {
        let spans: Vec<i32> = self.spans.keys().map(|key| key.0).collect();
        let starts: Vec<Timestamp> = self.spans.keys().map(|key| key.1.to_sqlx()).collect();
        let types: Vec<&str> = self.spans.keys().map(|key| key.2.as_str()).collect();
        let kinds: Vec<&str> = self.spans.keys().map(|key| key.3.as_str()).collect();
        let sources: Vec<&str> = self.spans.keys().map(|key| key.4.as_str()).collect();
        let synthetic: Vec<bool> = self.spans.keys().map(|key| key.5).collect();
        let numbers: Vec<i64> = self.spans.values().copied().collect();
        query!(
            "INSERT INTO violation_counts
               (tenant_id, span, start, violation_type, violation_kind, source, is_synthetic, violations)
             SELECT $1, span, start, violation_type, violation_kind, source, is_synthetic, violations
             FROM UNNEST($2::int[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::bool[], $8::bigint[])
               WITH ORDINALITY
               AS new (span, start, violation_type, violation_kind, source, is_synthetic, violations, position)
             ORDER BY position
             ON CONFLICT (tenant_id, span, start, violation_type, violation_kind, source, is_synthetic)
             DO UPDATE SET violations = violation_counts.violations + excluded.violations",
            tenant,
            &spans,
            &starts as &[Timestamp],
            &types as &[&str],
            &kinds as &[&str],
            &sources as &[&str],
            &synthetic,
            &numbers
        )
        .execute(&mut *connection)
        .await?;
        if self.policies.is_empty() {
            return Ok(());
        }
        let policies: Vec<Uuid> = self.policies.keys().map(|key| key.0).collect();
        let hours: Vec<Timestamp> = self.policies.keys().map(|key| key.1.to_sqlx()).collect();
        let types: Vec<&str> = self.policies.keys().map(|key| key.2.as_str()).collect();
        let synthetic: Vec<bool> = self.policies.keys().map(|key| key.3).collect();
        let numbers: Vec<i64> = self.policies.values().copied().collect();
        query!(
            "INSERT INTO violation_policy_counts (tenant_id, policy_id, hour, violation_type, is_synthetic, violations)
             SELECT $1, policy_id, hour, violation_type, is_synthetic, violations
             FROM UNNEST($2::uuid[], $3::timestamptz[], $4::text[], $5::bool[], $6::bigint[]) WITH ORDINALITY
               AS new (policy_id, hour, violation_type, is_synthetic, violations, position)
             ORDER BY position
             ON CONFLICT (tenant_id, policy_id, hour, violation_type, is_synthetic)
             DO UPDATE SET violations = violation_policy_counts.violations + excluded.violations",
            tenant,
            &policies,
            &hours as &[Timestamp],
            &types as &[&str],
            &synthetic,
            &numbers
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// How many violations there are of each type.
pub(crate) async fn counted(
    snapshot: &mut PgConnection,
    tenant: &str,
    filter: &ViolationFilter,
) -> Result<ViolationCounts, StoreError> {
    let rows = counts(snapshot, tenant, filter).await?;
    let read = |row: CountRow| {
        let violation_type = word(TABLE, "violation_type", &"", &row.violation_type)?;
        Ok((violation_type, count(TABLE, row.violations)?))
    };
    rows.into_iter().map(read).collect()
}

/// How many there are in all, and instants between which they lie, to the hour; none if there are none.
pub(crate) async fn extent(
    snapshot: &mut PgConnection,
    tenant: &str,
    filter: &ViolationFilter,
) -> Result<Option<(u64, jiff::Timestamp, jiff::Timestamp)>, StoreError> {
    let counted = counts(snapshot, tenant, filter).await?;
    let total: i64 = counted.iter().map(|row| row.violations).sum();
    let first = counted.iter().map(|row| row.first.to_jiff()).min();
    let last = counted.iter().map(|row| row.last.to_jiff()).max();
    let Some((first, last)) = first.zip(last) else { return Ok(None) };
    let total = count(TABLE, total)?;
    let day = next_day(next_hour(filter.since));
    if filter.policy.is_some() || filter.severity_min.is_some() || last <= day {
        return Ok(Some((total, first, last)));
    }
    // They come from days as a whole.
    let (from, to) = bounds(Some(first), first.checked_add(DAY).ok());
    let (begin, end) = bounds(last.checked_sub(DAY).ok(), Some(last));
    let (violation_type, kind) =
        (filter.violation_type.map(ViolationType::as_str), filter.violation_kind.map(ViolationKind::as_str));
    let source = filter.source.map(ViolationSource::as_str);
    let hours = query!(
        r#"SELECT (SELECT min(start) FROM violation_counts
                   WHERE tenant_id = $1 AND span = 3600 AND start >= $2 AND start < $3
                     AND ($4::text IS NULL OR violation_type = $4) AND ($5::text IS NULL OR violation_kind = $5)
                     AND ($6::text IS NULL OR source = $6) AND ($7 OR NOT is_synthetic)) AS "first: Timestamp",
                  (SELECT max(start) + interval '1 hour' FROM violation_counts
                   WHERE tenant_id = $1 AND span = 3600 AND start >= $8 AND start < $9
                     AND ($4::text IS NULL OR violation_type = $4) AND ($5::text IS NULL OR violation_kind = $5)
                     AND ($6::text IS NULL OR source = $6) AND ($7 OR NOT is_synthetic)) AS "last: Timestamp""#,
        tenant,
        from as Option<Timestamp>,
        to as Option<Timestamp>,
        violation_type,
        kind,
        source,
        filter.include_synthetic,
        begin as Option<Timestamp>,
        end as Option<Timestamp>
    )
    .fetch_one(snapshot)
    .await
    .map_err(failed)?;
    let found = |at: Option<Timestamp>| at.map(Timestamp::to_jiff);
    let first = if first >= day { found(hours.first).unwrap_or(first) } else { first };
    Ok(Some((total, first, found(hours.last).unwrap_or(last))))
}

async fn counts(
    snapshot: &mut PgConnection,
    tenant: &str,
    filter: &ViolationFilter,
) -> Result<Vec<CountRow>, StoreError> {
    let (since, _) = bounds(Some(filter.since), None);
    let (violation_type, kind) =
        (filter.violation_type.map(ViolationType::as_str), filter.violation_kind.map(ViolationKind::as_str));
    let source = filter.source.map(ViolationSource::as_str);
    // Whole hours and days are counted beforehand; what lies between the beginning of the window and the next hour is
    // counted now.
    let (whole, _) = bounds(Some(next_hour(filter.since)), None);
    if let (Some(policy), None, None, None) = (filter.policy, filter.severity_min, kind, source) {
        let rows = query_as!(
            CountRow,
            r#"SELECT violation_type AS "violation_type!", sum(violations)::bigint AS "violations!",
                      min(first) AS "first!", max(last) AS "last!"
               FROM (SELECT violation_type, violations, hour AS first, hour + interval '1 hour' AS last
                     FROM violation_policy_counts
                     WHERE tenant_id = $1 AND policy_id = $2 AND hour >= $4
                       AND ($5::text IS NULL OR violation_type = $5) AND ($6 OR NOT is_synthetic)
                     UNION ALL
                     SELECT violation_type, count(*), $3, $4 FROM violations
                     WHERE tenant_id = $1 AND policy_id = $2 AND occurred_at >= $3 AND occurred_at < $4
                       AND ($5::text IS NULL OR violation_type = $5) AND ($6 OR NOT is_synthetic)
                     GROUP BY violation_type) AS parts
               GROUP BY violation_type"#,
            tenant,
            policy.0,
            since as Option<Timestamp>,
            whole as Option<Timestamp>,
            violation_type,
            filter.include_synthetic
        );
        return rows.fetch_all(snapshot).await.map_err(failed);
    }
    if filter.severity_min.is_some() || filter.policy.is_some() {
        // Not counted beforehand.
        let severity = filter.severity_min.map(ViolationSeverity::thousandths);
        let policy = filter.policy.map(|policy| policy.0);
        macro_rules! counted {
            ($policy:tt) => {
                query_as!(
                    CountRow,
                    r#"SELECT violation_type AS "violation_type!", count(*) AS "violations!", min(occurred_at) AS "first!",
                              max(occurred_at) AS "last!"
                       FROM violations
                       WHERE tenant_id = $1 AND occurred_at >= $2 AND "#
                        + $policy
                        + r#" AND ($4::text IS NULL OR violation_type = $4)
                         AND ($5::text IS NULL OR violation_kind = $5) AND ($6::text IS NULL OR source = $6)
                         AND ($7 OR NOT is_synthetic) AND ($8::bigint IS NULL OR severity >= $8)
                       GROUP BY violation_type"#,
                    tenant,
                    since as Option<Timestamp>,
                    policy,
                    violation_type,
                    kind,
                    source,
                    filter.include_synthetic,
                    severity
                )
                .fetch_all(snapshot)
                .await
            };
        }
        let rows = if policy.is_some() { counted!("policy_id = $3") } else { counted!("$3::uuid IS NULL") };
        return rows.map_err(failed);
    }
    let (day, _) = bounds(Some(next_day(next_hour(filter.since))), None);
    query_as!(
        CountRow,
        r#"SELECT violation_type AS "violation_type!", sum(violations)::bigint AS "violations!",
                  min(first) AS "first!", max(last) AS "last!"
           FROM (SELECT violation_type, violations, start AS first, start + interval '1 day' AS last
                 FROM violation_counts
                 WHERE tenant_id = $1 AND span = 86400 AND start >= $8
                   AND ($4::text IS NULL OR violation_type = $4) AND ($5::text IS NULL OR violation_kind = $5)
                   AND ($6::text IS NULL OR source = $6) AND ($7 OR NOT is_synthetic)
                 UNION ALL
                 SELECT violation_type, violations, start, start + interval '1 hour' FROM violation_counts
                 WHERE tenant_id = $1 AND span = 3600 AND start >= $3 AND start < $8
                   AND ($4::text IS NULL OR violation_type = $4) AND ($5::text IS NULL OR violation_kind = $5)
                   AND ($6::text IS NULL OR source = $6) AND ($7 OR NOT is_synthetic)
                 UNION ALL
                 SELECT violation_type, count(*), $2, $3 FROM violations
                 WHERE tenant_id = $1 AND occurred_at >= $2 AND occurred_at < $3
                   AND ($4::text IS NULL OR violation_type = $4) AND ($5::text IS NULL OR violation_kind = $5)
                   AND ($6::text IS NULL OR source = $6) AND ($7 OR NOT is_synthetic)
                 GROUP BY violation_type) AS parts
           GROUP BY violation_type"#,
        tenant,
        since as Option<Timestamp>,
        whole as Option<Timestamp>,
        violation_type,
        kind,
        source,
        filter.include_synthetic,
        day as Option<Timestamp>
    )
    .fetch_all(snapshot)
    .await
    .map_err(failed)
}
