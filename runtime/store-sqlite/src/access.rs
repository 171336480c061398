//! API keys.

use async_trait::async_trait;
use jiff::Timestamp;
use ordain_store::{AccessStore, ApiKeyRecord, FoundApiKey, Principal, StoreError, TenantId, hour_of};
use sqlx::{SqliteConnection, query, query_as};
use uuid::Uuid;

use crate::SqliteStore;
use crate::row::{failed, instant, uuid, word};

const TABLE: &str = "api_keys";

struct KeyRow {
    tenant_id: String,
    id: String,
    prefix: String,
    hash: Vec<u8>,
    principal_kind: String,
    principal: String,
    roles: String,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    last_used_at: Option<i64>,
    replaces: Option<String>,
}

impl KeyRow {
    fn read(self) -> Result<FoundApiKey, StoreError> {
        let wrong = |column, reason: &dyn std::fmt::Display| {
            StoreError::inconsistent(TABLE, column, &self.id, reason)
        };
        let at = |column, value: Option<i64>| {
            value.map(|value| instant(TABLE, column, &self.id, value)).transpose()
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
            created_at: instant(TABLE, "created_at", &self.id, self.created_at)?,
            expires_at: at("expires_at", self.expires_at)?,
            revoked_at: at("revoked_at", self.revoked_at)?,
            last_used_at: at("last_used_at", self.last_used_at)?,
            replaces: self.replaces.map(|id| uuid(TABLE, "replaces", &id)).transpose()?,
            id: uuid(TABLE, "id", &self.id)?,
            prefix: self.prefix,
        };
        let tenant = TenantId::new(&self.tenant_id)
            .map_err(|reason| StoreError::inconsistent(TABLE, "tenant_id", &key.id, &reason))?;
        Ok(FoundApiKey { tenant, key })
    }
}

async fn insert(
    connection: &mut SqliteConnection,
    tenant: &str,
    key: &ApiKeyRecord,
) -> Result<(), sqlx::Error> {
    let (id, hash, kind) = (key.id.hyphenated().to_string(), &key.hash[..], key.principal.kind.as_str());
    let (roles, created) = (key.roles_text(), key.created_at.as_microsecond());
    let expires = key.expires_at.map(Timestamp::as_microsecond);
    let revoked = key.revoked_at.map(Timestamp::as_microsecond);
    let used = key.last_used_at.map(Timestamp::as_microsecond);
    let replaces = key.replaces.map(|id| id.hyphenated().to_string());
    query!(
        "INSERT INTO api_keys
           (tenant_id, id, prefix, hash, principal_kind, principal, roles, created_at, expires_at, revoked_at,
            last_used_at, replaces)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        tenant,
        id,
        key.prefix,
        hash,
        kind,
        key.principal.name,
        roles,
        created,
        expires,
        revoked,
        used,
        replaces
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[async_trait]
impl AccessStore for SqliteStore {
    async fn create_api_key(&self, tenant: &TenantId, key: &ApiKeyRecord) -> Result<(), StoreError> {
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        insert(&mut transaction, tenant.as_str(), key).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn api_keys(&self, tenant: &TenantId) -> Result<Vec<ApiKeyRecord>, StoreError> {
        let tenant = tenant.as_str();
        let rows =
            query_as!(KeyRow, "SELECT * FROM api_keys WHERE tenant_id = $1 ORDER BY created_at, id", tenant);
        let rows = rows.fetch_all(&self.read).await.map_err(failed)?;
        rows.into_iter().map(|row| Ok(row.read()?.key)).collect()
    }

    async fn api_key_by_prefix(&self, prefix: &str) -> Result<Option<FoundApiKey>, StoreError> {
        let row = query_as!(KeyRow, "SELECT * FROM api_keys WHERE prefix = $1", prefix);
        row.fetch_optional(&self.read).await.map_err(failed)?.map(KeyRow::read).transpose()
    }

    async fn revoke_api_key(
        &self,
        tenant: &TenantId,
        id: Uuid,
        at: Timestamp,
    ) -> Result<Option<ApiKeyRecord>, StoreError> {
        let (tenant, id, at) = (tenant.as_str(), id.hyphenated().to_string(), at.as_microsecond());
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        query!(
            "UPDATE api_keys SET revoked_at = $3 WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL",
            tenant,
            id,
            at
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        let row = query_as!(KeyRow, "SELECT * FROM api_keys WHERE tenant_id = $1 AND id = $2", tenant, id)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        row.map(|row| Ok(row.read()?.key)).transpose()
    }

    async fn replace_api_key(
        &self,
        tenant: &TenantId,
        id: Uuid,
        until: Timestamp,
        new: &ApiKeyRecord,
    ) -> Result<bool, StoreError> {
        let (tenant, id, until) = (tenant.as_str(), id.hyphenated().to_string(), until.as_microsecond());
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let ended = query!(
            "UPDATE api_keys SET expires_at = min(coalesce(expires_at, $3), $3)
             WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL",
            tenant,
            id,
            until
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        if ended.rows_affected() == 0 {
            return Ok(false);
        }
        insert(&mut transaction, tenant, new).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(true)
    }

    async fn touch_api_key(&self, tenant: &TenantId, id: Uuid, at: Timestamp) -> Result<(), StoreError> {
        let (tenant, id) = (tenant.as_str(), id.hyphenated().to_string());
        let hour = hour_of(at).as_microsecond();
        query!(
            "UPDATE api_keys SET last_used_at = $3
             WHERE tenant_id = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at < $3)",
            tenant,
            id,
            hour
        )
        .execute(&self.write)
        .await
        .map_err(failed)?;
        Ok(())
    }
}
