//! How many violations there are. What filters by class ask is counted beforehand, by the hour and by the day, in the
//! transaction that records; so is what they ask of one policy, by the hour.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ordain_store::{
    StoreError, Violation, ViolationCounts, ViolationFilter, ViolationKind, ViolationSeverity,
    ViolationSource, ViolationType, clamped_microseconds, next_day, next_hour,
};
use sqlx::{SqliteConnection, query, query_as};

use crate::row::{self, count, failed, word};

const TABLE: &str = "violations";
/// In microseconds.
const DAY: i64 = 86_400_000_000;

/// How many violations of one type there are, and between which instants, in microseconds.
struct CountRow {
    violation_type: String,
    violations: i64,
    first: i64,
    last: i64,
}

/// How many violations are new of each class in each span, and of each policy in each hour.
#[derive(Default)]
pub(crate) struct NewCounts {
    spans: BTreeMap<(i32, Timestamp, ViolationType, ViolationKind, ViolationSource, bool), i64>,
    policies: BTreeMap<(String, Timestamp, ViolationType, bool), i64>,
}

impl NewCounts {
    /// One more.
    pub(crate) fn add(&mut self, v: &Violation) {
        for (span, start) in v.spans() {
            let class = (span, start, v.violation_type, v.violation_kind, v.source, v.is_synthetic);
            *self.spans.entry(class).or_default() += 1;
        }
        if let Some(policy) = &v.policy {
            let key = (row::id(policy.id), v.hour(), v.violation_type, v.is_synthetic);
            *self.policies.entry(key).or_default() += 1;
        }
    }

