//! Who has to vouch for what becomes active: whoever holds one of the keys that are trusted, or people who decide here
//! about what such a one has vouched for.

use std::sync::Arc;

use ordain_ir::signature::{PublicKey, Signature, SignatureError};
use ordain_store::{Store, StoreError, TenantId};

/// Why a bundle isn't taken, whatever is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// It has no signature, and needs one.
    #[error("the bundle is not signed, and this server takes none that isn't (`bundles.keys`)")]
    Unsigned,
    /// It is signed by somebody whom nobody here knows: `ed25519:` and the key in base64.
    #[error("the bundle is signed by {0}, which is none of the keys that are trusted (`bundles.keys`)")]
    Stranger(String),
    /// What came as its signature is none, or one of something else.
    #[error("the bundle's signature is worth nothing: {0}")]
    Worthless(#[from] SignatureError),
}

/// Why it isn't known that somebody vouches for a bundle.
#[derive(Debug, thiserror::Error)]
pub(super) enum Doubt {
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whose signatures count.
#[derive(Clone, Debug, Default)]
pub struct Trust(Arc<[PublicKey]>);

impl Trust {
    /// Each bundle needs a signature by one of these keys; none needs any, if there are no keys.
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// Whether bundles need a signature.
    pub(super) fn asks(&self) -> bool {
        !self.0.is_empty()
    }

    fn counts(&self, key: &PublicKey) -> bool {
        !self.asks() || self.0.contains(key)
    }

    /// Whether the signature that came with a bundle will do. One that doesn't fit will never do.
    pub(super) fn given(&self, bytes: &[u8], signature: Option<&Signature>) -> Result<(), Untrusted> {
        match signature {
            Some(signature) => {
                signature.verify(bytes)?;
                if self.counts(&signature.key) {
                    Ok(())
                } else {
                    Err(Untrusted::Stranger(signature.key.to_string()))
                }
            }
            None if self.asks() => Err(Untrusted::Unsigned),
            None => Ok(()),
        }
    }

    /// The bundle from elsewhere for which somebody has vouched and on which this one rests: itself, if it is signed; or
    /// what the people decided about who have made it, which may be nothing.
    pub(super) async fn root(
        &self,
        store: &dyn Store,
        tenant: &TenantId,
        digest: &str,
    ) -> Result<Option<String>, Doubt> {
        let known = store.bundle_vouchers(tenant, digest).await?;
        if self.signed(store, tenant, digest, &known.signatures).await? {
            return Ok(Some(digest.to_owned()));
        }
        let unsigned = match known.signatures.first() {
            Some(signature) => Untrusted::Stranger(signature.key.to_string()),
            None => Untrusted::Unsigned,
        };
        match known.decided {
            Some(None) => Ok(None),
            Some(Some(root)) => {
                let signatures = store.bundle_vouchers(tenant, &root).await?.signatures;
                let signed = self.signed(store, tenant, &root, &signatures).await?;
                if signed || !self.asks() { Ok(Some(root)) } else { Err(unsigned.into()) }
            }
            None if self.asks() => Err(unsigned.into()),
            None => Ok(Some(digest.to_owned())),
        }
    }

    /// Whether one of these signatures counts and fits.
    async fn signed(
        &self,
        store: &dyn Store,
        tenant: &TenantId,
        digest: &str,
        signatures: &[Signature],
    ) -> Result<bool, StoreError> {
        let counting = |signature: &Signature| self.counts(&signature.key);
        if !signatures.iter().any(counting) {
            return Ok(false);
        }
        let content = store.bundle_content(tenant, digest).await?.unwrap_or_default();
        Ok(signatures.iter().any(|signature| counting(signature) && signature.verify(&content).is_ok()))
    }
}
