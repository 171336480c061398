//! Incidents and runs.

use std::collections::BTreeSet;

use jiff_sqlx::{Timestamp, ToSqlx};
use ordain_store::{Incident, Learned, Run, StoreError, to_microsecond};
use sqlx::{PgConnection, query_as, query_scalar};
use uuid::Uuid;

use crate::row::{failed, json, word};

const INCIDENTS: &str = "incidents";
const RUNS: &str = "runs";

struct IncidentRow {
    id: Uuid,
    severity: String,
    title: String,
    error_code: Option<String>,
    error_message: Option<String>,
    run_id: Option<String>,
    path: Option<String>,
    policy_name: Option<String>,
    details: Option<String>,
    is_synthetic: bool,
    synthetic_scenario_id: Option<String>,
    occurred_at: Timestamp,
    recorded_at: Timestamp,
}

impl IncidentRow {
    fn read(self) -> Result<Incident, StoreError> {
        Ok(Incident {
            severity: word(INCIDENTS, "severity", &self.id, &self.severity)?,
            id: self.id,
            title: self.title,
            error_code: self.error_code,
            error_message: self.error_message,
            run_id: self.run_id,
            path: self.path,
            policy_name: self.policy_name,
            details: self.details,
            is_synthetic: self.is_synthetic,
            synthetic_scenario_id: self.synthetic_scenario_id,
            occurred_at: self.occurred_at.to_jiff(),
            recorded_at: self.recorded_at.to_jiff(),
        })
    }
}

struct RunRow {
    id: Uuid,
    run_id: String,
    path: Option<String>,
    status: String,
    severity: Option<String>,
    error_code: Option<String>,
    error_message: Option<String>,
    started_at: Option<Timestamp>,
    ended_at: Timestamp,
    duration_ms: Option<i64>,
    usage: String,
    is_synthetic: bool,
    synthetic_scenario_id: Option<String>,
    recorded_at: Timestamp,
}

impl RunRow {
    fn read(self) -> Result<Run, StoreError> {
        let severity = self.severity.as_deref().map(|text| word(RUNS, "severity", &self.id, text));
        Ok(Run {
            status: word(RUNS, "status", &self.id, &self.status)?,
            severity: severity.transpose()?,
            usage: serde_json::from_str(&self.usage)
                .map_err(|error| StoreError::inconsistent(RUNS, "usage", &self.id, &error))?,
            id: self.id,
            run_id: self.run_id,
            path: self.path,
            error_code: self.error_code,
            error_message: self.error_message,
            started_at: self.started_at.map(Timestamp::to_jiff),
            ended_at: self.ended_at.to_jiff(),
            duration_ms: self.duration_ms,
            is_synthetic: self.is_synthetic,
            synthetic_scenario_id: self.synthetic_scenario_id,
            recorded_at: self.recorded_at.to_jiff(),
        })
    }
}

fn sql(at: jiff::Timestamp) -> Timestamp {
    to_microsecond(at).to_sqlx()
}

/// In one order, so that recorders of the same identities never wait in a circle. Stable: of two with one identity the
/// first stays first.
fn sorted<E>(learned: &[Learned<E>], id: impl Fn(&E) -> Uuid) -> Vec<&E> {
    let mut events: Vec<&E> = learned.iter().map(|learned| &learned.event).collect();
    events.sort_by_key(|event| id(event));
    events
}

/// The identities of those that are new.
pub(crate) async fn insert_incidents(
    connection: &mut PgConnection,
    tenant: &str,
    incidents: &[Learned<Incident>],
) -> Result<BTreeSet<Uuid>, StoreError> {
    let sorted = sorted(incidents, |incident| incident.id);
    let each = || sorted.iter();
    let ids: Vec<Uuid> = each().map(|it| it.id).collect();
    let severities: Vec<&str> = each().map(|it| it.severity.as_str()).collect();
    let titles: Vec<&str> = each().map(|it| it.title.as_str()).collect();
    let codes: Vec<Option<&str>> = each().map(|it| it.error_code.as_deref()).collect();
    let messages: Vec<Option<&str>> = each().map(|it| it.error_message.as_deref()).collect();
    let runs: Vec<Option<&str>> = each().map(|it| it.run_id.as_deref()).collect();
    let paths: Vec<Option<&str>> = each().map(|it| it.path.as_deref()).collect();
    let policies: Vec<Option<&str>> = each().map(|it| it.policy_name.as_deref()).collect();
    let details: Vec<Option<&str>> = each().map(|it| it.details.as_deref()).collect();
    let synthetic: Vec<bool> = each().map(|it| it.is_synthetic).collect();
    let scenarios: Vec<Option<&str>> = each().map(|it| it.synthetic_scenario_id.as_deref()).collect();
    let occurred: Vec<Timestamp> = each().map(|it| sql(it.occurred_at)).collect();
    let recorded: Vec<Timestamp> = each().map(|it| sql(it.recorded_at)).collect();
    let new = query_scalar!(
        "INSERT INTO incidents
           (tenant_id, id, severity, title, error_code, error_message, run_id, path, policy_name, details,
            is_synthetic, synthetic_scenario_id, occurred_at, recorded_at)
         SELECT $1, id, severity, title, error_code, error_message, run_id, path, policy_name, details::json,
                is_synthetic, synthetic_scenario_id, occurred_at, recorded_at
         FROM UNNEST($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                     $10::text[], $11::bool[], $12::text[], $13::timestamptz[], $14::timestamptz[]) WITH ORDINALITY
           AS new (id, severity, title, error_code, error_message, run_id, path, policy_name, details, is_synthetic,
                   synthetic_scenario_id, occurred_at, recorded_at, position)
         ORDER BY position
         ON CONFLICT (tenant_id, id) DO NOTHING
         RETURNING id",
        tenant,
        &ids,
        &severities as &[&str],
        &titles as &[&str],
        &codes as &[Option<&str>],
        &messages as &[Option<&str>],
        &runs as &[Option<&str>],
        &paths as &[Option<&str>],
        &policies as &[Option<&str>],
        &details as &[Option<&str>],
        &synthetic,
        &scenarios as &[Option<&str>],
        &occurred as &[Timestamp],
        &recorded as &[Timestamp]
    )
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    Ok(new.into_iter().collect())
}

