//! What is used of limits. Whoever counts for a tenant holds one lock until the commit, so that reading, deciding and
//! writing are one step for all replicas; each statement takes a whole batch.

use async_trait::async_trait;
use jiff_sqlx::{Timestamp, ToSqlx};
use ordain_ir::PolicyName;
use ordain_store::counting::{Book, Changes, CounterRange, CounterRecord, Cut, DecisionRecord, Progress};
use ordain_store::{
    Counter, CounterAudit, CounterKey, CounterStore, CountingAnswer, CountingStep, Forget, Forgotten, RunKey,
    StoreError, TenantId, to_microsecond,
};
use sqlx::{PgConnection, query, query_as};
use uuid::Uuid;

use crate::PostgresStore;
use crate::row::{bounds, count, failed, json, word};

const COUNTERS: &str = "limit_counters";
const DECISIONS: &str = "decisions";

struct CounterRow {
    limit_name: String,
    quantity: String,
    subject: String,
    period_start: Timestamp,
    used: i64,
    held: i64,
    told: i16,
    entries: i64,
}

impl From<CounterRow> for (CounterKey, Counter) {
    fn from(row: CounterRow) -> Self {
        let CounterRow { limit_name, quantity, subject, period_start, used, held, told, entries } = row;
        (key(&limit_name, quantity, subject, period_start), Counter { used, held, told, entries })
    }
}

fn key(limit: &str, quantity: String, subject: String, period_start: Timestamp) -> CounterKey {
    CounterKey { limit: limit.into(), quantity, subject, period_start: period_start.to_jiff() }
}

struct DecisionRow {
    id: Uuid,
    request_id: Option<String>,
    fingerprint: Vec<u8>,
    outcome: String,
    standing: String,
    decided_at: Timestamp,
    hold_until: Option<Timestamp>,
    shares: String,
    answer: Option<String>,
}

impl DecisionRow {
    fn read(self) -> Result<DecisionRecord, StoreError> {
        let id = &self.id;
        let wrong = |column, reason: &str| StoreError::inconsistent(DECISIONS, column, id, &reason);
        Ok(DecisionRecord {
            fingerprint: self.fingerprint.try_into().map_err(|_| wrong("fingerprint", "is no hash"))?,
            outcome: word(DECISIONS, "outcome", id, &self.outcome)?,
            standing: word(DECISIONS, "standing", id, &self.standing)?,
            decided_at: self.decided_at.to_jiff(),
            hold_until: self.hold_until.map(Timestamp::to_jiff),
            shares: serde_json::from_str(&self.shares).map_err(|e| wrong("shares", &e.to_string()))?,
            id: self.id,
            request_id: self.request_id,
            answer: self.answer,
        })
    }
}

#[async_trait]
impl CounterStore for PostgresStore {
    async fn count(
        &self,
        tenant: &TenantId,
        steps: &[CountingStep],
        now: jiff::Timestamp,
    ) -> Result<Vec<CountingAnswer>, StoreError> {
        let mut transaction = self.counting(tenant).await?;
        let mut book = load(&mut transaction, tenant.as_str(), steps, now).await?;
        let (answers, changes) = book.apply(steps, now);
        save(&mut transaction, tenant.as_str(), &changes).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(answers)
    }

    async fn counters(
        &self,
        tenant: &TenantId,
        limit: &PolicyName,
        most: u32,
    ) -> Result<Vec<CounterRecord>, StoreError> {
        let mut snapshot = self.reading(tenant).await?;
        let rows = query_as!(
            CounterRow,
            "SELECT limit_name, quantity, subject, period_start, used, held, told, entries FROM limit_counters
             WHERE tenant_id = $1 AND limit_name = $2 ORDER BY period_start DESC, quantity, subject LIMIT $3",
            tenant.as_str(),
            limit.as_str(),
            i64::from(most)
        );
        let rows = rows.fetch_all(&mut *snapshot).await.map_err(failed)?;
        let read = |row: CounterRow| {
            let (key, counter) = row.into();
            CounterRecord { key, counter }
        };
        Ok(rows.into_iter().map(read).collect())
    }

