//! Violations.

use async_trait::async_trait;
use ordain_ir::PolicyId;
use ordain_store::{
    Page, PageRequest, Recorded, StoreError, TenantId, ViolatedPolicy, Violation, ViolationCounts,
    ViolationFilter, ViolationKind, ViolationSeverity, ViolationSource, ViolationStore, ViolationType,
    clamped_microseconds,
};
use sqlx::{SqliteConnection, query, query_as};

use crate::SqliteStore;
use crate::row::{self, failed, instant, uuid, word};
use crate::violation_counts::{NewCounts, counted, extent};

const TABLE: &str = "violations";

struct ViolationRow {
    id: String,
    violation_type: String,
    violation_kind: String,
    source: String,
    severity: i64,
    policy_id: Option<String>,
    policy_name: Option<String>,
    path: Option<String>,
    run_id: Option<String>,
    description: String,
    details: Option<String>,
    is_synthetic: i64,
    synthetic_scenario_id: Option<String>,
    occurred_at: i64,
    recorded_at: i64,
}

impl ViolationRow {
    fn read(self) -> Result<Violation, StoreError> {
        let wrong = |column, reason: &str| StoreError::inconsistent(TABLE, column, &self.id, &reason);
        let policy = match (self.policy_id, self.policy_name) {
            (Some(id), Some(name)) => {
                Some(ViolatedPolicy { id: PolicyId(uuid(TABLE, "policy_id", &id)?), name })
            }
            _ => None,
        };
        Ok(Violation {
            violation_type: word(TABLE, "violation_type", &self.id, &self.violation_type)?,
            violation_kind: word(TABLE, "violation_kind", &self.id, &self.violation_kind)?,
            source: word(TABLE, "source", &self.id, &self.source)?,
            severity: ViolationSeverity::from_thousandths(self.severity)
                .ok_or_else(|| wrong("severity", "is no severity"))?,
            policy,
            path: self.path,
            run_id: self.run_id,
            description: self.description,
            details: self.details,
            is_synthetic: self.is_synthetic != 0,
            synthetic_scenario_id: self.synthetic_scenario_id,
            occurred_at: instant(TABLE, "occurred_at", &self.id, self.occurred_at)?,
            recorded_at: instant(TABLE, "recorded_at", &self.id, self.recorded_at)?,
            id: uuid(TABLE, "id", &self.id)?,
        })
    }
}

#[async_trait]
impl ViolationStore for SqliteStore {
    async fn record_violations(
        &self,
        tenant: &TenantId,
        violations: &[Violation],
    ) -> Result<Recorded, StoreError> {
        let tenant = tenant.as_str();
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let (mut outcome, mut new) = (Recorded::default(), NewCounts::default());
        for violation in violations {
            if insert(&mut transaction, tenant, violation).await.map_err(failed)? {
                outcome.recorded += 1;
                new.add(violation);
            } else {
                outcome.duplicates += 1;
            }
        }
        new.record(&mut transaction, tenant).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(outcome)
    }

    async fn violations(
        &self,
        tenant: &TenantId,
        filter: &ViolationFilter,
        page: PageRequest<'_>,
    ) -> Result<Page<Violation>, StoreError> {
        let mut snapshot = self.read.begin().await.map_err(failed)?;
        // Where there are none, and before and after those that there are, nobody need look.
        let Some((total, first, last)) = extent(&mut snapshot, tenant.as_str(), filter).await? else {
            return Ok(Page { items: vec![], total: 0, next: None });
        };
        let rows = list(&mut snapshot, tenant.as_str(), filter, (first, last), page).await.map_err(failed)?;
        let items = rows.into_iter().map(ViolationRow::read).collect::<Result<_, _>>()?;
        Ok(Page::new(items, total, page))
    }

    async fn violation_counts(
        &self,
        tenant: &TenantId,
        filter: &ViolationFilter,
    ) -> Result<ViolationCounts, StoreError> {
        let mut snapshot = self.read.begin().await.map_err(failed)?;
        counted(&mut snapshot, tenant.as_str(), filter).await
    }
}