    /// Adds them to what there is.
    pub(crate) async fn record(
        self,
        connection: &mut SqliteConnection,
        tenant: &str,
    ) -> Result<(), sqlx::Error> {
        for ((span, start, violation_type, kind, source, is_synthetic), new) in self.spans {
            let (start, violation_type) = (start.as_microsecond(), violation_type.as_str());
            let (kind, source) = (kind.as_str(), source.as_str());
            query!(
                "INSERT INTO violation_counts
                   (tenant_id, span, start, violation_type, violation_kind, source, is_synthetic, violations)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                 ON CONFLICT (tenant_id, span, start, violation_type, violation_kind, source, is_synthetic)
                 DO UPDATE SET violations = violation_counts.violations + excluded.violations",
                tenant,
                span,
                start,
                violation_type,
                kind,
                source,
                is_synthetic,
                new
            )
            .execute(&mut *connection)
            .await?;
        }
        for ((policy, hour, violation_type, is_synthetic), new) in self.policies {
            let (hour, violation_type) = (hour.as_microsecond(), violation_type.as_str());
            query!(
                "INSERT INTO violation_policy_counts
                   (tenant_id, policy_id, hour, violation_type, is_synthetic, violations)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (tenant_id, policy_id, hour, violation_type, is_synthetic)
                 DO UPDATE SET violations = violation_policy_counts.violations + excluded.violations",
                tenant,
                policy,
                hour,
                violation_type,
                is_synthetic,
                new
            )
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}

/// How many violations there are of each type.
pub(crate) async fn counted(
    snapshot: &mut SqliteConnection,
    tenant: &str,
    filter: &ViolationFilter,
) -> Result<ViolationCounts, StoreError> {
    let rows = counts(snapshot, tenant, filter).await?;
    let read = |row: CountRow| {
        let violation_type = word(TABLE, "violation_type", "", &row.violation_type)?;
        Ok((violation_type, count(TABLE, row.violations)?))
    };
    rows.into_iter().map(read).collect()
}

/// How many there are in all, and instants between which they lie, to the hour; none if there are none.
pub(crate) async fn extent(
    snapshot: &mut SqliteConnection,
    tenant: &str,
    filter: &ViolationFilter,
) -> Result<Option<(u64, i64, i64)>, StoreError> {
    let counted = counts(snapshot, tenant, filter).await?;
    let total: i64 = counted.iter().map(|row| row.violations).sum();
    let first = counted.iter().map(|row| row.first).min();
    let Some((first, last)) = first.zip(counted.iter().map(|row| row.last).max()) else { return Ok(None) };
    let total = count(TABLE, total)?;
    let day = next_day(next_hour(filter.since)).as_microsecond();
    if filter.policy.is_some() || filter.severity_min.is_some() || last < day {
        return Ok(Some((total, first, last)));
    }
    // They come from days as a whole.
    let (from, to) = (first + DAY, last - DAY);
    let (violation_type, kind) =
        (filter.violation_type.map(ViolationType::as_str), filter.violation_kind.map(ViolationKind::as_str));
    let source = filter.source.map(ViolationSource::as_str);
    let hours = query!(
        r#"SELECT (SELECT min(start) FROM violation_counts
                   WHERE tenant_id = $1 AND span = 3600 AND start >= $2 AND start < $3
                     AND ($4 IS NULL OR violation_type = $4) AND ($5 IS NULL OR violation_kind = $5)
                     AND ($6 IS NULL OR source = $6) AND ($7 OR is_synthetic = 0)) AS "first: i64",
                  (SELECT max(start) + 3599999999 FROM violation_counts
                   WHERE tenant_id = $1 AND span = 3600 AND start > $8 AND start <= $9
                     AND ($4 IS NULL OR violation_type = $4) AND ($5 IS NULL OR violation_kind = $5)
                     AND ($6 IS NULL OR source = $6) AND ($7 OR is_synthetic = 0)) AS "last: i64""#,
        tenant,
        first,
        from,
        violation_type,
        kind,
        source,
        filter.include_synthetic,
        to,
        last
    )
    .fetch_one(snapshot)
    .await
    .map_err(failed)?;
    let first = if first >= day { hours.first.unwrap_or(first) } else { first };
    Ok(Some((total, first, hours.last.unwrap_or(last))))
}

async fn counts(
    snapshot: &mut SqliteConnection,
    tenant: &str,
    filter: &ViolationFilter,
) -> Result<Vec<CountRow>, StoreError> {
    let (since, _) = clamped_microseconds(Some(filter.since), None);
    let (violation_type, kind) =
        (filter.violation_type.map(ViolationType::as_str), filter.violation_kind.map(ViolationKind::as_str));
    let source = filter.source.map(ViolationSource::as_str);
    // Whole hours and days are counted beforehand; what lies between the beginning of the window and the next hour is
    // counted now.
    let whole = next_hour(filter.since).as_microsecond();
    if let (Some(policy), None, None, None) = (filter.policy, filter.severity_min, kind, source) {
        let policy = row::id(policy);
        let rows = query_as!(
            CountRow,
            r#"SELECT violation_type AS "violation_type!", sum(violations) AS "violations!: i64",
                      min(first) AS "first!: i64", max(last) AS "last!: i64"
               FROM (SELECT violation_type, violations, hour AS first, hour + 3599999999 AS last
                     FROM violation_policy_counts
                     WHERE tenant_id = $1 AND policy_id = $2 AND hour >= $4
                       AND ($5 IS NULL OR violation_type = $5) AND ($6 OR is_synthetic = 0)
                     UNION ALL
                     SELECT violation_type, count(*), $3, $4 FROM violations
                     WHERE tenant_id = $1 AND policy_id = $2 AND occurred_at >= $3 AND occurred_at < $4
                       AND ($5 IS NULL OR violation_type = $5) AND ($6 OR is_synthetic = 0)
                     GROUP BY violation_type)
               GROUP BY violation_type"#,
            tenant,
            policy,
            since,
            whole,
            violation_type,
            filter.include_synthetic
        );
        return rows.fetch_all(snapshot).await.map_err(failed);
    }
    if filter.severity_min.is_some() || filter.policy.is_some() {
        // Not counted beforehand.
        let severity = filter.severity_min.map(ViolationSeverity::thousandths);
        let policy = filter.policy.map(row::id);
        macro_rules! counted {
            ($policy:tt) => {
                query_as!(
                    CountRow,
                    r#"SELECT violation_type AS "violation_type!", count(*) AS "violations!: i64",
                              min(occurred_at) AS "first!: i64", max(occurred_at) AS "last!: i64"
                       FROM violations
                       WHERE tenant_id = $1 AND occurred_at >= $2 AND "#
                        + $policy
                        + r#" AND ($4 IS NULL OR violation_type = $4) AND ($5 IS NULL OR violation_kind = $5)
                         AND ($6 IS NULL OR source = $6) AND ($7 OR is_synthetic = 0)
                         AND ($8 IS NULL OR severity >= $8)
                       GROUP BY 1"#,
                    tenant,
                    since,
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
        let rows = if policy.is_some() { counted!("policy_id = $3") } else { counted!("$3 IS NULL") };
        return rows.map_err(failed);
    }
    let day = next_day(next_hour(filter.since)).as_microsecond();
    query_as!(
        CountRow,
        r#"SELECT violation_type AS "violation_type!", sum(violations) AS "violations!: i64",
                  min(first) AS "first!: i64", max(last) AS "last!: i64"
           FROM (SELECT violation_type, violations, start AS first, start + 86399999999 AS last FROM violation_counts
                 WHERE tenant_id = $1 AND span = 86400 AND start >= $8
                   AND ($4 IS NULL OR violation_type = $4) AND ($5 IS NULL OR violation_kind = $5)
                   AND ($6 IS NULL OR source = $6) AND ($7 OR is_synthetic = 0)
                 UNION ALL
                 SELECT violation_type, violations, start, start + 3599999999 FROM violation_counts
                 WHERE tenant_id = $1 AND span = 3600 AND start >= $3 AND start < $8
                   AND ($4 IS NULL OR violation_type = $4) AND ($5 IS NULL OR violation_kind = $5)
                   AND ($6 IS NULL OR source = $6) AND ($7 OR is_synthetic = 0)
                 UNION ALL
                 SELECT violation_type, count(*), $2, $3 FROM violations
                 WHERE tenant_id = $1 AND occurred_at >= $2 AND occurred_at < $3
                   AND ($4 IS NULL OR violation_type = $4) AND ($5 IS NULL OR violation_kind = $5)
                   AND ($6 IS NULL OR source = $6) AND ($7 OR is_synthetic = 0)
                 GROUP BY violation_type)
           GROUP BY violation_type"#,
        tenant,
        since,
        whole,
        violation_type,
        kind,
        source,
        filter.include_synthetic,
        day
    )
    .fetch_all(snapshot)
    .await
    .map_err(failed)
}