    async fn audit_counters(&self, tenant: &TenantId) -> Result<CounterAudit, StoreError> {
        let mut snapshot = self.reading(tenant).await?;
        let progress = progress(&mut snapshot, tenant.as_str()).await?;
        let forgotten_before = progress.map_or(jiff::Timestamp::MIN, |it| it.counters_before);
        let totals = query!(
            r#"SELECT (SELECT count(*) FROM limit_counters WHERE tenant_id = $1) AS "counters!",
                      (SELECT count(*) FROM limit_ledger WHERE tenant_id = $1) AS "entries!""#,
            tenant.as_str()
        )
        .fetch_one(&mut *snapshot)
        .await
        .map_err(failed)?;
        let wrong = query!(
            r#"SELECT limit_name AS "limit_name!", quantity AS "quantity!", subject AS "subject!",
                      period_start AS "period_start!"
               FROM (SELECT limit_name, quantity, subject, period_start, used, held, entries, held AS holds
                     FROM limit_counters WHERE tenant_id = $1 AND (period_start >= $2 OR held <> 0)
                     UNION ALL
                     SELECT limit_name, quantity, subject, period_start, -used, -held, -1, 0
                     FROM limit_ledger AS entry WHERE tenant_id = $1 AND (period_start >= $2 OR EXISTS
                       (SELECT FROM limit_counters AS counter
                        WHERE counter.tenant_id = $1 AND counter.limit_name = entry.limit_name
                          AND counter.quantity = entry.quantity AND counter.subject = entry.subject
                          AND counter.period_start = entry.period_start AND counter.held <> 0))
                     UNION ALL
                     SELECT share #>> '{key,limit}', share #>> '{key,quantity}', share #>> '{key,subject}',
                            (share #>> '{key,period_start}')::timestamptz, 0, 0, 0, -(share ->> 'amount')::bigint
                     FROM decisions, json_array_elements(shares::json) AS share
                     WHERE tenant_id = $1 AND standing = 'HELD') AS found
               GROUP BY limit_name, quantity, subject, period_start
               HAVING sum(used) <> 0 OR sum(held) <> 0 OR sum(entries) <> 0 OR sum(holds) <> 0
               ORDER BY limit_name COLLATE "C", quantity COLLATE "C", subject COLLATE "C", period_start"#,
            tenant.as_str(),
            bounds(Some(forgotten_before), None).0 as Option<Timestamp>
        )
        .fetch_all(&mut *snapshot)
        .await
        .map_err(failed)?;
        let wrong =
            wrong.into_iter().map(|row| key(&row.limit_name, row.quantity, row.subject, row.period_start));
        Ok(CounterAudit {
            counters: count(COUNTERS, totals.counters)?,
            entries: count("limit_ledger", totals.entries)?,
            wrong: wrong.collect(),
        })
    }

    async fn forget_counted(&self, tenant: &TenantId, forget: Forget) -> Result<Forgotten, StoreError> {
        let mut transaction = self.counting(tenant).await?;
        let before = progress(&mut transaction, tenant.as_str()).await?;
        let oldest =
            query!("SELECT min(period_start) FROM limit_counters WHERE tenant_id = $1", tenant.as_str());
        let oldest = oldest.fetch_one(&mut *transaction).await.map_err(failed)?.min;
        let (cut, reached) = forget.cut(before, oldest.map(Timestamp::to_jiff));
        query!(
            "INSERT INTO forgetting (tenant_id, present, counters_before) VALUES ($1, $2, $3)
             ON CONFLICT (tenant_id) DO UPDATE SET
               present = excluded.present, counters_before = excluded.counters_before",
            tenant.as_str(),
            bounds(Some(reached.present), None).0 as Option<Timestamp>,
            bounds(Some(reached.counters_before), None).0 as Option<Timestamp>
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        let gone = forget_some(&mut transaction, tenant.as_str(), cut, forget.most).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(gone)
    }
}

/// How far forgetting has come.
async fn progress(connection: &mut PgConnection, tenant: &str) -> Result<Option<Progress>, StoreError> {
    let row = query!("SELECT present, counters_before FROM forgetting WHERE tenant_id = $1", tenant);
    let row = row.fetch_optional(connection).await.map_err(failed)?;
    Ok(row.map(|row| Progress {
        present: row.present.to_jiff(),
        counters_before: row.counters_before.to_jiff(),
    }))
}

/// Deletes some of what may go, entries before their counters.
async fn forget_some(
    connection: &mut PgConnection,
    tenant: &str,
    cut: Cut,
    most: u32,
) -> Result<Forgotten, sqlx::Error> {
    let (counters_before, _) = bounds(Some(cut.counters_before), None);
    let (decisions_before, _) = bounds(Some(cut.decisions_before), None);
    let entries = query!(
        // Looked up one by one, and no further than needed.
        "DELETE FROM limit_ledger WHERE tenant_id = $1 AND seq = ANY (ARRAY
           (SELECT entry.seq FROM limit_ledger AS entry
            WHERE entry.tenant_id = $1 AND entry.period_start < $2 AND NOT COALESCE(
              (SELECT counter.held <> 0 FROM limit_counters AS counter
               WHERE counter.tenant_id = $1 AND counter.limit_name = entry.limit_name
                 AND counter.quantity = entry.quantity AND counter.subject = entry.subject
                 AND counter.period_start = entry.period_start), false)
            ORDER BY entry.period_start LIMIT $3))",
        tenant,
        counters_before as Option<Timestamp>,
        i64::from(most)
    );
    let entries = entries.execute(&mut *connection).await?.rows_affected();
    let mut gone = Forgotten::default();
    if entries < u64::from(most) {
        let counters = query!(
            "DELETE FROM limit_counters
             WHERE tenant_id = $1 AND (limit_name, quantity, subject, period_start) IN
               (SELECT limit_name, quantity, subject, period_start FROM limit_counters
                WHERE tenant_id = $1 AND period_start < $2 AND held = 0 ORDER BY period_start LIMIT $3)",
            tenant,
            counters_before as Option<Timestamp>,
            i64::from(most)
        );
        gone.counters = counters.execute(&mut *connection).await?.rows_affected();
    }
    let decisions = query!(
        "DELETE FROM decisions WHERE tenant_id = $1 AND id = ANY (ARRAY
           (SELECT id FROM decisions WHERE tenant_id = $1 AND decided_at < $2 AND standing <> 'HELD'
            ORDER BY decided_at LIMIT $3))",
        tenant,
        decisions_before as Option<Timestamp>,
        i64::from(most)
    );
    gone.decisions = decisions.execute(connection).await?.rows_affected();
    gone.more = [entries, gone.counters, gone.decisions].contains(&u64::from(most));
    Ok(gone)
}