async fn insert(
    connection: &mut SqliteConnection,
    tenant: &str,
    violation: &Violation,
) -> Result<bool, sqlx::Error> {
    let id = violation.id.hyphenated().to_string();
    let (violation_type, kind) = (violation.violation_type.as_str(), violation.violation_kind.as_str());
    let (source, severity) = (violation.source.as_str(), violation.severity.thousandths());
    let policy_id = violation.policy.as_ref().map(|policy| row::id(policy.id));
    let policy_name = violation.policy.as_ref().map(|policy| &policy.name);
    let (occurred, recorded) =
        (violation.occurred_at.as_microsecond(), violation.recorded_at.as_microsecond());
    let done = query!(
        "INSERT INTO violations
           (tenant_id, id, violation_type, violation_kind, source, severity, policy_id, policy_name, path, run_id,
            description, details, is_synthetic, synthetic_scenario_id, occurred_at, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
         ON CONFLICT (tenant_id, id) DO NOTHING",
        tenant,
        id,
        violation_type,
        kind,
        source,
        severity,
        policy_id,
        policy_name,
        violation.path,
        violation.run_id,
        violation.description,
        violation.details,
        violation.is_synthetic,
        violation.synthetic_scenario_id,
        occurred,
        recorded
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn list(
    snapshot: &mut SqliteConnection,
    tenant: &str,
    filter: &ViolationFilter,
    (first, last): (i64, i64),
    request: PageRequest<'_>,
) -> Result<Vec<ViolationRow>, sqlx::Error> {
    let first = clamped_microseconds(Some(filter.since), None).0.map_or(first, |since| since.max(first));
    let (violation_type, kind) =
        (filter.violation_type.map(ViolationType::as_str), filter.violation_kind.map(ViolationKind::as_str));
    let source = filter.source.map(ViolationSource::as_str);
    let severity = filter.severity_min.map(ViolationSeverity::thousandths);
    let policy = filter.policy.map(row::id);
    let (limit, offset, after) = (request.sql_limit(), request.sql_offset(), request.after_event());
    let after_at = after.map_or(i64::MAX, |(at, _)| at.as_microsecond());
    let after_id = after.map(|(_, id)| id.hyphenated().to_string()).unwrap_or_default();
    // A statement is planned without its values, so each index needs a statement of its own. The `+` keeps the
    // others from it.
    macro_rules! listed {
        ($through:tt) => {
            query_as!(
                ViolationRow,
                "SELECT id, violation_type, violation_kind, source, severity, policy_id, policy_name, path, run_id,
                        description, details, is_synthetic, synthetic_scenario_id, occurred_at, recorded_at
                 FROM violations
                 WHERE tenant_id = $1 AND occurred_at >= $2 AND occurred_at <= $3 AND " + $through + "
                   AND (occurred_at, id) < ($10, $11)
                   AND ($4 IS NULL OR +violation_type = $4) AND ($5 IS NULL OR +violation_kind = $5)
                   AND ($6 IS NULL OR +source = $6) AND ($7 IS NULL OR +policy_id = $7)
                   AND ($8 IS NULL OR severity >= $8) AND ($9 OR is_synthetic = 0)
                 ORDER BY occurred_at DESC, id DESC LIMIT $12 OFFSET $13",
                tenant, first, last, violation_type, kind, source, policy, severity, filter.include_synthetic,
                after_at, after_id, limit, offset
            )
            .fetch_all(snapshot)
            .await
        };
    }
    if policy.is_some() {
        listed!("policy_id = $7")
    } else if kind.is_some_and(|kind| kind != ViolationKind::Standard.as_str()) {
        listed!("violation_kind = $5")
    } else if source.is_some() {
        listed!("source = $6")
    } else if violation_type.is_some() {
        listed!("violation_type = $4")
    } else {
        listed!("1")
    }
}
