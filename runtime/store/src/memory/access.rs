//! API keys of the model.

use std::sync::PoisonError;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::MemoryStore;
use crate::{AccessStore, ApiKeyRecord, FoundApiKey, StoreError, TenantId, hour_of, to_microsecond};

fn kept(key: &ApiKeyRecord) -> ApiKeyRecord {
    ApiKeyRecord {
        created_at: to_microsecond(key.created_at),
        expires_at: key.expires_at.map(to_microsecond),
        ..key.clone()
    }
}

#[async_trait]
impl AccessStore for MemoryStore {
    async fn create_api_key(&self, tenant: &TenantId, key: &ApiKeyRecord) -> Result<(), StoreError> {
        self.write(tenant, |held| held.keys.push(kept(key)));
        Ok(())
    }

    async fn api_keys(&self, tenant: &TenantId) -> Result<Vec<ApiKeyRecord>, StoreError> {
        Ok(self.read(tenant, |held| {
            let mut keys = held.keys.clone();
            keys.sort_by_key(|key| (key.created_at, key.id));
            keys
        }))
    }

    async fn api_key_by_prefix(&self, prefix: &str) -> Result<Option<FoundApiKey>, StoreError> {
        let tenants = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = tenants.iter().find_map(|(tenant, held)| {
            let key = held.keys.iter().find(|key| key.prefix == prefix)?.clone();
            Some(FoundApiKey { tenant: tenant.clone(), key })
        });
        Ok(found)
    }

    async fn revoke_api_key(
        &self,
        tenant: &TenantId,
        id: Uuid,
        at: Timestamp,
    ) -> Result<Option<ApiKeyRecord>, StoreError> {
        Ok(self.write(tenant, |held| {
            let key = held.keys.iter_mut().find(|key| key.id == id)?;
            key.revoked_at.get_or_insert(to_microsecond(at));
            Some(key.clone())
        }))
    }

    async fn replace_api_key(
        &self,
        tenant: &TenantId,
        id: Uuid,
        until: Timestamp,
        new: &ApiKeyRecord,
    ) -> Result<bool, StoreError> {
        let until = to_microsecond(until);
        Ok(self.write(tenant, |held| {
            let Some(old) = held.keys.iter_mut().find(|key| key.id == id && key.revoked_at.is_none()) else {
                return false;
            };
            old.expires_at = Some(old.expires_at.map_or(until, |end| end.min(until)));
            held.keys.push(kept(new));
            true
        }))
    }

    async fn touch_api_key(&self, tenant: &TenantId, id: Uuid, at: Timestamp) -> Result<(), StoreError> {
        self.write(tenant, |held| {
            if let Some(key) = held.keys.iter_mut().find(|key| key.id == id) {
                key.last_used_at = key.last_used_at.max(Some(hour_of(at)));
            }
        });
        Ok(())
    }
}