/// What steps need to know.
async fn load(
    connection: &mut PgConnection,
    tenant: &str,
    steps: &[CountingStep],
    now: jiff::Timestamp,
) -> Result<Book, StoreError> {
    let mut book = Book::default();
    // Each part by its own index.
    let decisions = query_as!(
        DecisionRow,
        r#"SELECT id AS "id!", request_id, fingerprint AS "fingerprint!", outcome AS "outcome!",
                  standing AS "standing!", decided_at AS "decided_at!", hold_until, shares AS "shares!", answer
           FROM decisions WHERE tenant_id = $1 AND standing = 'HELD' AND hold_until <= $2
           UNION ALL
           SELECT id, request_id, fingerprint, outcome, standing, decided_at, hold_until, shares, answer
           FROM decisions WHERE tenant_id = $1 AND id = ANY($3)
           UNION ALL
           SELECT id, request_id, fingerprint, outcome, standing, decided_at, hold_until, shares, answer
           FROM decisions WHERE tenant_id = $1 AND request_id = ANY($4)"#,
        tenant,
        to_microsecond(now).to_sqlx() as Timestamp,
        &Book::identities(steps),
        &Book::request_ids(steps)
    );
    for row in decisions.fetch_all(&mut *connection).await.map_err(failed)? {
        book.add_decision(row.read()?);
    }
    let counters = book.counters_of(steps);
    if !counters.is_empty() {
        let limits: Vec<&str> = counters.iter().map(|range| range.limit.as_str()).collect();
        let quantities: Vec<&str> = counters.iter().map(|range| range.quantity.as_str()).collect();
        let subjects: Vec<&str> = counters.iter().map(|range| range.subject.as_str()).collect();
        let ends = |range: &CounterRange| bounds(Some(range.from), Some(range.to));
        let froms: Vec<Option<Timestamp>> = counters.iter().map(|range| ends(range).0).collect();
        let tos: Vec<Option<Timestamp>> = counters.iter().map(|range| ends(range).1).collect();
        let rows = query_as!(
            CounterRow,
            "SELECT c.limit_name, c.quantity, c.subject, c.period_start, c.used, c.held, c.told, c.entries
             FROM UNNEST($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[])
                    AS wanted (limit_name, quantity, subject, first, last)
             JOIN limit_counters AS c ON c.tenant_id = $1 AND c.limit_name = wanted.limit_name
              AND c.quantity = wanted.quantity AND c.subject = wanted.subject
              AND c.period_start BETWEEN wanted.first AND wanted.last",
            tenant,
            &limits as &[&str],
            &quantities as &[&str],
            &subjects as &[&str],
            &froms as &[Option<Timestamp>],
            &tos as &[Option<Timestamp>]
        );
        for row in rows.fetch_all(&mut *connection).await.map_err(failed)? {
            let (key, counter) = row.into();
            book.add_counter(key, counter);
        }
    }
    let runs = Book::runs_of(steps);
    if !runs.is_empty() {
        let limits: Vec<_> = runs.iter().map(|key| key.limit.as_str()).collect();
        let subjects: Vec<_> = runs.iter().map(|key| key.subject.as_str()).collect();
        let rows = query!(
            "SELECT r.limit_name, r.subject, r.last_run_at
             FROM UNNEST($2::text[], $3::text[]) AS wanted (limit_name, subject)
             JOIN limit_last_runs AS r ON r.tenant_id = $1 AND r.limit_name = wanted.limit_name
              AND r.subject = wanted.subject",
            tenant,
            &limits as &[&str],
            &subjects as &[&str]
        );
        for row in rows.fetch_all(&mut *connection).await.map_err(failed)? {
            let key = RunKey { limit: row.limit_name.as_str().into(), subject: row.subject };
            book.add_run(key, row.last_run_at.to_jiff());
        }
    }
    Ok(book)
}

