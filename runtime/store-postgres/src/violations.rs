//! Violations.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff_sqlx::{Timestamp, ToSqlx};
use ordain_ir::PolicyId;
use ordain_store::{
    Page, PageRequest, Recorded, StoreError, TenantId, ViolatedPolicy, Violation, ViolationCounts,
    ViolationFilter, ViolationKind, ViolationSeverity, ViolationSource, ViolationStore, ViolationType,
    to_microsecond,
};
use sqlx::{PgConnection, query, query_as, query_scalar};
use uuid::Uuid;

use crate::PostgresStore;
use crate::row::{bounds, failed, word};
use crate::violation_counts::{NewCounts, counted, extent};

const TABLE: &str = "violations";

struct ViolationRow {
    id: Uuid,
    violation_type: String,
    violation_kind: String,
    source: String,
    severity: i16,
    policy_id: Option<Uuid>,
    policy_name: Option<String>,
    path: Option<String>,
    run_id: Option<String>,
    description: String,
    details: Option<String>,
    is_synthetic: bool,
    synthetic_scenario_id: Option<String>,
    occurred_at: Timestamp,
    recorded_at: Timestamp,
}

impl ViolationRow {
    fn read(self) -> Result<Violation, StoreError> {
        let severity = ViolationSeverity::from_thousandths(self.severity.into())
            .ok_or_else(|| StoreError::inconsistent(TABLE, "severity", &self.id, &"is no severity"))?;
        let policy = self.policy_id.zip(self.policy_name);
        Ok(Violation {
            violation_type: word(TABLE, "violation_type", &self.id, &self.violation_type)?,
            violation_kind: word(TABLE, "violation_kind", &self.id, &self.violation_kind)?,
            source: word(TABLE, "source", &self.id, &self.source)?,
            severity,
            policy: policy.map(|(id, name)| ViolatedPolicy { id: PolicyId(id), name }),
            path: self.path,
            run_id: self.run_id,
            description: self.description,
            details: self.details,
            is_synthetic: self.is_synthetic,
            synthetic_scenario_id: self.synthetic_scenario_id,
            occurred_at: self.occurred_at.to_jiff(),
            recorded_at: self.recorded_at.to_jiff(),
            id: self.id,
        })
    }
}

#[async_trait]
impl ViolationStore for PostgresStore {
    async fn record_violations(
        &self,
        tenant: &TenantId,
        violations: &[Violation],
    ) -> Result<Recorded, StoreError> {
        let mut transaction = self.recording(tenant).await?;
        let new = insert(&mut transaction, tenant.as_str(), violations).await.map_err(failed)?;
        let (mut counts, mut left) = (NewCounts::default(), new.clone());
        // Of two with one identity the first is the one that is there.
        for violation in violations.iter().filter(|violation| left.remove(&violation.id)) {
            counts.add(violation);
        }
        counts.record(&mut transaction, tenant.as_str()).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        let recorded = new.len() as u64;
        Ok(Recorded { recorded, duplicates: violations.len() as u64 - recorded })
    }

    async fn violations(
        &self,
        tenant: &TenantId,
        filter: &ViolationFilter,
        page: PageRequest<'_>,
    ) -> Result<Page<Violation>, StoreError> {
        let mut snapshot = self.reading(tenant).await?;
        // Where there are none, and before and after those that there are, nobody need look.
        let Some((total, first, last)) = extent(&mut snapshot, tenant.as_str(), filter).await? else {
            return Ok(Page { items: vec![], total: 0, next: None });
        };
        // Lists are read in the order of an index. Where statistics lag behind what was recorded, the planner takes a
        // window for small, and would fetch and sort all of it for one page.
        let set = query!("SELECT set_config('enable_sort', 'off', true)");
        set.fetch_one(&mut *snapshot).await.map_err(failed)?;
        let rows = list(&mut snapshot, tenant.as_str(), filter, (first, last), page).await.map_err(failed)?;
        let items = rows.into_iter().map(ViolationRow::read).collect::<Result<_, _>>()?;
        Ok(Page::new(items, total, page))
    }

    async fn violation_counts(
        &self,
        tenant: &TenantId,
        filter: &ViolationFilter,
    ) -> Result<ViolationCounts, StoreError> {
        let mut snapshot = self.reading(tenant).await?;
        counted(&mut snapshot, tenant.as_str(), filter).await
    }
}

