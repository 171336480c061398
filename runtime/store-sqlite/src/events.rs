//! Incidents and runs.

use jiff::Timestamp;
use ordain_store::{Incident, IncidentSeverity, Run, StoreError, from_microseconds};
use sqlx::{SqliteConnection, query, query_as};
use uuid::Uuid;

use crate::row::{failed, instant, json, uuid, word};

const INCIDENTS: &str = "incidents";
const RUNS: &str = "runs";

struct IncidentRow {
    id: String,
    severity: String,
    title: String,
    error_code: Option<String>,
    error_message: Option<String>,
    run_id: Option<String>,
    path: Option<String>,
    policy_name: Option<String>,
    details: Option<String>,
    is_synthetic: i64,
    synthetic_scenario_id: Option<String>,
    occurred_at: i64,
    recorded_at: i64,
}

impl IncidentRow {
    fn read(self) -> Result<Incident, StoreError> {
        let at = |column, value| instant(INCIDENTS, column, &self.id, value);
        Ok(Incident {
            severity: word(INCIDENTS, "severity", &self.id, &self.severity)?,
            occurred_at: at("occurred_at", self.occurred_at)?,
            recorded_at: at("recorded_at", self.recorded_at)?,
            id: uuid(INCIDENTS, "id", &self.id)?,
            title: self.title,
            error_code: self.error_code,
            error_message: self.error_message,
            run_id: self.run_id,
            path: self.path,
            policy_name: self.policy_name,
            details: self.details,
            is_synthetic: self.is_synthetic != 0,
            synthetic_scenario_id: self.synthetic_scenario_id,
        })
    }
}

struct RunRow {
    id: String,
    run_id: String,
    path: Option<String>,
    status: String,
    severity: Option<String>,
    error_code: Option<String>,
    error_message: Option<String>,
    started_at: Option<i64>,
    ended_at: i64,
    duration_ms: Option<i64>,
    usage: String,
    is_synthetic: i64,
    synthetic_scenario_id: Option<String>,
    recorded_at: i64,
}

impl RunRow {
    fn read(self) -> Result<Run, StoreError> {
        let at = |column, value| instant(RUNS, column, &self.id, value);
        let usage = serde_json::from_str(&self.usage)
            .map_err(|error| StoreError::inconsistent(RUNS, "usage", &self.id, &error))?;
        let severity = self.severity.as_deref().map(|text| word(RUNS, "severity", &self.id, text));
        Ok(Run {
            status: word(RUNS, "status", &self.id, &self.status)?,
            severity: severity.transpose()?,
            started_at: self.started_at.and_then(from_microseconds),
            ended_at: at("ended_at", self.ended_at)?,
            recorded_at: at("recorded_at", self.recorded_at)?,
            id: uuid(RUNS, "id", &self.id)?,
            run_id: self.run_id,
            path: self.path,
            error_code: self.error_code,
            error_message: self.error_message,
            duration_ms: self.duration_ms,
            usage,
            is_synthetic: self.is_synthetic != 0,
            synthetic_scenario_id: self.synthetic_scenario_id,
        })
    }
}

/// Whether it is new.
pub(crate) async fn insert_incident(
    connection: &mut SqliteConnection,
    tenant: &str,
    incident: &Incident,
) -> Result<bool, StoreError> {
    let (id, severity) = (incident.id.hyphenated().to_string(), incident.severity.as_str());
    let (occurred, recorded) = (incident.occurred_at.as_microsecond(), incident.recorded_at.as_microsecond());
    let done = query!(
        "INSERT INTO incidents
           (tenant_id, id, severity, title, error_code, error_message, run_id, path, policy_name, details,
            is_synthetic, synthetic_scenario_id, occurred_at, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT (tenant_id, id) DO NOTHING",
        tenant,
        id,
        severity,
        incident.title,
        incident.error_code,
        incident.error_message,
        incident.run_id,
        incident.path,
        incident.policy_name,
        incident.details,
        incident.is_synthetic,
        incident.synthetic_scenario_id,
        occurred,
        recorded
    );
    Ok(done.execute(connection).await.map_err(failed)?.rows_affected() == 1)
}

/// Whether it is new.
pub(crate) async fn insert_run(
    connection: &mut SqliteConnection,
    tenant: &str,
    run: &Run,
) -> Result<bool, StoreError> {
    let (id, status) = (run.id.hyphenated().to_string(), run.status.as_str());
    let (severity, usage) = (run.severity.map(IncidentSeverity::as_str), json(&run.usage));
    let started = run.started_at.map(Timestamp::as_microsecond);
    let (ended, recorded) = (run.ended_at.as_microsecond(), run.recorded_at.as_microsecond());
    let done = query!(
        "INSERT INTO runs
           (tenant_id, id, run_id, path, status, severity, error_code, error_message, started_at, ended_at,
            duration_ms, usage, is_synthetic, synthetic_scenario_id, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT (tenant_id, id) DO NOTHING",
        tenant,
        id,
        run.run_id,
        run.path,
        status,
        severity,
        run.error_code,
        run.error_message,
        started,
        ended,
        run.duration_ms,
        usage,
        run.is_synthetic,
        run.synthetic_scenario_id,
        recorded
    );
    Ok(done.execute(connection).await.map_err(failed)?.rows_affected() == 1)
}

pub(crate) async fn incident(
    connection: &mut SqliteConnection,
    tenant: &str,
    id: Uuid,
) -> Result<Option<Incident>, StoreError> {
    let id = id.hyphenated().to_string();
    let row = query_as!(
        IncidentRow,
        "SELECT id, severity, title, error_code, error_message, run_id, path, policy_name, details, is_synthetic,
                synthetic_scenario_id, occurred_at, recorded_at
         FROM incidents WHERE tenant_id = $1 AND id = $2",
        tenant,
        id
    );
    row.fetch_optional(connection).await.map_err(failed)?.map(IncidentRow::read).transpose()
}

pub(crate) async fn run(
    connection: &mut SqliteConnection,
    tenant: &str,
    id: Uuid,
) -> Result<Option<Run>, StoreError> {
    let id = id.hyphenated().to_string();
    let row = query_as!(
        RunRow,
        "SELECT id, run_id, path, status, severity, error_code, error_message, started_at, ended_at, duration_ms,
                usage, is_synthetic, synthetic_scenario_id, recorded_at
         FROM runs WHERE tenant_id = $1 AND id = $2",
        tenant,
        id
    );
    row.fetch_optional(connection).await.map_err(failed)?.map(RunRow::read).transpose()
}
