//! Findings in the domain's words.

use std::cell::RefCell;
use std::fmt::{self, Write as _};

use ordain_ir::report::Repair;
use ordain_ir::{Direction, EnforcementMode, Limit, PolicyName, PolicyRef, ScopeSelector};

/// How policies are named within one finding: by their names within their packages, unless two of them share it.
pub(crate) struct Names<'a>(Vec<(&'a PolicyName, &'a str)>);

impl<'a> Names<'a> {
    /// Of policies with their labels.
    pub(crate) fn of(policies: impl IntoIterator<Item = (&'a PolicyName, &'a str)>) -> Self {
        Self(policies.into_iter().collect())
    }

    /// The name without quotes.
    pub(crate) fn plain(&self, name: &'a PolicyName) -> &'a str {
        let label = self.0.iter().find(|(known, _)| *known == name).map_or(name.as_str(), |(_, label)| label);
        let shared = self.0.iter().filter(|(_, other)| *other == label).count() > 1;
        if shared { name.as_str() } else { label }
    }

    /// The name in single quotes, as the audit writes it.
    pub(crate) fn quoted(&self, name: &'a PolicyName) -> impl fmt::Display + use<'a> {
        Quoted(self.plain(name))
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text) = self;
        f.write_char('\'')?;
        f.write_str(text)?;
        f.write_char('\'')
    }
}

/// A text in memory of just its size: there are a hundred thousand of them, and a text that grows while it is written
/// is moved and keeps room for more.
pub(crate) fn text(words: fmt::Arguments<'_>) -> String {
    thread_local! {
        static DRAFT: RefCell<String> = const { RefCell::new(String::new()) };
    }
    DRAFT.with_borrow_mut(|draft| {
        draft.clear();
        draft.write_fmt(words).expect("writing to memory doesn't fail, nor do the parts");
        draft.as_str().to_owned()
    })
}

/// Writes the names of an explanation in backticks instead of quotes, and leaves out the leading word: what a
/// diagnostic says.
pub(crate) fn as_message(explanation: &str, policies: &[PolicyRef]) -> String {
    // A label is the name, or what follows one of its dots.
    let is_label = |text: &str| {
        let before = policies.iter().filter_map(|policy| policy.name.as_str().strip_suffix(text));
        before.into_iter().any(|before| before.is_empty() || before.ends_with('.'))
    };
    let mut rest = explanation.strip_prefix("Policy ").unwrap_or(explanation).trim_end_matches('.');
    let mut out = String::with_capacity(rest.len());
    while let Some((before, after)) = rest.split_once('\'') {
        out.push_str(before);
        rest = match after.split_once('\'') {
            Some((label, after)) if is_label(label) => {
                out.extend(["`", label, "`"]);
                after
            }
            _ => {
                out.push('\'');
                after
            }
        };
    }
    out + rest
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
    bound_of(limit, limit.bound.value)
}

fn bound_of(limit: &Limit, value: i64) -> String {
    let direction = match limit.bound.direction {
        Direction::AtMost => "at most",
        Direction::AtLeast => "at least",
    };
    format!("{direction} {}", limit.quantity.format(value))
}

/// Another bound for a limit, in words that tell of it.
pub(crate) fn repair(limit: &Limit, value: i64, description: String) -> Repair {
    let clause = bound_of(limit, value).trim_end().to_owned();
    Repair { policy: limit.id(), description, clause, verified: false }
}

/// `at most 100 (BLOCK)`.
pub(crate) fn enforced_bound(limit: &Limit) -> String {
    format!("{} ({})", bound(limit), limit.enforcement)
}