/// The identities of those that are new.
async fn insert(
    connection: &mut PgConnection,
    tenant: &str,
    violations: &[Violation],
) -> Result<BTreeSet<Uuid>, sqlx::Error> {
    let mut sorted: Vec<_> = violations.iter().collect();
    // In one order, so that recorders of the same identities never wait in a circle. Stable: of two with one
    // identity the first stays first.
    sorted.sort_by_key(|violation| violation.id);
    let each = || sorted.iter();
    let ids: Vec<Uuid> = each().map(|v| v.id).collect();
    let types: Vec<&str> = each().map(|v| v.violation_type.as_str()).collect();
    let kinds: Vec<&str> = each().map(|v| v.violation_kind.as_str()).collect();
    let sources: Vec<&str> = each().map(|v| v.source.as_str()).collect();
    let severities: Vec<i64> = each().map(|v| v.severity.thousandths()).collect();
    let policy_ids: Vec<Option<Uuid>> = each().map(|v| Some(v.policy.as_ref()?.id.0)).collect();
    let policy_names: Vec<Option<&str>> = each().map(|v| Some(v.policy.as_ref()?.name.as_str())).collect();
    let paths: Vec<Option<&str>> = each().map(|v| v.path.as_deref()).collect();
    let runs: Vec<Option<&str>> = each().map(|v| v.run_id.as_deref()).collect();
    let descriptions: Vec<&str> = each().map(|v| v.description.as_str()).collect();
    let details: Vec<Option<&str>> = each().map(|v| v.details.as_deref()).collect();
    let synthetic: Vec<bool> = each().map(|v| v.is_synthetic).collect();
    let scenarios: Vec<Option<&str>> = each().map(|v| v.synthetic_scenario_id.as_deref()).collect();
    let occurred: Vec<Timestamp> = each().map(|v| to_microsecond(v.occurred_at).to_sqlx()).collect();
    let recorded: Vec<Timestamp> = each().map(|v| to_microsecond(v.recorded_at).to_sqlx()).collect();
    let new = query_scalar!(
        "INSERT INTO violations
           (tenant_id, id, violation_type, violation_kind, source, severity, policy_id, policy_name, path, run_id,
            description, details, is_synthetic, synthetic_scenario_id, occurred_at, recorded_at)
         SELECT $1, id, violation_type, violation_kind, source, severity::smallint, policy_id, policy_name, path,
                run_id, description, details::json, is_synthetic, synthetic_scenario_id, occurred_at, recorded_at
         FROM UNNEST($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::uuid[], $8::text[],
                     $9::text[], $10::text[], $11::text[], $12::text[], $13::bool[], $14::text[],
                     $15::timestamptz[], $16::timestamptz[]) WITH ORDINALITY
           AS new (id, violation_type, violation_kind, source, severity, policy_id, policy_name, path, run_id,
                   description, details, is_synthetic, synthetic_scenario_id, occurred_at, recorded_at, position)
         ORDER BY position
         ON CONFLICT (tenant_id, id) DO NOTHING
         RETURNING id",
        tenant,
        &ids,
        &types as &[&str],
        &kinds as &[&str],
        &sources as &[&str],
        &severities,
        &policy_ids as &[Option<Uuid>],
        &policy_names as &[Option<&str>],
        &paths as &[Option<&str>],
        &runs as &[Option<&str>],
        &descriptions as &[&str],
        &details as &[Option<&str>],
        &synthetic,
        &scenarios as &[Option<&str>],
        &occurred as &[Timestamp],
        &recorded as &[Timestamp]
    )
    .fetch_all(connection)
    .await?;
    Ok(new.into_iter().collect())
}

async fn list(
    snapshot: &mut PgConnection,
    tenant: &str,
    filter: &ViolationFilter,
    (first, last): (jiff::Timestamp, jiff::Timestamp),
    request: PageRequest<'_>,
) -> Result<Vec<ViolationRow>, sqlx::Error> {
    let after = request.after_event();
    let last = after.map_or(last, |(at, _)| last.min(at));
    let (first, last) = bounds(Some(first.max(filter.since)), Some(last));
    let (violation_type, kind) =
        (filter.violation_type.map(ViolationType::as_str), filter.violation_kind.map(ViolationKind::as_str));
    let source = filter.source.map(ViolationSource::as_str);
    let severity = filter.severity_min.map(ViolationSeverity::thousandths);
    let policy = filter.policy.map(|policy| policy.0);
    let (limit, offset) = (request.sql_limit(), request.sql_offset());
    let (after_at, _) = bounds(after.map(|(at, _)| at), None);
    let after_id = after.map(|(_, id)| id);
    // A statement may be planned without its values, so each index has a statement of its own.
    macro_rules! listed {
        ($through:tt) => {
            query_as!(
                ViolationRow,
                r#"SELECT id, violation_type, violation_kind, source, severity, policy_id, policy_name, path, run_id,
                        description, details::text AS details, is_synthetic, synthetic_scenario_id, occurred_at,
                        recorded_at
                 FROM violations
                 WHERE tenant_id = $1 AND occurred_at >= $2 AND occurred_at <= $3 AND "# + $through + r#"
                   AND ($10::timestamptz IS NULL OR (occurred_at, id) < ($10, $11::uuid))
                   AND ($4::text IS NULL OR violation_type = $4) AND ($5::text IS NULL OR violation_kind = $5)
                   AND ($6::text IS NULL OR source = $6) AND ($7::uuid IS NULL OR policy_id = $7)
                   AND ($8::bigint IS NULL OR severity >= $8) AND ($9 OR NOT is_synthetic)
                 ORDER BY occurred_at DESC, id DESC LIMIT $12 OFFSET $13"#,
                tenant, first as Option<Timestamp>, last as Option<Timestamp>, violation_type, kind, source, policy,
                severity, filter.include_synthetic, after_at as Option<Timestamp>, after_id, limit, offset
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
        listed!("true")
    }
}
