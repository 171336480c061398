//! People who show a token of an OpenID Connect issuer: whose data it is about, and what they may do.

mod claims;
mod keys;
mod signatures;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use ordain_store::{Clock, Role, TenantId};
use serde_json::Value;

use self::claims::Claims;
use self::keys::Keys;
use crate::client::{Client, ClientError};
use crate::service::Access;

/// The algorithms that tokens may be signed with. None of them has a secret that both sides know.
pub const ALGORITHMS: &[&str] = &["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"];

/// Whose data a token is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantSource {
    /// Always this tenant's: everybody of the issuer belongs to it.
    Always(TenantId),
    /// Of the tenant that this claim names.
    Claim(String),
}

/// Whom to believe, and what.
#[derive(Clone, Debug)]
pub struct OidcOptions {
    /// Who makes the tokens, as their `iss` says it.
    pub issuer: String,
    /// For whom tokens must be: one of these is in `aud`.
    pub audience: Vec<String>,
    /// How they may be signed: some of [`ALGORITHMS`].
    pub algorithms: Vec<String>,
    /// Whose data they are about.
    pub tenant: TenantSource,
    /// The claim that says who it is.
    pub name_claim: String,
    /// The claim that says what they are or belong to.
    pub roles_claim: String,
    /// What roles follow from each value of that claim; a role from its own name, if this is empty.
    pub roles: BTreeMap<String, BTreeSet<Role>>,
    /// How far the clocks of issuer and server may be apart.
    pub skew: Duration,
    /// Certificates that the issuer is trusted by, beside those of this machine.
    pub authorities: Option<PathBuf>,
}

/// Why an issuer's word isn't taken.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// It doesn't answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It says something else than an issuer does.
    #[error("what is at {0} can't be understood: {1}")]
    Unreadable(String, String),
    /// It calls itself otherwise.
    #[error("the issuer at `{wanted}` calls itself `{found}`; configure the name that it has")]
    OtherIssuer {
        /// As it is configured.
        wanted: String,
        /// As it says.
        found: String,
    },
    /// Others could change what it says on the way.
    #[error("`{0}` is not https, so nobody knows whose keys are there")]
    NotEncrypted(String),
    /// Its keys aren't known.
    #[error("the keys of the issuer of tokens are not known yet")]
    NoKeys,
    /// The configuration makes no sense.
    #[error("{0}")]
    Options(String),
}

/// Why a token isn't good.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It says nothing that can be believed: in words.
    Invalid(String),
    /// It is good, and doesn't say what it must for this server.
    Insufficient(String),
    /// Nobody can say, since the issuer has not answered yet.
    NotReady,
}

/// Whether an address is one on which nobody can change what is said: https, or this machine.
fn is_acceptable(address: &str) -> bool {
    let Ok(uri) = address.parse::<axum::http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default();
    let here = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    !host.is_empty() && (uri.scheme_str() == Some("https") || (uri.scheme_str() == Some("http") && here))
}

struct Inner {
    options: OidcOptions,
    algorithms: Vec<Algorithm>,
    keys: Keys,
    clock: Arc<dyn Clock>,
}

/// Knows people by their tokens.
#[derive(Clone)]
pub struct Oidc(Arc<Inner>);

impl Oidc {
    /// One that hasn't asked its issuer yet.
    pub fn new(options: OidcOptions, clock: Arc<dyn Clock>) -> Result<Self, OidcError> {
        signatures::install();
        if !is_acceptable(&options.issuer) {
            return Err(OidcError::NotEncrypted(options.issuer));
        }
        let named = |name: &String| {
            let known = ALGORITHMS.contains(&name.as_str()).then(|| name.parse().ok()).flatten();
            known.ok_or_else(|| {
                OidcError::Options(format!("`{name}` is no algorithm; there are {}", ALGORITHMS.join(", ")))
            })
        };
        let algorithms = options.algorithms.iter().map(named).collect::<Result<Vec<_>, _>>()?;
        let keys = Keys::new(options.issuer.clone(), Client::new(options.authorities.as_deref())?);
        Ok(Self(Arc::new(Inner { options, algorithms, keys, clock })))
    }

    /// Whether the issuer's keys are known.
    pub(crate) fn is_ready(&self) -> bool {
        self.0.keys.are_known()
    }

    /// Asks the issuer for its keys, again and again. Never ends.
    pub(crate) async fn keep(&self) {
        self.0.keys.keep().await;
    }

