//! Whose data it is.

use std::fmt;
use std::sync::Arc;

/// The tenant on whose behalf a store is asked. It comes from a credential, never from what a request says
/// about itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Arc<str>);

/// Why a text is no tenant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no tenant: it wants 1 to 255 characters and no control characters", .0.escape_debug())]
pub struct TenantIdError(String);

impl TenantId {
    /// A tenant of 1 to 255 characters without control characters. Case counts.
    pub fn new(id: &str) -> Result<Self, TenantIdError> {
        let length = id.chars().count();
        if (1..=255).contains(&length) && !id.chars().any(char::is_control) {
            Ok(Self(id.into()))
        } else {
            Err(TenantIdError(id.chars().take(64).collect()))
        }
    }

    /// The tenant as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds() {
        assert!(TenantId::new("demo-tenant").is_ok());
        assert!(TenantId::new(&"ü".repeat(255)).is_ok());
        for bad in ["", "a\0b", "a\nb", &"x".repeat(256)] {
            assert!(TenantId::new(bad).is_err(), "{bad:?}");
        }
        assert_eq!(
            TenantId::new("a\nb").unwrap_err().to_string(),
            "`a\\nb` is no tenant: it wants 1 to 255 characters and no control characters"
        );
    }
}
