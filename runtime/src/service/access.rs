//! API keys: made once, shown once, known afterwards by their hash alone.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ordain_store::{
    ApiKeyRecord, Clock, FoundApiKey, Principal, Random, Role, Store, StoreError, TenantId, hour_of, new_id,
};
use uuid::Uuid;

use super::kept::Kept;

/// For how long a key that was good stays so while the store doesn't answer.
const WITHOUT_STORE: Duration = Duration::from_mins(10);

/// How every key begins, so that scanners for secrets know one when they see it.
const MARK: &str = "ordain";

/// The whole of a key, as its owner keeps it: `ordain_`, 16 hexadecimal digits that it is looked up by, `_`, and
/// 64 that are the secret: 32 bytes of chance.
pub struct ApiKey(String);

impl ApiKey {
    /// To be shown once, to the one who asked for it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

/// What is known of whoever asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whose data it is about. It comes from the credential and from nowhere else.
    pub tenant: TenantId,
    /// Who asks.
    pub principal: Principal,
    /// What they may do.
    pub roles: BTreeSet<Role>,
}

/// What a new key shall be.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// Whose.
    pub principal: Principal,
    /// For what; at least one.
    pub roles: BTreeSet<Role>,
    /// For how long; for ever, if nothing is said.
    pub lifetime: Option<SignedDuration>,
}

/// Makes keys and checks them.
#[derive(Clone)]
pub struct ApiKeyService {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    kept: Arc<Kept<Option<FoundApiKey>>>,
    /// The hour in which the use of a key was noted last, by those who don't wait for the store.
    noted: Arc<Mutex<HashMap<Uuid, Timestamp>>>,
}

