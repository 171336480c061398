//! Findings in the domain's words.

use ordain_ir::{Direction, EnforcementMode, Limit, PolicyName, PolicyRef, ScopeSelector};

/// How policies are named within one finding: by local name, unless two of them share it.
pub(crate) struct Names(Vec<PolicyName>);

impl Names {
    pub(crate) fn of(policies: &[&PolicyName]) -> Self {
        Self(policies.iter().copied().cloned().collect())
    }

    /// The name without quotes.
    pub(crate) fn plain<'n>(&self, name: &'n PolicyName) -> &'n str {
        let shared = self.0.iter().filter(|other| other.local() == name.local()).count() > 1;
        if shared { name.as_str() } else { name.local() }
    }

    /// The name in single quotes, as the audit writes it.
    pub(crate) fn quoted(&self, name: &PolicyName) -> String {
        format!("'{}'", self.plain(name))
    }
}

/// Writes the names of an explanation in backticks instead of quotes, and leaves out the leading word: what a
/// diagnostic says.
pub(crate) fn as_message(explanation: &str, policies: &[PolicyRef]) -> String {
    let names: Vec<&PolicyName> = policies.iter().map(|policy| &policy.name).collect();
    let naming = Names::of(&names);
    let mut text = explanation.strip_prefix("Policy ").unwrap_or(explanation).to_owned();
    for name in names {
        text = text.replace(&naming.quoted(name), &format!("`{}`", naming.plain(name)));
    }
    text.trim_end_matches('.').to_owned()
}

/// What a rule of this mode does.
pub(crate) const fn verb(mode: EnforcementMode) -> &'static str {
    match mode {
        EnforcementMode::Block => "blocks",
        EnforcementMode::Warn => "warns",
        EnforcementMode::Audit => "audits",
        EnforcementMode::Disabled => "is disabled",
    }
}

/// `on same scope`, or where else two selectors meet.
pub(crate) fn place(a: &ScopeSelector, b: &ScopeSelector) -> &'static str {
    if a == b { "on same scope" } else { "on overlapping scopes" }
}

/// `at most 100`.
pub(crate) fn bound(limit: &Limit) -> String {
    let direction = match limit.bound.direction {
        Direction::AtMost => "at most",
        Direction::AtLeast => "at least",
    };
    format!("{direction} {}", limit.quantity.format(limit.bound.value))
}

/// `at most 100 (BLOCK)`.
pub(crate) fn enforced_bound(limit: &Limit) -> String {
    format!("{} ({})", bound(limit), limit.enforcement)
}
