//! Who may do what: principals, their roles, and the keys that prove who they are.

use std::collections::BTreeSet;

use jiff::Timestamp;
use ordain_ir::wire_enum;
use uuid::Uuid;

use crate::TenantId;

wire_enum! {
    /// What a principal may do. None implies another.
    pub enum Role {
        /// See what the panels see.
        Viewer = "viewer",
        /// Propose policies.
        Author = "author",
        /// Approve and reject proposals, retire rules, acknowledge conflicts; of use to people only.
        Approver = "approver",
        /// Hand in violations.
        Ingest = "ingest",
        /// Ask for decisions.
        Decide = "decide",
        /// Upload and activate bundles, and see the server's metrics.
        Operator = "operator",
    }
}

wire_enum! {
    /// What a principal is.
    pub enum PrincipalKind {
        /// A person.
        Human = "human",
        /// A program.
        Service = "service",
    }
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Principal {
    /// A person or a program.
    pub kind: PrincipalKind,
    /// By this name within the tenant.
    pub name: String,
}

/// Why a text is no principal's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no name: it wants 1 to 255 characters and no control characters", .0.escape_debug())]
pub struct PrincipalNameError(String);

impl Principal {
    /// A principal with a name of 1 to 255 characters without control characters.
    pub fn new(kind: PrincipalKind, name: &str) -> Result<Self, PrincipalNameError> {
        let length = name.chars().count();
        if (1..=255).contains(&length) && !name.chars().any(char::is_control) {
            Ok(Self { kind, name: name.to_owned() })
        } else {
            Err(PrincipalNameError(name.chars().take(64).collect()))
        }
    }

    /// Whether it is a person.
    pub fn is_human(&self) -> bool {
        self.kind == PrincipalKind::Human
    }
}

/// An API key, without the secret: only its hash is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// Identity.
    pub id: Uuid,
    /// The part of the key that it is looked up by, unlike that of every other key of any tenant.
    pub prefix: String,
    /// The hash of the secret part.
    pub hash: [u8; 32],
    /// Whose it is.
    pub principal: Principal,
    /// What it may do.
    pub roles: BTreeSet<Role>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it counts no more; never, if none.
    pub expires_at: Option<Timestamp>,
    /// When somebody revoked it.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the hour.
    pub last_used_at: Option<Timestamp>,
    /// The key that it took the place of.
    pub replaces: Option<Uuid>,
}

impl ApiKeyRecord {
    /// Whether it counts at this instant.
    pub fn is_valid(&self, at: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| at < end)
    }

    /// Its roles as one text, in one order.
    pub fn roles_text(&self) -> String {
        self.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(",")
    }

    /// The roles of such a text.
    pub fn read_roles(text: &str) -> Result<BTreeSet<Role>, String> {
        text.split(',').filter(|role| !role.is_empty()).map(str::parse).collect()
    }
}

/// A key that was looked up, with the tenant that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundApiKey {
    /// Whose.
    pub tenant: TenantId,
    /// The key.
    pub key: ApiKeyRecord,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_as_text() {
        let roles = BTreeSet::from([Role::Operator, Role::Viewer]);
        let key = ApiKeyRecord {
            id: Uuid::nil(),
            prefix: "p".to_owned(),
            hash: [0; 32],
            principal: Principal::new(PrincipalKind::Human, "ada").unwrap(),
            roles: roles.clone(),
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
            replaces: None,
        };
        assert_eq!(key.roles_text(), "viewer,operator");
        assert_eq!(ApiKeyRecord::read_roles("viewer,operator"), Ok(roles));
        assert!(ApiKeyRecord::read_roles("viewer,root").is_err());
        assert_eq!(ApiKeyRecord::read_roles(""), Ok(BTreeSet::new()));
        assert!(Principal::new(PrincipalKind::Service, "").is_err());
        assert!(Principal::new(PrincipalKind::Service, "a\nb").is_err());
    }
}
