//! API keys.

use async_trait::async_trait;
use jiff_sqlx::{Timestamp, ToSqlx};
use ordain_store::{
    AccessStore, ApiKeyRecord, FoundApiKey, Principal, StoreError, TenantId, hour_of, to_microsecond,
};
use sqlx::{PgConnection, query, query_as};
use uuid::Uuid;

use crate::PostgresStore;
use crate::row::{failed, word};

const TABLE: &str = "api_keys";

struct KeyRow {
    tenant_id: String,
    id: Uuid,
    prefix: String,
    hash: Vec<u8>,
    principal_kind: String,
    principal: String,
    roles: String,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    replaces: Option<Uuid>,
}

impl KeyRow {
    fn read(self) -> Result<FoundApiKey, StoreError> {
        let wrong = |column, reason: &dyn std::fmt::Display| {
            StoreError::inconsistent(TABLE, column, &self.id, reason)
        };
        let hash: [u8; 32] =
            self.hash.as_slice().try_into().map_err(|_| wrong("hash", &"is not 32 bytes long"))?;
        let key = ApiKeyRecord {
            hash,
            principal: Principal {
                kind: word(TABLE, "principal_kind", &self.id, &self.principal_kind)?,
                name: self.principal,
            },
            roles: ApiKeyRecord::read_roles(&self.roles).map_err(|reason| wrong("roles", &reason))?,
            created_at: self.created_at.to_jiff(),
            expires_at: self.expires_at.map(Timestamp::to_jiff),
            revoked_at: self.revoked_at.map(Timestamp::to_jiff),
            last_used_at: self.last_used_at.map(Timestamp::to_jiff),
            replaces: self.replaces,
            id: self.id,
            prefix: self.prefix,
        };
        let tenant = TenantId::new(&self.tenant_id)
            .map_err(|reason| StoreError::inconsistent(TABLE, "tenant_id", &key.id, &reason))?;
        Ok(FoundApiKey { tenant, key })
    }
}

fn sql(at: jiff::Timestamp) -> Timestamp {
    to_microsecond(at).to_sqlx()
}

async fn insert(connection: &mut PgConnection, tenant: &str, key: &ApiKeyRecord) -> Result<(), sqlx::Error> {
    query!(
        "INSERT INTO api_keys
           (tenant_id, id, prefix, hash, principal_kind, principal, roles, created_at, expires_at, revoked_at,
            last_used_at, replaces)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        tenant,
        key.id,
        key.prefix,
        &key.hash[..],
        key.principal.kind.as_str(),
        key.principal.name,
        key.roles_text(),
        sql(key.created_at) as Timestamp,
        key.expires_at.map(sql) as Option<Timestamp>,
        key.revoked_at.map(sql) as Option<Timestamp>,
        key.last_used_at.map(sql) as Option<Timestamp>,
        key.replaces
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[async_trait]
impl AccessStore for PostgresStore {
    async fn create_api_key(&self, tenant: &TenantId, key: &ApiKeyRecord) -> Result<(), StoreError> {
        let mut transaction = self.recording(tenant).await?;
        insert(&mut transaction, tenant.as_str(), key).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn api_keys(&self, tenant: &TenantId) -> Result<Vec<ApiKeyRecord>, StoreError> {
        let mut snapshot = self.reading(tenant).await?;
        let rows = query_as!(
            KeyRow,
            "SELECT * FROM api_keys WHERE tenant_id = $1 ORDER BY created_at, id",
            tenant.as_str()
        );
        let rows = rows.fetch_all(&mut *snapshot).await.map_err(failed)?;
        rows.into_iter().map(|row| Ok(row.read()?.key)).collect()
    }

    async fn api_key_by_prefix(&self, prefix: &str) -> Result<Option<FoundApiKey>, StoreError> {
        let mut snapshot = self.looking_up(prefix).await?;
        let row = query_as!(KeyRow, "SELECT * FROM api_keys WHERE prefix = $1", prefix);
        row.fetch_optional(&mut *snapshot).await.map_err(failed)?.map(KeyRow::read).transpose()
    }

    async fn revoke_api_key(
        &self,
        tenant: &TenantId,
        id: Uuid,
        at: jiff::Timestamp,
    ) -> Result<Option<ApiKeyRecord>, StoreError> {
        let mut transaction = self.recording(tenant).await?;
        query!(
            "UPDATE api_keys SET revoked_at = $3 WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL",
            tenant.as_str(),
            id,
            sql(at) as Timestamp
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        let row =
            query_as!(KeyRow, "SELECT * FROM api_keys WHERE tenant_id = $1 AND id = $2", tenant.as_str(), id);
        let row = row.fetch_optional(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        row.map(|row| Ok(row.read()?.key)).transpose()
    }

    async fn replace_api_key(
        &self,
        tenant: &TenantId,
        id: Uuid,
        until: jiff::Timestamp,
        new: &ApiKeyRecord,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.recording(tenant).await?;
        let ended = query!(
            "UPDATE api_keys SET expires_at = least(expires_at, $3)
             WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL",
            tenant.as_str(),
            id,
            sql(until) as Timestamp
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        if ended.rows_affected() == 0 {
            return Ok(false);
        }
        insert(&mut transaction, tenant.as_str(), new).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(true)
    }

    async fn touch_api_key(
        &self,
        tenant: &TenantId,
        id: Uuid,
        at: jiff::Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.recording(tenant).await?;
        query!(
            "UPDATE api_keys SET last_used_at = $3
             WHERE tenant_id = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at < $3)",
            tenant.as_str(),
            id,
            sql(hour_of(at)) as Timestamp
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }
}
