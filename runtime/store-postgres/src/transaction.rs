//! The only ways to the database: each belongs to one tenant, but for the look-up of a key, which tells whose a
//! request is, and for the names of tenants.

use std::future::Future;
use std::sync::Arc;

use ordain_store::{StoreError, TenantId};
use sqlx::{Postgres, SqlSafeStr, SqlStr, Transaction, query};

use crate::PostgresStore;
use crate::row::failed;

impl PostgresStore {
    /// A transaction that sees one snapshot and can't write.
    pub(crate) async fn reading(
        &self,
        tenant: &TenantId,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.begin(tenant, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".into_sql_str()).await
    }

    /// A transaction that writes. Those of one tenant queue.
    pub(crate) async fn writing(
        &self,
        tenant: &TenantId,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut transaction = self.begin(tenant, "BEGIN".into_sql_str()).await?;
        query!(
            "SELECT pg_advisory_xact_lock(hashtextextended('ordain.tenant:' || $1::text, 0))",
            tenant.as_str()
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        Ok(transaction)
    }

    /// A transaction that adds to what is recorded. Those of one tenant don't queue, so each must touch its rows in
    /// one order.
    pub(crate) async fn recording(
        &self,
        tenant: &TenantId,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.begin(tenant, "BEGIN".into_sql_str()).await
    }

    /// A transaction that learns lessons. Those of one tenant queue, so that nothing is learned twice.
    pub(crate) async fn learning(
        &self,
        tenant: &TenantId,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut transaction = self.begin(tenant, "BEGIN".into_sql_str()).await?;
        lock_lessons(&mut transaction, tenant).await?;
        Ok(transaction)
    }

    /// A transaction in which a person decides about a lesson: it writes the record too. Nobody takes these two locks in
    /// the other order.
    pub(crate) async fn deciding_on_lessons(
        &self,
        tenant: &TenantId,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut transaction = self.writing(tenant).await?;
        lock_lessons(&mut transaction, tenant).await?;
        Ok(transaction)
    }

    /// A transaction that counts. Those of one tenant queue, and each sees what the one before it wrote.
    pub(crate) async fn counting(
        &self,
        tenant: &TenantId,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut transaction = self.begin(tenant, "BEGIN".into_sql_str()).await?;
        // Whoever holds the lock holds it for milliseconds, unless it has gone silent; then the server ends it.
        query!("SELECT set_config('lock_timeout', '5s', true)")
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed)?;
        // A statement of its own: what comes after it looks at the tables anew.
        query!(
            "SELECT pg_advisory_xact_lock(hashtextextended('ordain.counters:' || $1::text, 0))",
            tenant.as_str()
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        Ok(transaction)
    }

    /// A transaction that sees the one API key with this prefix, and nothing else of anybody's.
    pub(crate) async fn looking_up(
        &self,
        prefix: &str,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        let statement = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".into_sql_str();
        let (pool, prefix) = (self.pool.get(), prefix.to_owned());
        to_the_end(async move {
            let mut transaction = pool.begin_with(statement).await?;
            let set = query!("SELECT set_config('app.key_prefix', $1, true)", prefix);
            set.fetch_one(&mut *transaction).await?;
            Ok(transaction)
        })
        .await
    }

    /// A transaction that sees the names of tenants, and nothing else of anybody's.
    pub(crate) async fn naming(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        let statement = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".into_sql_str();
        let pool = self.pool.get();
        to_the_end(async move {
            let mut transaction = pool.begin_with(statement).await?;
            let set = query!("SELECT set_config('app.every_tenant', 'on', true)");
            set.fetch_one(&mut *transaction).await?;
            Ok(transaction)
        })
        .await
    }

    async fn begin(
        &self,
        tenant: &TenantId,
        statement: SqlStr,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        let (pool, tenant) = (Arc::clone(&self.pool), tenant.clone());
        to_the_end(async move {
            let mut transaction = pool.get().begin_with(statement).await?;
            // Until the end of the transaction only: a session's setting would leak through the pool.
            let set = query!("SELECT set_config('app.tenant_id', $1, true)", tenant.as_str());
            set.fetch_one(&mut *transaction).await?;
            pool.note();
            Ok(transaction)
        })
        .await
    }
}

async fn lock_lessons(
    transaction: &mut Transaction<'static, Postgres>,
    tenant: &TenantId,
) -> Result<(), StoreError> {
    // A statement of its own: what comes after it looks at the tables anew.
    query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('ordain.lessons:' || $1::text, 0))",
        tenant.as_str()
    )
    .execute(&mut **transaction)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Begins on a task of its own, which comes to its end when whoever asked has gone: a connection that is given back while
/// `BEGIN` is under way is in a transaction that nobody ends, and the next to get it would work in there.
async fn to_the_end(
    begin: impl Future<Output = Result<Transaction<'static, Postgres>, sqlx::Error>> + Send + 'static,
) -> Result<Transaction<'static, Postgres>, StoreError> {
    match tokio::spawn(begin).await {
        Ok(begun) => begun.map_err(failed),
        Err(_) => Err(StoreError::unavailable("a question ended with a panic, which is a bug of ours")),
    }
}