/// Keys as columns.
struct Columns<'k> {
    limits: Vec<&'k str>,
    quantities: Vec<&'k str>,
    subjects: Vec<&'k str>,
    starts: Vec<Timestamp>,
}

impl<'k> Columns<'k> {
    fn of(keys: impl Iterator<Item = &'k CounterKey> + Clone) -> Self {
        Self {
            limits: keys.clone().map(|key| key.limit.as_str()).collect(),
            quantities: keys.clone().map(|key| key.quantity.as_str()).collect(),
            subjects: keys.clone().map(|key| key.subject.as_str()).collect(),
            starts: keys.map(|key| key.period_start.to_sqlx()).collect(),
        }
    }
}

/// Writes what steps have changed.
async fn save(connection: &mut PgConnection, tenant: &str, changes: &Changes) -> Result<(), sqlx::Error> {
    if !changes.counters.is_empty() {
        let Columns { limits, quantities, subjects, starts } = Columns::of(changes.counters.keys());
        let column = |of: fn(&Counter) -> i64| changes.counters.values().map(of).collect::<Vec<_>>();
        let told: Vec<i16> = changes.counters.values().map(|counter| counter.told).collect();
        query!(
            "INSERT INTO limit_counters
               (tenant_id, limit_name, quantity, subject, period_start, used, held, told, entries)
             SELECT $1, * FROM UNNEST($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[],
                                      $7::bigint[], $8::smallint[], $9::bigint[])
             ON CONFLICT (tenant_id, limit_name, quantity, subject, period_start) DO UPDATE SET
               used = excluded.used, held = excluded.held, told = excluded.told, entries = excluded.entries",
            tenant,
            &limits as &[&str],
            &quantities as &[&str],
            &subjects as &[&str],
            &starts as &[Timestamp],
            &column(|counter| counter.used),
            &column(|counter| counter.held),
            &told,
            &column(|counter| counter.entries)
        )
        .execute(&mut *connection)
        .await?;
    }
    if !changes.ledger.is_empty() {
        let ledger = &changes.ledger;
        let keys = ledger.iter().map(|entry| &entry.key);
        let Columns { limits, quantities, subjects, starts } = Columns::of(keys);
        let numbers: Vec<i64> = ledger.iter().map(|entry| entry.number).collect();
        let decisions: Vec<Uuid> = ledger.iter().map(|entry| entry.decision).collect();
        let kinds: Vec<&str> = ledger.iter().map(|entry| entry.kind.as_str()).collect();
        let used: Vec<i64> = ledger.iter().map(|entry| entry.used).collect();
        let held: Vec<i64> = ledger.iter().map(|entry| entry.held).collect();
        let at: Vec<Timestamp> = ledger.iter().map(|entry| entry.at.to_sqlx()).collect();
        query!(
            "INSERT INTO limit_ledger
               (tenant_id, limit_name, quantity, subject, period_start, number, decision_id, kind, used, held, at)
             SELECT $1, * FROM UNNEST($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[],
                                      $7::uuid[], $8::text[], $9::bigint[], $10::bigint[], $11::timestamptz[])",
            tenant,
            &limits as &[&str],
            &quantities as &[&str],
            &subjects as &[&str],
            &starts as &[Timestamp],
            &numbers,
            &decisions,
            &kinds as &[&str],
            &used,
            &held,
            &at as &[Timestamp]
        )
        .execute(&mut *connection)
        .await?;
    }
    if !changes.runs.is_empty() {
        let limits: Vec<&str> = changes.runs.keys().map(|key| key.limit.as_str()).collect();
        let subjects: Vec<&str> = changes.runs.keys().map(|key| key.subject.as_str()).collect();
        let at: Vec<Timestamp> = changes.runs.values().map(|at| at.to_sqlx()).collect();
        query!(
            "INSERT INTO limit_last_runs (tenant_id, limit_name, subject, last_run_at)
             SELECT $1, * FROM UNNEST($2::text[], $3::text[], $4::timestamptz[])
             ON CONFLICT (tenant_id, limit_name, subject) DO UPDATE SET last_run_at = excluded.last_run_at",
            tenant,
            &limits as &[&str],
            &subjects as &[&str],
            &at as &[Timestamp]
        )
        .execute(&mut *connection)
        .await?;
    }
    if !changes.decisions.is_empty() {
        save_decisions(connection, tenant, changes.decisions.values().map(|(record, _)| record)).await?;
    }
    Ok(())
}