impl ApiKeyService {
    /// A service over a store.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let keys = Arc::clone(&store);
        let kept = Kept::new(WITHOUT_STORE, move |prefix: String, _| {
            let store = Arc::clone(&keys);
            async move { store.api_key_by_prefix(&prefix).await }
        });
        Self { store, clock, random, kept: Arc::new(kept), noted: Arc::default() }
    }

    /// Whether a credential looks like a key, good or not.
    pub(crate) fn is_meant_as_key(presented: &str) -> bool {
        presented.strip_prefix(MARK).is_some_and(|rest| rest.starts_with('_'))
    }

    /// Makes a key. This is the only time that it can be seen.
    pub async fn create(
        &self,
        tenant: &TenantId,
        new: NewApiKey,
    ) -> Result<(ApiKey, ApiKeyRecord), StoreError> {
        let now = self.clock.now();
        let (key, record) = self.made(new, now, None);
        self.store.create_api_key(tenant, &record).await?;
        tracing::info!(%tenant, id = %record.id, principal = record.principal.name, "API key created");
        Ok((key, record))
    }

    /// Every key of a tenant, the oldest first.
    pub async fn list(&self, tenant: &TenantId) -> Result<Vec<ApiKeyRecord>, StoreError> {
        self.store.api_keys(tenant).await
    }

    /// Revokes a key at once; `None` if the tenant has none of this identity.
    pub async fn revoke(&self, tenant: &TenantId, id: Uuid) -> Result<Option<ApiKeyRecord>, StoreError> {
        let revoked = self.store.revoke_api_key(tenant, id, self.clock.now()).await?;
        if revoked.is_some() {
            tracing::info!(%tenant, %id, "API key revoked");
        }
        Ok(revoked)
    }

    /// Makes a key like an old one, which ends after a while; `None` if the tenant has none of this identity that
    /// counts. The new one lives as long as the old one was meant to.
    pub async fn rotate(
        &self,
        tenant: &TenantId,
        id: Uuid,
        grace: SignedDuration,
    ) -> Result<Option<(ApiKey, ApiKeyRecord)>, StoreError> {
        let now = self.clock.now();
        let keys = self.store.api_keys(tenant).await?;
        let Some(old) = keys.into_iter().find(|key| key.id == id && key.is_valid(now)) else {
            return Ok(None);
        };
        let lifetime = old.expires_at.map(|end| end.duration_since(old.created_at));
        let new = NewApiKey { principal: old.principal, roles: old.roles, lifetime };
        let (key, record) = self.made(new, now, Some(id));
        let until = now.checked_add(grace).unwrap_or(Timestamp::MAX);
        if !self.store.replace_api_key(tenant, id, until, &record).await? {
            return Ok(None);
        }
        tracing::info!(%tenant, %id, new = %record.id, "API key rotated");
        Ok(Some((key, record)))
    }

    fn made(&self, new: NewApiKey, now: Timestamp, replaces: Option<Uuid>) -> (ApiKey, ApiKeyRecord) {
        let (mut prefix, mut secret) = ([0; 8], [0; 32]);
        self.random.fill(&mut prefix);
        self.random.fill(&mut secret);
        let prefix = hexadecimal(&prefix);
        let key = ApiKey(format!("{MARK}_{prefix}_{}", hexadecimal(&secret)));
        let expires_at = new.lifetime.map(|lifetime| now.checked_add(lifetime).unwrap_or(Timestamp::MAX));
        let record = ApiKeyRecord {
            id: new_id(now, &*self.random),
            prefix,
            hash: *hash(&secret).as_bytes(),
            principal: new.principal,
            roles: new.roles,
            created_at: now,
            expires_at,
            revoked_at: None,
            last_used_at: None,
            replaces,
        };
        (key, record)
    }

    /// Whose key it is; `None` if it is none, is unknown, or counts no more. Which of these is for the log alone.
    pub async fn authenticate(&self, presented: &str) -> Result<Option<Access>, StoreError> {
        let Some((prefix, secret)) = parse(presented) else {
            tracing::info!("a credential was presented that is no API key");
            return Ok(None);
        };
        let Some(access) = self.judged(self.store.api_key_by_prefix(prefix).await?, &secret) else {
            return Ok(None);
        };
        // Once an hour and no oftener, so that reading stays reading.
        let (FoundApiKey { tenant, key }, now) = (&access.0, access.1);
        if key.last_used_at.is_none_or(|used| used < hour_of(now)) {
            self.store.touch_api_key(tenant, key.id, now).await?;
        }
        Ok(Some(access.0.into()))
    }

    /// The same for those who can't wait for the store: by what it said a moment ago, and while it doesn't answer by
    /// what it said within the last ten minutes. A key that is revoked may open for that moment more.
    pub async fn authenticate_at_once(&self, presented: &str) -> Result<Option<Access>, StoreError> {
        let Some((prefix, secret)) = parse(presented) else {
            tracing::info!("a credential was presented that is no API key");
            return Ok(None);
        };
        let found = self.kept.get(prefix).await?.value;
        if found.is_none() {
            // Made-up prefixes shall take no room.
            self.kept.forget(prefix);
        }
        let Some((found, now)) = self.judged(found, &secret) else { return Ok(None) };
        let hour = hour_of(now);
        if found.key.last_used_at.is_none_or(|used| used < hour) {
            let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
            if noted.insert(found.key.id, hour) != Some(hour) {
                let (store, tenant, id) = (Arc::clone(&self.store), found.tenant.clone(), found.key.id);
                tokio::spawn(async move {
                    if let Err(error) = store.touch_api_key(&tenant, id, now).await {
                        tracing::warn!(%tenant, %id, %error, "the use of an API key could not be noted");
                    }
                });
            }
        }
        Ok(Some(found.into()))
    }

    /// The key that was found, if it is the one presented and counts now.
    fn judged(&self, found: Option<FoundApiKey>, secret: &[u8; 32]) -> Option<(FoundApiKey, Timestamp)> {
        let Some(found) = found else {
            tracing::info!("an API key was presented that nobody has");
            return None;
        };
        let FoundApiKey { tenant, key } = &found;
        // Hashes of this type are compared in constant time.
        if hash(secret) != blake3::Hash::from_bytes(key.hash) {
            tracing::warn!(%tenant, id = %key.id, "an API key was presented with a wrong secret");
            return None;
        }
        let now = self.clock.now();
        if !key.is_valid(now) {
            tracing::info!(%tenant, id = %key.id, "an API key was presented that has expired or was revoked");
            return None;
        }
        Some((found, now))
    }
}

impl From<FoundApiKey> for Access {
    fn from(FoundApiKey { tenant, key }: FoundApiKey) -> Self {
        Self { tenant, principal: key.principal, roles: key.roles }
    }
}

