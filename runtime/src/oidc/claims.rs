//! What the claims of a token mean here.

use std::collections::{BTreeMap, BTreeSet};

use ordain_store::{Principal, PrincipalKind, Role, TenantId};
use serde_json::Value;

/// The claims of a token that is good.
pub(super) struct Claims(pub(super) Value);

/// The whole seconds of an instant in a token; a fraction is left out.
pub(super) fn seconds(value: &Value) -> Option<i64> {
    let Value::Number(number) = value else { return None };
    number.to_string().split('.').next()?.parse().ok()
}

impl Claims {
    /// The claim of this name; else, where the name has dots, what the names between them lead to.
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).or_else(|| name.split('.').try_fold(&self.0, |value, part| value.get(part)))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    pub(super) fn tenant(&self, claim: &str) -> Result<TenantId, String> {
        let said = self.get(claim).ok_or_else(|| {
            format!("the token has no claim `{claim}`, so nobody can say whose data it is about")
        })?;
        let name = said.as_str().ok_or_else(|| format!("the token's claim `{claim}` is no text"))?;
        TenantId::new(name).map_err(|error| format!("the token's claim `{claim}`: {error}"))
    }

    pub(super) fn principal(&self, claim: &str) -> Result<Principal, String> {
        let name = self
            .text(claim)
            .ok_or_else(|| format!("the token has no claim `{claim}` that says who it is"))?;
        let kind = if self.is_a_programs() { PrincipalKind::Service } else { PrincipalKind::Human };
        Principal::new(kind, name).map_err(|error| format!("the token's claim `{claim}`: {error}"))
    }

    /// Issuers give tokens to programs too, and say so in ways of their own. Such a token makes nobody a person.
    fn is_a_programs(&self) -> bool {
        let subject = self.text("sub").unwrap_or_default();
        // RFC 9068, section 2.2: without a person, the subject is the client.
        let itself = ["client_id", "azp"].iter().any(|claim| self.text(claim) == Some(subject));
        let is = |claim: &str, value: &str| self.text(claim) == Some(value);
        let keycloak = |name: &str| name.starts_with("service-account-");
        itself
            || is("gty", "client-credentials")
            || is("idtyp", "app")
            || self.text("preferred_username").is_some_and(keycloak)
    }

    pub(super) fn roles(&self, claim: &str, mapping: &BTreeMap<String, BTreeSet<Role>>) -> BTreeSet<Role> {
        let values: Vec<&str> = match self.get(claim) {
            // As `scope` has it.
            Some(Value::String(text)) => text.split_whitespace().collect(),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => vec![],
        };
        if mapping.is_empty() {
            return values.iter().filter_map(|value| value.parse().ok()).collect();
        }
        values.iter().filter_map(|value| mapping.get(*value)).flatten().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_may_have_dots_or_lead_into_objects() {
        let claims = Claims(json!({
            "https://acme.example/tenant": "acme", "realm_access": { "roles": ["viewer", "other", 3] }, "scope": "author viewer"
        }));
        assert_eq!(claims.tenant("https://acme.example/tenant").unwrap().as_str(), "acme");
        assert_eq!(claims.roles("realm_access.roles", &BTreeMap::new()), BTreeSet::from([Role::Viewer]));
        assert_eq!(claims.roles("scope", &BTreeMap::new()), BTreeSet::from([Role::Viewer, Role::Author]));
        assert_eq!(claims.roles("groups", &BTreeMap::new()), BTreeSet::new());
        let mapping = BTreeMap::from([("other".to_owned(), BTreeSet::from([Role::Operator, Role::Decide]))]);
        assert_eq!(
            claims.roles("realm_access.roles", &mapping),
            BTreeSet::from([Role::Operator, Role::Decide])
        );
        assert_eq!(
            claims.tenant("tenant").unwrap_err(),
            "the token has no claim `tenant`, so nobody can say whose data it is about"
        );
    }

    #[test]
    fn programs_are_no_people() {
        let human = |claims: Value| Claims(claims).principal("sub").unwrap().is_human();
        assert!(human(json!({ "sub": "ada", "azp": "panel", "client_id": "panel" })));
        assert!(!human(json!({ "sub": "robot", "client_id": "robot" })));
        assert!(!human(json!({ "sub": "robot", "azp": "robot" })));
        assert!(!human(json!({ "sub": "x@clients", "gty": "client-credentials" })));
        assert!(!human(json!({ "sub": "x", "idtyp": "app" })));
        assert!(!human(json!({ "sub": "x", "preferred_username": "service-account-robot" })));
        assert!(Claims(json!({ "sub": 3 })).principal("sub").is_err());
    }

    #[test]
    fn instants_are_whole_seconds() {
        for (value, wanted) in
            [(json!(10), Some(10)), (json!(10.9), Some(10)), (json!("10"), None), (json!(null), None)]
        {
            assert_eq!(seconds(&value), wanted, "{value}");
        }
    }
}
