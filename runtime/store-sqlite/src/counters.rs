//! What is used of limits. Each statement takes a whole batch, as one JSON array: a statement for each row would cost
//! more than the rows.

use async_trait::async_trait;
use jiff::Timestamp;
use ordain_ir::PolicyName;
use ordain_store::counting::{
    Book, Changes, CounterRange, CounterRecord, Cut, DecisionRecord, LedgerEntry, Progress,
};
use ordain_store::{
    Counter, CounterAudit, CounterKey, CounterStore, CountingAnswer, CountingStep, Forget, Forgotten, RunKey,
    StoreError, TenantId,
};
use serde_json::{Value, json};
use sqlx::{SqliteConnection, query, query_as};

use crate::SqliteStore;
use crate::row::{count, failed, instant, uuid, word};

const COUNTERS: &str = "limit_counters";
const DECISIONS: &str = "decisions";

struct CounterRow {
    limit_name: String,
    quantity: String,
    subject: String,
    period_start: i64,
    used: i64,
    held: i64,
    told: i64,
    entries: i64,
}

impl CounterRow {
    fn read(self) -> Result<(CounterKey, Counter), StoreError> {
        let told = i16::try_from(self.told)
            .map_err(|error| StoreError::inconsistent(COUNTERS, "told", &self.subject, &error))?;
        let counter = Counter { used: self.used, held: self.held, told, entries: self.entries };
        Ok((key(&self.limit_name, self.quantity, self.subject, self.period_start)?, counter))
    }
}

fn key(limit: &str, quantity: String, subject: String, period_start: i64) -> Result<CounterKey, StoreError> {
    let period_start = instant(COUNTERS, "period_start", &subject, period_start)?;
    Ok(CounterKey { limit: limit.into(), quantity, subject, period_start })
}

struct DecisionRow {
    id: String,
    request_id: Option<String>,
    fingerprint: String,
    outcome: String,
    standing: String,
    decided_at: i64,
    hold_until: Option<i64>,
    shares: String,
    answer: Option<String>,
}

impl DecisionRow {
    fn read(self) -> Result<DecisionRecord, StoreError> {
        let id = &self.id;
        let wrong = |column, reason: &str| StoreError::inconsistent(DECISIONS, column, id, &reason);
        let hold_until = self.hold_until.map(|until| instant(DECISIONS, "hold_until", id, until));
        Ok(DecisionRecord {
            fingerprint: bytes(&self.fingerprint).ok_or_else(|| wrong("fingerprint", "is no hash"))?,
            outcome: word(DECISIONS, "outcome", id, &self.outcome)?,
            standing: word(DECISIONS, "standing", id, &self.standing)?,
            decided_at: instant(DECISIONS, "decided_at", id, self.decided_at)?,
            hold_until: hold_until.transpose()?,
            shares: serde_json::from_str(&self.shares).map_err(|e| wrong("shares", &e.to_string()))?,
            id: uuid(DECISIONS, "id", &self.id)?,
            request_id: self.request_id,
            answer: self.answer,
        })
    }
}