/// The secrets are chance already: a slow hash would add nothing but the way to keep the server busy.
fn hash(secret: &[u8; 32]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_derive_key("ordain api key v1");
    hasher.update(secret);
    hasher.finalize()
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).expect("four bits are one digit");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The prefix and the secret of a key; `None` if the text is no key.
fn parse(text: &str) -> Option<(&str, [u8; 32])> {
    let (prefix, secret) = text.strip_prefix(MARK)?.strip_prefix('_')?.split_once('_')?;
    let hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if prefix.len() != 16 || secret.len() != 64 || !hex(prefix) || !hex(secret) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(secret.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some((prefix, bytes))
}

#[cfg(test)]
mod tests {
    use ordain_store::{ManualClock, MemoryStore, PrincipalKind, SeededRandom};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    struct World {
        keys: ApiKeyService,
        clock: Arc<ManualClock>,
        tenant: TenantId,
    }

    fn world() -> World {
        let clock = Arc::new(ManualClock::new(at(0)));
        let random = Arc::new(SeededRandom::new(1));
        let keys = ApiKeyService::new(Arc::new(MemoryStore::default()), clock.clone(), random);
        World { keys, clock, tenant: TenantId::new("acme").unwrap() }
    }

    fn viewer(lifetime: Option<i64>) -> NewApiKey {
        NewApiKey {
            principal: Principal::new(PrincipalKind::Human, "ada").unwrap(),
            roles: BTreeSet::from([Role::Viewer]),
            lifetime: lifetime.map(SignedDuration::from_secs),
        }
    }

    #[tokio::test]
    async fn only_the_whole_key_opens() {
        let World { keys, tenant, .. } = world();
        let (key, record) = keys.create(&tenant, viewer(None)).await.unwrap();
        let access = keys.authenticate(key.reveal()).await.unwrap().unwrap();
        assert_eq!((&access.tenant, access.principal.name.as_str()), (&tenant, "ada"));
        assert_eq!(access.roles, record.roles);
        let whole = key.reveal();
        assert_eq!(whole.len(), 88);
        assert!(!format!("{key:?}{record:?}").contains(&whole[24..]), "the secret is nowhere else");
        for i in 0..whole.len() {
            let mut other = whole.to_owned();
            other.replace_range(i..=i, if &whole[i..=i] == "0" { "1" } else { "0" });
            assert_eq!(keys.authenticate(&other).await.unwrap(), None, "{other}");
        }
        for bad in ["", "ordain", "ordain__", &whole[..87], &format!("{whole}0"), &whole.to_uppercase(), "ü"]
        {
            assert_eq!(keys.authenticate(bad).await.unwrap(), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn keys_end() {
        let World { keys, clock, tenant } = world();
        let (short, _) = keys.create(&tenant, viewer(Some(10))).await.unwrap();
        let (long, record) = keys.create(&tenant, viewer(None)).await.unwrap();
        clock.set(at(9));
        assert!(keys.authenticate(short.reveal()).await.unwrap().is_some());
        clock.set(at(10));
        assert!(keys.authenticate(short.reveal()).await.unwrap().is_none());
        assert!(keys.authenticate(long.reveal()).await.unwrap().is_some());
        assert_eq!(keys.revoke(&TenantId::new("other").unwrap(), record.id).await.unwrap(), None);
        assert!(keys.revoke(&tenant, record.id).await.unwrap().is_some());
        assert!(keys.authenticate(long.reveal()).await.unwrap().is_none());
        assert!(keys.rotate(&tenant, record.id, SignedDuration::ZERO).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn rotation_leaves_time_to_change() {
        let World { keys, clock, tenant } = world();
        let (old, record) = keys.create(&tenant, viewer(Some(1000))).await.unwrap();
        clock.set(at(100));
        let (new, renewed) =
            keys.rotate(&tenant, record.id, SignedDuration::from_secs(50)).await.unwrap().unwrap();
        assert_eq!((renewed.expires_at, renewed.replaces), (Some(at(1100)), Some(record.id)));
        clock.set(at(149));
        assert!(keys.authenticate(old.reveal()).await.unwrap().is_some());
        clock.set(at(150));
        assert!(keys.authenticate(old.reveal()).await.unwrap().is_none());
        assert!(keys.authenticate(new.reveal()).await.unwrap().is_some());
        assert!(
            keys.rotate(&tenant, record.id, SignedDuration::ZERO).await.unwrap().is_none(),
            "it has ended"
        );
    }
}
