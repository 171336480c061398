//! Names and identities of policies.

use std::cmp::Ordering;
use std::fmt;
use std::sync::{Arc, LazyLock};

use blake3::hazmat::{ContextKey, HasherExt as _, hash_derive_key_context};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::wire_enum;

wire_enum! {
    /// What a policy is.
    pub enum PolicyKind {
        /// What agents may do.
        Rule = "rule",
        /// How much of it.
        Limit = "limit",
    }
}

/// A policy's full name: the dotted package, then the policy's own kebab-case name,
/// `acme.support.no-pii-export`. Rules and limits share one name space.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PolicyName(Arc<str>);

impl PolicyName {
    /// Joins a package (which may be empty) and a policy's own name.
    pub fn new(package: &str, name: &str) -> Self {
        Self(if package.is_empty() { name.into() } else { format!("{package}.{name}").into() })
    }

    /// The full name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the last dot.
    pub fn local(&self) -> &str {
        self.0.rsplit_once('.').map_or(&*self.0, |(_, name)| name)
    }

    /// The part before the last dot; empty if there is none.
    pub fn package(&self) -> &str {
        self.0.rsplit_once('.').map_or("", |(package, _)| package)
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for PolicyName {
    fn from(full: &str) -> Self {
        Self(full.into())
    }
}

/// A policy's identity: a version 8 UUID (RFC 9562) made from a hash of its full name, so it is the same
/// on every machine and survives every edit but a rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PolicyId(pub Uuid);

/// By its bytes, as one number: policies are looked up by it all the time.
impl Ord for PolicyId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.as_u128().cmp(&other.0.as_u128())
    }
}

impl PartialOrd for PolicyId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PolicyId {
    /// The identity of the policy with this full name.
    pub fn of(name: &PolicyName) -> Self {
        /// Hashed once, not again for each policy.
        static CONTEXT: LazyLock<ContextKey> =
            LazyLock::new(|| hash_derive_key_context("ordain policy id v1"));
        let mut hasher = blake3::Hasher::new_from_context_key(&CONTEXT);
        hasher.update(name.as_str().as_bytes());
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl fmt::Display for PolicyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A policy as a finding, an edge or a decision names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PolicyRef {
    /// Its identity.
    pub id: PolicyId,
    /// Rule or limit.
    pub kind: PolicyKind,
    /// Its full name.
    pub name: PolicyName,
}

impl PolicyRef {
    /// Refers to the policy with this kind and full name.
    pub fn new(kind: PolicyKind, name: &PolicyName) -> Self {
        Self { id: PolicyId::of(name), kind, name: name.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_depends_on_the_full_name_only() {
        let a = PolicyId::of(&PolicyName::new("acme", "x"));
        assert_eq!(a, PolicyId::of(&"acme.x".into()));
        assert_ne!(a, PolicyId::of(&"acme.y".into()));
        assert_eq!(a.0.get_version_num(), 8);
        // Stored identities stay what they are.
        let mut bytes = blake3::derive_key("ordain policy id v1", b"acme.x")[..16].to_vec();
        (bytes[6], bytes[8]) = (bytes[6] & 0x0f | 0x80, bytes[8] & 0x3f | 0x80);
        assert_eq!(a.0.as_bytes(), bytes.as_slice());
    }

    #[test]
    fn names_split_at_the_last_dot() {
        let name = PolicyName::new("acme.support", "no-pii");
        assert_eq!((name.package(), name.local()), ("acme.support", "no-pii"));
        let bare = PolicyName::new("", "no-pii");
        assert_eq!((bare.package(), bare.local()), ("", "no-pii"));
    }
}
