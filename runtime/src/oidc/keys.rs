//! The keys that an issuer publishes: found by discovery, kept, and asked for again.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::{OidcError, is_acceptable};
use crate::client::Client;

/// How often keys are asked for.
const EVERY: Duration = Duration::from_mins(5);

/// How soon again while the issuer doesn't answer, doubled each time up to [`SLOWEST`].
const SOON: Duration = Duration::from_millis(500);
const SLOWEST: Duration = Duration::from_secs(30);

/// So often within [`SPAN`] tokens with unknown keys may make the server ask; whoever makes such tokens up shall not
/// turn it against the issuer.
const ASKED: usize = 5;
const SPAN: Duration = Duration::from_mins(1);

/// How long keys count that the issuer hasn't confirmed since.
const STALE: Duration = Duration::from_hours(24);

/// What an issuer says of itself, as far as it matters here.
#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

struct Known {
    keys: Vec<Jwk>,
    at: Instant,
}

/// An issuer's keys.
pub(super) struct Keys {
    issuer: String,
    client: Client,
    known: RwLock<Option<Arc<Known>>>,
    /// When tokens with unknown keys made the server ask. Held while it asks, so that it asks once for all of them.
    asked: Mutex<VecDeque<Instant>>,
}

impl Keys {
    pub(super) fn new(issuer: String, client: Client) -> Self {
        Self { issuer, client, known: RwLock::default(), asked: Mutex::default() }
    }

    fn known(&self) -> Option<Arc<Known>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        known.filter(|known| known.at.elapsed() < STALE)
    }

    /// Whether there are keys that count.
    pub(super) fn are_known(&self) -> bool {
        self.known().is_some()
    }

    /// Asks the issuer again and again. Never ends.
    pub(super) async fn keep(&self) {
        let mut pause = SOON;
        loop {
            match self.ask().await {
                Ok(()) => {
                    pause = SOON;
                    sleep(EVERY).await;
                }
                Err(error) => {
                    tracing::warn!(issuer = self.issuer, %error, "the keys of the issuer of tokens can't be had");
                    sleep(pause).await;
                    pause = (pause * 2).min(SLOWEST);
                }
            }
        }
    }

    async fn ask(&self) -> Result<(), OidcError> {
        let address = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let unreadable = |error: serde_json::Error| OidcError::Unreadable(address.clone(), error.to_string());
        let found: Discovered =
            serde_json::from_slice(&self.client.get(&address).await?).map_err(unreadable)?;
        if found.issuer != self.issuer {
            return Err(OidcError::OtherIssuer { wanted: self.issuer.clone(), found: found.issuer });
        }
        if !is_acceptable(&found.jwks_uri) {
            return Err(OidcError::NotEncrypted(found.jwks_uri));
        }
        let published = self.client.get(&found.jwks_uri).await?;
        let published: Published = serde_json::from_slice(&published)
            .map_err(|error| OidcError::Unreadable(found.jwks_uri.clone(), error.to_string()))?;
        // Kinds of keys that nobody here knows are no reason to do without the others.
        let keys: Vec<Jwk> =
            published.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect();
        tracing::debug!(issuer = self.issuer, keys = keys.len(), "the issuer of tokens has said its keys");
        let known = Some(Arc::new(Known { keys, at: Instant::now() }));
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(())
    }

    /// The keys that may have signed a token which names this one, or none. Where nobody knows it, the issuer is asked.
    pub(super) async fn of(&self, name: Option<&str>) -> Result<Vec<Jwk>, OidcError> {
        let found = self.named(name);
        if !found.is_empty() {
            return Ok(found);
        }
        let mut asked = self.asked.lock().await;
        // Somebody may have asked while this one waited.
        let found = self.named(name);
        if !found.is_empty() {
            return Ok(found);
        }
        while asked.front().is_some_and(|at| at.elapsed() >= SPAN) {
            asked.pop_front();
        }
        if asked.len() < ASKED {
            asked.push_back(Instant::now());
            if let Err(error) = self.ask().await {
                tracing::warn!(issuer = self.issuer, %error, "the keys of the issuer of tokens can't be had");
            }
        }
        drop(asked);
        if self.are_known() { Ok(self.named(name)) } else { Err(OidcError::NoKeys) }
    }

    fn named(&self, name: Option<&str>) -> Vec<Jwk> {
        let Some(known) = self.known() else { return vec![] };
        let fits = |key: &&Jwk| name.is_none_or(|name| key.common.key_id.as_deref() == Some(name));
        known.keys.iter().filter(fits).cloned().collect()
    }
}