    /// Who shows this token.
    pub(crate) async fn authenticate(&self, token: &str) -> Result<Access, Refusal> {
        let claims = Claims(self.verified(token).await?);
        let Inner { options, .. } = &*self.0;
        let tenant = match &options.tenant {
            TenantSource::Always(tenant) => tenant.clone(),
            TenantSource::Claim(claim) => claims.tenant(claim).map_err(Refusal::Insufficient)?,
        };
        let principal = claims.principal(&options.name_claim).map_err(Refusal::Insufficient)?;
        Ok(Access { tenant, principal, roles: claims.roles(&options.roles_claim, &options.roles) })
    }

    /// What a token says that its issuer has signed for us, and that counts now.
    async fn verified(&self, token: &str) -> Result<Value, Refusal> {
        let Inner { options, algorithms, keys, .. } = &*self.0;
        let invalid = |detail: String| Refusal::Invalid(detail);
        // An algorithm without a name here (`none` is one) is no header.
        let header = decode_header(token).map_err(|_| {
            invalid(format!("this is no token that is signed with {}", options.algorithms.join(", ")))
        })?;
        let algorithm = header.alg;
        if !algorithms.contains(&algorithm) {
            return Err(invalid(format!(
                "the token is signed with {algorithm:?}; accepted are {}",
                options.algorithms.join(", ")
            )));
        }
        let named = header.kid.as_deref();
        let candidates = keys.of(named).await.map_err(|_| Refusal::NotReady)?;
        let fitting: Vec<&Jwk> = candidates.iter().filter(|key| fits(key, algorithm)).collect();
        let key = match (fitting.as_slice(), named) {
            ([key], _) => *key,
            ([], _) => {
                return Err(invalid(
                    "the token is signed with a key that its issuer doesn't publish".to_owned(),
                ));
            }
            // Which of several, the token would have to say.
            _ => {
                return Err(invalid(
                    "the token doesn't say with which of its issuer's keys it is signed".to_owned(),
                ));
            }
        };
        let key =
            DecodingKey::from_jwk(key).map_err(|_| invalid("the issuer's key is damaged".to_owned()))?;
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[&options.issuer]);
        validation.set_audience(&options.audience);
        validation.set_required_spec_claims(&["iss", "aud"]);
        // The library would read the machine's clock; the end is needed below.
        validation.validate_exp = false;
        let claims =
            decode::<Value>(token, &key, &validation).map_err(|error| invalid(self.words(error.kind())))?;
        self.is_current(&claims.claims).map_err(Refusal::Invalid)?;
        Ok(claims.claims)
    }

    fn words(&self, kind: &jsonwebtoken::errors::ErrorKind) -> String {
        use jsonwebtoken::errors::ErrorKind;
        let options = &self.0.options;
        match kind {
            ErrorKind::InvalidIssuer => format!("the token is of another issuer than `{}`", options.issuer),
            ErrorKind::InvalidAudience => {
                format!("the token is not for this server: its `aud` is not {}", quoted(&options.audience))
            }
            ErrorKind::MissingRequiredClaim(claim) => format!("the token has no claim `{claim}`"),
            ErrorKind::InvalidClaimFormat(claim) => {
                format!("the token's claim `{claim}` can't be understood")
            }
            ErrorKind::InvalidSignature => "the token's signature is wrong".to_owned(),
            _ => "this is no token that can be understood".to_owned(),
        }
    }

    /// Whether a token counts at this instant.
    fn is_current(&self, claims: &Value) -> Result<(), String> {
        let now = self.0.clock.now();
        let skew = SignedDuration::try_from(self.0.options.skew).unwrap_or(SignedDuration::MAX);
        let instant = |claim: &str| match claims.get(claim) {
            None => Ok(None),
            Some(value) => claims::seconds(value)
                .and_then(|seconds| Timestamp::from_second(seconds).ok())
                .map(Some)
                .ok_or_else(|| format!("the token's claim `{claim}` is no instant")),
        };
        let end = instant("exp")?.ok_or("the token has no claim `exp`")?;
        if now.checked_sub(skew).unwrap_or(Timestamp::MIN) >= end {
            return Err(format!("the token has expired, at {end}"));
        }
        match instant("nbf")? {
            Some(begin) if now.checked_add(skew).unwrap_or(Timestamp::MAX) < begin => {
                Err(format!("the token counts from {begin} on"))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a published key is for signatures of this kind.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let for_signatures = matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let said = key.common.key_algorithm.is_none_or(|said| said.to_string() == format!("{algorithm:?}"));
    let family = DecodingKey::from_jwk(key).is_ok_and(|key| key.family() == algorithm.family());
    for_signatures && said && family
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
}