/// Rows as the one parameter of a statement.
fn array(rows: impl Iterator<Item = Value>) -> String {
    rows.collect::<Value>().to_string()
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes(text: &str) -> Option<[u8; 32]> {
    let digits = (0..text.len() / 2).map(|i| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok());
    digits.collect::<Option<Vec<_>>>()?.try_into().ok()
}

#[async_trait]
impl CounterStore for SqliteStore {
    async fn count(
        &self,
        tenant: &TenantId,
        steps: &[CountingStep],
        now: Timestamp,
    ) -> Result<Vec<CountingAnswer>, StoreError> {
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
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
        let (tenant, limit) = (tenant.as_str(), limit.as_str());
        let rows = query_as!(
            CounterRow,
            "SELECT limit_name, quantity, subject, period_start, used, held, told, entries FROM limit_counters
             WHERE tenant_id = $1 AND limit_name = $2 ORDER BY period_start DESC, quantity, subject LIMIT $3",
            tenant,
            limit,
            most
        );
        let rows = rows.fetch_all(&self.read).await.map_err(failed)?;
        let read = |row: CounterRow| row.read().map(|(key, counter)| CounterRecord { key, counter });
        rows.into_iter().map(read).collect()
    }

    async fn audit_counters(&self, tenant: &TenantId) -> Result<CounterAudit, StoreError> {
        let tenant = tenant.as_str();
        let mut snapshot = self.read.begin().await.map_err(failed)?;
        let progress = progress(&mut snapshot, tenant).await?;
        let forgotten_before = progress.map_or(i64::MIN, |it| it.counters_before.as_microsecond());
        let totals = query!(
            r#"SELECT (SELECT count(*) FROM limit_counters WHERE tenant_id = $1) AS "counters!: i64",
                      (SELECT count(*) FROM limit_ledger WHERE tenant_id = $1) AS "entries!: i64""#,
            tenant
        )
        .fetch_one(&mut *snapshot)
        .await
        .map_err(failed)?;
        let wrong = query!(
            r#"SELECT limit_name AS "limit_name!: String", quantity AS "quantity!: String",
                      subject AS "subject!: String", period_start AS "period_start!: i64"
               FROM (SELECT limit_name, quantity, subject, period_start, used, held, entries, held AS holds
                     FROM limit_counters WHERE tenant_id = $1 AND (period_start >= $2 OR held <> 0)
                     UNION ALL
                     SELECT limit_name, quantity, subject, period_start, -used, -held, -1, 0
                     FROM limit_ledger AS entry WHERE tenant_id = $1 AND (period_start >= $2 OR EXISTS
                       (SELECT 1 FROM limit_counters AS counter
                        WHERE counter.tenant_id = $1 AND counter.limit_name = entry.limit_name
                          AND counter.quantity = entry.quantity AND counter.subject = entry.subject
                          AND counter.period_start = entry.period_start AND counter.held <> 0))
                     UNION ALL
                     SELECT share.value ->> '$.key.limit', share.value ->> '$.key.quantity',
                            share.value ->> '$.key.subject',
                            unixepoch(share.value ->> '$.key.period_start') * 1000000, 0, 0, 0,
                            -(share.value ->> '$.amount')
                     FROM decisions, json_each(decisions.shares) AS share
                     WHERE tenant_id = $1 AND standing = 'HELD')
               GROUP BY 1, 2, 3, 4
               HAVING sum(used) <> 0 OR sum(held) <> 0 OR sum(entries) <> 0 OR sum(holds) <> 0
               ORDER BY 1, 2, 3, 4"#,
            tenant,
            forgotten_before
        )
        .fetch_all(&mut *snapshot)
        .await
        .map_err(failed)?;
        let wrong =
            wrong.into_iter().map(|row| key(&row.limit_name, row.quantity, row.subject, row.period_start));
        Ok(CounterAudit {
            counters: count(COUNTERS, totals.counters)?,
            entries: count("limit_ledger", totals.entries)?,
            wrong: wrong.collect::<Result<_, _>>()?,
        })
    }

    async fn forget_counted(&self, tenant: &TenantId, forget: Forget) -> Result<Forgotten, StoreError> {
        let tenant = tenant.as_str();
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let before = progress(&mut transaction, tenant).await?;
        let oldest = query!(
            r#"SELECT min(period_start) AS "oldest: i64" FROM limit_counters WHERE tenant_id = $1"#,
            tenant
        );
        let oldest = oldest.fetch_one(&mut *transaction).await.map_err(failed)?.oldest;
        let oldest = oldest.map(|at| instant(COUNTERS, "period_start", tenant, at)).transpose()?;
        let (cut, reached) = forget.cut(before, oldest);
        let (present, counters_before) =
            (reached.present.as_microsecond(), reached.counters_before.as_microsecond());
        query!(
            "INSERT INTO forgetting (tenant_id, present, counters_before) VALUES ($1, $2, $3)
             ON CONFLICT (tenant_id) DO UPDATE SET
               present = excluded.present, counters_before = excluded.counters_before",
            tenant,
            present,
            counters_before
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        let gone = forget_some(&mut transaction, tenant, cut, forget.most).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(gone)
    }
}

/// How far forgetting has come.
async fn progress(connection: &mut SqliteConnection, tenant: &str) -> Result<Option<Progress>, StoreError> {
    let row = query!("SELECT present, counters_before FROM forgetting WHERE tenant_id = $1", tenant);
    let Some(row) = row.fetch_optional(connection).await.map_err(failed)? else { return Ok(None) };
    Ok(Some(Progress {
        present: instant("forgetting", "present", tenant, row.present)?,
        counters_before: instant("forgetting", "counters_before", tenant, row.counters_before)?,
    }))
}

/// Deletes some of what may go, entries before their counters.
async fn forget_some(
    connection: &mut SqliteConnection,
    tenant: &str,
    cut: Cut,
    most: u32,
) -> Result<Forgotten, sqlx::Error> {
    let (counters_before, decisions_before) =
        (cut.counters_before.as_microsecond(), cut.decisions_before.as_microsecond());
    // The `+` keeps SQLite from looking at every entry of the tenant.
    let entries = query!(
        "DELETE FROM limit_ledger WHERE +tenant_id = $1 AND seq IN
           (SELECT entry.seq FROM limit_ledger AS entry
            WHERE entry.tenant_id = $1 AND entry.period_start < $2 AND NOT EXISTS
              (SELECT 1 FROM limit_counters AS counter
               WHERE counter.tenant_id = $1 AND counter.limit_name = entry.limit_name
                 AND counter.quantity = entry.quantity AND counter.subject = entry.subject
                 AND counter.period_start = entry.period_start AND counter.held <> 0)
            LIMIT $3)",
        tenant,
        counters_before,
        most
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
            counters_before,
            most
        );
        gone.counters = counters.execute(&mut *connection).await?.rows_affected();
    }
    let decisions = query!(
        "DELETE FROM decisions WHERE tenant_id = $1 AND id IN
           (SELECT id FROM decisions WHERE tenant_id = $1 AND decided_at < $2 AND standing <> 'HELD' LIMIT $3)",
        tenant,
        decisions_before,
        most
    );
    gone.decisions = decisions.execute(connection).await?.rows_affected();
    gone.more = [entries, gone.counters, gone.decisions].contains(&u64::from(most));
    Ok(gone)
}

/// What steps need to know.
async fn load(
    connection: &mut SqliteConnection,
    tenant: &str,
    steps: &[CountingStep],
    now: Timestamp,
) -> Result<Book, StoreError> {
    let mut book = Book::default();
    let now = now.as_microsecond();
    let ids: Vec<_> = Book::identities(steps).iter().map(|id| id.hyphenated().to_string()).collect();
    let (ids, names) = (json!(ids).to_string(), json!(Book::request_ids(steps)).to_string());
    // Each part by its own index. For `request_id IN (…)` SQLite would read all that the tenant has, so names are joined.
    let decisions = query_as!(
        DecisionRow,
        r#"SELECT id AS "id!", request_id, fingerprint AS "fingerprint!", outcome AS "outcome!",
                  standing AS "standing!", decided_at AS "decided_at!", hold_until, shares AS "shares!", answer
           FROM decisions WHERE tenant_id = $1 AND standing = 'HELD' AND hold_until <= $2
           UNION ALL
           SELECT id, request_id, fingerprint, outcome, standing, decided_at, hold_until, shares, answer
           FROM decisions WHERE tenant_id = $1 AND id IN (SELECT value FROM json_each($3))
           UNION ALL
           SELECT decisions.id, request_id, fingerprint, outcome, standing, decided_at, hold_until, shares, answer
           FROM json_each($4) AS named
                CROSS JOIN decisions ON tenant_id = $1 AND request_id = named.value AND request_id IS NOT NULL"#,
        tenant,
        now,
        ids,
        names
    );
    for row in decisions.fetch_all(&mut *connection).await.map_err(failed)? {
        book.add_decision(row.read()?);
    }
    let counters = book.counters_of(steps);
    if !counters.is_empty() {
        let row = |range: &CounterRange| {
            let (from, to) = (range.from.as_microsecond(), range.to.as_microsecond());
            json!([range.limit.as_str(), range.quantity, range.subject, from, to])
        };
        let ranges = array(counters.iter().map(row));
        let rows = query_as!(
            CounterRow,
            r#"SELECT c.limit_name AS "limit_name!", c.quantity AS "quantity!", c.subject AS "subject!",
                      c.period_start AS "period_start!", c.used AS "used!", c.held AS "held!", c.told AS "told!",
                      c.entries AS "entries!"
               FROM json_each($2) AS wanted
               CROSS JOIN limit_counters AS c ON c.tenant_id = $1 AND c.limit_name = wanted.value ->> 0
                AND c.quantity = wanted.value ->> 1 AND c.subject = wanted.value ->> 2
                AND c.period_start BETWEEN wanted.value ->> 3 AND wanted.value ->> 4"#,
            tenant,
            ranges
        );
        for row in rows.fetch_all(&mut *connection).await.map_err(failed)? {
            let (key, counter) = row.read()?;
            book.add_counter(key, counter);
        }
    }
    let runs = Book::runs_of(steps);
    if !runs.is_empty() {
        let keys = array(runs.iter().map(|key| json!([key.limit.as_str(), key.subject])));
        let rows = query!(
            r#"SELECT r.limit_name AS "limit_name!", r.subject AS "subject!", r.last_run_at AS "last_run_at!" FROM json_each($2) AS wanted
               CROSS JOIN limit_last_runs AS r ON r.tenant_id = $1 AND r.limit_name = wanted.value ->> 0
                AND r.subject = wanted.value ->> 1"#,
            tenant,
            keys
        );
        for row in rows.fetch_all(&mut *connection).await.map_err(failed)? {
            let at = instant("limit_last_runs", "last_run_at", &row.subject, row.last_run_at)?;
            book.add_run(RunKey { limit: row.limit_name.as_str().into(), subject: row.subject }, at);
        }
    }
    Ok(book)
}

/// Writes what steps have changed.
async fn save(connection: &mut SqliteConnection, tenant: &str, changes: &Changes) -> Result<(), sqlx::Error> {
    if !changes.counters.is_empty() {
        let row = |(key, counter): (&CounterKey, &Counter)| {
            let Counter { used, held, told, entries } = counter;
            let start = key.period_start.as_microsecond();
            json!([key.limit, key.quantity, key.subject, start, used, held, told, entries])
        };
        let rows = array(changes.counters.iter().map(row));
        query!(
            "INSERT INTO limit_counters
               (tenant_id, limit_name, quantity, subject, period_start, used, held, told, entries)
             SELECT $1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                    value ->> 7
             FROM json_each($2) WHERE true
             ON CONFLICT (tenant_id, limit_name, quantity, subject, period_start) DO UPDATE SET
               used = excluded.used, held = excluded.held, told = excluded.told, entries = excluded.entries",
            tenant,
            rows
        )
        .execute(&mut *connection)
        .await?;
    }
    if !changes.ledger.is_empty() {
        let row = |entry: &LedgerEntry| {
            let LedgerEntry { key, number, decision, kind, used, held, at } = entry;
            let (start, at) = (key.period_start.as_microsecond(), at.as_microsecond());
            json!([key.limit, key.quantity, key.subject, start, number, decision, kind, used, held, at])
        };
        let rows = array(changes.ledger.iter().map(row));
        query!(
            "INSERT INTO limit_ledger
               (tenant_id, limit_name, quantity, subject, period_start, number, decision_id, kind, used, held, at)
             SELECT $1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                    value ->> 7, value ->> 8, value ->> 9
             FROM json_each($2)",
            tenant,
            rows
        )
        .execute(&mut *connection)
        .await?;
    }
    if !changes.runs.is_empty() {
        let row = |(key, at): (&RunKey, &Timestamp)| json!([key.limit, key.subject, at.as_microsecond()]);
        let rows = array(changes.runs.iter().map(row));
        query!(
            "INSERT INTO limit_last_runs (tenant_id, limit_name, subject, last_run_at)
             SELECT $1, value ->> 0, value ->> 1, value ->> 2 FROM json_each($2) WHERE true
             ON CONFLICT (tenant_id, limit_name, subject) DO UPDATE SET last_run_at = excluded.last_run_at",
            tenant,
            rows
        )
        .execute(&mut *connection)
        .await?;
    }
    if !changes.decisions.is_empty() {
        let row = |(record, _): &(DecisionRecord, bool)| {
            json!([
                record.id,
                record.request_id,
                hexadecimal(&record.fingerprint),
                record.outcome,
                record.standing,
                record.decided_at.as_microsecond(),
                record.hold_until.map(Timestamp::as_microsecond),
                crate::row::json(&record.shares),
                record.answer,
            ])
        };
        let rows = array(changes.decisions.values().map(row));
        query!(
            "INSERT INTO decisions
               (tenant_id, id, request_id, fingerprint, outcome, standing, decided_at, hold_until, shares, answer)
             SELECT $1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                    value ->> 7, value ->> 8
             FROM json_each($2) WHERE true
             ON CONFLICT (tenant_id, id) DO UPDATE SET
               request_id = excluded.request_id, standing = excluded.standing, shares = excluded.shares,
               answer = excluded.answer",
            tenant,
            rows
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