/// The identities of those that are new.
pub(crate) async fn insert_runs(
    connection: &mut PgConnection,
    tenant: &str,
    runs: &[Learned<Run>],
) -> Result<BTreeSet<Uuid>, StoreError> {
    let sorted = sorted(runs, |run| run.id);
    let each = || sorted.iter();
    let ids: Vec<Uuid> = each().map(|it| it.id).collect();
    let names: Vec<&str> = each().map(|it| it.run_id.as_str()).collect();
    let paths: Vec<Option<&str>> = each().map(|it| it.path.as_deref()).collect();
    let statuses: Vec<&str> = each().map(|it| it.status.as_str()).collect();
    let severities: Vec<Option<&str>> = each().map(|it| Some(it.severity?.as_str())).collect();
    let codes: Vec<Option<&str>> = each().map(|it| it.error_code.as_deref()).collect();
    let messages: Vec<Option<&str>> = each().map(|it| it.error_message.as_deref()).collect();
    let started: Vec<Option<Timestamp>> = each().map(|it| it.started_at.map(sql)).collect();
    let ended: Vec<Timestamp> = each().map(|it| sql(it.ended_at)).collect();
    let durations: Vec<Option<i64>> = each().map(|it| it.duration_ms).collect();
    let usages: Vec<String> = each().map(|it| json(&it.usage)).collect();
    let synthetic: Vec<bool> = each().map(|it| it.is_synthetic).collect();
    let scenarios: Vec<Option<&str>> = each().map(|it| it.synthetic_scenario_id.as_deref()).collect();
    let recorded: Vec<Timestamp> = each().map(|it| sql(it.recorded_at)).collect();
    let new = query_scalar!(
        "INSERT INTO runs
           (tenant_id, id, run_id, path, status, severity, error_code, error_message, started_at, ended_at,
            duration_ms, usage, is_synthetic, synthetic_scenario_id, recorded_at)
         SELECT $1, id, run_id, path, status, severity, error_code, error_message, started_at, ended_at, duration_ms,
                usage::json, is_synthetic, synthetic_scenario_id, recorded_at
         FROM UNNEST($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                     $9::timestamptz[], $10::timestamptz[], $11::bigint[], $12::text[], $13::bool[], $14::text[],
                     $15::timestamptz[]) WITH ORDINALITY
           AS new (id, run_id, path, status, severity, error_code, error_message, started_at, ended_at, duration_ms,
                   usage, is_synthetic, synthetic_scenario_id, recorded_at, position)
         ORDER BY position
         ON CONFLICT (tenant_id, id) DO NOTHING
         RETURNING id",
        tenant,
        &ids,
        &names as &[&str],
        &paths as &[Option<&str>],
        &statuses as &[&str],
        &severities as &[Option<&str>],
        &codes as &[Option<&str>],
        &messages as &[Option<&str>],
        &started as &[Option<Timestamp>],
        &ended as &[Timestamp],
        &durations as &[Option<i64>],
        &usages,
        &synthetic,
        &scenarios as &[Option<&str>],
        &recorded as &[Timestamp]
    )
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    Ok(new.into_iter().collect())
}

pub(crate) async fn incident(
    connection: &mut PgConnection,
    tenant: &str,
    id: Uuid,
) -> Result<Option<Incident>, StoreError> {
    let row = query_as!(
        IncidentRow,
        r#"SELECT id, severity, title, error_code, error_message, run_id, path, policy_name, details::text AS details,
                  is_synthetic, synthetic_scenario_id, occurred_at, recorded_at
           FROM incidents WHERE tenant_id = $1 AND id = $2"#,
        tenant,
        id
    );
    row.fetch_optional(connection).await.map_err(failed)?.map(IncidentRow::read).transpose()
}

pub(crate) async fn run(
    connection: &mut PgConnection,
    tenant: &str,
    id: Uuid,
) -> Result<Option<Run>, StoreError> {
    let row = query_as!(
        RunRow,
        r#"SELECT id, run_id, path, status, severity, error_code, error_message, started_at, ended_at, duration_ms,
                  usage::text AS "usage!", is_synthetic, synthetic_scenario_id, recorded_at
           FROM runs WHERE tenant_id = $1 AND id = $2"#,
        tenant,
        id
    );
    row.fetch_optional(connection).await.map_err(failed)?.map(RunRow::read).transpose()
}