async fn save_decisions<'r>(
    connection: &mut PgConnection,
    tenant: &str,
    records: impl Iterator<Item = &'r DecisionRecord> + Clone,
) -> Result<(), sqlx::Error> {
    let all = || records.clone();
    let ids: Vec<Uuid> = all().map(|record| record.id).collect();
    let names: Vec<Option<&str>> = all().map(|record| record.request_id.as_deref()).collect();
    let fingerprints: Vec<&[u8]> = all().map(|record| &record.fingerprint[..]).collect();
    let outcomes: Vec<&str> = all().map(|record| record.outcome.as_str()).collect();
    let standings: Vec<&str> = all().map(|record| record.standing.as_str()).collect();
    let decided: Vec<Timestamp> = all().map(|record| record.decided_at.to_sqlx()).collect();
    let until: Vec<Option<Timestamp>> = all().map(|record| record.hold_until.map(ToSqlx::to_sqlx)).collect();
    let shares: Vec<String> = all().map(|record| json(&record.shares)).collect();
    let answers: Vec<Option<&str>> = all().map(|record| record.answer.as_deref()).collect();
    query!(
        "INSERT INTO decisions
           (tenant_id, id, request_id, fingerprint, outcome, standing, decided_at, hold_until, shares, answer)
         SELECT $1, * FROM UNNEST($2::uuid[], $3::text[], $4::bytea[], $5::text[], $6::text[], $7::timestamptz[],
                                  $8::timestamptz[], $9::text[], $10::text[])
         ON CONFLICT (tenant_id, id) DO UPDATE SET
           request_id = excluded.request_id, standing = excluded.standing, shares = excluded.shares,
           answer = excluded.answer",
        tenant,
        &ids,
        &names as &[Option<&str>],
        &fingerprints as &[&[u8]],
        &outcomes as &[&str],
        &standings as &[&str],
        &decided as &[Timestamp],
        &until as &[Option<Timestamp>],
        &shares,
        &answers as &[Option<&str>]
    )
    .execute(connection)
    .await?;
    Ok(())
}
